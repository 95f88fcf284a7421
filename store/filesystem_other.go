//go:build !linux && !darwin && !freebsd

package store

// UnsafeFilesystem is not known here.
func UnsafeFilesystem(string) string { return "" }
