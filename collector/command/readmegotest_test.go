package command

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// goPackages are the tests of packages, by folder, as their sources declare them.
type goPackages map[string]*goTests

type goTests struct {
	names    []string        // of tests, benchmarks and fuzz targets
	flags    map[string]bool // name -> whether it takes a value
	packages int
}

// testFlags are go test's own, and whether each takes a value.
var testFlags = map[string]bool{
	"run": true, "bench": true, "skip": true, "fuzz": true, "count": true, "benchtime": true, "timeout": true, "cpu": true, "fuzztime": true,
	"fuzzminimizetime": true, "parallel": true, "p": true, "tags": true, "list": true, "coverprofile": true, "cpuprofile": true, "memprofile": true,
	"v": false, "short": false, "race": false, "json": false, "failfast": false, "cover": false, "benchmem": false, "c": false,
}

// check says what is wrong with the words behind go test.
func (p goPackages) check(words []string) error {
	tests := &goTests{flags: make(map[string]bool)}
	for _, word := range words {
		if word == "." || strings.HasPrefix(word, "./") {
			if err := p.add(tests, word); err != nil {
				return err
			}
		}
	}
	if tests.packages == 0 {
		return errors.New("go test names no package")
	}
	for i := 0; i < len(words); i++ {
		name, isFlag := strings.CutPrefix(words[i], "-")
		if !isFlag {
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		takes, known := testFlags[name]
		if !known {
			takes, known = tests.flags[name]
		}
		if !known {
			return fmt.Errorf("go test has no flag -%s there", name)
		}
		if takes && !given {
			if i++; i == len(words) {
				return fmt.Errorf("go test -%s wants a value", name)
			}
			value = words[i]
		}
		if err := tests.matches(name, value); err != nil {
			return err
		}
	}
	return nil
}

// matches says whether a pattern means anything.
func (g *goTests) matches(flag, pattern string) error {
	kind, ok := map[string]string{"run": "Test|Fuzz|Example", "bench": "Benchmark", "fuzz": "Fuzz"}[flag]
	if !ok || pattern == "^$" {
		return nil
	}
	top, _, _ := strings.Cut(pattern, "/")
	want, err := regexp.Compile(top)
	if err != nil {
		return err
	}
	kinds := regexp.MustCompile("^(" + kind + ")")
	for _, name := range g.names {
		if kinds.MatchString(name) && want.MatchString(name) {
			return nil
		}
	}
	return fmt.Errorf("go test -%s %s matches nothing there", flag, pattern)
}

// add adds a package, or with /... all below it.
func (p goPackages) add(to *goTests, word string) error {
	folder, all := strings.CutSuffix(word, "...")
	folder = filepath.Join("../..", folder)
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if base := entry.Name(); path != folder && (!all || base[0] == '.' || base == "testdata") {
			return fs.SkipDir
		}
		tests, err := p.read(path)
		if err != nil {
			return err
		}
		to.names = append(to.names, tests.names...)
		for name, takes := range tests.flags {
			to.flags[name] = takes
		}
		to.packages++
		return nil
	})
}

// read reads the tests of a folder.
func (p goPackages) read(folder string) (*goTests, error) {
	if tests, ok := p[folder]; ok {
		return tests, nil
	}
	tests := &goTests{flags: make(map[string]bool)}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		tests.take(syntax)
	}
	p[folder] = tests
	return tests, nil
}

// take takes the names of functions, and the flags: flag.Int("crashes", ...) and its like.
func (g *goTests) take(syntax *ast.File) {
	for _, d := range syntax.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
			g.names = append(g.names, f.Name.Name)
		}
	}
	ast.Inspect(syntax, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 3 {
			return true
		}
		of, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		name, ok := call.Args[0].(*ast.BasicLit)
		if x, isName := of.X.(*ast.Ident); ok && isName && x.Name == "flag" && name.Kind == token.STRING {
			if text, err := strconv.Unquote(name.Value); err == nil {
				g.flags[text] = of.Sel.Name != "Bool"
			}
		}
		return true
	})
}
