package command

import (
	"encoding/json"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is a line of a Dockerfile, such as RUN and what it runs.
type instruction struct{ word, rest string }

// dockerfile reads instructions: without comments, a continued line as one.
func dockerfile(text string) (list []instruction) {
	joined := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if begun, more := strings.CutSuffix(line, `\`); more {
			joined += begun
			continue
		}
		word, rest, _ := strings.Cut(joined+line, " ")
		list, joined = append(list, instruction{strings.ToUpper(word), strings.TrimSpace(rest)}), ""
	}
	return list
}

// stages cuts a Dockerfile at each FROM.
func stages(list []instruction) (all [][]instruction) {
	for _, i := range list {
		if i.word == "FROM" {
			all = append(all, nil)
		}
		if len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], i)
		}
	}
	return all
}

// ourStages are those of the Dockerfile: where it is built, and what runs.
func ourStages(t *testing.T) (build, final []instruction) {
	t.Helper()
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	all := stages(dockerfile(string(text)))
	if len(all) != 2 {
		t.Fatalf("the Dockerfile has %d stages", len(all))
	}
	return all[0], all[1]
}

// dockerRuns are the commands that build, without what is only for an engine.
func dockerRuns(stage []instruction) (commands []string) {
	option := regexp.MustCompile(`^--[a-z]+=\S+\s+`)
	for _, i := range stage {
		if i.word != "RUN" {
			continue
		}
		for option.MatchString(i.rest) {
			i.rest = option.ReplaceAllString(i.rest, "")
		}
		commands = append(commands, i.rest)
	}
	return commands
}

// wrongDockerfile is what a Dockerfile has that it must not have, or lacks.
func wrongDockerfile(build, final []instruction) (wrong []string) {
	all := slices.Concat(build, final)
	has := func(list []instruction, word, rest string) bool {
		return slices.Contains(list, instruction{word, rest})
	}
	at := func(word, rest string) int { return slices.Index(build, instruction{word, rest}) }
	for _, i := range all {
		switch {
		case i.word == "VOLUME":
			wrong = append(wrong, "VOLUME: Railway refuses it")
		case i.word == "ENTRYPOINT":
			wrong = append(wrong, "ENTRYPOINT: docker run IMAGE tapedeck export would not work")
		case i.word == "RUN" && strings.Contains(i.rest, "--mount"):
			wrong = append(wrong, "--mount: Railway refuses it")
		case i.word == "FROM" && !regexp.MustCompile(`^\S+:\d+\.\d+\S*( AS \w+)?$`).MatchString(i.rest):
			wrong = append(wrong, "FROM "+i.rest+": it has no version")
		}
	}
	for _, want := range []instruction{
		{"WORKDIR", "/"}, {"ENV", "PORT=8080"}, {"EXPOSE", "8080"}, {"STOPSIGNAL", "SIGTERM"},
		{"COPY", "--from=build /out/tapedeck /usr/local/bin/tapedeck"},
	} {
		if !has(final, want.word, want.rest) {
			wrong = append(wrong, "there is no "+want.word+" "+want.rest)
		}
	}
	if download, source := at("RUN", "go mod download"), at("COPY", ". ."); download < 0 || source < download {
		wrong = append(wrong, "the modules are not fetched in a layer before the source")
	}
	for word, command := range map[string][]string{"CMD": {"tapedeck", "run"}, "HEALTHCHECK": {"tapedeck", "healthcheck"}} {
		if got := execForm(final, word); !slices.Equal(got, command) {
			wrong = append(wrong, word+" is not the exec form of "+strings.Join(command, " "))
		}
	}
	return wrong
}

// execForm is the command of an instruction, nil when a shell would run it.
func execForm(stage []instruction, word string) (command []string) {
	for _, i := range stage {
		if at := strings.Index(i.rest, "["); i.word == word && at >= 0 {
			_ = json.Unmarshal([]byte(i.rest[at:]), &command)
		}
	}
	return command
}

// TestDockerfile holds what the platforms want of the image.
func TestDockerfile(t *testing.T) {
	build, final := ourStages(t)
	for _, w := range wrongDockerfile(build, final) {
		t.Error(w)
	}
	labels := ""
	for _, i := range final {
		if i.word == "LABEL" {
			labels += i.rest
		}
	}
	for _, name := range []string{"title", "description", "licenses", "version"} {
		if !strings.Contains(labels, "org.opencontainers.image."+name+"=") {
			t.Errorf("there is no label %s", name)
		}
	}
	for _, word := range []string{"CMD", "HEALTHCHECK"} {
		parser, err := newParser(console{io.Discard, io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(execForm(final, word)[1:]); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
}

// TestDockerfileCatches is the check of the check.
func TestDockerfileCatches(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"EXPOSE 8080", "VOLUME /data\nEXPOSE 8080", "VOLUME"},
		{"RUN go mod", "RUN --mount=type=cache,target=/root go mod", "--mount"},
		{"alpine:3.23", "alpine", "no version"},
		{`CMD ["tapedeck", "run"]`, `CMD tapedeck run`, "CMD is not the exec form"},
		{`CMD ["tapedeck", "run"]`, `ENTRYPOINT ["tapedeck"]`, "ENTRYPOINT"},
		{`CMD ["tapedeck", "healthcheck"]`, `CMD tapedeck healthcheck`, "HEALTHCHECK is not the exec form"},
		{"STOPSIGNAL SIGTERM\n", "", "STOPSIGNAL"},
		{"COPY go.mod go.sum ./", "COPY . .", "before the source"},
		{"WORKDIR /\n", "", "WORKDIR"},
	} {
		hurt := strings.Replace(string(text), c.old, c.new, 1)
		all := stages(dockerfile(hurt))
		if hurt == string(text) || !strings.Contains(strings.Join(wrongDockerfile(all[0], all[1]), "\n"), c.want) {
			t.Errorf("%q for %q is not noticed", c.new, c.old)
		}
	}
}

// What is left out of the image's context is what git ignores: a tracked file that is
// missing there would make the version say +dirty.
func TestDockerignore(t *testing.T) {
	lines := func(name string) (list []string) {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				list = append(list, line)
			}
		}
		return list
	}
	if got, want := lines(".dockerignore"), lines(".gitignore"); !slices.Equal(got, want) {
		t.Errorf(".dockerignore has %q, .gitignore %q", got, want)
	}
}
