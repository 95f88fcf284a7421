package schedule

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"tapedeck/collector/ledger"
)

// Job is work beside the recording: after each session, or once a day.
type Job struct {
	// Name is how the memory knows it. It never changes.
	Name string
	// Daily makes it a daily job, due from the time of day At on, New York. Without it a
	// job is due when a session is over and sealed.
	Daily bool
	At    TimeOfDay
	// Do does it for a session, which of a daily job is the date's UTC day. It should end
	// early with ctx. An error has it done again later; a panic counts as one.
	Do func(ctx context.Context, s ledger.Session) error
}

// Memory remembers which jobs were done, across restarts. Its methods block for the
// disk, and are called by one goroutine.
type Memory interface {
	// Enlist says that there is a job. When it is new, the sessions that ended before
	// the last one are none of its business.
	Enlist(job string) error
	// Pending are the sessions, by time, that closed before the time (Unix ms), have
	// nothing left to seal, and that the job was not done for.
	Pending(job string, before int64) ([]ledger.Session, error)
	// Done says whether the job was done for s.
	Done(job string, s ledger.Session) (bool, error)
	// SetDone remembers that it was.
	SetDone(job string, s ledger.Session, now int64) error
}

// Panicked is what a job died of.
type Panicked struct {
	Value any
	Stack []byte
}

func (p *Panicked) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Jobs does each of its jobs once for each of its sessions. Make one with NewJobs.
type Jobs struct {
	// Failed is told of a job that failed and when, wall time, it is tried again.
	Failed func(job string, s ledger.Session, err error, again time.Duration)

	memory  Memory
	clock   Clock
	grace   time.Duration
	wake    chan struct{}
	waiting []*waitingJob
}

// waitingJob is a job and how it fares.
type waitingJob struct {
	Job
	enlisted bool
	fails    int                     // in a row
	again    time.Time               // not before, wall time, after it failed
	done     map[ledger.Session]bool // of which the memory does not know yet
}

// NewJobs makes what does the jobs, in their order. A session is over grace after its
// close. It starts nothing.
func NewJobs(m Memory, c Clock, grace time.Duration, jobs ...Job) *Jobs {
	j := &Jobs{memory: m, clock: c, grace: grace, wake: make(chan struct{}, 1)}
	for _, each := range jobs {
		j.waiting = append(j.waiting, &waitingJob{Job: each, done: make(map[ledger.Session]bool)})
	}
	return j
}

// Wake has Run look at once. It does not block and may be called from anywhere.
func (j *Jobs) Wake() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Run does what is due, looks again when it is woken and at least once a minute, and
// returns when ctx ends and the job that runs has. It asks the memory each time, so that
// a restart, a suspend or a step of the clock neither skips nor repeats anything.
func (j *Jobs) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-j.wake:
		case <-timer.C:
		}
		for _, w := range j.waiting {
			j.look(ctx, w)
		}
		timer.Reset(Look)
	}
}

// look does a job for each session that it is due for.
func (j *Jobs) look(ctx context.Context, w *waitingJob) {
	if time.Now().Before(w.again) || ctx.Err() != nil {
		return
	}
	due, err := j.due(w)
	var s ledger.Session
	for _, s = range due {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = j.do(ctx, w, s)
	}
	if ctx.Err() != nil {
		return // what was cut short is done at the next start
	}
	if err == nil {
		w.fails = 0
		return
	}
	again := min(Look<<min(w.fails, 10), time.Hour)
	w.fails++
	w.again = time.Now().Add(again)
	if j.Failed != nil {
		j.Failed(w.Name, s, err, again)
	}
}

// due are the sessions that a job is to be done for.
func (j *Jobs) due(w *waitingJob) ([]ledger.Session, error) {
	if !w.enlisted {
		if err := j.memory.Enlist(w.Name); err != nil {
			return nil, err
		}
		w.enlisted = true
	}
	now := j.clock.Now()
	if !w.Daily {
		return j.memory.Pending(w.Name, now.Add(-j.grace).UnixMilli())
	}
	today := DateIn(now)
	if now.Before(today.At(w.At)) {
		return nil, nil
	}
	s := ledger.Day(today.utc().UnixMilli())
	done, err := j.memory.Done(w.Name, s)
	if err != nil || done {
		return nil, err
	}
	return []ledger.Session{s}, nil
}

// do does a job for one session. What is done and could not be remembered is not done
// again.
func (j *Jobs) do(ctx context.Context, w *waitingJob, s ledger.Session) error {
	if !w.done[s] {
		if err := guarded(ctx, w.Do, s); err != nil {
			return err
		}
		w.done[s] = true
	}
	if err := j.memory.SetDone(w.Name, s, j.clock.Now().UnixMilli()); err != nil {
		return err
	}
	delete(w.done, s)
	return nil
}

// guarded calls do, whose panic becomes an error: recording goes on.
func guarded(ctx context.Context, do func(context.Context, ledger.Session) error, s ledger.Session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Panicked{p, debug.Stack()}
		}
	}()
	return do(ctx, s)
}
