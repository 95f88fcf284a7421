package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"tapedeck/store"
)

// recorded is a file with some trades, closed.
func recorded(t *testing.T) (path string, data []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	f := open(t, path)
	if _, err := f.Append(day, trades(seeded(t), day, 5000, "QLD", "SPY")); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, data
}

// Files that are not ours to write are named for what they are, by both ways of
// opening, and stay as they were to the byte.
func TestRefusedUntouched(t *testing.T) {
	_, good := recorded(t)
	foreignBolt := func(path string) {
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("raft"))
			return err
		}), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	newer := func(path string) {
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("meta")).Put([]byte("format"), store.Sign([]byte{2, 3}, []byte("format")))
		}), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	write := func(data []byte) func(string) {
		return func(path string) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	bothHeads := bytes.Clone(good)
	bothHeads[30]++
	bothHeads[4096+30]++
	var foreign *store.Foreign
	var damaged *store.Damaged
	var later *store.Newer
	for _, c := range []struct {
		name string
		make func(path string)
		as   any
		says string
	}{
		{"empty", write(nil), &foreign, "it is empty"},
		{"text", write([]byte(strings.Repeat("time,symbol\n", 1000))), &foreign, "does not begin like one"},
		{"short", write([]byte("hello")), &foreign, "ends inside its first page"},
		{"other bbolt", foreignBolt, &foreign, "of another program"},
		{"cut short", write(good[:5*4096]), &damaged, "cut short"},
		{"both heads", write(bothHeads), &damaged, "both head pages"},
		{"newer", newer, &later, "has format 2.3"},
		{"folder", func(path string) { _ = os.Mkdir(path, 0o700) }, &foreign, "no regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			c.make(path)
			before, _ := os.ReadFile(path)
			_, errWrite := store.Open(path, store.Options{})
			_, errRead := store.OpenReadOnly(path)
			for _, err := range []error{errWrite, errRead} {
				if !errors.As(err, c.as) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
					t.Errorf("refused with %v, want %q", err, c.says)
				}
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestMissingAndHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if _, err := store.OpenReadOnly(path); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("reading made a file")
	}
	f := open(t, path)
	var held *store.Held
	if _, err := store.Open(path, store.Options{}); !errors.As(err, &held) || !strings.HasSuffix(held.Holder.String(), ", test") {
		t.Errorf("a second recorder: %v", err)
	}
	if _, err := store.OpenReadOnly(path); !errors.As(err, &held) {
		t.Errorf("a reader beside a recorder: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".lock"); err == nil {
		t.Error("the name of the holder stays behind")
	}
}
