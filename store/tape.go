package store

import (
	"errors"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/candle"
	"tapedeck/collector/ledger"
)

// ErrConditions refuses a trade whose conditions are longer than the feed's ever
// are and than a record can hold.
var ErrConditions = errors.New("sale conditions longer than 4096 bytes")

const conditionsLimit = 4096

// tape is what is kept in memory of a session that is being recorded: what is
// staged for the next commit, and what it takes to know an echo.
type tape struct {
	session ledger.Session
	about   about
	number  uint32 // of the tape that is appended to
	bytes   int64  // on file, of all its tapes
	gone    bool   // its trades were dropped: it takes no more
	next    uint64 // ordinal of the next trade
	spans   uint32 // entries on file that are final
	open    uint32 // entries on file behind them that the next Enter replaces
	totals  ledger.Counts

	writer  recordWriter
	first   uint64   // ordinal of the first trade in writer
	records []record // full ones, staged
	settled []ledger.Span
	tail    []ledger.Span
	entered bool // settled or tail changed since the last commit
	moved   bool // the close in about is not that on file
	counts  ledger.Counts

	last   []tail   // by symbol id; short where a symbol has no trade yet
	flying []record // being committed
	idle   int      // commits since something was staged
}

// record is a value of the tape, checksum and all: it does not change any more.
type record struct {
	ordinal uint64
	value   []byte
}

// Append stages trades of one session, in order of arrival, for the next Commit.
// What it leaves out it returns, counted by reason (nil is nothing): a suspected echo
// when the session already holds the same trade, and every trade of a session whose
// trades retention has dropped. It works in memory, apart from the first trade of a
// session and suspected echoes, for which it reads the file.
func (f *File) Append(s ledger.Session, trades []candle.Trade) (left ledger.Counts, err error) {
	f.toil(len(trades))
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.tape(s)
	if err != nil {
		return nil, err
	}
	if t.gone {
		return ledger.Counts{ledger.RejectedSession: int64(len(trades))}, nil
	}
	known, err := f.knownEchoes(t, trades)
	if err != nil {
		return nil, err
	}
	for i := range trades {
		trade := &trades[i]
		if len(trade.Conditions) > conditionsLimit {
			return left, ErrConditions
		}
		id := f.symbolID(trade.Symbol)
		if trade.Echo && (known[i] || staged(trades[:i], trade)) {
			if left == nil {
				left = make(ledger.Counts)
			}
			left[ledger.RejectedEcho]++
			continue
		}
		f.stage(t, id, trade)
	}
	return left, nil
}

func (f *File) stage(t *tape, id uint32, trade *candle.Trade) {
	if t.writer.count > 0 && !t.writer.fits(trade) {
		f.cut(t)
	}
	if t.writer.count == 0 {
		t.first = t.next
		if t.writer.rows == nil {
			t.writer.reset(f.buffer())
		}
	}
	before := len(t.writer.rows)
	t.writer.add(id, trade)
	f.staged += len(t.writer.rows) - before
	t.next++
	t.noteLast(id, trade)
}

// cut ends the record under construction and stages it.
func (f *File) cut(t *tape) {
	if t.writer.count == 0 {
		return
	}
	value := t.sign(t.first, t.writer.appendTo(f.buffer()))
	t.records = append(t.records, record{t.first, value})
	t.writer.reset(t.writer.rows)
}

// sign appends the checksum of a record of the tape that is appended to.
func (t *tape) sign(ordinal uint64, body []byte) []byte {
	session, name, key := sessionKey(t.session), tapeName(t.number), ordinalKey(ordinal)
	return sign(body, session[:], name[:], key[:])
}

// move makes what is staged go to another tape.
func (t *tape) move(number uint32) {
	t.number = number
	for _, r := range t.records {
		t.sign(r.ordinal, r.value[:len(r.value)-checksumSize])
	}
}

func (f *File) buffer() []byte {
	if n := len(f.spare); n > 0 {
		b := f.spare[n-1]
		f.spare = f.spare[:n-1]
		return b
	}
	return make([]byte, 0, recordLimit)
}

// Enter stages entries of the ledger: settled are final; open are as things stand
// and replace the open entries of the call before. It works in memory, apart from
// the first call for a session; what goes wrong then, Commit returns.
func (f *File) Enter(s ledger.Session, settled, open []ledger.Span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.tape(s)
	if err != nil {
		f.failed = errors.Join(f.failed, err)
		return
	}
	t.settled = append(t.settled, settled...)
	t.tail = slices.Clone(open)
	t.entered = true
}

// Count stages increments of a session's statistics. It works in memory, like Enter.
func (f *File) Count(s ledger.Session, c ledger.Counts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.tape(s)
	if err != nil {
		f.failed = errors.Join(f.failed, err)
		return
	}
	if t.counts == nil {
		t.counts = make(ledger.Counts, len(c))
	}
	for name, n := range c {
		t.counts.Add(name, n)
	}
}

// Staged is how many bytes of trades wait for the next Commit.
func (f *File) Staged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.staged
}

