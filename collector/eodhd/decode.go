package eodhd

import (
	"sync/atomic"

	"tapedeck/collector/candle"
)

// maxTime is the end of the year 9999, in Unix milliseconds: later moments have
// no RFC 3339.
const maxTime = 253402300799999

// Decoder reads the frames of one market. Decode is for one goroutine at a time;
// Know may be called by others meanwhile. It does no I/O and never blocks.
type Decoder struct {
	crypto bool
	known  atomic.Pointer[table] // replaced, never changed
	kept   map[string]string     // the texts of conditions, by their JSON
	symbol []byte                // holds the frame's symbol when it had escapes
	// scratch holds a value while it is being converted.
	scratch []byte
}

// NewDecoder makes a decoder for the trades of these symbols. They are matched
// letter by letter with the s of a frame: trim and upper-case them before. A
// market other than Crypto is decoded like US.
func NewDecoder(market Market, symbols []string) *Decoder {
	d := &Decoder{crypto: market == Crypto, kept: make(map[string]string)}
	d.known.Store(newTable(symbols))
	return d
}

// Know adds symbols. It may be called while Decode runs, and by one goroutine at a
// time. The trades carry these very strings.
func (d *Decoder) Know(symbols []string) {
	d.known.Store(newTable(append(d.known.Load().symbols(), symbols...)))
}

// Decode reads one frame. Of a KindTrade it sets all of *t, with Received and Echo
// zero; of every other kind *t is left alone. Control is set for KindControl only.
// Nothing that it returns points into the frame.
//
// Keys may come in any order; of a key that comes twice the last one counts; keys
// that are not known are skipped with whatever they hold. Of data frames nothing is
// allocated, except for conditions not seen before.
//
// A frame is a control frame by status_code or status, whichever it has, with an
// integer in it. If it has an s as well it is data: a field named status in trades
// would otherwise turn each of them into a refusal.
func (d *Decoder) Decode(frame []byte, t *candle.Trade) (Kind, Control) {
	var f fields
	if !d.read(frame, &f) {
		return KindGarbage, Control{}
	}
	if f.symbolState == absent {
		return control(&f)
	}
	if f.price.state == absent || f.size.state == absent || f.time.state == absent {
		if f.time.state != absent && (f.quote == 3 || f.rate == 3) {
			return KindQuote, Control{}
		}
		return KindUnknown, Control{}
	}
	return d.trade(&f, t), Control{}
}

// fields is what a frame was found to have of the fields we know.
type fields struct {
	symbol            []byte
	symbolState       state
	price, size, time number
	conditions        string
	conditionsState   state
	dark              bool
	darkState         state
	quote, rate       uint8 // bit 0: ap, a; bit 1: bp, b

	statusCode, status number
	message            []byte // still escaped
}

// read reads the object, and says whether it is one.
func (d *Decoder) read(b []byte, f *fields) bool {
	i := space(b, 0)
	if i == len(b) || b[i] != '{' {
		return false
	}
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return space(b, i+1) == len(b)
	}
	for {
		var k key
		if k, i = d.key(b, i); i < 0 {
			return false
		}
		if i = d.value(b, i, k, f); i < 0 {
			return false
		}
		if i = space(b, i); i == len(b) {
			return false
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return space(b, i+1) == len(b)
		default:
			return false
		}
	}
}

// value reads the value of the key k.
func (d *Decoder) value(b []byte, i int, k key, f *fields) (end int) {
	switch k {
	case keySymbol:
		f.symbolState = wrong
		if i < len(b) && b[i] == '"' {
			f.symbolState = good
			f.symbol, end = d.text(b, i, &d.symbol)
			return end
		}
	case keyPrice:
		f.price, end = d.number(b, i)
		return end
	case keyVolume, keyQuantity:
		if (k == keyQuantity) == d.crypto { // else it is just another key
			f.size, end = d.number(b, i)
			return end
		}
	case keyTime:
		f.time, end = d.number(b, i)
		return end
	case keyConditions:
		f.conditions, f.conditionsState, end = d.conditions(b, i)
		return end
	case keyDark:
		f.dark, f.darkState = false, wrong
		if i < len(b) {
			switch b[i] {
			case 't':
				f.dark, f.darkState = true, good
			case 'f', 'n': // null is as good as absent
				f.darkState = good
			}
		}
	case keyAskPrice:
		f.quote |= 1
	case keyBidPrice:
		f.quote |= 2
	case keyAsk:
		f.rate |= 1
	case keyBid:
		f.rate |= 2
	case keyStatusCode:
		f.statusCode, end = d.number(b, i)
		return end
	case keyStatus:
		f.status, end = d.number(b, i)
		return end
	case keyMessage:
		f.message = nil
		if i < len(b) && b[i] == '"' {
			if end, _ = stringEnd(b, i); end < 0 {
				return -1
			}
			f.message = b[i+1 : end]
			return end + 1
		}
	}
	return skip(b, i)
}

// text is the content of the string that begins at b[i]: of the frame itself, or
// unescaped into *scratch.
func (d *Decoder) text(b []byte, i int, scratch *[]byte) (content []byte, end int) {
	end, escaped := stringEnd(b, i)
	if end < 0 {
		return nil, -1
	}
	content = b[i+1 : end]
	if escaped {
		*scratch = unescape((*scratch)[:0], content)
		content = *scratch
	}
	return content, end + 1
}

// trade judges a frame that has all that a trade must have.
func (d *Decoder) trade(f *fields, t *candle.Trade) Kind {
	if f.symbolState == wrong || f.price.state == wrong || f.size.state == wrong || f.time.state == wrong ||
		f.conditionsState == wrong || f.darkState == wrong || f.time.state == good && f.time.decimal.Scale != 0 {
		return KindUnreadable
	}
	known := d.known.Load()
	slot, ok := known.find(f.symbol)
	if !ok {
		return KindUnsubscribed
	}
	if f.price.state == inexact || f.size.state == inexact {
		return KindPrecision
	}
	at, ok := f.time.integer()
	if !ok || at <= 0 || at > maxTime || f.price.decimal.Units <= 0 || f.size.decimal.Units < 0 {
		return KindInvalid
	}
	*t = candle.Trade{} // in two steps: a literal is built beside and copied, which takes 10 ns more
	t.Symbol, t.Time, t.Price, t.Size = known.slots[slot].symbol, at, f.price.decimal, f.size.decimal
	t.Conditions, t.Dark = f.conditions, f.dark
	return KindTrade
}

// control judges a frame without a symbol.
func control(f *fields) (Kind, Control) {
	for _, n := range [...]number{f.statusCode, f.status} {
		if code, ok := n.integer(); ok && code >= 0 && code < 1e6 {
			return KindControl, Control{Code: int(code), Message: string(unescape(nil, f.message))}
		}
	}
	return KindUnknown, Control{}
}
