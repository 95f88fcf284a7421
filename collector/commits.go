package collector

import (
	"errors"
	"fmt"
	"time"

	"tapedeck/collector/ledger"
	"tapedeck/schedule"
)

const (
	coverageEvery = 10 * time.Second // wall time: a commit for coverage alone
	retryEvery    = time.Second      // on a full disk
	stagedEnough  = 8 << 20          // bytes: commit at once
)

// commits decides when the tape is committed. One goroutine of its own does it,
// so that the keeper goes on appending. All times are wall times.
type commits struct {
	r      *Recorder
	kick   chan struct{}
	done   chan error
	since  time.Time // of the first trade not committed; zero: none
	at     time.Time // when coverage was looked at last
	retry  time.Time // not before, after a full disk
	busy   bool      // a commit runs
	now    bool      // commit as soon as possible
	missed bool      // what the tape was handed last is not committed

	over   []ledger.Session // sessions that ended, not committed to the end
	ending []ledger.Session // those that the commit that runs commits to the end
}

func (c *commits) init(r *Recorder) {
	c.r, c.kick, c.done = r, make(chan struct{}), make(chan error, 1)
	c.at, c.missed = wall(), r.full.Load()
	go func() {
		number := int64(0)
		for range c.kick {
			number++
			r.commit.Store(number)
			err := r.tape.Commit()
			r.commit.Store(0)
			c.done <- err
		}
		close(c.done)
	}()
}

// stop ends the goroutine and waits for it.
func (c *commits) stop() {
	close(c.kick)
	for range c.done {
	}
}

// dirty says that there is something that should not wait longer than CommitEvery.
func (c *commits) dirty(now time.Time) {
	if c.since.IsZero() {
		c.since = now
	}
}

// hurry asks for a commit as soon as one can be made.
func (c *commits) hurry() { c.now = true }

// nextCommit is how long until there is something to do; known is false when
// nothing is to be done before something comes in.
func (k *keeper) nextCommit(now time.Time) (d time.Duration, known bool) {
	c := &k.commits
	if c.busy || len(k.accounts) == 0 && !c.now && !c.missed && c.since.IsZero() {
		return schedule.Look, false
	}
	return max(0, c.due().Sub(now)), true
}

func (c *commits) due() time.Time {
	at := c.at.Add(coverageEvery)
	if !c.since.IsZero() {
		if d := c.since.Add(c.r.o.CommitEvery); d.Before(at) {
			at = d
		}
	}
	if c.now {
		at = time.Time{}
	}
	if at.Before(c.retry) {
		at = c.retry
	}
	return at
}

// commitIfDue begins a commit, if it is time and there is anything to write.
func (k *keeper) commitIfDue(now time.Time) {
	c := &k.commits
	if c.busy {
		return
	}
	if !c.since.IsZero() && k.r.tape.Staged() > stagedEnough {
		c.now = true
	}
	if now.Before(c.due()) {
		return
	}
	moved := k.enterAll()
	if moved || c.missed || !c.since.IsZero() {
		c.busy, c.missed = true, true
		c.ending, c.over = append(c.ending, c.over...), nil
		c.kick <- struct{}{}
	}
	c.at, c.since, c.now = now, time.Time{}, false
}

// finished works off the end of a commit.
func (k *keeper) finished(err error) error {
	c := &k.commits
	c.busy = false
	if err == nil {
		c.missed = false
		c.retry = time.Time{}
		k.wantSeals()
		k.r.fits.Store(true)
		if k.r.full.Swap(false) {
			k.r.log.Info("The disk has room again: everything that waited is written")
		}
		return nil
	}
	if !diskFull(err) {
		return err
	}
	k.r.fits.Store(false)
	if !k.r.full.Swap(true) {
		k.r.fulls.Add(1)
		k.r.log.Error(fmt.Sprintf("The disk is full, recording goes on in memory: %v", err))
	}
	c.now, c.retry = true, wall().Add(retryEvery)
	return nil
}

// wantSeals asks for what is committed to be sealed: sessions that ended, and tapes that
// have grown long.
func (k *keeper) wantSeals() {
	for _, s := range k.ending {
		k.r.seal.want(s, true)
	}
	k.ending = k.ending[:0]
	for _, a := range k.accounts {
		if k.r.tape.Unsealed(a.s) > sealAfter {
			k.r.seal.want(a.s, false)
		}
	}
}

func diskFull(err error) bool {
	var full interface{ Full() bool }
	return errors.As(err, &full) && full.Full()
}

// finish is the last commit.
func (k *keeper) finish() error {
	c := &k.commits
	if c.busy {
		if err := k.finished(<-c.done); err != nil {
			return err
		}
	}
	if moved := k.enterAll(); moved || c.missed || !c.since.IsZero() {
		return k.r.tape.Commit()
	}
	return nil
}
