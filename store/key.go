package store

import (
	"encoding/binary"
	"fmt"
	"strings"

	"tapedeck/collector/ledger"
	"tapedeck/store/pages"
)

// The names inside the file. FORMAT.md draws what lies under each.
var (
	bucketMeta     = []byte("meta")
	bucketSymbols  = []byte("symbols")
	bucketSets     = []byte("sets")
	bucketSessions = []byte("sessions")
	bucketJobs     = []byte("jobs")

	keyFormat = []byte("format")
	keyWriter = []byte("writer")
	keyMark   = []byte("mark")
	keyBackup = []byte("backup")
	keyAlarms = []byte("alarms")
	keySince  = []byte("since")

	keyAbout   = []byte("about")
	keyCounts  = []byte("counts")
	keySealed  = []byte("sealed")
	keyDropped = []byte("dropped")

	// In a session, buckets.
	bucketTrades  = []byte("trades")
	bucketSeconds = []byte("1s")
	bucketHundred = []byte("100t")
)

const (
	spanPrefix     = 's' // a ledger entry: s and its ordinal
	tapePrefix     = 't' // a tape, a bucket: t and its number
	sessionKeySize = 9
	blockKeySize   = 12
	candleKeySize  = 8
)

// sessionKey names a session: big-endian open, then hours, so that keys sort by
// time.
func sessionKey(s ledger.Session) [sessionKeySize]byte {
	var key [sessionKeySize]byte
	binary.BigEndian.PutUint64(key[:], uint64(s.Open))
	key[8] = byte(s.Hours)
	return key
}

func parseSessionKey(key []byte) (open int64, hours ledger.Hours, ok bool) {
	if len(key) != sessionKeySize {
		return 0, 0, false
	}
	return int64(binary.BigEndian.Uint64(key)), ledger.Hours(key[8]), true
}

func ordinalKey(n uint64) [8]byte {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], n)
	return key
}

func spanKey(n uint32) [5]byte { return numbered(spanPrefix, n) }

func tapeName(n uint32) [5]byte { return numbered(tapePrefix, n) }

func numbered(prefix byte, n uint32) [5]byte {
	var key [5]byte
	key[0] = prefix
	binary.BigEndian.PutUint32(key[1:], n)
	return key
}

// parseTapeName is the number of a tape; ok is false for every other name.
func parseTapeName(name []byte) (n uint32, ok bool) {
	if len(name) != 5 || name[0] != tapePrefix {
		return 0, false
	}
	return binary.BigEndian.Uint32(name[1:]), true
}

// blockKey names a block of trades: the symbol and the seq of the first one.
func blockKey(id uint32, seq int64) [blockKeySize]byte {
	var key [blockKeySize]byte
	binary.BigEndian.PutUint32(key[:], id)
	binary.BigEndian.PutUint64(key[4:], uint64(seq))
	return key
}

func parseBlockKey(key []byte) (id uint32, seq int64, ok bool) {
	if len(key) != blockKeySize {
		return 0, 0, false
	}
	id, seq = binary.BigEndian.Uint32(key), int64(binary.BigEndian.Uint64(key[4:]))
	return id, seq, seq >= 1
}

// candleKey names a block of candles: the symbol, and the place of the block among
// the symbol's, from 0.
func candleKey(id, index uint32) [candleKeySize]byte {
	var key [candleKeySize]byte
	binary.BigEndian.PutUint32(key[:], id)
	binary.BigEndian.PutUint32(key[4:], index)
	return key
}

func parseCandleKey(key []byte) (id, index uint32, ok bool) {
	if len(key) != candleKeySize {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(key), binary.BigEndian.Uint32(key[4:]), true
}

func idKey(id uint32) [4]byte {
	var key [4]byte
	binary.BigEndian.PutUint32(key[:], id)
	return key
}

// place names a key for an error message.
func place(s ledger.Session, what string, key []byte) string {
	return fmt.Sprintf("sessions/%s %s/%s/%x", s.Date(), s.Hours, what, key)
}

// placeOfPath names a bucket for an error message.
func placeOfPath(path [][]byte) string {
	var names []string
	for i, name := range path {
		if open, hours, ok := parseSessionKey(name); i == 1 && ok && string(path[0]) == string(bucketSessions) {
			s := ledger.Session{Open: open, Hours: hours}
			names = append(names, fmt.Sprintf("%s %s", s.Date(), s.Hours))
			continue
		}
		names = append(names, printable(name))
	}
	return strings.Join(names, "/")
}

// placeOfItem names a key for an error message.
func placeOfItem(i pages.Item) string {
	if len(i.Path) == 3 && string(i.Path[0]) == string(bucketSessions) {
		what := "tape"
		if _, ok := parseTapeName(i.Path[2]); !ok {
			what = printable(i.Path[2])
		}
		return placeOfPath(i.Path[:2]) + "/" + what + fmt.Sprintf("/%x", i.Key)
	}
	if len(i.Path) == 2 && len(i.Key) == 5 && i.Key[0] == spanPrefix {
		return placeOfPath(i.Path) + fmt.Sprintf("/ledger/%x", i.Key)
	}
	key := printable(i.Key)
	if len(i.Path) == 2 && string(i.Path[0]) == string(bucketSessions) {
		key += "/" // as place does for a value of the session itself
	}
	return strings.TrimPrefix(placeOfPath(i.Path)+"/"+key, "/")
}

// printable is a name as it stands, or in hexadecimal.
func printable(name []byte) string {
	for _, c := range name {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("%x", name)
		}
	}
	return string(name)
}
