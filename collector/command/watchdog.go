package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"tapedeck/collector"
)

const (
	hangLimit = 2 * time.Minute // without a round of the recording loop, or in one commit
	hangLook  = 5 * time.Second
	hangLooks = int(hangLimit / hangLook)
)

// hang is a recorder that stands still. Nothing restarts a process that hangs, so that it
// ends: the platform starts it again.
type hang struct{ dump string }

func (h *hang) Error() string {
	return fmt.Sprintf("the recording has stood still for %s; where everything stood is in %s", hangLimit, h.dump)
}

// watched runs the recorder until it ends, or stands still: then the error is a *hang, and
// its goroutines are left where they are. still is told for how long it has, and alive is
// called every few seconds with whether the recording loop has gone round since.
func watched(ctx context.Context, r *collector.Recorder, db string, still *atomic.Int64, alive func(moves bool), log *slog.Logger) error {
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	w := watch{beats: r.Beats}
	tick := time.NewTicker(hangLook)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
		hangs := w.hangs()
		alive(w.still == 0 && w.stuck == 0)
		still.Store(int64(hangLook) * int64(max(w.still, w.stuck)))
		if hangs {
			h := &hang{hangFile(db)}
			if err := os.WriteFile(h.dump, stacks(), 0o600); err != nil {
				log.Error(fmt.Sprintf("The stacks cannot be written: %v", err))
			}
			return h
		}
	}
}

// watch knows for how many looks the recorder has stood still. It counts looks and not
// time: a process that was frozen has not looked either.
type watch struct {
	beats          func() (rounds, commit int64)
	rounds, commit int64 // at the last look
	still, stuck   int   // looks since the one, and the other, changed
}

// hangs looks whether the recorder stands still.
func (w *watch) hangs() bool {
	rounds, commit := w.beats()
	w.still, w.stuck = w.still+1, w.stuck+1
	if rounds != w.rounds {
		w.still = 0
	}
	if commit != w.commit || commit == 0 {
		w.stuck = 0
	}
	w.rounds, w.commit = rounds, commit
	return w.still >= hangLooks || w.stuck >= hangLooks
}

func hangFile(db string) string { return db + ".hang.txt" }

// stacks is what every goroutine is doing.
func stacks() []byte {
	b := make([]byte, 16<<20)
	return b[:runtime.Stack(b, true)]
}

// reportHang says at the next start what the last one died of, once, and returns where it
// stood; "" when it did not hang.
func reportHang(db string, log *slog.Logger) string {
	name := hangFile(db)
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	kept := filepath.Join(filepath.Dir(name), fmt.Sprintf("%s-%s.txt", filepath.Base(db)+".hang", info.ModTime().UTC().Format("20060102T150405Z")))
	if err := os.Rename(name, kept); err != nil {
		kept = name
	}
	log.Warn(fmt.Sprintf("The last recorder stood still and was ended at %s; where it stood is in %s", info.ModTime().UTC().Format(time.RFC3339), kept))
	return kept
}
