package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// Backup writes a copy of the database to path while it is in use, and gives
// it that name only when it is whole and on disk; a file that is there already
// is replaced. The copy is one snapshot: heads, records, books and log belong
// together. It can be opened like any database.
func (d *DB) Backup(ctx context.Context, path string) (err error) {
	if err := d.Damaged(); err != nil {
		return err // the copy that is there may be the last good one
	}
	part := path + ".part"
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

// flushFile puts a file, or the names in a folder, on disk.
func flushFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
