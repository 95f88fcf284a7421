//go:build !unix

package store

// mmapSize is 0 where mapping more than the file would make the file that long.
func mmapSize() int { return 0 }
