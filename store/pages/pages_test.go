package pages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/store/pages"
)

func seeded(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// fileOf makes a bbolt file with buckets in buckets, small ones in their value and large
// ones, values over several pages, and pages that are free again.
func fileOf(t testing.TB, rng *rand.Rand, keys int) (data []byte, free int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, PageSize: 4096})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := db.Update(func(tx *bolt.Tx) error { return fill(tx, rng, keys/5) }); err != nil {
			t.Fatal(err)
		}
	}
	free = db.Stats().FreePageN + db.Stats().PendingPageN
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, free
}

func fill(tx *bolt.Tx, rng *rand.Rand, keys int) error {
	for range keys {
		b, err := tx.CreateBucketIfNotExists(fmt.Appendf(nil, "top%d", rng.IntN(3)))
		for depth := rng.IntN(3); depth > 0 && err == nil; depth-- {
			b, err = b.CreateBucketIfNotExists(fmt.Appendf(nil, "bucket%d", rng.IntN(4)))
		}
		if err != nil {
			return err
		}
		key := fmt.Appendf(nil, "key%06d", rng.IntN(keys*3))
		if rng.IntN(4) == 0 {
			if err := b.Delete(key); err != nil {
				return err
			}
			continue
		}
		size := rng.IntN(300)
		if rng.IntN(20) == 0 {
			size = rng.IntN(20_000)
		}
		if err := b.Put(key, bytes.Repeat([]byte{byte(rng.IntN(256))}, size)); err != nil {
			return err
		}
	}
	return nil
}

// listed is what a file holds, by path and key.
type listed map[string]string

func nameOf(path [][]byte, key []byte) string {
	return string(bytes.Join(append(append([][]byte{}, path...), key), []byte("/")))
}

