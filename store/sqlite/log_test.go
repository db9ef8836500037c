package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/storetest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestEveryPromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return fresh(t, Options{}) })
}

func TestEveryPromiseWithoutAppending(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return storefault.Plain{Store: fresh(t, Options{})} })
}

func generation() merge.Generation { return merge.Generation{Count: 1, Nonce: "n"} }

// commitOf is the commit of scope at seq, with a tagged record, a record of its
// own, and a page.
func commitOf(scope string, seq merge.Seq) *store.Commit {
	rec := func(id string, tags ...string) store.Record {
		return store.Record{Collection: "sales", ID: id, Version: seq, Tags: tags, State: json.RawMessage(`{"b":-1,"t":0,"w":null}`),
			Fields: json.RawMessage(fmt.Sprintf(`{"amount":150000,"note":"%s","seq":%d}`, strings.Repeat("x", 200), seq))}
	}
	return &store.Commit{Scope: scope, Generation: generation(), Seq: seq, ID: fmt.Sprint("c", seq), Time: merge.Millis(seq), Chain: fmt.Sprint(seq),
		Sum: uint64(seq), Access: []merge.Grant{{ID: "m", User: "u1", Role: merge.Owner}},
		Records: []store.Record{rec("all", "tag"), rec(fmt.Sprintf("%036d", seq))},
		Pages: []merge.Page{{PageKey: merge.PageKey{BookKey: merge.BookKey{About: scope, Device: "d", Incarnation: "x7"}}, Version: seq,
			Entries: map[uint64]merge.Entry{uint64(seq): {Seq: seq}}}}}
}

