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

// broken turns a driver's error into a fault: Transient if the same call may
// work later, else Internal. Faults and the answers of a store pass unchanged,
// and so does nil.
func broken(doing string, err error) error {
	if err == nil || errors.Is(err, store.ErrTaken) || errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrAbsent) {
		return err
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if passing(err) {
		return lost(doing, err)
	}
	return &fault.Error{Kind: fault.Internal, Code: "internal", Text: doing, Cause: err}
}

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
