package command

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnwritable: who may not write is told who he is, whose the folder is, and what helps.
func TestUnwritable(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "not/there/a.db")
	for _, c := range []struct {
		err  error
		says string // "" is another error
		fix  string
	}{
		{syscall.EACCES, ": we run as uid ", "sudo chown -R "},
		{syscall.EROFS, folder + " is on a disk that is mounted read-only", "mount -o remount,rw " + folder},
		{syscall.EIO, "", ""},
	} {
		err := explain(&fs.PathError{Op: "open", Path: path, Err: c.err})
		var h *hinted
		if found := errors.As(err, &h); found != (c.says != "") || found && (!strings.Contains(err.Error(), c.says) || !strings.HasPrefix(h.try, c.fix)) {
			t.Errorf("%v: %v, %+v", c.err, err, h)
		}
	}
	t.Setenv("RAILWAY_SERVICE_ID", "1")
	var h *hinted
	if err := explain(&fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}); !errors.As(err, &h) || h.try != "railway variables --set RAILWAY_RUN_UID=0" {
		t.Errorf("on Railway: %v, %+v", err, h)
	}
}
