package command

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"tapedeck/collector/monitor"
	"tapedeck/store"
	"tapedeck/store/export"
)

// mediaTypes are those of what can be exported, packed or not.
var mediaTypes = map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8", "parquet": "application/vnd.apache.parquet",
	".gz": "application/gzip", ".zst": "application/zstd"}

// download is /export/WHAT.FORMAT, with the flags of the command as parameters.
func (s *site) download(ctx context.Context, name string, v url.Values) (*monitor.Download, error) {
	e, pack, err := s.exportNamed(name, v)
	if err != nil {
		return nil, err
	}
	kind := cmp.Or(mediaTypes[pack], mediaTypes[e.Format])
	if e.Follow {
		if pack != "" {
			return nil, &usage{problem: "follow: what is read as it comes is not packed; right is for example /export/" + e.What + ".csv?follow=yes"}
		}
		return &monitor.Download{Name: name, Type: kind, Live: true, Write: func(ctx context.Context, w io.Writer) error {
			_, err := e.answer(ctx, s.book(), w)
			return err
		}}, nil
	}
	tag, settled, first, err := s.tagOf(ctx, e, v, name)
	if err != nil {
		return nil, err
	}
	return &monitor.Download{
		Name: first + name, Type: kind, Tag: tag, Settled: settled,
		Write: func(ctx context.Context, w io.Writer) error {
			return packed(pack, w, func(w io.Writer) error {
				_, err := e.answer(ctx, s.book(), w)
				return err
			})
		},
	}, nil
}

// exportNamed is the export that the name of a file asks for.
func (s *site) exportNamed(name string, v url.Values) (e *exportCommand, pack string, err error) {
	a := siteAsked(maps.Clone(v))
	bare := name
	for _, end := range packings {
		if strings.HasSuffix(bare, end) {
			bare, pack = strings.TrimSuffix(bare, end), end
		}
	}
	format := strings.TrimPrefix(filepath.Ext(bare), ".")
	if !slices.Contains(formats, format) {
		return nil, "", &usage{problem: fmt.Sprintf("%q: right is for example /export/1s.csv, /export/trades.parquet or /export/100t.jsonl.gz", name)}
	}
	a.Set("what", strings.TrimSuffix(bare, "."+format))
	a.Set("format", format)
	e = new(exportCommand)
	if err := e.take(a); err != nil {
		return nil, "", err
	}
	if err := a.leftover(); err != nil {
		return nil, "", err
	}
	switch {
	case e.folder():
		return nil, "", &usage{problem: "that is several files, which the command writes into a folder", try: program() + " export " + e.What + " -o exports"}
	case pack != "" && format == string(export.Parquet):
		return nil, "", &usage{problem: fmt.Sprintf("%q: Parquet is packed within", name)}
	}
	return e, pack, nil
}

// tagOf is another text whenever the bytes of an export may be: it is of what was asked for,
// and of all that the file counts of the sessions it is made of. settled says that
// these have ended; first begins the name of the file.
func (s *site) tagOf(ctx context.Context, e *exportCommand, v url.Values, name string) (tag string, settled bool, first string, err error) {
	h := sha256.New()
	fmt.Fprintln(h, version(), name, v.Encode())
	if e.What == "news" {
		for a, err := range s.file.LatestNews(math.MinInt64) {
			if err != nil {
				return "", false, "", err
			}
			fmt.Fprintln(h, a.Seen, a.ID)
			break
		}
		return hex.EncodeToString(h.Sum(nil)[:16]), false, "", nil
	}
	r := s.file.Read()
	now := s.book().now()
	sel, err := e.choose(ctx, r, now)
	if err != nil {
		return "", false, "", err
	}
	settled = true
	for _, each := range sel.sessions {
		of := each.Session
		until, err := r.Until(of)
		if err != nil {
			return "", false, "", err
		}
		spans, err := s.file.Spans(of)
		if err != nil {
			return "", false, "", err
		}
		fmt.Fprintln(h, of, each.Source, each.TradesDropped, each.CandlesDropped, until, len(spans), s.file.Interrupted())
		for _, name := range slices.Sorted(maps.Keys(each.Counts)) {
			fmt.Fprintln(h, name, each.Counts[name])
		}
		settled = settled && until >= of.Close && !s.mayGrow(of.Close, now.UnixMilli())
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), settled, nameOfSessions(sel.sessions), nil
}

// mayGrow says whether trades of a session that closed then may still come.
func (s *site) mayGrow(close, now int64) bool {
	return s.live != nil && (s.live.run.AllHours || now < close+int64(s.live.run.CloseGrace)/1e6)
}

// nameOfSessions begins the name of a file: its session, or the first and the last.
func nameOfSessions(list []store.Summary) string {
	first, last := list[0].Session.Date(), list[len(list)-1].Session.Date()
	if first == last {
		return first + "-"
	}
	return first + "-to-" + last + "-"
}
