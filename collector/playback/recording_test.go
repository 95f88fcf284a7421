package playback_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tapedeck/collector/playback"
)

func events(t testing.TB, src playback.Source) []playback.Event {
	t.Helper()
	var out []playback.Event
	for e, err := range src.Events() {
		if err != nil {
			t.Fatal(err)
		}
		e.Frame = bytes.Clone(e.Frame)
		out = append(out, e)
	}
	return out
}

func TestRecording(t *testing.T) {
	lines := []string{
		`{"s":"TGT","p":141,"c":[14,37,41],"v":1,"dp":false,"ms":"open","t":1706109542329}`,
		`{"t": 1706109541000 , "x":{"t":1,"s":["}\"",2]}, "s" : "QLD"}`, // late
		`{"s":"BTC-USD","p":"84588","q":"0.002","dc":"0.2196","dd":"185.7","t":1706109543002}`,
		`{"s":"\u0041\"","p":-1.5e3,"c":null,"t":"1706109543002"}`,
	}
	want := []struct {
		due, time int64
		symbol    string
		before    string
	}{
		{1706109542329, 1706109542329, "TGT", `"t":1706043590000}`}, // 2024-01-23 15:59:50 New York
		{1706109542329, 1706109541000, "QLD", `{"t": 1706043597919 , "x":{"t":1,"s":["}\"",2]}, "s" : "QLD"}`},
		{1706109543002, 1706109543002, "BTC-USD", `"t":1706054395838}`}, // 2024-01-23 23:59:55 UTC
		{1706109543002, 1706109543002, `A"`, `"t":"1706043593757"}`},
	}
	plain := []byte(strings.Join(lines, "\r\n\n") + "\n")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(plain)
	z.Close()
	packer, _ := zstd.NewWriter(nil)
	for name, data := range map[string][]byte{"plain": plain, "gz": zipped.Bytes(), "zst": packer.EncodeAll(plain, nil)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tape")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := playback.OpenRecording(path)
			if err != nil {
				t.Fatal(err)
			}
			if r.Len() != len(want) || r.Begin() != want[0].time || r.End() != 1706109543002 {
				t.Errorf("%d from %d to %d", r.Len(), r.Begin(), r.End())
			}
			for range 2 { // passes are equal
				for i, e := range events(t, r) {
					w := want[i]
					if e.Due != w.due || e.Time != w.time || e.Symbol != w.symbol || string(e.Frame) != lines[i] {
						t.Errorf("event %d: %+v %s", i, e, e.Frame)
					}
					if before, ok := r.Before(w.symbol); !ok || !strings.HasSuffix(string(before), w.before) {
						t.Errorf("before: %s", before)
					}
				}
			}
			if _, ok := r.Before("nope"); ok {
				t.Error("knows a symbol that is not there")
			}
			if !slices.Equal(r.Symbols(), []string{"TGT", "QLD", "BTC-USD", `A"`}) {
				t.Errorf("symbols %q", r.Symbols())
			}
		})
	}
}

func TestBadRecording(t *testing.T) {
	const good = `{"s":"QLD","t":1}` + "\n"
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "tape: no messages in it"},
		{"blank lines", "\n \n", "tape: no messages in it"},
		{"not JSON", good + "hello\n", "tape: line 2: not JSON"},
		{"cut short", good + `{"s":"QLD","t":`, "tape: line 2: not JSON"},
		{"two in a line", good + good[:17] + good, "tape: line 2: not JSON"},
		{"an array", good + "[1]", "tape: line 2: not a JSON object"},
		{"empty", "{}", "tape: line 1: no symbol (s)"},
		{"Authorized", good + "\n" + authorized, "tape: line 3: no symbol (s)"},
		{"no t", `{"s":"QLD","p":{"t":1}}`, "tape: line 1: no time (t)"},
		{"s a number", `{"s":1,"t":1}`, "tape: line 1: s is not a string: 1"},
		{"t a fraction", `{"s":"A","t":1.5 }`, "tape: line 1: t is not a whole number: 1.5"},
		{"t an object", `{"s":"A","t":{"a":[1]}}`, `tape: line 1: t is not a whole number: {"a":[1]}`},
		{"endless", good + strings.Repeat("x", 5<<20), "tape: line 2: longer than 4194304 bytes: not a recording of feed messages"},
		{"damaged gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xffgarbage", "tape: line 1: reading: flate: corrupt input before offset 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := playback.ReadRecording(strings.NewReader(test.text), "tape")
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
	if _, err := playback.OpenRecording(filepath.Join(t.TempDir(), "gone.jsonl")); !os.IsNotExist(err) || !strings.Contains(err.Error(), "gone.jsonl") {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzRecording(f *testing.F) {
	f.Add([]byte(`{"s":"QLD","p":70.44,"c":[14,37,41],"v":12,"dp":false,"ms":"open","t":1795185000000}`))
	f.Add([]byte(`{"t":"12" ,"x":[{"s":1}],"s":"\u0041"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := playback.ReadRecording(bytes.NewReader(line), "tape")
		if err != nil {
			return
		}
		for e := range r.Events() {
			before, ok := r.Before(e.Symbol)
			if !ok {
				t.Fatalf("%q is not known", e.Symbol)
			}
			if _, err := playback.ReadRecording(bytes.NewReader(before), "before"); err != nil {
				t.Fatalf("%s became %s: %v", e.Frame, before, err)
			}
		}
	})
}
