package command

import (
	"fmt"
	"strings"

	"tapedeck/store"
)

// describe is the line on stderr about what was exported.
func (sel *selection) describe(f *store.Reading, what string, rows int64) (string, error) {
	down, unknown, err := sel.missing(f)
	if err != nil {
		return "", err
	}
	names := strings.Join(sel.symbols[:min(5, len(sel.symbols))], ",")
	if n := len(sel.symbols); n > 5 {
		names += fmt.Sprintf(" ... (%d)", n)
	}
	line := fmt.Sprintf("%s rows, %s %s, %s. %s s down", thousands(rows), names, what, sel, thousands(down))
	if unknown > 0 {
		line += fmt.Sprintf(", %s s unknown", thousands(unknown))
	}
	line += "."
	for _, s := range sel.sessions {
		if simulated(s.Source) {
			line += " SIMULATED, not market data."
			break
		}
	}
	return line + "\n", nil
}

// simulated says whether a session's source is a generated market.
func simulated(source string) bool { return strings.HasPrefix(source, "simulated") }

// thousands writes 4112 as 4,112.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
