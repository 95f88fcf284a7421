package monitor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tapedeck/collector/monitor"
)

// written is a download that says how often it was written.
type written struct {
	data    []byte
	tag     string
	settled bool
	chunk   int   // bytes at a time
	failsAt int   // of the data, if fails
	fails   error // instead of the rest
	times   atomic.Int64
}

func (f *written) download() *monitor.Download {
	return &monitor.Download{Name: "QLD 1s.csv", Type: "text/csv; charset=utf-8", Tag: f.tag, Settled: f.settled, Write: f.write}
}

func (f *written) write(ctx context.Context, w io.Writer) error {
	f.times.Add(1)
	data := f.data
	if f.fails != nil {
		data = data[:f.failsAt]
	}
	for chunk := f.chunk; len(data) > 0; {
		if chunk <= 0 {
			chunk = 7001
		}
		n := min(chunk, len(data))
		if _, err := w.Write(data[:n]); err != nil {
			return err
		}
		if data = data[n:]; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return f.fails
}

// noise are n bytes without a pattern.
func noise(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data) // never fails
	return data
}

// sizes of downloads: nothing, little, about what is kept in memory, much.
var sizes = []int{0, 1, 5000, monitor.WholeInMemory - 1, monitor.WholeInMemory, monitor.WholeInMemory + 1, 10 << 20}

// downloading serves downloads by their names until the test ends.
func downloading(t *testing.T, files map[string]*written) (address string) {
	t.Helper()
	server := httptest.NewServer(openSite(t, func(s *monitor.Site) {
		s.Download = func(_ context.Context, name string, _ url.Values) (*monitor.Download, error) {
			f, ok := files[name]
			if !ok {
				return nil, errWrong
			}
			return f.download(), nil
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/export/"
}

// got is an answer with its body.
type got struct {
	*http.Response
	body []byte
	err  error // of reading it
}

// gets asks and reads the answer.
func gets(t *testing.T, method, address string, header ...string) got {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return got{err: err, Response: &http.Response{}}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return got{answer, body, err}
}

// is fails when an answer is not just that.
func (g got) is(t *testing.T, what string, code int, body []byte) {
	t.Helper()
	if g.err != nil || g.StatusCode != code || !bytes.Equal(g.body, body) {
		t.Errorf("%s: %d, %d bytes, %v; not %d, %d bytes", what, g.StatusCode, len(g.body), g.err, code, len(body))
	}
}

// TestDownload gets files of all sizes, whole, their heads and parts of them, with the size
// known before and not.
func TestDownload(t *testing.T) {
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			data := noise(size)
			parts := []struct {
				asked string
				from  int
				until int
			}{{"0-0", 0, 1}, {"-1", size - 1, size}, {fmt.Sprintf("%d-", size/2), size / 2, size}, {fmt.Sprintf("%d-%d", size/3, size/2), size / 3, size/2 + 1},
				{fmt.Sprintf("%d-99999999999", size-1), size - 1, size}, {"-99999999999", 0, size}}
			if size == 0 {
				parts = nil // nothing has no parts
			}
			for _, knows := range []bool{false, true} {
				for _, part := range parts {
					address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", settled: true}}) + "a.csv"
					if knows {
						gets(t, http.MethodGet, address).is(t, "whole", http.StatusOK, data)
					}
					want := data[max(0, part.from):max(0, part.until)]
					gets(t, http.MethodGet, address, "Range", "bytes="+part.asked).is(t, part.asked, http.StatusPartialContent, want)
				}
			}
			address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", settled: true}}) + "a.csv"
			isHead(t, gets(t, http.MethodHead, address), size)
			g := gets(t, http.MethodGet, address)
			g.is(t, "whole", http.StatusOK, data)
			isDownload(t, g)
			isHead(t, gets(t, http.MethodHead, address), size)
		})
	}
}

func isHead(t *testing.T, g got, size int) {
	t.Helper()
	g.is(t, "head", http.StatusOK, nil)
	isDownload(t, g)
	if g.Header.Get("Content-Length") != fmt.Sprint(size) || g.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("head of %d bytes: %v", size, g.Header)
	}
}

