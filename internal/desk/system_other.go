//go:build !unix

package desk

import (
	"io/fs"
	"os"

	"golang.org/x/term"
)

// lock keeps nobody away where the system has no such locks. Two commands that refresh at
// once are given the same tokens.
func lock(*os.File) (held bool, err error) { return true, nil }

// exposed is not known where rights are no bits of a mode.
func exposed(fs.FileInfo) bool { return false }

// hush does nothing where hidden does it.
func hush(f *os.File) (speak func() error, err error) {
	before, err := term.GetState(int(f.Fd()))
	return func() error { return term.Restore(int(f.Fd()), before) }, err
}

// hidden reads a line from a terminal, which shows nothing of it.
func hidden(f *os.File) (string, error) {
	b, err := term.ReadPassword(int(f.Fd()))
	return string(b), err
}
