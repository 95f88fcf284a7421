package logs

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTail writes events through three processes and looks at what is kept.
func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db.events")
	var all []string
	for process := range 3 {
		tail := new(Tail)
		log := slog.New(slog.NewTextHandler(tail, nil))
		say := func(n int) {
			for range n {
				log.Info(fmt.Sprintf("event %d", len(all)))
				all = append(all, fmt.Sprintf("event %d", len(all)))
			}
		}
		early := 5 + process*250 // the last process keeps only some of these
		say(early)
		if err := tail.Begin(path); err != nil {
			t.Fatal(err)
		}
		if early > TailLines {
			all = append(all[:len(all)-early], all[len(all)-TailLines:]...)
		}
		for i := range 700 {
			say(1)
			if i%97 > 0 {
				continue
			}
			got := said(t, path)
			if len(got) >= 2*TailLines || len(got) < min(len(all), TailLines) || strings.Join(got, "\n") != strings.Join(all[len(all)-len(got):], "\n") {
				t.Fatalf("process %d: %d lines of %d, from %q to %q", process, len(got), len(all), got[0], got[len(got)-1])
			}
		}
		if err := tail.Close(); err != nil {
			t.Fatal(err)
		}
		log.Info("after the end")
	}
}

// said are the messages of the file's lines.
func said(t *testing.T, path string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		_, message, ok := strings.Cut(strings.TrimSpace(line), `msg="`)
		if !ok {
			t.Fatalf("no event: %q", line)
		}
		list = append(list, strings.TrimSuffix(message, `"`))
	}
	return list
}

func TestLastLines(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 2, ""}, {"a\n", 2, "a\n"}, {"a\nb\n", 2, "a\nb\n"}, {"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 2, "b\nc"}, {"a\nb\n", 0, ""}, {"\n\n\n", 2, "\n\n"},
	} {
		if got := LastLines([]byte(c.text), c.n); !bytes.Equal(got, []byte(c.want)) {
			t.Errorf("the last %d of %q are %q, want %q", c.n, c.text, got, c.want)
		}
	}
}

// TestTailWithoutRoom writes where nothing can be written, and then where it can.
func TestTailWithoutRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	tail := new(Tail)
	if err := tail.Begin(path); err != nil {
		t.Fatal(err)
	}
	good := tail.file
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	tail.file = full
	fmt.Fprintln(tail, "lost")
	fmt.Fprintln(tail, "lost, too")
	tail.file = good
	fmt.Fprintln(tail, "kept")
	if text, err := os.ReadFile(path); err != nil || string(text) != "2 events found no room here\nkept\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := tail.Close(); err != nil {
		t.Error(err)
	}
}
