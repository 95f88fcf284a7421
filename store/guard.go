package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
)

// guard runs f and turns what bbolt does on a damaged page, a panic or a fault,
// into a *Damaged. A fault of the mapped file would otherwise end the process.
func guard(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &Damaged{path, "a page of bbolt", fmt.Sprint(p)}
		}
	}()
	return f()
}

// syncFolder makes a new name in a folder survive a power cut.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("sync the folder %s: %w", folder, err)
	}
	defer d.Close()
	_ = d.Sync() // not every system lets a folder be synced
	return nil
}

// makeFolder makes a folder and those above it, each so that it survives a power cut.
func makeFolder(folder string) error {
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(folder)
	if above != folder {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !os.IsExist(err) {
		return err
	}
	return syncFolder(above)
}
