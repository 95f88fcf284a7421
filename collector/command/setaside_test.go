package command

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kong"
)

// modelOf is the command line as main builds it, and the command of that name.
func modelOf(t *testing.T, name string) (*kong.Kong, *kong.Node) {
	t.Helper()
	parser, err := kong.New(new(commandLine), kong.Name("tapedeck"), kong.DefaultEnvars("TAPEDECK"))
	if err != nil {
		t.Fatal(err)
	}
	node := lenientNode(parser.Model, []string{name})
	if node == nil {
		t.Fatalf("there is no lenient command %s", name)
	}
	return parser, node
}

// clearEnvironment takes away all that may be set where the tests run.
func clearEnvironment(t *testing.T) {
	t.Helper()
	_, node := modelOf(t, "config")
	for _, name := range append(variablesOf(node), "PORT", "RAILWAY_VOLUME_MOUNT_PATH") {
		if value, ok := os.LookupEnv(name); ok {
			os.Unsetenv(name)
			t.Cleanup(func() { os.Setenv(name, value) })
		}
	}
}

// Whatever the flag, the value that a remedy sets is one that it takes; and trying a value
// leaves the flag as it was.
func TestRemediesAreRight(t *testing.T) {
	_, node := modelOf(t, "config")
	for _, flag := range node.Flags {
		before := flag.Target.Interface()
		if right := rightValue(flag, "nonsense"); tryValue(flag, right) != nil && !strings.HasSuffix(flag.Name, "-file") {
			t.Errorf("--%s: the remedy sets %q: %v", flag.Name, right, tryValue(flag, right))
		}
		if _, isList := before.(symbolList); !isList && flag.Set {
			t.Errorf("--%s was set", flag.Name)
		}
	}
}

// Each wrong variable is set aside by itself, and the others are read.
func TestSetAside(t *testing.T) {
	for _, c := range []struct {
		variable, text  string
		problem, remedy string // "" when it is right
	}{
		{"TAPEDECK_COMMIT_EVERY", "2s", "", ""},
		{"TAPEDECK_COMMIT_EVERY", "soon", `TAPEDECK_COMMIT_EVERY: "soon" is not a duration`, "export TAPEDECK_COMMIT_EVERY=1s   # or: unset TAPEDECK_COMMIT_EVERY"},
		{"TAPEDECK_COMMIT_EVERY", "", `TAPEDECK_COMMIT_EVERY: "" is not a duration`, "export TAPEDECK_COMMIT_EVERY=1s   # or: unset TAPEDECK_COMMIT_EVERY"},
		{"SYMBOLS", "spy, qld.us", `SYMBOLS: "QLD.US": the socket takes it and stays mute, it wants QLD`, "export SYMBOLS=SPY,QLD   # or: unset SYMBOLS"},
		{"TAPEDECK_SYMBOL", " ", `TAPEDECK_SYMBOL: " " names no symbol`, "export TAPEDECK_SYMBOL=QLD,SPY   # or: unset TAPEDECK_SYMBOL"},
		{"TAPEDECK_MARKET", "mars", `TAPEDECK_MARKET: "mars" is none of us, crypto`, "export TAPEDECK_MARKET=us   # or: unset TAPEDECK_MARKET"},
		{"LOG_FORMAT", "xml", `LOG_FORMAT: "xml" is none of text, json, auto`, "export LOG_FORMAT=text   # or: unset LOG_FORMAT"},
		{"ENABLE_RSS_NEWS", "perhaps", "ENABLE_RSS_NEWS: ", "export ENABLE_RSS_NEWS=true   # or: unset ENABLE_RSS_NEWS"},
		{"TAPEDECK_KEEP_BACKUPS", "many", "TAPEDECK_KEEP_BACKUPS: ", "export TAPEDECK_KEEP_BACKUPS=1   # or: unset TAPEDECK_KEEP_BACKUPS"},
		{"TAPEDECK_ALERT_COVERAGE", "101", `TAPEDECK_ALERT_COVERAGE: "101" is not a part of 100`, "export TAPEDECK_ALERT_COVERAGE=99   # or: unset TAPEDECK_ALERT_COVERAGE"},
		{"TAPEDECK_KEEP_TRADES", "-1d", `TAPEDECK_KEEP_TRADES: "-1d" is no age`, "export TAPEDECK_KEEP_TRADES=90d   # or: unset TAPEDECK_KEEP_TRADES"},
		{"TAPEDECK_AFTER_CLOSE", "7q.csv", `TAPEDECK_AFTER_CLOSE: "7q.csv": `, "export TAPEDECK_AFTER_CLOSE='1s.csv 100t.csv'   # or: unset TAPEDECK_AFTER_CLOSE"},
		{"EODHD_API_KEY", "anything", "", ""},
	} {
		t.Run(c.variable+"="+c.text, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv(c.variable, c.text)
			parser, node := modelOf(t, "doctor")
			faults := setAside(node)
			if (len(faults) > 0) != (c.problem != "") || len(faults) > 1 {
				t.Fatalf("the faults are %+v", faults)
			}
			if len(faults) == 1 && (!strings.HasPrefix(faults[0].problem, c.problem) || faults[0].remedy != c.remedy || faults[0].source != c.variable) {
				t.Errorf("the fault is %+v, want %q and %q", faults[0], c.problem, c.remedy)
			}
			if _, err := parser.Parse([]string{"doctor"}); err != nil {
				t.Errorf("the rest cannot be read: %v", err)
			}
		})
	}
}

