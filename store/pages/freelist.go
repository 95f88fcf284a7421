package pages

import (
	"encoding/binary"
	"fmt"
)

// Freelist checks the list of free pages, after Walk: that each is a page, is there once
// and in no bucket, and that every page is in a bucket or free. It returns how many are
// free. A file written without a list has none that could be wrong. The error is one of
// reading.
func (f *File) Freelist(problem func(Problem)) (free uint64, err error) {
	if f.head.freelist == noFreelist {
		return 0, nil
	}
	wrong := func(what string) { problem(Problem{Page: f.head.freelist, What: what}) }
	p, what, err := f.read(f.head.freelist)
	if err == nil && what == "" && p.kind != freelistPage {
		what = fmt.Sprintf("the list of free pages is of kind %#x", p.kind)
	}
	if err != nil || what != "" {
		wrong(what)
		return 0, err
	}
	if !f.reach(p.id, p.id+p.pages(f.head.PageSize)-1) {
		wrong("the list of free pages belongs to two places")
	}
	ids := p.data[pageHeader:]
	count := uint64(p.count)
	if count == manyIDs {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		wrong("the list of free pages reaches out of its page")
		return 0, nil
	}
	last := uint64(1)
	for i := range count {
		id := binary.NativeEndian.Uint64(ids[8*i:])
		switch {
		case id <= last || id >= f.head.Pages:
			wrong(fmt.Sprintf("free page %d is out of order", id))
		case !f.reach(id, id):
			wrong(fmt.Sprintf("page %d is free and in use", id))
		}
		last = max(last, id)
	}
	f.lost(problem)
	return count, nil
}

// lost reports the pages that are nowhere, a run at a time.
func (f *File) lost(problem func(Problem)) {
	end := min(f.head.Pages, uint64(f.size/int64(f.head.PageSize)))
	for id := uint64(2); id < end; id++ {
		if f.isReached(id) {
			continue
		}
		first := id
		for id+1 < end && !f.isReached(id+1) {
			id++
		}
		problem(Problem{Page: first, What: fmt.Sprintf("%d pages from here on are in no bucket and not free", id-first+1)})
	}
	if end < f.head.Pages {
		problem(Problem{Page: end, What: fmt.Sprintf("the file ends here, %d pages early", f.head.Pages-end)})
	}
}

// Orphans visits what the leaf pages hold that Walk has not come to: items that hang
// under a page that is lost, but also those of free pages, which were true once and
// may be no more. The caller has to be able to prove what it takes. It is called after
// Walk and before Freelist. Slices are good during the visit; pages that cannot be read
// are left out.
func (f *File) Orphans(visit func(page uint64, key, value []byte)) {
	for id := uint64(2); id < f.head.Pages; id++ {
		if f.isReached(id) {
			continue
		}
		p, what, err := f.read(id)
		if err != nil || what != "" || p.kind != leafPage {
			continue
		}
		for i := range p.count {
			if e, ok := p.element(i); ok {
				visit(id, e.key, e.value)
			}
		}
	}
}
