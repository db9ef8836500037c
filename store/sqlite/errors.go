package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	modernc "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// broken is store.Broken for errors of this driver.
func broken(doing string, err error) error { return store.Broken(doing, err, passing) }

// lost says that a write or a read did not happen and may be tried again; nil
// stays nil.
func lost(doing string, err error) error {
	if err == nil {
		return nil
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
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_INTERRUPT, lib.SQLITE_IOERR, lib.SQLITE_FULL, lib.SQLITE_NOMEM:
		return true
	}
	return false
}

// occupied reports whether a unique insert found its place taken.
func occupied(err error) bool {
	e, ok := errors.AsType[*modernc.Error](err)
	return ok && (e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY || e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE)
}
