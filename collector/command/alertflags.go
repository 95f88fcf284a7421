package command

import (
	"fmt"
	"strconv"
	"strings"

	"tapedeck/collector/notify"
)

// alertFlags say who is told that something is wrong, and when.
type alertFlags struct {
	HeartbeatURL     key        `name:"heartbeat-url" env:"TAPEDECK_HEARTBEAT_URL,HEARTBEAT_URL" help:"Ask for this address once a minute while all is well; with /start at a start and /fail when not, as healthchecks.io wants it." placeholder:"https://hc-ping.com/UUID"`
	HeartbeatURLFile string     `name:"heartbeat-url-file" env:"TAPEDECK_HEARTBEAT_URL_FILE,HEARTBEAT_URL_FILE" help:"A file that holds it." placeholder:"FILE"`
	NotifyURLs       secretList `name:"notify-urls" env:"TAPEDECK_NOTIFY_URLS,NOTIFY_URLS" help:"Send alerts there: addresses of shoutrrr (telegram://, ntfy://, discord:// ...) or of webhooks (https://), with blanks between them." placeholder:"ntfy://ntfy.sh/TOPIC"`
	NotifyURLsFile   string     `name:"notify-urls-file" env:"TAPEDECK_NOTIFY_URLS_FILE,NOTIFY_URLS_FILE" help:"A file that holds them." placeholder:"FILE"`
	AlertAfter       span       `name:"alert-after" default:"2m" help:"Alert when nothing has been heard for this long in a session (default 2m)." placeholder:"2m"`
	AlertEvery       span       `name:"alert-every" default:"6h" help:"Say it again this often while it lasts (default 6h)." placeholder:"6h"`
	AlertCoverage    percent    `name:"alert-coverage" default:"99" help:"Alert after a session in which a symbol was heard for less than this part of its seconds (default 99)." placeholder:"99"`
	AlertDiskDays    int        `name:"alert-disk-days" default:"14" help:"Alert when the disk will do for fewer days than this (default 14)." placeholder:"14"`
	AlertBackup      span       `name:"alert-backup" default:"2h" help:"Alert when there is no backup this long after a session (default 2h)." placeholder:"2h"`
	Summary          bool       `name:"summary" help:"Send a summary after each session."`

	targets []*notify.Target
}

// find reads what is in files, and looks at the addresses.
func (a *alertFlags) find() (err error) {
	if err := secretFile("heartbeat-url-file", a.HeartbeatURLFile, &a.HeartbeatURL); err != nil {
		return err
	}
	if _, err := parseWeb(string(a.HeartbeatURL)); a.HeartbeatURL != "" && err != nil {
		return &usage{problem: "--heartbeat-url: it is no address of the web; right is for example --heartbeat-url https://hc-ping.com/UUID"}
	}
	if err := secretFile("notify-urls-file", a.NotifyURLsFile, &a.NotifyURLs); err != nil {
		return err
	}
	if a.targets, err = notify.Targets(a.NotifyURLs); err != nil {
		return &usage{problem: fmt.Sprintf("--notify-urls: %v; right is for example --notify-urls \"ntfy://ntfy.sh/TOPIC https://example.com/hook\"", err), try: program() + " notify test"}
	}
	return nil
}

// saysAlerts is who is told, in the block that is said at start.
func (a *alertFlags) saysAlerts() string {
	if len(a.targets) == 0 && a.HeartbeatURL == "" {
		return "nobody is told when something is wrong: set NOTIFY_URLS and HEARTBEAT_URL"
	}
	var names []string
	for _, t := range a.targets {
		names = append(names, t.Name())
	}
	if a.HeartbeatURL != "" {
		names = append(names, "a heartbeat to "+a.heartbeatHost())
	}
	return strings.Join(names, ", ")
}

// heartbeatHost is where the heartbeat goes, without what is secret of it.
func (a *alertFlags) heartbeatHost() string {
	u, err := parseWeb(string(a.HeartbeatURL))
	if err != nil {
		return masked
	}
	return u.Hostname()
}

// percent is a part of a hundred on the command line.
type percent float64

// UnmarshalText reads a number from 0 to 100.
func (p *percent) UnmarshalText(text []byte) error {
	n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(text)), "%")), 64)
	if err != nil || !(n >= 0 && n <= 100) {
		return fmt.Errorf("%q is not a part of 100", text)
	}
	*p = percent(n)
	return nil
}

// String is the percent as it is read.
func (p percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) }
