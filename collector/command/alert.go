package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"tapedeck/collector/notify"
)

// alert tells people, and machines elsewhere, how a recording is, until ctx ends.
func (r *runCommand) alert(ctx context.Context, a *alarms, log *slog.Logger, beside *sync.WaitGroup) {
	if len(r.targets) > 0 {
		box := &notify.Outbox{Targets: r.targets, Every: time.Duration(r.AlertEvery), Name: recorderName(r.Symbols), Save: a.live.file.SetAlarms, Log: log}
		var err error
		if box.State, err = a.live.file.Alarms(); err != nil {
			log.Warn(fmt.Sprintf("What alerts were sent before is not known, some may come again: %v", err))
		}
		beside.Go(func() { box.Run(ctx, func() []notify.Condition { return a.conditions(ctx) }) })
	}
	if r.HeartbeatURL != "" {
		beat := &notify.Heartbeat{URL: string(r.HeartbeatURL), Log: log}
		beside.Go(func() { beat.Run(ctx, func() (bool, string) { return a.well(ctx) }) })
	}
}

// recorderName tells one recorder from another in the title of an alert.
func recorderName(symbols []string) string {
	name := strings.TrimSpace("tapedeck " + listed(symbols, 3))
	if service := os.Getenv("RAILWAY_SERVICE_NAME"); service != "" {
		return name + " (" + service + ")"
	}
	if host, err := os.Hostname(); err == nil {
		return name + " on " + host
	}
	return name
}
