//go:build unix

package store

// mmapSize reserves addresses, not memory, for more than the file will ever be:
// bbolt then never has to map it anew, which would make a commit wait for every
// open read transaction and every reader for it; and who reads on beside a recorder
// sees what the file grows by.
func mmapSize() int { return 64 << 30 }
