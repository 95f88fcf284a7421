package monitor

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

const (
	mostConnections = 256
	mostHeader      = 32 << 10
	idleWithin      = 2 * time.Minute
)

// ListenTCP takes an address such as 127.0.0.1:8080 for a site. More than 256 connections at a
// time wait. The error is the system's, an address that is none included.
func ListenTCP(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return netutil.LimitListener(l, mostConnections), nil
}

// Outside says whether other machines may reach what listens at an address.
func Outside(at net.Addr) bool {
	tcp, ok := at.(*net.TCPAddr)
	return !ok || !tcp.IP.IsLoopback()
}

// Serve answers on a listener until ctx ends; then it ends at once what is being answered,
// and the listener. It blocks. What clients do wrong is no news: nothing is logged of it. The error is the listener's.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: idleWithin, MaxHeaderBytes: mostHeader,
		ErrorLog: log.New(io.Discard, "", 0), BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
		case <-done:
		}
		_ = server.Close()
	}()
	err := server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
