package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

//go:embed migrations/*.sql
var files embed.FS

// migration is one step from one shape of the tables to the next.
type migration struct {
	version int
	name    string // of its file
	text    string
}

// migrations gives every step in order. The files are named
// 0001_words.sql, 0002_words.sql … without gaps.
func migrations() []migration {
	entries, err := files.ReadDir("migrations")
	if err != nil {
		panic("sqlite: " + err.Error()) // embedded: cannot be absent
	}
	var out []migration
	for i, e := range entries {
		text, err := files.ReadFile("migrations/" + e.Name())
		if err != nil {
			panic("sqlite: " + err.Error())
		}
		if n, err := strconv.Atoi(e.Name()[:4]); err != nil || n != i+1 {
			panic(fmt.Sprintf("sqlite: %s is not migration %d", e.Name(), i+1))
		}
		out = append(out, migration{i + 1, e.Name(), string(text)})
	}
	return out
}

// migrate applies the steps that db lacks, each in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB, steps []migration) error {
	const table = `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT`
	if err := patiently(ctx, func() error {
		_, err := db.ExecContext(ctx, table)
		return broken("create schema_version", err)
	}); err != nil {
		return err
	}
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return &fault.Error{Kind: fault.Conflict, Code: "database_too_new",
			Text: fmt.Sprintf("the database has version %d, this program knows %d: start a newer program", have, len(steps)),
			Info: map[string]any{"database": have, "program": len(steps)}}
	}
	for _, step := range steps[have:] {
		if err := step.apply(ctx, db); err != nil {
			return broken("migrate to "+step.name, err)
		}
	}
	return nil
}

// Patience with other processes that open a new file at the same moment.
const (
	patience = 5 * time.Second
	pause    = 10 * time.Millisecond
)

// patiently repeats the first statement on a database. While another process
// turns a new file to its journal, SQLite says that it is locked without waiting
// the time that the connection asks for.
func patiently(ctx context.Context, do func() error) error {
	for left := patience; ; left -= pause {
		err := do()
		if err == nil || left <= 0 || fault.KindOf(err) != fault.Transient {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return err
		case <-wait.C:
		}
	}
}

func (m migration) apply(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit this does nothing
	have, err := schemaVersion(ctx, tx)
	if err != nil || have >= m.version { // another process was faster
		return err
	}
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO schema_version (version, name) VALUES (?, ?)`, m.version, m.name); err != nil {
		return err
	}
	return tx.Commit()
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func schemaVersion(ctx context.Context, q queryer) (int, error) {
	var version int
	err := q.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM schema_version`).Scan(&version)
	return version, broken("read schema_version", err)
}
