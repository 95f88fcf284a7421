package monitor

import (
	"mime"
	"net/http"
	"os"
	"time"
)

// Snapshot is a copy of the whole file. Whoever gets it closes it.
type Snapshot struct {
	File *os.File
	// Name is what it is saved as, SHA256 its sum in hexadecimal, At when it was made.
	Name, SHA256 string
	At           time.Time
	// New says that it was made just now: nobody has a part of it.
	New bool
}

// snapshot serves a copy of the whole file. Who asks for a part means the copy that it has
// begun with.
func (s *Site) snapshot(w http.ResponseWriter, r *http.Request) {
	copied, err := s.Snapshot(r.Context(), r.Header.Get("Range") != "" || r.Method == http.MethodHead)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // an empty answer would be a file
		}
		s.fail(w, err)
		return
	}
	defer copied.File.Close()
	if copied.New && r.Header.Get("If-Range") == "" {
		r.Header.Del("Range")
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": copied.Name}))
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+copied.SHA256+`"`)
	h.Set("Tapedeck-SHA256", copied.SHA256)
	to := patiently(w)
	defer to.finish()
	http.ServeContent(to, r, "", copied.At, copied.File)
}
