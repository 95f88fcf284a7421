package store

import (
	"context"
	"iter"
	"math"
	"slices"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
	"tapedeck/collector/news"
	"tapedeck/store/block"
)

// Reading reads a file as it stood when it first came to each session: what is recorded
// afterwards is not in it, so that reading a session twice gives the same rows, and the
// states of its seconds are those of the same moment. It holds no transaction and nothing
// else of the file, however long it lives. It is for one goroutine.
type Reading struct {
	f        *File
	ctx      context.Context
	sessions map[[sessionKeySize]byte]*standstill
	spare    *workspace // of a reader that has ended, for the next one
}

// workspace is the memory that a reader decodes with: some MB.
type workspace struct {
	decoder *block.Decoder
	data    []byte
	trades  []candle.Trade
	candles []candle.Candle
}

// standstill is a session at the moment it is read as of.
type standstill struct {
	spans []ledger.Span // read before list: what they vouch for is in it
	rest  ledger.Cause
	until int64         // the ledger tells of the time before it
	next  uint64        // ordinal of the trade behind those in list
	list  []symbolCount // by name
	names []string      // with those that only the ledger names
}

// Read begins a reading.
func (f *File) Read() *Reading {
	return &Reading{f: f, ctx: context.Background(), sessions: make(map[[sessionKeySize]byte]*standstill)}
}

// Within has the reading end early with ctx, whose error it then returns: beside a busy
// recording it may take long. It returns the reading.
func (r *Reading) Within(ctx context.Context) *Reading {
	r.ctx = ctx
	return r
}

// Path is where the file lies.
func (r *Reading) Path() string { return r.f.path }

// News are the articles of a time, as File.News has them.
func (r *Reading) News(from, to int64) iter.Seq2[news.Article, error] { return r.f.News(from, to) }

// Sessions are the sessions on file, by time, with their counts as they are now.
func (r *Reading) Sessions() ([]Summary, error) { return r.f.Sessions() }

// Sizes is that of the file, now.
func (r *Reading) Sizes(s ledger.Session) (map[string]Size, error) { return r.f.Sizes(s) }

// at is the session as it stood when it was first asked for.
func (r *Reading) at(s ledger.Session) (*standstill, error) {
	key := sessionKey(s)
	if still := r.sessions[key]; still != nil {
		return still, nil
	}
	spans, err := r.f.Spans(s)
	if err != nil {
		return nil, err
	}
	list, next, err := r.f.counted(r.ctx, s)
	if err != nil {
		return nil, err
	}
	d, err := r.f.dropped(s)
	if err != nil {
		return nil, err
	}
	still := &standstill{spans: spans, rest: r.f.rest(), list: list, next: next}
	if still.until, err = r.f.until(s, spans); err != nil {
		return nil, err
	}
	still.names = r.f.namesIn(still, d)
	r.sessions[key] = still
	return still, nil
}

// until is how far the ledger tells of a session: to its close, unless it is being
// recorded, which ends when it is sealed as over.
func (f *File) until(s ledger.Session, spans []ledger.Span) (int64, error) {
	key := sessionKey(s)
	f.mu.Lock()
	joined := f.joined[key]
	f.mu.Unlock()
	if !joined {
		return s.Close, nil
	}
	if st, err := f.standing(key); err != nil || st.mark.finished() {
		return s.Close, err
	}
	until := s.Open
	for _, p := range spans {
		until = max(until, p.Until)
	}
	return min(until, s.Close), nil
}

// namesIn are the symbols of a session, sorted: those with trades, kept or dropped, and
// those the ledger names.
func (f *File) namesIn(s *standstill, d dropped) []string {
	var names []string
	for _, c := range s.list {
		names = append(names, c.name)
	}
	for id := range d.gaps {
		if all := f.names.all(); id < uint32(len(all)) {
			names = append(names, all[id])
		}
	}
	var last *ledger.Symbols
	for _, p := range s.spans {
		if p.Symbols != last {
			names = append(names, p.Symbols.Names()...)
			last = p.Symbols
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// reader reads the trades of a session up to that moment.
func (r *Reading) reader(s ledger.Session) (*reader, error) {
	still, err := r.at(s)
	if err != nil {
		return nil, err
	}
	space := r.spare
	r.spare = nil
	if space == nil {
		space = &workspace{decoder: block.NewDecoder()}
	}
	reader, err := r.f.newReaderIn(s, space)
	reader.list, reader.ctx = still.list, r.ctx
	return reader, err
}

// release takes back the memory of a reader that has ended.
func (r *Reading) release(of *reader) {
	r.spare = &workspace{of.blocks.decoder, of.blocks.data, of.blocks.trades, of.candles}
}

// Symbols are the symbols of a session, sorted: those with trades, kept or dropped,
// and those the ledger names.
func (r *Reading) Symbols(s ledger.Session) ([]string, error) {
	still, err := r.at(s)
	if err != nil {
		return nil, err
	}
	return slices.Clone(still.names), nil
}

// Timelines tells of any symbol what was heard. Where nothing says why the record stops,
// the cause is crash or shutdown as the file was left; of a session that is being recorded
// the time from Until on has no meaning.
func (r *Reading) Timelines(s ledger.Session) (func(symbol string) ledger.Timeline, error) {
	still, err := r.at(s)
	if err != nil {
		return nil, err
	}
	return func(symbol string) ledger.Timeline { return ledger.NewTimeline(s, still.spans, symbol, still.rest) }, nil
}

// Until is how far the ledger tells of a session, Unix ms: to its close, but while this
// process records it, to what was heard last.
func (r *Reading) Until(s ledger.Session) (int64, error) {
	still, err := r.at(s)
	if err != nil {
		return 0, err
	}
	return still.until, nil
}

// Trades is that of a Reading of its own.
func (f *File) Trades(s ledger.Session, symbols []string) iter.Seq2[Row, error] {
	return f.Read().Trades(s, symbols)
}

// Candles is that of a Reading of its own.
func (f *File) Candles(s ledger.Session, symbols []string, v candle.Interval, anchor int64) iter.Seq2[CandleRow, error] {
	return f.Read().Candles(s, symbols, v, anchor)
}

// Symbols is that of a Reading of its own.
func (f *File) Symbols(s ledger.Session) ([]string, error) { return f.Read().Symbols(s) }

// Timelines is that of a Reading of its own.
func (f *File) Timelines(s ledger.Session) (func(symbol string) ledger.Timeline, error) {
	return f.Read().Timelines(s)
}

// unlimited is the total of a symbol whose trades are all wanted.
const unlimited = math.MaxInt64
