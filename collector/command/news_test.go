package command

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/news"
	"tapedeck/store"
)

// newsFile holds two sessions, and a headline before, between, in and behind them.
func newsFile(t *testing.T) string {
	t.Helper()
	db := filepath.Join(t.TempDir(), "a.db")
	f, err := store.Open(db, store.Options{Command: "test", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	var list []news.Article
	put := func(at, title string, symbols ...string) {
		seen, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		a := news.Article{ID: news.ID{byte(len(list) + 1)}, Seen: seen.UnixMilli(), Source: "Example", Title: title, Symbols: symbols}
		if strings.Contains(title, "dated") {
			a.Published, a.Link = seen.UnixMilli()-60_000, "https://e.com/"+at
		}
		list = append(list, a)
	}
	for _, day := range []string{"2026-11-19", "2026-11-20"} {
		open, err := time.Parse(time.RFC3339, day+"T14:30:00Z")
		if err != nil {
			t.Fatal(err)
		}
		s := ledger.Session{Hours: ledger.Regular, Open: open.UnixMilli(), Close: open.UnixMilli() + 23_400_000, Stated: true}
		trade := candle.Trade{Symbol: "QLD", Time: s.Open, Received: s.Open, Price: candle.Decimal{Units: 7001, Scale: 2}, Size: candle.Decimal{Units: 1}}
		if _, err := f.Append(s, []candle.Trade{trade}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Commit(), f.Seal(context.Background(), s, true)); err != nil {
			t.Fatal(err)
		}
	}
	put("2026-11-18T12:00:00Z", "before")
	put("2026-11-19T04:59:59Z", "the night before, in New York")
	put("2026-11-19T05:00:00Z", "midnight, dated", "QLD", "SPY")
	put("2026-11-20T04:59:59Z", "the last second of the 19th", "SPY")
	put("2026-11-20T15:00:00Z", `=in the "second", dated`, "QLD")
	put("2026-11-22T15:00:00Z", "a Sunday")
	if err := errors.Join(f.PutNews(list, nil), f.Close()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestExportNews(t *testing.T) {
	db := newsFile(t)
	for args, want := range map[string]string{
		"":                          "before|the night before, in New York|midnight, dated|the last second of the 19th|=in the \"second\", dated|a Sunday",
		"--session all":             "before|the night before, in New York|midnight, dated|the last second of the 19th|=in the \"second\", dated|a Sunday",
		"--session 2026-11-19":      "midnight, dated|the last second of the 19th",
		"--session last":            "=in the \"second\", dated",
		"--session last:2":          "midnight, dated|the last second of the 19th|=in the \"second\", dated",
		"--symbols SPY":             "midnight, dated|the last second of the 19th",
		"--symbols QLD,XXX":         "midnight, dated|=in the \"second\", dated",
		"--symbols XXX":             "",
		"--from 2026-11-20":         "the last second of the 19th|=in the \"second\", dated|a Sunday", // a day of UTC
		"--to 2026-11-18T13:00:00Z": "before",
	} {
		var titles []string
		for _, row := range exported(t, db, append([]string{"news"}, strings.Fields(args)...)...) {
			titles = append(titles, row[3])
		}
		if got := strings.Join(titles, "|"); got != want {
			t.Errorf("export news %s: %q, want %q", args, got, want)
		}
	}
	for args, want := range map[string]string{
		"--session last": "time,published,source,title,link,id,symbols\n" +
			"2026-11-20T15:00:00.000Z,2026-11-20T14:59:00.000Z,Example,\"=in the \"\"second\"\", dated\",https://e.com/2026-11-20T15:00:00Z,050000000000000000000000,QLD\n",
		"--session last --excel --columns title,published":                        "\ufefftitle,published\n\"'=in the \"\"second\"\", dated\",2026-11-20 09:59:00.000\n",
		"--from 2026-11-22 --format jsonl --columns published,title,symbols,link": "{\"published\":null,\"title\":\"a Sunday\",\"symbols\":null,\"link\":null}\n",
	} {
		var out, said bytes.Buffer
		if code := dispatch(context.Background(), append([]string{"export", "news", "--db", db, "-o", "-"}, strings.Fields(args)...), console{&out, &said}); code != 0 || out.String() != want || said.String() != "1 headline.\n" {
			t.Errorf("export news %s: %d %s\n%s\nwant\n%s", args, code, said.String(), out.String(), want)
		}
	}
	// Of everything: those of the session's day, or all.
	for session, want := range map[string]int{"last": 1, "all": 6} {
		folder := filepath.Join(t.TempDir(), "tables")
		var said bytes.Buffer
		if code := dispatch(context.Background(), []string{"export", "all", "--db", db, "--session", session, "--format", "csv", "-o", folder}, console{&said, &said}); code != 0 {
			t.Fatal(said.String())
		}
		if rows := readCSV(t, filepath.Join(folder, "news.csv"))[1:]; len(rows) != want {
			t.Errorf("export all --session %s has %d headlines, want %d", session, len(rows), want)
		}
	}
}

func TestNewsCommand(t *testing.T) {
	db := newsFile(t)
	for args, want := range map[string]string{
		"--limit 2": "first seen           source   title\n" +
			"Nov 22 10:00:00 EST  Example  a Sunday\n" +
			"Nov 20 10:00:00 EST  Example  =in the \"second\", dated [QLD]\n",
		"--limit 0 --format csv --symbols SPY": "time,published,source,title,link,id,symbols\n" +
			"2026-11-20T04:59:59.000Z,,Example,the last second of the 19th,,040000000000000000000000,SPY\n" +
			"2026-11-19T05:00:00.000Z,2026-11-19T04:59:00.000Z,Example,\"midnight, dated\",https://e.com/2026-11-19T05:00:00Z,030000000000000000000000,QLD SPY\n",
		"--grep ^BEF --format jsonl":    "{\"time\":\"2026-11-18T12:00:00.000Z\",\"published\":null,\"source\":\"Example\",\"title\":\"before\",\"link\":null,\"id\":\"010000000000000000000000\",\"symbols\":null}\n",
		"--grep xyz --format json":      "[]\n",
		"--grep xyz --format csv":       "time,published,source,title,link,id,symbols\n",
		"--grep xyz":                    "No headline matches.\n",
		"--since 1ms":                   "No headline matches.\n",
		"--limit 2 --grep (be|Sunday)$": "first seen           source   title\nNov 22 10:00:00 EST  Example  a Sunday\n",
	} {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), append([]string{"news", db}, strings.Fields(args)...), console{&out, &errs}); code != 0 || out.String() != want {
			t.Errorf("news %s: %d %s\n%s\nwant\n%s", args, code, errs.String(), out.String(), want)
		}
	}
	for args, want := range map[string]string{
		"--limit=-1":   "--limit -1 is none; right is",
		"--grep (":     "--grep \"(\" is no regular expression; right is",
		"--since soon": "\"soon\" is no age",
		"--format xml": "--format",
	} {
		var out, errs bytes.Buffer
		if code := dispatch(context.Background(), append([]string{"news", db}, strings.Fields(args)...), console{&out, &errs}); code != 2 || !strings.Contains(errs.String(), want) {
			t.Errorf("news %s: %d %q", args, code, errs.String())
		}
	}
	n := &newsCommand{width: 30}
	var out bytes.Buffer
	if err := n.table(&out, []news.Article{{Seen: 1795185000000, Source: "Example", Title: strings.Repeat("Gr\u00f6\u00dfe ", 20)}}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSpace(line))); n > 30 {
			t.Errorf("%d wide: %s", n, line)
		}
	}
}
