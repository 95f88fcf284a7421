package command

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/robfig/cron/v3"
	"go.yaml.in/yaml/v3"

	"tapedeck/schedule"
)

// block is a fenced block of the README.
type block struct {
	line     int // of its fence
	language string
	text     string
	before   string // the line above the fence that has something in it
}

// readBlocks cuts a page into its fenced blocks and the rest, of which the lines in blocks
// are empty.
func readBlocks(page string) (blocks []block, rest []string, err error) {
	var open *block
	before := ""
	for i, line := range strings.Split(page, "\n") {
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, language: language, before: before}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			if strings.TrimSpace(line) != "" {
				before = line
			}
			rest = append(rest, line)
			continue
		}
		rest = append(rest, "")
	}
	if open != nil {
		err = fmt.Errorf("line %d: the block has no end", open.line)
	}
	return blocks, rest, err
}

// ranBy are the languages whose first block in the README is run, and the test that runs it.
var ranBy = map[string]string{
	"python": "TestRecipesPandas", "js": "TestRecipesPolars", "sql": "TestRecipesDuckDB", "sh": "TestRecipesOverHTTP", "py": "TestRecipesOverHTTP", "cron": "TestRecipesRclone",
}

// TestReadme goes through every block of the README: each is run by a test, or what a person
// would type or write into a file is parsed by what would read it.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, rest, err := readBlocks(string(page))
	if err != nil {
		t.Fatal(err)
	}
	y := newTypist(t)
	seen := make(map[string]bool)
	for _, b := range blocks {
		if test, run := ranBy[b.language]; run && !seen[b.language] {
			seen[b.language] = true
			if tests, err := y.packages.read("."); err != nil || !slices.Contains(tests.names, test) {
				t.Errorf("README.md:%d: there is no %s: %v", b.line, test, err)
			}
			continue
		}
		if err := y.block(b); err != nil {
			t.Errorf("README.md:%d: %v", b.line, err)
		}
	}
	for _, err := range y.spans(rest) {
		t.Error(err)
	}
}

// block checks a block that no test runs.
func (y *typist) block(b block) error {
	switch b.language {
	case "", "text", "console", "bash", "sh":
		return y.lines(b.text)
	case "env":
		return y.environment(b.text)
	case "cron":
		return y.crontab(b.text)
	case "yaml", "yml":
		return y.yaml(b.text)
	case "ini", "systemd":
		return y.unit(b.text)
	case "dockerfile", "Dockerfile":
		return instructions(b.text)
	case "json":
		return json.Unmarshal([]byte(b.text), new(any))
	case "csv":
		_, err := csv.NewReader(strings.NewReader(b.text)).ReadAll()
		return err
	case "python", "py":
		return reads(b.text, "python3", "-c", "import ast, sys; ast.parse(sys.stdin.read())")
	case "js":
		return reads(b.text, "node", "--check", "-")
	case "sql": // one that needs what is not here
		if !strings.Contains(b.before, "which no test runs") {
			return errors.New("no test runs it, and the README does not say so above it")
		}
		return statements(b.text)
	}
	return fmt.Errorf("nobody knows how to check a block of %q", b.language)
}

// lines are commands, or days for --calendar-file.
func (y *typist) lines(text string) error {
	check := y.line
	if regexp.MustCompile(`^\d{4}-\d\d-\d\d `).MatchString(text) {
		check = func(line string) error { // of a day there may be more than one example
			_, err := schedule.ParseOverrides(line)
			return err
		}
	}
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if err := check(strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

// environment is NAME=value, a line each.
func (y *typist) environment(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("%q is no NAME=value", line)
		}
		if err := y.variable(name); err != nil {
			return err
		}
	}
	return nil
}

// crontab is five fields and a command, a line each.
func (y *typist) crontab(text string) error {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) < 6 {
			return fmt.Errorf("%q has no command", line)
		}
		if _, err := cron.ParseStandard(strings.Join(words[:5], " ")); err != nil {
			return err
		}
		if err := y.line(strings.Join(words[5:], " ")); err != nil {
			return err
		}
	}
	return nil
}

