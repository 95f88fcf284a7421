package command_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tapedeck/collector/command"
	"tapedeck/store/pages"
)

// TestMain lets the scripts call the real main under its name, and a benchmark this
// binary as a recorder.
func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv("ENABLE_RSS_NEWS"); !ok {
		os.Setenv("ENABLE_RSS_NEWS", "false") // no test asks feeds of the world
	}
	if os.Getenv(command.AsProgram) != "" {
		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	if os.Getenv(scaleVariable) != "" {
		if err := recordAtScale(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testscript.Main(m, map[string]func(){
		"tapedeck": func() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/*.txt: one behaviour of the command line a file.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"await": await, "hurt": hurt, "readonly": readOnly, "disk": disk, "serve": serveFeeds, "ask": ask, "refuse": refuse,
	}, Setup: func(env *testscript.Env) error {
		env.Setenv("ENABLE_RSS_NEWS", "false") // but where a script is about news
		return nil
	}, Condition: func(what string) (bool, error) {
		if what != "root" {
			return false, fmt.Errorf("no condition is called %s", what)
		}
		return os.Geteuid() == 0 && runtime.GOOS == "linux", nil
	}})
}

// hurt FILE NEW copies a recording with a bit flipped in its largest block of trades.
func hurt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: hurt FILE NEW")
	}
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	p, err := pages.Open(bytes.NewReader(data), int64(len(data)))
	ts.Check(err)
	size, at := 0, 0
	ts.Check(p.Walk(func(i pages.Item) error {
		if len(i.Path) == 3 && string(i.Path[2]) == "trades" && len(i.Value) > size {
			size = len(i.Value)
			from := int(i.Page) * p.Head().PageSize
			at = from + bytes.Index(data[from:], i.Value) + size/2
		}
		return nil
	}, func(p pages.Problem) { ts.Fatalf("%+v", p) }))
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// serve FOLDER LOG NAME serves the files of a folder until the script ends, as a server of
// feeds does: with 304, and with the status that a file's name begins with, such as 404-a.
// The address goes into the variable, each request's path, and what was sent, into the log.
func serveFeeds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: serve FOLDER LOG NAME")
	}
	files := http.FileServer(http.Dir(ts.MkAbs(args[0])))
	log, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintln(log, r.URL.Path, r.UserAgent(), string(body))
		begin, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "-")
		if status, err := strconv.Atoi(begin); err == nil {
			out.WriteHeader(status)
			return
		}
		files.ServeHTTP(out, r)
	}))
	ts.Setenv(args[2], server.URL)
	ts.Defer(func() {
		server.Close()
		log.Close()
	})
}

// refuse STATUS AGE NAME serves a feed that refuses everybody by a status, and whose clock is
// behind by a duration, until the script ends. The address goes into the variable.
func refuse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: refuse STATUS AGE NAME")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	age, err := time.ParseDuration(args[1])
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Date", time.Now().Add(-age).UTC().Format(http.TimeFormat))
		out.WriteHeader(status)
	}))
	ts.Setenv(args[2], "ws"+strings.TrimPrefix(server.URL, "http"))
	ts.Defer(server.Close)
}

// ask STATUS URL [HEADER] gets an address, which has to answer with the status. What came is
// stdout.
func ask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: ask STATUS URL [HEADER]")
	}
	request, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	if len(args) == 3 {
		name, value, _ := strings.Cut(args[2], ": ")
		if request.Header.Set(name, value); name == "Host" {
			request.Host = value
		}
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
	if fmt.Sprint(response.StatusCode) != args[0] {
		ts.Fatalf("%s answers %s: %.300s", args[1], response.Status, body)
	}
}

// disk PLACE SIZE mounts a disk of that size in memory, until the script ends.
func disk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: disk PLACE SIZE")
	}
	place := ts.MkAbs(args[0])
	ts.Check(os.Mkdir(place, 0o755))
	ts.Check(ts.Exec("mount", "-t", "tmpfs", "-o", "size="+args[1], "tmpfs", place))
	ts.Defer(func() { _ = ts.Exec("umount", "-l", place) })
}

// readonly FOLDER PLACE shows the folder at the place, read-only, until the script ends.
func readOnly(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: readonly FOLDER PLACE")
	}
	place := ts.MkAbs(args[1])
	ts.Check(ts.Exec("mount", "--bind", ts.MkAbs(args[0]), place))
	ts.Defer(func() { _ = ts.Exec("umount", place) })
	ts.Check(ts.Exec("mount", "-o", "remount,ro,bind", place))
}

// await FILE REGEXP [VARIABLE] waits until the file, which a process in the
// background writes, matches, and sets the variable to the first group. await -exec
// COMMAND REGEXP runs the command until what it prints does.
func await(ts *testscript.TestScript, neg bool, args []string) {
	look := func() []byte {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		return text
	}
	if len(args) > 2 && args[0] == "-exec" {
		args = args[1:]
		look = func() []byte {
			_ = ts.Exec("sh", "-c", args[0])
			return []byte(ts.ReadFile("stdout"))
		}
	}
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await [-exec] FILE REGEXP [VARIABLE]")
	}
	pattern := regexp.MustCompile(args[1])
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text := look()
		if found := pattern.FindSubmatch(text); found != nil {
			if len(args) > 2 {
				ts.Setenv(args[2], string(found[1]))
			}
			return
		}
	}
	ts.Fatalf("%s never matched %s:\n%s", args[0], args[1], look())
}
