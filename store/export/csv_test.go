package export_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/export"
)

// prints are a few trades of two seconds; the third is late.
func prints(t *testing.T) []candle.Trade {
	at := moment(t, "2026-11-20T14:30:00Z")
	return []candle.Trade{
		{Symbol: "QLD", Time: at + 7, Received: at + 52, Price: number(t, "70.4"), Size: number(t, "100"), Conditions: "14|37|"},
		{Symbol: "QLD", Time: at + 1999, Received: at + 2050, Price: number(t, "70.4425"), Size: number(t, "0"), Dark: true},
		{Symbol: "QLD", Time: at + 123, Received: at + 2051, Price: number(t, "71"), Size: number(t, "0.5"), Conditions: "14|"},
	}
}

func TestTimeCandlesGolden(t *testing.T) {
	candles := folded(prints(t), candle.Second)
	check(t, func(w io.Writer) closer {
		var d export.Decimals
		for i := range candles {
			d.Candle(&candles[i])
		}
		e := newTimeCandles(w, d)
		states := []ledger.State{ledger.Traded, ledger.Partial}
		for i := range candles {
			must(t, e.Encode("QLD", &candles[i], states[i]))
		}
		return e
	}, `
time,symbol,open,high,low,close,volume,vwap,trades,state
2026-11-20T14:30:00Z,QLD,70.4000,71.0000,70.4000,71.0000,100.5,70.402985,2,traded
2026-11-20T14:30:01Z,QLD,70.4425,70.4425,70.4425,70.4425,0.0,,1,partial
`)
}

func TestCountCandlesGolden(t *testing.T) {
	v, err := candle.ParseInterval("2t")
	must(t, err)
	candles := folded(prints(t), v)
	check(t, func(w io.Writer) closer {
		var d export.Decimals
		for i := range candles {
			d.Candle(&candles[i])
		}
		e := newCountCandles(w, d)
		for i := range candles {
			must(t, e.Encode("QLD", &candles[i]))
		}
		return e
	}, `
time,symbol,open,high,low,close,volume,vwap,trades,number,last_time,complete
2026-11-20T14:30:00.007Z,QLD,70.4000,70.4425,70.4000,70.4425,100.0,70.400000,2,1,2026-11-20T14:30:01.999Z,true
2026-11-20T14:30:00.123Z,QLD,71.0000,71.0000,71.0000,71.0000,0.5,71.000000,1,2,2026-11-20T14:30:00.123Z,false
`)
}

func TestTradesGolden(t *testing.T) {
	check(t, func(w io.Writer) closer {
		var d export.Decimals
		trades := prints(t)
		for i := range trades {
			d.Trade(&trades[i])
		}
		e := newTrades(w, d)
		for i := range trades {
			must(t, e.Encode(&trades[i], int64(i)+1))
		}
		return e
	}, `
time,symbol,price,size,conditions,dark,received,seq
2026-11-20T14:30:00.007Z,QLD,70.4000,100.0,14|37|,false,2026-11-20T14:30:00.052Z,1
2026-11-20T14:30:01.999Z,QLD,70.4425,0.0,,true,2026-11-20T14:30:02.050Z,2
2026-11-20T14:30:00.123Z,QLD,71.0000,0.5,14|,false,2026-11-20T14:30:02.051Z,3
`)
}

func TestCoverageGolden(t *testing.T) {
	at := moment(t, "2026-11-20T14:30:00Z")
	check(t, func(w io.Writer) closer {
		e := newCoverage(w)
		must(t, e.Encode(ledger.Run{From: at, Until: at + 60_000, State: ledger.Quiet}, []string{"QLD", "SPY"}))
		must(t, e.Encode(ledger.Run{From: at + 60_000, Until: at + 62_000, State: ledger.Down, Cause: ledger.NotSubscribed}, []string{"QLD"}))
		must(t, e.Encode(ledger.Run{From: at + 62_000, Until: at + 62_000}, nil))
		return e
	}, `
time,until,symbols,seconds,state,cause
2026-11-20T14:30:00.000Z,2026-11-20T14:31:00.000Z,QLD SPY,60,quiet,
2026-11-20T14:31:00.000Z,2026-11-20T14:31:02.000Z,QLD,2,down,not_subscribed
2026-11-20T14:31:02.000Z,2026-11-20T14:31:02.000Z,,0,unknown,
`)
}

// A file without rows is its header, with the columns in the order of the contract.
func TestNoRows(t *testing.T) {
	for want, begin := range encoders {
		check(t, begin, "\n"+want+"\n")
	}
}

// encoders are all encoders by their header.
var encoders = map[string]func(io.Writer) closer{
	"time,symbol,open,high,low,close,volume,vwap,trades,state": func(w io.Writer) closer {
		return newTimeCandles(w, export.Decimals{})
	},
	"time,symbol,open,high,low,close,volume,vwap,trades,number,last_time,complete": func(w io.Writer) closer {
		return newCountCandles(w, export.Decimals{})
	},
	"time,symbol,price,size,conditions,dark,received,seq": func(w io.Writer) closer {
		return newTrades(w, export.Decimals{})
	},
	"time,until,symbols,seconds,state,cause": func(w io.Writer) closer { return newCoverage(w) },
}

