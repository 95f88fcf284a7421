package store

import (
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store/block"
)

// tail is the end of a symbol's trades in a session: the one that came last, and the
// greatest time of any.
type tail struct {
	time, latest int64
	price, size  candle.Decimal
	blocks       bool // the blocks have been looked at
	any          bool // there is a trade
}

func (t *tape) noteLast(id uint32, trade *candle.Trade) {
	l := t.lastOf(id)
	latest := trade.Time
	if l.any {
		latest = max(latest, l.latest)
	}
	*l = tail{time: trade.Time, latest: latest, price: trade.Price, size: trade.Size, blocks: l.blocks, any: true}
}

func (t *tape) lastOf(id uint32) *tail {
	for int(id) >= len(t.last) {
		t.last = append(t.last, make([]tail, int(id)+1-len(t.last))...)
	}
	return &t.last[id]
}

// repeats says whether the trade is the one that the symbol's trades end with, as an
// echo nearly always is.
func (t *tape) repeats(id uint32, trade *candle.Trade) bool {
	l := t.lastOf(id)
	return l.any && l.time == trade.Time && l.price == trade.Price && l.size == trade.Size
}

// knownEchoes finds, by index, the suspected echoes that the session holds further
// back than at the end. A suspect later than everything of its symbol is news, so
// few are left to look for, and all of them are looked for in one reading.
func (f *File) knownEchoes(t *tape, trades []candle.Trade) (map[int]bool, error) {
	wanted, known := make(map[uint32][]int), make(map[int]bool)
	for i := range trades {
		trade := &trades[i]
		if !trade.Echo {
			continue
		}
		id, ok := f.ids[trade.Symbol]
		if !ok {
			continue
		}
		if err := f.lookAtBlocks(t, id); err != nil {
			return nil, err
		}
		switch l := t.lastOf(id); {
		case t.repeats(id, trade): // by its turn another may have come
			known[i] = true
		case l.any && trade.Time <= l.latest:
			wanted[id] = append(wanted[id], i)
		}
	}
	if len(wanted) == 0 {
		return known, nil
	}
	look := func(id uint32, old *candle.Trade) bool {
		for _, i := range wanted[id] {
			old.Symbol = trades[i].Symbol
			known[i] = known[i] || trades[i].Same(old)
		}
		return true
	}
	err := again(func() error {
		_, err := f.scan(t.session, allTapes, nil, look)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := t.scanStaged(look); err != nil {
		return nil, err
	}
	// After the tape: what is sealed in between is found here.
	for id, list := range wanted {
		if err := f.lookInBlocks(t, id, trades, list, known); err != nil {
			return nil, err
		}
	}
	return known, nil
}

// eachHeader visits the headers of a symbol's blocks, the last one first, with what
// the Encoder made, proven, good during the call.
func (f *File) eachHeader(t *tape, id uint32, visit func(at []byte, h block.Header, body []byte) error) error {
	key := sessionKey(t.session)
	return f.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(key[:])
		if b == nil || b.Bucket(bucketTrades) == nil {
			return nil
		}
		c := b.Bucket(bucketTrades).Cursor()
		for k, v := seekBlock(c, id, 1<<62); k != nil; k, v = c.Prev() {
			if found, _, ok := parseBlockKey(k); !ok || found != id {
				return nil
			}
			body, err := openBlock(key, k, f.names.all()[id], v)
			if err != nil {
				return &Damaged{f.path, place(t.session, "trades", k), err.Error()}
			}
			h, err := block.ReadHeader(body)
			if err != nil {
				return &Damaged{f.path, place(t.session, "trades", k), err.Error()}
			}
			if err := visit(k, h, body); err != nil {
				return err
			}
		}
		return nil
	})
}

// lookAtBlocks learns, once, how a symbol's blocks end: after a restart the tape does
// not tell.
func (f *File) lookAtBlocks(t *tape, id uint32) error {
	l := t.lastOf(id)
	if l.blocks {
		return nil
	}
	first := true
	err := f.eachHeader(t, id, func(_ []byte, h block.Header, _ []byte) error {
		if first && !l.any {
			*l = tail{time: h.Last.Time, latest: h.Latest, price: h.Last.Price, size: h.Last.Size, any: true}
		}
		first = false
		l.latest = max(l.latest, h.Latest)
		return nil
	})
	l.blocks = err == nil
	return err
}

// lookInBlocks finds suspects of one symbol in its blocks.
func (f *File) lookInBlocks(t *tape, id uint32, trades []candle.Trade, suspects []int, known map[int]bool) error {
	decoder := block.NewDecoder()
	return f.eachHeader(t, id, func(at []byte, h block.Header, body []byte) error {
		within := func(i int) bool {
			return !known[i] && trades[i].Time >= h.Earliest && trades[i].Time <= h.Latest
		}
		if !slices.ContainsFunc(suspects, within) {
			return nil
		}
		list, err := decoder.Trades(nil, body)
		if err != nil {
			return &Damaged{f.path, place(t.session, "trades", at), err.Error()}
		}
		for j := range list {
			list[j].Symbol = f.names.all()[id]
			for _, i := range suspects {
				known[i] = known[i] || trades[i].Same(&list[j])
			}
		}
		return nil
	})
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

// Latest is the greatest time of each symbol's trades in a session that this process
// records, Unix ms, as far as it has come to know them: not of a symbol whose trades were
// sealed before it began and that has not traded since. It does not read the file.
func (f *File) Latest(s ledger.Session) map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.tapes[sessionKey(s)]
	if t == nil {
		return nil
	}
	latest, names := make(map[string]int64), f.names.all()
	for id, l := range t.last {
		if l.any && l.latest > 0 {
			latest[names[id]] = l.latest
		}
	}
	return latest
}
