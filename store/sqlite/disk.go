package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/lumbung-ikm/lumbung/fault"
)

// disk remembers whether the last write was taken.
type disk struct {
	tell func(err error) // is told of a change; nil: nobody

	mu  sync.Mutex
	err error // of the last write, if the disk was to blame
}

// note keeps what became of a write.
func (d *disk) note(err error) {
	if err != nil && !isDisk(err) {
		return // it says nothing of the disk
	}
	d.mu.Lock()
	changed := (d.err == nil) != (err == nil)
	d.err = err
	d.mu.Unlock()
	if changed && d.tell != nil {
		d.tell(err)
	}
}

func (d *disk) trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Trouble is why the disk did not take the last write, or nil.
func (d *DB) Trouble() error { return d.disk.trouble() }

// probe writes something and takes it back, to see whether a disk that took nothing
// takes it now. It asks for some pages, because the next edit may find room in those that
// are there and the one behind it none.
func (d *DB) probe(ctx context.Context) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, q := range []string{`CREATE TABLE probe (room BLOB)`, `INSERT INTO probe VALUES (zeroblob(65536))`, `DROP TABLE probe`} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// settle writes the log ahead of the file once more, as the system shows it, and flushes
// it. Whoever opens a database cannot know whether a process before it was told that a
// flush had failed: then the system may show commits that are on no disk, and never write
// them by itself. An edit in one of them would be taken for done, and go with the power.
//
// To carry the log into the file instead would mend nothing: until the log is begun anew,
// the file would be ahead of what the disk has of the log.
func (d *DB) settle(ctx context.Context, path string) error {
	tx, err := d.single.BeginTx(ctx, nil) // immediate: nobody writes to the log meanwhile, in whatever process
	if err != nil {
		return broken("lock the log ahead of the file", err)
	}
	return errors.Join(ofSystem("flush the log ahead of the file once more", rewrite(path+"-wal")), tx.Rollback())
}

// rewrite puts every byte of a file in its place once more and flushes it. A file that is
// not there has none.
func rewrite(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	block := make([]byte, 1<<20)
	for at := int64(0); ; {
		n, err := f.ReadAt(block, at)
		if _, bad := f.WriteAt(block[:n], at); bad != nil {
			return bad
		}
		at += int64(n)
		if errors.Is(err, io.EOF) {
			return f.Sync()
		}
		if err != nil {
			return err
		}
	}
}

// ofSystem is the fault that an error of the system makes; nil stays nil.
func ofSystem(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC):
		return &fault.Error{Kind: fault.Transient, Code: "storage_full", Text: doing, After: diskAfter, Cause: err}
	case errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		return &fault.Error{Kind: fault.Transient, Code: "storage_read_only", Text: doing, After: diskAfter, Cause: err}
	}
	return &fault.Error{Kind: fault.Transient, Code: "storage_failed", Text: doing, After: diskAfter, Cause: err}
}
