// Package news says what a headline is, and when two are the same. It knows no clock, file
// or network. All times are Unix milliseconds, UTC.
package news

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Article is a headline as it was first seen.
type Article struct {
	ID        ID
	Seen      int64 // when it was first seen here
	Published int64 // what the feed says; 0 when it says nothing, or what cannot be
	Source    string
	Title     string   // plain text, in one line
	Link      string   // without what tracks its reader; empty when there is none
	Symbols   []string // that it names, sorted
}

// ID tells articles apart: the hash of what does not change when a headline is edited or
// comes from another feed. See Articles.
type ID [12]byte

// String is the id in hexadecimal digits, as it is exported.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Feed is a feed to read.
type Feed struct {
	URL    string
	Source string // a name for people; by default the host of URL
}

// Item is an entry of a feed, as the feed has it.
type Item struct {
	Title     string // may hold HTML
	Link      string
	GUID      string
	Published int64    // 0 when not stated
	Text      string   // summary or content, may hold HTML
	Tickers   []string // that the feed itself names
	Source    string   // who wrote it, where the feed says so
}

// State is what is known of a feed: it is kept in the file, so that a start goes on as if
// there had been none.
type State struct {
	URL    string `json:"url"`
	Source string `json:"source"`
	// Moved is where a permanent redirect led; it is asked instead of URL.
	Moved string `json:"moved,omitempty"`
	// ETag, Modified and Sum are of the last document that was read: its validators as the
	// server wrote them, and a hash of its bytes.
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Sum      uint64 `json:"sum,omitempty"`
	// TTL is how long that document says that it holds, and Fresh how long its server said
	// so, both in ms. SkipHours and SkipDays are when the feed is not to be asked: bit 0 is
	// the hour from midnight UTC, and Sunday UTC.
	TTL       int64  `json:"ttl,omitempty"`
	Fresh     int64  `json:"fresh,omitempty"`
	SkipHours uint32 `json:"skip_hours,omitempty"`
	SkipDays  uint8  `json:"skip_days,omitempty"`
	// Next is before when it is not asked again; Asked and Answered are when it last was,
	// and last gave a document or said that it is still the same; Since when it is on the list.
	Next     int64 `json:"next"`
	Since    int64 `json:"since"`
	Asked    int64 `json:"asked,omitempty"`
	Answered int64 `json:"answered,omitempty"`
	// Spare is until when its server asked to be left alone, Retry-After, by all who come to
	// the same host.
	Spare int64 `json:"spare,omitempty"`
	// Last is how the last request ended, such as ok, unchanged, 404, timeout.
	Last string `json:"last,omitempty"`
	// Failures is how many requests failed since the last that did not.
	Failures int `json:"failures,omitempty"`
	// Retired says that the server said 410: it is never asked again.
	Retired bool `json:"retired,omitempty"`
	// Left says that it is on the list no more.
	Left bool `json:"left,omitempty"`
	// Outcomes is how often requests ended how.
	Outcomes map[string]int64 `json:"outcomes,omitempty"`
	// Articles is how many articles were first seen here.
	Articles int64 `json:"articles,omitempty"`
}

// Counted is how often things ended how, the most frequent first: 404 80, timeout 12.
func Counted(how map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(how), func(a, b string) int { return cmp.Or(cmp.Compare(how[b], how[a]), cmp.Compare(a, b)) })
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", name, how[name]))
	}
	return strings.Join(parts, ", ")
}
