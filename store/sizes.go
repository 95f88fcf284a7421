package store

import (
	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// Size is what a symbol's trades take on the tape, keys, pages and checksums not
// counted.
type Size struct {
	Trades int64
	Bytes  int64
}

// Sizes measures the tape of a session by symbol. It reads like Trades.
func (f *File) Sizes(s ledger.Session) (map[string]Size, error) {
	var byID []Size
	var w recordWriter
	_, err := f.scan(s, func(id uint32, t *candle.Trade) bool {
		for int(id) >= len(byID) {
			byID = append(byID, Size{})
		}
		if len(w.rows) > recordLimit {
			w.reset(w.rows)
		}
		before := len(w.rows)
		w.add(id, t)
		byID[id].Trades++
		byID[id].Bytes += int64(len(w.rows) - before)
		return true
	})
	sizes := make(map[string]Size)
	for id, size := range byID {
		if size.Trades > 0 {
			sizes[f.names.all()[id]] = size
		}
	}
	return sizes, err
}
