package store

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// copyTx bounds the memory of a copy: bytes a transaction.
const copyTx = 8 << 20

// copyKeys copies everything that tx sees into an empty database, until ctx ends. It does
// what bolt.Compact does, which cannot be stopped, and which commits its last part when its
// own transaction is over, though that part still lies in pages of the source: of one that
// is being written to, they may be others by then. Here tx lives until all is committed.
func copyKeys(ctx context.Context, to *bolt.DB, tx *bolt.Tx) (err error) {
	c := &copier{ctx: ctx, db: to}
	if c.tx, err = to.Begin(true); err != nil {
		return err
	}
	defer func() { _ = c.tx.Rollback() }() // what is committed is not open any more
	err = tx.ForEach(func(name []byte, b *bolt.Bucket) error { return c.bucket(nil, name, b) })
	if err != nil {
		return err
	}
	return c.tx.Commit()
}

// copier is one copy.
type copier struct {
	ctx  context.Context
	db   *bolt.DB
	tx   *bolt.Tx
	size int // bytes in tx
}

// bucket copies bucket b, which is called name in the bucket at path.
func (c *copier) bucket(path [][]byte, name []byte, b *bolt.Bucket) error {
	made, err := c.create(path, name)
	if err != nil {
		return err
	}
	if err := made.SetSequence(b.Sequence()); err != nil {
		return err
	}
	path = append(path[:len(path):len(path)], name)
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return c.bucket(path, k, b.Bucket(k))
		}
		if c.size += len(k) + len(v); c.size > copyTx {
			if err := c.commit(); err != nil {
				return err
			}
			c.size = len(k) + len(v)
		}
		into := c.at(path)
		into.FillPercent = 1
		return into.Put(k, v)
	})
}

func (c *copier) create(path [][]byte, name []byte) (*bolt.Bucket, error) {
	if len(path) == 0 {
		return c.tx.CreateBucket(name)
	}
	return c.at(path).CreateBucket(name)
}

// at is the bucket at a path, in the transaction of now.
func (c *copier) at(path [][]byte) *bolt.Bucket {
	b := c.tx.Bucket(path[0])
	for _, name := range path[1:] {
		b = b.Bucket(name)
	}
	return b
}

// commit ends a transaction and begins the next.
func (c *copier) commit() error {
	if err := c.tx.Commit(); err != nil {
		return err
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	tx, err := c.db.Begin(true)
	if err == nil {
		c.tx = tx
	}
	return err
}
