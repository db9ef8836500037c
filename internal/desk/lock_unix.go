//go:build unix

package desk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// lock tries to hold a file against every other process until it is closed.
func lock(f *os.File) (held bool, err error) {
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// exposed reports whether others than its owner may open a file.
func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
