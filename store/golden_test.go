package store_test

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// The bytes that FORMAT.md draws. If this fails, the format has changed: files of
// today would not be read any more.
const golden = `
meta/format = 0100 0eaeeae7
meta/writer =  3544ae9b
sessions/0000019ab645824001/about = 80c2d4fad666010973696d756c61746564 8ebbd569
sessions/0000019ab645824001/counts = 02086163636570746564060d72656a65637465645f6563686f02 dbc0f8a5
sessions/0000019ab645824001/7300000000 = 8089ace4d666b8170000 9345d0bf
sessions/0000019ab645824001/7300000001 = b8a0ace4d6668827000464726f70 6377fbf5
sessions/0000019ab645824001/7400000000/0000000000000000 = 01030000201231347c33377c34317c8e89ace4d6660e84370c01010301961721ec9405020000dc01bc14853764 550719d5
sets/00000000 = 020001 63bb3a06
symbols/00000000 = 514c44 83ebd003
symbols/00000001 = 4254432d555344 63214933
`

// The same when the session is sealed.
const goldenSealed = `
meta/format = 0100 0eaeeae7
meta/writer =  3544ae9b
sessions/0000019ab645824001/100t/0000000000000000 = 03514c440200010101028089ace4d66600000000000000d80400000200886e0002000000000002000200020070000c0001 7db7bfca
sessions/0000019ab645824001/100t/0000000100000000 = 074254432d555344010001010102b8a0ace4d666000000000000000000000000d8a90a000000000000000100000303000200010000 43f0909f
sessions/0000019ab645824001/1s/0000000000000000 = 03514c4402000101018089ace4d666e80700000200886e0002000000000002000200020070000c0001 edc8709e
sessions/0000019ab645824001/1s/0000000100000000 = 074254432d5553440100010101d098ace4d666e80700000000d8a90a000000000000000100000303000200010000 e778c819
sessions/0000019ab645824001/about = 80c2d4fad666010973696d756c61746564 8ebbd569
sessions/0000019ab645824001/counts = 02086163636570746564060d72656a65637465645f6563686f02 dbc0f8a5
sessions/0000019ab645824001/7300000000 = 8089ace4d666b8170000 9345d0bf
sessions/0000019ab645824001/7300000001 = b8a0ace4d6668827000464726f70 6377fbf5
sessions/0000019ab645824001/sealed = 0301000004 adfccd1d
sessions/0000019ab645824001/trades/000000000000000000000001 = 03514c4401028089ace4d666ac02ac0220853764010300d80401030ea814020103886e020001020c6401010a0931347c33377c34317c0002 a8abb9c9
sessions/0000019ab645824001/trades/000000010000000000000001 = 074254432d5553440101b8a0ace4d666000003ec940502000000130000d8a90a030002000001 b2ab1ea2
sets/00000000 = 020001 63bb3a06
symbols/00000000 = 514c44 83ebd003
symbols/00000001 = 4254432d555344 63214933
`

// And when its trades are dropped.
const goldenDropped = `
meta/format = 0100 0eaeeae7
meta/writer =  3544ae9b
sessions/0000019ab645824001/100t/0000000000000000 = 03514c440200010101028089ace4d66600000000000000d80400000200886e0002000000000002000200020070000c0001 7db7bfca
sessions/0000019ab645824001/100t/0000000100000000 = 074254432d555344010001010102b8a0ace4d666000000000000000000000000d8a90a000000000000000100000303000200010000 43f0909f
sessions/0000019ab645824001/1s/0000000000000000 = 03514c4402000101018089ace4d666e80700000200886e0002000000000002000200020070000c0001 edc8709e
sessions/0000019ab645824001/1s/0000000100000000 = 074254432d5553440100010101d098ace4d666e80700000000d8a90a000000000000000100000303000200010000 e778c819
sessions/0000019ab645824001/about = 80c2d4fad666010973696d756c61746564 8ebbd569
sessions/0000019ab645824001/counts = 02086163636570746564060d72656a65637465645f6563686f02 dbc0f8a5
sessions/0000019ab645824001/dropped = 01020001000201010001 91c70087
sessions/0000019ab645824001/7300000000 = 8089ace4d666b8170000 9345d0bf
sessions/0000019ab645824001/7300000001 = b8a0ace4d6668827000464726f70 6377fbf5
sessions/0000019ab645824001/sealed = 0301000004 adfccd1d
sets/00000000 = 020001 63bb3a06
symbols/00000000 = 514c44 83ebd003
symbols/00000001 = 4254432d555344 63214933
`

func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	list := []candle.Trade{
		{Symbol: "QLD", Time: day.Open, Received: day.Open + 7, Price: candle.Decimal{Units: 7044, Scale: 2},
			Size: candle.Decimal{Units: 12}, Conditions: "14|37|41|"},
		{Symbol: "BTC-USD", Time: day.Open + 1500, Received: day.Open + 1490, Price: candle.Decimal{Units: 84588},
			Size: candle.Decimal{Units: 2, Scale: 3}, Dark: true},
		{Symbol: "QLD", Time: day.Open + 300, Received: day.Open + 1600, Price: candle.Decimal{Units: 7045, Scale: 2},
			Size: candle.Decimal{Units: 100}, Conditions: "14|37|41|"},
	}
	if _, err := f.Append(day, list); err != nil {
		t.Fatal(err)
	}
	set := ledger.NewSymbols("QLD", "BTC-USD")
	f.Enter(day, []ledger.Span{
		{From: day.Open, Until: day.Open + 1500, Symbols: set},
		{From: day.Open + 1500, Until: day.Open + 4000, Symbols: set, Cause: ledger.Drop},
	}, nil)
	f.Count(day, ledger.Counts{ledger.Accepted: 3, ledger.RejectedEcho: 1})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, path); got != strings.TrimLeft(golden, "\n") {
		t.Errorf("the file holds\n%s\nwant\n%s", got, golden)
	}
	f = open(t, path)
	seal(t, f, day, true)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, path); got != strings.TrimLeft(goldenSealed, "\n") {
		t.Errorf("sealed, the file holds\n%s\nwant\n%s", got, goldenSealed)
	}
	f = open(t, path)
	if _, err := f.Retain(t.Context(), day.Close+1, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dump(t, path); got != strings.TrimLeft(goldenDropped, "\n") {
		t.Errorf("without its trades the file holds\n%s\nwant\n%s", got, goldenDropped)
	}
}

// dump writes every key and value in hexadecimal, but for what differs between
// runs.
func dump(t *testing.T, path string) string {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	var walk func(prefix string, bucket *bolt.Bucket)
	walk = func(prefix string, bucket *bolt.Bucket) {
		_ = bucket.ForEach(func(k, v []byte) error {
			name := prefix + "/" + printable(k)
			if v == nil {
				walk(name, bucket.Bucket(k))
				return nil
			}
			n := len(v) - 4
			fmt.Fprintf(&b, "%s = %s %s\n", name, hex.EncodeToString(v[:n]), hex.EncodeToString(v[n:]))
			return nil
		})
	}
	_ = db.View(func(tx *bolt.Tx) error {
		for _, name := range []string{"meta", "sessions", "sets", "symbols"} {
			walk(name, tx.Bucket([]byte(name)))
		}
		return nil
	})
	return b.String()
}

func printable(key []byte) string {
	if strings.IndexFunc(string(key), func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return hex.EncodeToString(key)
	}
	return string(key)
}
