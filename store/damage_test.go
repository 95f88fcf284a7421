package store_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	berrors "go.etcd.io/bbolt/errors"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/news"
	"tapedeck/store"
	"tapedeck/store/pages"
)

var damages = flag.Int("damages", 100, "files of the damage test (1000 for the long form)")

// contents is all that a file says.
type contents struct {
	sessions []store.Summary
	trades   map[ledger.Session][]candle.Trade
	seconds  map[ledger.Session][]store.CandleRow
	hundred  map[ledger.Session][]store.CandleRow
	spans    map[ledger.Session]int
	news     []news.Article
}

// readAll reads a file from one end to the other, up to the first error.
func readAll(path string) (c contents, err error) {
	f, err := store.OpenReadOnly(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	c = contents{trades: map[ledger.Session][]candle.Trade{}, seconds: map[ledger.Session][]store.CandleRow{},
		hundred: map[ledger.Session][]store.CandleRow{}, spans: map[ledger.Session]int{}}
	if c.sessions, err = f.Sessions(); err != nil {
		return c, err
	}
	for _, s := range c.sessions {
		for row, e := range f.Trades(s.Session, nil) {
			if e == nil {
				c.trades[s.Session] = append(c.trades[s.Session], row.Trade)
			}
			err = errors.Join(err, e)
		}
		for v, into := range map[candle.Interval]map[ledger.Session][]store.CandleRow{candle.Second: c.seconds, candle.HundredTrades: c.hundred} {
			for row, e := range f.Candles(s.Session, nil, v, 0) {
				if e == nil {
					into[s.Session] = append(into[s.Session], row)
				}
				err = errors.Join(err, e)
			}
		}
		spans, e := f.Spans(s.Session)
		c.spans[s.Session] = len(spans)
		err = errors.Join(err, e)
	}
	for a, e := range f.News(0, math.MaxInt64) {
		if e == nil {
			c.news = append(c.news, a)
		}
		err = errors.Join(err, e)
	}
	return c, err
}

// beginsLike says whether rows are those of want as far as they go: an error ends them,
// a wrong number never stands among them.
func beginsLike[T any](rows, want []T, same func(a, b T) bool) bool {
	return len(rows) <= len(want) && slices.EqualFunc(rows, want[:len(rows)], same)
}

func sameTrade(a, b candle.Trade) bool { return a == b }

func sameRow(a, b store.CandleRow) bool {
	return a.Symbol == b.Symbol && sameCandle(a.Candle, b.Candle)
}

// precious makes a file with something of everything: a sealed session, one sealed in
// part, one on the tape, and one whose trades are dropped.
func precious(t *testing.T) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	rng := seeded(t)
	f := open(t, path)
	for i := range int64(4) {
		s := day
		s.Open, s.Close = s.Open+i*86_400_000, s.Close+i*86_400_000
		set := ledger.NewSymbols("QLD", "SPY", "S1")
		add := func(n int) {
			if _, err := f.Append(s, trades(rng, s, n, "QLD", "SPY", "SPY", "SPY", "S1")); err != nil {
				t.Fatal(err)
			}
			f.Enter(s, []ledger.Span{{From: s.Open, Until: s.Open + 6_000_000, Symbols: set}, {From: s.Open + 6_000_000, Until: s.Open + 6_100_000, Symbols: set, Cause: ledger.Drop}}, nil)
			f.Count(s, ledger.Counts{ledger.Accepted: int64(n)})
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		add(9000)
		if i < 3 {
			seal(t, f, s, i < 2)
		}
		if i == 0 {
			if _, err := f.Retain(t.Context(), s.Close+1, 0); err != nil {
				t.Fatal(err)
			}
		} else {
			add(1000)
		}
		if i == 1 {
			seal(t, f, s, true)
		}
	}
	if err := errors.Join(f.PutNews(headlines(rng, day.Open, 40), feedStates(5)), f.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}

const pageSize = 4096

// hurt damages a file: flipped bits, a zeroed page, a cut end, a page in the place of
// another.
func hurt(rng *rand.Rand, good []byte) []byte {
	bad := bytes.Clone(good)
	page := func() []byte {
		n := rng.IntN(len(bad)/pageSize) * pageSize
		return bad[n : n+pageSize]
	}
	switch rng.IntN(6) {
	case 0:
		clear(page())
	case 1:
		return bad[:rng.IntN(len(bad))]
	case 2:
		copy(page(), page())
	default:
		for range 1 + rng.IntN(3) {
			bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
		}
	}
	return bad
}

// typed says whether an error is one that a damaged file may give.
func typed(err error) bool {
	var damaged *store.Damaged
	var foreign *store.Foreign
	var newer *store.Newer
	var dropped *store.Dropped
	return errors.As(err, &damaged) || errors.As(err, &foreign) || errors.As(err, &newer) ||
		errors.As(err, &dropped) || errors.Is(err, berrors.ErrInvalid)
}

// TestDamage: a damaged file gives right rows and typed errors, never a wrong number and
// never a dead process; what a reader trips over, verify finds.
func TestDamage(t *testing.T) {
	path, good := precious(t)
	want, _ := readAll(path) // the trades of one session are dropped: that is an error
	rng := seeded(t)
	refused, damaged, unseen := 0, 0, 0
	bad := filepath.Join(t.TempDir(), "bad.db")
	for range fewer(*damages) {
		if err := os.WriteFile(bad, hurt(rng, good), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readAll(bad)
		if err != nil && !typed(err) {
			t.Fatalf("reading ends with %T: %v", err, err)
		}
		for s, rows := range got.trades {
			if !beginsLike(rows, want.trades[s], sameTrade) {
				t.Fatalf("%s: wrong trades", s.Date())
			}
		}
		for s := range got.seconds {
			if !beginsLike(got.seconds[s], want.seconds[s], sameRow) || !beginsLike(got.hundred[s], want.hundred[s], sameRow) {
				t.Fatalf("%s: wrong candles", s.Date())
			}
		}
		if !beginsLike(got.news, want.news, func(a, b news.Article) bool { return reflect.DeepEqual(a, b) }) {
			t.Fatal("wrong news")
		}
		report, verr := store.Verify(t.Context(), bad)
		whole := err == nil || onlyDropped(err)
		less := len(got.trades) < len(want.trades)
		for s, rows := range got.trades {
			if whole && len(rows) < len(want.trades[s]) {
				t.Fatalf("%s: %d trades of %d, and no error", s.Date(), len(rows), len(want.trades[s]))
			}
		}
		switch {
		case verr != nil && !typed(verr):
			t.Fatalf("verify ends with %T: %v", verr, verr)
		case verr != nil:
			refused++
		case len(report.Problems) > 0:
			damaged++
		case !whole || less:
			t.Fatalf("verify found nothing, a reader did: %v", err)
		default:
			unseen++ // a free page, or the older head
		}
	}
	t.Logf("%d files: %d refused, %d with damage found, %d hurt where nothing is", fewer(*damages), refused, damaged, unseen)
	if damaged < fewer(*damages)/10 {
		t.Error("too few files were damaged where something is")
	}
}

// onlyDropped says whether all that is wrong is what retention took.
func onlyDropped(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !onlyDropped(e) })
	}
	var dropped *store.Dropped
	return err == nil || errors.As(err, &dropped)
}

