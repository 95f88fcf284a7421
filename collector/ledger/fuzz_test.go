package ledger_test

import (
	"testing"

	"tapedeck/collector/ledger"
)

// FuzzTimeline reads a session, its spans and its candles out of bytes and holds
// timeline and runs against the rules.
func FuzzTimeline(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x07, 0x55, 0x00})
	f.Add([]byte{0x87, 0x0f, 0x01, 20, 30, 0, 50, 10, 1, 60, 20, 4})
	f.Add([]byte{0x0b, 0xff, 0x02, 20, 30, 0, 40, 30, 16, 40, 9, 32, 90, 12, 2, 45, 45, 7})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) < 3 {
			return
		}
		seconds := 1 + int64(raw[0]&15)
		n := notebook{
			session: ledger.Session{Hours: ledger.Regular, Close: 1000 * seconds, Stated: raw[0]&128 != 0},
			rest:    rests[int(raw[2])%len(rests)],
		}
		var traded []int64
		for i := range seconds {
			if raw[1]>>(i%8)&1 != 0 {
				traded = append(traded, 1000*i)
			}
		}
		// Three bytes a span: where it begins, how long it is, whose and why.
		for raw = raw[3:]; len(raw) >= 3 && len(n.spans) < 40; raw = raw[3:] {
			from := step * (int64(raw[0]) - 20)
			p := ledger.Span{From: from, Until: from + step*(int64(raw[1])-1), Symbols: sets[raw[2]&3]}
			if why := int(raw[2] >> 4); why > 0 {
				p.Cause = causes[why%len(causes)]
			}
			n.spans = append(n.spans, p)
		}
		checkTimeline(t, n)
		checkRuns(t, n, traded)
	})
}
