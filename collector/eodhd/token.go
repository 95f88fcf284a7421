package eodhd

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// Token is the key of an EODHD account. However it is printed or marshalled, what
// comes out is ***; string(token) is the one way to the key. A field of this type
// must be exported to be safe: fmt calls no methods on the others.
type Token string

const masked = "***"

// Format writes *** for every verb.
func (Token) Format(f fmt.State, _ rune) { io.WriteString(f, masked) }

// String is ***.
func (Token) String() string { return masked }

// GoString is ***.
func (Token) GoString() string { return masked }

// LogValue is ***.
func (Token) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText is ***, for encoding/json and slog's JSON.
func (Token) MarshalText() ([]byte, error) { return []byte(masked), nil }

// minSecret is how long a key must be to be looked for in a server's text. EODHD's
// have more than twenty characters; something shorter, like demo, is no secret and
// might be an honest word of the text.
const minSecret = 6

// cleaner returns a function that takes the key out of a text that came from
// outside, in the forms that it has in a URL as well. Our own texts never have it.
// It is a function because that is something fmt cannot look into.
func (t Token) cleaner() func(string) string {
	if len(t) < minSecret {
		return func(text string) string { return text }
	}
	var pairs []string
	for _, form := range []string{string(t), url.QueryEscape(string(t)), url.PathEscape(string(t))} {
		pairs = append(pairs, form, masked, lowerEscapes(form), masked)
	}
	return strings.NewReplacer(pairs...).Replace
}

// lowerEscapes writes the percent-escapes of a text in lower case.
func lowerEscapes(escaped string) string {
	b := []byte(escaped)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:], bytes.ToLower(b[i:i+3]))
		}
	}
	return string(b)
}
