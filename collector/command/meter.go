package command

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"tapedeck/schedule"
)

// isTerminal says whether a person looks at what is written there.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// meter shows on a terminal how far an export is, and nothing anywhere else.
type meter struct {
	w        io.Writer
	terminal bool
	begun    time.Time // of the writing
	from     int64     // rows that were written by then
	width    int
}

func newMeter(w io.Writer) *meter { return &meter{w: w, terminal: isTerminal(w)} }

// tell shows that so many rows were written, or of a total that is not known yet, read.
func (m *meter) tell(rows, total int64) {
	if !m.terminal {
		return
	}
	if total == 0 {
		m.show(fmt.Sprintf("looking at %s rows", thousands(rows)))
		return
	}
	if m.begun.IsZero() {
		m.begun, m.from = time.Now(), rows
	}
	m.show(progressLine(rows, total, rows-m.from, time.Since(m.begun)))
}

// progressLine is how far an export is: done of the rows were written in a time.
func progressLine(rows, total, done int64, in time.Duration) string {
	line := fmt.Sprintf("%s of %s rows", thousands(rows), thousands(total))
	if in < tellEvery || done <= 0 {
		return line
	}
	rate := float64(done) / in.Seconds()
	left := time.Duration(float64(max(0, total-rows)) / rate * float64(time.Second))
	return line + fmt.Sprintf(", %s a second, %s left", thousands(int64(rate)), schedule.Span(left.Round(time.Second)))
}

func (m *meter) show(text string) {
	fmt.Fprintf(m.w, "\r%s%s", text, strings.Repeat(" ", max(0, m.width-len(text))))
	m.width = len(text)
}

// end clears the line.
func (m *meter) end() {
	if m.width > 0 {
		fmt.Fprintf(m.w, "\r%s\r", strings.Repeat(" ", m.width))
	}
}

// asTable has ask write CSV, and shows its first rows for a person.
func asTable(w io.Writer, ask func(io.Writer) error) error {
	r, in := io.Pipe()
	asked := make(chan error, 1)
	go func() {
		err := ask(in)
		in.CloseWithError(err)
		asked <- err
	}()
	err := table(w, r)
	_, _ = io.Copy(io.Discard, r) // what ask says of it counts
	if told := <-asked; told != nil {
		return told
	}
	return err
}

func table(w io.Writer, r io.Reader) error {
	lines := csv.NewReader(r)
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for range headRows + 1 {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		for i := range fields {
			fields[i] = printable(fields[i])
		}
		fmt.Fprintln(out, strings.Join(fields, "\t")+"\t")
	}
	return out.Flush()
}

// printable is a text that keeps to its place on a terminal.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
