package command

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tapedeck/collector/candle"
	"tapedeck/store"
	"tapedeck/store/export"
)

// form is the flags that say what exported rows look like.
type form struct {
	Format   string   `name:"format" help:"csv, jsonl or parquet (default by the name of -o, else csv)." placeholder:"csv|jsonl|parquet"`
	Columns  []string `name:"columns" help:"Only these columns, in this order." placeholder:"time,close"`
	Fill     string   `name:"fill" enum:"none,state,forward" default:"none" help:"Of candles of time: a row also where nobody traded, with the state; forward carries the last close into quiet ones (default none)." placeholder:"none|state|forward"`
	Time     string   `name:"time" enum:"rfc3339,s,ms,us,ns,local" default:"rfc3339" help:"How times are written; local is the clock of --tz without an offset (default rfc3339)." placeholder:"rfc3339|s|ms|us|ns|local"`
	TZ       string   `name:"tz" help:"Time zone of rfc3339 and local (default UTC)." placeholder:"America/New_York"`
	Anchor   string   `name:"anchor" enum:"epoch,session" default:"epoch" help:"Where longer candles begin: with the hours of UTC, or with the session (default epoch)." placeholder:"epoch|session"`
	Decimals string   `name:"decimals" enum:"double,exact" default:"double" help:"Prices of Parquet as DOUBLE or, exact, as DECIMAL (default double)." placeholder:"double|exact"`
	Split    string   `name:"split" help:"A file for each session (date=2026-11-20/) or each symbol and session (symbol=QLD/date=2026-11-20/), in the folder -o." placeholder:"session|symbol"`
	Excel    bool     `name:"excel" help:"CSV that Excel opens as it is meant: New York time, a byte order mark, no formulas."`
}

func (f *form) ask(v url.Values) {
	v.Set("format", cmp.Or(f.Format, string(export.CSV)))
	for name, pair := range map[string][2]string{"fill": {f.Fill, "none"}, "time": {f.Time, "rfc3339"}, "tz": {f.TZ, "UTC"},
		"anchor": {f.Anchor, "epoch"}, "decimals": {f.Decimals, "double"}, "split": {f.Split, ""}} {
		if pair[0] != "" && pair[0] != pair[1] {
			v.Set(name, pair[0])
		}
	}
	if len(f.Columns) > 0 {
		v["columns"] = f.Columns
	}
	if f.Excel {
		v.Set("excel", "yes")
	}
}

func (f *form) take(a *asked) error {
	f.Format, f.Columns, f.Excel = a.take("format"), a.list("columns"), a.take("excel") != ""
	f.Fill, f.Time, f.TZ = cmp.Or(a.take("fill"), "none"), cmp.Or(a.take("time"), "rfc3339"), a.take("tz")
	f.Anchor, f.Decimals, f.Split = cmp.Or(a.take("anchor"), "epoch"), cmp.Or(a.take("decimals"), "double"), a.take("split")
	return nil
}

// options are those of an encoder; source says what was recorded.
func (f *form) options(source string) (export.Options, error) {
	o := export.Options{Format: export.Format(cmp.Or(f.Format, string(export.CSV))), Columns: f.Columns, Time: export.TimeFormat(f.Time),
		Excel: f.Excel, Exact: f.Decimals == "exact",
		Metadata: map[string]string{"tapedeck.version": version(), "tapedeck.source": source}}
	zone := f.TZ
	if f.Excel {
		o.Time, zone = export.Local, "America/New_York"
	}
	var err error
	if o.Zone, err = time.LoadLocation(zone); err != nil {
		return o, &usage{problem: fmt.Sprintf("--tz %q is no time zone; right is for example --tz America/New_York", f.TZ)}
	}
	return o, nil
}

// fills are the kinds of filling by name.
var fills = map[string]export.Fill{"none": export.FillNone, "state": export.FillState, "forward": export.FillForward}

// packings are the ends of names that say that a file is packed.
var packings = []string{".gz", ".zst"}

// formOf is the form that the name of a file asks for.
func formOf(name string) form {
	bare := name
	for _, end := range packings {
		bare = strings.TrimSuffix(bare, end)
	}
	return form{Format: strings.TrimPrefix(filepath.Ext(bare), "."), Fill: "none", Time: "rfc3339", Anchor: "epoch", Decimals: "double"}
}

var (
	formats   = []string{string(export.CSV), string(export.JSONLines), string(export.Parquet)}
	otherRows = []string{"trades", "coverage", "news", "sessions"}
)

