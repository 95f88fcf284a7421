package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/ledger"
	"tapedeck/store/pages"
)

// Report is what Verify found.
type Report struct {
	// Problems are the places that do not hold what was written there; none is a
	// whole file.
	Problems []*Damaged
	// Unproven are the sessions whose stored candles are whole, but cannot be folded
	// again: all or some of their trades are not there any more. By time.
	Unproven []ledger.Session
	// What was read: sessions, trades (on the tape and in blocks), stored candles
	// that were compared with the fold of their trades, and pages, of which free hold
	// nothing.
	Sessions        int
	Trades, Candles int64
	Pages, Free     int64

	head uint64 // the commit that was read
}

// Verify proves a file that nobody records into: every page and its place in the tree
// by a reader of our own, every checksum, every record and block, every stored candle
// against the fold of its trades, and the ledger against the sessions. It changes
// nothing, goes on behind what is damaged, and blocks for as long as reading and
// folding the file takes; ctx ends it. It keeps nobody from recording: when somebody began
// to, the error is a *Held. An error is a file that cannot be read at all: those of
// OpenReadOnly. What is damaged inside is in the report.
func Verify(ctx context.Context, path string) (*Report, error) {
	before := headTx(path)
	report, err := verify(ctx, path)
	if report != nil {
		report.head = before
	}
	if headTx(path) != before {
		return nil, &Held{path, Holder(path)}
	}
	return report, err
}

// Undisturbed is a *Held when somebody has recorded into the file since Verify made the
// report.
func Undisturbed(path string, r *Report) error {
	if headTx(path) != r.head {
		return &Held{path, Holder(path)}
	}
	return nil
}

// headTx is the number of the last commit to a file; 0 of one that cannot be read.
func headTx(path string) uint64 {
	file, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer file.Close()
	head, _ := pages.ReadHead(file)
	return head.Tx
}

// Verify proves a file that this process records into, beside the recording: like the
// function of that name, but what is read comes by bbolt, in short transactions, and not
// page by page. It blocks likewise; ctx ends it.
func (f *File) Verify(ctx context.Context) (*Report, error) {
	v := &verifier{ctx: ctx, path: f.path, f: f, report: new(Report)}
	if err := v.bucket(nil); err != nil {
		return nil, err
	}
	space, err := f.Space()
	if err != nil {
		return nil, err
	}
	v.report.Pages, v.report.Free = space.Pages, space.Free
	return v.report, v.sessions()
}

func verify(ctx context.Context, path string) (*Report, error) {
	if err := inspect(path); missing(err) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	} else if err != nil && !isDamaged(err) {
		return nil, err
	}
	v := &verifier{ctx: ctx, path: path, report: new(Report)}
	if err := v.values(); err != nil {
		return nil, err
	}
	f, err := OpenReadOnly(path)
	if isDamaged(err) {
		v.add(err)
		return v.report, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	v.f = f
	return v.report, v.sessions()
}

func isDamaged(err error) bool {
	var damaged *Damaged
	return errors.As(err, &damaged)
}

// verifier is one Verify.
type verifier struct {
	ctx    context.Context
	path   string
	f      *File
	report *Report
	told   map[string]bool // places that are in the report
}

// add notes damage, once for each place. Another error, and none, it returns.
func (v *verifier) add(err error) error {
	var damaged *Damaged
	if !errors.As(err, &damaged) {
		return err
	}
	if v.told == nil {
		v.told = make(map[string]bool)
	}
	if !v.told[damaged.Where] {
		v.told[damaged.Where] = true
		v.report.Problems = append(v.report.Problems, damaged)
	}
	return nil
}

// values reads the pages and proves every value by its checksum, whatever it is: what
// a later minor version added, too.
func (v *verifier) values() error {
	file, err := os.Open(v.path)
	if err != nil {
		return err
	}
	defer file.Close()
	return v.walk(file)
}

func (v *verifier) walk(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	p, err := pages.Open(file, info.Size())
	if err != nil {
		return v.add(&Damaged{v.path, "offset 0", err.Error()})
	}
	problem := func(p pages.Problem) { _ = v.add(damagedPage(v.path, p)) }
	err = p.Walk(func(i pages.Item) error {
		if i.Bucket {
			return v.ctx.Err()
		}
		if _, err := open(i.Value, namesOf(i)...); err != nil {
			return v.add(&Damaged{v.path, placeOfItem(i), err.Error()})
		}
		return nil
	}, problem)
	if err != nil {
		return err
	}
	free, err := p.Freelist(problem)
	v.report.Free, v.report.Pages = int64(free), int64(p.Head().Pages)
	return err
}

// namesOf is what the checksum of a value is over: the names below the top bucket, and
// the key.
func namesOf(i pages.Item) [][]byte {
	if len(i.Path) == 0 {
		return [][]byte{i.Key}
	}
	return append(slices.Clone(i.Path[1:]), i.Key)
}

func damagedPage(path string, p pages.Problem) *Damaged {
	where := fmt.Sprintf("page %d", p.Page)
	if len(p.Path) > 0 {
		where += " of " + placeOfPath(p.Path)
	}
	return &Damaged{path, where, p.What}
}

// sessions reads every session as a reader does, and compares what should agree.
func (v *verifier) sessions() error {
	keys, err := eachSession(v.f, func(key [sessionKeySize]byte, _ *bolt.Bucket) ([sessionKeySize]byte, bool, error) {
		return key, true, nil
	})
	if err := v.add(err); err != nil {
		return err
	}
	for _, key := range keys {
		if err := v.session(key); err != nil {
			return err
		}
	}
	return v.news()
}

func (v *verifier) session(key [sessionKeySize]byte) error {
	v.report.Sessions++
	st, err := v.f.standing(key)
	if err != nil {
		return v.add(err)
	}
	s := st.about.session
	if s.Close <= s.Open {
		_ = v.add(&Damaged{v.path, place(s, "about", nil), "it closes before it opens"})
	}
	if err := v.add(v.ledger(s)); err != nil {
		return err
	}
	if st.dropped.trades || len(st.dropped.gaps) > 0 {
		v.report.Unproven = append(v.report.Unproven, s)
	}
	p := &prover{verifier: v, session: s, key: key, standing: st}
	if st.dropped.trades {
		return p.kept()
	}
	return p.trades()
}

// ledger checks that the entries make sense by themselves.
func (v *verifier) ledger(s ledger.Session) error {
	spans, err := v.f.Spans(s)
	if err != nil {
		return err
	}
	for i, p := range spans {
		key := spanKey(uint32(i))
		if p.Until < p.From || p.From < s.Open || p.Until > s.Close {
			_ = v.add(&Damaged{v.path, place(s, "ledger", key[:]), "it does not lie in its session"})
		}
	}
	return nil
}
