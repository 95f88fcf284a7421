package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"

	"tapedeck/collector/news"
)

// In the bucket news, which is there since the first article or feed, buckets.
var (
	bucketNews     = []byte("news")
	bucketArticles = []byte("articles")
	bucketIDs      = []byte("ids")
	bucketFeeds    = []byte("feeds")
)

// articleKey sorts articles by when they were first seen.
func articleKey(seen int64, id news.ID) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 20), uint64(seen)), id[:]...)
}

func parseArticleKey(key []byte) (seen int64, id news.ID, ok bool) {
	if len(key) != 8+len(id) {
		return 0, id, false
	}
	return int64(binary.BigEndian.Uint64(key)), news.ID(key[8:]), true
}

// feedKeyMost is the longest URL that is a key, in bytes. bbolt refuses keys of more than
// 32 KB, and with the key all that is written with it.
const feedKeyMost = 1000

// feedKey is what the state of a feed lies under: its URL, or the hash of one that is long.
func feedKey(url string) []byte {
	if len(url) <= feedKeyMost {
		return []byte(url)
	}
	return fmt.Appendf(nil, "sha256:%x", sha256.Sum256([]byte(url)))
}

func encodeArticle(a *news.Article) []byte {
	b := binary.AppendVarint(nil, a.Published)
	for _, text := range [3]string{a.Source, a.Title, a.Link} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Symbols)))
	for _, s := range a.Symbols {
		b = appendText(b, s)
	}
	return b
}

func decodeArticle(seen int64, id news.ID, body []byte) (news.Article, error) {
	r := fields{rest: body}
	a := news.Article{ID: id, Seen: seen, Published: r.varint(), Source: r.text(), Title: r.text(), Link: r.text()}
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		a.Symbols = append(a.Symbols, r.text())
	}
	return a, r.err
}

// PutNews adds the articles that are not on file, and replaces the states of the feeds, in
// one transaction. It blocks until that is on disk, and may be called beside a recording,
// from any goroutine. An error with Full() true may be tried again.
func (f *File) PutNews(articles []news.Article, states []news.State) error {
	if len(articles)+len(states) == 0 {
		return nil
	}
	err := guard(f.path, func() error {
		return f.db.Update(func(tx *bolt.Tx) error {
			list, ids, feeds, err := newsBuckets(tx)
			if err != nil {
				return err
			}
			for i := range articles {
				if err := putArticle(list, ids, &articles[i]); err != nil {
					return err
				}
			}
			for i := range states {
				body, err := json.Marshal(&states[i])
				if err != nil {
					return err
				}
				if err := putSigned(feeds, feedKey(states[i].URL), body, bucketFeeds); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("write news to %s: %w", f.path, full(err))
	}
	return nil
}

func newsBuckets(tx *bolt.Tx) (list, ids, feeds *bolt.Bucket, err error) {
	top, err := tx.CreateBucketIfNotExists(bucketNews)
	if err != nil {
		return nil, nil, nil, err
	}
	var made [3]*bolt.Bucket
	for i, name := range [3][]byte{bucketArticles, bucketIDs, bucketFeeds} {
		if made[i], err = top.CreateBucketIfNotExists(name); err != nil {
			return nil, nil, nil, err
		}
	}
	made[0].FillPercent = 0.95 // they come in order, but for steps of the clock
	return made[0], made[1], made[2], nil
}

func putArticle(list, ids *bolt.Bucket, a *news.Article) error {
	if ids.Get(a.ID[:]) != nil {
		return nil // it was seen before
	}
	seen := binary.BigEndian.AppendUint64(nil, uint64(a.Seen))
	if err := putSigned(ids, a.ID[:], seen, bucketIDs); err != nil {
		return err
	}
	return putSigned(list, articleKey(a.Seen, a.ID), encodeArticle(a), bucketArticles)
}

// newsBucket is one of the buckets of the news, nil when there are none yet.
func newsBucket(tx *bolt.Tx, name []byte) *bolt.Bucket {
	if top := tx.Bucket(bucketNews); top != nil {
		return top.Bucket(name)
	}
	return nil
}

// KnowsNews says which articles are on file. It reads the disk, and may be called from any
// goroutine.
func (f *File) KnowsNews(list []news.ID) (known []bool, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		known = make([]bool, len(list))
		if b := newsBucket(tx, bucketIDs); b != nil {
			for i := range list {
				known[i] = b.Get(list[i][:]) != nil
			}
		}
		return nil
	})
	return known, err
}

// Feeds are the feeds that were ever asked, with what is known of them, by URL. An error may
// be a *Damaged. It may be called from any goroutine.
func (f *File) Feeds() (list []news.State, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		list = nil
		b := newsBucket(tx, bucketFeeds)
		if b == nil {
			return nil
		}
		return b.ForEach(func(k, v []byte) error {
			var s news.State
			body, err := open(v, bucketFeeds, k)
			if err == nil {
				err = json.Unmarshal(body, &s)
			}
			if err != nil {
				return &Damaged{f.path, placeOfNews(bucketFeeds, k), err.Error()}
			}
			list = append(list, s)
			return nil
		})
	})
	slices.SortFunc(list, func(a, b news.State) int { return cmp.Compare(a.URL, b.URL) }) // the key may be a hash
	return list, err
}

