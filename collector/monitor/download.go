package monitor

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Download is a file that is written anew each time somebody asks for it.
type Download struct {
	// Name is what it is saved as, Type its media type.
	Name, Type string
	// Tag is another one when the bytes are: while it is the same, a part of the file fits to
	// the part that somebody has.
	Tag string
	// Settled says that what it is made of has ended, so that a part may be asked for without
	// naming the tag.
	Settled bool
	// Live is one without an end, of which there are no parts.
	Live bool
	// Write writes it, for as long as whoever reads takes, and ends early with ctx.
	Write func(ctx context.Context, w io.Writer) error
}

// wholeInMemory is up to which length a download is made before it is sent: then its length is known,
// and a part of it costs nothing.
const wholeInMemory = 2 << 20

// downloads serves them. A part of one that is too long to be kept is served by writing it
// again from the start and leaving out what is before it: that costs time, and no room on
// the disk that is recorded to.
type downloads struct {
	site  *Site
	known *shelf
}

func (d *downloads) serve(w http.ResponseWriter, r *http.Request) {
	file, err := d.site.Download(r.Context(), r.PathValue("name"), r.URL.Query())
	if err != nil {
		d.site.fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.Type)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
	h.Set("Cache-Control", "private, no-cache")
	if file.Live {
		d.live(w, r, file)
		return
	}
	tag := `"` + file.Tag + `"`
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if !file.Settled && r.Header.Get("If-Range") == "" {
		r.Header.Del("Range") // what the client has may be of another moment
	}
	if known, ok := d.known.find(file.Tag); ok {
		d.content(w, r, file, known)
		return
	}
	d.make(w, r, file)
}

// make writes a file, into memory first, and on to the client when that is not enough; who
// wants to know the length or a part has to wait until it has been written once.
func (d *downloads) make(w http.ResponseWriter, r *http.Request, file *Download) {
	straight := r.Method == http.MethodGet && r.Header.Get("Range") == ""
	g, to := &gathering{}, patiently(w)
	if straight {
		g.on = to
	}
	err := file.Write(r.Context(), g)
	switch {
	case err != nil && (g.sent || r.Context().Err() != nil):
		panic(http.ErrAbortHandler) // so that it cannot be taken for the whole
	case err != nil:
		d.site.fail(w, err)
		return
	}
	to.finish()
	made := made{size: g.size}
	if !g.over {
		made.whole = g.buf.Bytes()
	}
	d.known.keep(file.Tag, made)
	if !g.sent {
		d.content(w, r, file, made)
	}
}

// content serves a file, or parts of it, whose length is known.
func (d *downloads) content(w http.ResponseWriter, r *http.Request, file *Download, m made) {
	var from io.ReadSeeker = bytes.NewReader(m.whole)
	if m.whole == nil && m.size > 0 {
		if strings.Contains(r.Header.Get("Range"), ",") {
			r.Header.Del("Range") // it would be written anew for each part
		}
		again := &rewriting{ctx: r.Context(), size: m.size, write: file.Write}
		defer again.stop()
		from = again
	}
	to := patiently(w)
	defer to.finish()
	http.ServeContent(to, r, "", time.Time{}, from)
}

// live streams what has no end.
func (d *downloads) live(w http.ResponseWriter, r *http.Request, file *Download) {
	if r.Method == http.MethodHead {
		return
	}
	w.Header().Set("Accept-Ranges", "none")
	out := &flowing{patient: patiently(w)}
	defer out.finish()
	if err := file.Write(r.Context(), out); err != nil && r.Context().Err() == nil {
		if out.any {
			panic(http.ErrAbortHandler)
		}
		d.site.fail(w, err)
	}
}

// flowing has a Flush, as an Answer wants it.
type flowing struct {
	*patient
	any bool
}

func (f *flowing) Write(b []byte) (int, error) {
	f.any = true
	return f.patient.Write(b)
}

// Flush sends what there is. What was sent before may be long ago.
func (f *flowing) Flush() error {
	f.finish()
	return f.control.Flush()
}
