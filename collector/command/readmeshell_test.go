package command

import (
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The commands of the README, parsed as a shell and then the program would, and not run.

// shellCommands are the simple commands of a line, each as its words: what pipes, &&, || and ;
// part, without redirections and a comment. It knows quotes; variables stay as they are.
func shellCommands(line string) (commands [][]string, err error) {
	l := lexer{text: line}
	for l.next() {
	}
	l.end()
	return l.commands, l.err
}

type lexer struct {
	text     string
	at       int
	word     strings.Builder
	begun    bool // there is a word, which may be empty
	skip     bool // the next word is where something is redirected to
	words    []string
	commands [][]string
	err      error
}

func (l *lexer) endWord() {
	if l.begun && !l.skip {
		l.words = append(l.words, l.word.String())
	}
	l.skip = l.skip && !l.begun
	l.begun = false
	l.word.Reset()
}

func (l *lexer) end() {
	l.endWord()
	if len(l.words) > 0 {
		l.commands = append(l.commands, l.words)
	}
	l.words = nil
}

// next takes one character, or a quoted part.
func (l *lexer) next() bool {
	if l.at >= len(l.text) || l.err != nil {
		return false
	}
	c := l.text[l.at]
	l.at++
	switch {
	case c == '\'' || c == '"':
		l.quoted(c)
	case c == '\\' && l.at < len(l.text):
		l.begun = true
		l.word.WriteByte(l.text[l.at])
		l.at++
	case c == ' ' || c == '\t':
		l.endWord()
	case c == '#' && !l.begun:
		l.at = len(l.text)
	case c == '|' || c == ';' || c == '&' && !l.skip: // in 2>&1 it is no end
		l.end()
	case c == '<' || c == '>':
		if number := l.word.String(); number == "1" || number == "2" {
			l.word.Reset()
			l.begun = false
		}
		l.endWord()
		l.skip = true
		l.at += len(l.text[l.at:]) - len(strings.TrimLeft(l.text[l.at:], ">"))
		if strings.HasPrefix(l.text[l.at:], "<") {
			l.err = errors.New("a here document is not read")
		}
	default:
		l.begun = true
		l.word.WriteByte(c)
	}
	return true
}

func (l *lexer) quoted(quote byte) {
	l.begun = true
	end := strings.IndexByte(l.text[l.at:], quote)
	if end < 0 {
		l.err = fmt.Errorf("a %c without its end", quote)
		return
	}
	l.word.WriteString(l.text[l.at : l.at+end])
	l.at += end + 1
}

func TestShellCommands(t *testing.T) {
	for line, want := range map[string][][]string{
		`a 'b c' "d"e # f`:              {{"a", "b c", "de"}},
		`a && b|c; d || e &`:            {{"a"}, {"b"}, {"c"}, {"d"}, {"e"}},
		`a > b.txt 2>&1 | c >> d`:       {{"a"}, {"c"}},
		`a "" x#y \# "#"`:               {{"a", "", "x#y", "#", "#"}},
		`K="v w" a -o - < file`:         {{"K=v w", "a", "-o", "-"}},
		`# only a comment`:              nil,
		`a --url "http://h/?b=1&c=2;d"`: {{"a", "--url", "http://h/?b=1&c=2;d"}},
	} {
		if got, err := shellCommands(line); err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%s: %q %v, want %q", line, got, err, want)
		}
	}
	for _, line := range []string{`a 'b`, `a << end`} {
		if _, err := shellCommands(line); err == nil {
			t.Errorf("%s is no error", line)
		}
	}
}

