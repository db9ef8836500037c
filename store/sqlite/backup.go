package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Backup writes a copy of the database to path while it is in use, and gives
// it that name only when it is whole and on disk; a file that is there already
// is replaced. The copy is one snapshot: heads, records, books and log belong
// together. It can be opened like any database.
//
// Errors: Conflict "backup_in_place" for a file of the database itself.
func (d *DB) Backup(ctx context.Context, path string) (err error) {
	if err := d.Damaged(); err != nil {
		return err // the copy that is there may be the last good one
	}
	part := path + ".part"
	for _, target := range []string{path, part} {
		if err := d.apart(target); err != nil {
			return err
		}
	}
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part) // what is left of a failed copy is of no use
		}
	}()
	if _, err := d.copier.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return d.broken("copy the database", err)
	}
	if err := flushFile(part); err != nil {
		return lost("flush the copy", err)
	}
	if err := os.Rename(part, path); err != nil {
		return lost("name the copy", err)
	}
	return lost("flush the folder of the copy", flushFile(filepath.Dir(path)))
}

// apart refuses a file of the database itself, by whatever name or link.
func (d *DB) apart(target string) error {
	for _, end := range []string{"", "-wal", "-shm", ".pepper", MarkEnd, RestoredEnd} {
		own := d.path + end
		same := sameName(own, target)
		if a, err := os.Stat(own); err == nil && !same {
			if b, err := os.Stat(target); err == nil {
				same = os.SameFile(a, b)
			}
		}
		if same {
			return &fault.Error{Kind: fault.Conflict, Code: "backup_in_place", Text: target + " belongs to the database itself: name another file"}
		}
	}
	return nil
}

// sameName reports whether two paths name one place in one folder.
func sameName(a, b string) bool {
	if filepath.Base(a) != filepath.Base(b) {
		return false
	}
	x, err := os.Stat(filepath.Dir(a))
	if err != nil {
		return false
	}
	y, err := os.Stat(filepath.Dir(b))
	return err == nil && os.SameFile(x, y)
}

// flushFile puts a file, or the names in a folder, on disk.
func flushFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
