package eodhd

import "net"

// bulkSize is how much is read from the socket at once. The WebSocket library reads
// 4 KiB at a time, which is a system call for every forty frames.
const bulkSize = 64 << 10

// bulkConn is a net.Conn that reads ahead. Its Read is for one goroutine at a time,
// like the library's, which is the only one to call it.
type bulkConn struct {
	net.Conn
	buffer     []byte
	start, end int
}

// Read hands out what was read ahead, and never waits while there is some.
func (c *bulkConn) Read(p []byte) (int, error) {
	if c.start == c.end {
		n, err := c.Conn.Read(c.buffer)
		if n == 0 {
			return 0, err
		}
		c.start, c.end = 0, n // an error that came with bytes comes again
	}
	n := copy(p, c.buffer[c.start:c.end])
	c.start += n
	return n, nil
}
