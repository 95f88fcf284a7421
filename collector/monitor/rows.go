package monitor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Rows answers a question with rows: it writes JSON Lines to out, one object a row. next is
// what to ask for the rows behind them, nil when there are no more.
type Rows func(ctx context.Context, asked url.Values, out io.Writer) (next url.Values, err error)

// rows serves rows as one array; the next ones are named by a Link header (RFC 8288). They are
// gathered first, so that an error is a status and not half an answer.
func (s *Site) rows(answer Rows) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var gathered bytes.Buffer
		next, err := answer(r.Context(), r.URL.Query(), &gathered)
		if err != nil {
			s.fail(w, err)
			return
		}
		if next != nil {
			w.Header().Set("Link", fmt.Sprintf("<%s?%s>; rel=\"next\"", r.URL.Path, next.Encode()))
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		to := patiently(w)
		for _, part := range [][]byte{[]byte("["), asArray(gathered.Bytes()), []byte("]\n")} {
			if _, err := to.Write(part); err != nil {
				return // whoever asked has gone
			}
		}
		to.finish()
	}
}

// asArray turns the ends of lines, which no JSON text has inside, into commas.
func asArray(lines []byte) []byte {
	lines = bytes.TrimSuffix(lines, []byte("\n"))
	for i, c := range lines {
		if c == '\n' {
			lines[i] = ','
		}
	}
	return lines
}
