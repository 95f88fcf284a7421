package monitor_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tapedeck/collector/monitor"
)

const (
	rightToken = "a-right-and-proper-token-0123456789"
	wrongToken = "a-wrong-token-0123456789"
)

// marker stands in everything that only those who are admitted may see.
const marker = "INSIDE"

// visitor asks a handler for something, in one way or another.
type visitor struct {
	method, path, host, from string
	header                   http.Header
	cookie                   string
	body                     string
}

func (v visitor) ask(h http.Handler) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if strings.HasPrefix(v.path, "/api/events") {
		cancel() // it would go on for ever
	}
	if v.method == "" {
		v.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(ctx, v.method, v.path, strings.NewReader(v.body))
	r.Host = v.host
	for name, values := range v.header {
		r.Header[name] = values
	}
	if v.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		r.Header.Set("Cookie", monitor.CookieName+"="+v.cookie)
	}
	if v.from != "" {
		r.RemoteAddr = v.from
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

// form is a POST of the login form from the page itself.
func form(token string) visitor {
	return visitor{method: http.MethodPost, path: "/login", host: "localhost:8080", body: url.Values{"token": {token}}.Encode(),
		header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// cookieFrom logs in and returns the cookie.
func cookieFrom(t *testing.T, h http.Handler, token string) *http.Cookie {
	t.Helper()
	w := form(token).ask(h)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("login: %d, %d cookies, %s", w.Code, len(cookies), w.Body)
	}
	return cookies[0]
}

// expiredCookie is one that was made in the year 2000, where fake time begins.
func expiredCookie(t *testing.T) (value string) {
	synctest.Test(t, func(t *testing.T) {
		value = cookieFrom(t, plainSite(t, &monitor.Access{Token: rightToken}).Handler(), rightToken).Value
	})
	return value
}

// credentials are ways of saying who one is, by name.
func credentials(t *testing.T) map[string]visitor {
	good := cookieFrom(t, plainSite(t, &monitor.Access{Token: rightToken}).Handler(), rightToken).Value
	other := cookieFrom(t, plainSite(t, &monitor.Access{Token: wrongToken}).Handler(), wrongToken).Value
	until, seal, _ := strings.Cut(good, ".")
	later, err := strconv.Atoi(until)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]visitor{
		"nothing":                {},
		"right bearer":           {header: bearer(rightToken)},
		"wrong bearer":           {header: bearer(wrongToken)},
		"empty bearer":           {header: bearer("")},
		"basic":                  {header: http.Header{"Authorization": {"Basic " + rightToken}}},
		"right cookie":           {cookie: good},
		"forged cookie":          {cookie: fmt.Sprint(later+1) + "." + seal},
		"cookie without seal":    {cookie: until},
		"token as cookie":        {cookie: rightToken},
		"expired cookie":         {cookie: expiredCookie(t)},
		"cookie of other token":  {cookie: other},
		"token in address":       {path: "?token=" + rightToken},
		"token in address, too":  {path: "?access_token=" + rightToken + "&Authorization=Bearer+" + rightToken},
		"wrong bearer, good one": {header: bearer(wrongToken), cookie: good},
	}
}

// kindsOfPath are the columns of the table of TestAccess.
var kindsOfPath = [][]string{{"/"}, {"/login"}, {"/assets/app.js"}, {"/healthz"},
	{"/readyz", "/api/dates", "/api/events", "/export/1s.csv", "/backup", "/metrics", "/nowhere"}}

var (
	ownHosts     = []string{"127.0.0.1:1", "localhost", "LOCALHOST:9", "[::1]:8", "127.8.9.1:80"}
	foreignHosts = []string{"evil.com", "evil.com:8080", "127.0.0.1.evil.com", "localhost.evil.com", "", "10.0.0.1", "[::2]:8", "0.0.0.0:80", "[fe80::1]"}
)

// TestAccess asks for everything in every way, of a listener that only this machine reaches
// and one that all do, with and without a token.
func TestAccess(t *testing.T) {
	all := slices.Concat(ownHosts, foreignHosts)
	admitted := []string{"right bearer", "right cookie", "wrong bearer, good one"}
	unknown := []string{"nothing", "basic", "forged cookie", "cookie without seal", "token as cookie", "expired cookie", "cookie of other token", "token in address", "token in address, too"}
	everybody := slices.Concat(admitted, unknown, []string{"wrong bearer", "empty bearer"})
	ways := credentials(t)
	if len(ways) != len(everybody) {
		t.Fatalf("%d ways, %d in the table", len(ways), len(everybody))
	}
	table := []struct {
		name           string
		outside, token []bool
		hosts, who     []string
		want           [5]int // /, /login, /assets, /healthz, the rest
	}{
		{"of this machine", []bool{false}, []bool{false}, ownHosts, everybody, [5]int{200, 303, 200, 200, 200}},
		{"DNS rebinding", []bool{false}, []bool{false}, foreignHosts, everybody, [5]int{403, 403, 403, 200, 403}},
		{"closed", []bool{true}, []bool{false}, all, everybody, [5]int{403, 303, 200, 200, 403}},
		{"admitted", []bool{false, true}, []bool{true}, all, admitted, [5]int{200, 303, 200, 200, 200}},
		{"wrong", []bool{false, true}, []bool{true}, all, []string{"wrong bearer", "empty bearer"}, [5]int{401, 200, 200, 200, 401}},
		{"unknown", []bool{false, true}, []bool{true}, all, unknown, [5]int{303, 200, 200, 200, 401}},
	}
	for _, row := range table {
		t.Run(row.name, func(t *testing.T) {
			for _, outside := range row.outside {
				for _, token := range row.token {
					for _, who := range row.who {
						askedFor(t, outside, token, row.hosts, who, ways[who], row.want)
					}
				}
			}
		})
	}
}

// askedFor asks for every path by every name, each time of a fresh site.
func askedFor(t *testing.T, outside, token bool, hosts []string, who string, as visitor, want [5]int) {
	t.Helper()
	given := as.path
	for kind, paths := range kindsOfPath {
		for _, path := range paths {
			for _, host := range hosts {
				a := &monitor.Access{Outside: outside}
				if token {
					a.Token = rightToken
				}
				as.path, as.host = path+given, host
				code := want[kind]
				if path == "/nowhere" && code == 200 {
					code = 404
				}
				w := as.ask(plainSite(t, a).Handler())
				if w.Code != code {
					t.Errorf("outside %t, token %t, %s as %s, host %q: %d, not %d", a.Outside, token, path, who, host, w.Code, code)
				}
				if seen := strings.Contains(w.Body.String(), marker); seen != (kind == 4 && code == 200 && path != "/api/events") {
					t.Errorf("outside %t, token %t, %s as %s, host %q: what is inside is seen: %t", a.Outside, token, path, who, host, seen)
				}
				keepsSecrets(t, w, as.cookie)
				isGuarded(t, w)
			}
		}
	}
}

// keepsSecrets fails when an answer has the token or a cookie's seal anywhere but in a
// Set-Cookie, and the token even there.
func keepsSecrets(t *testing.T, w *httptest.ResponseRecorder, cookie string) {
	t.Helper()
	_, seal, _ := strings.Cut(cookie, ".")
	header := w.Header().Clone()
	if set := header.Get("Set-Cookie"); strings.Contains(set, rightToken) {
		t.Errorf("the token is in the cookie %s", set)
	}
	header.Del("Set-Cookie")
	for _, text := range []string{w.Body.String(), fmt.Sprint(header)} {
		if strings.Contains(text, rightToken) || seal != "" && strings.Contains(text, seal) {
			t.Errorf("a secret is in the answer %d: %s", w.Code, text)
		}
	}
}

// TestPathTricks asks for what is inside by paths that begin like what is public.
func TestPathTricks(t *testing.T) {
	for _, path := range []string{"/assets/../api/dates", "/assets/%2e%2e/api/dates", "/assets/%2e%2e%2fapi%2fdates", "/assets/..%2f..%2fsite.go",
		"//api/dates", "/healthz/../api/dates", "/healthz/", "/login/../api/dates", "/assets/%2e%2e%2flogin.html", "/assets/", "/assets/.", "/./healthz/../backup"} {
		for _, a := range []*monitor.Access{{Token: rightToken, Outside: true}, {Outside: true}} {
			w := visitor{path: path, host: "evil.com"}.ask(plainSite(t, a).Handler())
			if w.Code == http.StatusOK || strings.Contains(w.Body.String(), marker) {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
}

// TestCrossSite has a page of the world ask: it gets the page and what it is made of, and
// nothing else; the page itself and a person who types the address get all.
func TestCrossSite(t *testing.T) {
	for _, token := range []string{"", rightToken} {
		for kind, paths := range kindsOfPath {
			for _, path := range paths {
				for _, site := range []string{"cross-site", "same-origin", "none", ""} {
					h := plainSite(t, &monitor.Access{Token: token, Outside: token != ""}).Handler()
					v := visitor{path: path, host: "localhost", header: bearer(rightToken)}
					v.header.Set("Sec-Fetch-Site", site)
					w := v.ask(h)
					if refused := w.Code == http.StatusForbidden; refused != (site == "cross-site" && kind == 4) {
						t.Errorf("%s from %q: %d", path, site, w.Code)
					}
				}
			}
		}
	}
}

// TestLogin goes in and out as a browser does.
func TestLogin(t *testing.T) {
	site := plainSite(t, &monitor.Access{Token: rightToken, Outside: true})
	h := site.Handler()
	if w := (visitor{path: "/"}).ask(h); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/login" {
		t.Fatalf("the page before: %d %v", w.Code, w.Header())
	}
	if w := (visitor{path: "/login"}).ask(h); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="token"`) || strings.Contains(w.Body.String(), "alert") {
		t.Errorf("the form: %d %s", w.Code, w.Body)
	}
	w := form(wrongToken).ask(h)
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "That is not the token.") || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("a wrong token: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if strings.Contains(w.Body.String(), wrongToken) {
		t.Errorf("what was typed is said back: %s", w.Body)
	}
	c := cookieFrom(t, h, " "+rightToken+"\n") // as it is pasted
	in := visitor{path: "/api/dates", cookie: c.Value}
	if w := in.ask(h); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), marker) {
		t.Errorf("in: %d %s", w.Code, w.Body)
	}
	out := visitor{method: http.MethodPost, path: "/logout", cookie: c.Value}.ask(h)
	gone := out.Result().Cookies()
	if out.Code != http.StatusSeeOther || out.Header().Get("Location") != "/login" || len(gone) != 1 {
		t.Fatalf("out: %d %v", out.Code, out.Header())
	}
	if g := gone[0]; g.Name != c.Name || g.Path != c.Path || g.Value != "" || !g.Expires.Before(time.Now()) {
		t.Errorf("the cookie that ends it: %v", g)
	}
	in.cookie = gone[0].Value
	if w := in.ask(h); w.Code != http.StatusUnauthorized {
		t.Errorf("after that: %d", w.Code)
	}
}

// TestLoginCookie looks at what the cookie says to a browser.
func TestLoginCookie(t *testing.T) {
	h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
	c := cookieFrom(t, h, rightToken)
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure {
		t.Errorf("the cookie is %v", c)
	}
	if left := time.Until(c.Expires); left > monitor.CookieAge || left < monitor.CookieAge-time.Minute {
		t.Errorf("it is kept for %v", left)
	}
	for _, v := range []struct {
		path, proto string
		secure      bool
	}{{"/login", "https", true}, {"/login", "http", false}, {"https://localhost/login", "", true}} {
		f := form(rightToken)
		f.path = v.path
		f.header.Set("X-Forwarded-Proto", v.proto)
		cookies := f.ask(h).Result().Cookies()
		if len(cookies) != 1 || cookies[0].Secure != v.secure {
			t.Errorf("%+v: %v", v, cookies)
		}
	}
}

// TestCookieLife has a cookie be good after a restart and until its time has come, and no
// longer when the token is another one.
func TestCookieLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cookieFrom(t, plainSite(t, &monitor.Access{Token: rightToken}).Handler(), rightToken).Value
		again := plainSite(t, &monitor.Access{Token: rightToken, Outside: true}).Handler()
		other := plainSite(t, &monitor.Access{Token: rightToken + "x", Outside: true}).Handler()
		none := plainSite(t, &monitor.Access{Outside: true}).Handler()
		v := visitor{path: "/api/dates", cookie: c}
		status := func(h http.Handler, want int) {
			t.Helper()
			if w := v.ask(h); w.Code != want {
				t.Errorf("%d, not %d", w.Code, want)
			}
		}
		status(again, http.StatusOK)
		status(other, http.StatusUnauthorized)
		status(none, http.StatusForbidden)
		time.Sleep(monitor.CookieAge - time.Second)
		status(again, http.StatusOK)
		time.Sleep(time.Second)
		status(again, http.StatusUnauthorized)
	})
}

// TestLoginOfAnotherSite posts the forms from elsewhere: that logs nobody in or out.
func TestLoginOfAnotherSite(t *testing.T) {
	h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
	cookie := cookieFrom(t, h, rightToken).Value
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}},
		{"Origin": {"https://evil.com"}}, {"Origin": {"null"}}, {"Origin": {"http://localhost:9999"}},
	} {
		for _, path := range []string{"/login", "/logout"} {
			f := form(rightToken)
			f.path, f.header, f.cookie = path, header, cookie
			if w := f.ask(h); w.Code != http.StatusForbidden || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s %v: %d %v", path, header, w.Code, w.Header())
			}
		}
	}
	f := form(rightToken)
	f.header = http.Header{"Origin": {"http://localhost:8080"}}
	if w := f.ask(h); w.Code != http.StatusSeeOther {
		t.Errorf("of the page itself: %d", w.Code)
	}
}

// TestLoginForms sends forms that say nothing, or too much.
func TestLoginForms(t *testing.T) {
	h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
	fits := url.Values{"token": {rightToken}, "zz": {""}}.Encode()
	for _, c := range []struct {
		name, path, body string
		want             int
	}{
		{"just 4 KB", "/login", fits + strings.Repeat("x", 4<<10-len(fits)), http.StatusSeeOther},
		{"a byte more", "/login", fits + strings.Repeat("x", 4<<10-len(fits)+1), http.StatusBadRequest},
		{"1 MB", "/login", fits + strings.Repeat("x", 1<<20), http.StatusBadRequest},
		{"no form", "/login", "%", http.StatusBadRequest},
		{"nothing", "/login", "", http.StatusUnauthorized},
		{"in the address", "/login?token=" + rightToken, "token=", http.StatusUnauthorized},
		{"only in the address", "/login?token=" + rightToken, "", http.StatusUnauthorized},
	} {
		w := visitor{method: http.MethodPost, path: c.path, body: c.body}.ask(h)
		if in := w.Header().Get("Set-Cookie") != ""; w.Code != c.want || in != (c.want == http.StatusSeeOther) {
			t.Errorf("%s: %d, in %t", c.name, w.Code, in)
		}
		keepsSecrets(t, w, "")
	}
}

// TestLoginWithoutToken finds no way in where no token is set.
func TestLoginWithoutToken(t *testing.T) {
	for _, outside := range []bool{false, true} {
		h := plainSite(t, &monitor.Access{Outside: outside}).Handler()
		for _, token := range []string{"", rightToken} {
			if w := form(token).ask(h); w.Code != http.StatusUnauthorized || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("outside %t, token %q: %d %v", outside, token, w.Code, w.Header())
			}
		}
	}
}

// tries asks with a token from an address, and returns the status.
func tries(h http.Handler, from, token string) *httptest.ResponseRecorder {
	return visitor{path: "/api/dates", from: from, header: bearer(token)}.ask(h)
}

// wears out the tries of an address.
func wears(t *testing.T, h http.Handler, from string) {
	t.Helper()
	for n := range monitor.TriesAtOnce {
		if w := tries(h, from, wrongToken); w.Code != http.StatusUnauthorized {
			t.Fatalf("wrong token %d from %s: %d", n+1, from, w.Code)
		}
	}
}

// TestTooManyTries wears out an address: a right token from there has to wait, a cookie and
// other addresses have not, and every 10 s there is one more.
func TestTooManyTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []bool
		a := &monitor.Access{Token: rightToken, Outside: true, Wrong: func(address string, waits bool) {
			if address != "1.2.3.4" {
				t.Errorf("told of %s", address)
			}
			told = append(told, waits)
		}}
		h := plainSite(t, a).Handler()
		cookie := cookieFrom(t, h, rightToken).Value
		wears(t, h, "1.2.3.4:1")
		for _, token := range []string{wrongToken, rightToken} {
			if w := tries(h, "1.2.3.4:2", token); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "10" || strings.Contains(w.Body.String(), marker) {
				t.Errorf("after that: %d %v", w.Code, w.Header())
			}
			f := form(token)
			f.from = "1.2.3.4:3"
			if w := f.ask(h); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "10" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("the form after that: %d %v", w.Code, w.Header())
			}
		}
		if want := []bool{false, false, false, false, false, true, true, true, true}; !slices.Equal(told, want) {
			t.Errorf("told %v", told)
		}
		if w := (visitor{path: "/api/dates", from: "1.2.3.4:1", cookie: cookie}).ask(h); w.Code != http.StatusOK {
			t.Errorf("a cookie from there: %d", w.Code)
		}
		if w := tries(h, "1.2.3.5:1", rightToken); w.Code != http.StatusOK {
			t.Errorf("another address: %d", w.Code)
		}
		time.Sleep(monitor.TryEvery - time.Second)
		if w := tries(h, "1.2.3.4:1", rightToken); w.Code != http.StatusTooManyRequests {
			t.Errorf("too early: %d", w.Code)
		}
		time.Sleep(time.Second)
		for n, want := range []int{401, 429} {
			if w := tries(h, "1.2.3.4:1", wrongToken); w.Code != want {
				t.Errorf("10 s later, %d: %d", n, w.Code)
			}
		}
		time.Sleep(monitor.TryEvery)
		if w := tries(h, "1.2.3.4:1", rightToken); w.Code != http.StatusOK {
			t.Errorf("right, 10 s later: %d", w.Code)
		}
	})
}

// TestTriesOfANetwork counts the addresses of one IPv6 network together.
func TestTriesOfANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
		for n := range monitor.TriesAtOnce {
			if w := tries(h, fmt.Sprintf("[2001:db8:1:2:%x::%x]:80", n, n+1), wrongToken); w.Code != http.StatusUnauthorized {
				t.Fatalf("%d: %d", n, w.Code)
			}
		}
		for from, want := range map[string]int{"[2001:db8:1:2:ffff::1]:1": 429, "[2001:db8:1:3::1]:1": 200} {
			if w := tries(h, from, rightToken); w.Code != want {
				t.Errorf("%s: %d, not %d", from, w.Code, want)
			}
		}
		wears(t, h, "[::ffff:9.9.9.9]:1") // IPv4 in other clothes: no network of 2^64 of them
		if w := tries(h, "[::ffff:9.9.9.8]:1", rightToken); w.Code != http.StatusOK {
			t.Errorf("its neighbour: %d", w.Code)
		}
	})
}

// TestRightTokenIsNoTry asks often with the right token, with the clock of this machine: a
// program that asks ten times a second is no attack.
func TestRightTokenIsNoTry(t *testing.T) {
	h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
	for n := range 10 * monitor.TriesAtOnce {
		if w := tries(h, "1.2.3.4:1", rightToken); w.Code != http.StatusOK {
			t.Fatalf("right token, time %d: %d", n+1, w.Code)
		}
	}
}

// TestTriesAtOnce has many try at the same moment: no more get through than are allowed.
func TestTriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := plainSite(t, &monitor.Access{Token: rightToken}).Handler()
		var all sync.WaitGroup
		codes := make([]int, 100)
		for n := range codes {
			all.Go(func() { codes[n] = tries(h, "1.2.3.4:1", wrongToken).Code })
		}
		all.Wait()
		compared := 0
		for _, code := range codes {
			switch code {
			case http.StatusUnauthorized:
				compared++
			case http.StatusTooManyRequests:
			default:
				t.Errorf("%d", code)
			}
		}
		if compared != monitor.TriesAtOnce {
			t.Errorf("%d were compared", compared)
		}
	})
}

// TestManyAddresses tries from more addresses than are told apart: that takes no more room,
// those beyond share one account, and once the others have waited there is room again.
func TestManyAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &monitor.Access{Token: rightToken, Outside: true}
		h := plainSite(t, a).Handler()
		address := func(n int) string { return fmt.Sprintf("10.%d.%d.%d:1", n>>16&255, n>>8&255, n&255) }
		for n := range monitor.MostAddresses {
			if w := tries(h, address(n), wrongToken); w.Code != http.StatusUnauthorized {
				t.Fatalf("address %d: %d", n, w.Code)
			}
		}
		for n := range 3 * monitor.MostAddresses {
			want := http.StatusTooManyRequests
			if n < monitor.TriesAtOnce {
				want = http.StatusUnauthorized
			}
			if w := tries(h, address(monitor.MostAddresses+n), wrongToken); w.Code != want {
				t.Fatalf("address %d more: %d", n, w.Code)
			}
		}
		if n := a.Addresses(); n != monitor.MostAddresses {
			t.Errorf("%d addresses are told apart", n)
		}
		if w := tries(h, address(1), rightToken); w.Code != http.StatusOK {
			t.Errorf("one that is told apart: %d", w.Code)
		}
		time.Sleep(monitor.TryEvery)
		wears(t, h, address(99_999))
		if n := a.Addresses(); n != 1 {
			t.Errorf("%d addresses are told apart after they have waited", n)
		}
	})
}

// FuzzCookie shows cookies: none is good but the very one that a login gave.
func FuzzCookie(f *testing.F) {
	// A token of this run alone: a cookie that an earlier one found is good for its own.
	a := &monitor.Access{Token: rand.Text(), Outside: true}
	good := a.CookieUntil(time.Now().Add(time.Hour))
	until, seal, _ := strings.Cut(good, ".")
	for _, value := range []string{good, "", ".", "." + seal, until + ".", until + seal, good + ".", "0" + good, "+" + good, strings.ToUpper(good),
		until + "." + seal[:60], until + "." + seal + "00", "99999999999999999999." + seal, "-1." + seal, `"` + good + `"`, good + "; tapedeck=x", "x; tapedeck=" + good, "\x00", "é." + seal} {
		f.Add(value, uint8(3), uint8(1))
	}
	h := plainSite(f, a).Handler()
	in := func(t *testing.T, value string) (in, same bool) {
		r := httptest.NewRequest(http.MethodGet, "/api/dates", nil)
		r.Header["Cookie"] = []string{monitor.CookieName + "=" + value}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK && w.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", value, w.Code)
		}
		c, err := r.Cookie(monitor.CookieName)
		return w.Code == http.StatusOK, err == nil && c.Value == good
	}
	f.Fuzz(func(t *testing.T, value string, at, change uint8) {
		if in, same := in(t, value); in != same {
			t.Errorf("%q is let in: %t", value, in)
		}
		bent := []byte(good)
		bent[int(at)%len(bent)] ^= change
		if in, _ := in(t, string(bent)); in != (change == 0) {
			t.Errorf("%q is let in: %t", bent, in)
		}
	})
}
