package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ErrItself refuses a backup of a file onto itself.
var ErrItself = errors.New("that is the recording itself")

// Short says that a disk has less room than something needs.
type Short struct {
	Path       string
	Need, Free int64 // bytes
}

func (e *Short) Error() string {
	return fmt.Sprintf("%s: the disk has %d MB free, and %d MB are needed", e.Path, e.Free>>20, e.Need>>20)
}

// Saved is a backup that was made.
type Saved struct {
	Path   string
	Size   int64
	SHA256 string // hexadecimal
	At     int64  // Unix ms: what was committed before it is in it
	Report *Report
}

// spareRoom is what a backup leaves of the disk to the recording.
const spareRoom = 32 << 20

// Backup writes a compact copy of the file to another path: everything that is
// committed as it begins, and nothing else. The copy is written beside that path,
// synced, opened again and proven like Verify does; only then does it get its name, and its
// sum one beside it, as sha256sum reads it. keep is how many backups there are to be
// of that name: the one before becomes NAME.1, and so on; 1 replaces it.
//
// It blocks for all that, beside a recording too, which it does not wait for and does not
// hold up; while it copies, the pages that commits free are not used again, so that
// the file grows by what is written meanwhile. ctx ends it early. The errors are *Short, ErrItself, a
// *Foreign for a path at which something else lies, those of Verify, and of writing (*NoRoom). A
// *Held says that somebody began to record into the stopped file: ask him.
func (f *File) Backup(ctx context.Context, to string, keep int, now int64) (*Saved, error) {
	s, err := f.Snapshot(ctx, to, keep, now)
	if err != nil {
		return nil, err
	}
	return s, f.noteBackup(s)
}

// Snapshot is Backup for a copy that will not stay: the file does not remember it.
func (f *File) Snapshot(ctx context.Context, to string, keep int, now int64) (*Saved, error) {
	f.backups.Lock()
	defer f.backups.Unlock()
	if err := f.mayReplace(to); err != nil {
		return nil, err
	}
	if err := makeFolder(filepath.Dir(to)); err != nil {
		return nil, err
	}
	if err := f.roomFor(to); err != nil {
		return nil, err
	}
	sweep(to)
	draft, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.part")
	if err != nil {
		return nil, err
	}
	defer os.Remove(draft.Name())
	if err := errors.Join(draft.Chmod(0o644), draft.Close()); err != nil {
		return nil, err
	}
	if err := f.copyUndisturbed(ctx, draft.Name()); err != nil {
		return nil, fmt.Errorf("backup to %s: %w", to, full(err))
	}
	s := &Saved{Path: to, At: now}
	if s.Report, err = proveCopy(ctx, draft.Name()); err != nil {
		return nil, err
	}
	if s.SHA256, s.Size, err = sum(ctx, draft.Name()); err != nil {
		return nil, err
	}
	if err := rotate(to, keep); err != nil {
		return nil, err
	}
	return s, settleAt(draft.Name(), to, s.SHA256)
}

// copyUndisturbed is copyTo, and of a file that nobody records into it makes sure that
// nobody did meanwhile.
func (f *File) copyUndisturbed(ctx context.Context, path string) error {
	if f.recording {
		return f.copyTo(ctx, path)
	}
	nothing := func(*bolt.Tx) error { return nil }
	before, err := f.look(nothing)
	if err != nil {
		return err
	}
	f.keepMark = f.interrupted
	err = f.copyTo(ctx, path)
	if after, failed := f.look(nothing); failed != nil || after != before {
		return &Held{f.path, Holder(f.path)}
	}
	return err
}

// mayReplace makes sure that what is at the path may be lost.
func (f *File) mayReplace(to string) error {
	here, err1 := os.Stat(f.path)
	there, err2 := os.Stat(to)
	if err1 == nil && err2 == nil && os.SameFile(here, there) {
		return fmt.Errorf("%s: %w", to, ErrItself)
	}
	var foreign *Foreign
	if err := inspect(to); errors.As(err, &foreign) {
		return err
	}
	return nil
}

