package notify

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Systemd tells systemd how a service of Type=notify is (sd_notify(3)). Without systemd
// nothing is told. The zero value is ready; its methods are called by one goroutine at a time
// and do not block.
type Systemd struct{ status string }

// Ready says that the service has started, and how it is.
func (s *Systemd) Ready(words string) error {
	s.status = words
	return tell(daemon.SdNotifyReady + "\nSTATUS=" + words)
}

// Status says how it is, when that has changed.
func (s *Systemd) Status(words string) error {
	if words == s.status {
		return nil
	}
	s.status = words
	return tell("STATUS=" + words)
}

// Alive feeds the watchdog: without it for WatchdogSec systemd ends the service and starts it
// again.
func (*Systemd) Alive() error { return tell(daemon.SdNotifyWatchdog) }

// Stopping says that the service is about to end.
func (*Systemd) Stopping() error { return tell(daemon.SdNotifyStopping) }

func tell(state string) error {
	if _, err := daemon.SdNotify(false, state); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
