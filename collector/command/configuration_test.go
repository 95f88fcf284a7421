package command

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the table of TestConfigurationTable into README.md anew")

const (
	tableBegins = "<!-- flags of run -->"
	tableEnds   = "<!-- end -->"
)

// flagsOf are the names of all flags of a command and of those below it, with what switches
// one off.
func flagsOf(node *kong.Node) (names []string) {
	for _, f := range node.Flags {
		names = append(names, f.Name)
		names = append(names, f.Aliases...)
		if f.Tag.Negatable != "" {
			names = append(names, "no-"+f.Name)
		}
	}
	for _, child := range node.Children {
		names = append(names, flagsOf(child)...)
	}
	return names
}

var (
	byDefault = regexp.MustCompile(`\s*\(default (.*)\)([.;].*)?$`)
	inWords   = regexp.MustCompile(`\s*Default: (.*)$`) // where it takes a sentence
)

// configurationRow is a flag as a row of the table.
func configurationRow(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Tag.Negatable != "" {
		name = "--[no-]" + f.Name
	}
	if !f.IsBool() {
		name += " " + f.PlaceHolder
	}
	help, value := f.Help, ""
	if m := byDefault.FindStringSubmatch(help); m != nil {
		help, value = strings.TrimSuffix(help, m[0])+m[2], m[1]
	} else if m := inWords.FindStringSubmatch(help); m != nil {
		help, value = strings.TrimSuffix(help, m[0]), m[1]
	}
	var variables []string
	for _, v := range f.Envs {
		variables = append(variables, "`"+v+"`")
	}
	plain := strings.NewReplacer("|", `\|`, "*", `\*`)
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", strings.ReplaceAll(name, "|", `\|`), strings.Join(variables, " "),
		plain.Replace(strings.TrimSuffix(value, ".")), plain.Replace(strings.TrimSuffix(help, ".")))
}

// runOf is the command run.
func runOf(model *kong.Application) *kong.Node {
	return model.Children[slices.IndexFunc(model.Children, func(n *kong.Node) bool { return n.Name == "run" })]
}

// configurationTable is the table of the flags of run.
func configurationTable(model *kong.Application) string {
	var b strings.Builder
	b.WriteString("| flag | variables | default | what |\n|---|---|---|---|\n")
	for _, f := range runOf(model).Flags {
		if !f.Hidden && f.Name != "help" {
			b.WriteString(configurationRow(f))
		}
	}
	return b.String()
}

// TestConfigurationTable holds the README's table against the flags; -update writes it.
func TestConfigurationTable(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), tableBegins+"\n")
	got, after, ended := strings.Cut(rest, tableEnds+"\n")
	if !ok || !ended {
		t.Fatalf("README.md has no lines %s and %s", tableBegins, tableEnds)
	}
	want := configurationTable(newTypist(t).model)
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("the table is not that of the flags: go test -run TestConfigurationTable ./collector/command -update\n%s", want)
	}
	if err := os.WriteFile("../../README.md", []byte(before+tableBegins+"\n"+want+tableEnds+"\n"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
