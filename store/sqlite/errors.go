package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"time"

	modernc "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// broken is store.Broken for errors of this driver; those of the disk say what is wrong
// with it.
func broken(doing string, err error) error {
	if f := ofDisk(doing, err); f != nil {
		return f
	}
	return store.Broken(doing, err, passing)
}

// diskAfter is when a phone should come back to a disk that somebody has to look after.
const diskAfter = 15 * time.Second

// ofDisk is the fault that an error of this driver makes for which the disk is to blame,
// or nil.
func ofDisk(doing string, err error) *fault.Error {
	e, ok := errors.AsType[*modernc.Error](err)
	if _, known := errors.AsType[*fault.Error](err); !ok || known {
		return nil
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_FULL: // no room, or the bound that an operator has set
		return &fault.Error{Kind: fault.Transient, Code: "storage_full", Text: doing, After: diskAfter, Cause: err}
	case lib.SQLITE_READONLY:
		return &fault.Error{Kind: fault.Transient, Code: "storage_read_only", Text: doing, After: diskAfter, Cause: err}
	case lib.SQLITE_CANTOPEN, lib.SQLITE_IOERR:
		if e.Code() != lib.SQLITE_IOERR_NOMEM {
			return &fault.Error{Kind: fault.Transient, Code: "storage_failed", Text: doing, After: diskAfter, Cause: err}
		}
	}
	return nil
}

// isDisk reports whether the disk is to blame for a fault of this package.
func isDisk(err error) bool {
	switch fault.CodeOf(err) {
	case "storage_full", "storage_read_only", "storage_failed":
		return true
	}
	return false
}

// lost says that a write or a read did not happen and may be tried again; nil
// stays nil.
func lost(doing string, err error) error {
	if err == nil {
		return nil
	}
	if f := ofDisk(doing, err); f != nil {
		return f
	}
	return &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: doing, Cause: err}
}

func passing(err error) bool {
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, sql.ErrConnDone, driver.ErrBadConn} {
		if errors.Is(err, e) {
			return true
		}
	}
	e, ok := errors.AsType[*modernc.Error](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_INTERRUPT, lib.SQLITE_IOERR, lib.SQLITE_NOMEM:
		return true
	}
	return false
}

// occupied reports whether a unique insert found its place taken.
func occupied(err error) bool {
	e, ok := errors.AsType[*modernc.Error](err)
	return ok && (e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE)
}
