package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
)

// Target is one place that messages go to. It is safe for any goroutine.
type Target struct {
	name    string
	id      string
	host    string // to be reached, "" when only the service knows it
	secrets []string
	send    func(ctx context.Context, m Message) error
	busy    atomic.Bool
}

// sendWithin is how long a message may take on its way.
const sendWithin = 30 * time.Second

// errBusy says that the message before is still on its way.
var errBusy = errors.New("the message before is still on its way")

// BadTarget is an address that is none. It does not repeat the address, which may hold a
// password.
type BadTarget struct {
	Place int // in the list, from 1
	Why   string
}

func (b *BadTarget) Error() string { return fmt.Sprintf("address %d of the list: %s", b.Place, b.Why) }

// Targets are those that a list of addresses means: https:// or http:// is a webhook, which
// gets the message as JSON, everything else a service of shoutrrr, such as telegram://,
// ntfy:// or discord:// (https://shoutrrr.nickfedor.com). The error is a *BadTarget.
func Targets(addresses []string) (list []*Target, err error) {
	for i, address := range addresses {
		t, err := newTarget(address)
		if err != nil {
			return nil, &BadTarget{i + 1, err.Error()}
		}
		list = append(list, t)
	}
	return list, nil
}

// NewTarget is a target of one's own. send is called by one goroutine at a time, and should
// end with ctx.
func NewTarget(name string, send func(ctx context.Context, m Message) error) *Target {
	return &Target{name: name, id: idOf(name), send: send}
}

// idOf tells an address from others without telling it.
func idOf(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:8])
}

func newTarget(address string) (*Target, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return nil, errors.New("it is no URL")
	}
	t := &Target{id: idOf(address), secrets: secretsOf(u), name: u.Scheme}
	if u.Scheme == "https" || u.Scheme == "http" {
		if u.Hostname() == "" {
			return nil, errors.New("it names no host")
		}
		t.name, t.host, t.send = "webhook "+u.Hostname(), HostPort(u), webhook(u)
		return t, nil
	}
	sender, err := shoutrrr.CreateSender(address)
	if err != nil {
		return nil, fmt.Errorf("%s", t.mask(bare(err)))
	}
	service, _, _ := strings.Cut(u.Scheme, "+")
	t.send = func(_ context.Context, m Message) error {
		if slices.Contains(titleless, service) {
			return errors.Join(sender.Send(m.Title+"\n"+m.Text, nil)...)
		}
		params := types.Params{}
		params.SetTitle(m.Title)
		return errors.Join(sender.Send(m.Text, &params)...)
	}
	return t, nil
}

// titleless are the services of shoutrrr that have no title: some of them refuse a message with
// one, the others drop it.
var titleless = []string{"googlechat", "hangouts", "logger", "pagerduty", "rocketchat", "signal", "wecom"}

// Name is the target as it may be shown and logged: without what is secret.
func (t *Target) Name() string { return t.name }

// Host is where it is, as host:port; "" where only the service knows that.
func (t *Target) Host() string { return t.host }

// Send sends a message, and blocks for at most half a minute, or until ctx ends. One message
// at a time: while one is on its way, the next is refused. The error holds no secret.
func (t *Target) Send(ctx context.Context, m Message) error {
	if !t.busy.CompareAndSwap(false, true) {
		return errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	sent := make(chan error, 1)
	go func() { // a service is not told of ctx
		defer t.busy.Store(false)
		defer func() {
			if p := recover(); p != nil {
				sent <- fmt.Errorf("the service has panicked: %v", p)
			}
		}()
		sent <- t.send(ctx, m)
	}()
	select {
	case err := <-sent:
		if err == nil {
			return nil
		}
		return errors.New(t.mask(bare(err)))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// webhook sends a message as JSON.
func webhook(u *url.URL) func(context.Context, Message) error {
	return func(ctx context.Context, m Message) error {
		body, err := json.Marshal(m)
		if err != nil {
			return err
		}
		return ask(ctx, http.DefaultClient, http.MethodPost, u.String(), "application/json", body)
	}
}

// ask asks for an address, with a body where there is a type of it; an answer other than 2xx is
// an error.
func ask(ctx context.Context, client *http.Client, method, address, contentType string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	request.Header.Set("User-Agent", "tapedeck")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be kept
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the answer is %s", response.Status)
	}
	return nil
}

// bare is an error without the address that net/http puts in front.
func bare(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err.Error()
	}
	return err.Error()
}

// leastSecret is under which length a part of an address is no secret: masking "a" would
// mask every word.
const leastSecret = 4

// secretsOf are the parts of an address that nobody is to read in an error.
func secretsOf(u *url.URL) (list []string) {
	add := func(text string) {
		for _, form := range []string{text, url.QueryEscape(text), url.PathEscape(text)} {
			if len(form) >= leastSecret {
				list = append(list, form)
			}
		}
	}
	add(u.User.Username())
	password, _ := u.User.Password()
	add(password)
	for part := range strings.SplitSeq(u.Path, "/") {
		add(part)
	}
	for _, values := range u.Query() {
		for _, value := range values {
			add(value)
		}
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		add(u.Hostname()) // in slack://TOKEN and others the host is one
	}
	return list
}

// mask replaces what is secret in a text by ***.
func (t *Target) mask(text string) string {
	for _, secret := range t.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// HostPort is where an address of the web leads, as host:port.
func HostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
