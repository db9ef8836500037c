// Package sqlite keeps a phone's database in one SQLite file.
//
// The file is in WAL mode and every update is flushed (synchronous=FULL): an
// edit that was acknowledged is there after the app is killed and after the
// battery falls out.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	modernc "modernc.org/sqlite"

	"github.com/lumbung-ikm/lumbung/client/replica"
)

// Local is one open database of a phone. It implements replica.Local and is safe
// for concurrent use: updates wait for each other, views wait for nobody.
type Local struct {
	write, read *sql.DB
}

var _ replica.Local = (*Local)(nil)

// readers is how many views run at a time; more wait.
const readers = 2

// Open opens the database at path, which is made if it is not there. Its folder
// must exist.
func Open(ctx context.Context, path string) (_ *Local, err error) {
	l := &Local{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", path, err), l.Close())
		}
	}()
	if l.write, err = pool(path, 1, url.Values{"_txlock": {"immediate"}}); err != nil {
		return nil, err
	}
	_, err = l.write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS entry (
		bucket TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID`)
	if err != nil {
		return nil, err
	}
	l.read, err = pool(path, readers, url.Values{"_pragma": {"query_only(1)"}})
	return l, err
}

// pool opens connections. The pragmas stand in the name, because only there do
// they reach every one.
func pool(path string, n int, q url.Values) (*sql.DB, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	q["_pragma"] = append([]string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "temp_store(MEMORY)"}, q["_pragma"]...)
	c, err := modernc.NewConnector("file:" + (&url.URL{Path: full}).EscapedPath() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Close closes the file. It is safe to call twice.
func (l *Local) Close() error {
	var errs []error
	for _, db := range []*sql.DB{l.read, l.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// View implements replica.Local: what do reads is of one moment.
func (l *Local) View(do func(replica.Reader) error) error {
	return within(l.read, func(t *tx) error { return do(t) })
}

// Update implements replica.Local.
func (l *Local) Update(do func(replica.Writer) error) error {
	return within(l.write, func(t *tx) error { return do(t) })
}

// within runs do in one transaction. Whatever ends do early, a panic too, undoes
// it; a failure of the database comes back as an error.
func within(db *sql.DB, do func(*tx) error) (err error) {
	// A transaction of a phone is never given up half way: its caller has no
	// deadline, only an edit to keep.
	t, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	kept := false
	defer func() {
		if kept {
			return
		}
		undo := t.Rollback()
		if p := recover(); p != nil {
			f, ours := p.(failure)
			if !ours {
				panic(p)
			}
			err = f.err
		}
		err = errors.Join(err, undo)
	}()
	if err := do(&tx{t}); err != nil {
		return err
	}
	kept = true
	if err := t.Commit(); err != nil {
		return fmt.Errorf("commit: %w", errors.Join(err, done(t.Rollback())))
	}
	return nil
}

// done forgets that a transaction was over already.
func done(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// failure carries an error of the database through do, whose reads return no
// errors: nobody goes on with half an answer.
type failure struct{ err error }

func must(doing string, err error) {
	if err != nil {
		panic(failure{fmt.Errorf("%s: %w", doing, err)})
	}
}

// tx implements replica.Writer.
type tx struct{ t *sql.Tx }

// Get implements replica.Reader.
func (t *tx) Get(bucket, key string) []byte {
	var v []byte
	err := t.t.QueryRow(`SELECT value FROM entry WHERE bucket = ? AND key = ?`, bucket, []byte(key)).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	must("read", err)
	if v == nil {
		v = []byte{}
	}
	return v
}

// page is how many entries a scan holds in memory.
const page = 256

// pair is one entry of a bucket.
type pair struct {
	key   string
	value []byte
}

// Scan implements replica.Reader. It reads page by page, so that visit may read
// too.
func (t *tx) Scan(bucket, prefix string, visit func(string, []byte) bool) {
	query := `SELECT key, value FROM entry WHERE bucket = ? AND key >= ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?`
	end := after(prefix)
	for from := []byte(prefix); ; {
		got := t.read(query, bucket, from, end, end, page)
		for _, e := range got {
			if !visit(e.key, e.value) {
				return
			}
		}
		if len(got) < page {
			return
		}
		from = append([]byte(got[page-1].key), 0) // the next possible key
	}
}

func (t *tx) read(query string, args ...any) (out []pair) {
	rows, err := t.t.Query(query, args...)
	must("scan", err)
	defer rows.Close()
	for rows.Next() {
		var key, value []byte
		must("scan", rows.Scan(&key, &value))
		if value == nil {
			value = []byte{}
		}
		out = append(out, pair{string(key), value})
	}
	must("scan", rows.Err())
	return out
}

// after is the first key behind every key with the prefix; nil if there is none.
func after(prefix string) []byte {
	end := []byte(prefix)
	for n := len(end); n > 0; n-- {
		if end[n-1] < 0xff {
			end[n-1]++
			return end[:n]
		}
	}
	return nil
}

// Put implements replica.Writer.
func (t *tx) Put(bucket, key string, value []byte) {
	if value == nil {
		value = []byte{}
	}
	_, err := t.t.Exec(`INSERT INTO entry (bucket, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, bucket, []byte(key), value)
	must("write", err)
}

// Delete implements replica.Writer.
func (t *tx) Delete(bucket, key string) {
	_, err := t.t.Exec(`DELETE FROM entry WHERE bucket = ? AND key = ?`, bucket, []byte(key))
	must("delete", err)
}