// tape finds the session among those being recorded, or on file, or begins it.
func (f *File) tape(s ledger.Session) (*tape, error) {
	key := sessionKey(s)
	if t := f.tapes[key]; t != nil {
		return t, nil
	}
	t := &tape{session: s, about: about{session: s, source: f.options.Source}, totals: make(ledger.Counts)}
	err := f.view(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketSessions).Bucket(key[:])
		if b == nil {
			return nil
		}
		return f.resume(t, b, key)
	})
	if err != nil {
		return nil, err
	}
	err = again(func() error {
		c, err := f.scan(s, allTapes, nil, func(id uint32, trade *candle.Trade) bool {
			t.noteLast(id, trade)
			return true
		})
		t.next, t.bytes = c.next, c.bytes
		return err
	})
	if err != nil {
		return nil, err
	}
	f.tapes[key] = t
	return t, nil
}

// resume reads where the recording of a session stopped.
func (f *File) resume(t *tape, b *bolt.Bucket, key [sessionKeySize]byte) error {
	st, err := f.readStanding(b, key)
	if err != nil {
		return err
	}
	t.about, t.totals, t.gone = st.about, st.counts, st.dropped.trades
	t.spans = countSpans(b)
	t.number = max(resumeTape(b, st.mark), f.sealing[key])
	return nil
}

// resumeTape is the tape to go on with: the last one there is, but not one of which
// part is in blocks already.
func resumeTape(b *bolt.Bucket, mark sealMark) uint32 {
	n, ok := lastTape(b)
	switch {
	case !ok || n < mark.tape:
		return mark.tape
	case n == mark.tape && mark.begun():
		return n + 1
	}
	return n
}

// symbolID is the number of a symbol in this file; a new symbol gets the next.
func (f *File) symbolID(name string) uint32 {
	id, ok := f.ids[name]
	if !ok {
		name = strings.Clone(name)
		id = uint32(len(f.names.all()))
		f.names.add(name)
		f.ids[name] = id
		f.newNames++
	}
	return id
}

// setID is the number of a set of symbols in this file.
func (f *File) setID(s *ledger.Symbols) uint32 {
	if id, ok := f.setIDs[s]; ok {
		return id
	}
	ids := make([]uint32, 0, s.Len())
	for _, name := range s.Names() {
		ids = append(ids, f.symbolID(name))
	}
	slices.Sort(ids)
	body := string(encodeSet(ids))
	id, ok := f.setKeys[body]
	if !ok {
		id = uint32(len(f.sets.all()))
		f.sets.add(s)
		f.setKeys[body] = id
		f.newSets++
	}
	f.setIDs[s] = id
	return id
}

// Begin notes that a recorder joins session s at event time now (Unix ms). What an
// earlier one left open is accounted for: from the last entry of this session to
// now, and of the session before to its close, with the cause crash or shutdown.
// A session on file that is now to close at another time closes then, but not before
// what is on file of it. It is committed with the next Commit. It is for the goroutine
// that records.
func (f *File) Begin(s ledger.Session, now int64) error {
	summaries, err := f.Sessions()
	if err != nil {
		return err
	}
	if err := f.reshape(s, summaries); err != nil {
		return err
	}
	defer func() {
		f.mu.Lock()
		f.joined[sessionKey(s)] = true
		f.mu.Unlock()
	}()
	for i := len(summaries) - 1; i >= 0; i-- {
		old := summaries[i].Session
		if old.Open > s.Open || !old.Stated || f.joined[sessionKey(old)] {
			continue
		}
		if err := f.account(old, min(now, old.Close)); err != nil {
			return err
		}
		if old.Open < s.Open {
			break
		}
	}
	return nil
}

// reshape gives a session on file the close that s has.
func (f *File) reshape(s ledger.Session, summaries []Summary) error {
	i := slices.IndexFunc(summaries, func(old Summary) bool { return sessionKey(old.Session) == sessionKey(s) })
	if i < 0 || summaries[i].Session.Close == s.Close {
		return nil
	}
	spans, err := f.Spans(s)
	if err != nil {
		return err
	}
	until := s.Close
	for _, p := range spans {
		if p.Until > until { // a trade may be stamped with the very end of what was heard
			until = min(summaries[i].Session.Close, p.Until/60_000*60_000+60_000)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.tape(s)
	if err != nil {
		return err
	}
	t.session.Close, t.about.session.Close = until, until
	t.moved = true
	return nil
}

// account writes why the record of a session stops before until.
func (f *File) account(s ledger.Session, until int64) error {
	spans, err := f.Spans(s)
	if err != nil || len(spans) == 0 {
		return err
	}
	end, symbols := spans[0].Until, spans[0].Symbols
	for _, p := range spans {
		if p.Until >= end {
			end, symbols = p.Until, p.Symbols
		}
	}
	if end >= until {
		return nil
	}
	f.Enter(s, []ledger.Span{{From: end, Until: until, Symbols: symbols, Cause: f.rest()}}, nil)
	return nil
}

// rest is why the record stopped, where nothing says so: the last process died, or
// was told to stop.
func (f *File) rest() ledger.Cause {
	if f.interrupted {
		return ledger.Crash
	}
	return ledger.Shutdown
}
