package ledger

// Count names one number that a session's statistics keep. The names are stored.
type Count string

// What is counted. Accepted is every recorded trade; the next group says why a
// frame is not one; the last is about the connection.
const (
	Accepted Count = "accepted"

	RejectedPrecision  Count = "rejected_precision"  // a number that does not fit 64 bits and 12 decimals
	RejectedInvalid    Count = "rejected_invalid"    // not a positive price, a non-negative size and a time
	RejectedFuture     Count = "rejected_future"     // more than 10 minutes ahead of the clock
	RejectedSymbol     Count = "rejected_symbol"     // not subscribed
	RejectedSession    Count = "rejected_session"    // its time lies in no session being recorded
	RejectedEcho       Count = "rejected_echo"       // the feed's repeat of a trade already recorded
	RejectedGarbage    Count = "rejected_garbage"    // no JSON object
	RejectedUnknown    Count = "rejected_unknown"    // an object of no known shape
	RejectedUnreadable Count = "rejected_unreadable" // a trade with fields of a wrong type

	Connections Count = "connections"
	Reconnects  Count = "reconnects"
	Lost        Count = "lost" // trades heard and not kept, each in a gap with its cause
)

// Counts are increments or totals, by name.
type Counts map[Count]int64
