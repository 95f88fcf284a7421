package store

import (
	"syscall"
	"testing"
)

// TestUnsafeFilesystems is the table: what statfs(2) says, as a machine may hand it out.
func TestUnsafeFilesystems(t *testing.T) {
	fuse := int64(0x65735546)
	cifs := uint32(0xFF534D42)
	for _, c := range []struct {
		name  string
		magic uint32
		want  string
	}{
		{"ext4", 0xEF53, ""}, {"xfs", 0x58465342, ""}, {"btrfs", 0x9123683E, ""}, {"tmpfs", 0x01021994, ""},
		{"overlay", 0x794C7630, ""}, {"zfs", 0x2FC12FC1, ""}, {"f2fs", 0xF2F52010, ""},
		{"nfs", 0x6969, "NFS"}, {"9p", 0x01021997, "9p"}, {"fuse", uint32(fuse), "FUSE or VirtioFS"},
		{"smb", 0x517B, "SMB"}, {"cifs, negative where the type is signed", uint32(int32(cifs)), "CIFS"},
		{"smb2", 0xFE534D42, "SMB2"}, {"ceph", 0x00C36400, "Ceph"}, {"vboxsf", 0x786F4256, "a VirtualBox shared folder"},
	} {
		if got := unsafeMagic[c.magic]; got != c.want {
			t.Errorf("%s is called %q, want %q", c.name, got, c.want)
		}
	}
	// And the call itself, on what is here.
	var s syscall.Statfs_t
	folder := t.TempDir()
	if err := syscall.Statfs(folder, &s); err != nil {
		t.Fatal(err)
	}
	if got, want := UnsafeFilesystem(folder), unsafeMagic[uint32(s.Type)]; got != want {
		t.Errorf("here it is %q, want %q", got, want)
	}
	if got := UnsafeFilesystem(folder + "/none"); got != "" {
		t.Errorf("of nothing it is %q", got)
	}
}