func isDownload(t *testing.T, g got) {
	t.Helper()
	_, kept, err := mime.ParseMediaType(g.Header.Get("Content-Disposition"))
	if err != nil || kept["filename"] != "QLD 1s.csv" || !strings.HasPrefix(g.Header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("kept as %v, %v", kept, err)
	}
	for name, want := range map[string]string{"ETag": `"t"`, "Content-Type": "text/csv; charset=utf-8", "Cache-Control": "private, no-cache", "Content-Encoding": ""} {
		if g.Header.Get(name) != want {
			t.Errorf("%s is %q", name, g.Header.Get(name))
		}
	}
}

// TestDownloadNoSuchPart asks for what is behind the end, and in a way that is none.
func TestDownloadNoSuchPart(t *testing.T) {
	for _, size := range []int{1, 5000, monitor.WholeInMemory + 1} {
		data := noise(size)
		address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", settled: true}}) + "a.csv"
		for _, asked := range []string{fmt.Sprintf("bytes=%d-", size), fmt.Sprintf("bytes=%d-%d", size+5, size+9), "bytes=5-4", "bytes=x", "lines=1-2"} {
			g := gets(t, http.MethodGet, address, "Range", asked)
			if g.StatusCode != http.StatusRequestedRangeNotSatisfiable || bytes.Equal(g.body, data) {
				t.Errorf("%s of %d: %d, %d bytes", asked, size, g.StatusCode, len(g.body))
			}
		}
	}
}

// TestDownloadParts asks for several parts at once: of what is not in memory the whole comes.
func TestDownloadParts(t *testing.T) {
	for _, size := range []int{5000, monitor.WholeInMemory, 3 << 20} {
		data := noise(size)
		address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", settled: true}}) + "a.csv"
		asked := [][2]int{{0, 9}, {size / 2, size/2 + 99}, {size - 10, size - 1}, {size / 4, size / 3}, {7, 7}}
		var texts []string
		for _, a := range asked {
			texts = append(texts, fmt.Sprintf("%d-%d", a[0], a[1]))
		}
		g := gets(t, http.MethodGet, address, "Range", "bytes="+strings.Join(texts, ","))
		if size > monitor.WholeInMemory {
			g.is(t, "parts of what is long", http.StatusOK, data)
			continue
		}
		_, of, err := mime.ParseMediaType(g.Header.Get("Content-Type"))
		if err != nil || g.StatusCode != http.StatusPartialContent || g.err != nil {
			t.Fatalf("%d %v %v %v", g.StatusCode, g.Header, err, g.err)
		}
		r := multipart.NewReader(bytes.NewReader(g.body), of["boundary"])
		for _, a := range asked {
			part, err := r.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(part)
			if want := fmt.Sprintf("bytes %d-%d/%d", a[0], a[1], size); err != nil || !bytes.Equal(text, data[a[0]:a[1]+1]) || part.Header.Get("Content-Range") != want {
				t.Errorf("%v of %d: %d bytes, %v, %v", a, size, len(text), part.Header, err)
			}
		}
		if _, err := r.NextPart(); !errors.Is(err, io.EOF) {
			t.Errorf("more parts: %v", err)
		}
	}
}

// TestDownloadResumed gets a file in random parts, each asked for with the tag of the first:
// together they are the whole.
func TestDownloadResumed(t *testing.T) {
	random := seeded(t)
	for _, size := range []int{5000, monitor.WholeInMemory + 1, 6 << 20} {
		data := noise(size)
		address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", chunk: 1 + random.IntN(70_000)}}) + "a.csv"
		var whole []byte
		for len(whole) < size {
			g := gets(t, http.MethodGet, address, "If-Range", `"t"`, "Range", fmt.Sprintf("bytes=%d-%d", len(whole), len(whole)+random.IntN(1+size/4)))
			if g.StatusCode != http.StatusPartialContent || g.err != nil || len(g.body) == 0 {
				t.Fatalf("at %d of %d: %d %v", len(whole), size, g.StatusCode, g.err)
			}
			whole = append(whole, g.body...)
		}
		if !bytes.Equal(whole, data) {
			t.Errorf("the parts of %d bytes are not the whole", size)
		}
	}
}

