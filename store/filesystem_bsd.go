//go:build darwin || freebsd

package store

import (
	"strings"
	"syscall"
)

// unsafeNames are the file systems, by the name that the system gives them, on which a bbolt
// file is not safe: their locks do not hold everywhere, or what is synced and mapped is
// not what is on disk.
var unsafeNames = map[string]string{
	"nfs":     "NFS",
	"smbfs":   "SMB",
	"afpfs":   "AFP",
	"webdav":  "WebDAV",
	"macfuse": "FUSE",
	"osxfuse": "FUSE",
	"fusefs":  "FUSE",
	"9p":      "9p",
}

// UnsafeFilesystem names the file system that path is on when a bbolt file is not safe
// there, and is "" on every other, and where the system does not say.
func UnsafeFilesystem(path string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return ""
	}
	var name strings.Builder
	for _, c := range s.Fstypename {
		if c == 0 {
			break
		}
		name.WriteByte(byte(c))
	}
	return unsafeNames[name.String()]
}
