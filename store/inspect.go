package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tapedeck/store/pages"
)

// inspect looks at the head of a file before bbolt does, because bbolt would
// initialise an empty file, and die of a fault on one that was cut short. It
// only reads. A missing file is fs.ErrNotExist.
func inspect(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &Foreign{path, "it is no regular file"}
	}
	if info.Size() == 0 {
		return &Foreign{path, "it is empty"}
	}
	head, err := pages.ReadHead(file)
	if err != nil {
		return describe(path, err)
	}
	if need := int64(head.Pages) * int64(head.PageSize); info.Size() < need {
		return &Damaged{path, fmt.Sprintf("offset %d", info.Size()),
			fmt.Sprintf("it was cut short: %d bytes of at least %d", info.Size(), need)}
	}
	return nil
}

func describe(path string, err error) error {
	switch {
	case errors.Is(err, pages.ErrNoMagic), errors.Is(err, pages.ErrShort):
		return &Foreign{path, err.Error()}
	case errors.Is(err, pages.ErrChecksum):
		return &Damaged{path, "offset 0", err.Error()}
	}
	return fmt.Errorf("read the head of %s: %w", path, err)
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
