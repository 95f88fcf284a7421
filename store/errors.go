package store

import (
	"errors"
	"fmt"

	"tapedeck/collector/ledger"
)

// ErrMissing is returned by OpenReadOnly when there is no file at the path.
var ErrMissing = errors.New("no such file")

// Foreign is the refusal of a file that tapedeck did not write. It was not
// touched.
type Foreign struct {
	Path string
	What string // what it is instead, as far as one can tell
}

func (e *Foreign) Error() string {
	return fmt.Sprintf("%s is not a tapedeck file: %s", e.Path, e.What)
}

// Newer is the refusal of a file written in a later major format. It was not
// touched.
type Newer struct {
	Path        string
	Format, Own string // major.minor of the file and of this program
	Writer      string // the version of tapedeck that wrote it, if it says
}

func (e *Newer) Error() string {
	return fmt.Sprintf("%s has format %s (written by tapedeck %s); this program reads up to format %s", e.Path, e.Format, e.Writer, e.Own)
}

// Held says that another process has the file open.
type Held struct {
	Path   string
	Holder Process // zero when it did not leave its name
}

func (e *Held) Error() string {
	if e.Holder.String() == "" {
		return fmt.Sprintf("%s is in use by another process", e.Path)
	}
	return fmt.Sprintf("%s is in use by %s", e.Path, e.Holder)
}

// Damaged says that a part of the file does not hold what was written there. It
// names the place: the key path inside the file, or an offset.
type Damaged struct {
	Path  string
	Where string
	What  string
}

func (e *Damaged) Error() string {
	return fmt.Sprintf("%s is damaged at %s: %s", e.Path, e.Where, e.What)
}

// Dropped says that what was asked for is not kept any more: retention took it, or
// it would have to be made from what retention took.
type Dropped struct {
	Path    string
	Session ledger.Session
	What    string // trades, or an interval of candles
}

func (e *Dropped) Error() string {
	return fmt.Sprintf("%s does not keep %s of session %s any more", e.Path, e.What, e.Session.Date())
}
