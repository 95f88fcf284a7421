package export

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"time"

	"github.com/parquet-go/parquet-go"
)

// exactDigits is how many digits a DECIMAL has: the most that readers know.
const exactDigits = 38

// tooLong is the first number that has more.
var tooLong = new(big.Int).Exp(big.NewInt(10), big.NewInt(exactDigits), nil)

// exactValue is a number as DECIMAL: 16 bytes, the highest first, of units of the column's
// decimals. The error says that the number has more digits than that.
func exactValue(c *column, v *value) (parquet.Value, error) {
	sum := v.asSum()
	words, ok := sum.Units(c.decimals)
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], words[1])
	binary.BigEndian.PutUint64(raw[8:], words[0])
	if !ok || words[2]|words[3] != 0 || new(big.Int).SetBytes(raw[:]).Cmp(tooLong) >= 0 {
		return parquet.Value{}, fmt.Errorf("write parquet: %s %s does not fit DECIMAL(%d,%d)", c.name, sum, exactDigits, c.decimals)
	}
	return parquet.FixedLenByteArrayValue(raw[:]), nil
}

// dateValue is a day, such as 2026-11-20, as its number since the epoch.
func dateValue(text string) (parquet.Value, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return parquet.Value{}, err
	}
	return parquet.Int32Value(int32(day.Unix() / (24 * 60 * 60))), nil
}
