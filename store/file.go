// Package store is the file: one bbolt database that holds the tape of every
// session and the ledger beside it. FORMAT.md draws every byte.
//
// No bbolt handle leaves the package and no transaction outlives a call: readers
// copy a page and let go of the file before anybody sees a row.
package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"tapedeck/collector/ledger"
)

// The format that this program writes. Within a major version the format only
// adds: see FORMAT.md.
const (
	FormatMajor = 1
	FormatMinor = 0
)

// Options say who opens a file for recording.
type Options struct {
	// Command names the process to others that find the file in use, such as
	// "tapedeck run".
	Command string
	// Source says what is recorded, such as "EODHD us" or "simulated seed 1".
	// Each session keeps the source it was begun with.
	Source string
	// Version is the program's own, noted in the file.
	Version string
	// MaxSize is how many bytes the file may grow to: then it is as good as a full disk.
	// 0 is no limit. A file that is larger already is recorded into as far as it has room.
	MaxSize int64
	// NoSync leaves out fsync. For tests.
	NoSync bool
}

// File is an open file. Its methods may be called from any goroutine; Commit and
// Close take turns, and reading never waits for a commit.
type File struct {
	path        string
	db          *bolt.DB
	opened      *os.File // bbolt's, for its lock
	options     Options
	recording   bool
	interrupted bool
	copied      bool
	keepMark    bool // Close leaves the mark: this process only tidies up

	views  sync.Mutex // of who only reads: one view at a time, for the lock is the file's
	loaded int        // the commit that names and sets were read at; needs views

	backups    sync.Mutex   // one backup at a time; taken before all others
	seals      sync.Mutex   // one seal at a time; taken before commit
	busy       atomic.Int64 // Unix ns until which readers hold back
	turns      sync.Mutex   // of readers that do
	beforeSeal func()       // tests: before each transaction of a seal
	commit     sync.Mutex   // one commit at a time; taken before mu
	closed     bool         // needs commit

	mu       sync.Mutex
	joined   map[[sessionKeySize]byte]bool // by this process
	names    growing[string]               // by id; read without the lock
	ids      map[string]uint32
	newNames int                      // how many names are not yet on file, at the end of names
	sets     growing[*ledger.Symbols] // likewise
	setIDs   map[*ledger.Symbols]uint32
	setKeys  map[string]uint32
	newSets  int
	tapes    map[[sessionKeySize]byte]*tape
	sealing  map[[sessionKeySize]byte]uint32 // where appends go while the tapes before are sealed
	staged   int
	failed   error    // of a call that could not return it
	spare    [][]byte // record buffers to use again
}

// Open opens the file for recording and creates it, with its folder, when it is
// missing. It does not wait: a file in use is a *Held. A file that cannot be ours
// to write is refused untouched with a *Foreign, *Newer or *Damaged. It marks the
// file as being recorded; Close takes the mark away.
func Open(path string, o Options) (*File, error) {
	if err := inspect(path); missing(err) {
		if err := create(path, o); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	// First read-only: opening for writing may already write.
	probe, err := OpenReadOnly(path)
	if err != nil {
		return nil, err
	}
	copied := probe.Copied()
	if err := probe.Close(); err != nil {
		return nil, fmt.Errorf("close %s: %w", path, err)
	}
	if copied { // writing to a torn copy would make it worse
		if err := proveValues(path); err != nil {
			return nil, err
		}
	}
	f := newFile(path, o)
	f.recording = true
	if err := f.openBolt(false); err != nil {
		return nil, err
	}
	_ = f.SetSocket("") // who cannot leave his name records all the same
	if err := errors.Join(f.load(), f.mark()); err != nil {
		f.db.Close()
		return nil, err
	}
	return f, nil
}

// OpenReadOnly opens a file that nobody records into. ErrMissing, *Held,
// *Foreign, *Newer and *Damaged say why not; the file is never changed. It keeps
// nobody from recording: who begins to meanwhile is read on beside, and what is read
// is right, if it may take longer. A *Held can come of any later call, then, but only
// when commits follow each other without a pause.
func OpenReadOnly(path string) (*File, error) {
	if err := inspect(path); missing(err) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	} else if err != nil {
		return nil, err
	}
	f := newFile(path, Options{})
	if err := f.openBolt(true); err != nil {
		return nil, err
	}
	if err := f.load(); err != nil {
		f.db.Close()
		return nil, err
	}
	unshare(f.opened)
	return f, nil
}