// TestDownloadConditions asks under conditions: a part of what may have changed is only a
// part when it is of the same.
func TestDownloadConditions(t *testing.T) {
	for _, size := range []int{5000, monitor.WholeInMemory + 1} {
		data := noise(size)
		files := map[string]*written{"open.csv": {data: data, tag: "open"}, "settled.csv": {data: data, tag: "settled", settled: true}}
		address := downloading(t, files)
		const part = "bytes=10-19"
		for _, c := range []struct {
			name, ifRange string
			code          int
		}{
			{"open", "", 200}, {"open", `"open"`, 206}, {"open", `"other"`, 200}, {"open", `W/"open"`, 200}, {"open", "open", 200}, {"open", "Mon, 02 Jan 2006 15:04:05 GMT", 200},
			{"settled", "", 206}, {"settled", `"settled"`, 206}, {"settled", `"other"`, 200},
		} {
			header, want := []string{"Range", part}, data
			if c.ifRange != "" {
				header = append(header, "If-Range", c.ifRange)
			}
			if c.code == http.StatusPartialContent {
				want = data[10:20]
			}
			gets(t, http.MethodGet, address+c.name+".csv", header...).is(t, fmt.Sprint(size, c), c.code, want)
		}
	}
}

// TestDownloadUnchanged asks for what one has: it is not written again.
func TestDownloadUnchanged(t *testing.T) {
	f := &written{data: noise(5000), tag: "t"}
	address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
	for _, has := range []string{`"t"`, `W/"t"`, `"x", "t"`} {
		g := gets(t, http.MethodGet, address, "If-None-Match", has)
		g.is(t, has, http.StatusNotModified, nil)
		if g.Header.Get("ETag") != `"t"` {
			t.Errorf("%s: %v", has, g.Header)
		}
	}
	if n := f.times.Load(); n != 0 {
		t.Errorf("written %d times", n)
	}
	for _, has := range []string{`"x"`, `"tt"`, `t`} {
		gets(t, http.MethodGet, address, "If-None-Match", has).is(t, has, http.StatusOK, f.data)
	}
}

// TestDownloadWrites counts how often a file is written: once for all when it is short, for
// each part and each whole of a long one, and never for its head when its size is known.
func TestDownloadWrites(t *testing.T) {
	for _, c := range []struct {
		size int
		want [6]int64 // head, head, whole, whole, part, no such part
	}{
		{5000, [6]int64{1, 1, 1, 1, 1, 1}},
		{monitor.WholeInMemory, [6]int64{1, 1, 1, 1, 1, 1}},
		{monitor.WholeInMemory + 1, [6]int64{1, 1, 2, 3, 4, 4}},
	} {
		f := &written{data: noise(c.size), tag: "t", settled: true}
		address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
		for i, ask := range [][]string{{http.MethodHead}, {http.MethodHead}, {http.MethodGet}, {http.MethodGet}, {http.MethodGet, "Range", "bytes=1000-1010"}, {http.MethodGet, "Range", "bytes=99999999-"}} {
			gets(t, ask[0], address, ask[1:]...)
			if n := f.times.Load(); n != c.want[i] {
				t.Errorf("%d bytes, ask %d %v: written %d times, not %d", c.size, i, ask, n, c.want[i])
			}
		}
	}
}

// TestDownloadOfNothing has a file without a byte be written once, too: to find that out may
// be as much work.
func TestDownloadOfNothing(t *testing.T) {
	f := &written{tag: "t", settled: true}
	address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
	for range 3 {
		gets(t, http.MethodGet, address).is(t, "nothing", http.StatusOK, nil)
	}
	if n := f.times.Load(); n != 1 {
		t.Errorf("written %d times", n)
	}
}

// TestDownloadAtOnce has several get the same at the same moment.
func TestDownloadAtOnce(t *testing.T) {
	for _, size := range []int{5000, monitor.WholeInMemory + 1} {
		data := noise(size)
		address := downloading(t, map[string]*written{"a.csv": {data: data, tag: "t", settled: true}}) + "a.csv"
		var all sync.WaitGroup
		for n := range 8 {
			all.Go(func() {
				if n%2 == 0 {
					gets(t, http.MethodGet, address).is(t, "whole", http.StatusOK, data)
					return
				}
				gets(t, http.MethodGet, address, "Range", "bytes=100-").is(t, "part", http.StatusPartialContent, data[100:])
			})
		}
		all.Wait()
	}
}

