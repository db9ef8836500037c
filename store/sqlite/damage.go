package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	modernc "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lumbung-ikm/lumbung/fault"
)

// A page that SQLite cannot make sense of is never written around: the rest of the file
// may be wrong in ways that nobody notices, and what a phone is told of it would replace
// what is right on the phone. From the first such answer on nothing is written, the mark
// beside the file says why, and the next start reads the whole file before it believes it
// again.

// MarkEnd is behind the name of the database in the name of its mark.
const MarkEnd = ".damaged"

// RestoredEnd is behind the name of a database that a copy is about to replace. While that
// file is there the old one may be without its log of changes.
const RestoredEnd = ".restored"

// damagedAfter is when a phone should ask again: somebody has to put a copy back.
const damagedAfter = time.Minute

// ofDamage reports whether err says that the file does not hold what was written to it.
func ofDamage(err error) bool {
	e, ok := errors.AsType[*modernc.Error](err)
	if !ok {
		return false
	}
	switch e.Code() {
	case lib.SQLITE_IOERR_CORRUPTFS, lib.SQLITE_IOERR_DATA:
		return true
	}
	return e.Code()&0xff == lib.SQLITE_CORRUPT || e.Code()&0xff == lib.SQLITE_NOTADB
}

// damaged is the answer of a database that is.
func damaged(path, why string, cause error) *fault.Error {
	return &fault.Error{Kind: fault.Transient, Code: "database_damaged", After: damagedAfter, Cause: cause,
		Text: "the database " + path + " is damaged (" + why + "): stop the server, put the newest copy back with \"lumbung restore COPY\" (docs/operations.md, \"Damaged database\")"}
}

// seen looks whether an error tells of damage, and remembers the first that does.
func (d *DB) seen(err error) error {
	if err == nil || !ofDamage(err) {
		return err
	}
	f := damaged(d.path, "found at work", err)
	if d.damage.CompareAndSwap(nil, f) && d.single != nil { // who only looks leaves everything as it is
		d.report(f.Error())
		if err := mark(d.path, f.Error()); err != nil {
			d.report("the next start cannot be told of the damage: " + err.Error())
		}
	}
	return f
}

// broken is the broken of the package for errors of this database.
func (d *DB) broken(doing string, err error) error { return d.seen(broken(doing, err)) }

func (d *DB) report(text string) {
	if d.tell != nil {
		d.tell(text)
	}
}

// Damaged is nil until some statement has found the file damaged.
//
// Errors: Transient "database_damaged".
func (d *DB) Damaged() error {
	if f := d.damage.Load(); f != nil {
		return f
	}
	return nil
}

// mark tells the next start that the file has to be read before it is used.
func mark(path, why string) error {
	if err := os.WriteFile(path+MarkEnd, []byte(why+"\n"), 0o600); err != nil {
		return err
	}
	return flushFile(path + MarkEnd)
}

// whole holds a marked file against SQLite's own check, however long it takes, and takes
// the mark away if it finds nothing: what was read wrong once was read right now.
func (d *DB) whole(ctx context.Context) error {
	why, err := os.ReadFile(d.path + MarkEnd)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the mark of damage: %w", err)
	}
	d.report("the database was found damaged before, it is read from end to end: " + strings.TrimSpace(string(why)))
	found, err := checked(ctx, d.single, "integrity_check(3)")
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return damaged(d.path, strings.Join(found, "; "), nil)
	}
	d.report("the whole database was read and nothing is wrong with it: the mark is taken away, but look at the disk and the memory of this machine")
	return os.Remove(d.path + MarkEnd)
}

// checked runs one of SQLite's own checks and gives what it found.
func checked(ctx context.Context, db *sql.DB, pragma string) (found []string, err error) {
	rows, err := db.QueryContext(ctx, "PRAGMA "+pragma)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return found, err
		}
		if text != "ok" {
			found = append(found, strings.ReplaceAll(text, "\n", " "))
		}
	}
	return found, rows.Err()
}

// plausible looks at the first bytes of the file and its length, before SQLite may write
// to it. A file that is absent or empty is new.
//
// Errors: Transient "database_damaged"; Conflict "restore_unfinished".
func plausible(path string) error {
	if _, err := os.Stat(path + RestoredEnd); err == nil {
		return &fault.Error{Kind: fault.Conflict, Code: "restore_unfinished", Text: "\"lumbung restore\" was not finished, repeat it: " + path + RestoredEnd + " is there"}
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	var head [100]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return damaged(path, "it is shorter than the header of a database", err)
	}
	if string(head[:16]) != "SQLite format 3\x00" {
		return damaged(path, "it does not begin like a database", nil)
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 1 << 16
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		why, err := cutInside(path)
		if err != nil {
			return fmt.Errorf("read the log of changes: %w", err)
		}
		if why != "" {
			return damaged(path, why, nil)
		}
		return nil // a crash may have come between the first page and the last: the log has the others
	}
	if info.Size() < pages*page {
		return damaged(path, fmt.Sprintf("it has %d bytes, and %d pages of %d", info.Size(), pages, page), nil)
	}
	return nil
}
