package store_test

import (
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inode is a file or a folder.
type inode struct {
	folder  bool
	durable []byte   // what is surely on disk
	pending []change // what may be
}

// change is a write at an offset, or where data is nil a new length.
type change struct {
	at   int64
	data []byte
	end  int // line of the trace
}

func (c change) apply(image []byte) []byte {
	if c.data == nil {
		return resize(image, c.at)
	}
	if end := c.at + int64(len(c.data)); end > int64(len(image)) {
		image = resize(image, end)
	}
	copy(image[c.at:], c.data)
	return image
}

func resize(image []byte, size int64) []byte {
	if size <= int64(len(image)) {
		return image[:size]
	}
	return append(image, make([]byte, size-int64(len(image)))...)
}

// naming is a change of names that happens as a whole: nil is none any more.
type naming struct {
	names map[string]*inode
	end   int
}

// disk is what is known of the disk under a folder. That itself has been there long.
type disk struct {
	root    string
	open    map[int]*inode
	names   map[string]*inode // as the process sees them
	durable map[string]*inode
	pending []naming // in order
}

func newDisk(root string) *disk {
	d := &disk{root: root, open: make(map[int]*inode)}
	d.names = map[string]*inode{root: {folder: true}}
	d.durable = maps.Clone(d.names)
	return d
}

func (d *disk) inside(path string) bool {
	return path == d.root || strings.HasPrefix(path, d.root+"/")
}

func (d *disk) rename(end int, names map[string]*inode) {
	for path := range names {
		if !d.inside(path) {
			delete(names, path)
		}
	}
	if len(names) == 0 {
		return
	}
	d.pending = append(d.pending, naming{names, end})
	name(d.names, names)
}

func name(all, change map[string]*inode) {
	for path, node := range change {
		if node == nil {
			delete(all, path)
		} else {
			all[path] = node
		}
	}
}

// opened notes what a file descriptor stands for.
func (d *disk) opened(c call) {
	n, path := fd(c.result)
	delete(d.open, n)
	if !d.inside(path) {
		return
	}
	if d.names[path] == nil {
		d.rename(c.end, map[string]*inode{path: {}})
	} else if strings.Contains(c.args[2], "O_TRUNC") {
		node := d.names[path]
		node.pending = append(node.pending, change{end: c.end})
	}
	d.open[n] = d.names[path]
}

// do follows a call that is no sync.
func (d *disk) do(t *testing.T, c call) {
	t.Helper()
	switch c.name {
	case "openat":
		d.opened(c)
	case "pwrite64":
		n, _ := fd(c.args[0])
		if number(t, c.result) != int64(len(c.args[1])) {
			t.Fatalf("a short write: %s of %d", c.result, len(c.args[1]))
		}
		d.change(n, change{number(t, c.args[3]), []byte(c.args[1]), c.end})
	case "ftruncate":
		n, _ := fd(c.args[0])
		d.change(n, change{number(t, c.args[1]), nil, c.end})
	case "mkdirat":
		d.rename(c.end, map[string]*inode{c.args[1]: {folder: true}})
	case "link":
		d.rename(c.end, map[string]*inode{c.args[1]: d.names[c.args[0]]})
	case "linkat":
		d.rename(c.end, map[string]*inode{c.args[3]: d.names[c.args[1]]})
	case "rename":
		d.rename(c.end, map[string]*inode{c.args[0]: nil, c.args[1]: d.names[c.args[0]]})
	case "renameat", "renameat2":
		d.rename(c.end, map[string]*inode{c.args[1]: nil, c.args[3]: d.names[c.args[1]]})
	case "unlink":
		d.rename(c.end, map[string]*inode{c.args[0]: nil})
	case "unlinkat":
		d.rename(c.end, map[string]*inode{c.args[1]: nil})
	}
}

func (d *disk) change(fd int, c change) {
	if node := d.open[fd]; node != nil {
		node.pending = append(node.pending, c)
	}
}

// sync makes durable what was done to a file, or the names in a folder, before the sync
// began. It says whether it was of something that matters here.
func (d *disk) sync(c call) bool {
	n, path := fd(c.args[0])
	node := d.open[n]
	if node == nil {
		return false
	}
	if !node.folder {
		for len(node.pending) > 0 && node.pending[0].end < c.begin {
			node.durable = node.pending[0].apply(node.durable)
			node.pending = node.pending[1:]
		}
		return true
	}
	kept := d.pending[:0]
	for _, p := range d.pending {
		later := make(map[string]*inode)
		for changed, node := range p.names {
			if filepath.Dir(changed) == path && p.end < c.begin {
				name(d.durable, map[string]*inode{changed: node})
			} else {
				later[changed] = node
			}
		}
		if len(later) > 0 {
			kept = append(kept, naming{later, p.end})
		}
	}
	d.pending = kept
	return true
}

// chance says of each thing that is not sure to be on disk whether it is.
type chance struct {
	rng *rand.Rand // nil: all of it is, or
	not bool       // none
}

func (c chance) yes() bool {
	if c.rng == nil {
		return !c.not
	}
	return c.rng.IntN(2) == 0
}

// state is what the disk may hold now: the contents of files by their names.
func (d *disk) state(c chance) map[string][]byte {
	names := maps.Clone(d.durable)
	for _, p := range d.pending {
		if c.yes() {
			name(names, p.names)
		}
	}
	images, state := make(map[*inode][]byte), make(map[string][]byte)
	for _, path := range slices.Sorted(maps.Keys(names)) {
		node := names[path]
		if node.folder || names[filepath.Dir(path)] == nil {
			continue
		}
		if images[node] == nil {
			images[node] = node.image(c)
		}
		state[path] = images[node]
	}
	return state
}

// image is what the disk may hold of a file.
func (node *inode) image(c chance) []byte {
	image := slices.Clone(node.durable)
	sizes := []int{len(image)}
	for _, change := range node.pending {
		for _, part := range c.parts(change) {
			image = part.apply(image)
		}
		sizes = append(sizes, len(image))
	}
	if c.rng != nil && c.rng.IntN(3) == 0 { // the length may lag behind the contents
		image = resize(image, int64(sizes[c.rng.IntN(len(sizes))]))
	}
	if image == nil {
		return []byte{}
	}
	return image
}

// parts are what the disk holds of a change: all, nothing, or, of a write, the first,
// the last or any of its sectors.
func (c chance) parts(w change) []change {
	if c.rng == nil || w.data == nil || c.rng.IntN(3) > 0 {
		if c.yes() {
			return []change{w}
		}
		return nil
	}
	sectors := (len(w.data) + sector - 1) / sector
	cut, mode := c.rng.IntN(sectors+1), c.rng.IntN(3)
	var list []change
	for i := range sectors {
		if mode == 0 && i >= cut || mode == 1 && i < cut || mode == 2 && c.rng.IntN(2) == 0 {
			continue
		}
		list = append(list, change{w.at + int64(i*sector), w.data[i*sector : min((i+1)*sector, len(w.data))], w.end})
	}
	return list
}

const sector = 512
