// Package block is the columnar form of trades and candles at rest: what a session
// comes to once it is sealed. It is pure, and equal input gives equal bytes.
package block

import (
	"errors"

	"github.com/klauspost/compress/zstd"
)

// Limit is the most trades or candles in a block.
const Limit = 16384

// version is the first byte of every block.
const version = 1

// ErrCorrupt says that a body is none that an Encoder wrote.
var ErrCorrupt = errors.New("it does not decode")

// Encoder writes blocks. It is not safe for concurrent use; it holds a few MB.
type Encoder struct {
	pack   packer
	values []uint64
	other  []uint64
}

// NewEncoder makes an Encoder.
func NewEncoder() *Encoder {
	// Not the best level: it holds 37 MB. A column is never longer than the window.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10))
	if err != nil {
		panic(err) // the options are constants
	}
	return &Encoder{pack: packer{zstd: z}}
}

// Decoder reads blocks. It is not safe for concurrent use.
type Decoder struct {
	unpack unpacker
	values []uint64
	other  []uint64
	texts  []string
	intern map[string]string
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxColumn))
	if err != nil {
		panic(err) // the options are constants
	}
	return &Decoder{unpack: unpacker{zstd: z}, intern: make(map[string]string)}
}

// maxColumn bounds what a column may inflate to: the texts of Limit different sale
// conditions of 4096 bytes.
const maxColumn = Limit * (conditionsLimit + 2)

// conditionsLimit is the longest that the store takes.
const conditionsLimit = 4096

// reuse is a slice of n numbers in the place of s.
func reuse(s *[]uint64, n int) []uint64 {
	if cap(*s) < n {
		*s = make([]uint64, n, max(n, 1024))
	}
	*s = (*s)[:n]
	return *s
}
