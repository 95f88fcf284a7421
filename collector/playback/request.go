package playback

import (
	"encoding/json"
	"slices"
	"strings"
)

// What the feed says, word for word. It uses two keys for the same thing.
const (
	sayAuthorized = `{"status_code":200,"message":"Authorized"}`
	sayLimit      = `{"status_code":422,"message":"Symbols limit reached"}`
	sayDemo       = `{"status_code":422,"message":"Only limited symbols allowed for demo"}`
	sayString     = `{"status_code":422,"message":"Action and symbols should be string"}`
	sayForbidden  = `{"status":403,"message":"Server error"}`
	sayUnknown    = `{"status":422,"message":"Server error"}`
	sayEarly      = `{"status":500,"message":"Server error"}`
)

var demoSymbols = []string{"AAPL", "MSFT", "TSLA", "EURUSD", "ETH-USD", "BTC-USD"}

// request is what a client asks for.
type request struct {
	strings bool // action and symbols were strings
	action  string
	symbols []string
}

func parseRequest(text []byte) request {
	var wire struct {
		Action  *string `json:"action"`
		Symbols *string `json:"symbols"`
	}
	if json.Unmarshal(text, &wire) != nil || wire.Action == nil || wire.Symbols == nil {
		return request{}
	}
	r := request{strings: true, action: *wire.Action}
	for symbol := range strings.SplitSeq(*wire.Symbols, ",") {
		if symbol != "" {
			r.symbols = append(r.symbols, symbol)
		}
	}
	return r
}

// request answers a client. At speed 0 the player does it, between two chunks of
// the tape, so that what is on the way is neither missed nor doubled.
func (s *Server) request(c *conn, r request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paced() {
		s.pending = append(s.pending, func() { s.answer(c, r) })
		s.poke()
		return
	}
	s.advance(s.now(), advanceEvents) // what is due comes before what is asked now
	s.answer(c, r)
	s.poke() // there may be a new deadline
}

// greet is the server's first word: Authorized, or the refusal of a key.
func (s *Server) greet(c *conn) {
	c.greeted = true
	if c.key == "" {
		s.refuse(c, sayForbidden)
		c.finish(endClose)
		return
	}
	c.push(opText, []byte(sayAuthorized))
	c.poke()
}

func (s *Server) refuse(c *conn, message string) {
	c.push(opText, []byte(message))
	c.poke()
	s.trace(Refused, c, nil, message)
}

func (s *Server) answer(c *conn, r request) {
	switch {
	case c.dead || c.mute || c.end != endNone:
	case !c.greeted:
		s.refuse(c, sayEarly)
		c.mute, c.greeted = true, true
	case !r.strings:
		s.refuse(c, sayString)
	case r.action == "subscribe":
		s.subscribe(c, r.symbols)
	case r.action == "unsubscribe":
		for _, symbol := range r.symbols {
			s.detach(c, symbol)
		}
		s.trace(Unsubscribed, c, r.symbols, "")
	default:
		s.refuse(c, sayUnknown)
	}
}

// subscribe adds the symbols, all or none, and repeats the last trade of each,
// also of those that the connection had already.
func (s *Server) subscribe(c *conn, symbols []string) {
	if c.key == "demo" {
		for _, symbol := range symbols {
			if !slices.Contains(demoSymbols, symbol) {
				s.refuse(c, sayDemo)
				return
			}
		}
	}
	fresh := make(map[string]bool)
	for _, symbol := range symbols {
		if c.subs[symbol] == nil {
			fresh[symbol] = true
		}
	}
	if s.o.Limit > 0 && len(fresh) > 0 && s.taken(c.key)+len(fresh) > s.o.Limit {
		s.refuse(c, sayLimit)
		return
	}
	s.slotsOf(c.key).used += len(fresh)
	echoed := make(map[string]bool, len(symbols))
	for _, symbol := range symbols {
		l := s.list(symbol)
		if fresh[symbol] && c.subs[symbol] == nil {
			c.subs[symbol] = l
			l.conns = append(l.conns, c)
			if l.known {
				c.known++
			}
		}
		if len(l.last) > 0 && !echoed[symbol] {
			echoed[symbol] = true
			c.push(opText, l.last)
		}
	}
	if s.o.CutEvery > 0 && c.cutAt == 0 && !s.paced() {
		c.cutAt = s.now() + s.o.CutEvery.Milliseconds()
	}
	s.trace(Subscribed, c, symbols, "")
	c.poke()
}

// listing is a symbol: what was its last trade, and who wants the next.
type listing struct {
	last  []byte // what a subscribe repeats; empty for a symbol that the source does not know
	known bool
	conns []*conn
}

// list finds or makes the listing of a symbol.
func (s *Server) list(symbol string) *listing {
	l := s.listings[symbol]
	if l == nil {
		l = new(listing)
		if frame, ok := s.src.Before(symbol); ok {
			l.last, l.known = append(l.last, frame...), true
		}
		s.listings[symbol] = l
	}
	return l
}

// detach takes a symbol off a connection and gives its slot back.
func (s *Server) detach(c *conn, symbol string) {
	l := c.subs[symbol]
	if l == nil {
		return
	}
	delete(c.subs, symbol)
	s.slotsOf(c.key).used--
	if l.known {
		c.known--
	}
	l.conns = slices.DeleteFunc(l.conns, func(other *conn) bool { return other == c })
	if len(l.conns) == 0 && len(l.last) == 0 {
		delete(s.listings, symbol) // unknown names are not collected
	}
}