// byBolt lists a file with bbolt itself.
func byBolt(t testing.TB, data []byte) listed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found := listed{}
	var walk func(path [][]byte, b *bolt.Bucket) error
	walk = func(path [][]byte, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(append(append([][]byte{}, path...), bytes.Clone(k)), b.Bucket(k))
			}
			found[nameOf(path, k)] = string(v)
			return nil
		})
	}
	if err := db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return walk([][]byte{bytes.Clone(name)}, b) })
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// read lists a file with the package, and what it says is wrong.
func read(t testing.TB, data []byte) (found listed, at map[string]uint64, wrong []pages.Problem, free uint64) {
	t.Helper()
	f, err := pages.Open(bytes.NewReader(data), int64(len(data)))
	if errors.Is(err, pages.ErrNoMagic) || errors.Is(err, pages.ErrChecksum) || errors.Is(err, pages.ErrShort) {
		return nil, nil, []pages.Problem{{What: err.Error()}}, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	found, at = listed{}, map[string]uint64{}
	note := func(p pages.Problem) { wrong = append(wrong, p) }
	if err := f.Walk(func(i pages.Item) error {
		if !i.Bucket {
			found[nameOf(i.Path, i.Key)], at[nameOf(i.Path, i.Key)] = string(i.Value), i.Page
		}
		return nil
	}, note); err != nil {
		t.Fatal(err)
	}
	free, err = f.Freelist(note)
	if err != nil {
		t.Fatal(err)
	}
	return found, at, wrong, free
}

func TestWalkIsWhatBoltReads(t *testing.T) {
	rng := seeded(t)
	for _, keys := range []int{0, 10, 500, 20_000} {
		data, free := fileOf(t, rng, keys)
		want := byBolt(t, data)
		got, _, wrong, free2 := read(t, data)
		if len(wrong) > 0 {
			t.Fatalf("%d keys: a good file: %+v", keys, wrong[0])
		}
		if int(free2) != free {
			t.Errorf("%d keys: %d free pages, bbolt says %d", keys, free2, free)
		}
		if len(got) != len(want) {
			t.Fatalf("%d keys: %d items, want %d", keys, len(got), len(want))
		}
		for name, value := range want {
			if got[name] != value {
				t.Fatalf("%s has another value", name)
			}
		}
	}
}

const pageSize = 4096

// TestDamage: whatever is hurt, the walk ends, and an item that lies on a page that was
// not hurt is what it was.
func TestDamage(t *testing.T) {
	rng := seeded(t)
	good, _ := fileOf(t, rng, 3000)
	want := byBolt(t, good)
	seen, files := 0, 600
	if testing.Short() { // as under the race detector in CI
		files = 100
	}
	for range files {
		bad := bytes.Clone(good)
		n := rng.IntN(len(bad) / pageSize)
		page := bad[n*pageSize : (n+1)*pageSize]
		switch rng.IntN(5) {
		case 0:
			clear(page)
		case 1:
			bad = bad[:rng.IntN(len(bad))]
		case 2:
			from := rng.IntN(len(good) / pageSize)
			copy(page, good[from*pageSize:])
		case 3: // the head of a page, where it counts
			page[rng.IntN(48)] ^= 1 << rng.IntN(8)
		default:
			page[rng.IntN(pageSize)] ^= 1 << rng.IntN(8)
		}
		got, at, wrong, _ := read(t, bad)
		if n < 2 {
			continue // then the older head counts: another file
		}
		for name, value := range got {
			first := int(at[name])
			last := first + int(binary.NativeEndian.Uint32(bad[first*pageSize+12:]))
			if was, ok := want[name]; ok && was == value {
				continue
			}
			if n < first || n > last {
				// A bucket that is hurt may lead to another's pages: then there is a problem.
				if len(wrong) == 0 {
					t.Fatalf("%s on page %d is not what it was, page %d was hurt", name, first, n)
				}
			}
		}
		if len(wrong) > 0 {
			seen++
		}
	}
	t.Logf("%d of %d were seen by the pages alone", seen, files)
	if seen < files/10 {
		t.Error("too few were seen")
	}
}

// TestOrphans: when a branch is lost, what hangs under it is still found.
func TestOrphans(t *testing.T) {
	rng := seeded(t)
	keys := 20_000
	if testing.Short() {
		keys = 5000
	}
	good, _ := fileOf(t, rng, keys)
	want := byBolt(t, good)
	branches := 0
	for n := 2; n < len(good)/pageSize; n++ {
		page := good[n*pageSize:]
		if binary.NativeEndian.Uint16(page[8:]) != 1 || binary.NativeEndian.Uint64(page) != uint64(n) {
			continue
		}
		bad := bytes.Clone(good)
		clear(bad[n*pageSize : (n+1)*pageSize])
		f, err := pages.Open(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			t.Fatal(err)
		}
		left := map[string]int{} // by key
		for name := range want {
			left[name[strings.LastIndexByte(name, '/')+1:]]++
		}
		lost := false
		if err := f.Walk(func(i pages.Item) error {
			if !i.Bucket {
				left[string(i.Key)]--
			}
			return nil
		}, func(pages.Problem) { lost = true }); err != nil {
			t.Fatal(err)
		}
		if !lost {
			continue // a branch of an earlier transaction
		}
		branches++
		f.Orphans(func(_ uint64, key, _ []byte) { left[string(key)]-- })
		for key, n := range left {
			if n > 0 {
				t.Fatalf("%s is lost with branch page", key)
			}
		}
	}
	if branches == 0 {
		t.Error("no branch page was lost")
	}
}

func FuzzWalk(f *testing.F) {
	data, _ := fileOf(f, rand.New(rand.NewPCG(1, 2)), 60)
	f.Add(data[:min(len(data), 64<<10)])
	f.Fuzz(func(t *testing.T, data []byte) {
		read(t, data)
	})
}

// BenchmarkWalk is MB/s of a file in memory.
func BenchmarkWalk(b *testing.B) {
	data, _ := fileOf(b, rand.New(rand.NewPCG(1, 2)), 50_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		read(b, data)
	}
}
