package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"tapedeck/collector/monitor"
	"tapedeck/store"
)

type healthcheckCommand struct {
	database
	URL string `name:"url" env:"-" help:"Ask this page (default: the recorder of the file, and where it does not answer the page at PORT or 127.0.0.1:8080)." placeholder:"http://127.0.0.1:8080"`
}

// healthWithin is how long an answer may take.
const healthWithin = 5 * time.Second

// Run asks the recorder whether all is well: exit 0 when it says so, else 1 with the reason.
func (k *healthcheckCommand) Run(ctx context.Context, c console) error {
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	h, err := k.ask(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("no recorder says how it is: %w", err)
	case h.Status != "ok":
		return fmt.Errorf("%s: %s", h.State, h.Reason)
	}
	_, err = fmt.Fprintf(c.out, "ok: %s\n", h.State)
	return err
}

// ask asks on the socket, where no token is wanted and no port has to be known.
func (k *healthcheckCommand) ask(ctx context.Context) (h monitor.Health, err error) {
	if k.URL == "" {
		held := &store.Held{Path: k.path(), Holder: store.Holder(k.path())}
		var out bytes.Buffer
		_, err = consultRecorder(ctx, k.path(), held, new(healthQuestion), &out)
		if err == nil {
			return h, json.Unmarshal(out.Bytes(), &h)
		}
		if !errors.Is(err, monitor.ErrNobody) {
			return h, err
		}
	}
	h, failed := k.askPage(ctx)
	if failed != nil && err != nil { // what the socket says is of the file that was meant
		return h, err
	}
	return h, failed
}

// askPage asks the page, which is there while the file is still being opened.
func (k *healthcheckCommand) askPage(ctx context.Context) (h monitor.Health, err error) {
	at := k.URL
	if at == "" {
		at = "http://" + defaultListen
		if port := os.Getenv("PORT"); port != "" {
			at = "http://127.0.0.1:" + port
		}
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return h, &usage{problem: fmt.Sprintf("--url %q is no address; right is for example --url http://127.0.0.1:8080", at)}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("healthz").String(), nil)
	if err != nil {
		return h, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return h, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(text, &h); err != nil || h.Status == "" {
		return h, fmt.Errorf("%s is no page of tapedeck: %s", u.Redacted(), response.Status)
	}
	return h, nil
}

// healthQuestion is /healthz on the socket.
type healthQuestion struct{}

func (*healthQuestion) name() string { return "healthz" }

func (*healthQuestion) ask(url.Values) {}

func (*healthQuestion) take(*asked) error { return nil }

func (*healthQuestion) answer(_ context.Context, b book, out io.Writer) (string, error) {
	if b.live == nil {
		return "", errors.New("nobody records into " + b.Path())
	}
	return "", json.NewEncoder(out).Encode(b.live.health())
}

// pageQuestion asks where the page of the recorder is.
type pageQuestion struct{}

func (*pageQuestion) name() string { return "page" }

func (*pageQuestion) ask(url.Values) {}

func (*pageQuestion) take(*asked) error { return nil }

func (*pageQuestion) answer(_ context.Context, b book, out io.Writer) (string, error) {
	if b.live == nil {
		return "", nil
	}
	_, err := io.WriteString(out, b.live.page)
	return "", err
}

// addressText is an answer as a text.
type addressText string

func (a *addressText) Write(p []byte) (int, error) {
	*a += addressText(p)
	return len(p), nil
}