// complete sets what the name of the output says, and finds what contradicts itself, before
// a file is opened.
func (e *exportCommand) complete() error {
	v, err := e.interval()
	if err != nil {
		return err
	}
	if err := e.completeFormat(); err != nil {
		return err
	}
	byTime := v != candle.Interval{} && v.ByTime()
	candles := v != candle.Interval{}
	for _, c := range []struct {
		wrong bool
		says  string
	}{
		{e.Fill != "none" && !byTime, "--fill is for candles of time; right is for example export 1s --fill " + e.Fill},
		{e.Anchor != "epoch" && !byTime, "--anchor is for candles of time; right is for example export 1h --anchor session"},
		{e.Split != "" && e.Split != "session" && e.Split != "symbol", fmt.Sprintf("--split %q is none; right is --split session or --split symbol", e.Split)},
		{e.Split != "" && !candles && e.What != "trades", "--split is for candles and trades; right is for example export 1s --split session -o DIR"},
		{len(e.Columns) > 0 && e.What == "all", "--columns is for one kind of rows, not for all"},
		{e.Excel && e.Format != "csv", "--excel is CSV, not " + e.Format},
		{e.Excel && (e.Time != "rfc3339" || e.TZ != ""), "--excel has New York time, without --time and --tz"},
		{e.Format == "parquet" && (e.Time != "rfc3339" || e.TZ != ""), "Parquet holds instants, which readers show in any zone; --time and --tz are for csv and jsonl"},
		{e.Decimals == "exact" && e.Format != "parquet", "--decimals exact is for Parquet: csv and jsonl are exact"},
		{e.TZ != "" && e.Time != "rfc3339" && e.Time != "local", "--time " + e.Time + " counts from the epoch, without --tz"},
		{e.Follow && (e.folder() || e.Fill != "none" || e.Excel || e.Format == "parquet" || !candles && e.What != "trades"), "--follow is for candles and trades as csv or jsonl, without --fill, --split and --excel"},
		{e.Follow && slices.Contains(packings, filepath.Ext(e.Output)), "--follow writes a file that others read as it grows, and does not pack it"},
		{e.Follow && (e.Session != "" || e.From != "" || e.To != ""), "--follow is of the running session, without --session, --from and --to"},
	} {
		if c.wrong {
			return &usage{problem: c.says}
		}
	}
	if _, err := e.options(""); err != nil {
		return err
	}
	return e.period.check()
}

// folder says whether the output is several files.
func (e *exportCommand) folder() bool { return e.What == "all" || e.Split != "" }

// completeFormat settles the format.
func (e *exportCommand) completeFormat() error {
	named := e.formatNamed()
	if e.Format == "" && named != "" {
		e.Format = named
	}
	switch {
	case e.Format == "" && e.What == "all":
		e.Format = "parquet"
	case e.Format == "" && (e.Output != "" || e.Follow || e.Excel):
		e.Format = "csv"
	}
	switch {
	case e.Format != "" && !slices.Contains(formats, e.Format):
		return &usage{problem: fmt.Sprintf("--format %q is none; right is csv, jsonl or parquet", e.Format), try: program() + " export " + e.What + " --format csv"}
	case named != "" && e.Format != named:
		return &usage{problem: fmt.Sprintf("-o %s is %s by its name and %s by --format; right is one of them", e.Output, named, e.Format)}
	case e.Format == "parquet" && filepath.Ext(e.Output) != "" && slices.Contains(packings, filepath.Ext(e.Output)):
		return &usage{problem: fmt.Sprintf("-o %s: Parquet is packed within; right is -o %s", e.Output, strings.TrimSuffix(e.Output, filepath.Ext(e.Output)))}
	case e.folder() && !e.parts && (e.Output == "" || e.Output == "-" || named != ""):
		return &usage{problem: "this is several files, which need a folder; right is for example -o exports", try: program() + " export " + e.What + " -o exports"}
	}
	return nil
}

// formatNamed is the format that the name of the output says, if any.
func (e *exportCommand) formatNamed() string {
	if name := formOf(e.Output).Format; slices.Contains(formats, name) {
		return name
	}
	return ""
}

// sheets are the kinds of rows asked for.
func (e *exportCommand) sheets() []string {
	if e.What == "all" {
		return append([]string{candle.Second.String(), candle.HundredTrades.String()}, otherRows...)
	}
	return []string{e.What}
}

// interval is that of the candles asked for, none for other rows.
func (e *exportCommand) interval() (v candle.Interval, err error) {
	if e.What == "all" || slices.Contains(otherRows, e.What) {
		return v, nil
	}
	if v, err = candle.ParseInterval(e.What); err == nil {
		return v, nil
	}
	u := &usage{problem: err.Error() + "; right is for example 1s, 5m, 1d, 100t, trades, coverage, sessions, news or all", try: program() + " export 1s"}
	switch {
	case store.Is(e.What):
		u.problem = fmt.Sprintf("%s is a file, and what to export comes first; right is --db %s", e.What, e.What)
		u.try = program() + " export 1s --db " + e.What
	case filepath.Ext(e.What) != "":
		u.problem = fmt.Sprintf("%q is nothing to export: the output is -o %s, the recording is --db", e.What, e.What)
		u.try = program() + " export 1s -o " + e.What
		if filepath.Ext(e.What) == ".db" {
			u.problem, u.try = fmt.Sprintf("%q is nothing to export; a recording is given as --db %s", e.What, e.What), program()+" export 1s --db "+e.What
		}
	default:
		if meant := nearestWhat(e.What); meant != "" {
			u.problem = fmt.Sprintf("%v; perhaps %s was meant", err, meant)
			u.try = program() + " export " + meant
		}
	}
	return v, u
}

// nearestWhat is what may have been meant by something that cannot be exported.
func nearestWhat(text string) string {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit := strings.ToLower(text[len(digits):])
	if digits == "" {
		if near := nearest(text, append([]string{"all"}, otherRows...)); distance(text, near) <= 2 {
			return near
		}
		return ""
	}
	switch unit {
	case "d", "w", "mo", "y":
		return "1d"
	}
	var n int64
	if _, err := fmt.Sscan(digits, &n); err != nil {
		return ""
	}
	if _, err := candle.ParseInterval("1" + unit); err != nil {
		return ""
	}
	for away := range int64(60) {
		for _, near := range []int64{n - away, n + away} {
			if v, err := candle.ParseInterval(fmt.Sprint(near) + unit); err == nil {
				return v.String()
			}
		}
	}
	return ""
}
