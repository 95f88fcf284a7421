package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tapedeck/store/pages"
)

// running is what a file says of the process that records into it: who, since when, and
// into which file, so that a copy made meanwhile can be told from it.
type running struct {
	pid   int
	start time.Time
	inode uint64 // 0: not known
}

func (r running) String() string {
	text := fmt.Sprintf("pid=%d start=%s", r.pid, r.start.Format(time.RFC3339))
	if r.inode != 0 {
		text += fmt.Sprintf(" inode=%d", r.inode)
	}
	return text
}

// parseMark reads what String wrote, in this version or another: what it does not find
// is zero.
func parseMark(text string) (r running) {
	for word := range strings.FieldsSeq(text) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "pid":
			_, _ = fmt.Sscan(value, &r.pid)
		case "start":
			r.start, _ = time.Parse(time.RFC3339, value)
		case "inode":
			_, _ = fmt.Sscan(value, &r.inode)
		}
	}
	return r
}

// elsewhere says whether it was another file than this one.
func (r running) elsewhere(file *os.File) bool {
	here := inodeOf(file)
	return r.inode != 0 && here != 0 && r.inode != here
}

// Torn says of a damaged file whether it is a copy that was made while a process recorded
// into the original, and what that process was. It reads the whole file.
func Torn(path string) (p Process, since time.Time, ok bool) {
	file, err := os.Open(path)
	if err != nil {
		return p, since, false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return p, since, false
	}
	f, err := pages.Open(file, info.Size())
	if err != nil {
		return p, since, false
	}
	m, reached := reachMark(f)
	if !reached {
		m = searchMark(file)
	}
	return Process{PID: m.pid}, m.start, m.elsewhere(file)
}

// reachMark looks for the mark where it belongs; reached is false when the way there is
// not whole.
func reachMark(f *pages.File) (m running, reached bool) {
	done := errors.New("seen")
	look := func(i pages.Item) error {
		switch {
		case len(i.Path) != 1 || !bytes.Equal(i.Path[0], bucketMeta):
			return nil
		case bytes.Equal(i.Key, keyMark):
			if body, err := open(i.Value, keyMark); err == nil {
				m = parseMark(string(body))
			}
			return done
		}
		reached = reached || bytes.Equal(i.Key, keyFormat)
		return nil
	}
	err := f.Walk(look, func(pages.Problem) {})
	return m, reached || errors.Is(err, done)
}

// searchMark looks for the mark of the last process that recorded, wherever it is: each
// commit writes the page anew that it is on.
func searchMark(file io.ReaderAt) (last running) {
	const most = 256 // bytes of a mark
	window := make([]byte, 1<<20)
	for at := int64(0); ; at += int64(len(window) - most) {
		n, err := file.ReadAt(window, at)
		for rest := window[:n]; ; {
			i := bytes.Index(rest, []byte("pid="))
			if i < 0 {
				break
			}
			if m, ok := markAt(rest[i:min(len(rest), i+most)]); ok && !m.start.Before(last.start) {
				last = m
			}
			rest = rest[i+1:]
		}
		if err != nil {
			return last
		}
	}
}

// markAt is the mark that text begins with, if it is one.
func markAt(text []byte) (running, bool) {
	end := bytes.Index(text, []byte(" inode="))
	if end < 0 {
		return running{}, false
	}
	for end += len(" inode="); end < len(text) && text[end] >= '0' && text[end] <= '9'; end++ {
		if end+1+checksumSize > len(text) {
			continue
		}
		if body, err := open(text[:end+1+checksumSize], keyMark); err == nil {
			return parseMark(string(body)), true
		}
	}
	return running{}, false
}

// proveValues proves every page and value of a file by itself.
func proveValues(path string) error {
	v := &verifier{ctx: context.Background(), path: path, report: new(Report)}
	if err := v.values(); err != nil {
		return err
	}
	if len(v.report.Problems) > 0 {
		return v.report.Problems[0]
	}
	return nil
}

// provePages is a *Damaged when the pages of a file, whosever it is, do not make a whole.
func provePages(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	f, err := pages.Open(file, info.Size())
	if err != nil {
		return describe(path, err)
	}
	var first error
	err = f.Walk(func(pages.Item) error { return nil }, func(p pages.Problem) {
		if first == nil {
			first = damagedPage(path, p)
		}
	})
	return errors.Join(first, err)
}
