package store

import "tapedeck/collector/ledger"

// Sign lets tests write values with a right checksum.
var Sign = sign

// SessionKey is the name of a session's bucket.
func SessionKey(s ledger.Session) [sessionKeySize]byte { return sessionKey(s) }

// SetMaxSize makes the file as good as full at n bytes.
func (f *File) SetMaxSize(n int) { f.db.MaxSize = n }

// StopSealAfter calls stop before the n-th transaction of a seal from now on; 0 calls
// nothing.
func (f *File) StopSealAfter(n int, stop func()) {
	f.beforeSeal = nil
	if n > 0 {
		f.beforeSeal = func() {
			if n--; n == 0 {
				stop()
			}
		}
	}
}

// PlaceOf names a key as Verify does.
var PlaceOf = placeOfItem

// Replaced says whether another file is at the path than the open one.
var Replaced = replaced
