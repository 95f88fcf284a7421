package command

import (
	"io"
	"log/slog"
	"os"

	"tapedeck/collector/logs"
)

// newLog writes to stdout: Railway shows what comes on stderr as errors. JSON where
// a platform reads it. The handler is to be flushed at the end. kept, if not nil, has the
// same as text.
func newLog(w io.Writer, json, verbose bool, kept *logs.Tail) (*slog.Logger, *logs.Handler) {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	var out slog.Handler = slog.NewTextHandler(w, o)
	if json {
		out = slog.NewJSONHandler(w, o)
	}
	if kept != nil {
		out = slog.NewMultiHandler(out, slog.NewTextHandler(kept, o))
	}
	h := logs.New(out)
	return slog.New(h), h
}

// eventsPath is where the last events of a recorder are kept.
func eventsPath(db string) string { return db + ".events" }

// platform says whether Railway or Kubernetes runs us.
func platform() bool {
	return onRailway() || os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}
