package eodhd

// Kind says what a frame was. The zero Kind is no frame.
type Kind uint8

// The kinds of frames. Without an s a frame is Control or Unknown; with one its shape
// is that of a trade, of a Quote, or Unknown. Of the shape of a trade it is the first
// of Unreadable, Unsubscribed, Precision, Invalid and Trade that holds.
const (
	// KindTrade is a good trade of a known symbol.
	KindTrade Kind = iota + 1
	// KindControl is the server talking about the connection: see Control.
	KindControl
	// KindQuote is a well-known shape without a trade in it: a quote of us-quote
	// (s, ap, bp, t) or a rate of forex (s, a, b, t).
	KindQuote
	// KindUnknown is a JSON object of no known shape.
	KindUnknown
	// KindGarbage is not a JSON object, or one nested deeper than 512, or a
	// binary frame.
	KindGarbage
	// KindUnreadable has the shape of a trade, and a field of the wrong type: a
	// price in words, a t between two milliseconds, conditions that are no
	// integers or come to more than 255 characters.
	KindUnreadable
	// KindUnsubscribed is a trade of a symbol that the decoder was not told.
	KindUnsubscribed
	// KindPrecision is a trade whose price or size a candle.Decimal cannot hold
	// exactly.
	KindPrecision
	// KindInvalid is a trade with a price that is not positive, a negative size,
	// or a t outside of 1970 to 9999.
	KindInvalid

	// KindCount is one more than the last Kind: the length of an array of
	// counters with a Kind as its index.
	KindCount
)

var kindNames = [KindCount]string{"none", "trade", "control", "quote", "unknown", "garbage", "unreadable",
	"unsubscribed", "precision", "invalid"}

// String is the kind in one lower-case word, as counters and logs name it.
func (k Kind) String() string {
	if k < KindCount {
		return kindNames[k]
	}
	return "none"
}

// Control is what a control frame says. The feed has two spellings of it,
// status_code and status, with the same meaning.
type Control struct {
	// Code is like HTTP's: 200 is Authorized, everything else a refusal.
	Code int
	// Message is the server's text, decoded and otherwise as it came.
	Message string
}