// create makes scopes that u1 may see.
func create(t testing.TB, d *DB, scopes ...string) {
	t.Helper()
	for _, s := range scopes {
		h := store.Head{Scope: s, Generation: generation(), Access: []merge.Grant{{ID: "m", User: "u1", Role: merge.Owner}}}
		if err := d.Create(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
}

func numbered(n int) (scopes []string) {
	for i := range n {
		scopes = append(scopes, fmt.Sprintf("business/%036d", i))
	}
	return scopes
}

func TestReadsNeedFewStatements(t *testing.T) {
	var seen Counter
	d := fresh(t, Options{OnStatement: seen.See})
	scopes := numbered(40)
	create(t, d, scopes...)
	for seq := merge.Seq(1); seq <= 50; seq++ {
		if _, err := d.Append(t.Context(), commitOf(scopes[0], seq)); err != nil {
			t.Fatal(err)
		}
	}
	want := store.Want{Tags: []string{"tag", "day"}}
	for i := range 50 {
		want.Keys = append(want.Keys, merge.Key{Collection: "sales", ID: fmt.Sprintf("%036d", i)})
		want.Pages = append(want.Pages, merge.PageKey{BookKey: merge.BookKey{About: scopes[0], Device: "d", Incarnation: fmt.Sprint("x", i)}})
	}
	for _, tt := range []struct {
		name string
		max  int
		read func() error
	}{
		{"heads for a user and named scopes", 1, func() error {
			heads, err := d.HeadsFor(t.Context(), "u1", scopes[:20])
			if len(heads) != 40 {
				t.Errorf("%d heads", len(heads))
			}
			return err
		}},
		{"one head", 1, func() error { _, err := d.Head(t.Context(), scopes[0]); return err }},
		{"a load of many keys, tags and pages", 4, func() error { _, err := d.Load(t.Context(), scopes[0], want); return err }},
		{"a page of changes", 2, func() error {
			_, err := d.Changed(t.Context(), scopes[0], store.Position{Version: 3, Key: want.Keys[3]}, 50, 0, 2000)
			return err
		}},
	} {
		seen.Take()
		if err := tt.read(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := seen.Take(); len(got) != tt.max {
			t.Errorf("%s: %d statements, want %d: %q", tt.name, len(got), tt.max, got)
		}
	}
}

func TestReadsUseAnIndex(t *testing.T) {
	d := fresh(t, Options{})
	for _, q := range []struct {
		text  string
		args  int
		sorts bool // the few rows that it finds
	}{
		{headOf, 1, false}, {headsFor, 2, true}, {recordsByKey, 2, false}, {recordsByTag, 2, false}, {pagesByKey, 2, false},
		{newestPages, 2, false}, {changedRecords, 7, false}, {highestVersion, 1, false}, {logEntry, 3, false},
	} {
		args := []any{"s", "[]", "", "", 0, 0, 0}[:q.args]
		rows, err := d.read.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+q.text, args...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var id, parent, unused int
			var step string
			if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
				t.Fatal(err)
			}
			list := strings.HasPrefix(step, "SCAN k ") || strings.Contains(step, "json_each")
			if strings.HasPrefix(step, "SCAN") && !list || strings.Contains(step, "TEMP B-TREE") && !q.sorts {
				t.Errorf("%s\n  %s", q.text, step)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAppendsOfManyScopesShareOneFlush(t *testing.T) {
	var seen Counter
	d := fresh(t, Options{OnStatement: seen.See})
	scopes := numbered(64)
	create(t, d, scopes...)
	let := held(t, d)
	seen.Take()
	var wg sync.WaitGroup
	for _, s := range scopes {
		wg.Go(func() {
			if _, err := d.Append(t.Context(), commitOf(s, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	waiting(d, len(scopes))
	let()
	wg.Wait()
	if got := seen.Count("COMMIT"); got != 2 { // one holds the writer
		t.Errorf("%d flushes for %d scopes", got, len(scopes))
	}
}

// TestABackupIsOneSnapshot copies the database while every scope is written,
// and looks into each copy.
func TestABackupIsOneSnapshot(t *testing.T) {
	d := fresh(t, Options{})
	scopes := numbered(4)
	create(t, d, scopes...)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i, s := range scopes {
		wg.Go(func() {
			for seq := merge.Seq(1); ctx.Err() == nil; seq++ {
				c := commitOf(s, seq)
				var err error
				if i%2 == 0 {
					_, err = d.Append(t.Context(), c)
				} else if err = d.Insert(t.Context(), c); err == nil { // a fold may be missing in the copy
					_, err = d.Fold(t.Context(), c, store.Head{})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	last := map[string]merge.Seq{}
	for range 5 {
		if err := d.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		lookInto(t, path, scopes, last)
	}
	stop()
	wg.Wait()
}

func lookInto(t *testing.T, path string, scopes []string, last map[string]merge.Seq) {
	t.Helper()
	c, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var verdict string
	if err := c.read.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity: %s %v", verdict, err)
	}
	for _, s := range scopes {
		h, err := c.Head(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Changed(t.Context(), s, store.Position{}, h.Applied, 0, 1<<30)
		if err != nil || p.Torn || h.Applied > 0 && len(p.Records) != int(h.Applied)+1 {
			t.Errorf("head at %d, %d records, torn %t: %v", h.Applied, len(p.Records), p.Torn, err)
		}
		for seq := merge.Seq(1); seq <= h.Applied; seq++ {
			if _, err := c.Entry(t.Context(), s, 1, seq); err != nil {
				t.Errorf("entry %d of %d: %v", seq, h.Applied, err)
			}
		}
		if h.Applied < last[s] {
			t.Errorf("a later copy of %s is older: %d after %d", s, h.Applied, last[s])
		}
		last[s] = h.Applied
	}
	if len(scopes) == 0 {
		return
	}
	if _, err := c.Append(t.Context(), commitOf(scopes[0], last[scopes[0]]+1)); err != nil {
		t.Errorf("the copy cannot be written: %v", err)
	}
}

func TestAFailedBackupLeavesTheOldOne(t *testing.T) {
	d := fresh(t, Options{})
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := d.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Backup(ctx, path); err == nil {
		t.Error("a backup without time succeeded")
	}
	lookInto(t, path, nil, nil)
}

func TestALongLogIsPrunedInParts(t *testing.T) {
	var seen Counter
	d := fresh(t, Options{OnStatement: seen.See})
	create(t, d, "s")
	err := d.write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for seq := merge.Seq(1); seq <= 2*pruneBatch+9; seq++ {
			p, err := pack(&store.Commit{Scope: "s", Generation: generation(), Seq: seq, ID: fmt.Sprint(seq)})
			if err != nil {
				return err
			}
			h, err := d.headIn(ctx, tx, "s")
			if err != nil {
				return err
			}
			if err := d.insert(ctx, tx, p); err != nil {
				return err
			}
			if _, err := d.fold(ctx, tx, h, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen.Take()
	if err := d.Prune(t.Context(), "s", 2*pruneBatch+1); err != nil {
		t.Fatal(err)
	}
	if got := seen.Count("COMMIT"); got != 4 { // the mark, then three parts
		t.Errorf("%d writes", got)
	}
	var left int
	if err := d.read.QueryRowContext(t.Context(), `SELECT count(*) FROM log`).Scan(&left); err != nil || left != 8 {
		t.Errorf("%d entries left (%v)", left, err)
	}
}
