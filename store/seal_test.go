package store_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

func seal(t testing.TB, f *store.File, s ledger.Session, ended bool) {
	t.Helper()
	if err := f.Seal(t.Context(), s, ended); err != nil {
		t.Fatal(err)
	}
}

// folded are the candles of the trades of one symbol, as they are read back.
func folded(list []candle.Trade, v candle.Interval) []candle.Candle {
	fold := candle.NewFold(v, 0)
	for i := range list {
		fold.Add(&list[i])
	}
	candles := slices.Clone(fold.Candles())
	for i := range candles {
		if v.ByTime() {
			candles[i].First, candles[i].Last = candles[i].Start, candles[i].Start
		}
	}
	return candles
}

// sameCandle compares as numbers: the scale of a sum does not show.
func sameCandle(a, b candle.Candle) bool {
	same := a.Volume.Cmp(b.Volume) == 0 && a.Turnover.Cmp(b.Turnover) == 0
	a.Volume, a.Turnover, b.Volume, b.Turnover = candle.Sum{}, candle.Sum{}, candle.Sum{}, candle.Sum{}
	return same && a == b
}

// holds checks that the session holds just these trades, in order of arrival, and
// their candles.
func holds(t testing.TB, f *store.File, s ledger.Session, want []candle.Trade) {
	t.Helper()
	if got := read(t, f, s, nil); !slices.Equal(got, bySymbol(want)) {
		t.Fatalf("%d trades came back of %d, or not the same", len(got), len(want))
	}
	perSymbol := make(map[string][]candle.Trade)
	for _, c := range want {
		perSymbol[c.Symbol] = append(perSymbol[c.Symbol], c)
	}
	for _, v := range []candle.Interval{candle.Second, candle.HundredTrades} {
		got := make(map[string][]candle.Candle)
		for c, err := range f.Candles(s, nil, v, 0) {
			if err != nil {
				t.Fatal(err)
			}
			got[c.Symbol] = append(got[c.Symbol], c.Candle)
		}
		if len(got) != len(perSymbol) {
			t.Fatalf("%s candles of %d symbols, want %d", v, len(got), len(perSymbol))
		}
		for name, list := range perSymbol {
			if !slices.EqualFunc(got[name], folded(list, v), sameCandle) {
				t.Fatalf("%s candles of %s are not the fold of its trades", v, name)
			}
		}
	}
}

