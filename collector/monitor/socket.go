package monitor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// longest is how long the path of a socket may be: a system takes 104 to 108 bytes, and
// what is behind is cut off silently by some.
const longest = 100

// SocketPath is where the recorder of a file answers, when that can be.
func SocketPath(db string) string { return db + ".sock" }

// Socket is a listener that only its user can reach.
type Socket struct {
	net.Listener
	// Path is where it is, Elsewhere that this is not SocketPath.
	Path      string
	Elsewhere bool

	folder string // to be removed, too
}

// Listen makes the socket beside the file, mode 0600. What is there already is of a recorder
// that died: whoever calls has the file. Where the path is too long, or the file system has
// no sockets, it is in a new folder below the temporary one, mode 0700. before is where the
// recorder before had such a one, "" when it had none: that is cleared away.
func Listen(db, before string) (*Socket, error) {
	clear(before)
	path := SocketPath(db)
	var err error
	if len(path) <= longest {
		var l net.Listener
		if l, err = listenAt(path); err == nil {
			return &Socket{Listener: l, Path: path}, nil
		}
	}
	folder, err2 := os.MkdirTemp("", folderPrefix+"*")
	if err2 != nil {
		return nil, errors.Join(err, err2)
	}
	sum := sha256.Sum256([]byte(db))
	path = filepath.Join(folder, hex.EncodeToString(sum[:4])+".sock")
	l, err2 := listenAt(path)
	if err2 != nil {
		return nil, errors.Join(err, err2, os.Remove(folder))
	}
	return &Socket{Listener: l, Path: path, Elsewhere: true, folder: folder}, nil
}

const folderPrefix = "tapedeck-"

// clear removes a socket with its folder, if it is one of ours below the temporary folder.
func clear(path string) {
	folder := filepath.Dir(path)
	if path == "" || filepath.Dir(folder) != filepath.Clean(os.TempDir()) || !strings.HasPrefix(filepath.Base(folder), folderPrefix) {
		return
	}
	_ = os.Remove(path)
	_ = os.Remove(folder)
}

// listenAt makes the socket under another name, so that nobody finds it before only its user
// may.
func listenAt(path string) (net.Listener, error) {
	draft := path + "~"
	_ = os.Remove(draft)
	l, err := net.Listen("unix", draft)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if err := errors.Join(os.Chmod(draft, 0o600), os.Rename(draft, path)); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(draft))
	}
	return l, nil
}

// Close ends it and removes it.
func (s *Socket) Close() error {
	err := s.Listener.Close()
	_ = os.Remove(s.Path)
	if s.folder != "" {
		_ = os.Remove(s.folder)
	}
	return err
}
