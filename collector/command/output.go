package command

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// output hands write a file beside the named one and renames it when all is on
// disk; without a name, or for -, it is stdout. A failure leaves no half file. What is
// there and no plain file, such as /dev/null or a pipe, is written as it is. A name that
// ends with .gz or .zst has the file packed.
func output(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name == "" || name == "-" {
		return write(stdout)
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if info.IsDir() {
			return cannotWrite(name, errors.New("it is a folder"))
		}
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return cannotWrite(name, err)
		}
		return errors.Join(packed(name, file, write), file.Close())
	}
	d, err := newDraft(name)
	if err != nil {
		return err
	}
	defer d.discard()
	if err := packed(name, d, write); err != nil {
		return err
	}
	return d.publish()
}

// draft is a file that has its name when it is whole.
type draft struct {
	file    *os.File
	name    string
	at      int64 // bytes written
	started int64 // of them the disk has been set to work on
}

// startBytes is after how much the disk is set to work: so that the sync at the end, which
// has to be waited for, is short.
const startBytes = 8 << 20

func newDraft(name string) (*draft, error) {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return nil, cannotWrite(name, err)
	}
	return newDraftOf(file, name), nil
}

func newDraftOf(file *os.File, name string) *draft {
	return &draft{file: file, name: name}
}

// Write writes on. An error names the file that was asked for.
func (d *draft) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	if d.at += int64(n); d.at-d.started >= startBytes {
		startWriting(d.file, d.started, d.at-d.started)
		d.started = d.at
	}
	return n, d.named(err)
}

func (d *draft) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", d.name, bare(err))
}

// rewind begins the file anew.
func (d *draft) rewind() error {
	d.at, d.started = 0, 0
	_, err := d.file.Seek(0, io.SeekStart)
	return d.named(errors.Join(err, d.file.Truncate(0)))
}

// rewindOf begins anew what is written to w, nil where that cannot be.
func rewindOf(w io.Writer) func() error {
	if c, ok := w.(*countedWriter); ok {
		w = c.w
	}
	if d, ok := w.(*draft); ok {
		return d.rewind
	}
	return nil
}

// publish gives the file its name, once it is on disk.
func (d *draft) publish() error {
	if err := errors.Join(d.file.Chmod(0o644), d.file.Sync(), d.file.Close()); err != nil {
		return d.named(err)
	}
	return d.named(os.Rename(d.file.Name(), d.name))
}

// discard removes what was not published. It does nothing else.
func (d *draft) discard() {
	d.file.Close()
	os.Remove(d.file.Name())
}

// growing hands write the named file itself, which others read while it grows.
func growing(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return cannotWrite(name, err)
	}
	return errors.Join(write(file), file.Close())
}

// packed hands write a writer that packs as the name says.
func packed(name string, w io.Writer, write func(io.Writer) error) error {
	var packer io.WriteCloser
	switch filepath.Ext(name) {
	case ".gz":
		packer = gzip.NewWriter(w)
	case ".zst":
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
		packer = z
	default:
		return write(w)
	}
	err := write(packer)
	return errors.Join(err, packer.Close())
}

// inFolder has write make files in a folder beside the named one, and moves them there when
// all are on disk: into a folder that is there already they go one by one, over those of
// the same name. A failure leaves nothing.
func inFolder(name string, write func(open opener) error) error {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return cannotWrite(name, errors.New("it is no folder"))
	}
	name = filepath.Clean(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return cannotWrite(name, err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return cannotWrite(name, err)
	}
	defer os.RemoveAll(beside)
	var made []string
	err = write(func(file string) (io.WriteCloser, error) {
		if !filepath.IsLocal(file) {
			return nil, fmt.Errorf("%q is no name of a file within a folder", file)
		}
		made = append(made, file)
		path := filepath.Join(beside, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		f, err := os.Create(path)
		return &synced{newDraftOf(f, filepath.Join(name, file))}, err
	})
	if err != nil {
		return err
	}
	if err := os.Chmod(beside, 0o755); err != nil {
		return err
	}
	if err := os.Rename(beside, name); err == nil {
		return nil
	}
	for _, file := range made {
		to := filepath.Join(name, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return cannotWrite(name, err)
		}
		if err := os.Rename(filepath.Join(beside, file), to); err != nil {
			return cannotWrite(name, err)
		}
	}
	return nil
}

// synced is a file that is on disk when it is closed.
type synced struct{ *draft }

func (s *synced) Close() error { return s.named(errors.Join(s.file.Sync(), s.file.Close())) }

// bare is an error without the name of a draft that nobody asked for.
func bare(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		return link.Err
	}
	return err
}

// cannotWrite says why.
func cannotWrite(name string, err error) error {
	return &usage{problem: fmt.Sprintf("-o %s cannot be written: %v; right is for example -o candles.csv", name, bare(err))}
}

func sameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}