// News are the articles first seen at from or later and before to (Unix ms), by that time.
// It reads page by page: no transaction is open while a row is looked at, and what comes
// meanwhile may be among them. An error, such as a *Damaged, ends it.
func (f *File) News(from, to int64) iter.Seq2[news.Article, error] {
	return func(yield func(news.Article, error) bool) {
		f.newsPages(newsScan{at: articleKey(max(from, 0), news.ID{}), seek: (*bolt.Cursor).Seek, next: (*bolt.Cursor).Next,
			wanted: func(seen int64) bool { return seen < to },
			behind: func(last []byte) []byte { return append(last, 0) },
		}, yield)
	}
}

// LatestNews are the articles first seen at from or later (Unix ms), the latest first. It
// reads as News does.
func (f *File) LatestNews(from int64) iter.Seq2[news.Article, error] {
	return func(yield func(news.Article, error) bool) {
		f.newsPages(newsScan{at: articleKey(-1, news.ID{}), seek: seekBefore, next: (*bolt.Cursor).Prev, // -1 is behind all
			wanted: func(seen int64) bool { return seen >= from },
			behind: func(last []byte) []byte { return last },
		}, yield)
	}
}

// seekBefore is the last entry before a key.
func seekBefore(c *bolt.Cursor, at []byte) (k, v []byte) {
	if k, _ := c.Seek(at); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// newsScan goes over articles in one direction.
type newsScan struct {
	at     []byte // where a page begins
	seek   func(c *bolt.Cursor, at []byte) (k, v []byte)
	next   func(c *bolt.Cursor) (k, v []byte)
	wanted func(seen int64) bool    // says no behind the last one
	behind func(last []byte) []byte // where the page behind a key begins
}

func (f *File) newsPages(s newsScan, yield func(news.Article, error) bool) {
	for more := true; more; {
		var page []newsEntry
		var err error
		if page, more, err = f.newsPage(&s); err != nil {
			yield(news.Article{}, err)
			return
		}
		for i, e := range page {
			if i%newsRun == 0 {
				f.breathe()
			}
			a, err := openArticle(e.key, e.value)
			if err != nil {
				yield(news.Article{}, &Damaged{f.path, placeOfNews(bucketArticles, e.key), err.Error()})
				return
			}
			if !yield(a, nil) {
				return
			}
		}
		if more {
			s.at = s.behind(page[len(page)-1].key)
		}
	}
}

const (
	newsRows = 512 // articles in a page at most: who wants the latest few should not wait for more
	newsRun  = 32  // articles that are read between two breaths
)

// newsEntry is an article as it lies in the file.
type newsEntry struct{ key, value []byte }

// newsPage copies what is next. more says that there is something behind it.
func (f *File) newsPage(s *newsScan) (page []newsEntry, more bool, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		page, more = nil, false
		b := newsBucket(tx, bucketArticles)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		until, size := newPage(), 0
		for k, v := s.seek(c, s.at); k != nil; k, v = s.next(c) {
			if seen, _, ok := parseArticleKey(k); ok && !s.wanted(seen) {
				return nil
			}
			if more = len(page) == newsRows || size > pageBytes || len(page) > 0 && until.over(); more {
				return nil
			}
			both := slices.Concat(k, v)
			page = append(page, newsEntry{both[:len(k):len(k)], both[len(k):]})
			size += len(k) + len(v)
		}
		return nil
	})
	return page, more, err
}

// openArticle proves an article.
func openArticle(k, v []byte) (news.Article, error) {
	body, err := open(v, bucketArticles, k)
	if err != nil {
		return news.Article{}, err
	}
	seen, id, ok := parseArticleKey(k)
	if !ok {
		return news.Article{}, errEntry
	}
	return decodeArticle(seen, id, body)
}

func placeOfNews(bucket, key []byte) string {
	return "news/" + string(bucket) + "/" + printable(key)
}
