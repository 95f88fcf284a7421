package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tapedeck/collector/ledger"
)

const (
	sealAfter = 64 << 20    // bytes on the tape of a session that runs
	sealAgain = time.Minute // wall time, after a seal that failed
)

// seals has sessions sealed beside the recording, one after the other, in a goroutine
// of its own. A session that waits is there once, however often it is asked for.
type seals struct {
	r      *Recorder
	wake   chan struct{}
	mu     sync.Mutex
	wanted map[ledger.Session]bool // true: it has ended
}

func newSeals(r *Recorder) *seals {
	return &seals{r: r, wake: make(chan struct{}, 1), wanted: make(map[ledger.Session]bool)}
}

// want asks for a session to be sealed. It does not block.
func (q *seals) want(s ledger.Session, ended bool) {
	q.mu.Lock()
	q.wanted[s] = q.wanted[s] || ended
	q.mu.Unlock()
	poke(q.wake)
}

// next takes a session out: one that has ended last, for it is in no hurry.
func (q *seals) next() (s ledger.Session, ended, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for each, over := range q.wanted {
		if !ok || ended && !over {
			s, ended, ok = each, over, true
		}
	}
	delete(q.wanted, s)
	return s, ended, ok
}

// run seals what is wanted until ctx ends. What was left unfinished by an earlier
// recorder is wanted first.
func (q *seals) run(ctx context.Context) {
	q.catchUp()
	for ctx.Err() == nil {
		s, ended, ok := q.next()
		if !ok {
			select {
			case <-q.wake:
			case <-ctx.Done():
			}
			continue
		}
		if !q.seal(ctx, s, ended) && ctx.Err() == nil {
			q.want(s, ended)
			wait(ctx, sealAgain)
		}
	}
}

// catchUp wants the sessions that ended and were not sealed.
func (q *seals) catchUp() {
	unfinished, err := q.r.tape.Unfinished()
	if err != nil {
		q.r.log.Error(fmt.Sprintf("Sealing: %v", err))
		return
	}
	over := q.r.now() - q.r.o.CloseGrace.Milliseconds()
	for _, s := range unfinished {
		if s.Close <= over {
			q.want(s, true)
		}
	}
}

// seal is false when it is worth trying again. A session that cannot be read stays
// as it is, for its tape holds all there is: recording goes on.
func (q *seals) seal(ctx context.Context, s ledger.Session, ended bool) bool {
	err := q.r.tape.Seal(ctx, s, ended)
	switch {
	case err == nil:
		if ended && q.r.o.Sealed != nil {
			q.r.o.Sealed(ctx, s)
		}
		return true
	case errors.Is(err, context.Canceled):
		return false
	case diskFull(err):
		q.r.log.Warn(fmt.Sprintf("Sealing waits for room on the disk: %v", err))
		return false
	}
	q.r.log.Error(fmt.Sprintf("Sealing failed; the tape is kept as it is: %v", err))
	return true
}
