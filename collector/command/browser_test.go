package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	cdpnetwork "github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

const pageLine = `Page: (http://\S+)`

// recordPage records a simulated session with a page, and returns where it is, and what ends
// the feed.
func recordPage(t *testing.T, speed string, flags ...string) (page string, stopFeed func()) {
	t.Helper()
	feed, stopFeed := inBackground(t, `(ws://[0-9.:]+)/`, append([]string{"simulate", "--listen", "127.0.0.1:0", "--speed", speed, "--rate", "3", "--date", "2026-11-20", "--symbols", "QLD,SPY"}, flags...)...)
	page, _ = inBackground(t, pageLine, "run", "--feed-url", feed, "--symbols", "QLD,SPY", "--canary", "", "--no-news", "--no-backup",
		"--db", filepath.Join(t.TempDir(), "a.db"), "--listen", "127.0.0.1:0")
	return page, stopFeed
}

// TestPageLive looks at a session that is being recorded: candles move, symbol and interval
// change, the connection is cut and the strip says so with its cause.
func TestPageLive(t *testing.T) {
	b := newBrowser(t)
	page, _ := recordPage(t, "60", "--lead", "70s", "--cut-every", "12m")
	b.open(page)
	b.until("the page recognizes the recording", `document.querySelector("#state").dataset.level === "good"`)
	b.until("it says that it is simulated", `!document.querySelector("#simulated").hidden`)
	if text := b.text("#title") + " " + b.text("#words"); !strings.Contains(text, "Recording") {
		t.Errorf("the state reads %q", text)
	}
	b.until("the clock runs", `/^\d+:\d\d:\d\d$/.test(document.querySelector("#countdown").innerText)`)
	b.until("candles appear", `+document.querySelector("#chart").dataset.candles >= 2`)
	last, closed := b.value(`document.querySelector("#chart").dataset.lastTime`), b.value(`document.querySelector("#chart").dataset.lastClose`)
	b.until("the last candle moves", fmt.Sprintf(`document.querySelector("#chart").dataset.lastClose !== %q`, closed))
	b.until("a new candle begins", fmt.Sprintf(`document.querySelector("#chart").dataset.lastTime > %q`, last))
	b.look("light", 1280, 900)
	b.shoot("light")
	b.look("dark", 1280, 900)
	b.shoot("dark")

	was := b.value(`document.querySelector("#chart").dataset.symbol`)
	b.do(chromedp.SetValue("#symbol", "SPY"), chromedp.Evaluate(`document.querySelector("#symbol").dispatchEvent(new Event("change"))`, nil))
	b.until("another symbol", `document.querySelector("#chart").dataset.symbol === "SPY" && +document.querySelector("#chart").dataset.candles > 0`)
	if was == "SPY" {
		t.Errorf("the first symbol was %s", was)
	}
	b.do(chromedp.Click(`#intervals button[value="5s"]`))
	b.until("another interval", `document.querySelector("#chart").dataset.interval === "5s" && +document.querySelector("#chart").dataset.candles > 5`)
	b.do(chromedp.Click(`#intervals button[value="100t"]`))
	b.until("candles of trades", `document.querySelector("#chart").dataset.interval === "100t" && +document.querySelector("#chart").dataset.candles > 0`)
	b.do(chromedp.Click(`#intervals button[value="1m"]`))

	b.until("the cut is among the disconnects", `/drop/.test(document.querySelector("#disconnect-rows").innerText + document.querySelector("#disconnect-rows").textContent)`)
	b.until("the strip's table names the cause", `/broke/.test(document.querySelector("#gap-rows").textContent)`)
	b.do(chromedp.Focus(".strip"), chromedp.KeyEvent("\t"), chromedp.Focus(".strip"), chromedp.SendKeys(".strip", "\ue014"))
	b.until("the tooltip says why", `!document.querySelector("#tooltip").hidden && /broke/.test(document.querySelector("#tooltip").textContent)`)
	b.hover(`document.querySelector(".strip")`)
	b.until("so it does for a mouse", `!document.querySelector("#tooltip").hidden && /\d:\d\d/.test(document.querySelector("#tooltip").textContent)`)
	if n := b.number(`+document.querySelector("#chart").dataset.holes`); n < 1 {
		t.Errorf("the chart draws %v holes", n)
	}
	b.look("light", 1280, 900)
	b.shoot("cut")
	b.look("light", 390, 844)
	b.fits()
	b.shoot("phone")
	b.quiet()
}

// hover moves the mouse over the middle of something.
func (b *browser) hover(element string) {
	b.t.Helper()
	x := b.number(element + ".getBoundingClientRect().left + " + element + ".getBoundingClientRect().width / 20")
	y := b.number(element + ".getBoundingClientRect().top + " + element + ".getBoundingClientRect().height / 2")
	b.do(chromedp.MouseEvent("mouseMoved", x, y))
}

