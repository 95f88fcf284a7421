package ledger

import "slices"

// Cause says why nothing was heard. The empty Cause means that it was.
type Cause string

// The causes of a gap. They are stored and exported by these names.
const (
	Heard         Cause = ""
	Connect       Cause = "connect"        // dialling, authorising, subscribing
	Drop          Cause = "drop"           // the connection broke
	Mute          Cause = "mute"           // the connection lived and said nothing
	Refused       Cause = "refused"        // the server would not have us
	Slots         Cause = "slots"          // the key's subscriptions were all taken
	DiskFull      Cause = "disk_full"      // heard, but there was no room to keep it
	Overload      Cause = "overload"       // heard, but faster than it could be kept
	Shutdown      Cause = "shutdown"       // the recorder was stopped
	Crash         Cause = "crash"          // the recorder died
	NotRunning    Cause = "not_running"    // no recorder had been started
	NotSubscribed Cause = "not_subscribed" // others were recorded, this symbol was not asked for
	Unheard       Cause = "unheard"        // asked for, and neither echo nor trade came
	Damage        Cause = "damage"         // recorded, and lost with a part of the file
)

// Symbols is an immutable set of symbols. Spans share one; compare the
// pointers to see quickly that nothing changed.
type Symbols struct{ names []string }

// NewSymbols makes a set of the names; repeats count once.
func NewSymbols(names ...string) *Symbols {
	names = slices.Clone(names)
	slices.Sort(names)
	return &Symbols{slices.Compact(names)}
}

// Has says whether the set holds the symbol. A nil set holds none.
func (s *Symbols) Has(symbol string) bool {
	if s == nil {
		return false
	}
	_, ok := slices.BinarySearch(s.names, symbol)
	return ok
}

// Len is the number of symbols.
func (s *Symbols) Len() int {
	if s == nil {
		return 0
	}
	return len(s.names)
}

// Names are the symbols in order. The slice is the set's own: do not change it.
func (s *Symbols) Names() []string {
	if s == nil {
		return nil
	}
	return s.names
}

// Span is one entry of the ledger: from From until Until the feed was heard for
// these symbols (Cause is Heard), or it was not, and why.
type Span struct {
	From, Until int64
	Symbols     *Symbols
	Cause       Cause
}

// Clip is the part of p inside the session. ok is false when there is none.
func (p Span) Clip(s Session) (clipped Span, ok bool) {
	p.From, p.Until = max(p.From, s.Open), min(p.Until, s.Close)
	return p, p.From < p.Until
}
