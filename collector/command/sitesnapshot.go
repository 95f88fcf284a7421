package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tapedeck/collector/monitor"
	"tapedeck/store"
)

// snapshots keeps the copy that was downloaded last for a while, so that a download that
// breaks off can go on. There is one at a time: it takes as much room as the recording.
type snapshots struct {
	mu    sync.Mutex
	saved *store.Saved
	timer *time.Timer
}

const (
	snapshotKept = 15 * time.Minute // behind the last one who asked for it
	snapshotNew  = 10 * time.Second // one that was just made is as good as a new one
)

// snapshotPath is where it lies: on the disk of the recording, where a platform has room, but
// beside a stopped file, which may be anybody's, nothing is put.
func (s *site) snapshotPath() string {
	if s.live == nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("tapedeck-view-%d", os.Getpid()), filepath.Base(s.file.Path()))
	}
	return filepath.Join(filepath.Dir(backupPath(s.file.Path())), "download", filepath.Base(s.file.Path()))
}

// snapshot makes a verified copy of the file and opens it, or opens the last one again.
func (s *site) snapshot(ctx context.Context, again bool) (*monitor.Snapshot, error) {
	c := &s.snapshots
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.saved == nil || !again && time.Since(time.UnixMilli(c.saved.At)) > snapshotNew
	if made {
		saved, err := s.file.Snapshot(ctx, s.snapshotPath(), 1, time.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		c.saved = saved
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(snapshotKept, s.dropSnapshot)
	file, err := os.Open(c.saved.Path)
	if err != nil {
		c.saved = nil
		return nil, err
	}
	return &monitor.Snapshot{File: file, Name: filepath.Base(s.file.Path()), SHA256: c.saved.SHA256, New: made, At: time.UnixMilli(c.saved.At)}, nil
}

// dropSnapshot removes the copy. Whoever reads it reads on, where the system allows that.
func (s *site) dropSnapshot() {
	c := &s.snapshots
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.saved = nil
	path := s.snapshotPath()
	err := errors.Join(removed(path), removed(path+".sha256"))
	if err == nil {
		_ = os.Remove(filepath.Dir(path)) // if nothing else is in it
	}
}

func removed(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
