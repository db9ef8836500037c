//go:build unix

package app

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Where SQLite locks its file: whoever has it open holds a read lock there (sqlite.org,
// fileformat2, section 1.2).
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// lockDatabase keeps every process away from a database file, also from one that SQLite
// cannot open any more, until release is called. This process must not have it open, nor
// open it meanwhile: the system would forget the lock. A file that is absent needs none.
//
// Errors: Conflict "database_in_use".
func lockDatabase(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return func() error { return nil }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Start: sharedFirst, Len: sharedSize})
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		err = &fault.Error{Kind: fault.Conflict, Code: "database_in_use", Text: "a process has " + path + " open: stop the server first", Cause: err}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}
