package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// column is something that a document is found by.
type column struct {
	name  string
	value any
}

// document is one record with a revision, on its way into a table.
type document struct {
	table   string
	key     string
	shape   any
	columns []column
}

// insert stores a document that is not there yet. Errors: ErrTaken.
func (i identity) insert(ctx context.Context, d document) error {
	text, err := json.Marshal(d.shape)
	if err != nil {
		return broken("encode "+d.table, err)
	}
	names, args := "key, rev, doc", []any{d.key, 1, string(text)}
	for _, c := range d.columns {
		names += ", " + c.name
		args = append(args, c.value)
	}
	q := "INSERT INTO " + d.table + " (" + names + ") VALUES (?" + strings.Repeat(", ?", len(args)-1) + ") ON CONFLICT DO NOTHING"
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, q, args...))
		if err == nil && n == 0 {
			err = store.ErrTaken
		}
		return err
	})
}

// replace stores a document over the one of revision rev. Errors: ErrStale, and
// ErrTaken if another document holds what must be unique.
func (i identity) replace(ctx context.Context, d document, rev int64) error {
	text, err := json.Marshal(d.shape)
	if err != nil {
		return broken("encode "+d.table, err)
	}
	set, args := "rev = rev + 1, doc = ?", []any{string(text)}
	for _, c := range d.columns {
		set += ", " + c.name + " = ?"
		args = append(args, c.value)
	}
	q := "UPDATE OR IGNORE " + d.table + " SET " + set + " WHERE key = ? AND rev = ?"
	args = append(args, d.key, rev)
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, q, args...))
		if err != nil || n == 1 {
			return err
		}
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM "+d.table+" WHERE key = ? AND rev = ?", d.key, rev).Scan(&n)
		switch {
		case err != nil:
			return err
		case n == 1:
			return store.ErrTaken
		}
		return store.ErrStale
	})
}

func affected(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// find reads the documents that the rest of a SELECT names.
func find[T any](ctx context.Context, i identity, rev func(*T) *int64, table, rest string, args ...any) (_ []T, err error) {
	defer func() { err = i.db.broken("read "+table, err) }()
	rows, err := i.db.read.QueryContext(ctx, "SELECT rev, doc FROM "+table+" "+rest, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		var text []byte
		var at int64
		if err := rows.Scan(&at, &text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, err
		}
		if rev != nil {
			*rev(&v) = at
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// one reads a single document. Errors: ErrAbsent.
func one[T any](ctx context.Context, i identity, rev func(*T) *int64, table, rest string, args ...any) (T, error) {
	all, err := find(ctx, i, rev, table, rest, args...)
	if err == nil && len(all) == 0 {
		err = store.ErrAbsent
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

const byKey = "WHERE key = ?"

// millis is an instant as the tables keep it, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
