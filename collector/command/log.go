package command

import (
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
)

// newLog writes to stdout: Railway shows what comes on stderr as errors. JSON where
// a platform reads it.
func newLog(w io.Writer, json, verbose bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if json {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// platform says whether Railway or Kubernetes runs us.
func platform() bool {
	return slices.ContainsFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "RAILWAY_") || strings.HasPrefix(entry, "KUBERNETES_SERVICE_HOST=")
	})
}
