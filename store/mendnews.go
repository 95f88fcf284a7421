package store

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// mendNews makes the list of ids that of the articles there are: an article that is lost may
// be stored again when a feed still has it.
func (s *salvager) mendNews(tx *bolt.Tx) error {
	if tx.Bucket(bucketNews) == nil {
		return nil
	}
	list, ids, _, err := newsBuckets(tx)
	if err != nil {
		return err
	}
	if err := s.mendArticles(list, ids); err != nil {
		return err
	}
	return dropEach(ids, func(id, value []byte) (bool, error) {
		return list.Get(append(idValue(value), id...)) == nil, nil
	})
}

// mendArticles writes the ids of all articles. One that cannot be read is lost, and so is one
// that is there again: it was taken for a new one when the id was hurt.
func (s *salvager) mendArticles(list, ids *bolt.Bucket) error {
	return dropEach(list, func(key, value []byte) (bool, error) {
		a, err := openArticle(key, value)
		if err != nil {
			s.lose(placeOfNews(bucketArticles, key), err.Error())
			return true, nil
		}
		seen := idValue(ids.Get(a.ID[:]))
		switch before := bytes.Compare(seen, key[:8]); {
		case before == 0:
			return false, nil
		case before < 0 && list.Get(append(seen, a.ID[:]...)) != nil:
			s.lose(placeOfNews(bucketArticles, key), "it is there twice")
			return true, nil
		}
		return false, putSigned(ids, a.ID[:], slices.Clone(key[:8]), bucketIDs)
	})
}

// dropEach deletes what of a bucket is to go: when all was looked at, for a cursor does not
// bear it before.
func dropEach(b *bolt.Bucket, goes func(key, value []byte) (bool, error)) error {
	var gone [][]byte
	err := b.ForEach(func(key, value []byte) error {
		drop, err := goes(key, value)
		if drop {
			gone = append(gone, slices.Clone(key))
		}
		return err
	})
	for _, key := range gone {
		if err == nil {
			err = b.Delete(key)
		}
	}
	return err
}
