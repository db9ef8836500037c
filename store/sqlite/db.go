// Package sqlite keeps everything in one SQLite file: the default store, for
// one machine.
//
// The file is in WAL mode and every commit is flushed (synchronous=FULL), so
// what a method acknowledged survives the loss of power. All writes go through
// one goroutine, which puts the writes that wait at the same time into one
// transaction with one flush; reads have connections of their own and never
// wait for it.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"sync/atomic"

	modernc "modernc.org/sqlite"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Options are the rare wishes of who opens a database. The zero value is right
// for production.
type Options struct {
	// Readers is the number of read connections; 0 means one per processor,
	// and no fewer than four.
	Readers int
	// Batch is how many writes share a transaction at most; 0 means 128.
	Batch int
	// OnStatement, if set, is told the text of every statement that reaches
	// the driver, BEGIN, COMMIT and ROLLBACK too, and may be called by several
	// goroutines at once. It is meant for tests that count.
	OnStatement func(query string)
	// Beside is for a process that looks at or copies a database while another one may be
	// at work on it: it does not write the log ahead of the file once more.
	Beside bool
	// MaxBytes bounds the file: a write that would make it larger is refused as if the
	// disk were full. The log ahead of the file comes on top. 0 means none.
	MaxBytes int64
	// OnTrouble, if set, is told when the disk takes no writes any more, and with nil
	// when it does again.
	OnTrouble func(err error)
	// Report, if set, is told in a sentence what an operator should know.
	Report func(text string)
}

// DB is one open database. It is safe for concurrent use.
type DB struct {
	read   *sql.DB // query_only connections
	single *sql.DB // the one connection that writes
	copier *sql.DB // copies the file for a backup
	queue  *queue
	hot    hot
	known  knownHeads
	disk   disk

	path   string
	damage atomic.Pointer[fault.Error] // nil: none was found
	tell   func(text string)           // may be nil
}

// Open opens the database at path, which is made if it is not there, and
// brings its tables up to date.
//
// Errors: Conflict "database_too_new" if a newer program has written it; Transient
// "storage_full", "storage_read_only" and "storage_failed" if the disk is to blame,
// "database_damaged" if it is no database, is cut short, or was found damaged before and
// still is.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	return open(ctx, path, o, migrations())
}

// open knows only the given migrations, as an older program does.
func open(ctx context.Context, path string, o Options, steps []migration) (_ *DB, err error) {
	if o.Readers == 0 {
		o.Readers = max(4, runtime.NumCPU())
	}
	if o.Batch == 0 {
		o.Batch = 128
	}
	d := &DB{path: path, tell: o.Report, disk: disk{tell: o.OnTrouble}}
	defer func() {
		if err != nil {
			err = errors.Join(d.seen(err), d.Close())
		}
	}()
	if err := plausible(path); err != nil {
		return nil, err
	}
	if d.single, err = pool(path, "immediate", false, 1, o); err != nil {
		return nil, err
	}
	if err := d.whole(ctx); err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.single, steps); err != nil {
		return nil, err
	}
	if !o.Beside {
		if err := d.settle(ctx, path); err != nil {
			return nil, err
		}
	}
	if d.read, err = pool(path, "deferred", true, o.Readers, o); err != nil {
		return nil, err
	}
	if d.copier, err = pool(path, "deferred", false, 1, o); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx); err != nil {
		return nil, broken("prepare statements", err)
	}
	d.queue = newQueue(o.Batch, &d.disk)
	go d.queue.run(d.single)
	return d, nil
}

// pageBytes is the size of a page of the file.
const pageBytes = 4096

// pool opens n connections. The pragmas stand in the name, because only there
// do they reach every connection of a pool.
func pool(path, lock string, readOnly bool, n int, o Options) (*sql.DB, error) {
	mode := "rwc"
	if readOnly {
		mode = "queries"
	}
	return connect(path, lock, mode, n, o)
}

// connect is pool by what may be done: "rwc" everything, "queries" nothing but read what
// others may write, "ro" nothing but read, not even the journal into the file.
func connect(path, lock, mode string, n int, o Options) (*sql.DB, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	q := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "temp_store(MEMORY)"}}
	switch mode {
	case "ro":
		q.Set("mode", mode)
	default:
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "synchronous(FULL)",
			"wal_autocheckpoint(8000)", "journal_size_limit(67108864)") // a WAL that grew shrinks to 64 MB
	}
	if mode == "rwc" {
		q.Add("_pragma", "cache_size(-8000)")
		if o.MaxBytes > 0 {
			q.Add("_pragma", fmt.Sprintf("max_page_count(%d)", max(o.MaxBytes/pageBytes, 1)))
		}
	} else {
		q.Add("_pragma", "query_only(1)")
		q.Add("_pragma", "cache_size(-2000)") // 2 MB of pages for each: the system keeps the file in memory too
	}
	name := "file:" + (&url.URL{Path: full}).EscapedPath() + "?" + q.Encode()
	var c driver.Connector
	if c, err = modernc.NewConnector(name); err != nil {
		return nil, broken("open "+full, err)
	}
	if o.OnStatement != nil {
		c = &watched{Connector: c, see: o.OnStatement}
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Ping reports whether the database can be read, and written if the last write failed:
// then it tries one.
func (d *DB) Ping(ctx context.Context) error {
	var version int
	err := d.read.QueryRowContext(ctx, `SELECT max(version) FROM schema_version`).Scan(&version)
	if err == nil {
		err = d.Damaged()
	}
	if err != nil || d.disk.trouble() == nil {
		return d.broken("ping", err)
	}
	return d.probe(ctx)
}

// Connections is how many connections to the file are open, and how many of them are at
// work.
func (d *DB) Connections() (open, busy int) {
	for _, db := range []*sql.DB{d.read, d.copier, d.single} {
		s := db.Stats()
		open, busy = open+s.OpenConnections, busy+s.InUse
	}
	return open, busy
}

// Close finishes the writes that wait, refuses later ones and closes every
// connection. It is safe after a failed Open and safe to call twice.
func (d *DB) Close() error {
	if d.queue != nil {
		d.queue.close()
	}
	var errs []error
	for _, db := range []*sql.DB{d.read, d.copier, d.single} { // the writer last: it folds the WAL into the file
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// write runs fn in the transaction that all waiting writes share and returns
// when it is on disk. If fn fails or panics, only its own work is undone. If
// ctx ends before fn has begun, fn never runs; once begun, fn is given a
// context that does not end, because an interrupted statement would undo the
// work of others.
//
// The flush may still fail after fn returned nil: what fn leaves outside tx may
// only be used if write returns nil. A retired database takes none.
func (d *DB) write(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return d.writeRows(ctx, 1, fn)
}

// writeRows is write for fn that writes so many rows, about: many wait for small ones.
func (d *DB) writeRows(ctx context.Context, rows int, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if err := d.Damaged(); err != nil {
		return err
	}
	return d.seen(d.queue.do(ctx, rows, func(ctx context.Context, tx *sql.Tx) error {
		var now store.State
		err := tx.StmtContext(ctx, d.hot.condition).QueryRowContext(ctx).Scan(&now)
		switch {
		case err != nil:
			return err
		case now == store.Retired:
			return store.Moved()
		}
		return fn(ctx, tx)
	}))
}
