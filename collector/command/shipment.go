package command

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// An export of several files, or one that somebody watches, comes as a tar archive whose
// entries are pieces: those of one name in a row are one file, and a global header in between
// says how far it is. So one answer, from whoever has the file, is any number of files.

// The records of a global header.
const (
	recordRows  = "TAPEDECK.rows"
	recordTotal = "TAPEDECK.total"
)

const (
	pieceBytes = 256 << 10
	tellEvery  = 200 * time.Millisecond
)

// shipment is where the sheets of an export are written.
type shipment struct {
	whole io.Writer // of an answer that is one file
	tar   *tar.Writer
	told  time.Time
}

func newShipment(w io.Writer) *shipment { return &shipment{tar: tar.NewWriter(w)} }

// file hands write the file of that name.
func (s *shipment) file(name string, write func(io.Writer) error) error {
	if s.tar == nil {
		return write(s.whole)
	}
	p := &pieces{tar: s.tar, name: name, buf: make([]byte, 0, pieceBytes)}
	if err := write(p); err != nil {
		return err
	}
	return p.flush(true)
}

// tell says how many rows were read or written; total is how many there are, 0 when nobody
// knows yet.
func (s *shipment) tell(rows, total int64) {
	if s.tar == nil || time.Since(s.told) < tellEvery {
		return
	}
	s.told = time.Now()
	// What could not be written the next piece says, too.
	_ = s.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "progress", PAXRecords: map[string]string{
		recordRows: strconv.FormatInt(rows, 10), recordTotal: strconv.FormatInt(total, 10)}})
}

// close ends the archive.
func (s *shipment) close() error {
	if s.tar == nil {
		return nil
	}
	return s.tar.Close()
}

// pieces writes a file as entries of an archive.
type pieces struct {
	tar  *tar.Writer
	name string
	buf  []byte
	any  bool
}

func (p *pieces) Write(b []byte) (int, error) {
	p.buf = append(p.buf, b...)
	if len(p.buf) < pieceBytes {
		return len(b), nil
	}
	return len(b), p.flush(false)
}

// flush writes a piece; last says that there is to be one, even an empty one.
func (p *pieces) flush(last bool) error {
	if len(p.buf) == 0 && (p.any || !last) {
		return nil
	}
	if err := p.tar.WriteHeader(&tar.Header{Name: p.name, Mode: 0o644, Size: int64(len(p.buf))}); err != nil {
		return err
	}
	_, err := p.tar.Write(p.buf)
	p.buf, p.any = p.buf[:0], true
	return err
}

// opener makes the file of that name.
type opener func(name string) (io.WriteCloser, error)

// unpacked has ask write an archive, and writes the files in it. tell hears how far it is.
func unpacked(open opener, tell func(rows, total int64), ask func(io.Writer) error) error {
	r, w := io.Pipe()
	asked := make(chan error, 1)
	go func() {
		err := ask(w)
		w.CloseWithError(err) // without one that is the end
		asked <- err
	}()
	err := unpack(r, open, tell)
	if err != nil {
		r.CloseWithError(err)
	} else {
		_, err = io.Copy(io.Discard, r) // what pads the end of an archive
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if told := <-asked; told != nil {
		return told
	}
	return err
}

// unpack reads an archive to its end.
func unpack(r io.Reader, open opener, tell func(rows, total int64)) (err error) {
	var file io.WriteCloser
	name := ""
	defer func() {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	for archive := tar.NewReader(r); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Typeflag == tar.TypeXGlobalHeader {
			tell(count(head, recordRows), count(head, recordTotal))
			continue
		}
		if file == nil || head.Name != name {
			if file != nil {
				if err := file.Close(); err != nil {
					return err
				}
			}
			name = head.Name
			if file, err = open(name); err != nil {
				return err
			}
		}
		if _, err := io.Copy(file, archive); err != nil {
			return err
		}
	}
}

func count(head *tar.Header, record string) int64 {
	n, err := strconv.ParseInt(head.PAXRecords[record], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// unclosed is a writer that somebody else closes.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// ship writes a sheet as one file, or as a folder of them.
func (s *sheet) ship(to *shipment, named bool) (rows int64, err error) {
	if s.form.Split == "" {
		name := ""
		if named {
			name = s.what + "." + s.form.Format
		}
		err := to.file(name, func(w io.Writer) error {
			_, err := s.write(w)
			return err
		})
		return s.rows, err
	}
	if err := s.look(); err != nil {
		return 0, err
	}
	for _, p := range s.parts() {
		if s.measured.rowsOf(p.sel) == 0 {
			continue
		}
		if err := s.fits(s.measured.rowsOf(p.sel)); err != nil {
			return s.rows, err
		}
		err := to.file(p.path+"/part."+s.form.Format, func(w io.Writer) error { return s.writePart(w, p.sel) })
		if err != nil {
			return s.rows, err
		}
	}
	return s.rows, nil
}

// sheetPart is a file of a sheet that is split: as Hive lays it out, which DuckDB, Polars,
// Spark and ClickHouse read as one table.
type sheetPart struct {
	path string
	sel  *selection
}

func (s *sheet) parts() (list []sheetPart) {
	symbols := [][]string{s.sel.symbols}
	if s.form.Split == "symbol" {
		symbols = nil
		for i := range s.sel.symbols {
			symbols = append(symbols, s.sel.symbols[i:i+1])
		}
	}
	for _, names := range symbols {
		for i, session := range s.sel.sessions {
			path := "date=" + session.Session.Date()
			if s.form.Split == "symbol" {
				path = "symbol=" + hiveName(names[0]) + "/" + path
			}
			list = append(list, sheetPart{path, s.sel.part(s.sel.sessions[i:i+1], names)})
		}
	}
	return list
}

// hiveName is a symbol as a folder's name: what a file system or Hive itself would take
// for something else is %XX, as Hive writes it.
func hiveName(symbol string) string {
	var name []byte
	for i := range len(symbol) {
		switch c := symbol[i]; {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.' && i > 0:
			name = append(name, c)
		default:
			name = fmt.Appendf(name, "%%%02X", c)
		}
	}
	return string(name)
}

// rowsOf is how many rows a part has.
func (m *measure) rowsOf(part *selection) (rows int64) {
	for _, symbol := range part.symbols {
		for _, s := range part.sessions {
			rows += m.of[pair{symbol, s.Session}]
		}
	}
	return rows
}
