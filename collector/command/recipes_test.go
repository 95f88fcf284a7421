package command

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/store"
)

// The recipes of the README, run as they stand there.

// recipe is the fenced block of a language in the README.
func recipe(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n```"+language+"\n")
	block, _, closed := strings.Cut(rest, "\n```\n")
	if !ok || !closed {
		t.Fatalf("README.md has no %s block", language)
	}
	return block + "\n"
}

// kitchen is a folder with the files that the recipes read.
func kitchen(t *testing.T, symbols ...string) (folder, db string) {
	t.Helper()
	if testing.Short() {
		t.Skip("the recipes take processes of their own: go test without -short")
	}
	folder = t.TempDir()
	db = mixed(t, folder, symbols)
	for _, args := range [][]string{
		{"1s", "--session", "all", "-o", "1s.csv"}, {"1s", "--session", "all", "-o", "1s.parquet"}, {"trades", "--session", "all", "-o", "trades.parquet"},
		{"trades", "--session", "all", "-o", "trades.csv"}, {"100t", "--session", "all", "-o", "100t.csv"}, {"1m", "--excel", "-o", "1m.csv"},
		{"1s", "--session", "all", "--split", "symbol", "--format", "parquet", "-o", "bars"},
	} {
		args[len(args)-1] = filepath.Join(folder, args[len(args)-1])
		var said bytes.Buffer
		if code := dispatch(context.Background(), append([]string{"export", "--db", db}, args...), console{&said, &said}); code != 0 {
			t.Fatalf("export %q: %s", args, said.String())
		}
	}
	return folder, db
}

// odd are symbols that look like something else.
var odd = []string{"1E5", "NA", "TRUE"}

