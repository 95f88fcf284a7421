package command

import (
	"errors"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// flaw is a setting that is wrong, with the way out. It holds nothing secret.
type flaw struct {
	name    string // of the flag; of a variable that nothing reads the variable's
	source  string // where the wrong value is from
	value   string // which it is, "" where that is secret or not known
	problem string // a sentence about the value
	remedy  string // a line for a shell, its words behind a #
	slight  bool   // run takes it, though it is hardly what was meant
}

// lenient are the commands that read a configuration to say what is wrong with it: a wrong
// variable does not end them.
var lenient = []string{"config", "doctor"}

// lenientNode is the command of a call when it is one of those, else nil.
func lenientNode(app *kong.Application, args []string) *kong.Node {
	if len(args) == 0 || !slices.Contains(lenient, args[0]) {
		return nil
	}
	for _, node := range app.Children {
		if node.Name == args[0] {
			return node
		}
	}
	return nil
}

// setAside tries each variable of a command by itself. Those with a wrong value it takes away
// from their flags, so that everything else can be read, and returns what is wrong with them.
func setAside(node *kong.Node) (faults []flaw) {
	for _, flag := range node.Flags {
		good := slices.Clone(flag.Envs)
		for _, variable := range flag.Envs {
			text, ok := os.LookupEnv(variable)
			if !ok {
				continue
			}
			if err := tryValue(flag, text); err != nil {
				good = slices.DeleteFunc(good, func(v string) bool { return v == variable })
				faults = append(faults, wrongVariable(flag, variable, text, err))
			}
		}
		flag.Envs, flag.Tag.Envs = good, good
	}
	return faults
}

// tryValue reads a text as a flag would, and leaves the flag as it is.
func tryValue(flag *kong.Flag, text string) error {
	defer func(set bool) { flag.Set = set }(flag.Set)
	scratch := reflect.New(flag.Target.Type()).Elem()
	token := kong.Token{Type: kong.FlagValueToken, Value: text}
	if err := flag.Parse(kong.ScanFromTokens(token), scratch); err != nil {
		if bare := errors.Unwrap(err); bare != nil { // without the name of the flag
			return bare
		}
		return err
	}
	if flag.Enum != "" && !flag.EnumMap()[text] {
		return errors.New(strconv.Quote(text) + " is none of " + strings.Join(flag.EnumSlice(), ", "))
	}
	return nil
}

func wrongVariable(flag *kong.Flag, variable, text string, err error) flaw {
	shown := text
	if isSecret(flag) {
		shown = masked
	}
	return flaw{name: flag.Name, source: variable, value: shown, problem: variable + ": " + err.Error(), remedy: setLine(variable, rightValue(flag, text))}
}

// rightValue is one that the flag takes: the wrong one where it can be mended, else an
// example.
func rightValue(flag *kong.Flag, wrong string) string {
	var names []string
	for name := range strings.SplitSeq(wrong, ",") {
		names = append(names, strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(name)), ".US"))
	}
	example := strings.Trim(flag.PlaceHolder, `"`)
	switch mended := strings.Join(names, ","); {
	case flag.Name == "symbols" && tryValue(flag, mended) == nil:
		return mended
	case flag.Enum != "":
		return flag.EnumSlice()[0]
	case flag.IsBool() && flag.HasDefault:
		return flag.Default
	case flag.IsBool():
		return "false"
	case example == "" && flag.HasDefault:
		return flag.Default
	}
	return example
}

// setLine sets a variable to another value, or has nobody set it.
func setLine(variable, value string) string {
	line := giveLine(variable, value)
	if onRailway() {
		return line
	}
	return line + "   # or: unset " + variable
}

// giveLine sets a variable. Where Railway runs us that is done from outside, as there is no
// shell whose variables we get.
func giveLine(variable, value string) string {
	if onRailway() {
		return "railway variables --set " + shellWord(variable+"="+value)
	}
	return "export " + variable + "=" + shellWord(value)
}

// shellWord is a text as one word of a shell.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:,@%+=~", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// unknownFaults are the variables that nothing reads. Their values are not shown: they may be
// keys.
func unknownFaults(app *kong.Application, environment []string) (faults []flaw) {
	known := variablesOf(app.Node)
	for _, name := range unknownVariables(known, environment) {
		near := nearest(name, known)
		remedy := "unset " + name + "   # the nearest that is known is " + near
		if distance(name, near) <= misspelled {
			remedy = "export " + near + `="$` + name + `"; unset ` + name
		}
		faults = append(faults, flaw{name: name, source: name, problem: name + " is not known, nothing reads it; the nearest is " + near, remedy: remedy})
	}
	return faults
}

// misspelled is how many letters a name may be off for the nearest to be what was meant.
const misspelled = 4
