package store_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

var (
	powerLosses   = flag.Int("powerloss", 1, "how many random states TestPowerLoss tries at each sync")
	powerLossSeed = flag.Uint64("powerlossseed", 0, "what TestPowerLoss draws from (0: a random seed)")
)

// TestPowerLoss cuts the power of a process that records. strace notes what it writes.
// At each sync the folder is built as a disk may hold it if the power goes just before:
// all that was synced earlier, and of what was written since none, all or any part,
// whole or torn at 512 bytes, in a file as long as it was or is; and of the names given
// since any. Each time the file must be there, once its creator was told so, and open,
// with all that was committed, and take more. -powerloss 50 is the long form.
func TestPowerLoss(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Skip("no strace, which is how writes are seen")
	}
	seed := *powerLossSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-powerlossseed %d", seed)
	root := t.TempDir()
	path := filepath.Join(root, "new", "folder", "tape.db")
	log := filepath.Join(t.TempDir(), "strace")
	cmd := writerCommand(t, []string{"strace", "-f", "-y", "-xx", "-s", "16777216", "-o", log, "-e", "trace=" + tracedCalls}, "program", path, seed)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), "closed\n") {
		t.Fatalf("the writer under strace: %v\n%s", err, out)
	}
	calls := readTrace(t, log)
	l := &losses{T: t, path: path, stream: newStream(seed), rng: rand.New(rand.NewPCG(seed, 1)), slots: make(chan string, runtime.GOMAXPROCS(0))}
	for range cap(l.slots) {
		l.slots <- t.TempDir()
	}
	l.replay(newDisk(root), calls)
	t.Logf("%d syncs, %d states of the disk, %d of them without a file yet; %d writes, %d bytes; %d trades",
		l.syncs, l.states, l.absent, l.writes, l.bytes, l.handed)
}

// tracedCalls is everything by which bytes and names get to a disk. Lines that the
// writer says come through write.
const tracedCalls = "openat,write,pwrite64,ftruncate,fdatasync,fsync,mkdirat,linkat,renameat,?renameat2,unlinkat,?link,?rename,?unlink"

// call is a system call that did not fail.
type call struct {
	name       string
	args       []string // strings decoded; of a file descriptor, its number and the path it was opened by
	result     string
	begin, end int // lines of the trace
}

// readTrace reads what strace -f -y -xx wrote: calls in the order in which they ended.
func readTrace(t *testing.T, path string) []call {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	type start struct {
		text string
		line int
	}
	unfinished := make(map[string]start)
	var calls []call
	r := bufio.NewReaderSize(file, 1<<20)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			return calls
		}
		if err != nil {
			t.Fatal(err)
		}
		pid, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		text = strings.TrimSpace(text)
		from := n
		if head, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			unfinished[pid] = start{head, n}
			continue
		}
		if strings.HasPrefix(text, "<... ") {
			_, rest, _ := strings.Cut(text, " resumed>")
			s := unfinished[pid]
			text, from = s.text+rest, s.line
		}
		if c, ok := parseCall(t, text); ok {
			c.begin, c.end = from, n
			calls = append(calls, c)
		}
	}
}

// parseCall reads name(args) = result. ok is false for what is no call, and for a call
// that failed.
func parseCall(t *testing.T, text string) (c call, ok bool) {
	t.Helper()
	name, rest, ok := strings.Cut(text, "(")
	if !ok || strings.ContainsAny(name, " +-") {
		return c, false
	}
	end := strings.LastIndex(rest, ")")
	for end >= 0 && !strings.HasPrefix(strings.TrimSpace(rest[end+1:]), "= ") {
		end = strings.LastIndex(rest[:end], ")") // of an explanation: = -1 ENOENT (No such file or directory)
	}
	if end < 0 {
		return c, false // never ended
	}
	c.name, c.result = name, plain(t, strings.TrimPrefix(strings.TrimSpace(rest[end+1:]), "= "))
	if strings.HasPrefix(c.result, "-1 ") || c.result == "?" {
		return c, false
	}
	for _, arg := range strings.Split(rest[:end], ", ") { // every byte of a string is \x.., so the commas are all ours
		c.args = append(c.args, plain(t, arg))
	}
	return c, true
}

// plain decodes an argument: "\x41" is A, and 3<\x41> is 3<A>.
func plain(t *testing.T, arg string) string {
	t.Helper()
	if strings.HasSuffix(arg, `"...`) {
		t.Fatal("strace cut a string short")
	}
	if !strings.Contains(arg, `\x`) {
		return strings.Trim(arg, `"`)
	}
	open, text, after := "", strings.Trim(arg, `"`), ""
	if i := strings.IndexByte(text, '<'); i >= 0 {
		j := strings.LastIndexByte(text, '>')
		open, text, after = text[:i+1], text[i+1:j], text[j:]
	}
	text, deleted := strings.CutSuffix(text, " (deleted)")
	bytes, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		t.Fatalf("strace wrote %.100q: %v", arg, err)
	}
	if deleted {
		after = " (deleted)" + after
	}
	return open + string(bytes) + after
}

