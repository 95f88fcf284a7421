package store_test

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tapedeck/store"
)

var powerLoss = flag.Int("powerloss", 0, "ways to lose power that are tried at each sync (0: a few syncs, one way each)")

// TestPowerLoss traces what a writer writes, and rebuilds the file as a power cut may
// leave it: at every sync, what was synced before is there, and of what was written
// since any part, whole or torn at 512 bytes. It opens right each time.
func TestPowerLoss(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("skipped: there is no strace")
	}
	rng := seeded(t)
	seed := rng.Uint64() >> 1
	path := filepath.Join(t.TempDir(), "a.db")
	disk := newDisk(t, rng, path, seed)
	for life, rounds := range []int{14, 8} {
		trace := filepath.Join(t.TempDir(), "trace")
		cmd := exec.Command(strace, "-f", "-y", "-xx", "-s", "1048576", "-o", trace,
			"-e", "trace=pwrite64,ftruncate,fdatasync,fsync,write,openat,renameat,renameat2,rename,link,linkat,unlink,unlinkat", os.Args[0])
		cmd.Env = append(os.Environ(), writerEntry(seed, uint64(life+1), rounds, 0, path))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		disk.replay(trace)
	}
	t.Logf("%d syncs, %d of them of the file, power lost in %d ways", disk.syncs, disk.fileSyncs, disk.cuts)
	if disk.fileSyncs < 40 || disk.cuts < 10 {
		t.Error("the trace is too short to be one of a writer")
	}
	if !disk.complete() {
		t.Error("the replay of the trace did not come to the file that is there")
	}
}

// inode is a file: what is on the disk, and what has been written since its last sync.
type inode struct {
	durable []byte
	pending []change
}

// change is a write, or with nil data a change of length.
type change struct {
	at   int64
	data []byte
}

// disk is what a trace comes to.
type disk struct {
	*testing.T
	rng     *rand.Rand
	path    string
	seed    uint64
	names   map[string]*inode // as the process sees them
	durable map[string]*inode // as the folder was synced

	committed, syncs, fileSyncs, cuts int
}

func newDisk(t *testing.T, rng *rand.Rand, path string, seed uint64) *disk {
	return &disk{T: t, rng: rng, path: path, seed: seed, names: map[string]*inode{}, durable: map[string]*inode{}}
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	fdPath      = regexp.MustCompile(`^\d+<((?:\\x[0-9a-f]{2})*)>`)
	quoted      = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
)

