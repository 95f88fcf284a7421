package eodhd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxSubscribe is the longest subscribe frame: some 150,000 symbols.
	maxSubscribe = 1 << 20
	// writeLimit is how long a frame may take to leave, wall time.
	writeLimit = 10 * time.Second
)

// Subscribe asks for the trades of more symbols, in one frame. They are bare (QLD,
// BTC-USD), upper case and trimmed, and of any number that fits 1 MiB. From the
// moment before the frame is written Read knows them.
//
// It blocks until the frame is written, at most 10 s. That it was written is all
// that is known afterwards: the server acknowledges nothing, repeats the last trade
// of each symbol, accepts unknown symbols in silence, and refuses the whole frame
// when it is over the limit, which Read then returns. Errors are a *Disconnected,
// that of ctx, wrapped, or a plain one for symbols that no frame could carry. When
// ctx ends in the middle of the frame the connection is lost.
func (c *Conn) Subscribe(ctx context.Context, symbols []string) error {
	if len(symbols) == 0 {
		return errors.New("subscribing to no symbols")
	}
	for _, s := range symbols {
		if s == "" || strings.ContainsAny(s, ", \t\r\n") {
			return fmt.Errorf("subscribing to %q, which is no symbol", s)
		}
	}
	frame, err := json.Marshal(struct {
		Action  string `json:"action"`
		Symbols string `json:"symbols"`
	}{"subscribe", strings.Join(symbols, ",")})
	if err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	if len(frame) > maxSubscribe {
		return fmt.Errorf("subscribing to %d symbols takes a frame of more than 1 MiB", len(symbols))
	}
	c.mu.Lock()
	c.decoder.Know(symbols)
	c.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	err = c.ws.Write(limited, websocket.MessageText, frame)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", subscribing, ctx.Err())
	}
	return disconnected(subscribing, err, c.clean)
}
