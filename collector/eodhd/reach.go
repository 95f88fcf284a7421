package eodhd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
)

// unreachable puts a failed handshake into words. It picks what it knows out of
// the error and drops the rest: the texts of net/url, net/http and of the WebSocket
// library hold the URL with the key in it, or what the server answered, which may
// be the same.
func unreachable(err error, clean func(string) string) *Unreachable {
	var (
		dns       *net.DNSError
		errno     syscall.Errno
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		timeout   interface{ Timeout() bool }
	)
	u := &Unreachable{}
	switch {
	case errors.Is(err, context.Canceled):
		u.reason, u.cause = "cancelled", context.Canceled
	case errors.As(err, &dns):
		u.reason = "looking up the host: " + dns.Err
	case errors.As(err, &authority):
		u.reason = "its certificate is signed by an unknown authority"
	case errors.As(err, &hostname):
		u.reason = "its certificate is for another host"
	case errors.As(err, &invalid):
		u.reason = "its certificate is not valid: " + invalid.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		u.reason = "it does not speak TLS (ws:// is the address without)"
	case errors.As(err, &alert):
		u.reason = "TLS: " + alert.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		u.reason, u.cause = "no answer within "+handshakeLimit.String(), context.DeadlineExceeded
	case errors.As(err, &errno):
		u.reason, u.cause = errno.Error(), errno
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		u.reason = "it hung up without an answer"
	default:
		u.reason = "what answered is no WebSocket server"
	}
	u.reason = tidy(clean(u.reason))
	return u
}
