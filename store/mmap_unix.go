//go:build unix

package store

// mmapSize reserves addresses, not memory, for more than the file will ever be:
// bbolt then never has to map it anew, which would make a commit wait for every
// open read transaction and every reader for it.
func mmapSize(readOnly bool) int {
	if readOnly {
		return 0
	}
	return 64 << 30
}