// fd is the number of a file descriptor, and its path.
func fd(arg string) (number int, path string) {
	text, path, _ := strings.Cut(arg, "<")
	number, err := strconv.Atoi(text)
	if err != nil {
		number = -1 // AT_FDCWD
	}
	return number, strings.TrimSuffix(strings.TrimSuffix(path, ">"), " (deleted)")
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

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

// losses are the power cuts of a trace.
type losses struct {
	*testing.T
	path   string
	stream *stream
	rng    *rand.Rand
	slots  chan string // folders to build states in

	handed, committed int
	exists            bool // the process was told that the file is there

	syncs, states, writes int
	bytes                 int64

	wait   sync.WaitGroup
	mu     sync.Mutex
	absent int
	failed bool
}

func (l *losses) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// cut tries one state of the disk, in the background.
func (l *losses) cut(d *disk, c chance) {
	state, atLeast, atMost, exists := d.state(c), l.committed, l.handed, l.exists
	l.states++
	what := fmt.Sprintf("state %d, at sync %d", l.states, l.syncs+1)
	folder, more := <-l.slots, l.rng.IntN(3) == 0
	l.wait.Go(func() {
		err := l.try(d.root, folder, state, atLeast, atMost, exists, more)
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil && !l.failed {
			l.failed = true
			l.Errorf("%s: %v; the disk is kept as %s", what, err, keepFolder(folder))
		}
		l.slots <- folder
	})
}

// try checks a state; with more, also how it goes on from there.
func (l *losses) try(root, folder string, state map[string][]byte, atLeast, atMost int, exists, more bool) error {
	if err := build(root, folder, state); err != nil {
		return err
	}
	path, err := moved(l.path, root, folder)
	if err != nil {
		return err
	}
	if _, there := state[l.path]; !there {
		if exists {
			return errors.New("the file is gone")
		}
		l.mu.Lock()
		l.absent++
		l.mu.Unlock()
	} else if _, err := checkFile(path, l.stream, atLeast, atMost); err != nil {
		return err
	}
	return goOn(path, l.stream, more)
}

// moved is the place of a path of one folder in another.
func moved(path, from, to string) (string, error) {
	relative, err := filepath.Rel(from, path)
	return filepath.Join(to, relative), err
}

// build puts a state into a folder and nothing else.
func build(root, folder string, state map[string][]byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for path, data := range state {
		path, err := moved(path, root, folder)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// goOn opens a file to record on where it was left; with more it does that, and seals.
func goOn(path string, s *stream, more bool) error {
	w := &writer{path: path, seed: s.seed}
	if err := w.open(false); err != nil {
		return err
	}
	if !more {
		return w.f.Close()
	}
	err := errors.Join(w.batch(30), w.seal(context.Background(), true), w.f.Close())
	if err != nil {
		return err
	}
	if _, err := checkFile(path, s, w.n, w.n); err != nil {
		return fmt.Errorf("when it was recorded on: %w", err)
	}
	return nil
}

// keepFolder saves a folder for whoever looks into what went wrong.
func keepFolder(folder string) string {
	kept, err := os.MkdirTemp("", "tapedeck-powerloss-*")
	if err == nil {
		err = os.CopyFS(kept, os.DirFS(folder))
	}
	if err != nil {
		return err.Error()
	}
	return kept
}

// replay goes through a trace and cuts the power before each sync, and at the end.
func (l *losses) replay(d *disk, calls []call) {
	defer l.wait.Wait()
	for _, c := range calls {
		switch c.name {
		case "write":
			l.said(c)
		case "fsync", "fdatasync":
			if n, _ := fd(c.args[0]); d.open[n] == nil {
				continue
			}
			if testing.Short() && l.rng.IntN(4) > 0 { // as under the race detector in CI
				d.sync(c)
				l.syncs++
				continue
			}
			if *powerLosses > 1 || l.rng.IntN(3) == 0 {
				l.cut(d, chance{not: true})
			}
			for range l.tries(d) {
				l.cut(d, chance{rng: l.rng})
			}
			d.sync(c)
			l.syncs++
		default:
			if c.name == "pwrite64" {
				l.writes++
				l.bytes += int64(len(c.args[1]))
			}
			d.do(l.T, c)
		}
		if l.over() {
			return
		}
	}
	l.cut(d, chance{not: true})
	l.cut(d, chance{})
}

// tries is how many random states to try: more while the name of the file is not sure.
func (l *losses) tries(d *disk) int {
	if d.names[l.path] != d.durable[l.path] {
		return *powerLosses + 8
	}
	return *powerLosses
}

// said follows what the writer says.
func (l *losses) said(c call) {
	if n, _ := fd(c.args[0]); n != 1 {
		return
	}
	switch word, rest, _ := strings.Cut(strings.TrimSpace(c.args[1]), " "); word {
	case "opened":
		l.exists = true
	case "handed":
		l.handed = int(number(l.T, rest))
	case "committed":
		l.committed = int(number(l.T, rest))
	}
}
