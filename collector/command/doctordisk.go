package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tapedeck/schedule"
)

const (
	speedWrites = 50
	speedSize   = 4 << 10
	speedWithin = 10 * time.Second
	slowSync    = 100 * time.Millisecond // p99 of them; a commit a second takes several
)

// identity is who we run as.
type identity struct {
	uid  int
	home string
}

func whoAmI() identity {
	home, _ := os.UserHomeDir()
	return identity{os.Getuid(), home}
}

// checkFolder looks whether a recorder could write beside the file, and how fast.
func checkFolder(ctx context.Context, folder string, me identity, speed func(context.Context, string) ([]time.Duration, error)) []finding {
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []finding{checkParent(folder, me)}
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return []finding{broken("folder", folder+" is no folder: a file is in its place", elsewhere("or move the file away"))}
	case err != nil:
		return []finding{broken("folder", fmt.Sprintf("%s: %v", folder, bare(err)), ownLine(folder, me.uid))}
	}
	took, err := speed(ctx, folder)
	if err != nil && ctx.Err() == nil {
		return []finding{cannotWriteIn(folder, err, me)}
	}
	found := []finding{good("folder", "%s can be written, as uid %d", folder, me.uid)}
	if len(took) == 0 {
		return append(found, doubt("disk speed", "not measured in time", program()+" doctor   # again"))
	}
	return append(found, judgeSpeed(folder, took))
}

// checkParent is for a folder that is not there: run makes it, but not those above it.
func checkParent(folder string, me identity) finding {
	parent := filepath.Dir(filepath.Clean(folder))
	info, err := os.Stat(parent)
	if err != nil || !info.IsDir() {
		return broken("folder", folder+" is not there, and neither is the one above it", "mkdir -p "+shellWord(folder))
	}
	if err := tryFile(parent); err != nil {
		return cannotWriteIn(parent, err, me)
	}
	return good("folder", "%s is not there yet: run makes it", folder)
}

// tryFile makes a file in a folder and takes it away again.
func tryFile(folder string) error {
	file, err := os.CreateTemp(folder, ".tapedeck-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// cannotWriteIn says why, whose the folder is, and what to do about it.
func cannotWriteIn(folder string, err error, me identity) finding {
	says := fmt.Sprintf("%s cannot be written: %v", folder, bare(err))
	switch {
	case errors.Is(err, fs.ErrPermission):
		return broken("folder", says+"; "+rightsOf(folder, me.uid), ownLine(folder, me.uid))
	case errors.Is(err, syscall.EROFS):
		return broken("folder", says, elsewhere("or mount it for writing"))
	case isFull(err):
		return broken("folder", says, "df -h "+shellWord(folder)+"   # then make room")
	}
	return broken("folder", says, elsewhere("a folder that can be written"))
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func elsewhere(words string) string {
	return program() + " run --db /another/folder/tapedeck.db   # " + words
}

// syncSpeed writes and syncs a small file again and again, as a recorder does with its own,
// and says how long each took. It ends early with ctx and when it takes too long.
func syncSpeed(ctx context.Context, folder string) (took []time.Duration, err error) {
	file, err := os.CreateTemp(folder, ".tapedeck-doctor-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	page := make([]byte, speedSize)
	for begun := time.Now(); len(took) < speedWrites && time.Since(begun) < speedWithin && ctx.Err() == nil; {
		at := time.Now()
		if _, err := file.WriteAt(page, int64(len(took))*speedSize); err != nil {
			return took, err
		}
		if err := file.Sync(); err != nil {
			return took, err
		}
		took = append(took, time.Since(at))
	}
	return took, nil
}

func judgeSpeed(folder string, took []time.Duration) finding {
	slices.Sort(took)
	half, most := took[len(took)/2], took[min(len(took)-1, len(took)*99/100)]
	says := fmt.Sprintf("4 KB are on disk within %s, %s at p99", shortly(half), shortly(most))
	if most > slowSync {
		return doubt("disk speed", says+": a commit a second will be late now and then, which the tape waits for in memory", elsewhere("on a disk of its own, or a faster one than that of "+folder))
	}
	return good("disk speed", "%s", says)
}

// shortly is a short time for a person.
func shortly(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// checkSpace looks at the room on the disk, and for how many days it will do.
func checkSpace(f facts, days int64, free func(string) (int64, bool)) []finding {
	folder := existing(filepath.Dir(f.path))
	bytes, ok := free(folder)
	if !ok {
		return []finding{doubt("disk space", "not known: the system does not say", "df -h "+shellWord(folder))}
	}
	fix := "df -h " + shellWord(folder) + "   # then make room, or keep less: " + program() + " run --keep-trades 90d"
	says := megabytes(bytes) + " free"
	left := -1.0
	if f.status != nil && f.status.Disk.DaysLeft >= 0 {
		left = f.status.Disk.DaysLeft
		says += fmt.Sprintf(", which will do for %s days, as the file grows by %s a day", thousands(int64(left)), megabytes(f.status.Disk.Growth))
	}
	switch {
	case bytes < leastFree:
		return []finding{broken("disk space", says+": as good as full", fix)}
	case left >= 0 && left < float64(days):
		return []finding{doubt("disk space", says, fix)}
	}
	return []finding{good("disk space", "%s", says)}
}

// checkFilesystem names a file system on which the file is not safe.
func checkFilesystem(folder string, unsafe func(string) string) finding {
	folder = existing(folder)
	if name := unsafe(folder); name != "" {
		return broken("file system", folder+" is on "+name+", where a file like this can be lost: locks and syncs do not hold there", program()+" run --db /local/tapedeck.db   # on a local disk")
	}
	return good("file system", "%s is on none that is known to lose files like this", folder)
}

// since is how long ago a moment was, in words.
func since(now, at time.Time) string { return schedule.Span(max(0, now.Sub(at))) + " ago" }
