package playback

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// maxLine bounds a line, so that a file of another kind is refused rather than
// loaded as one endless line. The feed's frames are under 4 MiB.
const maxLine = 4 << 20

// Recording is a Source: the messages of a feed in the order in which they came.
// It lives in memory, its text plus 24 bytes a message, and never changes: all
// methods may be called at any time.
type Recording struct {
	text    []byte // all messages, one after the other
	events  []recorded
	symbols []string
	index   map[string]uint32
	before  [][]byte // of each symbol: its first message, moved to the day before
	last    int64    // the greatest t: when the last message is due
}

// recorded is one message: it ends where the next one begins.
type recorded struct {
	start  int64
	time   int64
	symbol uint32
}

// OpenRecording loads a file of feed messages, one JSON object a line: plain, or
// packed with gzip or zstd, which is seen from its first bytes. Trades of any
// feed will do: a message must have a string s and a whole number t, Unix
// milliseconds. The order of the file is the order of arrival: a message is due
// at the greatest t so far, so delayed prints keep both their place and their t.
//
// A line that is no such message is an error that names the file and the line.
// Blank lines are skipped; a file without messages is an error.
func OpenRecording(path string) (*Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err // names the file already
	}
	defer f.Close() // nothing was written
	return ReadRecording(f, path)
}

// ReadRecording is OpenRecording for what is already open; name stands for it in
// errors. It reads to the end and does not close r.
func ReadRecording(r io.Reader, name string) (*Recording, error) {
	text, done, err := unpacked(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer done()
	rec := &Recording{index: make(map[string]uint32)}
	lines := bufio.NewReaderSize(text, maxLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("%s: line %d: longer than %d bytes: not a recording of feed messages", name, n, maxLine)
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("%s: line %d: reading: %w", name, n, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			if wrong := rec.add(line); wrong != nil {
				return nil, fmt.Errorf("%s: line %d: %w", name, n, wrong)
			}
		}
		if err == io.EOF {
			break
		}
	}
	if len(rec.events) == 0 {
		return nil, fmt.Errorf("%s: no messages in it", name)
	}
	rec.text, rec.events = slices.Clip(rec.text), slices.Clip(rec.events)
	return rec, nil
}

// unpacked looks at the first bytes for the mark of a packed file.
func unpacked(r io.Reader) (text io.Reader, done func(), err error) {
	head := bufio.NewReaderSize(r, 64<<10)
	magic, err := head.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		packed, err := gzip.NewReader(head)
		if err != nil {
			return nil, nil, err
		}
		return packed, func() { packed.Close() }, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		// One goroutine: none is left behind, and the files are small.
		packed, err := zstd.NewReader(head, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return packed, packed.Close, nil
	}
	return head, func() {}, nil
}

func (r *Recording) add(line []byte) error {
	m, err := parseLine(line)
	if err != nil {
		return err
	}
	symbol, ok := r.index[string(m.symbol)]
	if !ok {
		symbol = uint32(len(r.symbols))
		name := string(m.symbol)
		r.index[name] = symbol
		r.symbols = append(r.symbols, name)
		earlier := closingTime(m.time, int(symbol))
		if m.crypto {
			earlier = dayEnd(m.time, int(symbol))
		}
		r.before = append(r.before, withTime(line, m.timeFrom, m.timeTo, earlier))
	}
	if len(r.events) == 0 || m.time > r.last {
		r.last = m.time
	}
	r.events = append(r.events, recorded{start: int64(len(r.text)), time: m.time, symbol: symbol})
	r.text = append(r.text, line...)
	return nil
}

// Begin is the t of the first message.
func (r *Recording) Begin() int64 { return r.events[0].time }

// End is when the last message is due: the greatest t of all.
func (r *Recording) End() int64 { return r.last }

// Len is the number of messages.
func (r *Recording) Len() int { return len(r.events) }

// Symbols are the symbols of the recording in the order of their first message.
func (r *Recording) Symbols() []string { return slices.Clone(r.symbols) }

// Events are the messages in the order of the file. It never gives an error. The
// frames stay valid, and must not be changed.
func (r *Recording) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		due := r.Begin()
		for i, e := range r.events {
			end := int64(len(r.text))
			if i+1 < len(r.events) {
				end = r.events[i+1].start
			}
			due = max(due, e.time)
			if !yield(Event{Due: due, Time: e.time, Symbol: r.symbols[e.symbol], Frame: r.text[e.start:end:end]}, nil) {
				return
			}
		}
	}
}

// Before is the symbol's first message, moved to the end of the New York trading
// day before; a crypto message to the end of the UTC day before.
func (r *Recording) Before(symbol string) ([]byte, bool) {
	i, ok := r.index[symbol]
	if !ok {
		return nil, false
	}
	return r.before[i], true
}
