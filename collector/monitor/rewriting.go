package monitor

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// gathering is a file on its way into memory and, once that is full, on to on, or only to
// be measured.
type gathering struct {
	on         io.Writer
	buf        bytes.Buffer
	size       int64
	over, sent bool
}

func (g *gathering) Write(p []byte) (int, error) {
	g.size += int64(len(p))
	if !g.over && g.buf.Len()+len(p) <= wholeInMemory {
		return g.buf.Write(p)
	}
	first := !g.over
	g.over = true
	if g.on == nil {
		g.buf = bytes.Buffer{}
		return len(p), nil
	}
	g.sent = true
	if first {
		if _, err := g.on.Write(g.buf.Bytes()); err != nil {
			return 0, err
		}
		g.buf = bytes.Buffer{}
	}
	return g.on.Write(p)
}

// rewriting reads a file from anywhere by having it written from the start.
type rewriting struct {
	ctx   context.Context
	size  int64
	write func(context.Context, io.Writer) error

	at   int64
	from *io.PipeReader // nil: nobody writes
	done chan struct{}
	end  context.CancelFunc
}

// Seek goes to a place. Nothing is written before somebody reads.
func (f *rewriting) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return f.at, errors.New("before the start")
	}
	if offset != f.at {
		f.stop()
		f.at = offset
	}
	return f.at, nil
}

// Read reads on.
func (f *rewriting) Read(p []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	if f.from == nil {
		f.begin()
	}
	n, err := f.from.Read(p)
	f.at += int64(n)
	if errors.Is(err, io.EOF) && f.at < f.size {
		err = io.ErrUnexpectedEOF // it has become shorter: the tag is not what it promises
	}
	return n, err
}

func (f *rewriting) begin() {
	ctx, cancel := context.WithCancel(f.ctx)
	r, w := io.Pipe()
	f.from, f.end, f.done = r, cancel, make(chan struct{})
	go func() {
		defer close(f.done)
		w.CloseWithError(f.write(ctx, &skipping{w, f.at}))
	}()
}

// stop ends the writing, if any, and waits for that.
func (f *rewriting) stop() {
	if f.from == nil {
		return
	}
	f.end()
	_ = f.from.Close()
	<-f.done
	f.from = nil
}

// skipping leaves out the first bytes.
type skipping struct {
	w    io.Writer
	left int64
}

func (s *skipping) Write(p []byte) (int, error) {
	skip := min(s.left, int64(len(p)))
	s.left -= skip
	if int(skip) == len(p) {
		return len(p), nil
	}
	n, err := s.w.Write(p[skip:])
	return n + int(skip), err
}
