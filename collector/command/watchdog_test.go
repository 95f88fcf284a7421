package command

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector"
	"tapedeck/schedule"
	"tapedeck/store"
)

// stuck is a file whose commits do not come back.
type stuck struct {
	*store.File
	release chan struct{}
	err     error
}

func (s stuck) Commit() error {
	if s.err != nil {
		return s.err
	}
	<-s.release
	return nil
}

type noRoom struct{}

func (noRoom) Error() string { return "no space left on device" }
func (noRoom) Full() bool    { return true }

// A recorder whose disk does not answer for two minutes is ended, with what every
// goroutine was doing in a file beside the recording; the next start says so, once.
func TestWatchdog(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	synctest.Test(t, func(t *testing.T) {
		file, err := store.Open(db, store.Options{Command: "test", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		tape := stuck{file, make(chan struct{}), nil}
		feed := func(context.Context) (collector.Conn, error) { return nil, errors.New("nobody there") }
		r := collector.New(feed, tape, schedule.EveryDay{}, collector.Options{Symbols: []string{"BTC-USD"}, Stated: true, AllHours: true})
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		err = watched(ctx, r, db, new(atomic.Int64), func(bool) {}, slog.New(slog.DiscardHandler))
		var hung *hang
		if !errors.As(err, &hung) || !strings.Contains(err.Error(), db+".hang.txt") {
			t.Fatalf("it gives %v", err)
		}
		if d := time.Since(begun); d < hangLimit || d > hangLimit+30*time.Second {
			t.Errorf("it took %s", d)
		}
		close(tape.release)
		cancel()
		synctest.Wait()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(db + ".hang.txt")
	if err != nil || !bytes.Contains(text, []byte("stuck.Commit")) {
		t.Errorf("the dump does not show where it stood: %v\n%.2000s", err, text)
	}
	log := new(bytes.Buffer)
	for range 2 {
		reportHang(db, slog.New(slog.NewTextHandler(log, nil)))
	}
	if n := strings.Count(log.String(), "The last recorder stood still and was ended at "); n != 1 {
		t.Errorf("told %d times: %s", n, log)
	}
	if kept, err := filepath.Glob(db + ".hang-*.txt"); err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// A full disk is not a hang, however long it lasts, and neither is a quiet night.
func TestWatchdogLeavesTheLivingAlone(t *testing.T) {
	for _, full := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "a.db")
			file, err := store.Open(db, store.Options{Command: "test", NoSync: true})
			if err != nil {
				t.Fatal(err)
			}
			var tape collector.Tape = file
			if full {
				tape = stuck{file, nil, noRoom{}}
			}
			feed := func(context.Context) (collector.Conn, error) { return nil, errors.New("nobody there") }
			r := collector.New(feed, tape, schedule.EveryDay{}, collector.Options{Symbols: []string{"BTC-USD"}, Stated: true, AllHours: true})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			err = watched(ctx, r, db, new(atomic.Int64), func(bool) {}, slog.New(slog.DiscardHandler))
			var hung *hang
			if errors.As(err, &hung) {
				t.Errorf("full %v: %v", full, err)
			}
			if err := file.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
