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

// hush has a terminal show nothing of what is typed, until speak is called. It is called
// before somebody is asked, so that nobody types too early.
func hush(f *os.File) (speak func() error, err error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, err
	}
	now := *before
	now.Lflag &^= unix.ECHO
	return func() error { return unix.IoctlSetTermios(fd, setTermios, before) }, unix.IoctlSetTermios(fd, setTermios, &now)
}

// hidden reads a line from a terminal that is hushed.
func hidden(f *os.File) (string, error) { return line(f) }
