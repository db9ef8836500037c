package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// written opens a database beside a log of changes, runs statements, each in a transaction
// of its own, and gives the two as a process leaves them that dies then.
func written(t *testing.T, path string, statements ...string) (file, log []byte) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if file, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if log, err = os.ReadFile(path + "-wal"); err != nil {
		t.Fatal(err)
	}
	return file, log
}

// TestWhatFailedCommitsLeftIsNoDamage: a commit whose flush fails is taken back, and the
// next one is written over it. What was longer of the old ones lies behind, commits and
// all, when the power goes in the middle of the last.
func TestWhatFailedCommitsLeftIsNoDamage(t *testing.T) {
	first := filepath.Join(t.TempDir(), "l.db")
	file, shared := written(t, first, `CREATE TABLE t (x)`, `INSERT INTO t VALUES (1)`, `INSERT INTO t VALUES (2)`, `INSERT INTO t VALUES (3)`)
	after := func(statement string) []byte {
		path := filepath.Join(t.TempDir(), "l.db")
		if err := os.WriteFile(path+"-wal", shared, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, log := written(t, path, statement)
		if !bytes.HasPrefix(log, shared) {
			t.Fatal("the log was begun anew")
		}
		return log
	}
	long, less, last := after(`INSERT INTO t VALUES (randomblob(60000))`), after(`INSERT INTO t VALUES (randomblob(30000))`), after(`INSERT INTO t VALUES (4)`)
	if len(long) <= len(less) || len(less) <= len(last) {
		t.Fatal(len(long), len(less), len(last))
	}
	log := slices.Concat(last, less[len(last):], long[len(less):])
	said := func(at int) string {
		path := filepath.Join(t.TempDir(), "l.db")
		spoilt := bytes.Clone(log)
		spoilt[at] ^= 1
		if err := os.WriteFile(path+"-wal", spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		why, err := cutInside(path)
		if err != nil {
			t.Fatal(err)
		}
		return why
	}
	if why := said(len(shared) + frameHead + 100); why != "" {
		t.Errorf("a commit that was cut: %s", why)
	}
	if why := said(walHead + frameHead + 100); why == "" {
		t.Error("nothing was said of the first of many commits")
	}
}

// TestABusyLogIsNoDamage: somebody looks at the log again and again while many write, so
// that it is begun anew every now and then.
func TestABusyLogIsNoDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.single.ExecContext(t.Context(), `PRAGMA wal_autocheckpoint(150)`); err != nil {
		t.Fatal(err)
	}
	scopes := numbered(16)
	create(t, d, scopes...)
	var group sync.WaitGroup
	ended := make(chan struct{})
	for _, s := range scopes {
		group.Go(func() {
			for seq := merge.Seq(1); seq <= 150; seq++ {
				if _, err := d.Append(context.Background(), commitOf(s, seq)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	go func() {
		group.Wait()
		close(ended)
	}()
	for looks := 0; ; looks++ {
		select {
		case <-ended:
			if looks < 10 {
				t.Errorf("only %d looks", looks)
			}
			return
		default:
		}
		if why, err := cutInside(path); err != nil || why != "" {
			t.Errorf("look %d: %q, %v", looks, why, err)
			<-ended
			return
		}
	}
}
