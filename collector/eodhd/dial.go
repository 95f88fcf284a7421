package eodhd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"tapedeck/collector/candle"
)

// DefaultURL is EODHD's server. It is this name on purpose: ws.eodhd.com was seen
// with a certificate for another host.
const DefaultURL = "wss://ws.eodhistoricaldata.com"

const (
	// handshakeLimit and authorizeLimit are wall time, whatever the feed's
	// clock says. Authorized came within 0.6 s wherever it was timed.
	handshakeLimit = 10 * time.Second
	authorizeLimit = 10 * time.Second
)

// Options say where to dial and as whom. They are safe to print and to log.
type Options struct {
	// URL is the server's address, ws:// or wss://, without a key; "" is
	// DefaultURL. A path that is empty or / becomes /ws/MARKET.
	URL string
	// Token goes into the address as api_token.
	Token Token
	// Market decides the path and how trades are decoded; "" is US.
	Market Market
	// DialContext, if set, makes the connection in place of a net.Dialer, and no
	// proxy is asked: for servers in memory. Without it, the proxy is what
	// HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)

	tls *tls.Config // for tests; nil has the system's roots
}

// Format writes the options without keys, for every verb.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "{URL:%s Token:%s Market:%s}", o.where(), masked, o.Market)
}

// LogValue is the options without keys.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(o)) }

// where is the server without what an address might hide: a password, a path, a query.
func (o Options) where() string {
	if u, err := url.Parse(o.URL); err == nil {
		return o.Token.cleaner()((&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	return masked
}

// address is what is dialled, with the key in it: not for any error.
func (o Options) address() (string, error) {
	text := o.URL
	if text == "" {
		text = DefaultURL
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "" {
		// What is wrong with it stays unsaid: url.Parse quotes what it read.
		return "", errors.New("the feed's address is not of the form ws://host:port or wss://host")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/ws/" + string(o.Market)
	}
	query := u.Query()
	query.Set("api_token", string(o.Token))
	u.RawQuery, u.Fragment = query.Encode(), ""
	return u.String(), nil
}

// Dial connects and waits until the server says Authorized. It subscribes to
// nothing: a subscribe before Authorized was answered with a 500 and a connection
// that stayed mute.
//
// It blocks for at most 10 s for the handshake and 10 s for Authorized, wall time,
// and returns earlier when ctx ends; ctx has no hold on the Conn afterwards. Errors
// are a *Refused, by HTTP or by frame; *Unreachable when nothing understandable
// answered; *Disconnected when the connection was lost before Authorized, with the
// category timeout when it never came; or plain ones for options and clocks that
// make no sense. After an error nothing is left open. Any number of goroutines may
// dial at once.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	if o.Market == "" {
		o.Market = US
	}
	if o.Market != US && o.Market != Crypto {
		return nil, fmt.Errorf("there is no market %q: us or crypto", o.Market)
	}
	address, err := o.address()
	if err != nil {
		return nil, err
	}
	clean := o.Token.cleaner()
	client, socket := o.client()
	defer client.CloseIdleConnections() // of refused handshakes
	limited, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	ws, response, err := websocket.Dial(limited, address, &websocket.DialOptions{HTTPClient: client})
	seen := time.Now()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, &Unreachable{reason: "cancelled", cause: ctx.Err()}
	case response != nil && response.StatusCode != http.StatusSwitchingProtocols:
		return nil, refusedHandshake(response)
	default:
		return nil, unreachable(err, clean)
	}
	ws.SetReadLimit(readLimit)
	c := &Conn{ws: ws, socket: *socket, clean: clean, decoder: NewDecoder(o.Market, nil), buffer: make([]byte, smallFrame)}
	c.source = tidy(c.clean(response.Header.Get(sourceHeader)))
	if stated := response.Header.Get(clockHeader); stated != "" {
		if c.clock, err = parseClock(stated, seen); err != nil {
			c.CloseNow()
			return nil, err
		}
	}
	if err := c.authorise(ctx); err != nil {
		c.CloseNow()
		return nil, err
	}
	return c, nil
}

// client makes an HTTP client for one dial. *socket is the connection that it made.
func (o Options) client() (client *http.Client, socket *net.Conn) {
	socket = new(net.Conn)
	dial, proxy := o.DialContext, (func(*http.Request) (*url.URL, error))(nil)
	if dial == nil {
		dial, proxy = new(net.Dialer).DialContext, http.ProxyFromEnvironment
	}
	transport := &http.Transport{
		Proxy:           proxy,
		TLSClientConfig: o.tls,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			*socket = c
			return &bulkConn{Conn: c, buffer: make([]byte, bulkSize)}, nil
		},
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // another host is not to see the key
	}}, socket
}

// authorise waits for the control frame that opens the feed. Data that comes before
// it is not ours and is dropped.
func (c *Conn) authorise(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, authorizeLimit)
	defer cancel()
	for {
		var t candle.Trade
		kind, err := c.read(limited, &t, waiting)
		switch {
		case err == nil && kind != KindControl:
			continue
		case err == nil && c.unwatch():
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", waiting, ctx.Err())
		case limited.Err() != nil:
			return &Disconnected{doing: waiting, category: "timeout"}
		}
		return err
	}
}
