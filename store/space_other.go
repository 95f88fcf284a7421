//go:build !unix

package store

// FreeSpace is not known here.
func FreeSpace(string) (bytes int64, ok bool) { return 0, false }
