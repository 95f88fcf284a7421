package command

import (
	"log/slog"

	"tapedeck/collector/notify"
)

// service tells systemd how the recording is, where systemd runs it.
type service struct {
	live  *live
	log   *slog.Logger
	unit  notify.Systemd
	state string
	told  bool // that it cannot be told
}

// newService says that the recording has begun.
func newService(l *live, log *slog.Logger) *service {
	s := &service{live: l, log: log}
	v := l.judge()
	s.state = v.state
	s.note(s.unit.Ready(v.words))
	return s
}

// tell says how the recording is when that has changed, and feeds the watchdog while the
// recording loop moves: a loop that stands still is not kept alive by whoever looks at it.
func (s *service) tell(moves bool) {
	if moves {
		s.note(s.unit.Alive())
	}
	if v := s.live.judge(); v.state != s.state {
		s.state = v.state
		s.note(s.unit.Status(v.words))
	}
}

// stopping says that the end has begun.
func (s *service) stopping() { s.note(s.unit.Stopping()) }

// note logs, once, that systemd cannot be told.
func (s *service) note(err error) {
	if err != nil && !s.told {
		s.told = true
		s.log.Warn(err.Error())
	}
}
