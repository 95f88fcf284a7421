package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Every value ends with a CRC-32C over the names that lead to it and its body,
// so that a value found under a wrong key is as wrong as one with a flipped bit.
// bbolt itself checks nothing but its two head pages.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumSize = 4

var errBadChecksum = errors.New("its checksum is wrong")

func checksum(body []byte, path ...[]byte) uint32 {
	var sum uint32
	for _, p := range path {
		sum = crc32.Update(sum, castagnoli, p)
	}
	return crc32.Update(sum, castagnoli, body)
}

// sign appends the checksum of body to it.
func sign(body []byte, path ...[]byte) []byte {
	return binary.LittleEndian.AppendUint32(body, checksum(body, path...))
}

// open checks a signed value and returns its body.
func open(value []byte, path ...[]byte) ([]byte, error) {
	n := len(value) - checksumSize
	if n < 0 || binary.LittleEndian.Uint32(value[n:]) != checksum(value[:n], path...) {
		return nil, errBadChecksum
	}
	return value[:n], nil
}