// TestVerifyNamesEachValue hurts every value of a file, one at a time, and wants verify
// to name it.
func TestVerifyNamesEachValue(t *testing.T) {
	_, good := precious(t)
	type value struct {
		at    int
		key   []byte
		where string
	}
	var values []value
	p, err := pages.Open(bytes.NewReader(good), int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Walk(func(i pages.Item) error {
		if at := bytes.Index(good[i.Page*pageSize:], i.Value); !i.Bucket && at >= 0 {
			values = append(values, value{int(i.Page)*pageSize + at + len(i.Value)/2, bytes.Clone(i.Key), store.PlaceOf(i)})
		}
		return nil
	}, func(p pages.Problem) { t.Errorf("a good file: %+v", p) }); err != nil {
		t.Fatal(err)
	}
	if len(values) < 40 {
		t.Fatalf("only %d values", len(values))
	}
	rng := seeded(t)
	rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	bad := filepath.Join(t.TempDir(), "bad.db")
	for _, v := range values[:min(len(values), fewer(2**damages))] {
		data := bytes.Clone(good)
		data[v.at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := store.Verify(t.Context(), bad)
		if err != nil {
			if v.where != "meta/format" || !typed(err) {
				t.Fatalf("%s: %v", v.where, err)
			}
			continue
		}
		if !slices.ContainsFunc(report.Problems, func(d *store.Damaged) bool { return d.Where == v.where }) {
			t.Errorf("verify does not name %s, it says %v", v.where, report.Problems)
		}
	}
	t.Logf("%d of %d values hurt, each named", min(len(values), fewer(2**damages)), len(values))
}

// TestSalvage: of a damaged file comes one that is whole; its trades are among those
// that were, and a candle of a second that its ledger calls heard is right.
func TestSalvage(t *testing.T) {
	path, good := precious(t)
	want, _ := readAll(path)
	rng := seeded(t)
	bad := filepath.Join(t.TempDir(), "bad.db")
	kept, all, lost := 0, 0, 0
	for n := range fewer(*damages / 2) {
		data := hurt(rng, good)
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "new.db")
		s, err := store.Salvage(t.Context(), bad, to, store.Options{})
		if err != nil {
			if !typed(err) || !strings.Contains(err.Error(), "offset 0") {
				t.Fatalf("file %d: %v", n, err)
			}
			continue
		}
		lost += len(s.Lost)
		recheck(t, to)
		k, a := compareSalvaged(t, to, want)
		if len(data) == len(good) { // of one that was cut short there may be anything left
			kept, all = kept+k, all+a
		}
	}
	t.Logf("%d places lost; %d of %d trades kept of files that were not cut short", lost, kept, all)
	if kept*10 < all*6 {
		t.Error("too little was kept")
	}
}

// compareSalvaged holds a salvaged file against what there was.
func compareSalvaged(t *testing.T, path string, want contents) (kept, all int) {
	t.Helper()
	f, err := store.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sessions, err := f.Sessions()
	if err != nil {
		t.Fatal(err)
	}
	for s := range want.trades {
		all += len(want.trades[s])
	}
	for _, s := range sessions {
		key := s.Session
		for original := range want.trades {
			if original.Open == key.Open {
				key = original // its close may be lost
			}
		}
		was := make(map[candle.Trade]int)
		for _, trade := range want.trades[key] {
			was[trade]++
		}
		for row, err := range f.Trades(s.Session, nil) {
			var dropped *store.Dropped
			if errors.As(err, &dropped) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(row.Symbol, "UNKNOWN-") {
				continue
			}
			if was[row.Trade]--; was[row.Trade] < 0 {
				t.Fatalf("a trade that was not there, or twice: %+v", row)
			}
			kept++
		}
		compareSeconds(t, f, s.Session, want.seconds[key])
	}
	known := make(map[news.ID]string)
	for _, a := range want.news {
		known[a.ID] = fmt.Sprint(a)
	}
	for a, err := range f.News(0, math.MaxInt64) {
		if err != nil || fmt.Sprint(a) != known[a.ID] {
			t.Fatalf("a headline that was not there: %+v, %v", a, err)
		}
	}
	return kept, all
}

// compareSeconds wants each candle of a second that was heard to be as it was.
func compareSeconds(t *testing.T, f *store.File, s ledger.Session, want []store.CandleRow) {
	t.Helper()
	type at struct {
		symbol string
		start  int64
	}
	was := make(map[at]candle.Candle)
	for _, c := range want {
		was[at{c.Symbol, c.Start}] = c.Candle
	}
	timelines, err := f.Timelines(s)
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range f.Candles(s, nil, candle.Second, 0) {
		var dropped *store.Dropped
		if errors.As(err, &dropped) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		state, _ := timelines(c.Symbol).State(c.Start, c.Start+1000, true)
		if state == ledger.Traded && !sameCandle(c.Candle, was[at{c.Symbol, c.Start}]) {
			t.Fatalf("%s %s: a candle that was heard is not what it was", s.Date(), c.Symbol)
		}
	}
}
