package store

import (
	bolt "go.etcd.io/bbolt"

	"tapedeck/store/pages"
)

// news compares the articles with the list of their ids, and reads the states of the feeds.
func (v *verifier) news() error {
	if _, err := v.f.Feeds(); v.add(err) != nil {
		return err
	}
	err := v.newsValues(bucketArticles, func(tx *bolt.Tx, i pages.Item) string {
		a, err := openArticle(i.Key, i.Value)
		if err != nil {
			return err.Error()
		}
		if ids := newsBucket(tx, bucketIDs); ids == nil || string(idValue(ids.Get(a.ID[:]))) != string(i.Key[:8]) {
			return "its id is not known"
		}
		return ""
	})
	if err != nil {
		return err
	}
	return v.newsValues(bucketIDs, func(tx *bolt.Tx, i pages.Item) string {
		key := append(idValue(i.Value), i.Key...)
		if list := newsBucket(tx, bucketArticles); list == nil || list.Get(key) == nil {
			return "there is no article of it"
		}
		return ""
	})
}

// idValue is when the article of an id was first seen, as in its key; nil of a value that is
// too short.
func idValue(value []byte) []byte {
	return append([]byte(nil), value[:max(0, len(value)-checksumSize)]...)
}

// newsValues looks at each value of a bucket, page by page. wrong says what is.
func (v *verifier) newsValues(bucket []byte, wrong func(*bolt.Tx, pages.Item) string) error {
	path := [][]byte{bucketNews, bucket}
	var from []byte
	for more := true; more; {
		var items []pages.Item
		var err error
		if items, from, more, err = v.f.page(path, from); err != nil {
			return v.add(err)
		}
		err = v.f.view(func(tx *bolt.Tx) error {
			for _, i := range items {
				if what := wrong(tx, i); what != "" {
					_ = v.add(&Damaged{v.path, placeOfItem(i), what})
				}
			}
			return v.ctx.Err()
		})
		if err := v.add(err); err != nil {
			return err
		}
	}
	return nil
}
