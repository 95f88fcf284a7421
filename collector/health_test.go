package collector

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

// A symbol that starves while others trade is named once an hour, and the connection stays.
func TestStarvedSymbol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := usual()
		o.Symbols = []string{"A", "B"}
		log := new(bytes.Buffer)
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		script := []frame{trade("A", 1, 0), trade("B", 1, 0), trade("A", 2, 0), trade("B", 2, 0)}
		for i := range 700 {
			script = append(script, trade("A", 10+20*float64(i), 0))
		}
		f, tape := &fakeFeed{conns: []*fakeConn{{script: script}}}, newTape()
		record(t, f, tape, planOf{session(0, 20_000)}, o, 13_000)
		wantDials(t, f, 0)
		if n := strings.Count(log.String(), "No trade for 30 minutes or longer: B (1 of 2 symbols); the connection lives"); n != 3 {
			t.Errorf("said %d times in three and a half hours:\n%s", n, log)
		}
	})
}
