package eodhd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
)

// hides fails if the key, or a piece of it, is in a text, as it is or as a URL has it.
// The pieces are words: four digits would be found in a time of day or a port by chance.
func hides(t *testing.T, what, text string) {
	t.Helper()
	forms := []string{string(secret), url.QueryEscape(string(secret)), url.PathEscape(string(secret)), "Sesame", "Knock"}
	for _, form := range forms {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			t.Errorf("%s has the key: %s", what, text)
		}
	}
}

// printed is a value in all the ways that a log might print it.
func printed(v any) string {
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		if strings.EqualFold(verb, "%x") {
			if text := fmt.Sprintf(verb, v); strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", "Sesame")) {
				fmt.Fprintf(&b, "%s shows Sesame", verb)
			}
			continue
		}
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "v", v)
	if text, err := json.Marshal(v); err == nil {
		b.Write(text)
	}
	return b.String()
}

func TestTokenPrints(t *testing.T) {
	o := eodhd.Options{URL: "ws://user:" + url.QueryEscape(string(secret)) + "@feed.test/" + url.PathEscape(string(secret)) +
		"?api_token=" + url.QueryEscape(string(secret)), Token: secret, Market: eodhd.US}
	for _, v := range []any{secret, &o.Token, o, &o, []eodhd.Options{o}, map[string]eodhd.Token{"k": secret},
		struct{ Key eodhd.Token }{secret}, struct{ O *eodhd.Options }{&o}} {
		hides(t, fmt.Sprintf("a %T", v), printed(v))
	}
	if got := fmt.Sprint(o); got != "{URL:ws://feed.test Token:*** Market:us}" {
		t.Errorf("options are printed as %s", got)
	}
	if got := fmt.Sprintf("%v %s %q %+v %#v %x", secret, secret, secret, secret, secret, secret); got != "*** *** *** *** *** ***" {
		t.Errorf("a token is printed as %s", got)
	}
	o.URL = ":" + string(secret)
	hides(t, "options with a bad URL", printed(o))
}

// answer serves one fixed answer, in which KEY is replaced by what the client asked.
func answer(t *testing.T, text string) eodhd.Options {
	m := newMemory()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c, err := m.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		asked := make([]byte, 4096)
		n, _ := c.Read(asked)
		line, _, _ := strings.Cut(string(asked[:n]), "\r\n")
		io.WriteString(c, strings.ReplaceAll(text, "KEY", line))
	}()
	t.Cleanup(func() {
		m.Close()
		<-stopped
	})
	return eodhd.Options{URL: "ws://feed.test", Token: secret, DialContext: m.dial}
}

// Every way that a dial can fail, with servers that repeat what they were asked.
func TestTokenInDialErrors(t *testing.T) {
	at := func(u string) eodhd.Options { return eodhd.Options{URL: u, Token: secret} }
	escaped := url.QueryEscape(string(secret))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	tlsServer := httptest.NewUnstartedServer(http.NotFoundHandler())
	tlsServer.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsServer.StartTLS()
	defer tlsServer.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	cancelled, cancel := context.WithCancel(background)
	cancel()
	status := func(code int) eodhd.Options {
		return serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.String())
			http.Error(w, r.URL.String()+" "+string(secret), code)
		})
	}
	frames := func(lines ...string) eodhd.Options {
		return serve(t, func(ctx context.Context, ws *websocket.Conn) {
			say(ctx, ws, lines...)
			ws.Close(1008, "no "+string(secret))
		})
	}
	for name, c := range map[string]struct {
		ctx     context.Context
		options eodhd.Options
		says    string
	}{
		"no URL":         {background, at("\x7f" + string(secret)), "form ws://"},
		"bad escape":     {background, at("ws://feed.test/%zz" + string(secret)), "form ws://"},
		"bad port":       {background, at("ws://feed.test:" + string(secret)), "form ws://"},
		"bad port, key":  {background, at("ws://feed.test:x?api_token=" + escaped), "form ws://"},
		"no scheme":      {background, at("feed.test?api_token=" + escaped), "form ws://"},
		"http":           {background, at("http://feed.test?api_token=" + escaped), "form ws://"},
		"no host":        {background, at("ws:///?api_token=" + escaped), "form ws://"},
		"no market":      {background, eodhd.Options{Token: secret, Market: "forex"}, `no market "forex"`},
		"refused port":   {background, at("ws://" + closed.Addr().String()), "cannot reach the feed: connection refused"},
		"no such host":   {background, failing(&net.DNSError{Err: "no such host " + string(secret), Name: "feed.test", IsNotFound: true}), "looking up the host"},
		"odd error":      {background, failing(errors.New(escaped)), "no WebSocket server"},
		"cancelled":      {cancelled, at("ws://" + closed.Addr().String()), "cancelled"},
		"TLS authority":  {background, at("wss" + strings.TrimPrefix(tlsServer.URL, "https")), "unknown authority"},
		"no TLS":         {background, at("wss" + strings.TrimPrefix(plain.URL, "http")), "does not speak TLS"},
		"TLS, asked not": {background, at("ws" + strings.TrimPrefix(tlsServer.URL, "https")), "400"},
		"hung up":        {background, answer(t, ""), "hung up"},
		"echo":           {background, answer(t, "KEY\r\n\r\n"), "no WebSocket server"},
		"echoed status":  {background, answer(t, "HTTP/1.1 KEY\r\n\r\n"), "no WebSocket server"},
		"echoed header":  {background, answer(t, "HTTP/1.1 101 KEY\r\nConnection: KEY\r\nUpgrade: KEY\r\n\r\n"), "no WebSocket server"},
		"redirect":       {background, status(302), "302"},
		"moved":          {background, status(308), "308"},
		"unauthorized":   {background, status(401), "401"},
		"rate":           {background, status(429), "429"},
		"broken":         {background, status(500), "500"},
		"403 frame":      {background, frames(`{"status":403,"message":"bad key ` + string(secret) + `"}`), "403 bad key ***"},
		"escaped frame":  {background, frames(`{"status":403,"message":"Sesame%2fOpen%2bKnock+5678%25%c3%a9 or ` + escaped + `"}`), "403 *** or ***"},
		"close frame":    {background, frames(), "no ***"},
		"other clock": {background, serveHTTP(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Tapedeck-Clock", string(secret))
			websocket.Accept(w, r, nil)
		}), "Tapedeck-Clock"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := eodhd.Dial(c.ctx, c.options)
			if err == nil {
				conn.CloseNow()
				t.Fatal("it was dialled")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %s, want %s", err, c.says)
			}
			hides(t, "the options", printed(c.options))
			for e := err; e != nil; e = errors.Unwrap(e) {
				hides(t, fmt.Sprintf("the %T", e), e.Error()+printed(e))
			}
		})
	}
}