// blocks are the sealed values of a session, key by key.
func blocks(t testing.TB, path string, s ledger.Session) map[string][]byte {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found := make(map[string][]byte)
	err = db.View(func(tx *bolt.Tx) error {
		key := store.SessionKey(s)
		b := tx.Bucket([]byte("sessions")).Bucket(key[:])
		if k, _ := b.Cursor().Seek([]byte{'t'}); len(k) == 5 {
			t.Errorf("a tape is left: %x", k)
		}
		for _, name := range []string{"trades", "1s", "100t"} {
			if b.Bucket([]byte(name)) == nil {
				continue
			}
			if err := b.Bucket([]byte(name)).ForEach(func(k, v []byte) error {
				found[name+"/"+string(k)] = bytes.Clone(v)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// For any cut of a session into commits, kills, late trades and seals, the blocks of
// the ended session are those of one that was sealed in one go.
func TestSealedTheSameHoweverCut(t *testing.T) {
	rng := seeded(t)
	list := trades(rng, day, 260_000, "QLD", "SPY", "SPY", "SPY", "SPY", "S1", "S2")
	once := filepath.Join(t.TempDir(), "once.db")
	f := open(t, once)
	if _, err := f.Append(day, list); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	holds(t, f, day, list)
	seal(t, f, day, true)
	holds(t, f, day, list)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := blocks(t, once, day)
	for range fewer(3) {
		cut := filepath.Join(t.TempDir(), "cut.db")
		late := recordInPieces(t, rng, cut, list)
		t.Logf("%d trades late by a minute or more came after a seal", late)
		if late < 1000 {
			t.Errorf("only %d late trades came after a seal", late)
		}
		got := blocks(t, cut, day)
		if len(got) != len(want) {
			t.Errorf("%d blocks, want %d", len(got), len(want))
		}
		for key, value := range want {
			if !bytes.Equal(got[key], value) {
				t.Errorf("block %q differs: %d bytes, want %d", key, len(got[key]), len(value))
			}
		}
	}
}

// sealedAt forces a seal when a tape is longer than this.
const sealedAt = 256 << 10

// recordInPieces records with commits, seals, seals cut short and new openings at
// random. It returns how many trades came late, behind a seal that had their
// neighbours.
func recordInPieces(t *testing.T, rng *rand.Rand, path string, list []candle.Trade) (late int) {
	f := open(t, path)
	latest, sealedTo := int64(0), int64(0)
	for done := 0; done < len(list); {
		n := min(1+rng.IntN(4000), len(list)-done)
		if _, err := f.Append(day, list[done:done+n]); err != nil {
			t.Fatal(err)
		}
		for _, c := range list[done : done+n] {
			latest = max(latest, c.Time)
			if c.Time < sealedTo {
				late++
			}
		}
		done += n
		switch rng.IntN(8) {
		case 0: // staged only
		case 1:
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f = open(t, path)
		default:
			if err := f.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if f.Unsealed(day) > sealedAt {
			ctx, cancel := context.WithCancel(t.Context())
			if rng.IntN(3) == 0 { // it ends early: the next goes on
				f.StopSealAfter(1+rng.IntN(5), cancel)
			}
			ended := rng.IntN(6) == 0
			_ = f.Seal(ctx, day, ended)
			f.StopSealAfter(0, nil)
			cancel()
			sealedTo = latest
			if rng.IntN(3) == 0 {
				if err := f.Commit(); err != nil {
					t.Fatal(err)
				}
				holds(t, f, day, list[:done])
			}
		}
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	seal(t, f, day, true)
	holds(t, f, day, list)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return late
}

// What is appended, committed and read while a seal runs is all there.
func TestSealBesideRecording(t *testing.T) {
	rng := seeded(t)
	list := trades(rng, day, fewer(100_000), "QLD", "SPY", "S1", "S2")
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	half := len(list) / 2
	if _, err := f.Append(day, list[:half]); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.Seal(t.Context(), day, false) }()
	for sealing, at := true, half; sealing || at < len(list); {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			sealing = false
		default:
		}
		n := min(500, len(list)-at)
		if _, err := f.Append(day, list[at:at+n]); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		at += n
		if got := read(t, f, day, nil); !slices.Equal(got, bySymbol(list[:at])) {
			t.Fatalf("%d trades came back of %d, or not the same", len(got), at)
		}
	}
	holds(t, f, day, list)
}

// A suspected echo is known in a block as on the tape.
func TestEchoOfSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	list := trades(seeded(t), day, 40_000, "QLD", "SPY")
	f := open(t, path)
	if _, err := f.Append(day, list); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	seal(t, f, day, true)
	for round, stage := range []string{"sealed", "reopened"} {
		if round == 1 {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			f = open(t, path)
		}
		for _, i := range []int{0, 700, 20_000, len(list) - 1} {
			echo := list[i]
			echo.Echo, echo.Conditions = true, ""
			if left, err := f.Append(day, []candle.Trade{echo}); left[ledger.RejectedEcho] != 1 || err != nil {
				t.Errorf("%s: echo of trade %d: left out %v, %v", stage, i, left, err)
			}
			echo.Size.Units += 7001 + int64(round)
			if left, err := f.Append(day, []candle.Trade{echo}); left != nil || err != nil {
				t.Errorf("%s: a trade never recorded was left out as an echo: %v, %v", stage, left, err)
			}
		}
	}
}
