package store_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"tapedeck/collector/ledger"
	"tapedeck/collector/news"
	"tapedeck/store"
)

// headlines are n articles that were first seen about a time, several at once, and some
// before others that came earlier: clocks step.
func headlines(rng *rand.Rand, from int64, n int) []news.Article {
	list := make([]news.Article, n)
	for i := range list {
		a := &list[i]
		a.Seen = from + rng.Int64N(int64(n))*200
		for j := range a.ID {
			a.ID[j] = byte(rng.Uint32())
		}
		a.Source, a.Title = fmt.Sprintf("Source %d", rng.IntN(5)), fmt.Sprintf("Headline %d, \"quoted\"\u2026", i)
		if rng.IntN(3) > 0 {
			a.Link = fmt.Sprintf("https://example.com/story/%d", i)
			a.Published = a.Seen - rng.Int64N(1e9)
		}
		for range rng.IntN(4) {
			a.Symbols = append(a.Symbols, fmt.Sprintf("S%d", rng.IntN(100)))
		}
	}
	return list
}

func feedStates(n int) (list []news.State) {
	for i := range n {
		list = append(list, news.State{URL: fmt.Sprintf("https://example.com/%d", i), Source: "Example", ETag: `W/"1"`, Next: 5, Outcomes: map[string]int64{"ok": 3, "404": int64(i)}})
	}
	return list
}

func collectNews(t *testing.T, rows iter.Seq2[news.Article, error]) (list []news.Article) {
	t.Helper()
	for a, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

func bySeen(a, b news.Article) int {
	return cmp.Or(cmp.Compare(a.Seen, b.Seen), bytes.Compare(a.ID[:], b.ID[:]))
}

// Articles come back as they were put, each once, in both orders, beside the recording and
// of the stopped file.
func TestNews(t *testing.T) {
	rng := seeded(t)
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	if known, err := f.KnowsNews([]news.ID{{1}}); err != nil || known[0] {
		t.Fatalf("a new file knows %v: %v", known, err)
	}
	if list := collectNews(t, f.LatestNews(0)); len(list) > 0 {
		t.Fatalf("a new file has %v", list)
	}
	want := headlines(rng, day.Open, 20_000)
	for part := range slices.Chunk(want, 700) {
		again := slices.Clone(part[:100])
		for i := range again { // later, under another title
			again[i].Seen += 1e6
			again[i].Title += " (updated)"
		}
		if err := errors.Join(f.PutNews(part, nil), f.PutNews(again, feedStates(3))); err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(want, bySeen)
	look := func(f *store.File) {
		t.Helper()
		if got := collectNews(t, f.News(0, math.MaxInt64)); !reflect.DeepEqual(got, want) {
			t.Fatalf("%d articles, want %d", len(got), len(want))
		}
		from, to := want[1000].Seen, want[3000].Seen
		inside := slices.DeleteFunc(slices.Clone(want), func(a news.Article) bool { return a.Seen < from || a.Seen >= to })
		if got := collectNews(t, f.News(from, to)); !reflect.DeepEqual(got, inside) {
			t.Fatalf("%d articles between, want %d", len(got), len(inside))
		}
		latest := slices.DeleteFunc(slices.Clone(want), func(a news.Article) bool { return a.Seen < from })
		slices.Reverse(latest)
		if got := collectNews(t, f.LatestNews(from)); !reflect.DeepEqual(got, latest) {
			t.Fatalf("%d latest articles, want %d", len(got), len(latest))
		}
		known, err := f.KnowsNews([]news.ID{want[0].ID, {1, 2, 3}, want[19_999].ID})
		if err != nil || !slices.Equal(known, []bool{true, false, true}) {
			t.Errorf("known: %v, %v", known, err)
		}
		states, err := f.Feeds()
		if err != nil || !reflect.DeepEqual(states, feedStates(3)) {
			t.Errorf("states %+v: %v", states, err)
		}
	}
	look(f)
	changed := feedStates(3)
	changed[1].Retired = true
	if err := f.PutNews(nil, changed); err != nil {
		t.Fatal(err)
	}
	if states, err := f.Feeds(); err != nil || !reflect.DeepEqual(states, changed) {
		t.Errorf("states %+v: %v", states, err)
	}
	if err := errors.Join(f.PutNews(nil, feedStates(3)), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, remake := range []func() error{
		func() error { return nil },
		func() error {
			_, _, err := store.Compact(t.Context(), path, store.Options{Command: "test"}, day.Close)
			return err
		},
	} {
		if err := remake(); err != nil {
			t.Fatal(err)
		}
		stopped, err := store.OpenReadOnly(path)
		if err != nil {
			t.Fatal(err)
		}
		look(stopped)
		if err := stopped.Close(); err != nil {
			t.Fatal(err)
		}
		recheck(t, path)
	}
}

// News are put from another goroutine than trades.
func TestNewsBesideTrades(t *testing.T) {
	rng := seeded(t)
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	list := headlines(rng, day.Open, 300)
	var beside sync.WaitGroup
	beside.Go(func() {
		for part := range slices.Chunk(list, 10) {
			if err := f.PutNews(part, feedStates(2)); err != nil {
				t.Error(err)
			}
		}
	})
	all := trades(rng, day, 3000, "QLD")
	for part := range slices.Chunk(all, 100) {
		if _, err := f.Append(day, part); err != nil {
			t.Fatal(err)
		}
		f.Enter(day, []ledger.Span{{From: day.Open, Until: day.Close, Symbols: ledger.NewSymbols("QLD")}}, nil)
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	beside.Wait()
	seal(t, f, day, true)
	if got := collectNews(t, f.News(0, math.MaxInt64)); len(got) != len(list) {
		t.Errorf("%d articles, want %d", len(got), len(list))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	recheck(t, path)
}