func failing(err error) eodhd.Options {
	return eodhd.Options{URL: "ws://feed.test", Token: secret,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
}

// A connection that runs: itself, its refusals, its samples, its end.
func TestTokenInConn(t *testing.T) {
	o := serve(t, func(ctx context.Context, ws *websocket.Conn) {
		say(ctx, ws, authorized, `{"status":500,"message":"`+string(secret)+`"}`,
			"you said \x01"+url.QueryEscape(string(secret))+" or "+url.PathEscape(string(secret))+" or "+string(secret)+strings.Repeat(" and", 100))
		ws.Close(1011, string(secret))
	})
	c := dial(t, o)
	var errs []error
	for range 3 {
		_, err := c.Read(background, new(candle.Trade))
		errs = append(errs, err)
		hides(t, "the sample", c.Sample())
		if err == nil && (len(c.Sample()) != 200 || !strings.HasPrefix(c.Sample(), "you said  *** or *** or *** and and")) {
			t.Errorf("the sample is %q", c.Sample())
		}
	}
	errs = append(errs, c.Subscribe(background, []string{"A"}), c.Ping(background), c.Close(""))
	failed := 0
	for _, err := range errs {
		if err != nil {
			failed++
			hides(t, "the error", err.Error()+printed(err))
		}
	}
	if failed != 4 {
		t.Errorf("the errors are %v", errs)
	}
	hides(t, "the connection", printed(c))
}

// demo and other short keys are words, and stay in a server's text.
func TestShortKey(t *testing.T) {
	o := serve(t, func(ctx context.Context, ws *websocket.Conn) {
		say(ctx, ws, `{"status_code":422,"message":"Only limited symbols allowed for demo"}`)
		listen(ctx, ws)
	})
	o.Token = "demo"
	_, err := eodhd.Dial(background, o)
	var r *eodhd.Refused
	if !errors.As(err, &r) || r.Refusal() != "key" || !strings.HasSuffix(err.Error(), "for demo") {
		t.Errorf("refused with %v", err)
	}
}

// With the right roots a dial over TLS works.
func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		say(background, ws, authorized, stockFrame)
		listen(background, ws)
	}))
	defer server.Close()
	o := eodhd.Options{URL: "wss" + strings.TrimPrefix(server.URL, "https"), Token: secret}
	c := dial(t, o.WithTLS(server.Client().Transport.(*http.Transport).TLSClientConfig))
	if kind, err := c.Read(background, new(candle.Trade)); kind != eodhd.KindUnsubscribed || err != nil {
		t.Errorf("read %s, %v", kind, err)
	}
	if err := c.Close(""); err != nil {
		t.Error(err)
	}
}
