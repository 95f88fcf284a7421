package store

import (
	"os"

	"tapedeck/store/pages"
)

// Is says whether there is a file at the path that begins like one of bbolt's. It reads its
// first pages, without a lock, and may be called beside a recording.
func Is(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close() // it was only read
	_, err = pages.ReadHead(file)
	return err == nil
}
