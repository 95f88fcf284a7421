// Package eodhd speaks the wire of EODHD's real-time feed: it dials, waits to be
// authorised, subscribes, and decodes one frame at a time into a candle.Trade.
// It decides nothing: when to dial again, what a silence means and what a trade
// is worth are the caller's. What the feed was seen to do, and the names of its
// fields, are those of EODHD's own documents and of what public clients recorded.
//
// The key of an account never leaves through this package: it stands in no error,
// no printed value and no sample (see Token).
package eodhd

// Market is one of EODHD's WebSocket endpoints, the last part of its path.
type Market string

// The markets whose trades are decoded. Every other endpoint of EODHD (us-quote,
// forex) sends no trades.
const (
	US     Market = "us"     // stocks and funds: s, p, v, c, dp, ms, t
	Crypto Market = "crypto" // s, p, q, t; p and q are quoted
)
