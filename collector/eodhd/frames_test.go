package eodhd_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tapedeck/collector/eodhd"
)

// realFrame is a frame that somebody recorded, with what kind it is.
type realFrame struct{ Kind, Frame, Source string }

// realFrames are the recorded frames, none where the folder of real data, which is
// never part of the project, is missing.
func realFrames(t testing.TB) []realFrame {
	t.Helper()
	root := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(root); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f, err := os.Open(filepath.Join(root, "trades", "eodhd_real_frames.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var frames []realFrame
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var frame realFrame
		if err := json.Unmarshal(lines.Bytes(), &frame); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	return frames
}

func TestRealFrames(t *testing.T) {
	frames := realFrames(t)
	if frames == nil {
		t.Skip("skipped: there is no ../shared/data beside the project")
	}
	if len(frames) != 19 {
		t.Errorf("%d frames, want 19", len(frames))
	}
	kinds := map[string]eodhd.Kind{"trade": eodhd.KindTrade, "trade-doc": eodhd.KindTrade, "crypto": eodhd.KindTrade,
		"quote": eodhd.KindQuote, "forex": eodhd.KindQuote, "status": eodhd.KindControl, "unknown": eodhd.KindUnknown}
	trades := []string{
		"AAPL 330.78 5 1790899194028  false",
		"AAPL 335.95 1 1790329995797  false",
		"AAPL 335.95 12 1790329995797  false",
		"AAPL 316.9603 48 1784115290873 14|37|41| false",
		"TGT 141 1 1706109542329 14|37|41| false",
		"AAPL 309.19 2 1787671313868  false", // in regular hours, whatever its ms says
		"AAPL 227.31 100 1725198451165 12| false",
		"BTC-USD 84588 0.002 1790330111002  false",
	}
	controls := []eodhd.Control{{Code: 200, Message: "Authorized"}, {Code: 422, Message: "Only limited symbols allowed for demo"},
		{Code: 403, Message: "Server error"}, {Code: 422, Message: "Symbols limit reached"}, {Code: 500, Message: "Server error"},
		{Code: 500, Message: "Internal error. Try again later"}}
	refusals := []string{"request", "key", "key", "slots", "server", "server"}
	for _, f := range frames {
		market := eodhd.US
		if f.Kind == "crypto" {
			market = eodhd.Crypto
		}
		got := decode(t, eodhd.NewDecoder(market, []string{"AAPL", "TGT", "BTC-USD"}), []byte(f.Frame))
		if want, ok := kinds[f.Kind]; !ok || got.kind != want {
			t.Errorf("%s %s is %s, want %s", f.Kind, f.Frame, got.kind, want)
		}
		switch got.kind {
		case eodhd.KindTrade:
			if len(trades) == 0 || shown(&got.trade) != trades[0] {
				t.Errorf("%s is %s, want the first of %q", f.Frame, shown(&got.trade), trades)
			}
			trades = trades[min(1, len(trades)):]
		case eodhd.KindControl:
			if len(controls) == 0 || got.control != controls[0] {
				t.Fatalf("%s is %+v, want the first of %+v", f.Frame, got.control, controls)
			}
			if r := (&eodhd.Refused{Code: got.control.Code, Message: got.control.Message}).Refusal(); r != refusals[0] {
				t.Errorf("%s is refused for %s, want %s", f.Frame, r, refusals[0])
			}
			controls, refusals = controls[1:], refusals[1:]
		}
	}
	if len(trades)+len(controls) != 0 {
		t.Errorf("left over: %q, %+v", trades, controls)
	}
}