type closer interface{ Close() error }

// check closes an encoder twice and compares its file with want, which begins with
// an empty line.
func check(t *testing.T, begin func(io.Writer) closer, want string) {
	t.Helper()
	var file bytes.Buffer
	e := begin(&file)
	must(t, e.Close())
	must(t, e.Close())
	if got := "\n" + file.String(); got != want {
		t.Errorf("the file is%s\nwant%s", got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var oneCandle = candle.Of(&candle.Trade{Price: candle.Decimal{Units: 1}})

// encodeAny writes one row with any of the encoders.
func encodeAny(t *testing.T, e closer, symbol string) error {
	switch e := e.(type) {
	case *export.TimeCandles:
		return e.Encode(symbol, &oneCandle, ledger.Quiet)
	case *export.CountCandles:
		return e.Encode(symbol, &oneCandle)
	case *export.Trades:
		return e.Encode(&candle.Trade{Symbol: symbol}, 1)
	case *export.Coverage:
		return e.Encode(ledger.Run{}, []string{symbol})
	}
	t.Fatalf("encodeAny does not know %T", e)
	return nil
}

// limited takes so many bytes, then fails: with an error, or by writing less than
// it was handed.
type limited struct {
	left   int
	err    error
	writes int
}

func (l *limited) Write(p []byte) (int, error) {
	l.writes++
	if n := min(len(p), l.left); n < len(p) {
		l.left = 0
		return n, l.err
	}
	l.left -= len(p)
	return len(p), nil
}

// The writer's error comes out of the row that met it, and out of everything after
// it; the writer is not asked again.
func TestWriterErrors(t *testing.T) {
	full := errors.New("no space left on device")
	for header, begin := range encoders {
		for _, c := range []struct{ fails, want error }{{full, full}, {nil, io.ErrShortWrite}} {
			w := &limited{left: 200_000, err: c.fails}
			e := begin(w)
			var err error
			rows := 0
			for ; err == nil && rows < 100_000; rows++ {
				err = encodeAny(t, e, "QLD")
			}
			if !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), "write csv: ") {
				t.Fatalf("%s: the error of row %d is %v, want %v", header, rows, err, c.want)
			}
			writes := w.writes
			for range 3 {
				if again := encodeAny(t, e, "QLD"); again != err {
					t.Errorf("%s: the row after the error has %v", header, again)
				}
				if again := e.Close(); again != err {
					t.Errorf("%s: Close after the error has %v", header, again)
				}
			}
			if w.writes != writes || writes > 6 {
				t.Errorf("%s: %d writes, then %d", header, writes, w.writes)
			}
		}
	}
}

// An error that only Close can meet is returned by it.
func TestCloseErrors(t *testing.T) {
	full := errors.New("no space left on device")
	for header, begin := range encoders {
		e := begin(&limited{left: 10, err: full})
		must(t, encodeAny(t, e, "QLD"))
		for range 2 {
			if err := e.Close(); !errors.Is(err, full) {
				t.Errorf("%s: Close returned %v", header, err)
			}
		}
	}
}

func TestEncodeAfterClose(t *testing.T) {
	for header, begin := range encoders {
		var file bytes.Buffer
		e := begin(&file)
		must(t, e.Close())
		if err := encodeAny(t, e, "QLD"); err == nil {
			t.Errorf("%s: a row after Close is no error", header)
		}
		must(t, e.Close())
		if file.String() != header+"\n" {
			t.Errorf("%s: a row was written after Close: %s", header, file.String())
		}
	}
}

// Rows are handed over whole and many at a time, also those that are longer than
// what is gathered.
func TestWholeRows(t *testing.T) {
	for header, begin := range encoders {
		w := &whole{t: t}
		e := begin(w)
		for i := range 5000 {
			symbol := "QLD"
			if i%1000 == 999 {
				symbol = strings.Repeat("LONG", 50_000)
			}
			must(t, encodeAny(t, e, symbol))
		}
		must(t, e.Close())
		if w.lines != 5001 || w.writes > 15 {
			t.Errorf("%s: %d lines in %d writes", header, w.lines, w.writes)
		}
	}
}

type whole struct {
	t             *testing.T
	lines, writes int
}

func (w *whole) Write(p []byte) (int, error) {
	if len(p) == 0 || p[len(p)-1] != '\n' {
		w.t.Errorf("a write of %d bytes does not end with a line", len(p))
	}
	w.writes++
	w.lines += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

func TestNoAllocation(t *testing.T) {
	for header, begin := range encoders {
		if header == "time,until,symbols,seconds,state,cause" {
			continue // few rows, whose symbols are joined
		}
		e := begin(io.Discard)
		must(t, encodeAny(t, e, "QLD"))
		if n := testing.AllocsPerRun(5000, func() { must(t, encodeAny(t, e, "QLD")) }); n > 0 {
			t.Errorf("%s: %v allocations a row", header, n)
		}
	}
}
