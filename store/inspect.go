package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The head of a bbolt file: two meta pages, each a page header of 16 bytes and
// then these fields (bbolt internal/common/meta.go, format version 2).
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	metaSize       = 64
	pageHeaderSize = 16
)

type boltMeta struct {
	pageSize uint32
	pages    uint64 // pages in use: the file must be at least that long
	tx       uint64
}

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
	meta, err := newestMeta(file)
	if err != nil {
		return describe(path, err)
	}
	if need := int64(meta.pages) * int64(meta.pageSize); info.Size() < need {
		return &Damaged{path, fmt.Sprintf("offset %d", info.Size()),
			fmt.Sprintf("it was cut short: %d bytes of at least %d", info.Size(), need)}
	}
	return nil
}

var (
	errNoMagic  = errors.New("it does not begin like one")
	errChecksum = errors.New("the checksums of both head pages are wrong")
	errShort    = errors.New("it ends inside its first page")
)

func describe(path string, err error) error {
	switch {
	case errors.Is(err, errNoMagic), errors.Is(err, errShort):
		return &Foreign{path, err.Error()}
	case errors.Is(err, errChecksum):
		return &Damaged{path, "offset 0", err.Error()}
	}
	return fmt.Errorf("read the head of %s: %w", path, err)
}

// newestMeta is the valid meta page with the highest transaction.
func newestMeta(file io.ReaderAt) (boltMeta, error) {
	first, err0 := readMeta(file, 0)
	if err0 == nil {
		if second, err := readMeta(file, int64(first.pageSize)); err == nil && second.tx > first.tx {
			return second, nil
		}
		return first, nil
	}
	// The first page is bad: the second lies one page on, whatever the page size was.
	for size := int64(1024); size <= 64*1024; size *= 2 {
		if second, err := readMeta(file, size); err == nil && int64(second.pageSize) == size {
			return second, nil
		}
	}
	return boltMeta{}, err0
}

func readMeta(file io.ReaderAt, at int64) (boltMeta, error) {
	var page [pageHeaderSize + metaSize]byte
	if _, err := file.ReadAt(page[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			return boltMeta{}, errShort
		}
		return boltMeta{}, err
	}
	meta := page[pageHeaderSize:]
	if binary.NativeEndian.Uint32(meta[0:]) != boltMagic || binary.NativeEndian.Uint32(meta[4:]) != boltVersion {
		return boltMeta{}, errNoMagic
	}
	sum := fnv.New64a()
	sum.Write(meta[:metaSize-8])
	if binary.NativeEndian.Uint64(meta[metaSize-8:]) != sum.Sum64() {
		return boltMeta{}, errChecksum
	}
	m := boltMeta{
		pageSize: binary.NativeEndian.Uint32(meta[8:]),
		pages:    binary.NativeEndian.Uint64(meta[40:]),
		tx:       binary.NativeEndian.Uint64(meta[48:]),
	}
	if m.pageSize < 512 || m.pageSize > 64*1024 {
		return boltMeta{}, errChecksum
	}
	return m, nil
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
