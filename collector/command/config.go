package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

type configCommand struct {
	runCommand
	Format string `name:"format" env:"-" enum:"table,json" default:"table" help:"table or json (default table)." placeholder:"table|json"`
}

// flawed is the end of a command that has found faults, and said so.
type flawed int

func (n flawed) Error() string { return plural(int(n), "fault") }

// Run prints the configuration that run would have, each value with its source. What is
// wrong with it is printed, too, and not only the first: so nothing is refused here but the
// command's own line.
func (k *configCommand) Run(c console, e *environment) error {
	i := inspect(&k.runCommand, e)
	list := i.settings()
	print := tableOfSettings
	if k.Format == "json" {
		print = jsonOfSettings
	}
	if err := print(c.out, list); err != nil {
		return err
	}
	if n := i.wrongs(); n > 0 {
		return flawed(n)
	}
	return nil
}

// settings are the flags and what follows from them, with what is wrong. A fault stands at
// its flag; a second one of it, and that of a variable that nothing reads, is a line of its
// own.
func (i *inspection) settings() []setting {
	list := append(i.env.settings(i.run, i.fromFile), i.follows()...)
	for _, f := range i.faults {
		whole := setting{f.name, f.value, f.source, f.problem, f.remedy, f.slight}
		at := slices.IndexFunc(list, func(s setting) bool { return s.Name == f.name })
		switch {
		case at < 0:
			list = append(list, whole)
		case list[at].Problem == "":
			list[at].Problem, list[at].Remedy, list[at].slight = f.problem, f.remedy, f.slight
		default:
			list = slices.Insert(list, at+1, whole)
		}
	}
	hidden := i.mask()
	for n := range list {
		list[n].Problem, list[n].Remedy = hidden.secrets(list[n].Problem), hidden.secrets(list[n].Remedy)
	}
	return list
}

func jsonOfSettings(out io.Writer, list []setting) error {
	text, err := json.MarshalIndent(list, "", " ")
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", text)
	}
	return err
}

// tableOfSettings is for a person: the values, and below them what is wrong.
func tableOfSettings(out io.Writer, list []setting) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "name\tvalue\tsource")
	for _, s := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, cmp.Or(s.Value, "-"), s.Source)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range list {
		if s.Problem == "" {
			continue
		}
		grade := gradeFault
		if s.slight {
			grade = gradeDoubt
		}
		if _, err := fmt.Fprintf(out, "\n%s", finding{grade, s.Name, s.Problem, s.Remedy}); err != nil {
			return err
		}
	}
	return nil
}