// TestDownloadFails has the writing fail before anything is on its way: the status of the
// failure, and none of the headers of a file.
func TestDownloadFails(t *testing.T) {
	for err, code := range failures {
		for _, at := range []int{0, 1, 5000, monitor.WholeInMemory} {
			f := &written{data: noise(at), tag: "t", settled: true, fails: err, failsAt: at}
			h := openSite(t, func(s *monitor.Site) {
				s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) { return f.download(), nil }
			})
			server := httptest.NewServer(h)
			for range 2 { // a failure is not kept
				isFailure(t, recorded(t, server.URL+"/export/a.csv"), err, code)
			}
			if g := gets(t, http.MethodHead, server.URL+"/export/a.csv"); g.StatusCode != code || g.Header.Get("ETag") != "" {
				t.Errorf("head: %d %v", g.StatusCode, g.Header)
			}
			if g := gets(t, http.MethodGet, server.URL+"/export/a.csv", "Range", "bytes=0-0"); g.StatusCode != code || g.Header.Get("ETag") != "" {
				t.Errorf("part: %d %v", g.StatusCode, g.Header)
			}
			server.Close()
		}
	}
}

// TestDownloadBreaks has the writing fail later: whoever reads cannot take it for the whole.
func TestDownloadBreaks(t *testing.T) {
	data := noise(6 << 20)
	for name, header := range map[string][]string{"whole": nil, "part": {"Range", "bytes=100-"}, "parts": {"Range", "bytes=0-10,100-5000000"}} {
		f := &written{data: data, tag: "t", settled: true}
		address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
		if name != "whole" {
			gets(t, http.MethodGet, address).is(t, "whole", http.StatusOK, data) // now its size is known
		}
		f.fails, f.failsAt = errWrong, 4<<20
		g := gets(t, http.MethodGet, address, header...)
		if !errors.Is(g.err, io.ErrUnexpectedEOF) || len(g.body) == 0 || len(g.body) > 4<<20+1024 { // with the headers of parts
			t.Errorf("%s: %d, %d bytes, %v", name, g.StatusCode, len(g.body), g.err)
		}
	}
}

// TestDownloadShrinks has a file become shorter under the same tag, against the promise: a
// part of it is broken off, and not filled with anything.
func TestDownloadShrinks(t *testing.T) {
	data := noise(6 << 20)
	f := &written{data: data, tag: "t", settled: true}
	address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
	gets(t, http.MethodGet, address).is(t, "whole", http.StatusOK, data)
	f.data = data[:5<<20]
	if g := gets(t, http.MethodGet, address, "Range", "bytes=10-"); !errors.Is(g.err, io.ErrUnexpectedEOF) || !bytes.Equal(g.body, data[10:5<<20]) {
		t.Errorf("%d bytes, %v", len(g.body), g.err)
	}
}

// TestDownloadEnds has the server end while a file is made, of which nothing is on its way
// yet: that is no empty file.
func TestDownloadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{}, 1)
	waits := func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(context.Context, string, url.Values) (*monitor.Download, error) {
			return &monitor.Download{Name: "a.csv", Type: "text/csv", Tag: "t", Write: func(ctx context.Context, _ io.Writer) error { return waits(ctx) }}, nil
		}
		s.Snapshot = func(ctx context.Context, _ bool) (*monitor.Snapshot, error) { return nil, waits(ctx) }
	})
	server := httptest.NewUnstartedServer(h)
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	defer server.Close()
	answers := make(chan got)
	for _, path := range []string{"/export/a.csv", "/backup"} {
		go func() { answers <- gets(t, http.MethodGet, server.URL+path) }()
		<-begun
	}
	cancel() // as Serve does, just before it closes the connections
	for range 2 {
		if g := <-answers; g.err == nil && g.StatusCode == http.StatusOK {
			t.Errorf("%v: %d, %d bytes", g.Request.URL, g.StatusCode, len(g.body))
		}
	}
}

// TestDownloadAsked hands over what was asked for.
func TestDownloadAsked(t *testing.T) {
	h := openSite(t, func(s *monitor.Site) {
		s.Download = func(_ context.Context, name string, asked url.Values) (*monitor.Download, error) {
			return (&written{data: []byte(name + " of " + asked.Encode()), tag: "t"}).download(), nil
		}
	})
	if w := here(h, http.MethodGet, "/export/trades.csv.gz?session=2026-11-20&symbols=QLD"); w.Body.String() != "trades.csv.gz of session=2026-11-20&symbols=QLD" {
		t.Errorf("%s", w.Body)
	}
}

