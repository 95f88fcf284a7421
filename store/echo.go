package store

import (
	"slices"

	"tapedeck/collector/candle"
)

// tail is the end of a symbol's tape: the trade that came last, and the greatest
// time of any.
type tail struct {
	time, latest int64
	price, size  candle.Decimal
}

func (t *tape) noteLast(id uint32, trade *candle.Trade) {
	for int(id) >= len(t.last) {
		t.last = append(t.last, make([]tail, int(id)+1-len(t.last))...)
	}
	l := &t.last[id]
	*l = tail{time: trade.Time, latest: max(l.latest, trade.Time), price: trade.Price, size: trade.Size}
}

// repeats says whether the trade is the one that the symbol's tape ends with, as
// an echo nearly always is.
func (t *tape) repeats(id uint32, trade *candle.Trade) bool {
	if int(id) >= len(t.last) {
		return false
	}
	l := t.last[id]
	return l.time == trade.Time && l.price == trade.Price && l.size == trade.Size
}

// knownEchoes finds, by index, the suspected echoes that the session holds further
// back than at the end. A suspect later than everything of its symbol is news, so
// few are left to look for, and all of them are looked for in one reading.
func (f *File) knownEchoes(t *tape, trades []candle.Trade) (map[int]bool, error) {
	wanted := make(map[uint32][]int)
	for i := range trades {
		trade := &trades[i]
		if !trade.Echo {
			continue
		}
		id, ok := f.ids[trade.Symbol]
		if !ok || int(id) >= len(t.last) || trade.Time > t.last[id].latest || t.repeats(id, trade) {
			continue
		}
		wanted[id] = append(wanted[id], i)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	known := make(map[int]bool)
	look := func(id uint32, old *candle.Trade) bool {
		for _, i := range wanted[id] {
			old.Symbol = trades[i].Symbol
			known[i] = known[i] || trades[i].Same(old)
		}
		return true
	}
	if _, err := f.scan(t.session, look); err != nil {
		return nil, err
	}
	return known, t.scanStaged(look)
}

// scanStaged reads what is not on file yet: being committed, waiting, and in the
// record under construction.
func (t *tape) scanStaged(visit func(id uint32, t *candle.Trade) bool) error {
	var r recordReader
	var trade candle.Trade
	bodies := make([][]byte, 0, len(t.flying)+len(t.records)+1)
	for _, rec := range slices.Concat(t.flying, t.records) {
		bodies = append(bodies, rec.value[:len(rec.value)-checksumSize])
	}
	if t.writer.count > 0 {
		bodies = append(bodies, t.writer.appendTo(nil))
	}
	for _, body := range bodies {
		if err := r.reset(body); err != nil {
			return err
		}
		for id, ok := r.next(&trade); ok; id, ok = r.next(&trade) {
			visit(id, &trade)
		}
	}
	return nil
}

// staged says whether the same trade is among those before it in its batch.
func staged(before []candle.Trade, trade *candle.Trade) bool {
	return slices.ContainsFunc(before, func(t candle.Trade) bool { return trade.Same(&t) })
}
