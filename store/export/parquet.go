package export

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// A Parquet file is written in groups of rows, each column by itself. A group is held in
// memory until it is whole: of so many rows it takes some 10 MB.
const (
	batchRows = 1 << 10
	groupRows = 1 << 17
)

// parquetFile writes Parquet.
type parquetFile struct {
	out     *parquet.GenericWriter[any]
	columns []column
	exact   bool
	batch   [][]parquet.Value // by column
	rows    int               // in batch
	grouped int               // rows of the group
	err     error             // of the writer, for good, or errClosed
}

func newParquet(w io.Writer, columns []column, o Options) *parquetFile {
	options := []parquet.WriterOption{
		parquet.NewSchema("tapedeck", newGroup(columns, o.Exact)),
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("tapedeck", o.Metadata["tapedeck.version"], ""),
	}
	for _, key := range slices.Sorted(maps.Keys(o.Metadata)) {
		options = append(options, parquet.KeyValueMetadata(key, o.Metadata[key]))
	}
	e := &parquetFile{out: parquet.NewGenericWriter[any](w, options...), columns: columns, exact: o.Exact}
	for range columns {
		e.batch = append(e.batch, make([]parquet.Value, 0, batchRows))
	}
	return e
}

// group is a schema whose columns stay in their order: the library's own sorts them.
type group struct {
	parquet.Group
	order []string
}

func newGroup(columns []column, exact bool) group {
	g := group{make(parquet.Group), namesOf(columns)}
	for _, c := range columns {
		node := nodeOf(c, exact)
		if c.nullable {
			node = parquet.Optional(node)
		}
		g.Group[c.name] = node
	}
	return g
}

// Fields are the columns in order.
func (g group) Fields() []parquet.Field {
	fields := g.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return cmp.Compare(slices.Index(g.order, a.Name()), slices.Index(g.order, b.Name()))
	})
	return fields
}

func nodeOf(c column, exact bool) parquet.Node {
	switch c.kind {
	case instant, second:
		return parquet.Encoded(parquet.Timestamp(parquet.Microsecond), &parquet.DeltaBinaryPacked)
	case text:
		return parquet.String()
	case label:
		return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
	case date:
		return parquet.Date()
	case boolean:
		return parquet.Leaf(parquet.BooleanType)
	case integer:
		return parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)
	}
	if exact && c.kind != fraction {
		return parquet.Decimal(c.decimals, exactDigits, parquet.FixedLenByteArrayType(16))
	}
	return parquet.Leaf(parquet.DoubleType)
}

func (e *parquetFile) encode(row []value) error {
	if e.err != nil {
		return e.err
	}
	for i := range e.columns {
		c := &e.columns[i]
		v, err := e.value(c, &row[c.at])
		if err != nil {
			e.err = err
			return err
		}
		present := 0
		if c.nullable && !v.IsNull() {
			present = 1
		}
		e.batch[i] = append(e.batch[i], v.Level(0, present, i))
	}
	if e.rows++; e.rows < batchRows {
		return nil
	}
	return e.flush()
}

// value is a field as the library takes it.
func (e *parquetFile) value(c *column, v *value) (parquet.Value, error) {
	if v.null {
		return parquet.NullValue(), nil
	}
	switch c.kind {
	case instant, second:
		return parquet.Int64Value(v.n * 1000), nil
	case text, label:
		if v.text == "" && c.nullable {
			return parquet.NullValue(), nil
		}
		return parquet.ByteArrayValue([]byte(v.text)), nil
	case date:
		return dateValue(v.text)
	case boolean:
		return parquet.BooleanValue(v.n != 0), nil
	case integer:
		return parquet.Int64Value(v.n), nil
	}
	if e.exact && c.kind != fraction {
		return exactValue(c, v)
	}
	if v.sum != nil {
		return parquet.DoubleValue(v.sum.Float()), nil
	}
	return parquet.DoubleValue(v.asDecimal().Float()), nil
}

// flush hands over a batch, and the group when it is whole.
func (e *parquetFile) flush() error {
	for i, w := range e.out.ColumnWriters() {
		if e.err != nil || e.rows == 0 {
			break
		}
		_, e.err = w.WriteRowValues(e.batch[i])
		e.batch[i] = e.batch[i][:0]
	}
	e.grouped += e.rows
	e.rows = 0
	if e.err == nil && e.grouped >= groupRows {
		e.err = e.out.Flush()
		e.grouped = 0
	}
	if e.err != nil {
		e.err = fmt.Errorf("write parquet: %w", e.err)
	}
	return e.err
}

// Close is that of an encoder.
func (e *parquetFile) Close() error {
	if e.err == errClosed {
		return nil
	}
	if e.err != nil || e.flush() != nil {
		return e.err
	}
	if err := e.out.Close(); err != nil {
		e.err = fmt.Errorf("write parquet: %w", err)
		return e.err
	}
	e.err = errClosed
	return nil
}
