package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tapedeck/collector/notify"
)

// notifyCommand groups what has to do with alerts.
type notifyCommand struct {
	Test notifyTestCommand `cmd:"" help:"Send a message to each target of --notify-urls, to see that it gets through."`
}

type notifyTestCommand struct {
	NotifyURLs     secretList `name:"notify-urls" env:"TAPEDECK_NOTIFY_URLS,NOTIFY_URLS" help:"The targets, as for run." placeholder:"ntfy://ntfy.sh/TOPIC"`
	NotifyURLsFile string     `name:"notify-urls-file" env:"TAPEDECK_NOTIFY_URLS_FILE,NOTIFY_URLS_FILE" help:"A file that holds them." placeholder:"FILE"`
}

var errNotSent = errors.New("not every target took the message")

// Run sends each target a message and says how that went. Exit 1 when one did not take it.
func (k *notifyTestCommand) Run(ctx context.Context, c console) error {
	flags := alertFlags{NotifyURLs: k.NotifyURLs, NotifyURLsFile: k.NotifyURLsFile}
	if err := flags.find(); err != nil {
		return err
	}
	if len(flags.targets) == 0 {
		return &usage{problem: "there is no target: set NOTIFY_URLS, or give --notify-urls", try: program() + " notify test --notify-urls ntfy://ntfy.sh/TOPIC"}
	}
	m := notify.Message{Title: recorderName(nil) + ": a test", Text: "This is a test of tapedeck's alerts. Nothing is wrong.", Alarm: "test", State: notify.Event, Time: time.Now().UTC()}
	failed := false
	for _, t := range flags.targets {
		if err := t.Send(ctx, m); err != nil {
			failed = true
			fmt.Fprintf(c.out, "%s: not sent: %v\n", t.Name(), err)
			continue
		}
		fmt.Fprintf(c.out, "%s: sent\n", t.Name())
	}
	if failed {
		return errNotSent
	}
	return nil
}
