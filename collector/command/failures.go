package command

import "sync"

// failures are why jobs failed last, for the words of an alarm. The zero value is ready, and
// safe for any goroutine.
type failures struct {
	mu   sync.Mutex
	last map[string]string
}

func (f *failures) note(job, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = make(map[string]string)
	}
	f.last[job] = why
}

func (f *failures) of(job string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last[job]
}