// composed is what is looked at of a service of compose.
type composed struct {
	Environment any
	Command     any
	Healthcheck struct{ Test any }
	Logging     struct{ Options map[string]string }
}

// yaml parses; of a file for compose its commands and variables are looked at.
func (y *typist) yaml(text string) error {
	var file struct{ Services map[string]composed }
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		return err
	}
	for _, s := range file.Services {
		names := listOf(s.Environment)
		if m, ok := s.Environment.(map[string]any); ok {
			for name := range m {
				names = append(names, name)
			}
		}
		for _, entry := range names {
			name, _, _ := strings.Cut(entry, "=")
			if err := y.variable(name); err != nil {
				return err
			}
		}
		for _, words := range [][]string{listOf(s.Command), listOf(s.Healthcheck.Test)} {
			if len(words) > 0 && words[0] == "CMD" {
				words = words[1:]
			}
			if err := y.command(words); err != nil {
				return err
			}
		}
	}
	return nil
}

// listOf is a list of compose, of which a text is one with its words.
func listOf(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		for _, e := range v {
			list = append(list, fmt.Sprint(e))
		}
	}
	return list
}

// unit is sections of Key=value; what a unit starts is parsed.
func (y *typist) unit(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' && strings.HasSuffix(line, "]"):
		case !ok || strings.Contains(key, " "):
			return fmt.Errorf("%q is no Key=value", line)
		case strings.HasPrefix(key, "Exec"):
			if err := y.line(strings.TrimLeft(value, "-@+!:")); err != nil {
				return err
			}
		case key == "Environment":
			if err := y.environment(strings.Trim(value, `"`)); err != nil {
				return err
			}
		}
	}
	return nil
}

// instructions are those of a Dockerfile.
func instructions(text string) error {
	known := strings.Fields("ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL RUN SHELL STOPSIGNAL USER WORKDIR")
	for _, i := range dockerfile(text) {
		if !slices.Contains(known, i.word) || i.rest == "" {
			return fmt.Errorf("%s is no instruction of a Dockerfile that works everywhere", i.word)
		}
	}
	return nil
}

// reads has a program read a text, where there is such a program.
func reads(text, name string, args ...string) error {
	if _, err := exec.LookPath(name); err != nil {
		return nil
	}
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// statements looks at the outside of SQL that cannot be run here.
func statements(text string) error {
	text = strings.TrimSpace(text)
	if !strings.HasSuffix(text, ";") || strings.Count(text, "(") != strings.Count(text, ")") || strings.Count(text, "'")%2 != 0 {
		return errors.New("the statements are not whole")
	}
	for statement := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		if word := strings.Fields(statement + " ?")[0]; !slices.Contains([]string{"select", "create", "copy", "install", "load", "attach"}, strings.ToLower(word)) {
			return fmt.Errorf("no statement begins with %s", word)
		}
	}
	return nil
}

var backticks = regexp.MustCompile("`([^`]+)`")

// spans checks what stands in the text between backticks: commands of go test and of the program,
// flags, variables. In a table ... and a flag alone go on with the go test above them.
func (y *typist) spans(lines []string) (wrong []error) {
	above := ""
	generated := false
	for i, line := range lines {
		if strings.HasPrefix(line, "<!-- ") {
			generated = line == tableBegins
		}
		if !strings.HasPrefix(line, "|") {
			above = ""
		}
		for _, m := range backticks.FindAllStringSubmatch(line, -1) {
			text := strings.ReplaceAll(m[1], `\|`, "|")
			if more, ok := strings.CutPrefix(text, "... -"); ok && above != "" {
				text = above + " -" + more
			} else if above != "" && regexp.MustCompile(`^-[a-z]{3}`).MatchString(text) {
				text = above + " " + text
			}
			if strings.HasPrefix(text, "go test") && strings.HasPrefix(line, "|") {
				above = text
			}
			if generated {
				continue
			}
			if err := y.span(text); err != nil {
				wrong = append(wrong, fmt.Errorf("README.md:%d: `%s`: %w", i+1, m[1], err))
			}
		}
	}
	return wrong
}

