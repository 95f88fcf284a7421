package block

import (
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A column holds one number of each trade or candle. It is written in the shortest of
// its forms; each column has its own, because each has its own distribution.
const (
	constant   = 0 // one number: all are equal
	plain      = 1 // length, the numbers
	compressed = 2 // length of the numbers, length of what follows, a zstd frame of the numbers without its magic
)

// zigzag maps small numbers of both signs to small ones. Differences that overflow wrap
// around, and back.
func zigzag(d int64) uint64 { return uint64(d<<1) ^ uint64(d>>63) }

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// packer appends columns.
type packer struct {
	zstd   *zstd.Encoder
	raw    []byte
	packed []byte
}

func (p *packer) column(dst []byte, values []uint64) []byte {
	first := values[0]
	if !slices.ContainsFunc(values, func(v uint64) bool { return v != first }) {
		return binary.AppendUvarint(append(dst, constant), first)
	}
	p.raw = p.raw[:0]
	for _, v := range values {
		p.raw = binary.AppendUvarint(p.raw, v)
	}
	return p.bytes(dst, p.raw)
}

// bytes appends bytes, compressed where that is shorter.
func (p *packer) bytes(dst, raw []byte) []byte {
	p.packed = p.zstd.EncodeAll(raw, p.packed[:0])
	packed := p.packed[len(magic):]
	if len(packed)+2 >= len(raw) {
		dst = binary.AppendUvarint(append(dst, plain), uint64(len(raw)))
		return append(dst, raw...)
	}
	dst = binary.AppendUvarint(append(dst, compressed), uint64(len(raw)))
	dst = binary.AppendUvarint(dst, uint64(len(packed)))
	return append(dst, packed...)
}

// magic begins every frame of zstd (RFC 8878, 3.1.1). It is left out.
const magic = "\x28\xb5\x2f\xfd"

// unpacker reads what a packer wrote. After the first thing that is wrong, bad is set
// and everything is zero.
type unpacker struct {
	zstd *zstd.Decoder
	rest []byte
	raw  []byte
	in   []byte
	bad  bool
}

func (u *unpacker) fail() {
	u.bad, u.rest = true, nil
}

func (u *unpacker) uvarint() uint64 {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.fail()
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) varint() int64 { return unzigzag(u.uvarint()) }

func (u *unpacker) byte() byte {
	if len(u.rest) == 0 {
		u.fail()
		return 0
	}
	b := u.rest[0]
	u.rest = u.rest[1:]
	return b
}

func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.fail()
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

// column reads as many numbers as dst has.
func (u *unpacker) column(dst []uint64) {
	if len(u.rest) > 0 && u.rest[0] == constant {
		u.rest = u.rest[1:]
		v := u.uvarint()
		for i := range dst {
			dst[i] = v
		}
		return
	}
	raw := u.bytes(uint64(len(dst)) * binary.MaxVarintLen64)
	at := 0
	for i := range dst {
		if at < len(raw) && raw[at] < 0x80 {
			dst[i] = uint64(raw[at])
			at++
			continue
		}
		v, n := binary.Uvarint(raw[at:])
		if n <= 0 {
			u.fail()
			return
		}
		dst[i] = v
		at += n
	}
	if at < len(raw) {
		u.fail()
	}
}

// bytes reads at most so many bytes. They are good until the next call.
func (u *unpacker) bytes(most uint64) []byte {
	form := u.byte()
	n := u.uvarint()
	if n > most {
		u.fail()
		return nil
	}
	switch form {
	case plain:
		return u.take(n)
	case compressed:
		return u.inflate(u.take(u.uvarint()), int(n))
	}
	u.fail()
	return nil
}

func (u *unpacker) inflate(packed []byte, n int) []byte {
	var head zstd.Header
	u.in = append(append(u.in[:0], magic...), packed...)
	if u.bad || head.Decode(u.in) != nil || !head.HasFCS || head.FrameContentSize != uint64(n) {
		u.fail()
		return nil
	}
	raw, err := u.zstd.DecodeAll(u.in, slices.Grow(u.raw[:0], n))
	if err != nil || len(raw) != n {
		u.fail()
		return nil
	}
	u.raw = raw
	return raw
}