// replay goes through a trace. A call that another thread interrupts counts when it
// began, but a sync when it ends.
func (d *disk) replay(trace string) {
	file, err := os.Open(trace)
	if err != nil {
		d.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	waiting := map[string]string{} // by thread: the arguments of an interrupted sync
	for lines.Scan() {
		line := lines.Text()
		if m := resumedLine.FindStringSubmatch(line); m != nil {
			if args, ok := waiting[m[1]]; ok && strings.HasSuffix(m[2], "sync") {
				delete(waiting, m[1])
				d.call(m[2], args)
			}
			continue
		}
		m := callLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if strings.HasSuffix(line, "<unfinished ...>") && strings.HasSuffix(m[2], "sync") {
			waiting[m[1]] = m[3]
			continue
		}
		if !strings.Contains(m[3], ") = -1 ") {
			d.call(m[2], m[3])
		}
	}
	if err := lines.Err(); err != nil {
		d.Fatal(err)
	}
}

func (d *disk) call(name, args string) {
	switch name {
	case "write":
		d.told(args)
	case "openat":
		if path := pathsIn(args); len(path) == 1 && strings.Contains(args, "O_CREAT") && d.names[path[0]] == nil && d.ours(path[0]) {
			d.names[path[0]] = new(inode)
		}
	case "pwrite64":
		data := unquote(quoted.FindStringSubmatch(args)[1])
		d.write(args, change{d.lastNumber(args), data})
	case "ftruncate":
		d.write(args, change{d.lastNumber(args), nil})
	case "link", "linkat":
		if p := pathsIn(args); len(p) == 2 && d.ours(p[1]) {
			d.names[p[1]] = d.names[p[0]]
		}
	case "rename", "renameat", "renameat2":
		if p := pathsIn(args); len(p) == 2 && d.ours(p[1]) {
			d.names[p[1]] = d.names[p[0]]
			delete(d.names, p[0])
		}
	case "unlink", "unlinkat":
		if p := pathsIn(args); len(p) == 1 {
			delete(d.names, p[0])
		}
	case "fsync", "fdatasync":
		d.sync(args)
	}
}

// ours says whether a path is the file or one of its drafts.
func (d *disk) ours(path string) bool { return strings.HasPrefix(path, d.path) }

// told reads what the writer says on stdout.
func (d *disk) told(args string) {
	m := quoted.FindStringSubmatch(args)
	if m == nil || !strings.HasPrefix(args, "1<") {
		return
	}
	for line := range strings.Lines(string(unquote(m[1]))) {
		_, _ = fmt.Sscanf(line, "committed %d", &d.committed)
	}
}

func (d *disk) write(args string, c change) {
	if i := d.names[pathOf(args)]; i != nil {
		i.pending = append(i.pending, c)
	}
}

// sync loses power in some ways just before the sync has its effect, and then lets it.
func (d *disk) sync(args string) {
	path := pathOf(args)
	d.syncs++
	i := d.names[path]
	if i != nil {
		d.fileSyncs++
	}
	ways := *powerLoss
	if ways == 0 && d.rng.IntN(4) == 0 {
		ways = 1
	}
	for way := range ways {
		d.cut(way)
	}
	switch {
	case i != nil:
		i.durable, i.pending = i.after(func(change) []bool { return nil }), nil
	case path == filepath.Dir(d.path):
		d.durable = maps.Clone(d.names)
	}
}

// cut builds the file as a power cut leaves it now, and checks it.
func (d *disk) cut(way int) {
	i := d.durable[d.path]
	if i == nil && d.rng.IntN(2) == 0 { // a name may be there before its folder is synced
		i = d.names[d.path]
	}
	d.cuts++
	if i == nil {
		return // no file: nothing was promised yet
	}
	path := filepath.Join(d.TempDir(), "cut.db")
	if err := os.WriteFile(path, i.after(d.chance(way)), 0o600); err != nil {
		d.Fatal(err)
	}
	if d.rng.IntN(3) == 0 { // a recorder opens it
		f, err := store.Open(path, store.Options{NoSync: true})
		if err != nil {
			d.Fatalf("after sync %d: %v", d.syncs, err)
		}
		if err := f.Close(); err != nil {
			d.Fatal(err)
		}
	}
	checkStream(d.T, path, d.seed, int64(d.committed), int64(d.committed)+600)
	if err := os.Remove(path); err != nil {
		d.Fatal(err)
	}
}

// sector is what a disk writes whole.
const sector = 512

// chance says of each write which of its sectors are left out: none or all, or any.
func (d *disk) chance(way int) func(change) []bool {
	whole := way%3 == 1 // whole writes only
	none := way%7 == 2  // nothing since the sync
	return func(c change) []bool {
		lost := make([]bool, len(c.data)/sector+2)
		all := d.rng.IntN(2) == 0
		for i := range lost {
			lost[i] = none || whole && all || !whole && d.rng.IntN(2) == 0
		}
		return lost
	}
}

// after is what is on the disk when of the pending writes all but the lost sectors
// came to it. A change of length that is lost is made up by what is written behind it.
func (i *inode) after(lost func(change) []bool) []byte {
	data := append([]byte(nil), i.durable...)
	grow := func(n int64) {
		if n > int64(len(data)) {
			data = append(data, make([]byte, n-int64(len(data)))...)
		}
	}
	for _, c := range i.pending {
		gone := lost(c)
		if c.data == nil {
			if len(gone) == 0 || !gone[0] {
				grow(c.at)
			}
			continue
		}
		for from := int64(0); from < int64(len(c.data)); from += sector {
			if len(gone) > 0 && gone[from/sector] {
				continue
			}
			part := c.data[from:min(from+sector, int64(len(c.data)))]
			grow(c.at + from + int64(len(part)))
			copy(data[c.at+from:], part)
		}
	}
	return data
}

// complete says whether the replay has come to the file that the writer left.
func (d *disk) complete() bool {
	want, err := os.ReadFile(d.path)
	if err != nil {
		d.Fatal(err)
	}
	i := d.names[d.path]
	return i != nil && string(i.after(func(change) []bool { return nil })) == string(want)
}

// pathsIn are the quoted paths among the arguments of a call.
func pathsIn(args string) (paths []string) {
	for _, m := range quoted.FindAllStringSubmatch(args, -1) {
		paths = append(paths, string(unquote(m[1])))
	}
	return paths
}

// pathOf is the path of the file that a call is about.
func pathOf(args string) string {
	m := fdPath.FindStringSubmatch(args)
	if m == nil {
		return ""
	}
	return string(unquote(m[1]))
}

func unquote(hex string) []byte {
	out := make([]byte, len(hex)/4)
	for i := range out {
		b, err := strconv.ParseUint(hex[4*i+2:4*i+4], 16, 8)
		if err != nil {
			panic(err) // the pattern has only such digits
		}
		out[i] = byte(b)
	}
	return out
}

var lastArgument = regexp.MustCompile(`, (\d+)(?:\)| <unfinished)`)

// lastNumber is the offset of a pwrite64, the length of an ftruncate.
func (d *disk) lastNumber(args string) int64 {
	all := lastArgument.FindAllStringSubmatch(args, -1)
	if all == nil {
		d.Fatalf("no number in %.100s", args)
	}
	n, err := strconv.ParseInt(all[len(all)-1][1], 10, 64)
	if err != nil {
		d.Fatal(err)
	}
	return n
}
