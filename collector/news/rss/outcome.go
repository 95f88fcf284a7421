package rss

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
)

// How a request ends. Another status than 200 and 304 ends it with its number.
const (
	fine      = "ok"        // a document that was read
	unchanged = "unchanged" // 304
	same      = "same"      // 200 with the bytes of the last time

	gone = "410"

	timedOut    = "timeout"
	noHost      = "no such host"
	unreachable = "unreachable"
	badTLS      = "bad certificate"
	broken      = "broken off"
	redirects   = "too many redirects"
	tooLarge    = "too large"
	empty       = "empty"
	noFeed      = "not a feed"
	malformed   = "malformed"
	panicked    = "panic"
	other       = "failed"
)

var (
	errRedirects = errors.New("too many redirects")
	errNoFeed    = errors.New("neither RSS nor Atom nor a JSON Feed")
)

// good says whether the feed answered as feeds do.
func (a *answer) good() bool { return a.document != nil || a.outcome == unchanged || a.outcome == same }

// unusual says whether an outcome is none that lists of feeds are full of.
func (a *answer) unusual() bool {
	return slices.Contains([]string{badTLS, redirects, tooLarge, empty, noFeed, malformed, panicked, other}, a.outcome)
}

// failed is the answer of a request that brought none.
func failed(err error) answer {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		network     net.Error
		op          *net.OpError
	)
	a := answer{outcome: other, err: err, fresh: -1}
	switch {
	case errors.Is(err, errRedirects):
		a.outcome = redirects
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded):
		a.outcome = timedOut
	case errors.As(err, &dns):
		a.outcome = noHost
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		a.outcome = badTLS
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		a.outcome = broken
	case errors.As(err, &op):
		a.outcome = unreachable
	}
	return a
}
