package pages

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Item is a key with its value in a bucket. Its slices are good during the visit.
type Item struct {
	Path       [][]byte // names of the buckets on the way, outermost first
	Key, Value []byte
	Bucket     bool // Key names a bucket; what is in it follows
	Page       uint64
}

// Problem is a place that does not hold what bbolt writes.
type Problem struct {
	Path [][]byte // of the bucket that the page belongs to, as far as one knows
	Page uint64
	What string
}

// deepest is how deep a tree may be, and how deep buckets in buckets. With 2 keys a
// page at least, 64 levels hold more pages than there can be.
const deepest = 64

// Walk visits every item of every bucket, in order, depth first, and reports what it
// cannot read; then it goes on behind that. It may be called once. The error is the
// visitor's, or one of reading.
func (f *File) Walk(visit func(Item) error, problem func(Problem)) error {
	w := &walker{f: f, visit: visit, problem: problem}
	return w.node(f.head.root, 0, nil, bounds{})
}

type walker struct {
	f       *File
	visit   func(Item) error
	problem func(Problem)
}

// bounds are those of the keys of a page, as the page above tells them: from first on,
// and before end. nil is none.
type bounds struct{ first, end []byte }

func (b bounds) hold(key []byte) bool {
	return bytes.Compare(key, b.first) >= 0 && (b.end == nil || bytes.Compare(key, b.end) < 0)
}

func (w *walker) wrong(path [][]byte, id uint64, what string) {
	w.problem(Problem{Path: slices.Clone(path), Page: id, What: what})
}

// node visits what is below a page.
func (w *walker) node(id uint64, depth int, path [][]byte, within bounds) error {
	p, what, err := w.f.read(id)
	switch {
	case err != nil:
		return err
	case what == "" && p.kind != branchPage && p.kind != leafPage:
		what = fmt.Sprintf("it is of kind %#x, neither branch nor leaf", p.kind)
	case depth > deepest:
		what = "the tree is deeper than any can be"
	}
	if what == "" && !w.f.reach(id, id+p.pages(w.f.head.PageSize)-1) {
		what = "it belongs to two places"
	}
	if what != "" {
		w.wrong(path, id, what)
		return nil
	}
	if p.kind == leafPage {
		return w.leaf(p, path, within)
	}
	return w.branch(p, depth, path, within)
}

// element is one of a page: where it points to, or what it holds.
type element struct {
	flags      uint32
	child      uint64
	key, value []byte
}

// element reads the i-th of a page; false when it reaches out of it.
func (p page) element(i int) (e element, ok bool) {
	at := pageHeader + i*elementSize
	if at+elementSize > len(p.data) {
		return e, false
	}
	head := p.data[at : at+elementSize]
	var pos, key, value uint32
	if p.kind == branchPage { // pos, ksize, pgid
		pos, key = binary.NativeEndian.Uint32(head), binary.NativeEndian.Uint32(head[4:])
		e.child = binary.NativeEndian.Uint64(head[8:])
	} else { // flags, pos, ksize, vsize
		e.flags, pos = binary.NativeEndian.Uint32(head), binary.NativeEndian.Uint32(head[4:])
		key, value = binary.NativeEndian.Uint32(head[8:]), binary.NativeEndian.Uint32(head[12:])
	}
	from := uint64(at) + uint64(pos)
	end := from + uint64(key) + uint64(value)
	if from < uint64(pageHeader+p.count*elementSize) || end > uint64(len(p.data)) {
		return e, false
	}
	e.key, e.value = p.data[from:from+uint64(key)], p.data[from+uint64(key):end]
	return e, true
}

// branch visits the children of a page. A child that cannot be read costs what is
// below it.
func (w *walker) branch(p page, depth int, path [][]byte, within bounds) error {
	if p.count == 0 {
		w.wrong(path, p.id, "a branch without a child")
	}
	var before []byte
	for i := range p.count {
		e, ok := p.element(i)
		if !ok || i > 0 && bytes.Compare(e.key, before) <= 0 || !within.hold(e.key) && i > 0 {
			w.wrong(path, p.id, fmt.Sprintf("child %d of %d is not where it should be", i, p.count))
			continue
		}
		before = e.key
		below := bounds{e.key, within.end}
		if next, ok := p.element(i + 1); i+1 < p.count && ok {
			below.end = next.key
		}
		if err := w.node(e.child, depth+1, path, below); err != nil {
			return err
		}
	}
	return nil
}

// leaf visits the items of a page, and the buckets among them.
func (w *walker) leaf(p page, path [][]byte, within bounds) error {
	var before []byte
	for i := range p.count {
		e, ok := p.element(i)
		switch {
		case !ok:
			w.wrong(path, p.id, fmt.Sprintf("item %d of %d reaches out of its page", i, p.count))
			continue
		case i > 0 && bytes.Compare(e.key, before) <= 0 || !within.hold(e.key):
			w.wrong(path, p.id, fmt.Sprintf("item %d of %d is not in order", i, p.count))
			continue
		case e.flags > bucketLeaf:
			w.wrong(path, p.id, fmt.Sprintf("item %d of %d has flags %#x", i, p.count, e.flags))
			continue
		}
		before = e.key
		item := Item{Path: path, Key: e.key, Value: e.value, Bucket: e.flags == bucketLeaf, Page: p.id}
		if err := w.visit(item); err != nil {
			return err
		}
		if item.Bucket {
			if err := w.bucket(p.id, append(slices.Clone(path), slices.Clone(e.key)), e.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket visits what is in a bucket, which may lie in its value.
func (w *walker) bucket(id uint64, path [][]byte, value []byte) error {
	switch {
	case len(path) > deepest:
		w.wrong(path, id, "buckets in buckets, deeper than any can be")
	case len(value) < bucketSize:
		w.wrong(path, id, "the bucket has no root")
	case binary.NativeEndian.Uint64(value) != 0:
		return w.node(binary.NativeEndian.Uint64(value), 0, path, bounds{})
	case len(value) < bucketSize+pageHeader:
		w.wrong(path, id, "the bucket has no page")
	default:
		inner := page{id: id, kind: binary.NativeEndian.Uint16(value[bucketSize+8:]),
			count: int(binary.NativeEndian.Uint16(value[bucketSize+10:])), data: value[bucketSize:]}
		if inner.kind != leafPage {
			w.wrong(path, id, fmt.Sprintf("the page in the bucket is of kind %#x", inner.kind))
			return nil
		}
		return w.leaf(inner, path, bounds{})
	}
	return nil
}
