package playback

// TraceKind says what a TraceEvent tells.
type TraceKind uint8

// The kinds of TraceEvent.
const (
	Connected    TraceKind = iota + 1 // the handshake is answered
	Subscribed                        // the symbols were accepted, and echoed
	Unsubscribed                      // the symbols were taken off
	Refused                           // a request was answered with Cause
	Cut                               // the server ends the connection, for Cause
	Closed                            // the connection is gone; what was written is known
)

// String is the kind in lower case.
func (k TraceKind) String() string {
	switch k {
	case Connected:
		return "connected"
	case Subscribed:
		return "subscribed"
	case Unsubscribed:
		return "unsubscribed"
	case Refused:
		return "refused"
	case Cut:
		return "cut"
	case Closed:
		return "closed"
	}
	return "unknown"
}

// TraceEvent is something the server did to a connection. It never holds a key.
type TraceEvent struct {
	Kind TraceKind
	// Conn counts the connections from 1, in the order of their handshakes.
	Conn int
	// Time is the event time when it happened, Unix milliseconds; at speed 0 the
	// Due of the last event delivered to anybody.
	Time int64
	// Next is the number, from 0, of the first event that was not yet due. After
	// Subscribed the connection gets every event of its symbols from Next on;
	// what came before has been echoed or is gone.
	Next int
	// Symbols are the ones asked for. They are the server's: do not change them.
	Symbols []string
	// Cause is why, in plain words: of Refused the message that was sent; of Cut
	// "cut-every" or "slow reader"; of Closed "closed by client" (with a close
	// frame) or "lost".
	Cause string
	// Sent is the number of trades that were written to the connection whole,
	// echoes not counted, and Last the Due of the last one, 0 when there was none.
	// At a speed other than 0 the block of frames that was being written when the
	// connection ended is not counted.
	Sent int
	Last int64
}

// trace tells the owner, with the server's lock held.
func (s *Server) trace(kind TraceKind, c *conn, symbols []string, cause string) {
	if s.o.Trace == nil {
		return
	}
	s.o.Trace(TraceEvent{Kind: kind, Conn: c.id, Time: s.now(), Next: s.position,
		Symbols: symbols, Cause: cause, Sent: c.sent, Last: c.last})
}
