package command

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"tapedeck/collector/notify"
)

// setting is a value that run works with, as JSON has it. It holds nothing secret.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Source  string `json:"source"`
	Problem string `json:"problem,omitempty"`
	Remedy  string `json:"remedy,omitempty"`

	slight bool
}

// environment is where a lenient command finds the values of its flags.
type environment struct {
	flags []*kong.Flag // those of run
	given map[*kong.Flag]bool
	aside []flaw
}

func newEnvironment(app *kong.Application, parsed *kong.Context, aside []flaw) *environment {
	e := &environment{given: make(map[*kong.Flag]bool), aside: aside}
	for _, step := range parsed.Path {
		if step.Flag != nil {
			e.given[step.Flag] = true
		}
	}
	for _, flag := range parsed.Selected().Flags {
		if isRunFlag(app, flag.Name) {
			e.flags = append(e.flags, flag)
		}
	}
	return e
}

func isRunFlag(app *kong.Application, name string) bool {
	return slices.ContainsFunc(app.Children, func(n *kong.Node) bool {
		return n.Name == "run" && slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == name })
	})
}

func (e *environment) flag(name string) *kong.Flag {
	i := slices.IndexFunc(e.flags, func(f *kong.Flag) bool { return f.Name == name })
	return e.flags[max(i, 0)]
}

// source is where the value of a flag is from: the command line, a variable or nowhere.
func (e *environment) source(name string) string {
	flag := e.flag(name)
	if e.given[flag] {
		return "flag"
	}
	for _, variable := range flag.Envs {
		if _, ok := os.LookupEnv(variable); ok {
			return variable
		}
	}
	return "default"
}

// right is a line that gives a flag a right value in the way in which it got a wrong one.
func (e *environment) right(name, value string) string {
	switch source := e.source(name); source {
	case "flag":
		return program() + " run --" + name + " " + shellWord(value) + "   # instead"
	case "default":
		return giveLine(e.flag(name).Envs[0], value)
	default:
		return setLine(source, value)
	}
}

// settings are the flags' values.
func (e *environment) settings(r *runCommand, fromFile map[string]string) (list []setting) {
	for _, flag := range e.flags {
		s := setting{Name: flag.Name, Value: r.shown(flag), Source: e.source(flag.Name)}
		if name, ok := fromFile[flag.Name]; ok {
			s.Source = "file " + name
		}
		list = append(list, s)
	}
	return list
}

// shown is a flag's value as anybody may read it.
func (r *runCommand) shown(flag *kong.Flag) string {
	switch flag.Name {
	case "feed-url":
		if r.FeedURL == "" {
			return ""
		}
		return maskedURL(r.FeedURL)
	case "heartbeat-url":
		return hostOf(string(r.HeartbeatURL))
	case "notify-urls":
		return strings.Join(targetNames(r.NotifyURLs), ", ")
	}
	switch v := flag.Target.Interface().(type) {
	case key:
		if v == "" || v == "demo" { // which everybody knows
			return string(v)
		}
		return masked
	case *string:
		if v == nil {
			return ""
		}
		return strconv.Quote(*v)
	case symbolList:
		return strings.Join(v, ",")
	case exports:
		return strings.Join(v, " ")
	default:
		return fmt.Sprint(v)
	}
}

// hostOf is the host of an address, the rest of which is secret.
func hostOf(address string) string {
	if address == "" {
		return ""
	}
	u, err := parseWeb(address)
	if err != nil {
		return masked
	}
	return u.Host
}

// targetNames are the names of those that can be named.
func targetNames(addresses []string) (names []string) {
	for _, address := range addresses {
		list, err := notify.Targets([]string{address})
		if err != nil {
			names = append(names, masked)
			continue
		}
		names = append(names, list[0].Name())
	}
	return names
}