// TestPageBreaks stops the feed in mid-session: the page says what is wrong, and /healthz too.
func TestPageBreaks(t *testing.T) {
	b := newBrowser(t)
	page, stopFeed := recordPage(t, "60", "--lead", "70s")
	b.open(page)
	b.until("it records", `document.querySelector("#state").dataset.level === "good"`)
	stopFeed()
	b.until("it says so", `document.querySelector("#state").dataset.level === "bad"`)
	if status, body := fetched(t, page+"healthz"); status != 503 || !strings.Contains(body, `"status":"failing"`) || !strings.Contains(body, `"reason":"`) {
		t.Errorf("healthz says %d %s", status, body)
	}
	b.look("light", 1280, 900)
	b.shoot("broken")
	b.quiet()
}

// TestPageClosed looks at a recorder whose market opens in two hours.
func TestPageClosed(t *testing.T) {
	b := newBrowser(t)
	page, _ := recordPage(t, "1", "--lead", "2h")
	b.open(page)
	b.until("it says that the market is closed", `document.querySelector("#state").dataset.level === "idle" && /closed/i.test(document.querySelector("#state").innerText)`)
	b.until("it counts down", `/^0?[12]:\d\d:\d\d$/.test(document.querySelector("#countdown").innerText)`)
	b.until("it says that there is nothing yet", `document.body.classList.contains("nothing")`)
	b.look("light", 1280, 900)
	b.shoot("closed")
	if status, body := fetched(t, page+"healthz"); status != 200 || !strings.Contains(body, `"state":"closed"`) {
		t.Errorf("healthz says %d %s", status, body)
	}
	b.quiet()
}

// TestPageLogin opens a page that wants a token.
func TestPageLogin(t *testing.T) {
	b := newBrowser(t)
	db := daySeconds(t, 600)
	page, _ := inBackground(t, `at (http://\S+)`, "view", db, "--listen", "127.0.0.1:0", "--http-token", "the right token")
	b.open(page)
	b.until("it asks for the token", `location.pathname === "/login"`)
	b.do(chromedp.SendKeys(`input[name="token"]`, "a wrong token\r"))
	b.until("it is the wrong one", `/not the token/.test(document.body.innerText)`)
	b.shoot("login")
	b.until("the form is there again", `document.readyState === "complete" && document.querySelector('input[name="token"]').value === ""`)
	b.do(chromedp.SendKeys(`input[name="token"]`, "the right token\r"))
	b.until("it is the right one", `location.pathname === "/" && +document.querySelector("#chart").dataset.candles > 0`)
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := cdpnetwork.GetCookies().Do(ctx)
		if err != nil {
			return err
		}
		if len(cookies) != 1 || !cookies[0].HTTPOnly || cookies[0].SameSite != cdpnetwork.CookieSameSiteLax || strings.Contains(cookies[0].Value, "right") {
			t.Errorf("the cookies are %+v", cookies)
		}
		return nil
	}))
	if text := b.value("location.href + document.cookie + document.documentElement.outerHTML"); strings.Contains(text, "the right token") {
		t.Error("the token stands in the page")
	}
	b.do(chromedp.Click(`#leave button`))
	b.until("it asks again", `location.pathname === "/login"`)
	b.quiet("401") // the wrong token: the browser itself says so
}

