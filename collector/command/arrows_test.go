package command_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// arrows says for each package of the module which others it may import. A package
// that is not here is an error: a new room is a decision. any stands for all.
var arrows = map[string][]string{
	".":                  {"collector/command"},
	"collector/command":  {"any"},
	"collector":          {"collector/candle", "collector/ledger", "schedule"},
	"collector/candle":   {},
	"collector/ledger":   {},
	"collector/news":     {},
	"collector/news/rss": {"collector/news"},
	"collector/eodhd":    {"collector/candle"},
	"collector/playback": {"collector/candle", "collector/ledger"},
	"collector/monitor":  {"collector/candle", "collector/ledger", "collector/news"},
	"collector/logs":     {},
	"collector/notify":   {},
	"store":              {"collector/candle", "collector/ledger", "collector/news", "store/block", "store/pages"},
	"store/block":        {"collector/candle"},
	"store/pages":        {},
	"store/export":       {"collector/candle", "collector/ledger", "collector/news"},
	"schedule":           {"collector/ledger"},
}

// pure are the packages without clock, lock, goroutine and I/O; impureFiles is what
// they are forgiven.
var (
	pure        = []string{"collector/candle", "collector/ledger", "collector/news", "schedule", "store/block"}
	impureFiles = []string{"schedule/run.go", "schedule/jobs.go"}
)

// clockFiles are the only ones that read the clock, sleep or set a timer. What no
// longer does must leave the list.
var clockFiles = []string{
	"collector/clock.go",
	"collector/keeper.go",
	"collector/stream.go",
	"collector/try.go",
	"collector/news/rss/fetch.go",
	"collector/news/rss/parse.go",
	"collector/news/rss/poller.go",
	"collector/command/alarms.go",
	"collector/command/ask.go",
	"collector/command/calendar.go",
	"collector/command/calendarat.go",
	"collector/command/command.go",
	"collector/command/compact.go",
	"collector/command/demo.go",
	"collector/command/doctorchecks.go",
	"collector/command/doctorclock.go",
	"collector/command/doctordisk.go",
	"collector/command/feed.go",
	"collector/command/follow.go",
	"collector/command/meter.go",
	"collector/command/news.go",
	"collector/command/notifytest.go",
	"collector/command/open.go",
	"collector/command/report.go",
	"collector/command/run.go",
	"collector/command/serve.go",
	"collector/command/shipment.go",
	"collector/command/show.go",
	"collector/command/sitelive.go",
	"collector/command/sitenumbers.go",
	"collector/command/sitesnapshot.go",
	"collector/command/sitestatus.go",
	"collector/command/statusfeeds.go",
	"collector/command/timedtape.go",
	"collector/command/verify.go",
	"collector/command/watchdog.go",
	"collector/eodhd/conn.go",
	"collector/eodhd/dial.go",
	"collector/eodhd/refusal.go",
	"collector/logs/handler.go",
	"collector/monitor/access.go",
	"collector/monitor/events.go",
	"collector/monitor/hub.go",
	"collector/monitor/patient.go",
	"collector/notify/heartbeat.go",
	"collector/notify/outbox.go",
	"collector/playback/clock.go",
	"collector/playback/conn.go",
	"collector/playback/slots.go",
	"collector/playback/timed.go",
	"schedule/jobs.go",
	"schedule/run.go",
	"store/backup.go",
	"store/file.go",
	"store/scan.go",
	"store/view.go",
}

// topLevel is what the owner wants to see there, beside dot-files.
var topLevel = []string{"main.go", "collector", "store", "schedule", "data", "Dockerfile", "go.mod", "go.sum", "README.md", "LICENSE"}

