package monitor_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tapedeck/collector/monitor"
)

// promtool runs Debian's promtool in a folder.
func promtool(t *testing.T, folder string, in io.Reader, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not here (apt-get install prometheus): the metrics and rules are not checked with it")
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir, c.Stdin = folder, in
	said, err := c.CombinedOutput()
	return string(said), err
}

// TestMetricsLint wants no complaint about names, units and help texts.
func TestMetricsLint(t *testing.T) {
	said, err := promtool(t, t.TempDir(), strings.NewReader(scrape(t, metricsOf(measuresOf()).Handler())), "check", "metrics")
	if err != nil || said != "" {
		t.Errorf("%v: %s", err, said)
	}
	if said, err := promtool(t, t.TempDir(), strings.NewReader("wrong_milliseconds 1\n"), "check", "metrics"); err == nil || said == "" {
		t.Error("promtool finds nothing wrong with wrong_milliseconds")
	}
}

// folderOfRules has the rules in it, with their tests.
func folderOfRules(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("alerts.yml", monitor.AlertRules())
	for _, name := range ruleTests {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, data)
	}
	return folder
}

var ruleTests = []string{"alerts_test.yml", "alerts_days_test.yml"}

func TestAlertsRules(t *testing.T) {
	folder := folderOfRules(t)
	if said, err := promtool(t, folder, nil, "check", "rules", "alerts.yml"); err != nil || !strings.Contains(said, fmt.Sprintf("SUCCESS: %d rules found", len(alertsIn(t)))) {
		t.Errorf("%v: %s", err, said)
	}
	for _, name := range ruleTests {
		if said, err := promtool(t, folder, nil, "test", "rules", name); err != nil || !strings.Contains(said, "SUCCESS") {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}

// alertsIn are the rules' texts by the alert's name.
func alertsIn(t *testing.T) map[string]string {
	t.Helper()
	alerts := map[string]string{}
	for _, block := range strings.Split(string(monitor.AlertRules()), "\n      - alert: ")[1:] {
		name, rest, _ := strings.Cut(block, "\n")
		if alerts[name] != "" {
			t.Errorf("%s is there twice", name)
		}
		alerts[name] = rest
	}
	if len(alerts) < 12 {
		t.Fatalf("only %d alerts", len(alerts))
	}
	return alerts
}

// TestAlertsAreWhole wants of each alert what a person needs who is woken by it, a case in
// which it fires (the cases say which alerts fire at all), and its metrics in the case
// in which all is well and none does.
func TestAlertsAreWhole(t *testing.T) {
	var cases string
	for _, name := range ruleTests {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		cases += string(data)
	}
	_, well, _ := strings.Cut(cases, "- name: all is well in session")
	well, _, _ = strings.Cut(well, "- name:")
	for name, rule := range alertsIn(t) {
		for _, want := range []string{
			`(?m)^        for: \d+[mh]$`,
			`(?m)^          severity: (warning|critical)$`,
			`(?m)^          summary: .{20,}$`,
			`(?m)^          description: >-\n(            .+\n?){2,}`,
		} {
			if !regexp.MustCompile(want).MatchString(rule) {
				t.Errorf("%s: nothing in it is like %s", name, want)
			}
		}
		if !strings.Contains(cases, fmt.Sprintf(`{labels: '{alertname=%q}', value: 1}`, name)) {
			t.Errorf("%s: no case in which it fires", name)
		}
		for _, metric := range mentioned.FindAllString(rule, -1) {
			if !strings.Contains(well, "'"+metric) {
				t.Errorf("%s: %s...} is not in the case in which all is well", name, metric)
			}
		}
		for _, selector := range selectors.FindAllString(rule, -1) {
			if !strings.Contains(selector, `job="tapedeck"`) {
				t.Errorf("%s: %s is not of our job alone", name, selector)
			}
		}
	}
}

var (
	// mentioned are metrics in an expression: with a selector behind them.
	mentioned = regexp.MustCompile(`\b[a-z_]+_[a-z_]+\b(?:\{)`)
	selectors = regexp.MustCompile(`\b[a-z_]+\{[^{}]*\}`)
	ours      = regexp.MustCompile(`\btapedeck_[a-z_]+`)
)

// TestDashboardAndAlertsMetrics wants every metric that is mentioned to be there.
func TestDashboardAndAlertsMetrics(t *testing.T) {
	exported := map[string]bool{}
	for _, name := range namesIn(scrape(t, metricsOf(measuresOf()).Handler())) {
		exported[name] = true
	}
	for what, text := range map[string][]byte{"dashboard": monitor.Dashboard(), "alerts": monitor.AlertRules()} {
		found := map[string]bool{}
		for _, name := range ours.FindAllString(string(text), -1) {
			base := name
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, end)
			}
			found[base] = true
			if !exported[base] {
				t.Errorf("%s: no metric is called %s", what, name)
			}
		}
		if len(found) < 10 {
			t.Errorf("%s: only %d metrics found", what, len(found))
		}
	}
}

// grafana is what of a dashboard is looked at.
type grafana struct {
	UID, Title string
	Templating struct {
		List []struct{ Name, Type string }
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		RefID, Expr string
		Datasource  struct{ UID string }
	}
}

func dashboardOf(t *testing.T) (d grafana) {
	t.Helper()
	if err := json.Unmarshal(monitor.Dashboard(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 20 {
		t.Fatalf("only %d panels", len(d.Panels))
	}
	return d
}

func TestDashboardPanels(t *testing.T) {
	d := dashboardOf(t)
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if p.Title == "" || p.ID <= 0 || ids[p.ID] != "" {
			t.Errorf("panel %d %q: no title, or no id of its own (%q)", p.ID, p.Title, ids[p.ID])
		}
		ids[p.ID] = p.Title
		if g := p.GridPos; g.X < 0 || g.Y < 0 || g.W <= 0 || g.H <= 0 || g.X+g.W > 24 {
			t.Errorf("%s: does not fit the 24 columns: %+v", p.Title, g)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%s lies on %s at %v", p.Title, taken[at], at)
				}
				taken[at] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("%s: no description, nothing to show, or a data source of its own", p.Title)
		}
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if q.RefID == "" || refs[q.RefID] || q.Datasource.UID != "${datasource}" || !strings.Contains(q.Expr, `instance="$instance"`) {
				t.Errorf("%s: the query %q", p.Title, q)
			}
			refs[q.RefID] = true
		}
	}
	variables := map[string]string{}
	for _, v := range d.Templating.List {
		variables[v.Name] = v.Type
	}
	if !maps.Equal(variables, map[string]string{"datasource": "datasource", "instance": "query"}) {
		t.Errorf("the variables are %v", variables)
	}
	if d.UID == "" || d.Title == "" {
		t.Error("no uid or no title")
	}
}

// TestDashboardQueries has Prometheus read every query, as the expression of a rule.
func TestDashboardQueries(t *testing.T) {
	var rules bytes.Buffer
	rules.WriteString("groups:\n- name: queries\n  rules:\n")
	n := 0
	for _, p := range dashboardOf(t).Panels {
		for _, q := range p.Targets {
			n++
			fmt.Fprintf(&rules, "  - record: query:%d\n    expr: %q\n", n, strings.ReplaceAll(q.Expr, "$__rate_interval", "1m"))
		}
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "queries.yml"), rules.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := promtool(t, folder, nil, "check", "rules", "queries.yml"); err != nil || !strings.Contains(said, fmt.Sprintf("SUCCESS: %d rules found", n)) {
		t.Errorf("%v: %s", err, said)
	}
}
