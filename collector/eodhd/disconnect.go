package eodhd

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"syscall"

	"github.com/coder/websocket"
)

// Disconnected is a connection that was there and is lost. It is closed and cannot
// be used again.
type Disconnected struct {
	// Code is the code of the server's close frame (RFC 6455, 7.4; 1005 if the
	// frame had none), 0 when no close frame came.
	Code int
	// Reason is the text of the close frame, cleaned of the key.
	Reason string

	category string
	doing    string
	cause    error
}

// Error says in plain words how the connection was lost.
func (d *Disconnected) Error() string {
	text := map[string]string{
		"closed":   "the connection was closed",
		"reset":    "the connection was reset",
		"eof":      "the feed hung up without a close frame",
		"timeout":  "the connection timed out",
		"too_big":  "a frame was over the limit of 4 MiB",
		"protocol": "the feed broke the WebSocket protocol",
	}[d.category]
	switch {
	case d.Code != 0:
		text = "the feed closed the connection with code " + strconv.Itoa(d.Code)
		if d.Reason != "" {
			text += " " + d.Reason
		}
	case d.doing == waiting && d.category == "timeout":
		text = "no Authorized within " + authorizeLimit.String()
	}
	return d.doing + ": " + text
}

// CloseCode is Code.
func (d *Disconnected) CloseCode() int { return d.Code }

// Category is one word for how the connection was lost:
//
//	closed    by a close frame of the server, or by Close or CloseNow here
//	reset     by the system: reset, broken pipe, network gone
//	eof       the server hung up without a close frame
//	timeout   nothing came within a limit
//	too_big   a frame of more than 4 MiB
//	protocol  what came is no WebSocket
func (d *Disconnected) Category() string { return d.category }

// Timeout is true for the category timeout.
func (d *Disconnected) Timeout() bool { return d.category == "timeout" }

// Unwrap is net.ErrClosed where the connection was closed from here, else nil: the
// errors below are not ours to answer for.
func (d *Disconnected) Unwrap() error { return d.cause }

// What was being done when a connection was lost.
const (
	waiting     = "waiting for Authorized"
	reading     = "reading from the feed"
	subscribing = "subscribing"
	pinging     = "pinging the feed"
)

// disconnected turns an error of the connection into one of ours.
func disconnected(doing string, err error, clean func(string) string) *Disconnected {
	d := &Disconnected{doing: doing}
	var closed websocket.CloseError
	var errno syscall.Errno
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &closed):
		d.category, d.Code, d.Reason = "closed", int(closed.Code), tidy(clean(closed.Reason))
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		d.category, d.cause = "closed", net.ErrClosed
	case errors.Is(err, websocket.ErrMessageTooBig):
		d.category = "too_big"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		d.category = "eof"
	case errors.As(err, &timeout) && timeout.Timeout():
		d.category = "timeout"
	case errors.As(err, &errno):
		d.category = "reset"
	default:
		d.category = "protocol"
	}
	return d
}

// Unreachable is a dial that got no answer which it could understand: nobody there,
// no such host, no TLS, no WebSocket. There is no connection.
type Unreachable struct {
	reason string
	cause  error
}

// Error says in plain words what went wrong, and never with what URL.
func (u *Unreachable) Error() string { return "cannot reach the feed: " + u.reason }

// Unwrap is the system's error (syscall.ECONNREFUSED) or the context's, else nil.
func (u *Unreachable) Unwrap() error { return u.cause }

// Timeout says whether the limit of 10 s for a handshake had passed.
func (u *Unreachable) Timeout() bool { return errors.Is(u.cause, context.DeadlineExceeded) }