func newFile(path string, o Options) *File {
	return &File{
		path: path, options: o,
		ids:     make(map[string]uint32),
		setIDs:  make(map[*ledger.Symbols]uint32),
		setKeys: make(map[string]uint32),
		tapes:   make(map[[sessionKeySize]byte]*tape),
		joined:  make(map[[sessionKeySize]byte]bool),
		sealing: make(map[[sessionKeySize]byte]uint32),
	}
}

// lockWait is how long bbolt may try for its lock: it looks once, then every 50 ms.
const lockWait = 60 * time.Millisecond

func (f *File) openBolt(readOnly bool) error {
	return guard(f.path, func() error {
		options := &bolt.Options{
			Timeout: lockWait, ReadOnly: readOnly, NoSync: f.options.NoSync,
			FreelistType: bolt.FreelistMapType, InitialMmapSize: mmapSize(), MaxSize: int(f.options.MaxSize),
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				file, err := os.OpenFile(name, flag, mode)
				f.opened = file
				return file, err
			},
		}
		db, err := bolt.Open(f.path, 0o644, options)
		if errors.Is(err, berrors.ErrTimeout) {
			return &Held{f.path, Holder(f.path)}
		}
		if err != nil {
			return fmt.Errorf("open %s: %w", f.path, err)
		}
		if replaced(f.opened, f.path) {
			return errors.Join(&Held{f.path, Process{}}, db.Close())
		}
		// With a large map bbolt grows the file by this much at a time; its
		// default of 16 MB would dwarf the file of a quiet symbol.
		db.AllocSize = 1 << 20
		f.db = db
		return nil
	})
}

// replaced says whether another file has been put at the path since file was opened:
// who waits for the lock while the file is compacted gets that of the old one.
func replaced(file *os.File, path string) bool {
	here, err1 := file.Stat()
	there, err2 := os.Stat(path)
	return err1 == nil && err2 == nil && !os.SameFile(here, there)
}

