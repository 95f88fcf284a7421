package store

import (
	"errors"
	"os"

	bolt "go.etcd.io/bbolt"
)

// CheckPages runs bbolt's own check and hands what it finds to tell. It walks in a
// goroutine of its own, where a damaged page ends the process, and it may not come to an
// end: call it only in a process of its own, with a time limit. The file is not
// changed.
func CheckPages(path string, tell func(line string)) error {
	if err := inspect(path); err != nil {
		return err
	}
	var opened *os.File
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: lockWait,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			file, err := os.OpenFile(name, flag, mode)
			opened = file
			return file, err
		}})
	if err != nil {
		return err
	}
	unshare(opened) // who wants to record need not wait
	found := 0
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			found++
			tell(err.Error())
		}
		return nil
	})
	if err == nil && found > 0 {
		err = errors.New("bbolt's check found errors")
	}
	return errors.Join(err, db.Close())
}