// roomFor refuses a backup that would fill the disk.
func (f *File) roomFor(to string) error {
	space, err := f.Space()
	if err != nil {
		return err
	}
	need := space.Used() + space.Used()/10 + spareRoom
	if free, ok := FreeSpace(filepath.Dir(to)); ok && free < need {
		return &Short{to, need, free}
	}
	return nil
}

// sweep removes what a backup left that was killed: a draft that nobody has written for an
// hour.
func sweep(to string) {
	drafts, _ := filepath.Glob(to + ".*.part")
	for _, name := range drafts {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(name)
		}
	}
}

// sum is the SHA-256 and the size of a file.
func sum(ctx context.Context, path string) (text string, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	h := sha256.New()
	for ctx.Err() == nil {
		n, err := io.CopyN(h, file, 16<<20)
		if size += n; errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		if err != nil {
			return "", 0, err
		}
	}
	return "", 0, ctx.Err()
}

func sumPath(path string) string { return path + ".sha256" }

// writeSum writes the sum of a file beside it, as a whole.
func writeSum(path, hexadecimal string) error {
	draft := sumPath(path) + ".part"
	file, err := os.Create(draft)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%s  %s\n", hexadecimal, filepath.Base(path))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	return os.Rename(draft, sumPath(path))
}

// settleAt gives a proven draft its name. A power cut leaves the one before or this one, and
// never one with the other's sum.
func settleAt(draft, to, hexadecimal string) error {
	if err := os.Remove(sumPath(to)); err != nil && !missing(err) {
		return err
	}
	if err := os.Rename(draft, to); err != nil {
		return err
	}
	return errors.Join(writeSum(to, hexadecimal), syncFolder(filepath.Dir(to)))
}

// rotate moves the backups of before on, so that there will be keep of them. At any moment
// there is one under the name itself.
func rotate(to string, keep int) error {
	name := func(i int) string {
		if i == 0 {
			return to
		}
		return fmt.Sprintf("%s.%d", to, i)
	}
	for i := keep - 1; i > 0; i-- {
		if _, err := os.Stat(name(i - 1)); missing(err) {
			continue
		}
		text, _ := os.ReadFile(sumPath(name(i - 1)))
		hexadecimal, _, _ := strings.Cut(string(text), " ")
		err := os.Remove(sumPath(name(i)))
		if err != nil && !missing(err) {
			return err
		}
		if i > 1 {
			err = os.Rename(name(i-1), name(i))
		} else {
			_ = os.Remove(name(1))
			if err = os.Link(to, name(1)); err != nil { // a file system without links
				err = os.Rename(to, name(1))
			}
		}
		if err == nil && hexadecimal != "" {
			err = writeSum(name(i), hexadecimal)
		}
		if err != nil {
			return fmt.Errorf("keep the backup before: %w", err)
		}
	}
	return nil
}

// noteBackup remembers, while the file is recorded into, that there is a backup.
func (f *File) noteBackup(s *Saved) error {
	if !f.recording {
		return nil
	}
	path, err := filepath.Abs(s.Path)
	path = cmp.Or(path, s.Path)
	body := appendText(binary.AppendVarint(nil, s.At), path)
	if err == nil {
		err = guard(f.path, func() error {
			return f.db.Update(func(tx *bolt.Tx) error { return putSigned(tx.Bucket(bucketMeta), keyBackup, body) })
		})
	}
	if err != nil {
		return fmt.Errorf("note the backup in %s: %w", f.path, full(err))
	}
	return nil
}

// LastBackup is when (Unix ms) and where the last backup was made by whoever recorded
// into the file; false when there was none.
func (f *File) LastBackup() (at int64, path string, ok bool, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		ok = false
		signed := tx.Bucket(bucketMeta).Get(keyBackup)
		if signed == nil {
			return nil
		}
		body, err := open(signed, keyBackup)
		if err != nil {
			return &Damaged{f.path, "meta/backup", err.Error()}
		}
		var n int
		if at, n = binary.Varint(body); n <= 0 {
			return &Damaged{f.path, "meta/backup", errEntry.Error()}
		}
		r := fields{rest: body[n:]}
		path, ok = r.text(), r.err == nil
		return r.err
	})
	return at, path, ok, err
}
