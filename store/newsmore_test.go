package store_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/news"
	"tapedeck/store"
)

// Articles as long as they come fill many pages: none is left out or seen twice, in both
// orders, also when others come while it reads.
func TestNewsPages(t *testing.T) {
	rng := seeded(t)
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	want := headlines(rng, day.Open, 3000)
	for i := range want {
		want[i].Title, want[i].Link = strings.Repeat("t", 1000), strings.Repeat("l", 2048)
	}
	if err := f.PutNews(want, nil); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(want, bySeen)
	var latest []news.Article
	for a, err := range f.LatestNews(math.MinInt64) {
		if err != nil {
			t.Fatal(err)
		}
		if latest = append(latest, a); len(latest) == 1500 { // behind what was read, and before
			if err := f.PutNews([]news.Article{{ID: news.ID{1}, Seen: math.MaxInt64}, {ID: news.ID{2}, Seen: 1}}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last := len(latest) - 1; latest[last].Seen == 1 {
		latest = latest[:last] // one that came may be read, or not
	}
	slices.Reverse(latest)
	if !reflect.DeepEqual(latest, want) {
		t.Errorf("%d articles from the latest on, want %d", len(latest), len(want))
	}
	if got := collectNews(t, f.News(2, math.MaxInt64)); !reflect.DeepEqual(got, want) {
		t.Errorf("%d articles, want %d", len(got), len(want))
	}
}

// What was put is in the file without a close: its bytes as they are then, as a kill leaves
// them, are gone on with.
func TestNewsKilled(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	want := headlines(seeded(t), day.Open, 500)
	slices.SortFunc(want, bySeen)
	if err := f.PutNews(want, feedStates(3)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.Path())
	killed := filepath.Join(t.TempDir(), "b.db")
	if err := errors.Join(err, os.WriteFile(killed, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	g := open(t, killed)
	if err := g.PutNews(want, nil); err != nil {
		t.Fatal(err)
	}
	if got := collectNews(t, g.News(0, math.MaxInt64)); !reflect.DeepEqual(got, want) {
		t.Errorf("%d articles, want %d", len(got), len(want))
	}
	if states, err := g.Feeds(); err != nil || !reflect.DeepEqual(states, feedStates(3)) {
		t.Errorf("states %+v: %v", states, err)
	}
}

// A URL that is too long for a key keeps nothing from being written; its state is found
// again, and replaced.
func TestLongURL(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	long := news.State{URL: "https://a.com/" + strings.Repeat("x", 40_000), Source: "Long", Next: 1}
	states := []news.State{{URL: "https://b.com/", Next: 2}, long, {URL: long.URL + "y", Next: 3}}
	if err := f.PutNews(headlines(seeded(t), day.Open, 1), states); err != nil {
		t.Fatal(err)
	}
	states[1].Failures = 7
	if err := f.PutNews(nil, states[1:2]); err != nil {
		t.Fatal(err)
	}
	want := []news.State{states[1], states[2], states[0]} // by URL
	if got, err := f.Feeds(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%d states: %v", len(got), err)
	}
	if got := collectNews(t, f.News(0, math.MaxInt64)); len(got) != 1 {
		t.Errorf("%d articles", len(got))
	}
}

// A backup beside the recording has the news.
func TestNewsBackup(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	want := headlines(seeded(t), day.Open, 300)
	slices.SortFunc(want, bySeen)
	if err := f.PutNews(want, feedStates(3)); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "b.db")
	if _, err := f.Backup(t.Context(), to, 1, day.Close); err != nil {
		t.Fatal(err)
	}
	g, err := store.OpenReadOnly(to)
	if err != nil {
		t.Fatal(err)
	}
	states, err := g.Feeds()
	if got := collectNews(t, g.News(0, math.MaxInt64)); err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(states, feedStates(3)) {
		t.Errorf("%d articles, %d states: %v", len(got), len(states), err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	recheck(t, to)
}

// alter changes a closed file.
func alter(t *testing.T, path string, change func(list, ids, feeds *bolt.Bucket) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("news"))
		return change(b.Bucket([]byte("articles")), b.Bucket([]byte("ids")), b.Bucket([]byte("feeds")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// hurtFirst flips a bit of the first value.
func hurtFirst(b *bolt.Bucket) error {
	k, v := b.Cursor().First()
	v = slices.Clone(v)
	v[0] ^= 1
	return b.Put(slices.Clone(k), v)
}

// resign writes a value of a bucket with a right checksum.
func resign(b *bolt.Bucket, name string, key, body []byte) error {
	return b.Put(key, store.Sign(slices.Clone(body), []byte(name), key))
}

// What is hurt of the news is named by verify, on the stopped file and beside the recording.
// Of what is salvaged the rest is there, and it is whole.
func TestNewsDamage(t *testing.T) {
	articles, states := headlines(seeded(t), day.Open, 50), feedStates(4)
	slices.SortFunc(articles, bySeen)
	first, third := articles[0], articles[2]
	key := func(a news.Article, later byte) []byte { // as FORMAT.md draws it
		k := make([]byte, 8, 20)
		for i := range 8 {
			k[i] = byte(uint64(a.Seen) >> (56 - 8*i))
		}
		k[7] += later
		return append(k, a.ID[:]...)
	}
	for name, c := range map[string]struct {
		hurt   func(list, ids, feeds *bolt.Bucket) error
		place  string
		what   string
		reads  bool // the articles can be read
		lost   []news.Article
		states []news.State
	}{
		"article":    {hurt: func(list, _, _ *bolt.Bucket) error { return hurtFirst(list) }, place: "news/articles/", what: "checksum", lost: []news.Article{first}, states: states},
		"id":         {hurt: func(_, ids, _ *bolt.Bucket) error { return hurtFirst(ids) }, place: "news/ids/", what: "checksum", reads: true, states: states},
		"feed":       {hurt: func(_, _, feeds *bolt.Bucket) error { return hurtFirst(feeds) }, place: "news/feeds/https://example.com/0", what: "checksum", reads: true, states: states[1:]},
		"no id":      {hurt: func(_, ids, _ *bolt.Bucket) error { return ids.Delete(first.ID[:]) }, place: "news/articles/", what: "its id is not known", reads: true, states: states},
		"no article": {hurt: func(list, _, _ *bolt.Bucket) error { return list.Delete(key(third, 0)) }, place: "news/ids/", what: "there is no article of it", reads: true, lost: []news.Article{third}, states: states},
		"undecoded": {hurt: func(list, _, _ *bolt.Bucket) error {
			return resign(list, "articles", key(first, 0), []byte{1, 200})
		}, place: "news/articles/", what: "does not decode", lost: []news.Article{first}, states: states},
		"twice": {hurt: func(list, ids, _ *bolt.Bucket) error {
			again := key(third, 1)
			v := list.Get(key(third, 0))
			return errors.Join(resign(list, "articles", again, v[:len(v)-4]), resign(ids, "ids", third.ID[:], again[:8]))
		}, place: "news/articles/", what: "its id is not known", reads: true, states: states},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			f, err := store.Open(path, store.Options{Command: "test", NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(f.PutNews(articles, states), f.Close()); err != nil {
				t.Fatal(err)
			}
			alter(t, path, c.hurt)
			stopped, err := store.Verify(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if f, err = store.Open(path, store.Options{Command: "test", NoSync: true}); err != nil {
				t.Fatal(err)
			}
			beside, err := f.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []*store.Report{stopped, beside} {
				if !slices.ContainsFunc(r.Problems, func(d *store.Damaged) bool {
					return strings.HasPrefix(d.Where, c.place) && strings.Contains(d.Error(), c.what)
				}) {
					t.Errorf("verify says %v, want %s: %s", r.Problems, c.place, c.what)
				}
			}
			var damaged *store.Damaged
			for _, err := range f.News(0, math.MaxInt64) {
				if err != nil && !errors.As(err, &damaged) {
					t.Error(err)
				}
			}
			if (damaged == nil) != c.reads {
				t.Errorf("reading ends with %v", damaged)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			checkSalvagedNews(t, path, slices.DeleteFunc(slices.Clone(articles), func(a news.Article) bool {
				return slices.ContainsFunc(c.lost, func(l news.Article) bool { return l.ID == a.ID })
			}), c.states)
		})
	}
}

func checkSalvagedNews(t *testing.T, path string, articles []news.Article, states []news.State) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "new.db")
	if _, err := store.Salvage(t.Context(), path, to, store.Options{}); err != nil {
		t.Fatal(err)
	}
	f := open(t, to) // at its end the whole file is proven
	if got := collectNews(t, f.News(0, math.MaxInt64)); !reflect.DeepEqual(got, articles) {
		t.Errorf("%d articles are salvaged, want %d", len(got), len(articles))
	}
	if got, err := f.Feeds(); err != nil || !reflect.DeepEqual(got, states) {
		t.Errorf("%d states are salvaged, want %d: %v", len(got), len(states), err)
	}
}
