package command

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/schedule"
	"tapedeck/store"
)

// hand is a clock that stands where it was put.
type hand struct{ time.Time }

func (h *hand) Now() time.Time                            { return h.Time }
func (*hand) Wall(d time.Duration) time.Duration          { return d }
func (h *hand) put(s ledger.Session, after time.Duration) { h.Time = time.UnixMilli(s.Open).Add(after) }

var _ schedule.Clock = (*hand)(nil)

// A candle of time is shown when the market is settled past its end, or our clock 15 s past
// it; a trade that comes later has it written again, amended, from memory or, after two
// minutes of the market, from the file.
func TestFollowAmends(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	file, err := store.Open(db, store.Options{Command: "test", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	s := ledger.Session{Hours: ledger.Regular, Open: 1795185000000, Close: 1795208400000, Stated: true} // 2026-11-20
	if err := file.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	file.Enter(s, []ledger.Span{{From: s.Open, Until: s.Close, Symbols: ledger.NewSymbols("QLD")}}, nil)
	clock := new(hand)
	var out bytes.Buffer
	f := &exportFollower{
		export:   &exportCommand{What: "5s", Settle: span(2 * time.Second), form: form{Time: "rfc3339", Columns: []string{"time", "open", "high", "close", "volume", "trades", "state", "amended"}}},
		follower: follower{book: book{file, &live{file: file, plan: always{}, run: new(runCommand), clock: clock}}},
		out:      &out,
	}
	clock.put(s, 0)
	if err := f.start(); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		clock  time.Duration // since the open
		trades []time.Duration
		cents  int64
		rows   string
	}{
		{1 * time.Second, []time.Duration{time.Second}, 7001, "time,open,high,close,volume,trades,state,amended\n"},
		{6900 * time.Millisecond, []time.Duration{6900 * time.Millisecond}, 7011, ""},
		{7 * time.Second, []time.Duration{7 * time.Second}, 7021, "2026-11-20T14:30:00Z,70.0100,70.0100,70.0100,1,1,traded,false\n"},
		{8 * time.Second, []time.Duration{4900 * time.Millisecond}, 7031, "2026-11-20T14:30:00Z,70.0100,70.3100,70.3100,2,2,traded,true\n"},
		{19 * time.Second, nil, 0, ""},
		{25 * time.Second, nil, 0, "2026-11-20T14:30:05Z,70.1100,70.2100,70.2100,2,2,traded,false\n"},
		{26 * time.Second, nil, 0, ""},
		{3 * time.Minute, []time.Duration{3 * time.Minute, time.Second}, 7041, "2026-11-20T14:30:00Z,70.0100,70.4100,70.3100,3,3,traded,true\n"},
		{3*time.Minute + 10*time.Second, []time.Duration{3*time.Minute + 10*time.Second}, 7051, "2026-11-20T14:33:00Z,70.4100,70.4100,70.4100,1,1,traded,false\n"},
		{3*time.Minute + 12*time.Second, []time.Duration{9 * time.Second}, 7061, "2026-11-20T14:30:05Z,70.1100,70.6100,70.6100,3,3,traded,true\n"},
		{7 * time.Hour, nil, 0, "2026-11-20T14:33:10Z,70.5100,70.5100,70.5100,1,1,traded,false\n"},
	} {
		clock.put(s, step.clock)
		for _, at := range step.trades {
			trade := candle.Trade{Symbol: "QLD", Time: s.Open + at.Milliseconds(), Received: clock.UnixMilli(), Price: candle.Decimal{Units: step.cents, Scale: 2}, Size: candle.Decimal{Units: 1}}
			if _, err := file.Append(s, []candle.Trade{trade}); err != nil {
				t.Fatal(err)
			}
		}
		out.Reset()
		if err := errors.Join(file.Commit(), f.look(context.Background()), f.flush()); err != nil {
			t.Fatal(err)
		}
		if out.String() != step.rows {
			t.Errorf("look %d, %v after the open: it shows\n%swant\n%s", i, step.clock, out.String(), step.rows)
		}
	}
	if err := errors.Join(file.Seal(context.Background(), s, true), file.Close()); err != nil {
		t.Fatal(err)
	}
	want := []string{"14:30:00Z,QLD,70.01,70.41,70.01,70.31,3,", "14:30:05Z,QLD,70.11,70.61,70.11,70.61,3,", "14:33:00Z,QLD,70.41,", "14:33:10Z,QLD,70.51,"}
	rows := exported(t, db, "5s")
	if len(rows) != len(want) {
		t.Fatalf("the export has %q", rows)
	}
	for i, row := range rows {
		if line := strings.Join(row, ","); !strings.HasPrefix(line, "2026-11-20T"+want[i]) {
			t.Errorf("the export has %s, want %s", line, want[i])
		}
	}
}
