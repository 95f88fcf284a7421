package monitor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Access says who may see a site. What listens on this machine only is for everybody on it,
// as long as a browser asks for it by a name of this machine: a page of the world that has
// its name point here (DNS rebinding) is not. What can be reached from outside wants a token,
// and without one shows nothing but /healthz. A token that is set is wanted everywhere.
type Access struct {
	// Token is what a client has to know; "" is none.
	Token string
	// Outside says that other machines may reach the listener.
	Outside bool
	// Wrong is told of a wrong token, and whether its address has to wait now; it may be nil.
	// It may be called from any goroutine, and should not block.
	Wrong func(address string, waits bool)

	tries tries
}

const (
	cookieName = "tapedeck"
	cookieAge  = 30 * 24 * time.Hour
)

// How a request may be allowed.
type permit uint8

const (
	permitted permit = iota
	unknown          // without a token, or with a wrong cookie
	wrongToken
	tooManyTries
)

// guard lets through whom Access admits, and puts on every answer what keeps a browser from
// doing more with it than the page needs.
func (a *Access) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protect(w.Header())
		limit(w, r)
		switch {
		case r.URL.Path == "/healthz":
		case r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.URL.Path != "/" && !public(r.URL.Path):
			// A page of the world may link to the page, and have nothing made here.
			refuse(w, http.StatusForbidden, &Failure{Problem: "asked for by another site"})
			return
		case a.Token == "" && a.Outside:
			if !public(r.URL.Path) {
				closed(w)
				return
			}
		case a.Token == "":
			if !ofThisMachine(r.Host) {
				refuse(w, http.StatusForbidden, &Failure{Problem: "the host " + strconv.Quote(r.Host) + " is no name of this machine: ask for 127.0.0.1 or localhost, or set HTTP_TOKEN"})
				return
			}
		case !public(r.URL.Path):
			if p := a.permit(r); p != permitted {
				a.turnAway(w, r, p)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// protect says to a browser what an answer may do: no more than the page needs.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// limit gives a request its time: a body that does not come and an answer that nobody reads
// end the connection. What takes longer gives itself more.
func limit(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(pieceWithin)) // what has none needs none
	if r.ContentLength != 0 {
		_ = control.SetReadDeadline(time.Now().Add(formWithin))
	}
}

// public says whether a path shows nothing of anybody's.
func public(path string) bool {
	return path == "/login" || strings.HasPrefix(path, "/assets/")
}

// ofThisMachine says whether a Host header names this machine, with any port.
func ofThisMachine(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(host, "."), "["), "]")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// permit looks at what a request brings.
func (a *Access) permit(r *http.Request) permit {
	if c, err := r.Cookie(cookieName); err == nil && a.goodCookie(c.Value, time.Now()) {
		return permitted
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return unknown
	}
	return a.try(r, token)
}

// try compares a token, unless its address has tried too often.
func (a *Access) try(r *http.Request, token string) permit {
	address, right := addressOf(r), a.rightToken(token)
	switch {
	case !a.tries.may(address, right):
		a.tell(address, true)
		return tooManyTries
	case !right:
		a.tell(address, false)
		return wrongToken
	}
	return permitted
}

func (a *Access) tell(address string, waits bool) {
	if a.Wrong != nil {
		a.Wrong(address, waits)
	}
}

// rightToken compares sums, so that it takes as long whatever the length and the first
// difference.
func (a *Access) rightToken(token string) bool {
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.Token))
	return a.Token != "" && hmac.Equal(given[:], want[:])
}

// cookie is what a browser shows from then on instead of the token: until when, and a sum
// that only who has the token can make. It is good after a restart, and no longer when the
// token changes.
func (a *Access) cookie(until time.Time) string {
	text := strconv.FormatInt(until.Unix(), 10)
	return text + "." + a.sealOf(text)
}

func (a *Access) sealOf(text string) string {
	h := hmac.New(sha256.New, []byte(a.Token))
	h.Write([]byte("tapedeck cookie " + text))
	return hex.EncodeToString(h.Sum(nil))
}

func (a *Access) goodCookie(value string, now time.Time) bool {
	text, seal, ok := strings.Cut(value, ".")
	until, err := strconv.ParseInt(text, 10, 64)
	return ok && err == nil && a.Token != "" && hmac.Equal([]byte(seal), []byte(a.sealOf(text))) && now.Unix() < until
}

// turnAway answers who is not admitted: a person with the form, a program with a status.
func (a *Access) turnAway(w http.ResponseWriter, r *http.Request, p permit) {
	if p == tooManyTries {
		tooMany(w)
		refuse(w, http.StatusTooManyRequests, &Failure{Problem: tooManyWords})
		return
	}
	if r.URL.Path == "/" && p == unknown && r.Method == http.MethodGet {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="tapedeck"`)
	problem := "this wants the token: a header Authorization: Bearer TOKEN, or the form at /login"
	if p == wrongToken {
		problem = "that is not the token"
	}
	refuse(w, http.StatusUnauthorized, &Failure{Problem: problem})
}

const tooManyWords = "too many wrong tokens from your address; wait a little"

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(tryEvery/time.Second)))
}

func (a *Access) showLogin(w http.ResponseWriter, r *http.Request) {
	if a.Token == "" || a.permit(r) == permitted {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	loginPage(w, http.StatusOK, "")
}

// mostForm is how long a form may be, formWithin how long it may take to come.
const (
	mostForm   = 4 << 10
	formWithin = 10 * time.Second
)

func (a *Access) login(w http.ResponseWriter, r *http.Request) {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		refuse(w, http.StatusForbidden, &Failure{Problem: "the form of another site"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		loginPage(w, http.StatusBadRequest, "The form could not be read.")
		return
	}
	switch a.try(r, strings.TrimSpace(r.PostForm.Get("token"))) { // never of the address
	case permitted:
		until := time.Now().Add(cookieAge)
		http.SetCookie(w, a.cookieOf(r, a.cookie(until), until))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case tooManyTries:
		tooMany(w)
		loginPage(w, http.StatusTooManyRequests, "Too many wrong tokens from your address. Wait a little.")
	default:
		loginPage(w, http.StatusUnauthorized, "That is not the token.")
	}
}

func (a *Access) logout(w http.ResponseWriter, r *http.Request) {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		refuse(w, http.StatusForbidden, &Failure{Problem: "the form of another site"})
		return
	}
	http.SetCookie(w, a.cookieOf(r, "", time.Unix(1, 0)))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// cookieOf is the cookie as it is set. Behind a platform's TLS it is for TLS only. It comes
// along when a link of another site is followed, which only reads.
func (a *Access) cookieOf(r *http.Request, value string, until time.Time) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", Expires: until, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"}
}

// addressOf is whose tries are counted together: an address, of IPv6 its network.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String() + "/64"
	}
	return host
}
