package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// warnUnknownVariables names each TAPEDECK_ variable that no flag reads, with the
// nearest one that is.
func warnUnknownVariables(model *kong.Application, environment []string, w io.Writer) {
	known := variablesOf(model.Node)
	for _, name := range unknownVariables(known, environment) {
		fmt.Fprintf(w, "Warning: %s is not known; the nearest is %s\n", name, nearest(name, known))
	}
}

// unknownVariables are those of our kind that are none of the known ones.
func unknownVariables(known, environment []string) (names []string) {
	for _, entry := range environment {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "TAPEDECK_") && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	return names
}

func variablesOf(node *kong.Node) []string {
	var names []string
	for _, flag := range node.Flags {
		names = append(names, flag.Envs...)
	}
	for _, child := range node.Children {
		names = append(names, variablesOf(child)...)
	}
	return names
}

func nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance is Levenshtein's: how many letters to add, drop or change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
