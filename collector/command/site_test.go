package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// viewing serves the page of a stopped file until the test ends, and returns its address.
func viewing(t *testing.T, path string) string {
	t.Helper()
	file, err := store.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(file, nil, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(s.handler(&monitor.Access{}))
	t.Cleanup(func() {
		server.Close()
		s.dropSnapshot()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// got is an answer, which has to have the status.
func got(t *testing.T, request *http.Request, status int) (*http.Response, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("%s: %s, want %d: %.300s %v", request.URL, response.Status, status, body, err)
	}
	return response, body
}

func get(t *testing.T, at string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got(t, request, http.StatusOK)
}

// paged reads rows, page by page as the Links say, each as compact JSON.
func paged(t *testing.T, server, path string) (rows []string, pages int) {
	t.Helper()
	for path != "" {
		response, body := get(t, server+path)
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, row := range list {
			rows = append(rows, string(row))
		}
		path = ""
		if m := regexp.MustCompile(`^<(/.*)>; rel="next"$`).FindStringSubmatch(response.Header.Get("Link")); m != nil {
			path = m[1]
		}
		if pages++; pages > 10_000 {
			t.Fatal("it never ends")
		}
	}
	return rows, pages
}

// exportedLines is what the command writes as JSON Lines.
func exportedLines(t *testing.T, path string, args ...string) []string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := dispatch(context.Background(), append([]string{"export", "--format", "jsonl", "--db", path}, args...), console{&out, &errs}); code != 0 {
		t.Fatalf("export %q: %s", args, errs.String())
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// plainRow is a row with its numbers as plain as they can be: an export gives a column one
// number of decimals, a page knows only its own rows.
func plainRow(t *testing.T, row string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(row), &fields); err != nil {
		t.Fatalf("%s: %v", row, err)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSiteRows reads every kind of rows in pages of random lengths: together they are what the
// command writes, each row once and in order.
func TestSiteRows(t *testing.T) {
	r := seededHere(t)
	s := newShelf(t, r)
	server := viewing(t, s.path)
	for _, c := range []struct{ api, export string }{
		{"candles?interval=1s&symbols=NA,TRUE&session=2026-11-27", "1s --symbols NA,TRUE --session 2026-11-27"},
		{"candles?interval=1m&session=all", "1m --session all"},
		{"candles?interval=4h&anchor=session&session=all&symbol=1e5", "4h --anchor session --session all --symbols 1E5"},
		{"candles?interval=1d&session=all", "1d --session all"},
		{"candles?interval=100t&session=all", "100t --session all"},
		{"candles?interval=1000v&session=last:3", "1000v --session last:3"},
		{"candles?interval=5m&from=2026-11-27T15:00:00Z&to=2026-11-27T16:30:00Z&time=ms&columns=time,close", "5m --from 2026-11-27T15:00:00Z --to 2026-11-27T16:30:00Z --time ms --columns time,close"},
		{"coverage?session=last:3", "coverage --session last:3"},
		{"sessions?session=all", "sessions --session all"},
	} {
		t.Run(c.api, func(t *testing.T) {
			want := exportedLines(t, s.path, strings.Fields(c.export)...)
			limit := min(mostRows, 1+r.IntN(len(want)+len(want)/3))
			rows, pages := paged(t, server, "/api/"+c.api+fmt.Sprintf("&limit=%d", limit))
			if pages < (len(want)+limit-1)/limit || pages > len(want)/limit+1 {
				t.Errorf("%d pages of %d for %d rows", pages, limit, len(want))
			}
			if len(rows) != len(want) {
				t.Fatalf("%d rows in pages of %d, want %d", len(rows), limit, len(want))
			}
			for i := range want {
				if plainRow(t, rows[i]) != plainRow(t, want[i]) {
					t.Fatalf("row %d in pages of %d is %s, want %s", i, limit, rows[i], want[i])
				}
			}
		})
	}
	for path, says := range map[string]string{
		"/api/candles?interval=7m": "perhaps", "/api/candles?interval=trades": "interval", "/api/candles?limit=0": "limit", "/api/candles?limit=x": "limit",
		"/api/candles?symbol=QQQ": "not recorded", "/api/candles?after=x": "after", "/api/candles?fill=state": "/export", "/api/candles?no=1": "no", "/api/strip?bins=0": "bins",
		"/api/coverage?after=-1": "after", "/api/coverage?session=1999": "session", "/api/sessions?symbols=Q": "not recorded", "/api/news?limit=-1": "limit", "/api/news?x=1": "x",
		"/api/status?x=1": "x", "/api/dates?x=1": "x", "/api/events?symbol=QLD&interval=7x": "interval", "/export/1s.xls": "right is", "/export/all.csv": "files", "/export/1s.parquet.gz": "packed",
		"/export/1s.csv?follow=yes": "nobody records", "/export/7m.csv": "perhaps", "/export/1s.csv?split=symbol": "files", "/export/1s.csv?nix=1": "nix",
	} {
		request, _ := http.NewRequest(http.MethodGet, server+path, nil)
		status := http.StatusBadRequest
		if strings.Contains(path, "follow") {
			status = http.StatusInternalServerError
		}
		if _, body := got(t, request, status); !strings.Contains(string(body), says) || !strings.Contains(string(body), `"problem"`) {
			t.Errorf("%s says %s", path, body)
		}
	}
}

// TestSiteDownloads compares what is downloaded with what the command writes, byte for byte, and
// goes on with downloads that broke off.
func TestSiteDownloads(t *testing.T) {
	r := seededHere(t)
	s := newShelf(t, r)
	server := viewing(t, s.path)
	for _, c := range []struct{ path, export string }{
		{"1s.csv?session=all", "1s --session all -o x.csv"},
		{"5m.jsonl?session=2026-11-27&symbols=NA", "5m --session 2026-11-27 --symbols NA -o x.jsonl"},
		{"1s.csv?session=2026-11-02&fill=forward&symbols=TRUE&tz=America/New_York", "1s --session 2026-11-02 --fill forward --symbols TRUE --tz America/New_York -o x.csv"},
		{"100t.parquet?session=last:4", "100t --session last:4 -o x.parquet"},
		{"trades.csv?session=all", "trades --session all -o x.csv"},
		{"trades.csv.gz?session=2026-11-27", "trades --session 2026-11-27 -o x.csv.gz"},
		{"coverage.csv?session=all", "coverage --session all -o x.csv"},
		{"sessions.parquet?session=all", "sessions --session all -o x.parquet"},
		{"1m.csv?excel=yes&session=2026-11-27", "1m --excel --session 2026-11-27 -o x.csv"},
	} {
		t.Run(c.path, func(t *testing.T) {
			args := append([]string{"export", "--db", s.path}, strings.Fields(c.export)...)
			name := filepath.Join(t.TempDir(), args[len(args)-1])
			args[len(args)-1] = name
			if code := dispatch(context.Background(), args, console{io.Discard, io.Discard}); code != 0 {
				t.Fatal(code)
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			response, body := get(t, server+"/export/"+c.path)
			if !bytes.Equal(body, want) {
				t.Fatalf("%d bytes, the command writes %d others", len(body), len(want))
			}
			goOn(t, r, server+"/export/"+c.path, response.Header.Get("ETag"), want)
		})
	}
}

// goOn asks for the rest from some places on, as a client does whose download broke off.
func goOn(t *testing.T, r *rand.Rand, at, tag string, want []byte) {
	t.Helper()
	for range 4 {
		from := r.IntN(len(want))
		for _, named := range []string{"", tag} {
			request, _ := http.NewRequest(http.MethodGet, at, nil)
			request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
			if named != "" {
				request.Header.Set("If-Range", named)
			}
			response, body := got(t, request, http.StatusPartialContent)
			if !bytes.Equal(body, want[from:]) {
				t.Fatalf("from %d on %d bytes come, want %d", from, len(body), len(want)-from)
			}
			if span := response.Header.Get("Content-Range"); span != fmt.Sprintf("bytes %d-%d/%d", from, len(want)-1, len(want)) {
				t.Errorf("Content-Range: %s", span)
			}
		}
	}
	request, _ := http.NewRequest(http.MethodHead, at, nil)
	if response, _ := got(t, request, http.StatusOK); response.ContentLength != int64(len(want)) {
		t.Errorf("HEAD says %d bytes, there are %d", response.ContentLength, len(want))
	}
}

// TestSiteTags looks at the tag of a download while its session goes on: it changes with each
// thing that the file learns, and a part may be asked for only with the tag it is of.
func TestSiteTags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	file, err := store.Open(path, store.Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	session := ledger.Session{Hours: ledger.Regular, Open: 1795185000000, Close: 1795208400000, Stated: true}
	if err := file.Begin(session, session.Open); err != nil {
		t.Fatal(err)
	}
	clock := new(hand)
	clock.put(session, 0)
	l := &live{file: file, plan: always{}, run: new(runCommand), clock: clock}
	s := newSite(file, l, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(s.handler(&monitor.Access{}))
	defer server.Close()
	seen := make(map[string]bool)
	for i := range 5 {
		at := session.Open + int64(i)*1000
		file.Enter(session, nil, []ledger.Span{{From: session.Open, Until: at + 900, Symbols: ledger.NewSymbols("QLD")}})
		if i != 3 {
			appendAt(t, file, session, at)
		}
		if err := file.Commit(); err != nil {
			t.Fatal(err)
		}
		response, body := get(t, server.URL+"/export/trades.csv")
		tag := response.Header.Get("ETag")
		if seen[tag] {
			t.Errorf("the tag of %d is not new: %s", i, tag)
		}
		seen[tag] = true
		for named, status := range map[string]int{"": http.StatusOK, `"another"`: http.StatusOK, tag: http.StatusPartialContent} {
			request, _ := http.NewRequest(http.MethodGet, server.URL+"/export/trades.csv", nil)
			request.Header.Set("Range", "bytes=10-")
			if named != "" {
				request.Header.Set("If-Range", named)
			}
			if _, part := got(t, request, status); status == http.StatusOK && !bytes.Equal(part, body) {
				t.Errorf("a part of another moment: %q", part)
			}
		}
	}
}

// appendAt appends a trade of QLD of that time.
func appendAt(t *testing.T, file *store.File, s ledger.Session, at int64) {
	t.Helper()
	trade := candle.Trade{Symbol: "QLD", Time: at, Received: at + 80, Price: candle.Decimal{Units: 7001 + at/1000%7*2, Scale: 2}, Size: candle.Decimal{Units: 100}}
	if left, err := file.Append(s, []candle.Trade{trade}); err != nil || left != nil {
		t.Fatal(left, err)
	}
	file.Count(s, ledger.Counts{ledger.Accepted: 1})
}

// TestSiteStrip holds what the page draws against the rows of coverage.
func TestSiteStrip(t *testing.T) {
	r := seededHere(t)
	s := newShelf(t, r)
	server := viewing(t, s.path)
	for _, session := range s.all {
		bins := 1 + r.IntN(2000)
		_, body := get(t, fmt.Sprintf("%s/api/strip?session=%s&bins=%d", server, session.Date(), bins))
		var strips []strip
		if err := json.Unmarshal(body, &strips); err != nil {
			t.Fatal(err)
		}
		if len(strips) != 4 {
			t.Fatalf("%d strips", len(strips))
		}
		states := secondStates(t, s.path, session)
		for _, of := range strips {
			if of.Open != session.Open || of.Close != session.Close || of.Step%1000 != 0 || len(of.Bins) > bins {
				t.Fatalf("%+v", of)
			}
			for i, letter := range []byte(of.Bins) {
				from := int64(i) * of.Step / 1000
				until := min(from+of.Step/1000, session.Seconds())
				if want := letterOf(states[of.Symbol][from:until]); letter != want {
					t.Fatalf("%s %s: bin %d of %d s is %c, want %c", session.Date(), of.Symbol, i, of.Step/1000, letter, want)
				}
			}
			for state, n := range map[string]int64{"t": of.Traded, "q": of.Quiet, "p": of.Partial, "d": of.Down, "u": of.Unknown} {
				if want := int64(strings.Count(string(states[of.Symbol]), state)); n != want {
					t.Errorf("%s %s: %d seconds %s, want %d", session.Date(), of.Symbol, n, state, want)
				}
			}
			holes := int64(0)
			for _, g := range of.Gaps {
				holes += g.Seconds
				if g.Cause != "drop" || (g.Until-g.Time)/1000 != g.Seconds {
					t.Errorf("%+v", g)
				}
			}
			if want := int64(strings.Count(string(states[of.Symbol]), "d") + strings.Count(string(states[of.Symbol]), "p")); holes != want {
				t.Errorf("%s %s: gaps of %d s, want %d", session.Date(), of.Symbol, holes, want)
			}
		}
	}
}

// secondStates are the first letters of the states of each second, by symbol, from the rows of
// an export.
func secondStates(t *testing.T, path string, session ledger.Session) map[string][]byte {
	t.Helper()
	of := make(map[string][]byte)
	for _, line := range exportedLines(t, path, "coverage", "--session", session.Date(), "--time", "ms") {
		var run struct {
			Time, Until    int64
			Symbols, State string
		}
		if err := json.Unmarshal([]byte(line), &run); err != nil {
			t.Fatal(err)
		}
		for _, symbol := range strings.Fields(run.Symbols) {
			if of[symbol] == nil {
				of[symbol] = make([]byte, session.Seconds())
			}
			for at := run.Time; at < run.Until; at += 1000 {
				of[symbol][(at-session.Open)/1000] = run.State[0]
			}
		}
	}
	return of
}

// letterOf reads the rule of a bin from the top: the worst of its seconds, else how many tenths
// of them traded, rounded up.
func letterOf(seconds []byte) byte {
	for _, worst := range []byte("dpu") {
		if slices.Contains(seconds, worst) {
			return worst
		}
	}
	traded := bytes.Count(seconds, []byte("t"))
	tenths := 0
	for tenths*len(seconds) < traded*10 {
		tenths++
	}
	return byte('0' + min(tenths, 9))
}

// TestSiteSnapshot downloads the whole file: it is a good one, and goes on where it broke off.
func TestSiteSnapshot(t *testing.T) {
	db := daySeconds(t, 2000)
	server := viewing(t, db)
	response, body := get(t, server+"/backup")
	copied := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(copied, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if report, err := store.Verify(context.Background(), copied); err != nil || report.Trades != 4000 {
		t.Errorf("the copy: %+v %v", report, err)
	}
	goOn(t, seededHere(t), server+"/backup", response.Header.Get("ETag"), body)
}

// TestSiteAsked has each kind of list in an address.
func TestSiteAsked(t *testing.T) {
	for text, want := range map[string][]string{"symbols=a,b": {"A", "B"}, "symbol=a": {"A"}, "symbols=a&symbols=b,c": {"A", "B", "C"}, "symbols=": nil, "x=1": nil} {
		v, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := siteAsked(v).list("symbols"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", text, got)
		}
	}
}
