package store

import (
	"slices"

	bolt "go.etcd.io/bbolt"
)

// mendNews makes the list of ids that of the articles there are: an article that is lost may
// be stored again when a feed still has it.
func (s *salvager) mendNews(tx *bolt.Tx) error {
	top := tx.Bucket(bucketNews)
	if top == nil {
		return nil
	}
	list, ids, _, err := newsBuckets(tx)
	if err != nil {
		return err
	}
	var stray [][]byte
	err = ids.ForEach(func(id, value []byte) error {
		if list.Get(append(idValue(value), id...)) == nil {
			stray = append(stray, slices.Clone(id))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range stray {
		if err := ids.Delete(id); err != nil {
			return err
		}
	}
	return list.ForEach(func(key, value []byte) error {
		a, err := openArticle(key, value)
		if err != nil || ids.Get(a.ID[:]) != nil {
			return err
		}
		return putSigned(ids, a.ID[:], slices.Clone(key[:8]), bucketIDs)
	})
}