// TestShelf keeps downloads until they are too many or too much: the oldest go.
func TestShelf(t *testing.T) {
	s := monitor.NewShelf()
	for n := range 2 * monitor.MostShelved {
		s.Keep(fmt.Sprint(n), 1)
	}
	if n, _ := s.Holds(); n != monitor.MostShelved || s.Has("0") || !s.Has(fmt.Sprint(2*monitor.MostShelved-1)) || !s.Has(fmt.Sprint(monitor.MostShelved)) {
		t.Errorf("it holds %d", n)
	}
	for n := range 40 {
		s.Keep(fmt.Sprint("big", n), monitor.WholeInMemory)
		s.Keep(fmt.Sprint("big", n), monitor.WholeInMemory) // as two who asked at once
		if _, size := s.Holds(); size > monitor.ShelvedBytes {
			t.Fatalf("it holds %d bytes", size)
		}
	}
	if n, size := s.Holds(); n != monitor.ShelvedBytes/monitor.WholeInMemory || size != monitor.ShelvedBytes || !s.Has("big39") {
		t.Errorf("it holds %d with %d bytes", n, size)
	}
}

// snapshots serves a copy, and says what was asked of it.
func snapshots(t *testing.T, data []byte, isNew *bool) (address string, again *bool, given *[]*os.File) {
	t.Helper()
	folder := t.TempDir()
	again, given = new(bool), new([]*os.File)
	server := httptest.NewServer(openSite(t, func(s *monitor.Site) {
		s.Snapshot = func(_ context.Context, wants bool) (*monitor.Snapshot, error) {
			*again = wants
			c, err := copyOf(folder, data, *isNew)
			*given = append(*given, c.File)
			return c, err
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/backup", again, given
}

// TestSnapshot gets the whole file, and goes on with it after a cut: with the copy that was
// begun with, or from the start with a new one.
func TestSnapshot(t *testing.T) {
	data, isNew := noise(1<<20), false
	address, again, given := snapshots(t, data, &isNew)
	const sum = `"5ca1ab1e"`
	for _, c := range []struct {
		name   string
		isNew  bool
		method string
		header []string
		again  bool
		code   int
		want   []byte
	}{
		{"whole", true, http.MethodGet, nil, false, 200, data},
		{"head", false, http.MethodHead, nil, true, 200, nil},
		{"head of a new one", true, http.MethodHead, nil, true, 200, nil},
		{"part", false, http.MethodGet, []string{"Range", "bytes=1000-"}, true, 206, data[1000:]},
		{"part of a new one", true, http.MethodGet, []string{"Range", "bytes=1000-"}, true, 200, data},
		{"part of the same", true, http.MethodGet, []string{"Range", "bytes=1000-", "If-Range", sum}, true, 206, data[1000:]},
		{"part of another", false, http.MethodGet, []string{"Range", "bytes=1000-", "If-Range", `"another"`}, true, 200, data},
		{"unchanged", false, http.MethodGet, []string{"If-None-Match", sum}, false, 304, nil},
	} {
		isNew = c.isNew
		g := gets(t, c.method, address, c.header...)
		g.is(t, c.name, c.code, c.want)
		if *again != c.again || g.Header.Get("ETag") != sum || g.Header.Get("Tapedeck-SHA256") != "5ca1ab1e" {
			t.Errorf("%s: again %t, %v", c.name, *again, g.Header)
		}
		if c.code == http.StatusNotModified {
			continue
		}
		if g.Header.Get("Content-Disposition") != "attachment; filename=tapedeck-copy.db" || g.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %v", c.name, g.Header)
		}
	}
	for n, f := range *given {
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("copy %d was not closed: %v", n, err)
		}
	}
}

// TestDownloadManyParts asks for very many parts in one request, each before the one before:
// that is not that much work.
func TestDownloadManyParts(t *testing.T) {
	f := &written{data: noise(3 << 20), tag: "t", settled: true}
	address := downloading(t, map[string]*written{"a.csv": f}) + "a.csv"
	asked := "bytes=3000000-3000000"
	for at := 3_000_000; at > 2_996_000; at -= 2 {
		asked += fmt.Sprintf(",%d-%d", at-2, at-2)
	}
	gets(t, http.MethodGet, address, "Range", asked)
	if n := f.times.Load(); n > 20 {
		t.Errorf("written %d times", n)
	}
}
