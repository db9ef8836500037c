package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// Claim keeps the promise of store.Claims.
func (d *DB) Claim(ctx context.Context, space, key, holder string) (got string, err error) {
	err = d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO claim (space, key, holder) VALUES (?, ?, ?)`, space, key, holder); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT holder FROM claim WHERE space = ? AND key = ?`, space, key).Scan(&got)
	})
	return got, err
}

// Holder keeps the promise of store.Claims.
func (d *DB) Holder(ctx context.Context, space, key string) (holder string, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT holder FROM claim WHERE space = ? AND key = ?`, space, key).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return holder, d.broken("read a claim", err)
}

// Release keeps the promise of store.Claims.
func (d *DB) Release(ctx context.Context, space, key, holder string) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM claim WHERE space = ? AND key = ? AND holder = ?`, space, key, holder)
		return err
	})
}

// Epochs keeps the promise of store.Backups.
func (d *DB) Epochs(ctx context.Context) (e store.Epochs, err error) {
	e, now, err := d.epochs(ctx)
	if err == nil && now == store.Retired {
		err = store.Moved()
	}
	return e, d.broken("read the backup epochs", err)
}

// epochs gives also the state of the database.
func (d *DB) epochs(ctx context.Context) (e store.Epochs, now store.State, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT b.value, d.value, `+stateNow+` FROM meta b, meta d
	WHERE b.name = 'backups_began' AND d.name = 'backups_done'`).Scan(&e.Began, &e.Done, &now)
	return e, now, err
}

// Begin keeps the promise of store.Backups.
func (d *DB) Begin(ctx context.Context) (epoch uint64, err error) {
	err = d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `UPDATE meta SET value = value + 1 WHERE name = 'backups_began' RETURNING value`).Scan(&epoch)
	})
	return epoch, err
}

// Complete keeps the promise of store.Backups.
func (d *DB) Complete(ctx context.Context, epoch uint64) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE meta SET value = ?1 WHERE name = 'backups_done' AND value < ?1`, epoch)
		return err
	})
}

// Probe writes a row and flushes it, as every commit does.
func (d *DB) Probe(ctx context.Context) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES ('starts', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1`)
		return err
	})
}

// Newest is the time of the newest commit of any scope, zero if there is none.
func (d *DB) Newest(ctx context.Context) (time.Time, error) {
	var ms int64
	err := d.read.QueryRowContext(ctx, `SELECT coalesce(max(doc ->> 'time'), 0) FROM head`).Scan(&ms)
	return fromMillis(ms), d.broken("find the newest commit", err)
}
