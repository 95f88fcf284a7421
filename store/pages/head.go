package pages

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
)

// Why a file has no head that could be read.
var (
	ErrNoMagic  = errors.New("it does not begin like one")
	ErrChecksum = errors.New("the checksums of both head pages are wrong")
	ErrShort    = errors.New("it ends inside its first page")
)

// Head is what the newest whole head page says.
type Head struct {
	PageSize int
	Pages    uint64 // in use or free: numbers below it
	Tx       uint64
	root     uint64
	freelist uint64
}

// ReadHead reads the head page that is whole and has the highest transaction, and
// nothing else. The error is ErrNoMagic, ErrChecksum or ErrShort, as of the first page,
// or one of reading.
func ReadHead(r io.ReaderAt) (Head, error) {
	first, wrong := headAt(r, 0)
	if wrong == nil {
		if second, err := headAt(r, int64(first.PageSize)); err == nil && second.Tx > first.Tx {
			return second, nil
		}
		return first, nil
	}
	// The first page is bad: the second lies one page on, whatever the page size was.
	for size := int64(1024); size <= largestPage; size *= 2 {
		if second, err := headAt(r, size); err == nil && int64(second.PageSize) == size {
			return second, nil
		}
	}
	return Head{}, wrong
}

const (
	smallestPage = 512
	largestPage  = 64 << 10
)

func headAt(r io.ReaderAt, at int64) (Head, error) {
	var page [pageHeader + metaSize]byte
	if _, err := r.ReadAt(page[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			return Head{}, ErrShort
		}
		return Head{}, err
	}
	meta := page[pageHeader:]
	if binary.NativeEndian.Uint32(meta) != magic || binary.NativeEndian.Uint32(meta[4:]) != formatOf {
		return Head{}, ErrNoMagic
	}
	sum := fnv.New64a()
	sum.Write(meta[:metaSize-8])
	h := Head{
		PageSize: int(binary.NativeEndian.Uint32(meta[8:])),
		root:     binary.NativeEndian.Uint64(meta[16:]),
		freelist: binary.NativeEndian.Uint64(meta[32:]),
		Pages:    binary.NativeEndian.Uint64(meta[40:]),
		Tx:       binary.NativeEndian.Uint64(meta[48:]),
	}
	if binary.NativeEndian.Uint64(meta[metaSize-8:]) != sum.Sum64() || h.PageSize < smallestPage || h.PageSize > largestPage {
		return Head{}, ErrChecksum
	}
	return h, nil
}
