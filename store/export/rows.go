package export

import (
	"errors"
	"fmt"
	"io"
)

// errClosed is the error of a row after Close.
var errClosed = errors.New("the encoder is closed")

// rowsBytes is how much is gathered before it is handed to the writer, in whole rows.
const rowsBytes = 64 << 10

// rows gathers the rows of a file of text. An encoder appends to buf and calls end.
type rows struct {
	w      io.Writer
	format Format
	buf    []byte
	err    error // of the writer, for good, or errClosed
}

func newRows(w io.Writer, format Format) rows {
	return rows{w: w, format: format, buf: make([]byte, 0, rowsBytes+4096)}
}

// end takes back the buffer with one more row, and hands over what has been gathered when
// it is enough.
func (r *rows) end(buf []byte) error {
	r.buf = buf
	if len(buf) < rowsBytes {
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
		r.err = fmt.Errorf("write %s: %w", r.format, err)
	}
	return r.err
}

// Close is that of an encoder.
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
