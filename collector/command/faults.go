package command

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"

	"tapedeck/collector/news"
	"tapedeck/collector/notify"
)

// inspection is a configuration that is looked at as run does, but to the end: what run
// refuses first keeps the rest from being looked at.
type inspection struct {
	run      *runCommand
	env      *environment
	fromFile map[string]string // flag of a secret -> the file it was read from
	faults   []flaw
}

// inspect reads what is in files, and finds everything that run would refuse.
func inspect(r *runCommand, e *environment) *inspection {
	i := &inspection{run: r, env: e, fromFile: make(map[string]string), faults: slices.Clone(e.aside)}
	i.secrets()
	i.key()
	i.feedURL()
	i.alerts()
	i.hours()
	i.feeds()
	i.page()
	i.shadowed()
	if r.KeepBackups < 1 {
		i.wrong("keep-backups", fmt.Sprintf("--keep-backups %d keeps none; for none at all there is --no-backup", r.KeepBackups), i.env.right("keep-backups", "7"))
	}
	return i
}

// wrong adds what run would refuse.
func (i *inspection) wrong(name, problem, remedy string) { i.add(name, problem, remedy, false) }

// strange adds what run takes, though it is hardly what was meant.
func (i *inspection) strange(name, problem, remedy string) { i.add(name, problem, remedy, true) }

func (i *inspection) add(name, problem, remedy string, slight bool) {
	source := i.env.source(name)
	if source != "flag" && source != "default" {
		problem = source + ": " + problem
	}
	i.faults = append(i.faults, flaw{name: name, source: source, problem: problem, remedy: remedy, slight: slight})
}

// wrongs is how many of them run would refuse.
func (i *inspection) wrongs() (n int) {
	for _, f := range i.faults {
		if !f.slight {
			n++
		}
	}
	return n
}

// has says whether run would refuse a setting.
func (i *inspection) has(name string) bool {
	return slices.ContainsFunc(i.faults, func(f flaw) bool { return f.name == name && !f.slight })
}

// secrets reads those that are in files, each by itself.
func (i *inspection) secrets() {
	r := i.run
	for _, s := range []struct {
		flag, file string
		secret     secret
	}{
		{"api-key", r.APIKeyFile, &r.APIKey}, {"http-token", r.HTTPTokenFile, &r.HTTPToken},
		{"heartbeat-url", r.HeartbeatURLFile, &r.HeartbeatURL}, {"notify-urls", r.NotifyURLsFile, &r.NotifyURLs},
	} {
		if s.file == "" {
			continue
		}
		if s.secret.isSet() {
			i.strange(s.flag+"-file", fmt.Sprintf("%s is not read, for --%s is given, too (%s)", s.file, s.flag, i.env.source(s.flag)), i.env.without(s.flag))
			continue
		}
		if err := readSecret(s.file, s.secret); err != nil {
			i.wrong(s.flag+"-file", fmt.Sprintf("%s cannot be read: %v", s.file, err), fillLine(s.file, s.flag, err))
			continue
		}
		i.fromFile[s.flag] = s.file
	}
}

// fillLine makes a file of a secret one that can be read.
func fillLine(file, flag string, err error) string {
	name := shellWord(file)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Sprintf("sudo chown %d %s && sudo chmod 400 %s", os.Getuid(), name, name)
	}
	return fmt.Sprintf("umask 077; cat >%s   # then paste the value of --%s, Enter, and Ctrl-D", name, flag)
}

// key looks for the key. Without one because its file cannot be read nothing more is said.
func (i *inspection) key() {
	r := i.run
	if r.FeedURL != "" || i.has("api-key-file") {
		return
	}
	if r.APIKey == "" {
		i.wrong("api-key", "there is no EODHD API key", "export EODHD_API_KEY=KEY   # or without one: EODHD_API_KEY=demo "+program()+" run --market crypto --symbols BTC-USD")
		return
	}
	var u *usage
	if err := r.findKey(); errors.As(err, &u) {
		i.wrong("symbols", u.problem, u.try)
	}
}

func (i *inspection) feedURL() {
	if err := i.run.checkURL(); err != nil {
		i.wrong("feed-url", fmt.Sprintf("%s is no address of a WebSocket", maskedURL(i.run.FeedURL)), i.env.right("feed-url", "ws://127.0.0.1:8765"))
	}
}

// alerts looks at every address by itself.
func (i *inspection) alerts() {
	r := i.run
	if _, err := parseWeb(string(r.HeartbeatURL)); r.HeartbeatURL != "" && err != nil {
		i.wrong("heartbeat-url", "it is no address of the web", i.rightSecret("heartbeat-url", "https://hc-ping.com/UUID"))
	}
	for n, address := range r.NotifyURLs {
		if _, err := notify.Targets([]string{address}); err != nil { // whose text may repeat parts of the address
			i.wrong("notify-urls", fmt.Sprintf("address %d of the list, %s, is none that messages can go to", n+1, schemeOf(address)), i.rightSecret("notify-urls", "ntfy://ntfy.sh/TOPIC"))
		}
	}
}

// schemeOf is an address of which only the kind is shown.
func schemeOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		return u.Scheme + "://" + masked
	}
	return masked
}

