package store

import (
	"context"
	"errors"
	"fmt"
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
	look := func(i pages.Item) error {
		if len(i.Path) != 1 || string(i.Path[0]) != string(bucketMeta) || string(i.Key) != string(keyMark) {
			return nil
		}
		if body, err := open(i.Value, keyMark); err == nil {
			m := parseMark(string(body))
			p.PID, since, ok = m.pid, m.start, m.elsewhere(file)
		}
		return errFound
	}
	_ = f.Walk(look, func(pages.Problem) {})
	return p, since, ok
}

var errFound = errors.New("found")

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
