package monitor

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"time"
)

// files are the page: plain HTML, CSS and ES modules, as they stand there.
//
//go:embed page
var files embed.FS

var (
	loginTemplate  = template.Must(template.ParseFS(files, "page/login.html"))
	closedTemplate = template.Must(template.ParseFS(files, "page/closed.html"))
)

// kinds are the types of what the page is made of, by the end of its name: the machine's own
// table may know others.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func index(w http.ResponseWriter, r *http.Request) { serveFile(w, r, "index.html") }

func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if path.Ext(name) == ".html" { // templates, and the page, which is at /
		name = ""
	}
	serveFile(w, r, name)
}

// serveFile serves a file of the page. A browser asks each time whether it has changed,
// which a new version of the program does without a new name.
func serveFile(w http.ResponseWriter, r *http.Request, name string) {
	data, err := files.ReadFile("page/" + name)
	kind := kinds[path.Ext(name)]
	if err != nil || kind == "" {
		refuse(w, http.StatusNotFound, &Failure{Usage: true, Problem: "nothing is at " + r.URL.Path})
		return
	}
	sum := sha256.Sum256(data)
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func loginPage(w http.ResponseWriter, status int, problem string) {
	templated(w, status, loginTemplate, struct{ Problem string }{problem})
}

// closed is shown from outside while there is no token.
func closed(w http.ResponseWriter) { templated(w, http.StatusForbidden, closedTemplate, nil) }

func templated(w http.ResponseWriter, status int, t *template.Template, data any) {
	w.Header().Set("Content-Type", kinds[".html"])
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = t.Execute(w, data) // whoever asked may be gone
}