// TestArrows holds the layout of the module: who imports whom, which packages are
// pure, which files know the time, who may exit.
func TestArrows(t *testing.T) {
	wrong, err := checkTree(os.DirFS("../.."), clockFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrong {
		t.Error(w)
	}
}

func TestTopLevel(t *testing.T) {
	git := exec.Command("git", "ls-files", "-z")
	git.Dir = "../.."
	listed, err := git.Output()
	if err != nil {
		t.Skipf("not a git checkout: git ls-files: %v", err)
	}
	for _, w := range checkTop(strings.Split(strings.TrimSuffix(string(listed), "\x00"), "\x00")) {
		t.Error(w)
	}
}

// TestArrowsCatch is the check of the checks: each of these trees has one thing wrong.
func TestArrowsCatch(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"store/a.go", `package store; import _ "tapedeck/collector"`, "store/a.go: store must not import collector"},
		{"store/a.go", `package store; import _ "tapedeck/store/export"`, "store must not import store/export"},
		{"collector/a.go", `package collector; import _ "tapedeck/store"`, "collector must not import store"},
		{"collector/a_windows.go", `package collector; import _ "tapedeck/store"`, "collector must not import store"},
		{"collector/eodhd/a.go", `package eodhd; import _ "tapedeck/collector/ledger"`, "eodhd must not import collector/ledger"},
		{"collector/candle/a.go", `package candle; import _ "tapedeck/collector/command"`, "must not import collector/command"},
		{"main.go", `package main; import _ "tapedeck/store"`, ". must not import store"},
		{"collector/queue/a.go", `package queue`, "collector/queue is a package that the arrows do not know"},
		{"collector/ledger/a.go", `package ledger; import _ "sync/atomic"`, "pure, and imports sync/atomic"},
		{"schedule/a.go", `package schedule; import _ "net/http"`, "pure, and imports net/http"},
		{"schedule/a.go", `package schedule; func f() { go f() }`, "pure, and starts a goroutine"},
		{"schedule/a.go", `package schedule; import now "time"; var f = now.Now`, "reads the clock (time.Now)"},
		{"store/a.go", `package store; import "time"; func f() { time.Sleep(1) }`, "reads the clock (time.Sleep)"},
		{"store/a.go", `package store; import . "time"; func f() { Sleep(1) }`, "imports time with a dot"},
		{"store/clock.go", `package store`, "store/clock.go: is in clockFiles and reads no clock"},
		{"store/a.go", `package store; import "os"; func f() { os.Exit(1) }`, "exits (os.Exit)"},
		{"store/a.go", `package store; import "log"; func f() { log.Fatalf("") }`, "exits (log.Fatalf)"},
		{"collector/a.go", "package utils", "a package called utils"},
		{"store/doc.go", "package store", "package store has no doc comment"},
		{"store/a.go", `package store; func Exported() {}`, "Exported has no doc comment"},
		{"store/a.go", "package store; type T int", "T has no doc comment"},
		{"store/a.go", "package store\n// T is one.\ntype T int\nfunc (*T) Method() {}", "T.Method has no doc comment"},
		{"store/a.go", "package store\n// T is one.\ntype T[K any] int\nfunc (T[K]) Method() {}", "T.Method has no doc comment"},
		{"store/a.go", "package store\n// T is one.\ntype T interface { Method(); Other() }", "T.Method has no doc comment"},
		{"store/a.go", "package store; var A, B int", "B has no doc comment"},
	} {
		t.Run("", func(t *testing.T) {
			tree := fstest.MapFS{
				"main.go":      {Data: []byte("// Doc.\npackage main; import (\"os\"; \"tapedeck/collector/command\"); func main() { os.Exit(command.Main()) }")},
				"store/doc.go": {Data: []byte("// Package store is a room.\npackage store")},
				"store/clock.go": {Data: []byte("package store; import \"time\"\n" +
					"// Now and the others.\nvar ( Now = time.Now; After = time.After )\nfunc f(time interface{ Now() }) { time.Now() }")},
				"store/a_test.go": {Data: []byte(`package store; import (_ "tapedeck/collector"; "time"; "os"); func F() { time.Now(); os.Exit(1) }`)},
			}
			if wrong, err := checkTree(tree, []string{"store/clock.go"}); err != nil || len(wrong) > 0 {
				t.Fatalf("a good tree: %q %v", wrong, err)
			}
			tree[c.file] = &fstest.MapFile{Data: []byte(c.text)}
			wrong, err := checkTree(tree, []string{"store/clock.go"})
			if err != nil || !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, c.want) }) {
				t.Errorf("%s in %s gives %q %v, want %q", c.text, c.file, wrong, err, c.want)
			}
		})
	}
	if wrong := checkTop([]string{".ci/run", "LICENSE", "store/file.go", "main.go", "tools/x.go", "Makefile"}); len(wrong) != 2 {
		t.Errorf("at the top level: %q", wrong)
	}
}

func checkTop(files []string) (wrong []string) {
	seen := map[string]bool{}
	for _, file := range files {
		top, _, _ := strings.Cut(file, "/")
		if !seen[top] && top != "" && top[0] != '.' && !slices.Contains(topLevel, top) {
			wrong = append(wrong, top+" does not belong at the top level")
		}
		seen[top] = true
	}
	return wrong
}

// tree is what has been found in a module so far.
type tree struct {
	wrong      []string
	documented map[string]bool // folder of a package -> whether a file of it has the package's comment
}

// goFile is one file as the checks see it.
type goFile struct {
	*tree
	name, folder string
	syntax       *ast.File
	imports      map[string]string // local name -> path
}

func (f *goFile) complain(format string, args ...any) {
	f.wrong = append(f.wrong, f.name+": "+fmt.Sprintf(format, args...))
}