func (y *typist) span(text string) error {
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		return nil
	case words[0] == "go", words[0] == "tapedeck" && len(words) > 1, regexp.MustCompile(`^[A-Z_]+=\S+ \S`).MatchString(text):
		return y.line(text)
	case strings.HasPrefix(text, "--"):
		return y.flag(words[0])
	case regexp.MustCompile(`^TAPEDECK_[A-Z_]+$`).MatchString(words[0]):
		return y.variable(words[0])
	}
	return nil
}

// flag looks for a flag such as --symbols or --[no-]news in all commands.
func (y *typist) flag(text string) error {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimRight(text, ".,;"), "--"), "=")
	name = strings.TrimPrefix(name, "[no-]")
	if slices.Contains(flagsOf(y.model.Node), name) {
		return nil
	}
	return fmt.Errorf("no command has the flag --%s", name)
}

// TestReadmeCatches is the check of the check: each of these is wrong in one thing.
func TestReadmeCatches(t *testing.T) {
	y := newTypist(t)
	for _, c := range []struct{ language, good, bad string }{
		{"", "go run . demo   # a word\n", "go run . demos\n"},
		{"", "EODHD_API_KEY=demo \\\n  tapedeck run --symbols A\n", "EODHD_API_KEY=demo \\\n  tapedeck run --simbols A\n"},
		{"", "2027-01-15 early 13:00 # a word\n", "2027-01-15 sometimes\n"},
		{"env", "# a word\nHEARTBEAT_URL=https://example.com/a=b\n", "HEART_URL=https://example.com\n"},
		{"cron", "30 17 * * MON-FRI tapedeck backup /mnt/a.db\n", "30 25 * * * tapedeck backup /mnt/a.db\n"},
		{"yaml", "services:\n  t:\n    command: tapedeck run --symbols A\n    environment: [PORT=1]\n", "services:\n  t:\n    command: tapedeck ran\n"},
		{"yaml", "services: {t: {environment: {SYMBOLS: A}}}\n", "services: {t: {environment: {SYMBOL: A}}}\n"},
		{"yaml", "a: [1]\n", "a: [1\n"},
		{"ini", "[Service]\nExecStart=/usr/local/bin/tapedeck run --db %S/a.db\n", "[Service]\nExecStart=/usr/local/bin/tapedeck run --dd a\n"},
		{"dockerfile", "FROM a:1\nRUN a\n", "FROM a:1\nVOLUME /data\n"},
		{"json", "{}", "{"},
		{"csv", "a,b\n1,2\n", "a,b\n1\n"},
		{"sql", "select 1;\n", "selekt 1;\n"},
	} {
		if err := y.block(block{language: c.language, text: c.good, before: "which no test runs"}); err != nil {
			t.Errorf("%s %q: %v", c.language, c.good, err)
		}
		if y.block(block{language: c.language, text: c.bad, before: "which no test runs"}) == nil {
			t.Errorf("%s %q is not noticed", c.language, c.bad)
		}
	}
	if y.block(block{language: "brainfuck"}) == nil || y.block(block{language: "sql", text: "select 1;"}) == nil {
		t.Error("a block that nobody checks is not noticed")
	}
	table := "| a | `go test -run TestCrash ./store` |"
	for _, line := range []string{table + "\n| b | `-crashes 3` |", table + "\n| b | `... -crashes 3` and `--symbols A,B` |", "`--[no-]news`, `TAPEDECK_DB`, `-o FILE`"} {
		if wrong := y.spans(strings.Split(line, "\n")); len(wrong) > 0 {
			t.Errorf("%s: %v", line, wrong)
		}
	}
	for _, line := range []string{table + "\n| b | `-crash 3` |", table + "\n| b | `... -crash 3` |", "`--simbols A`", "`TAPEDECK_DBS`", "`go run . exprt`", "`SYMBOL=A tapedeck run`"} {
		if len(y.spans(strings.Split(line, "\n"))) == 0 {
			t.Errorf("%s is not noticed", line)
		}
	}
}