// mixed is a file of two sessions of three symbols, of which the first
// trades 30,000 times at whole prices and sizes before the first fraction comes.
func mixed(t *testing.T, folder string, symbols []string) string {
	t.Helper()
	path := filepath.Join(folder, "mixed.db")
	f, err := store.Open(path, store.Options{Command: "test", Source: "simulated, seed 1", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	all := ledger.NewSymbols(symbols...)
	for _, open := range []int64{1795185000000, 1795444200000} { // 2026-11-20 and -23
		s := ledger.Session{Hours: ledger.Regular, Open: open, Close: open + 23_400_000, Stated: true}
		if err := f.Begin(s, s.Open); err != nil {
			t.Fatal(err)
		}
		f.Enter(s, []ledger.Span{{From: s.Open, Until: s.Close, Symbols: all}}, nil)
		for i, symbol := range symbols {
			n := 500
			if i == 0 {
				n = 30_100
			}
			list := make([]candle.Trade, n)
			for i := range list {
				list[i] = candle.Trade{Symbol: symbol, Time: s.Open + int64(i)*700, Received: s.Open + int64(i)*700 + 40,
					Price: candle.Decimal{Units: 100 + int64(i%7)}, Size: candle.Decimal{Units: int64(1 + i%300)}}
				if i >= 30_000 {
					list[i].Price, list[i].Size = candle.Decimal{Units: 100_0625 + int64(i%7)*10_000, Scale: 4}, candle.Decimal{Units: 5, Scale: 1}
				}
			}
			if _, err := f.Append(s, list); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := f.Seal(context.Background(), s, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// node is a command that runs a script with the packages of .ci.
func node(t testing.TB, folder string, args ...string) *exec.Cmd {
	t.Helper()
	modules, err := filepath.Abs("../../.ci/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@duckdb")); err != nil {
		t.Skip("no DuckDB and no Polars: npm install --prefix .ci")
	}
	cmd := exec.Command("node", args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	return cmd
}

// run returns what a command printed.
func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// duck runs SQL and returns its rows.
func duck(t *testing.T, folder, sql string) (rows [][]any) {
	t.Helper()
	script, err := filepath.Abs("../../.ci/duckdb.cjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := node(t, folder, script)
	cmd.Stdin = strings.NewReader(sql)
	for line := range strings.Lines(run(t, cmd)) {
		var row []any
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows
}

// volumes are the sums of the CSV by symbol, added up here.
func volumes(t *testing.T, name string) map[string]float64 {
	t.Helper()
	rows := readCSV(t, name)
	sums := make(map[string]float64)
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[slices.Index(rows[0], "volume")], 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[row[1]] += v
	}
	return sums
}

func number(t *testing.T, v any) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecipesDuckDB(t *testing.T) {
	folder, _ := kitchen(t, odd...)
	rows := duck(t, folder, recipe(t, "sql"))
	want := volumes(t, filepath.Join(folder, "1s.csv"))
	for i, row := range rows[:6] { // of the CSV, then of the Parquet
		symbol := odd[i%3]
		if row[0] != symbol || number(t, row[1]) != want[symbol] {
			t.Errorf("row %d is %v, want %s %v", i, row, symbol, want[symbol])
		}
	}
	for i, row := range rows[6:12] {
		if want := fmt.Sprint(odd[i/2], " ", []string{"2026-11-20", "2026-11-23"}[i%2]); fmt.Sprint(row[0], " ", row[1]) != want {
			t.Errorf("a part is %v, want %s", row, want)
		}
	}
	ticks := readCSV(t, filepath.Join(folder, "100t.csv"))[1:]
	if len(rows)-12 != len(ticks) {
		t.Fatalf("%d candles of 100 trades in DuckDB, %d here", len(rows)-12, len(ticks))
	}
	for i, row := range rows[12:] {
		c := ticks[i]
		got := fmt.Sprint(row[0], number(t, row[2]), number(t, row[3]), number(t, row[4]), number(t, row[5]), number(t, row[6]), number(t, row[7]), number(t, row[8]))
		want := fmt.Sprint(c[1], number(t, c[9]), number(t, c[2]), number(t, c[3]), number(t, c[4]), number(t, c[5]), number(t, c[6]), number(t, c[8]))
		if got != want {
			t.Fatalf("candle %d is %v in DuckDB, %v here", i, row, c)
		}
	}
}

// By default, without a word about types, DuckDB and Polars find the same sums in the CSV
// as in the Parquet, though a column begins with 30,000 whole numbers.
func TestDefaultTypes(t *testing.T) {
	folder, _ := kitchen(t, "AAPL", "NA", "QLD")
	want := 0.0
	price := 0.0
	for _, row := range readCSV(t, filepath.Join(folder, "trades.csv"))[1:] {
		want += number(t, row[3])
		price += number(t, row[2])
	}
	for _, row := range duck(t, folder, "select sum(size), sum(price), count(distinct symbol) from 'trades.csv';\nselect sum(size), sum(price), count(distinct symbol) from 'trades.parquet';\n") {
		if number(t, row[0]) != want || number(t, row[1]) != price || number(t, row[2]) != 3 {
			t.Errorf("DuckDB: %v, want %v %v", row, want, price)
		}
	}
	script := `const pl = require("nodejs-polars");
for (const d of [pl.readCSV("trades.csv"), pl.readParquet("trades.parquet")]) console.log(JSON.stringify([d.getColumn("size").sum(), d.getColumn("price").sum()]));`
	for line := range strings.Lines(run(t, node(t, folder, "-e", script))) {
		var sums [2]float64
		if err := json.Unmarshal([]byte(line), &sums); err != nil || math.Abs(sums[0]-want) > 1e-6 || math.Abs(sums[1]-price) > 1e-6 {
			t.Errorf("Polars: %s, want %v %v", line, want, price)
		}
	}
}

func TestRecipesPolars(t *testing.T) {
	folder, _ := kitchen(t, odd...)
	out := run(t, node(t, folder, "-e", recipe(t, "js")))
	for symbol, volume := range volumes(t, filepath.Join(folder, "1s.csv")) {
		found := regexp.MustCompile(`│ ` + symbol + ` +┆ (\S+) +│`).FindStringSubmatch(out)
		if found == nil || number(t, found[1]) != volume {
			t.Errorf("no line of %s with %v:\n%s", symbol, volume, out)
		}
	}
	more := `;console.log(JSON.stringify([bars.getColumn("volume").sum() === same.getColumn("volume").sum(), bars.height === same.height]))`
	if out := run(t, node(t, folder, "-e", recipe(t, "js")+more)); !strings.Contains(out, "[true,true]") {
		t.Errorf("the CSV and the Parquet differ:\n%s", out)
	}
}

func TestRecipesPandas(t *testing.T) {
	const python = "/usr/bin/python3" // that of Debian's packages
	if exec.Command(python, "-c", "import pandas").Run() != nil {
		t.Skip("no pandas: apt-get install python3-pandas")
	}
	folder, _ := kitchen(t, odd...)
	cmd := exec.Command(python, "-c", recipe(t, "python")+"print(bars.dtypes['time'], bars['symbol'].isna().sum(), len(bars))")
	cmd.Dir = folder
	out := run(t, cmd)
	rows := len(readCSV(t, filepath.Join(folder, "1s.csv"))) - 1
	if want := fmt.Sprintf("datetime64[ns, UTC] 0 %d", rows); !strings.Contains(out, want) {
		t.Errorf("it does not say %s:\n%s", want, out)
	}
	for symbol, volume := range volumes(t, filepath.Join(folder, "1s.csv")) {
		if !regexp.MustCompile(`(?m)^` + symbol + ` +` + regexp.QuoteMeta(strconv.FormatFloat(volume, 'f', 1, 64)) + `$`).MatchString(out) {
			t.Errorf("no line of %s with %v:\n%s", symbol, volume, out)
		}
	}
}

// LibreOffice stands for Excel: the sheet has New York's time, and the symbols as text.
func TestRecipesExcel(t *testing.T) {
	office, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("no LibreOffice: apt-get install libreoffice-calc-nogui")
	}
	folder, _ := kitchen(t, odd...)
	// 44,34,76: commas, quotes, UTF-8; the last option has formulas evaluated, as Excel does.
	cmd := exec.Command(office, "-env:UserInstallation=file://"+filepath.Join(folder, "profile"), "--headless",
		"--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,-1,true", "--convert-to", "xlsx", "--outdir", folder, filepath.Join(folder, "1m.csv"))
	cmd.Dir = folder
	run(t, cmd)
	back := exec.Command(office, "-env:UserInstallation=file://"+filepath.Join(folder, "profile"), "--headless",
		"--convert-to", `csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false`, "--outdir", filepath.Join(folder, "back"), filepath.Join(folder, "1m.xlsx"))
	run(t, back)
	got, want := readCSV(t, filepath.Join(folder, "back", "1m.csv")), readCSV(t, filepath.Join(folder, "1m.csv"))
	if len(got) != len(want) {
		t.Fatalf("%d lines in the sheet, %d in the file", len(got), len(want))
	}
	var symbols []string
	for i, row := range got[1:] {
		if !strings.HasPrefix(row[0], "2026-11-23 ") || number(t, row[5]) != number(t, want[i+1][5]) {
			t.Fatalf("row %d is %q in the sheet, %q in the file", i, row, want[i+1])
		}
		symbols = append(symbols, row[1])
	}
	slices.Sort(symbols)
	if all := slices.Compact(symbols); !slices.Equal(all, odd) {
		t.Errorf("the symbols of the sheet are %q", all)
	}
}

// The line for cron is run by its shell, with a folder for the remote.
func TestRecipesRclone(t *testing.T) {
	if _, err := exec.LookPath("rclone"); err != nil {
		t.Skip("no rclone: apt-get install rclone")
	}
	folder, db := kitchen(t, odd...)
	exports := filepath.Join(folder, "data", "exports", "2026-11-20")
	if err := os.MkdirAll(exports, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{filepath.Join(folder, "1s.csv"): filepath.Join(exports, "1s.csv"), db: filepath.Join(folder, "data", "backup", "tapedeck.db")} {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(from, to); err != nil {
			t.Fatal(err)
		}
	}
	line := strings.Fields(recipe(t, "cron"))
	cmd := exec.Command("sh", "-c", strings.Join(line[5:], " "))
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "RCLONE_CONFIG_REMOTE_TYPE=alias", "RCLONE_CONFIG_REMOTE_REMOTE="+filepath.Join(folder, "elsewhere"), "HOME="+folder)
	run(t, cmd)
	for _, name := range []string{"tapedeck/exports/2026-11-20/1s.csv", "tapedeck/backup/tapedeck.db"} {
		if _, err := os.Stat(filepath.Join(folder, "elsewhere", name)); err != nil {
			t.Error(err)
		}
	}
}

// TestRecipesOverHTTP runs the recipes that ask a running page, with a token.
func TestRecipesOverHTTP(t *testing.T) {
	folder, db := kitchen(t, "QLD", "NA")
	page, _ := inBackground(t, `at (http://\S+)/ `, "view", db, "--listen", "127.0.0.1:0", "--http-token", "a token for recipes")
	here := strings.NewReplacer("http://127.0.0.1:8080", page)
	t.Setenv("HTTP_TOKEN", "a token for recipes")
	want := volumes(t, filepath.Join(folder, "1s.csv"))
	if _, err := exec.LookPath("curl"); err == nil {
		for range 2 { // the second time there is nothing left to get
			cmd := exec.Command("sh", "-c", here.Replace(recipe(t, "sh")))
			cmd.Dir = folder
			if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(string(out), "416") {
				t.Fatalf("curl: %v %s", err, out)
			}
		}
		for _, row := range duck(t, folder, "select symbol, sum(volume) from 'live.parquet' group by symbol") {
			if symbol := row[0].(string); math.Abs(row[1].(float64)-want[symbol]) > 1e-6 {
				t.Errorf("DuckDB finds %v of %s, want %v", row[1], symbol, want[symbol])
			}
			delete(want, row[0].(string))
		}
		if len(want) > 0 {
			t.Errorf("DuckDB does not find %v", want)
		}
	} else {
		t.Log("no curl: its recipe is not run")
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import pandas").Run(); err != nil {
		t.Skip("no pandas: Debian has it as the package python3-pandas")
	}
	cmd := exec.Command("/usr/bin/python3", "-c", here.Replace(recipe(t, "py")))
	if out := run(t, cmd); !regexp.MustCompile(`(?m)^NA\s+[0-9.]+$`).MatchString(out) || !strings.Contains(out, "QLD") {
		t.Errorf("pandas prints %s", out)
	}
}
