package sqlite

import (
	"context"
	"database/sql"
	"sync"
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
		for _, q := range []string{`CREATE TABLE probe AS SELECT zeroblob(65536) AS room`, `DROP TABLE probe`} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// settle carries what lies ahead of the file into it, and flushes both. Whoever opens a
// database cannot know whether a process before it was told that a flush had failed: then
// the system may show commits that are on no disk, and never write them again. Written
// into the file they are on it.
func (d *DB) settle(ctx context.Context) error {
	var busy, ahead, carried int
	return broken("carry the log ahead of the file into it", d.single.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &ahead, &carried))
}
