package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// Tail reads what is committed to a session behind a Reading, in order of arrival; what was
// sealed before it was read comes symbol by symbol. It holds nothing of the file between
// two calls. It ends early with the context of the Reading. It is for one goroutine.
type Tail struct {
	f       *File
	ctx     context.Context
	session ledger.Session
	next    uint64           // ordinal of the trade to come
	seen    map[string]int64 // trades of each symbol, those of the Reading included
}

// Tail begins behind what the reading holds of a session.
func (r *Reading) Tail(s ledger.Session) (*Tail, error) {
	still, err := r.at(s)
	if err != nil {
		return nil, err
	}
	t := &Tail{f: r.f, ctx: r.ctx, session: s, next: still.next, seen: make(map[string]int64)}
	for _, c := range still.list {
		t.seen[c.name] = c.total
	}
	return t, nil
}

// Next visits the trades that were committed since the last call; seq is a trade's number
// among its symbol's of the session. A trade is good until visit returns. It blocks for the
// disk.
func (t *Tail) Next(visit func(seq int64, trade *candle.Trade)) error {
	names := t.f.names.all()
	c := &scanner{f: t.f, ctx: t.ctx, session: t.session, key: sessionKey(t.session), until: allTapes, begun: true, last: math.MaxUint64, next: t.next}
	err := c.run(func(id uint32, trade *candle.Trade) bool {
		if int(id) >= len(names) {
			names = t.f.names.all()
		}
		trade.Symbol = names[id]
		t.hand(trade, visit)
		t.next++
		return true
	})
	if errors.Is(err, errMoved) {
		return t.catchUp(visit)
	}
	return err
}

func (t *Tail) hand(trade *candle.Trade, visit func(int64, *candle.Trade)) {
	t.seen[trade.Symbol]++
	visit(t.seen[trade.Symbol], trade)
}

// catchUp reads what was sealed before it was read here.
func (t *Tail) catchUp(visit func(int64, *candle.Trade)) error {
	r := t.f.Read().Within(t.ctx)
	still, err := r.at(t.session)
	if err != nil {
		return err
	}
	base, err := r.reader(t.session)
	if err != nil {
		return err
	}
	base.list = slices.DeleteFunc(slices.Clone(base.list), func(c symbolCount) bool { return c.total <= t.seen[c.name] })
	err = base.holdings(nil, func(h *holding) error {
		return base.each(h, t.seen[h.name]+1, func(_ int64, trades []candle.Trade) bool {
			for i := range trades {
				trade := trades[i]
				trade.Symbol = h.name
				t.hand(&trade, visit)
			}
			return t.ctx.Err() == nil
		})
	}, func() bool { return t.ctx.Err() == nil })
	if err == nil {
		err = t.ctx.Err()
	}
	t.next = still.next
	return err
}