// TestPageDownload saves what the page offers, and compares it with what the command writes.
func TestPageDownload(t *testing.T) {
	b := newBrowser(t)
	db := daySeconds(t, 3000)
	page, _ := inBackground(t, `at (http://\S+)`, "view", db, "--listen", "127.0.0.1:0")
	b.open(page)
	folder := t.TempDir()
	b.do(cdpbrowser.SetDownloadBehavior(cdpbrowser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(folder))
	b.until("there are links", `document.querySelector('#files a[href*="1s.csv"]')`)
	for _, what := range []string{"1s.csv", "100t.csv", "trades.parquet", "coverage.csv"} {
		want := filepath.Join(t.TempDir(), what)
		kind, _, _ := strings.Cut(what, ".")
		if code := dispatch(context.Background(), []string{"export", kind, "--session", daySession.Date(), "--db", db, "-o", want}, console{new(syncBuffer), new(syncBuffer)}); code != 0 {
			t.Fatalf("export %s ends with %d", kind, code)
		}
		b.do(chromedp.Click(fmt.Sprintf(`#files a[href*="/export/%s"]`, what)))
		b.saved(filepath.Join(folder, daySession.Date()+"-"+what), want)
	}
	b.quiet()
}

// saved waits for a download that is just like another file: a browser makes an empty one first.
func (b *browser) saved(path, like string) {
	b.t.Helper()
	want, err := os.ReadFile(like)
	if err != nil || len(want) == 0 {
		b.t.Fatalf("%s: %d bytes, %v", like, len(want), err)
	}
	for end := time.Now().Add(browserLimit); ; time.Sleep(20 * time.Millisecond) { // the browser is another process
		got, err := os.ReadFile(path)
		if err == nil && bytes.Equal(got, want) {
			return
		}
		if time.Now().After(end) {
			b.fail(fmt.Sprintf("%s has %d bytes, and the command writes %d others; %v", path, len(got), len(want), err))
		}
	}
}

// TestPageSpeed draws a day of a candle each second, and says how long things took: the first
// paint, the drawing, and what the page weighs, which alone is held to its limit.
func TestPageSpeed(t *testing.T) {
	b := newBrowser(t)
	db := daySeconds(t, 23_400)
	page, _ := inBackground(t, `at (http://\S+)`, "view", db, "--listen", "127.0.0.1:0")
	b.open(page)
	b.until("candles", `+document.querySelector("#chart").dataset.candles > 0`)
	b.open("about:blank")
	b.at = page // a browser that has started: what a person waits for is the page
	b.do(chromedp.Navigate(page))
	b.until("candles", `+document.querySelector("#chart").dataset.candles > 0`)
	paint := b.number(`performance.getEntriesByName("first-contentful-paint")[0].startTime`)
	weight := b.number(`performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
		.filter(e => !/\/(api|export)\//.test(e.name)).reduce((n, e) => n + e.encodedBodySize, 0)`)
	parts := b.number(`performance.getEntriesByType("resource").filter(e => /assets/.test(e.name)).length`)
	b.do(chromedp.Click(`#intervals button[value="1s"]`))
	b.until("a day of seconds", `document.querySelector("#chart").dataset.candles === "23400"`)
	var drawn []float64
	for range 9 {
		b.do(chromedp.Click(`#latest`))
		b.until("the latest are drawn", `+document.querySelector("#chart").dataset.span < 5000`)
		b.do(chromedp.Click(`#whole`))
		b.until("the day is drawn", `+document.querySelector("#chart").dataset.span >= 23400`)
		drawn = append(drawn, b.number(`performance.getEntriesByName("chart-draw").at(-1).duration`))
	}
	b.look("light", 1280, 900)
	b.shoot("seconds")
	load := b.number(`(performance.getEntriesByName("chart-load").at(-1) || {duration: -1}).duration`)
	t.Logf("first paint after %.0f ms; %.0f files of %.1f KB compressed; a day of 23,400 candles drawn in %.1f ms (median of %d), loaded and drawn in %.0f ms",
		paint, parts, weight/1024, median(drawn), len(drawn), load)
	if weight < 1000 || weight > 80<<10 {
		t.Errorf("the page weighs %.0f bytes", weight)
	}
	b.quiet()
}

// daySession is the session of daySeconds: 2026-11-20.
var daySession = ledger.Session{Hours: ledger.Regular, Open: 1795185000000, Close: 1795208400000, Stated: true}

// daySeconds records a session by hand in which QLD trades in each of the first so many
// seconds, with a gap of 100 s near the end of them.
func daySeconds(t *testing.T, n int) (db string) {
	t.Helper()
	db = filepath.Join(t.TempDir(), "day.db")
	file, err := store.Open(db, store.Options{Command: "test", Source: "made by hand"})
	if err != nil {
		t.Fatal(err)
	}
	s := daySession
	if err := file.Begin(s, s.Open); err != nil {
		t.Fatal(err)
	}
	qld := ledger.NewSymbols("QLD")
	hole := s.Open + int64(n)*900
	file.Enter(s, []ledger.Span{{From: s.Open, Until: hole, Symbols: qld}, {From: hole, Until: hole + 100_000, Symbols: qld, Cause: ledger.Drop},
		{From: hole + 100_000, Until: s.Close, Symbols: qld}}, nil)
	var trades []candle.Trade
	for i := range n {
		at := s.Open + int64(i)*1000
		price := int64(7000 + i%211 - i%97 + i/300)
		for j := range int64(2) {
			trades = append(trades, candle.Trade{Symbol: "QLD", Time: at + 100 + 500*j, Received: at + 180 + 500*j, Price: candle.Decimal{Units: price*10 + 1 + 3*j, Scale: 3}, Size: candle.Decimal{Units: int64(1 + i%90)}})
		}
	}
	if _, err := file.Append(s, trades); err != nil {
		t.Fatal(err)
	}
	file.Count(s, ledger.Counts{ledger.Accepted: int64(len(trades)), ledger.Connections: 2})
	if err := file.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := file.Seal(context.Background(), s, true); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return db
}
