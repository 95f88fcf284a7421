package store

import (
	"os"

	bolt "go.etcd.io/bbolt"

	"tapedeck/store/pages"
)

// Space is what the file takes on its disk.
type Space struct {
	Size     int64 // bytes of the file
	Pages    int64 // of it
	Free     int64 // pages that hold nothing; compact gives them back
	PageSize int64 // bytes
}

// Used is how many bytes hold something.
func (s Space) Used() int64 { return (s.Pages - s.Free) * s.PageSize }

// Reclaimable is by how much a compaction would shorten the file, at least.
func (s Space) Reclaimable() int64 { return max(0, s.Size-s.Used()) }

// Space measures the file. It blocks for the disk, not for a commit.
func (f *File) Space() (Space, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return Space{}, err
	}
	s := Space{Size: info.Size(), PageSize: int64(f.db.Info().PageSize)}
	err = f.view(func(tx *bolt.Tx) error {
		s.Pages = tx.Size() / s.PageSize
		if f.recording {
			stats := f.db.Stats()
			s.Free = int64(stats.FreePageN + stats.PendingPageN)
			return nil
		}
		s.Free, err = freeOnDisk(f.path, info.Size())
		return err
	})
	return s, err
}

// freeOnDisk counts the list of free pages: who only reads has bbolt not load it.
func freeOnDisk(path string, size int64) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	p, err := pages.Open(file, size)
	if err != nil {
		return 0, err
	}
	n, err := p.Freelist(func(pages.Problem) {})
	return int64(n), err
}
