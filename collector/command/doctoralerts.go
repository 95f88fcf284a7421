package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tapedeck/collector/notify"
)

// dialWithin is how long a place that is told of things may take to answer a dial.
const dialWithin = 5 * time.Second

// place is where a heartbeat or a message goes.
type place struct {
	subject, name string
	address       string // host:port; "" where only the service knows it
	fix           string // when nobody is there
}

// checkAlerts looks whether anybody would be told that something is wrong: whoever can be
// dialled is, and nothing is sent.
func checkAlerts(ctx context.Context, a *alertFlags, dial func(context.Context, string) error) []finding {
	places := a.places()
	if len(places) == 0 {
		return []finding{doubt("alerts", "nobody is told when something goes wrong: there is neither a heartbeat nor a place for messages", giveLine("HEARTBEAT_URL", "https://hc-ping.com/UUID"))}
	}
	found := make([]finding, len(places))
	var dialling sync.WaitGroup
	for n, p := range places {
		dialling.Go(func() { found[n] = p.check(ctx, dial) })
	}
	dialling.Wait()
	return found
}

// places are those that can be made out: what is wrong with the others is a fault of the
// configuration.
func (a *alertFlags) places() (list []place) {
	if u, err := parseWeb(string(a.HeartbeatURL)); err == nil {
		list = append(list, place{"heartbeat", u.Hostname(), notify.HostPort(u), setLine("HEARTBEAT_URL", "https://hc-ping.com/UUID")})
	}
	for _, address := range a.NotifyURLs {
		if targets, err := notify.Targets([]string{address}); err == nil {
			list = append(list, place{"messages", targets[0].Name(), targets[0].Host(), setLine("NOTIFY_URLS", "ntfy://ntfy.sh/TOPIC")})
		}
	}
	return list
}

func (p place) check(ctx context.Context, dial func(context.Context, string) error) finding {
	sends := fmt.Sprintf("\"%s notify test\" sends a message", program())
	if p.subject == "heartbeat" {
		sends = "no ping was sent"
	}
	if p.address == "" {
		return good(p.subject, "%s: not reached from here; %s", p.name, sends)
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	at := throughProxy(p.address)
	if err := dial(ctx, at); err != nil {
		says := fmt.Sprintf("%s cannot be reached: %v", p.name, bareWeb(err))
		if at != p.address {
			says += " (through the proxy " + at + ")"
		}
		return broken(p.subject, says, p.fix)
	}
	return good(p.subject, "%s can be reached; %s", p.name, sends)
}

// throughProxy is what is dialled for an address of the web: it, or the proxy.
func throughProxy(address string) string {
	scheme := "https"
	if _, port, err := net.SplitHostPort(address); err == nil && port == "80" {
		scheme = "http"
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: scheme, Host: address}})
	if err != nil || proxy == nil || proxy.Port() == "" {
		return address
	}
	return proxy.Host
}

// bareWeb is an error of the web or the network without the address, which is said already or
// may be secret.
func bareWeb(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(dns.Err)
	}
	return bareNet(err)
}
