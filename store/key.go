package store

import (
	"encoding/binary"
	"fmt"

	"tapedeck/collector/ledger"
)

// The names inside the file. FORMAT.md draws what lies under each.
var (
	bucketMeta     = []byte("meta")
	bucketSymbols  = []byte("symbols")
	bucketSets     = []byte("sets")
	bucketSessions = []byte("sessions")

	keyFormat = []byte("format")
	keyWriter = []byte("writer")
	keyMark   = []byte("mark")

	keyAbout  = []byte("about")
	keyCounts = []byte("counts")
	keyTape   = []byte("tape") // a bucket
)

const (
	spanPrefix     = 's' // a ledger entry: s and its ordinal
	sessionKeySize = 9
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

func spanKey(n uint32) [5]byte {
	var key [5]byte
	key[0] = spanPrefix
	binary.BigEndian.PutUint32(key[1:], n)
	return key
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
