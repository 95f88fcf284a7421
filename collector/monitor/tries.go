package monitor

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	tryEvery      = 10 * time.Second // a wrong token from an address
	triesAtOnce   = 5
	mostAddresses = 1024 // that are told apart; the others share one account
)

// tries counts wrong tokens. The zero value is ready.
type tries struct {
	mu     sync.Mutex
	of     map[string]*rate.Limiter
	others *rate.Limiter
}

// may is false when too many wrong tokens came from an address: then a right one is not
// looked at either. A wrong one counts.
func (t *tries) may(address string, right bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.limiter(address)
	if l.Tokens() < 1 {
		return false
	}
	return right || l.Allow()
}

// limiter needs the lock.
func (t *tries) limiter(address string) *rate.Limiter {
	if t.of == nil {
		t.of, t.others = make(map[string]*rate.Limiter), newTries()
	}
	l := t.of[address]
	if l == nil && len(t.of) >= mostAddresses {
		t.forget()
	}
	switch {
	case l != nil:
	case len(t.of) >= mostAddresses:
		l = t.others
	default:
		l = newTries()
		t.of[address] = l
	}
	return l
}

func newTries() *rate.Limiter { return rate.NewLimiter(rate.Every(tryEvery), triesAtOnce) }

// forget drops those that have waited long enough to be as good as new.
func (t *tries) forget() {
	for address, l := range t.of {
		if l.Tokens() >= triesAtOnce {
			delete(t.of, address)
		}
	}
}
