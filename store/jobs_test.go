package store_test

import (
	"path/filepath"
	"slices"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// sessionsOf are n sessions, a day apart, from day on.
func sessionsOf(n int) (list []ledger.Session) {
	for i := range n {
		s := day
		s.Open, s.Close = s.Open+int64(i)*86_400_000, s.Close+int64(i)*86_400_000
		list = append(list, s)
	}
	return list
}

// fill puts a session with some trades, or with a ledger alone, on file.
func fill(t *testing.T, f *store.File, s ledger.Session, list []candle.Trade) {
	t.Helper()
	if err := f.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(s, list); err != nil {
		t.Fatal(err)
	}
	f.Enter(s, []ledger.Span{{From: s.Open, Until: s.Close, Symbols: ledger.NewSymbols("QLD")}}, nil)
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, f *store.File, job string, before int64) []ledger.Session {
	t.Helper()
	list, err := f.Pending(job, before)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func wantPending(t *testing.T, f *store.File, job string, before int64, want ...ledger.Session) {
	t.Helper()
	if got := pending(t, f, job, before); !slices.Equal(got, want) {
		t.Errorf("%s is pending for %v, want %v", job, got, want)
	}
}

// A job is pending for what has ended and is sealed, oldest first, from the session on
// that was the last one when it was enlisted, until it is done; after a restart, a
// compaction and a salvage, too.
func TestJobs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	rng := seeded(t)
	all := sessionsOf(5)
	for _, s := range all[:2] {
		fill(t, f, s, trades(rng, s, 50, "QLD"))
	}
	after := all[4].Close
	wantPending(t, f, "export", after) // nobody has enlisted it
	for range 2 {
		if err := f.Enlist("export"); err != nil {
			t.Fatal(err)
		}
	}
	wantPending(t, f, "export", after) // neither is sealed
	seal(t, f, all[0], true)
	wantPending(t, f, "export", after) // it had ended before the last one
	seal(t, f, all[1], false)
	wantPending(t, f, "export", after) // not as ended
	seal(t, f, all[1], true)
	wantPending(t, f, "export", after, all[1])
	wantPending(t, f, "export", all[1].Close-1)
	fill(t, f, all[2], nil) // nothing to seal
	fill(t, f, all[3], trades(rng, all[3], 50, "QLD"))
	seal(t, f, all[3], true)
	wantPending(t, f, "export", after, all[1], all[2], all[3])
	if err := f.Enlist("retention"); err != nil {
		t.Fatal(err)
	}
	wantPending(t, f, "retention", after, all[3])
	if err := f.SetDone("export", all[2], 7); err != nil {
		t.Fatal(err)
	}
	wantPending(t, f, "export", after, all[1], all[3])
	if done, err := f.Done("export", all[2]); !done || err != nil {
		t.Errorf("done: %v %v", done, err)
	}
	if done, err := f.Done("retention", all[2]); done || err != nil {
		t.Errorf("of another job: %v %v", done, err)
	}
	if _, err := f.Retain(t.Context(), all[4].Open, 0); err != nil {
		t.Fatal(err)
	}
	wantPending(t, f, "export", after, all[1], all[3]) // without its trades it has ended all the same

	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compact(t.Context(), path, store.Options{Command: "test"}, after); err != nil {
		t.Fatal(err)
	}
	saved := filepath.Join(t.TempDir(), "saved.db")
	if _, err := store.Salvage(t.Context(), path, saved, store.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, saved} {
		again := open(t, path)
		wantPending(t, again, "export", after, all[1], all[3])
		wantPending(t, again, "retention", after, all[3])
		wantPending(t, again, "unknown", after)
	}
}

// A trade that comes late to a sealed session has the jobs wait for the next seal, and a
// job that was done is not done again.
func TestJobsAndLateTrades(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "a.db"))
	list := trades(seeded(t), day, 60, "QLD")
	fill(t, f, day, list[:50])
	seal(t, f, day, true)
	for _, job := range []string{"one", "other"} {
		if err := f.Enlist(job); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetDone("one", day, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Append(day, list[50:]); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	wantPending(t, f, "other", day.Close)
	seal(t, f, day, true)
	wantPending(t, f, "other", day.Close, day)
	wantPending(t, f, "one", day.Close)
}
