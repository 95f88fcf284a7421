package playback

import (
	"encoding/binary"
	"net"
)

// The library's Write costs some 2 microseconds a message, most of it for locks
// and one system call each, so the frames of the tape are composed here, many
// into one block, and written straight to the connection under the library. Two
// things make that safe:
//
//   - A block is whole frames, and goes out with one net.Conn.Write, which holds
//     the connection's write lock until the last byte (poll.FD.Write for TCP,
//     a mutex in net.Pipe).
//   - What the library itself still writes is control frames of at most 127
//     bytes (its answer to a close frame). writeFrame puts header and payload
//     into a bufio.Writer of 4096 bytes and flushes it once: one Write of one
//     whole frame, before or after a block, never inside. Pongs it would answer
//     in the same way, but behind a block that a slow reader holds up it gives
//     up after 5 s and closes the connection; so those are queued here too
//     (see conn.ping).

const (
	opText  = 0x81 // final frame, text; no extension, so no other bits
	opClose = 0x88
	opPong  = 0x8a
)

// appendFrame adds one unmasked frame, as servers send them (RFC 6455, 5.2).
func appendFrame(b []byte, op byte, payload []byte) []byte {
	switch n := len(payload); {
	case n < 126:
		b = append(b, op, byte(n))
	case n < 1<<16:
		b = append(b, op, 126, byte(n>>8), byte(n))
	default:
		b = append(b, op, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// frameSize is the number of bytes that appendFrame adds.
func frameSize(payload int) int {
	switch {
	case payload < 126:
		return payload + 2
	case payload < 1<<16:
		return payload + 4
	default:
		return payload + 10
	}
}

// halfClose ends the sending side only, so that what the peer has not yet read
// is not lost: closing a socket with unread input makes the system reset it.
func halfClose(conn net.Conn) error {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return conn.Close() // a net.Pipe holds nothing that could be lost
}

// reset ends the connection as a crash of the server's machine would: at once,
// with what was on the way lost.
func reset(conn net.Conn) {
	if tcp, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0) // at worst it is closed in the ordinary way
	}
	conn.Close()
}
