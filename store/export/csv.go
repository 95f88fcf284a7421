// Package export writes trades, candles and coverage as files that others read.
// An encoder stands on an io.Writer that it does not close, belongs to one
// goroutine, and blocks only in that writer. What it has not written by itself it
// writes in Close. All times are Unix milliseconds, UTC.
//
// CSV is that of RFC 4180 with LF line ends, a header also when there are no rows,
// and quotes only where they are needed.
package export

import (
	"errors"
	"fmt"
	"io"
)

// errClosed is the error of a row after Close.
var errClosed = errors.New("write csv: the encoder is closed")

// rowsBytes is how much is gathered before it is handed to the writer, in whole rows.
const rowsBytes = 64 << 10

// rows gathers the rows of a file. An encoder appends to buf and calls end.
type rows struct {
	w   io.Writer
	buf []byte
	err error // of the writer, for good, or errClosed
}

func newRows(w io.Writer, header string) rows {
	buf := make([]byte, 0, rowsBytes+4096)
	return rows{w: w, buf: append(append(buf, header...), '\n')}
}

// end finishes a row whose last field is followed by a comma, and hands over what
// has been gathered when it is enough.
func (r *rows) end(row []byte) error {
	row[len(row)-1] = '\n'
	r.buf = row
	if len(row) < rowsBytes {
		return nil
	}
	return r.flush()
}

func (r *rows) flush() error {
	if len(r.buf) == 0 {
		return nil
	}
	n, err := r.w.Write(r.buf)
	if err == nil && n < len(r.buf) {
		err = io.ErrShortWrite
	}
	r.buf = r.buf[:0]
	if err != nil {
		r.err = fmt.Errorf("write csv: %w", err)
	}
	return r.err
}

// Close writes what is left. It returns the first error of the writer, also when it
// was returned before. A second Close does nothing more. The writer stays open.
func (r *rows) Close() error {
	if r.err == errClosed {
		return nil
	}
	if r.err == nil && r.flush() == nil {
		r.err = errClosed
		return nil
	}
	return r.err
}