// inspected is the configuration of an environment.
func inspected(t *testing.T, args ...string) *inspection {
	t.Helper()
	var cli commandLine
	parser, err := kong.New(&cli, kong.Name("tapedeck"), kong.DefaultEnvars("TAPEDECK"))
	if err != nil {
		t.Fatal(err)
	}
	aside := setAside(lenientNode(parser.Model, []string{"config"}))
	parsed, err := parser.Parse(append([]string{"config"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return inspect(&cli.Config.runCommand, newEnvironment(parser.Model, parsed, aside))
}

// What run takes, though it is hardly what was meant, is told, and is no fault.
func TestStrangeSettings(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		set             map[string]string
		name            string
		problem, remedy string
	}{
		{map[string]string{"EODHD_API_KEY": "onekey", "EODHD_API_TOKEN": "twokey"}, "api-key", "EODHD_API_TOKEN is not read, for EODHD_API_KEY is set to something else", "unset EODHD_API_TOKEN"},
		{map[string]string{"EODHD_API_KEY": "onekey", "EODHD_API_KEY_FILE": file("key", "twokey")}, "api-key-file", "EODHD_API_KEY_FILE: " + filepath.Join(folder, "key") + " is not read, for --api-key is given, too (EODHD_API_KEY)", "unset EODHD_API_KEY"},
		{map[string]string{"EODHD_API_KEY": "onekey", "PORT": "8080"}, "http-token", "there is none, so other machines are shown nothing but /healthz", `export HTTP_TOKEN="$(openssl rand -hex 16)"`},
		{map[string]string{"EODHD_API_KEY": "onekey", "HTTP_TOKEN": "short"}, "http-token", "HTTP_TOKEN: it is short: 12 letters or more are hard to guess", `export HTTP_TOKEN="$(openssl rand -hex 16)"`},
		{map[string]string{"EODHD_API_KEY": "onekey", "TAPEDECK_NEWS": "true", "TAPEDECK_FEEDS_FILE": file("feeds", "https://example.com/rss\nftp://example.com/\n")}, "feeds-file",
			"TAPEDECK_FEEDS_FILE: " + filepath.Join(folder, "feeds") + ", line 2: ", "${EDITOR:-vi} " + filepath.Join(folder, "feeds")},
	} {
		t.Run(c.name, func(t *testing.T) {
			clearEnvironment(t)
			t.Setenv("TAPEDECK_NEWS", "false")
			for name, text := range c.set {
				t.Setenv(name, text)
			}
			i := inspected(t)
			if len(i.faults) != 1 || i.wrongs() != 0 {
				t.Fatalf("the faults are %+v", i.faults)
			}
			if f := i.faults[0]; f.name != c.name || !strings.HasPrefix(f.problem, c.problem) || f.remedy != c.remedy {
				t.Errorf("it is %+v, want %s: %q and %q", f, c.name, c.problem, c.remedy)
			}
			var out bytes.Buffer
			if err := tableOfSettings(&out, i.settings()); err != nil || !strings.Contains(out.String(), "\nwarn   "+c.name+": ") {
				t.Errorf("printed is %s: %v", out.String(), err)
			}
		})
	}
}

// The remedy of a value that was given by a flag is a flag.
func TestRemedyOfAFlag(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("TAPEDECK_NEWS", "false")
	i := inspected(t, "--api-key", "onekey", "--keep-backups", "0", "--listen", "nowhere")
	if len(i.faults) != 2 || i.faults[0].remedy != program()+" run --listen 127.0.0.1:8080   # instead" || i.faults[1].remedy != program()+" run --keep-backups 7   # instead" {
		t.Errorf("the faults are %+v", i.faults)
	}
}

func TestMemoryFollows(t *testing.T) {
	for given, want := range map[string]string{"": "limit 409.6 MB, 80 % of the container's 512.0 MB default", "300MiB": "limit 300MiB, as GOMEMLIMIT says GOMEMLIMIT"} {
		if s := memoryFollows(given, memlimit.Limit(512e6), memlimit.Limit(8e9)); s.Value+" "+s.Source != want {
			t.Errorf("%q: it is %+v, want %s", given, s, want)
		}
	}
}

func TestCheckPage(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	nowhere, there := "", taken.Addr().String()
	listen := func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
	wantFindings(t, checkPage(&pageFlags{Listen: &nowhere}, "", listen))
	wantFindings(t, checkPage(&pageFlags{Listen: &there}, "", listen), "FAULT page: "+there+": bind: address already in use, and run would refuse to begin")
	wantFindings(t, checkPage(&pageFlags{}, "", func(string) (net.Listener, error) { return listen(there) }), "warn page: "+defaultListen)
	free := "127.0.0.1:0"
	wantFindings(t, checkPage(&pageFlags{Listen: &free}, "", listen), "ok page: "+free+" is free")
}

func TestCheckCalendar(t *testing.T) {
	wantFindings(t, []finding{
		checkCalendar(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), false),
		checkCalendar(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), false),
		checkCalendar(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), true),
	}, "ok calendar: the holidays until ", "warn calendar: The calendar's table ended on ", "ok calendar: not asked")
}
