package store_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/eodhd"
	"tapedeck/collector/ledger"
	"tapedeck/store"
	"tapedeck/store/export"
)

// BenchmarkSizes is what a real day takes at rest, beside what it takes elsewhere: bytes a
// trade and a candle. Size is pages in use x 4096 after compact, by bucket, over 20 copies
// of the day under other names, Received = Time; what times of arrival add is reported
// apart. SQLite needs the sqlite3 command.
func BenchmarkSizes(b *testing.B) {
	for _, name := range []string{"SPY_20131007", "IBM_20131008", "XXX_20180102"} {
		list := realDay(b, name)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				trades, seconds, hundred := atRest(b, list)
				live := make([]candle.Trade, len(list))
				copy(live, list)
				arrive(live)
				arrived, _, _ := atRest(b, live)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(trades, "trade")
				b.ReportMetric(arrived-trades, "arrival")
				b.ReportMetric(seconds, "1s")
				b.ReportMetric(hundred, "100t")
				elsewhere(b, list)
			}
		})
	}
}

// realDay reads a whole day as the feed's decoder does. Received is the time itself.
func realDay(b *testing.B, name string) []candle.Trade {
	b.Helper()
	root := filepath.Join("..", "..", "shared", "data", "trades")
	file, err := os.Open(filepath.Join(root, name+".full.jsonl.gz"))
	if errors.Is(err, fs.ErrNotExist) {
		b.Skip("skipped: there is no ../shared/data beside the project")
	}
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		b.Fatal(err)
	}
	symbol, _, _ := strings.Cut(name, "_")
	decoder := eodhd.NewDecoder(eodhd.US, []string{symbol})
	var list []candle.Trade
	for lines := bufio.NewScanner(unzipped); lines.Scan(); {
		var t candle.Trade
		if kind, _ := decoder.Decode(lines.Bytes(), &t); kind != eodhd.KindTrade {
			b.Fatalf("%s: no trade: %s", name, lines.Text())
		}
		t.Received = t.Time
		list = append(list, t)
	}
	return list
}

// arrive gives trades times of arrival as on a live feed: 60 ms and a little more, in
// order.
func arrive(list []candle.Trade) {
	rng := rand.New(rand.NewPCG(1, 2))
	last := int64(0)
	for i := range list {
		last = max(last, list[i].Time+60+int64(rng.ExpFloat64()*8))
		list[i].Received = last
	}
}

const copies = 20

// atRest records copies of a day, seals and compacts, and returns bytes a trade, a
// 1-second and a 100-trade candle.
func atRest(b *testing.B, list []candle.Trade) (trades, seconds, hundred float64) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "a.db")
	f, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	const hour = 3_600_000
	s := ledger.Session{Hours: ledger.Extended, Open: list[0].Time / hour * hour, Close: list[0].Time/hour*hour + 17*hour, Stated: true}
	for i := range copies {
		batch := make([]candle.Trade, len(list))
		for j := range list {
			batch[j] = list[j]
			batch[j].Symbol = fmt.Sprintf("%s%02d", list[j].Symbol, i)
		}
		if _, err := f.Append(s, batch); err != nil {
			b.Fatal(err)
		}
		if err := f.Commit(); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(f.Seal(b.Context(), s, true), f.Close()); err != nil {
		b.Fatal(err)
	}
	if _, _, err := store.Compact(b.Context(), path, store.Options{NoSync: true}, 0); err != nil {
		b.Fatal(err)
	}
	n := func(v candle.Interval) float64 { return float64(copies * len(folded(list, v))) }
	return pagesOf(b, path, s, "trades") / float64(copies*len(list)),
		pagesOf(b, path, s, "1s") / n(candle.Second), pagesOf(b, path, s, "100t") / n(candle.HundredTrades)
}

// pagesOf is what the pages of a bucket of a session take.
func pagesOf(b *testing.B, path string, s ledger.Session, bucket string) (bytes float64) {
	b.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	key := store.SessionKey(s)
	_ = db.View(func(tx *bolt.Tx) error {
		st := tx.Bucket([]byte("sessions")).Bucket(key[:]).Bucket([]byte(bucket)).Stats()
		bytes = float64(st.LeafPageN+st.LeafOverflowN+st.BranchPageN+st.BranchOverflowN) * float64(db.Info().PageSize)
		return nil
	})
	return bytes
}

