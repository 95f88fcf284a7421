package collector

import (
	"context"
	"sync"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

const (
	tradeBytes = 88       // the size of a candle.Trade
	mostBytes  = 64 << 20 // waiting in memory, here and staged in the tape
	spareCap   = 1 << 16  // a larger slice is not kept for the next batch
)

// mark is something that happened between two trades.
type mark struct {
	at      int // it happened before trades[at] of its batch
	kind    markKind
	now     int64 // event time
	seen    int64 // how far the connection has been heard
	cause   ledger.Cause
	session ledger.Session
}

type markKind uint8

const (
	joined     markKind = iota + 1 // the session is recorded from now on
	subscribed                     // a connection has written its subscribe
	ponged                         // a pong came
	sang                           // a fresh trade of the canary came: seen
	closing                        // the connection lived until the close and its grace
	ended                          // a connection, or a try, ended: cause ("" leaves the cause that is)
	left                           // the session is over
	stopped                        // nothing more will come
)

// batch is what came in, in order, since the batch before.
type batch struct {
	trades []candle.Trade
	marks  []mark
	counts ledger.Counts
}

// intake hands what the connections bring to the keeper. One goroutine takes; any
// may put.
type intake struct {
	staged func() int
	wake   chan struct{} // there is something to take
	room   chan struct{} // there may be room again

	mu      sync.Mutex
	next    batch
	taken   int  // trades of the batch being worked on
	tape    int  // bytes staged, as last seen
	waiting bool // the reader waits for room
	stalls  int  // how often it has
	gone    bool // nobody takes any more
}

func newIntake(staged func() int) *intake {
	return &intake{staged: staged, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// full needs the lock.
func (in *intake) full() bool {
	return !in.gone && (len(in.next.trades)+in.taken)*tradeBytes+in.tape > mostBytes
}

// put hands over a trade. It blocks while too much is waiting, until stop is
// closed: then it is false, and the trade is lost.
func (in *intake) put(t *candle.Trade, stop <-chan struct{}) bool {
	in.mu.Lock()
	for in.full() {
		if !in.waiting {
			in.waiting = true
			in.stalls++
		}
		in.mu.Unlock()
		select {
		case <-in.room:
		case <-stop:
			in.mu.Lock()
			in.waiting = false
			in.mu.Unlock()
			return false
		}
		in.mu.Lock()
	}
	in.waiting = false
	first := len(in.next.trades) == 0
	in.next.trades = append(in.next.trades, *t)
	in.mu.Unlock()
	if first {
		poke(in.wake)
	}
	return true
}

// count notes n more of a kind. It does not block, and does not wake the keeper:
// counts can wait.
func (in *intake) count(c ledger.Count, n int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.next.counts == nil {
		in.next.counts = ledger.Counts{}
	}
	in.next.counts.Add(c, n)
}

// mark notes what happened behind the trades so far. It does not block.
func (in *intake) mark(m mark) {
	in.mu.Lock()
	m.at = len(in.next.trades)
	in.next.marks = append(in.next.marks, m)
	in.mu.Unlock()
	poke(in.wake)
}

// take is what came in. spare, the batch taken before, is used again.
func (in *intake) take(spare batch) batch {
	if cap(spare.trades) > spareCap {
		spare.trades = nil
	}
	spare = batch{trades: spare.trades[:0], marks: spare.marks[:0]}
	in.mu.Lock()
	defer in.mu.Unlock()
	b := in.next
	in.next = spare
	in.taken = len(b.trades)
	return b
}

// settle says that the batch taken last is worked off, or that a commit has
// ended: look again how much is waiting.
func (in *intake) settle() {
	staged := in.staged()
	in.mu.Lock()
	in.taken = 0
	in.tape = staged
	wake := in.waiting && !in.full()
	in.mu.Unlock()
	if wake {
		poke(in.room)
	}
}

// abandon says that nobody will take any more. Whoever waits for room goes on.
func (in *intake) abandon() {
	in.mu.Lock()
	in.gone = true
	in.mu.Unlock()
	poke(in.room)
}

// stalled is how often the reader had to wait for room, and whether it does.
func (in *intake) stalled() (times int, now bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.stalls, in.waiting
}

// awaitRoom waits until there is room, for it is no use to dial before. No reader
// may be running.
func (in *intake) awaitRoom(ctx context.Context) {
	for {
		in.mu.Lock()
		full := in.full()
		in.mu.Unlock()
		if !full || !wait(ctx, 100*time.Millisecond) {
			return
		}
	}
}