// typist checks what a person is told to type.
type typist struct {
	model    *kong.Application
	packages goPackages
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	parser, err := newParser(console{io.Discard, io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return &typist{model: parser.Model, packages: make(goPackages)}
}

var (
	// carriers run the command that their words hold.
	carriers = []string{"sudo", "ssh", "docker", "railway", "timeout", "env", "nohup"}
	// strangers are commands of others that may stand in the README, and are not looked into.
	strangers = []string{"cd", "git", "curl", "scp", "rsync", "rclone", "cp", "mv", "mkdir", "cat", "echo", "tee", "install", "useradd", "chown", "chmod",
		"apt-get", "systemctl", "journalctl", "grep", "head", "less", "sha256sum", "kill", "open", "npm", "node", "crontab", "sqlite3", "duckdb"}
	// goCommands are those of go that are not looked into.
	goCommands = []string{"build", "install", "version", "mod", "vet", "env", "tool"}
	// outsideVariables are those that others than the program read.
	outsideVariables = []string{"PORT", "GOOS", "GOARCH", "GOARM", "CGO_ENABLED", "GOMEMLIMIT", "GOTOOLCHAIN", "TZ",
		"RAILWAY_DEPLOYMENT_DRAINING_SECONDS", "RAILWAY_HEALTHCHECK_TIMEOUT_SEC", "RAILWAY_RUN_UID"}
	assignment = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=`)
)

// line checks a line for a shell.
func (y *typist) line(text string) error {
	commands, err := shellCommands(strings.TrimPrefix(text, "$ "))
	for _, words := range commands {
		if err := y.command(words); err != nil {
			return err
		}
	}
	return err
}

func (y *typist) command(words []string) error {
	for len(words) > 0 && assignment.MatchString(words[0]) {
		if err := y.variable(assignment.FindStringSubmatch(words[0])[1]); err != nil {
			return err
		}
		words = words[1:]
	}
	switch {
	case len(words) == 0:
		return nil
	case slices.Contains(carriers, words[0]):
		return y.carried(words[1:])
	case words[0] == "go":
		return y.goCommand(words[1:])
	case path.Base(words[0]) == "tapedeck":
		return y.parse(words[1:])
	case slices.Contains(strangers, words[0]):
		return nil
	}
	return fmt.Errorf("%s is no command that is known here", words[0])
}

// carried looks for the program in the words of a command that runs others.
func (y *typist) carried(words []string) error {
	for i, word := range words {
		if commands, err := shellCommands(word); err == nil && strings.Contains(word, " ") && len(commands) > 0 && path.Base(commands[0][0]) == "tapedeck" {
			return y.line(word) // ssh takes it as one
		}
		if path.Base(word) == "tapedeck" && i+1 < len(words) && y.subcommand(words[i+1]) {
			return y.parse(words[i+1:])
		}
	}
	return nil
}

func (y *typist) subcommand(name string) bool {
	return slices.ContainsFunc(y.model.Children, func(n *kong.Node) bool { return n.Name == name })
}

func (y *typist) goCommand(words []string) error {
	switch {
	case len(words) > 1 && words[0] == "run" && words[1] == ".":
		return y.parse(words[2:])
	case len(words) > 0 && words[0] == "test":
		return y.packages.check(words[1:])
	case len(words) > 0 && slices.Contains(goCommands, words[0]):
		return nil
	}
	return fmt.Errorf("go %s is not known here", strings.Join(words, " "))
}

// variable looks whether run reads a variable, or somebody else does.
func (y *typist) variable(name string) error {
	if slices.Contains(variablesOf(runOf(y.model)), name) || slices.Contains(outsideVariables, name) {
		return nil
	}
	return fmt.Errorf("nobody reads the variable %s", name)
}

// completed is a command that looks at its flags before it does anything.
type completed interface{ complete() error }

// parse has the program's own parser read its arguments. Three dots at the end stand for what
// else a person wants to say.
func (y *typist) parse(words []string) (err error) {
	defer func() { // --help is a way out
		if p := recover(); p != nil {
			if _, ok := p.(exited); !ok {
				panic(p)
			}
		}
	}()
	words = slices.Clone(words)
	for i, word := range words {
		if strings.HasPrefix(word, "@") { // a list that is not here
			words[i] = "QLD"
		}
	}
	if n := len(words) - 1; n >= 0 && words[n] == "..." {
		words = words[:n]
	}
	if len(words) == 0 {
		return nil
	}
	parser, err := newParser(console{io.Discard, io.Discard})
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(words)
	if err != nil {
		return fmt.Errorf("tapedeck %s: %w", strings.Join(words, " "), err)
	}
	if c, ok := parsed.Selected().Target.Addr().Interface().(completed); ok {
		return c.complete()
	}
	return nil
}

// TestTypist is the check of the check.
func TestTypist(t *testing.T) {
	y := newTypist(t)
	for _, line := range []string{
		`go run . export 5m --session all -o 5m.parquet`,
		`EODHD_API_KEY=... go run . run --symbols QLD,QQQ ...`,
		`docker exec tapedeck tapedeck export 100t | head -3 > x.csv`,
		`railway ssh -- tapedeck export 1s`,
		`ssh vps 'tapedeck export 1s --session all' > x.csv`,
		`CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build -trimpath -o tapedeck . && scp tapedeck vps:`,
		`tapedeck systemd | sudo tee /etc/systemd/system/tapedeck.service`,
		`go test -run TestCrash ./store -v -crashes 300`,
		`go test -run '^$' -bench 'Commit/symbols=11000' -benchtime 100x ./store`,
		`go test ./...`,
	} {
		if err := y.line(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{
		`go run . exprt`,
		`go run . export 7q`,
		`go run . run --symbol-list QLD`,
		`EODHD_KEY=x go run . run`,
		`docker exec tapedeck tapedeck export --sesion all`,
		`railway ssh -- tapedeck export --sesion all`,
		`ssh vps 'tapedeck export --sesion all'`,
		`git pull && frobnicate`,
		`tapedeck status | sudo tapedeck backup`,
		`go rum .`,
		`go test -run TestNothingOfTheKind ./store`,
		`go test -bench NothingOfTheKind -run '^$' ./store`,
		`go test -run TestCrash ./store -crash 300`,
		`go test -run TestCrash ./stores`,
	} {
		if y.line(line) == nil {
			t.Errorf("%s is not noticed", line)
		}
	}
}