// parquetTrade and parquetCandle are the columns of an export.
type parquetTrade struct {
	Time       int64   `parquet:"time,delta"`
	Price      float64 `parquet:"price"`
	Size       float64 `parquet:"size"`
	Conditions string  `parquet:"conditions,dict"`
	Dark       bool    `parquet:"dark"`
}

type parquetCandle struct {
	Time                                  int64 `parquet:"time,delta"`
	Open, High, Low, Close, Volume, Value float64
	Trades                                int64
}

// elsewhere reports the same rows as CSV, as Parquet with zstd and in SQLite.
func elsewhere(b *testing.B, list []candle.Trade) {
	b.Helper()
	n, seconds := float64(len(list)), folded(list, candle.Second)
	var d export.Decimals
	for i := range list {
		d.Trade(&list[i])
	}
	var size counter
	rows, err := export.NewTrades(&size, export.Options{}, d)
	if err != nil {
		b.Fatal(err)
	}
	for i := range list {
		if err := rows.Encode(&list[i], int64(i)+1); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)/n, "trade-csv")
	pt, sql := make([]parquetTrade, len(list)), new(strings.Builder)
	for i := range list {
		t := &list[i]
		pt[i] = parquetTrade{t.Time, asFloat(t.Price.String()), asFloat(t.Size.String()), t.Conditions, t.Dark}
		fmt.Fprintf(sql, "insert into t values(%d,%s,%s,'%s',%t);\n", t.Time, t.Price, t.Size, t.Conditions, t.Dark)
	}
	b.ReportMetric(parquetSize(b, pt)/n, "trade-parquet")
	b.ReportMetric(sqliteSize(b, "create table t(time integer primary key, price, size, conditions, dark)", sql.String())/n, "trade-sqlite")
	pc := make([]parquetCandle, len(seconds))
	size = 0
	candles, err := export.NewTimeCandles(&size, export.Options{}, export.Decimals{Price: 4, VWAP: 6})
	if err != nil {
		b.Fatal(err)
	}
	sql.Reset()
	for i := range seconds {
		c := &seconds[i]
		pc[i] = parquetCandle{c.Start, asFloat(c.Open.String()), asFloat(c.High.String()), asFloat(c.Low.String()), asFloat(c.Close.String()),
			asFloat(c.Volume.String()), asFloat(c.Turnover.String()), c.Trades}
		if err := candles.Encode(list[0].Symbol, c, ledger.Traded); err != nil {
			b.Fatal(err)
		}
		fmt.Fprintf(sql, "insert into t values(%d,%s,%s,%s,%s,%s,%s,%d);\n", c.Start, c.Open, c.High, c.Low, c.Close, c.Volume, c.Turnover, c.Trades)
	}
	if err := candles.Close(); err != nil {
		b.Fatal(err)
	}
	m := float64(len(seconds))
	b.ReportMetric(float64(size)/m, "1s-csv")
	b.ReportMetric(parquetSize(b, pc)/m, "1s-parquet")
	b.ReportMetric(sqliteSize(b, "create table t(time integer primary key, open, high, low, close, volume, turnover, trades)", sql.String())/m, "1s-sqlite")
}

func asFloat(text string) (f float64) {
	_, _ = fmt.Sscan(text, &f)
	return f
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func parquetSize[T any](b *testing.B, rows []T) float64 {
	b.Helper()
	var size counter
	w := parquet.NewGenericWriter[T](io.Writer(&size), parquet.Compression(&parquet.Zstd))
	if _, err := w.Write(rows); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	return float64(size)
}

// sqliteSize is 0 without sqlite3. Trades of one millisecond need a key of their own: the
// row's number.
func sqliteSize(b *testing.B, create, insert string) float64 {
	b.Helper()
	sqlite, err := exec.LookPath("sqlite3")
	if err != nil {
		return 0
	}
	path := filepath.Join(b.TempDir(), "peer.sqlite")
	cmd := exec.Command(sqlite, path)
	cmd.Stdin = strings.NewReader(strings.Replace(create, "time integer primary key", "time integer", 1) + ";\nbegin;\n" + insert + "commit;\nvacuum;\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}
