package block

import (
	"encoding/binary"

	"tapedeck/collector/candle"
)

// Header is what can be told of a block of trades without decoding its columns.
type Header struct {
	// Count is the number of trades, 1 to Limit.
	Count int
	// Earliest and Latest are the least and greatest Time among them, Unix ms.
	Earliest, Latest int64
	// Last has the Time, Price and Size of the last trade to arrive, and nothing else.
	Last candle.Trade
}

func headerOf(trades []candle.Trade) Header {
	last := trades[len(trades)-1]
	h := Header{Count: len(trades), Earliest: last.Time, Latest: last.Time,
		Last: candle.Trade{Time: last.Time, Price: last.Price, Size: last.Size}}
	for i := range trades {
		h.Earliest = min(h.Earliest, trades[i].Time)
		h.Latest = max(h.Latest, trades[i].Time)
	}
	return h
}

func (h *Header) appendTo(dst []byte) []byte {
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(h.Count))
	dst = binary.AppendVarint(dst, h.Earliest)
	dst = binary.AppendUvarint(dst, uint64(h.Latest-h.Earliest))
	dst = binary.AppendUvarint(dst, uint64(h.Last.Time-h.Earliest))
	dst = append(dst, h.Last.Price.Scale<<4|h.Last.Size.Scale)
	dst = binary.AppendUvarint(dst, uint64(h.Last.Price.Units))
	return binary.AppendUvarint(dst, uint64(h.Last.Size.Units))
}

// ReadHeader reads the Header of a block of trades, in no time worth counting, or
// returns ErrCorrupt.
func ReadHeader(body []byte) (Header, error) {
	u := unpacker{rest: body}
	h := u.header()
	if u.bad {
		return Header{}, ErrCorrupt
	}
	return h, nil
}

func (u *unpacker) header() (h Header) {
	if u.byte() != version {
		u.fail()
	}
	count := u.uvarint()
	if count == 0 || count > Limit {
		u.fail()
		return h
	}
	h.Count = int(count)
	h.Earliest = u.varint()
	h.Latest = h.Earliest + int64(u.uvarint())
	h.Last.Time = h.Earliest + int64(u.uvarint())
	scales := u.byte()
	h.Last.Price = candle.Decimal{Units: int64(u.uvarint()), Scale: scales >> 4}
	h.Last.Size = candle.Decimal{Units: int64(u.uvarint()), Scale: scales & 15}
	return h
}
