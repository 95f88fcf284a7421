package store

import "syscall"

// unsafeMagic are the file systems on which a bbolt file is not safe: their locks do not hold everywhere, or
// what is synced and mapped is not what is on disk. By the magic number that Linux gives in
// statfs(2), from its include/uapi/linux/magic.h and the file systems' own sources. VirtioFS,
// as under Docker Desktop, calls itself FUSE.
var unsafeMagic = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB2",
	0x01021997: "9p",
	0x65735546: "FUSE or VirtioFS",
	0x5346414F: "AFS",
	0x6B414653: "AFS",
	0x73757245: "Coda",
	0x00C36400: "Ceph",
	0x47504653: "GPFS",
	0x0BD00BD0: "Lustre",
	0x786F4256: "a VirtualBox shared folder",
	0xBACBACBC: "a VMware shared folder",
}

// UnsafeFilesystem names the file system that path is on when a bbolt file is not safe
// there, and is "" on every other, and where the system does not say.
func UnsafeFilesystem(path string) string {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return ""
	}
	return unsafeMagic[uint32(s.Type)] // its width and sign differ from machine to machine
}
