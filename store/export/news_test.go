package export_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"tapedeck/collector/news"
	"tapedeck/store/export"
)

// newsRows are one article with all there may be, and one with nothing but a title.
func newsRows(t *testing.T, o export.Options) []byte {
	t.Helper()
	var file bytes.Buffer
	e, err := export.NewNews(&file, o)
	must(t, err)
	seen := moment(t, "2026-11-20T15:00:00Z")
	must(t, e.Encode(&news.Article{
		ID: news.ID{0xab}, Seen: seen + 7, Published: seen - 60_000, Source: "A, B", Title: "=1+1 \"of\"\ntwo",
		Link: "https://e.com/?a=1&b=<2>", Symbols: []string{"AAPL", "QLD"},
	}))
	must(t, e.Encode(&news.Article{ID: news.ID{1}, Seen: seen, Source: "B", Title: "Gr\u00f6\u00dfe"}))
	must(t, e.Close())
	return file.Bytes()
}

// The rows of headlines as they are written: quoted where they must be, and what is not
// known is empty or null.
func TestNewsRows(t *testing.T) {
	for name, c := range map[string]struct {
		options export.Options
		want    string
	}{
		"csv": {export.Options{Format: export.CSV}, "time,published,source,title,link,id,symbols\n" +
			"2026-11-20T15:00:00.007Z,2026-11-20T14:59:00.000Z,\"A, B\",\"=1+1 \"\"of\"\"\ntwo\",https://e.com/?a=1&b=<2>,ab0000000000000000000000,AAPL QLD\n" +
			"2026-11-20T15:00:00.000Z,,B,Gr\u00f6\u00dfe,,010000000000000000000000,\n"},
		"excel": {export.Options{Format: export.CSV, Excel: true, Columns: []string{"title", "link", "symbols"}}, "\ufefftitle,link,symbols\n" +
			"\"'=1+1 \"\"of\"\"\ntwo\",https://e.com/?a=1&b=<2>,AAPL QLD\n" +
			"Gr\u00f6\u00dfe,,\n"},
		"jsonl": {export.Options{Format: export.JSONLines}, `{"time":"2026-11-20T15:00:00.007Z","published":"2026-11-20T14:59:00.000Z","source":"A, B","title":"=1+1 \"of\"\ntwo",` +
			`"link":"https://e.com/?a=1&b=<2>","id":"ab0000000000000000000000","symbols":"AAPL QLD"}` + "\n" +
			`{"time":"2026-11-20T15:00:00.000Z","published":null,"source":"B","title":"Größe","link":null,"id":"010000000000000000000000","symbols":null}` + "\n"},
	} {
		if got := string(newsRows(t, c.options)); got != c.want {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// In Parquet what is not known is null.
func TestParquetNews(t *testing.T) {
	var got []string
	openParquet(t, newsRows(t, export.Options{Format: export.Parquet})).each(t, func(row map[string]parquet.Value) {
		for _, column := range []string{"published", "title", "link", "id", "symbols"} {
			got = append(got, row[column].String())
		}
	})
	want := []string{
		"1795186740000000", "=1+1 \"of\"\ntwo", "https://e.com/?a=1&b=<2>", "ab0000000000000000000000", "AAPL QLD",
		"<null>", "Gr\u00f6\u00dfe", "<null>", "010000000000000000000000", "<null>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rows are %q, want %q", got, want)
	}
}
