package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
)

// TailLines is how many events a Tail keeps at least.
const TailLines = 200

// Tail keeps the last events of a log in a text file, for those who ask later what happened,
// also of a process that died. It takes one line a Write, as the handlers of slog give it. The
// file has between 200 and 400 lines once there have been as many. The zero value keeps them
// in memory until Begin; it may be used from any goroutine, and blocks for the disk.
type Tail struct {
	mu    sync.Mutex
	path  string
	file  *os.File
	early [][]byte // before Begin
	lines int      // in the file
	lost  int      // that found no room
}

// Begin goes on in a file, behind what is there. Whoever calls it is the only one who writes
// there. Without a file the events are still kept in memory.
func (t *Tail) Begin(path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	t.path, t.lines = path, bytes.Count(text, []byte("\n"))
	if t.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		_, _ = t.file.WriteString("\n") // the last one died in the middle of it
	}
	for _, line := range t.early {
		t.put(line)
	}
	t.early = nil
	return nil
}

// Write keeps an event. It never fails: a log is not worth an error, and what finds no room
// is counted by the next that does.
func (t *Tail) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		if t.early = append(t.early, bytes.Clone(line)); len(t.early) > TailLines {
			t.early = slices.Delete(t.early, 0, 1)
		}
		return len(line), nil
	}
	t.put(line)
	return len(line), nil
}

func (t *Tail) put(line []byte) {
	if t.lost > 0 {
		line = append(fmt.Appendf(nil, "%d events found no room here\n", t.lost), line...)
	}
	if n, err := t.file.Write(line); err != nil {
		t.lost++
		if n > 0 {
			_, _ = t.file.Write([]byte("\n"))
		}
		return
	}
	t.lines += 1 + min(t.lost, 1)
	if t.lost = 0; t.lines >= 2*TailLines {
		t.shorten()
	}
}

// shorten writes the file anew with the last lines; where that fails it goes on as it is.
func (t *Tail) shorten() {
	t.lines = TailLines // the next try is as many lines later
	text, err := os.ReadFile(t.path)
	if err != nil {
		return
	}
	draft := t.path + ".new"
	if err := os.WriteFile(draft, LastLines(text, TailLines), 0o600); err != nil {
		_ = os.Remove(draft)
		return
	}
	file, err := os.OpenFile(draft, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return
	}
	if err := os.Rename(draft, t.path); err != nil {
		_ = file.Close()
		return
	}
	_ = t.file.Close()
	t.file = file
}

// Close ends it; what is written afterwards is kept in memory.
func (t *Tail) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	err := t.file.Close()
	t.file = nil
	return err
}

// LastLines is the last n lines of a text.
func LastLines(text []byte, n int) []byte {
	if n <= 0 {
		return nil
	}
	at := len(bytes.TrimSuffix(text, []byte("\n")))
	for range n {
		if at = bytes.LastIndexByte(text[:at], '\n'); at < 0 {
			return text
		}
	}
	return text[at+1:]
}
