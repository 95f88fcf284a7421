//go:build !unix

package store

import "os"

// share is left to the system: where a file is open for writing, it says so.
func share(*os.File) bool { return true }

// unshare leaves bbolt's lock where it is.
func unshare(*os.File) {}
