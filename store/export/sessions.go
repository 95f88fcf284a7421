package export

import (
	"io"
	"math"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// SessionLine is what is known of one symbol in one session.
type SessionLine struct {
	Session ledger.Session
	Symbol  string
	Seconds ledger.Tally
	Trades  int64
	// Late and Reconnects are those of the whole session, all symbols.
	Late, Reconnects int64
}

// Covered is the part of the known seconds that was heard as a whole, 0 to 1; ok is false
// when nothing is known of any.
func (l *SessionLine) Covered() (part float64, ok bool) {
	n := &l.Seconds
	heard := n[ledger.Traded] + n[ledger.Quiet]
	known := heard + n[ledger.Partial] + n[ledger.Down]
	if known == 0 {
		return 0, false
	}
	return float64(heard) / float64(known), true
}

// Sessions writes what is known of each symbol in each session:
//
//	time,until,date,symbol,covered,traded,quiet,partial,down,unknown,trades,late,reconnects
//
// time and until are the session's open and close, with three decimals; covered is the part
// of the known seconds that was wholly heard, with six decimals, empty when none is
// known; traded to unknown are seconds; late and reconnects are those of the whole session.
type Sessions struct {
	out encoder
	row [13]value
}

var sessionColumns = columnsOf(
	column{name: "time", kind: instant},
	column{name: "until", kind: instant},
	column{name: "date", kind: date},
	column{name: "symbol", kind: label},
	column{name: "covered", kind: fraction, nullable: true},
	column{name: "traded", kind: integer},
	column{name: "quiet", kind: integer},
	column{name: "partial", kind: integer},
	column{name: "down", kind: integer},
	column{name: "unknown", kind: integer},
	column{name: "trades", kind: integer},
	column{name: "late", kind: integer},
	column{name: "reconnects", kind: integer},
)

// NewSessions begins a file. The error is a *NoColumn, or a format that there is not.
func NewSessions(w io.Writer, o Options) (*Sessions, error) {
	out, err := o.begin(w, sessionColumns, Decimals{})
	return &Sessions{out: out}, err
}

// Encode writes a row. The order of the rows is the caller's: by symbol, then session. An
// error is the writer's, and stays; after Close there is always one.
func (e *Sessions) Encode(l *SessionLine) error {
	row := &e.row
	row[0].n = l.Session.Open
	row[1].n = l.Session.Close
	row[2].text = l.Session.Date()
	row[3].text = l.Symbol
	covered, ok := l.Covered()
	row[4].null = !ok
	row[4].decimal(candle.Decimal{Units: int64(math.Floor(covered * 1e6)), Scale: fractionDecimals}) // down: 1 is all of it
	for i, state := range []ledger.State{ledger.Traded, ledger.Quiet, ledger.Partial, ledger.Down, ledger.Unknown} {
		row[5+i].n = l.Seconds[state]
	}
	row[10].n = l.Trades
	row[11].n = l.Late
	row[12].n = l.Reconnects
	return e.out.encode(row[:])
}

// Close writes what is left, and the footer of a Parquet file. It returns the first error of
// the writer. A second Close does nothing more. The writer stays open.
func (e *Sessions) Close() error { return e.out.Close() }
