// Package notify tells people that something is wrong, by messages, and machines that all is
// well, by a heartbeat and to systemd. It knows neither the file nor the recorder: who uses it
// says how things stand, and it says it once, reminds, and says when it is over.
package notify

import "time"

// State is what a message says of an alarm.
type State string

// The states.
const (
	Raised   State = "raised"
	Reminder State = "reminder"
	Resolved State = "resolved"
	Event    State = "event" // something that happened, and is not resolved
)

// Message is what a person is told, also as the JSON of a webhook.
type Message struct {
	Title string    `json:"title"` // one line
	Text  string    `json:"text"`  // sentences
	Alarm string    `json:"alarm"` // its name, such as feed
	State State     `json:"state"`
	Time  time.Time `json:"time"` // when it was written
}
