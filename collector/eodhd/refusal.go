package eodhd

import (
	"net/http"
	"strconv"
	"time"
	"unicode"
)

// maxRetryAfter is the longest wait that a server can ask for: a recorder that
// sleeps longer loses more than it spares.
const maxRetryAfter = 300 * time.Second

// Refused is the server saying no: at the handshake by HTTP, or by a control frame
// at any moment after it. After a refusal by frame the connection goes on until
// somebody closes it; the feed itself closes it after most of them.
type Refused struct {
	// Code is HTTP's status or the frame's status_code or status.
	Code int
	// Message is the server's text, cleaned of the key and cut to 200
	// characters; of a refused handshake the status in words.
	Message string
	// Handshake says that HTTP refused, before there was a WebSocket.
	Handshake bool

	wait    time.Duration
	hasWait bool
}

func refusedFrame(c Control, clean func(string) string) *Refused {
	return &Refused{Code: c.Code, Message: tidy(clean(c.Message))}
}

func refusedHandshake(r *http.Response) *Refused {
	refused := &Refused{Code: r.StatusCode, Message: http.StatusText(r.StatusCode), Handshake: true}
	refused.wait, refused.hasWait = retryAfter(r.Header.Get("Retry-After"), time.Now())
	return refused
}

// tidy makes a server's text fit for a line of a log.
func tidy(text string) string {
	runes := make([]rune, 0, 200)
	for _, r := range text {
		if len(runes) == cap(runes) {
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		runes = append(runes, r)
	}
	return string(runes)
}

// Error is the refusal in plain words, with the server's own.
func (r *Refused) Error() string {
	what := "the feed refused"
	if r.Handshake {
		what = "the feed refused the handshake"
	}
	text := what + ": " + strconv.Itoa(r.Code)
	if r.Message != "" {
		text += " " + r.Message
	}
	if r.Handshake && r.Code/100 == 3 {
		text += " (redirects are not followed: they would carry the key elsewhere)"
	}
	return text
}

// RetryAfter is how long the server asked to wait, at most 300 s; ok is false if
// it did not say. Only handshakes carry it (the Retry-After header).
func (r *Refused) RetryAfter() (wait time.Duration, ok bool) { return r.wait, r.hasWait }

// The documented messages of EODHD that share the code 422 and need different
// answers. They are compared whole, and nowhere else.
const (
	messageSlots = "Symbols limit reached"
	messageDemo  = "Only limited symbols allowed for demo"
)

// Refusal says what kind of refusal it is, for whoever decides when to try again:
//
//	key      the key or its plan does not allow it (401, 403, 404, and 422 for
//	         symbols that the demo key has not): minutes will not heal it
//	slots    the key's symbols are all in use (422), perhaps by a connection that
//	         has just died: a minute may heal it
//	rate     too many tries (429)
//	server   the server is in trouble (5xx)
//	request  we asked for something wrong (everything else)
func (r *Refused) Refusal() string {
	switch {
	case r.Code == 401, r.Code == 403, r.Code == 404, r.Code == 422 && r.Message == messageDemo:
		return "key"
	case r.Code == 422 && r.Message == messageSlots:
		return "slots"
	case r.Code == 429:
		return "rate"
	case r.Code >= 500 && r.Code <= 599:
		return "server"
	}
	return "request"
}