// create makes a new file under another name and links it to its own, so that no
// power cut leaves half a file there, and no other process's file is replaced.
func create(path string, o Options) error {
	folder := filepath.Dir(path)
	if err := makeFolder(folder); err != nil {
		return fmt.Errorf("create the folder of %s: %w", path, err)
	}
	draft := fmt.Sprintf("%s.new-%d", path, os.Getpid())
	defer os.Remove(draft)
	_ = os.Remove(draft) // of a process that died with our number
	db, err := bolt.Open(draft, 0o644, &bolt.Options{Timeout: lockWait})
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := errors.Join(db.Update(func(tx *bolt.Tx) error { return layOut(tx, o) }), db.Close()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := os.Link(draft, path); err != nil && !os.IsExist(err) {
		if err := os.Rename(draft, path); err != nil { // a file system without links
			return fmt.Errorf("create %s: %w", path, err)
		}
	}
	return syncFolder(folder)
}

func layOut(tx *bolt.Tx, o Options) error {
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	for _, name := range [][]byte{bucketSymbols, bucketSets, bucketSessions} {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return errors.Join(
		putSigned(meta, keyFormat, []byte{FormatMajor, FormatMinor}),
		putSigned(meta, keyWriter, []byte(o.Version)))
}

func putSigned(b *bolt.Bucket, key, body []byte, path ...[]byte) error {
	return b.Put(key, sign(body, append(path, key)...))
}

// load checks that the file is ours and reads what is kept in memory.
func (f *File) load() error {
	return guard(f.path, func() error {
		return f.db.View(func(tx *bolt.Tx) error {
			meta := tx.Bucket(bucketMeta)
			if meta == nil || meta.Get(keyFormat) == nil {
				if err := provePages(f.path); err != nil {
					return err
				}
				return &Foreign{f.path, "a bbolt file of another program"}
			}
			if err := f.checkFormat(meta); err != nil {
				return err
			}
			if signed := meta.Get(keyMark); signed != nil {
				f.interrupted = true
				body, _ := open(signed, keyMark)
				f.copied = parseMark(string(body)).elsewhere(f.opened)
			}
			for _, name := range [][]byte{bucketSymbols, bucketSets, bucketSessions} {
				if tx.Bucket(name) == nil {
					return &Damaged{f.path, string(name), "the bucket is missing"}
				}
			}
			f.loaded = tx.ID()
			return f.loadTables(tx)
		})
	})
}

func (f *File) checkFormat(meta *bolt.Bucket) error {
	format, err := open(meta.Get(keyFormat), keyFormat)
	if err != nil || len(format) < 2 {
		return &Damaged{f.path, "meta/format", errBadChecksum.Error()}
	}
	if format[0] > FormatMajor {
		writer := "unknown"
		if body, err := open(meta.Get(keyWriter), keyWriter); err == nil && len(body) > 0 {
			writer = string(body)
		}
		return &Newer{f.path, fmt.Sprintf("%d.%d", format[0], format[1]),
			fmt.Sprintf("%d.%d", FormatMajor, FormatMinor), writer}
	}
	return nil
}

func (f *File) loadNames(b *bolt.Bucket) error {
	return eachFrom(b, len(f.names.all()), func(key, value []byte) error {
		name, err := open(value, key)
		if err != nil || !isEntry(key, len(f.names.all())) {
			return &Damaged{f.path, fmt.Sprintf("symbols/%x", key), errBadChecksum.Error()}
		}
		f.ids[string(name)] = uint32(len(f.names.all()))
		f.names.add(string(name))
		return nil
	})
}

func (f *File) loadSets(b *bolt.Bucket) error {
	return eachFrom(b, len(f.sets.all()), func(key, value []byte) error {
		body, err := open(value, key)
		if err != nil || !isEntry(key, len(f.sets.all())) {
			return &Damaged{f.path, fmt.Sprintf("sets/%x", key), errBadChecksum.Error()}
		}
		ids, err := decodeSet(body)
		if err != nil {
			return &Damaged{f.path, fmt.Sprintf("sets/%x", key), err.Error()}
		}
		names := make([]string, len(ids))
		for i, id := range ids {
			if id >= uint32(len(f.names.all())) {
				return &Damaged{f.path, fmt.Sprintf("sets/%x", key), "it names a symbol that is not there"}
			}
			names[i] = f.names.all()[id]
		}
		f.setKeys[string(body)] = uint32(len(f.sets.all()))
		f.sets.add(ledger.NewSymbols(names...))
		return nil
	})
}

// mark notes in the file that it is being recorded. Found at the next start, it
// tells that this process did not get to Close.
func (f *File) mark() error {
	text := running{pid: os.Getpid(), start: time.Now().UTC(), inode: inodeOf(f.opened)}.String()
	err := f.db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		return errors.Join(putSigned(meta, keyMark, []byte(text)), putSigned(meta, keyWriter, []byte(f.options.Version)))
	})
	if err != nil {
		return fmt.Errorf("mark %s as being recorded: %w", f.path, err)
	}
	return nil
}

// SetSource changes Options.Source for the sessions that are begun from now on.
func (f *File) SetSource(source string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.options.Source = source
}

// Format is the format of the file, major.minor, and the version of the program that
// recorded into it last.
func (f *File) Format() (format, writer string, err error) {
	err = f.view(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		body, err := open(meta.Get(keyFormat), keyFormat)
		if err != nil || len(body) < 2 {
			return &Damaged{f.path, "meta/format", errBadChecksum.Error()}
		}
		format = fmt.Sprintf("%d.%d", body[0], body[1])
		if body, err = open(meta.Get(keyWriter), keyWriter); err == nil {
			writer = string(body)
		}
		return nil
	})
	return format, writer, err
}

// Path is where the file lies.
func (f *File) Path() string { return f.path }

// Interrupted says whether the last process that recorded into the file died
// without closing it.
func (f *File) Interrupted() bool { return f.interrupted }

// Copied says whether the file is a copy that was made while somebody recorded into the
// original, with something that knows nothing of it, such as cp: it may be torn.
func (f *File) Copied() bool { return f.copied }

// Close ends the use of the file. A file that was recorded into first commits what
// is staged. Closing twice is safe.
func (f *File) Close() error {
	f.commit.Lock()
	defer f.commit.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	var err error
	if f.recording {
		if err = f.commitStaged(); err == nil && !f.keepMark {
			err = f.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyMark) })
		}
		removeName(f.path)
	}
	err = errors.Join(err, f.db.Close())
	if err != nil {
		return fmt.Errorf("close %s: %w", f.path, err)
	}
	return nil
}
