package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// ErrNobody says that nobody answers on a socket.
var ErrNobody = errors.New("nobody answers there")

// ErrEnded says that the recorder ended while it answered.
var ErrEnded = errors.New("the recorder ended while it was answering")

// Ask puts a question to the recorder behind a socket and copies the answer to out, for as
// long as it takes. The error is a *Failure when the recorder could not answer, ErrNobody when
// there is none, ErrEnded when it stopped in the middle, and else what writing to out
// gave.
func Ask(ctx context.Context, socket, name string, asked url.Values, out io.Writer) (notes string, err error) {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tapedeck/"+name+"?"+asked.Encode(), nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", noAnswer(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", readFailure(response)
	}
	sink := &sink{w: out}
	if _, err := io.Copy(sink, response.Body); err != nil {
		switch {
		case sink.err != nil:
			return "", sink.err
		case ctx.Err() != nil:
			return "", ctx.Err()
		}
		return "", ErrEnded
	}
	if text := response.Trailer.Get(trailerFailure); text != "" {
		f := new(Failure)
		if err := json.Unmarshal([]byte(text), f); err != nil {
			return "", fmt.Errorf("what the recorder says: %w", err)
		}
		return "", f
	}
	quoted := response.Trailer.Get(trailerNotes)
	if quoted == "" {
		return "", ErrEnded
	}
	return strconv.Unquote(quoted)
}

// noAnswer is why there was no answer at all.
func noAnswer(ctx context.Context, err error) error {
	var of *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &of) && of.Op == "dial":
		return ErrNobody
	}
	return ErrEnded
}

func readFailure(response *http.Response) error {
	f := new(Failure)
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(f); err != nil || f.Problem == "" {
		return fmt.Errorf("the recorder says %s", response.Status)
	}
	return f
}

// sink keeps the error of writing, so that it is not taken for one of reading.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		s.err = err
	}
	return n, err
}
