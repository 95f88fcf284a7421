package block

import (
	"encoding/binary"

	"tapedeck/collector/candle"
)

// AppendTrades appends the block of 1 to Limit trades of one symbol in order of
// arrival to dst. Their Symbol and Echo are not kept.
func (e *Encoder) AppendTrades(dst []byte, trades []candle.Trade) []byte {
	n := len(trades)
	h := headerOf(trades)
	dst = h.appendTo(dst)
	values := reuse(&e.values, n)
	before := h.Earliest
	for i := range trades {
		values[i] = zigzag(trades[i].Time - before)
		before = trades[i].Time
	}
	dst = e.pack.column(dst, values)
	for i := range trades {
		values[i] = zigzag(trades[i].Received - trades[i].Time)
	}
	dst = e.pack.column(dst, values)
	dst = e.decimals(dst, n, true, func(i int) candle.Decimal { return trades[i].Price })
	dst = e.decimals(dst, n, false, func(i int) candle.Decimal { return trades[i].Size })
	return e.conditions(dst, trades)
}

// conditions appends the different texts in order of first use, and a column of their
// numbers from 1 (0: none), doubled, plus 1 when the trade is dark.
func (e *Encoder) conditions(dst []byte, trades []candle.Trade) []byte {
	values := reuse(&e.values, len(trades))
	numbers := map[string]uint64{"": 0}
	var texts []byte
	last, number := "", uint64(0)
	for i := range trades {
		if c := trades[i].Conditions; c != last {
			known, ok := numbers[c]
			if !ok {
				known = uint64(len(numbers))
				numbers[c] = known
				texts = binary.AppendUvarint(texts, uint64(len(c)))
				texts = append(texts, c...)
			}
			last, number = c, known
		}
		values[i] = number << 1
		if trades[i].Dark {
			values[i]++
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(numbers)-1))
	if len(texts) > 0 {
		dst = e.pack.bytes(dst, texts)
	}
	return e.pack.column(dst, values)
}

// Trades appends the trades of a block to dst, or returns ErrCorrupt. Symbol and
// Echo are not set.
func (d *Decoder) Trades(dst []candle.Trade, body []byte) ([]candle.Trade, error) {
	u := &d.unpack
	u.rest, u.bad = body, false
	h := u.header()
	if u.bad {
		return dst, ErrCorrupt
	}
	before := len(dst)
	for range h.Count {
		dst = append(dst, candle.Trade{})
	}
	trades := dst[before:]
	values := reuse(&d.values, h.Count)
	u.column(values)
	t := h.Earliest
	for i, v := range values {
		t += unzigzag(v)
		trades[i].Time = t
	}
	u.column(values)
	for i, v := range values {
		trades[i].Received = trades[i].Time + unzigzag(v)
	}
	d.decimals(h.Count, true, 1, func(i int, v candle.Decimal) { trades[i].Price = v })
	d.decimals(h.Count, false, 0, func(i int, v candle.Decimal) { trades[i].Size = v })
	d.conditions(trades)
	if u.bad || len(u.rest) > 0 || headerOf(trades) != h {
		return dst[:before], ErrCorrupt
	}
	return dst, nil
}

func (d *Decoder) conditions(trades []candle.Trade) {
	u := &d.unpack
	d.texts = append(d.texts[:0], "")
	n := u.uvarint()
	if n > uint64(len(trades)) {
		u.fail()
		return
	}
	if n > 0 {
		d.readTexts(u.bytes(n*(conditionsLimit+2)), n)
	}
	values := reuse(&d.values, len(trades))
	u.column(values)
	for i, v := range values {
		if v>>1 >= uint64(len(d.texts)) {
			u.fail()
			return
		}
		trades[i].Conditions, trades[i].Dark = d.texts[v>>1], v&1 == 1
	}
}

func (d *Decoder) readTexts(raw []byte, n uint64) {
	texts := unpacker{rest: raw}
	for range n {
		text := texts.take(texts.uvarint())
		known, ok := d.intern[string(text)]
		if !ok {
			known = string(text)
			if len(d.intern) < 4096 && len(text) < 64 {
				d.intern[known] = known
			}
		}
		d.texts = append(d.texts, known)
	}
	if texts.bad || len(texts.rest) > 0 {
		d.unpack.fail()
	}
}