// checkTree returns what is wrong with the module whose root is given.
func checkTree(root fs.FS, clocks []string) ([]string, error) {
	found := tree{documented: map[string]bool{}}
	var ticking []string
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := entry.Name(); entry.IsDir() && name != "." && (base[0] == '.' || base[0] == '_' || base == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		f := goFile{&found, name, path.Dir(name), syntax, map[string]string{}}
		f.checkPackage()
		f.checkImports()
		if f.checkUses(slices.Contains(clocks, name)) {
			ticking = append(ticking, name)
		}
		f.checkComments()
		return nil
	})
	for _, name := range clocks {
		if !slices.Contains(ticking, name) {
			found.wrong = append(found.wrong, name+": is in clockFiles and reads no clock")
		}
	}
	for folder, documented := range found.documented {
		if !documented {
			found.wrong = append(found.wrong, "package "+folder+" has no doc comment")
		}
	}
	slices.Sort(found.wrong)
	return found.wrong, err
}

func (f *goFile) checkPackage() {
	f.documented[f.folder] = f.documented[f.folder] || f.syntax.Doc != nil
	if _, ok := arrows[f.folder]; !ok {
		f.complain("%s is a package that the arrows do not know", f.folder)
	}
	for _, name := range []string{f.syntax.Name.Name, path.Base(f.folder)} {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers"}, name) {
			f.complain("a package called %s says nothing", name)
		}
	}
}

func (f *goFile) isPure() bool {
	return slices.Contains(pure, f.folder) && !slices.Contains(impureFiles, f.name)
}

func (f *goFile) checkImports() {
	for _, spec := range f.syntax.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(imported)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		f.imports[local] = imported
		if local == "." {
			f.complain("imports %s with a dot", imported)
		}
		if to, ours := strings.CutPrefix(imported, "tapedeck/"); ours {
			if allowed := arrows[f.folder]; !slices.Contains(allowed, to) && !slices.Contains(allowed, "any") {
				f.complain("%s must not import %s", f.folder, to)
			}
		}
		outside, _, _ := strings.Cut(imported, "/")
		if f.isPure() && slices.Contains([]string{"os", "net", "sync", "syscall", "log"}, outside) && imported != "net/url" { // which only reads text
			f.complain("%s is pure, and imports %s", f.folder, imported)
		}
	}
}

var (
	clockFuncs = []string{"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.Tick", "time.NewTimer", "time.NewTicker"}
	exitFuncs  = []string{"os.Exit", "syscall.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln"}
)

// checkUses looks at what the code does, and says whether it reads the clock.
func (f *goFile) checkUses(mayTick bool) (ticks bool) {
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if _, ok := n.(*ast.GoStmt); ok && f.isPure() {
			f.complain("%s is pure, and starts a goroutine", f.folder)
		}
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := selector.X.(*ast.Ident)
		if !ok || x.Obj != nil { // something declared here, and no package
			return true
		}
		used := f.imports[x.Name] + "." + selector.Sel.Name
		if slices.Contains(clockFuncs, used) {
			ticks = true
			if !mayTick || f.isPure() {
				f.complain("reads the clock (%s)", used)
			}
		}
		if slices.Contains(exitFuncs, used) && f.name != "main.go" {
			f.complain("exits (%s)", used)
		}
		return true
	})
	return ticks
}

// checkComments wants one on every exported function, type, method, method of an
// interface, constant and variable; of the last two the group's is enough, of an
// interface's only method the interface's. Error and Unwrap are what they are.
func (f *goFile) checkComments() {
	for _, decl := range f.syntax.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if receiver := receiverOf(d); d.Recv == nil {
				f.wantComment(d.Name, d.Name.Name, d.Doc)
			} else if receiver.IsExported() && !slices.Contains([]string{"Error", "Unwrap"}, d.Name.Name) {
				f.wantComment(d.Name, receiver.Name+"."+d.Name.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					f.wantComment(s.Name, s.Name.Name, d.Doc, s.Doc, s.Comment)
					f.checkMethods(s)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						f.wantComment(name, name.Name, d.Doc, s.Doc, s.Comment)
					}
				}
			}
		}
	}
}

func (f *goFile) checkMethods(s *ast.TypeSpec) {
	declared, ok := s.Type.(*ast.InterfaceType)
	if !ok || !s.Name.IsExported() || len(declared.Methods.List) == 1 {
		return
	}
	for _, method := range declared.Methods.List {
		for _, name := range method.Names {
			f.wantComment(name, s.Name.Name+"."+name.Name, method.Doc, method.Comment)
		}
	}
}

func (f *goFile) wantComment(name *ast.Ident, called string, comments ...*ast.CommentGroup) {
	if name.IsExported() && !slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return c != nil }) {
		f.complain("%s has no doc comment", called)
	}
}

// receiverOf is the name of the type that a method belongs to, nil of a function.
func receiverOf(d *ast.FuncDecl) *ast.Ident {
	if d.Recv == nil {
		return nil
	}
	kind := d.Recv.List[0].Type
	for {
		switch k := kind.(type) {
		case *ast.StarExpr:
			kind = k.X
		case *ast.IndexExpr:
			kind = k.X
		case *ast.IndexListExpr:
			kind = k.X
		default:
			name, _ := kind.(*ast.Ident)
			return name
		}
	}
}
