package command

import (
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"tapedeck/collector/logs"
)

// newLog writes to stdout: Railway shows what comes on stderr as errors. JSON where
// a platform reads it. The handler is to be flushed at the end.
func newLog(w io.Writer, json, verbose bool) (*slog.Logger, *logs.Handler) {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	var h *logs.Handler
	if json {
		h = logs.New(slog.NewJSONHandler(w, o))
	} else {
		h = logs.New(slog.NewTextHandler(w, o))
	}
	return slog.New(h), h
}

// platform says whether Railway or Kubernetes runs us.
func platform() bool {
	return slices.ContainsFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "RAILWAY_") || strings.HasPrefix(entry, "KUBERNETES_SERVICE_HOST=")
	})
}