// rightSecret gives a secret another value where it is from.
func (i *inspection) rightSecret(flag, value string) string {
	if file, ok := i.fromFile[flag]; ok {
		return "umask 077; echo " + shellWord(value) + " >" + shellWord(file) + "   # for example"
	}
	return i.env.right(flag, value)
}

// parseWeb reads an address of the web. The error does not repeat it.
func parseWeb(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return nil, errors.New("it is no address of the web")
	}
	return u, nil
}

// hours looks at what the plan is made of.
func (i *inspection) hours() {
	r := i.run
	if r.allHours() {
		for _, f := range []struct{ flag, value string }{{"open-cron", r.OpenCron}, {"close-cron", r.CloseCron}, {"calendar-file", r.CalendarFile}} {
			if f.value != "" {
				i.wrong(f.flag, fmt.Sprintf("--%s %s: a market that is always open has no hours", f.flag, f.value), i.env.without(f.flag))
			}
		}
		return
	}
	if _, err := r.plan(false, slog.New(slog.DiscardHandler)); err != nil {
		name, value := r.wrongHours()
		i.wrong(name, err.Error(), i.env.right(name, value))
	}
}

// wrongHours is the flag that no plan can be made of, and a value that it takes.
func (m *marketHours) wrongHours() (name, right string) {
	only := func(open, closes string) bool {
		_, err := (&marketHours{Market: m.Market, Hours: m.Hours, OpenCron: open, CloseCron: closes}).plan(false, slog.New(slog.DiscardHandler))
		return err == nil
	}
	switch {
	case only(m.OpenCron, m.CloseCron):
		return "calendar-file", "calendar.txt"
	case !only(m.OpenCron, ""):
		return "open-cron", "30 9 * * MON-FRI"
	}
	return "close-cron", "0 16 * * MON-FRI"
}

// without leaves a flag out in the way in which it was given.
func (e *environment) without(name string) string {
	if source := e.source(name); source != "flag" && source != "default" {
		return "unset " + source
	}
	return program() + " run   # without --" + name
}

func (i *inspection) feeds() {
	n := &i.run.newsFlags
	var u *usage
	if err := n.find(slog.New(slog.DiscardHandler)); errors.As(err, &u) {
		i.wrong("feeds-file", u.problem, "echo https://www.example.com/rss.xml >"+shellWord(n.FeedsFile)+"   # or without news: export TAPEDECK_NEWS=false")
	}
	i.entries()
}

// entries names those of the list of feeds that are left out. What they are is not repeated:
// there may be a key in them.
func (i *inspection) entries() {
	n := &i.run.newsFlags
	if !n.News || n.FeedsFile == "" || i.has("feeds-file") {
		return
	}
	data, err := os.ReadFile(n.FeedsFile)
	if err != nil {
		return
	}
	_, problems, _ := news.ParseList(data)
	for _, p := range problems[:min(len(problems), problemsSaid)] {
		i.strange("feeds-file", fmt.Sprintf("%s, %s: no address of a feed, or one that is there twice. It is left out", n.FeedsFile, p.Where), "${EDITOR:-vi} "+shellWord(n.FeedsFile))
	}
}

// shadowed names the variables that are not read because another of the same flag is set.
func (i *inspection) shadowed() {
	for _, flag := range i.env.flags {
		var set []string
		for _, variable := range flag.Envs {
			if _, ok := os.LookupEnv(variable); ok {
				set = append(set, variable)
			}
		}
		for n, variable := range set {
			if n > 0 && os.Getenv(variable) != os.Getenv(set[0]) {
				i.faults = append(i.faults, flaw{name: flag.Name, source: variable, problem: variable + " is not read, for " + set[0] + " is set to something else", remedy: "unset " + variable, slight: true})
			}
		}
	}
}

// page looks at where the page is to be, without taking the address.
func (i *inspection) page() {
	r := i.run
	port := os.Getenv("PORT")
	address, asked := r.address(port)
	if address == "" {
		return
	}
	if rightAddress(address) {
		i.token(address)
		return
	}
	if asked && r.Listen == nil {
		i.faults = append(i.faults, flaw{name: "listen", source: "PORT", value: port, problem: fmt.Sprintf("PORT: %q is no port", port), remedy: setLine("PORT", "8080")})
		return
	}
	i.wrong("listen", fmt.Sprintf("%q is no address to listen on", address), i.env.right("listen", defaultListen))
}

// token looks whether who may see the page is told by something that cannot be guessed.
func (i *inspection) token(address string) {
	const fix = `HTTP_TOKEN="$(openssl rand -hex 16)"`
	line := "export " + fix
	if onRailway() {
		line = "railway variables --set " + fix
	}
	host, _, _ := net.SplitHostPort(address)
	switch n := len(i.run.HTTPToken); {
	case n > 0 && n < shortToken:
		i.strange("http-token", fmt.Sprintf("it is short: %d letters or more are hard to guess", shortToken), line)
	case n == 0 && host != "localhost" && !net.ParseIP(host).IsLoopback() && !i.has("http-token-file"):
		i.strange("http-token", "there is none, so other machines are shown nothing but /healthz", line)
	}
}

func rightAddress(address string) bool {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 0 && n < 1<<16
}
