// Package pages reads a bbolt file page by page, without bbolt and without trusting
// a byte of it: what is whole comes out, what is not is named with its place. bbolt's
// own cursors panic on a damaged page and cannot get behind it.
//
// The layout is that of bbolt's internal/common (page.go, inode.go, bucket.go, meta.go):
// a page begins with its number (8 bytes), its kind (2), how many elements it has (2) and
// by how many pages it is longer than one (4), all in the byte order of the machine.
package pages

import (
	"encoding/binary"
	"fmt"
	"io"
)

// What stands in the head of a file and of each page.
const (
	magic       = 0xED0CDAED
	formatOf    = 2
	metaSize    = 64
	pageHeader  = 16
	elementSize = 16
	bucketSize  = 16 // of the value of a bucket: root page, sequence

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	bucketLeaf   = 0x01       // flag of a leaf element
	manyIDs      = 0xFFFF     // count of a free list whose length stands in its first 8 bytes
	noFreelist   = ^uint64(0) // it was not synced

	// longest bounds what is read at once: no value of a tapedeck file and no list of
	// free pages comes near it.
	longest = 64 << 20
)

// File reads one file. It is not safe for concurrent use.
type File struct {
	r       io.ReaderAt
	size    int64
	head    Head
	reached []uint64 // a bit a page
}

// Open reads the head of a file of the given size. The errors are those of ReadHead.
func Open(r io.ReaderAt, size int64) (*File, error) {
	head, err := ReadHead(r)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, head: head}
	// A file cut short has fewer pages than its head says.
	f.reached = make([]uint64, min(f.head.Pages, uint64(size/int64(f.head.PageSize)+1))/64+1)
	f.reach(0, 1)
	return f, nil
}

// Head is what the newest whole head page says.
func (f *File) Head() Head { return f.head }

// page is a run of pages that hold one node.
type page struct {
	id    uint64
	kind  uint16
	count int
	data  []byte // header and all
}

// read reads a page with all that belongs to it. What it says of the page is what is
// wrong with it. The error is one of reading.
func (f *File) read(id uint64) (p page, wrong string, err error) {
	size := int64(f.head.PageSize)
	if id >= f.head.Pages {
		return p, fmt.Sprintf("there is no page %d: the file has %d", id, f.head.Pages), nil
	}
	if int64(id) >= f.size/size {
		return p, "it lies behind the end of the file", nil
	}
	var header [pageHeader]byte
	if _, err := f.r.ReadAt(header[:], int64(id)*size); err != nil {
		return p, "", err
	}
	p = page{id: id, kind: binary.NativeEndian.Uint16(header[8:]), count: int(binary.NativeEndian.Uint16(header[10:]))}
	length := uint64(binary.NativeEndian.Uint32(header[12:])) + 1
	switch {
	case binary.NativeEndian.Uint64(header[:]) != id:
		return p, fmt.Sprintf("it says that it is page %d", binary.NativeEndian.Uint64(header[:])), nil
	case length > longest/uint64(size) || id+length > f.head.Pages || int64(id+length) > f.size/size:
		return p, fmt.Sprintf("it cannot go on for %d pages", length), nil
	}
	p.data = make([]byte, int64(length)*size)
	_, err = f.r.ReadAt(p.data, int64(id)*size)
	return p, "", err
}

// pages is how many pages the run takes.
func (p page) pages(size int) uint64 { return uint64(len(p.data) / size) }

// reach notes that pages from id on are in use; false when one was already.
func (f *File) reach(id, last uint64) bool {
	fresh := true
	for ; id <= last && id/64 < uint64(len(f.reached)); id++ {
		bit := uint64(1) << (id % 64)
		fresh = fresh && f.reached[id/64]&bit == 0
		f.reached[id/64] |= bit
	}
	return fresh
}

func (f *File) isReached(id uint64) bool {
	return id/64 < uint64(len(f.reached)) && f.reached[id/64]&(1<<(id%64)) != 0
}
