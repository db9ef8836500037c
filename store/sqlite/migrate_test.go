package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// stored names the text of a database as version n left it.
func stored(n int) string { return filepath.Join("testdata", fmt.Sprintf("v%04d.sql", n)) }

// fill writes what every later version must still read.
func fill(t *testing.T, d *DB, version int) {
	t.Helper()
	ctx := t.Context()
	create(t, d, "s", "empty")
	for seq := merge.Seq(1); seq <= 3; seq++ {
		if _, err := d.Append(ctx, commitOf("s", seq)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Insert(ctx, commitOf("s", 4)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Claim(ctx, "nib", "1", "s"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if version >= 2 {
		at := time.Date(2022, 5, 5, 2, 11, 9, 0, time.UTC)
		if err := d.Identity().InsertUser(ctx, store.User{ID: "u1", Phone: "+628117000001", Status: store.UserActive, Changed: at, Created: at}); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case version == 6: // without a column for the provider
		if _, err := d.single.ExecContext(ctx, `INSERT INTO deliveries (key, rev, doc, lane, open, next, due, state, batch, expires)
			VALUES ('p1', 1, '{"id":"p1","provider":"fcm","lane":"bulk","state":"pending"}', 'bulk', 1, 0, 0, 'pending', '', 0)`); err != nil {
			t.Fatal(err)
		}
	case version >= 7:
		if err := d.Identity().InsertDelivery(ctx, store.Delivery{ID: "p1", Lane: "bulk", Provider: "fcm", State: store.DeliveryPending}); err != nil {
			t.Fatal(err)
		}
	}
	if version >= 5 {
		if err := d.Identity().InsertCredential(ctx, store.Credential{User: "u1", Step: 7}); err != nil {
			t.Fatal(err)
		}
	}
}

// found checks that everything is there that fill wrote, and that work goes on.
func found(t *testing.T, d *DB, version int) {
	t.Helper()
	ctx := t.Context()
	heads, err := d.HeadsFor(ctx, "u1", nil)
	if err != nil || len(heads) != 2 || heads[1].Applied != 3 {
		t.Fatalf("heads %+v %v", heads, err)
	}
	l, err := d.Load(ctx, "s", store.Want{Tags: []string{"tag"}, Pages: []merge.PageKey{commitOf("s", 1).Pages[0].PageKey}})
	if err != nil || len(l.Records) != 1 || l.Records[0].Version != 3 || len(l.Pages) != 1 || l.Pages[0].Version != 3 {
		t.Errorf("loaded %+v %v", l, err)
	}
	c, err := d.Entry(ctx, "s", 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := d.Fold(ctx, c, store.Head{}); err != nil || h.Applied != 4 {
		t.Errorf("fold: %+v %v", h, err)
	}
	if holder, err := d.Claim(ctx, "nib", "1", "t"); err != nil || holder != "s" {
		t.Errorf("claim: %q %v", holder, err)
	}
	if e, err := d.Epochs(ctx); err != nil || e.Began != 1 {
		t.Errorf("epochs: %+v %v", e, err)
	}
	u, err := d.Identity().User(ctx, "u1")
	if known := version >= 2; known && (err != nil || u.Phone != "+628117000001") || !known && !errors.Is(err, store.ErrAbsent) {
		t.Errorf("user: %+v %v", u, err)
	}
	for _, without := range [][]string{nil, {"fcm"}} {
		due, err := d.Identity().DueDeliveries(ctx, "bulk", without, time.Now(), 10)
		if there := version >= 6 && without == nil; err != nil || (len(due) == 1) != there {
			t.Errorf("due without %v: %+v %v", without, due, err)
		}
	}
	if c, err := d.Identity().Credential(ctx, "u1"); version >= 5 && (err != nil || c.Step != 7) || version < 5 && !errors.Is(err, store.ErrAbsent) {
		t.Errorf("credential: %+v %v", c, err)
	}
}

// dump writes a database as SQL text.
func dump(t *testing.T, db *sql.DB, rows bool) string {
	t.Helper()
	var out []string
	for _, s := range texts(t, db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name`) {
		out = append(out, s+";")
	}
	if rows {
		for _, table := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name = 'head' DESC, name`) {
			quoted := texts(t, db, `SELECT group_concat('quote("' || name || '")', ' || '', '' || ') FROM pragma_table_info('`+table+`')`)[0]
			for _, row := range texts(t, db, `SELECT `+quoted+` FROM "`+table+`"`) {
				out = append(out, `INSERT INTO `+table+` VALUES (`+row+`);`)
			}
		}
	}
	return strings.Join(out, "\n") + "\n"
}

func texts(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryStoredVersionIsBroughtUpToDate opens what each older version left
// behind. With LUMBUNG_UPDATE=1 it first writes the texts that are missing.
func TestEveryStoredVersionIsBroughtUpToDate(t *testing.T) {
	steps := migrations()
	want := dump(t, fresh(t, Options{}).single, false)
	for n := 1; n <= len(steps); n++ {
		if _, err := os.Stat(stored(n)); err != nil && os.Getenv("LUMBUNG_UPDATE") != "" {
			keepVersion(t, n, steps[:n])
		}
		t.Run(steps[n-1].name, func(t *testing.T) {
			text, err := os.ReadFile(stored(n))
			if err != nil {
				t.Fatalf("no database of version %d is stored; run with LUMBUNG_UPDATE=1", n)
			}
			path := filepath.Join(t.TempDir(), "old.db")
			old, err := pool(path, "immediate", false, 1, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := old.ExecContext(t.Context(), string(text)); err != nil {
				t.Fatal(err)
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}
			d, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if got := dump(t, d.single, false); got != want {
				t.Errorf("the tables differ from those of a new database:\n%s\nwant\n%s", got, want)
			}
			found(t, d, n)
		})
	}
}

func keepVersion(t *testing.T, n int, steps []migration) {
	t.Helper()
	d, err := open(t.Context(), filepath.Join(t.TempDir(), "old.db"), Options{}, steps)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fill(t, d, n)
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stored(n), []byte(dump(t, d.single, true)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lumbung.db")
	newer := append(migrations(), migration{len(migrations()) + 1, "9999_later.sql", `CREATE TABLE later (a)`})
	d, err := open(t.Context(), path, Options{}, newer)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, Options{})
	if fault.KindOf(err) != fault.Conflict || fault.CodeOf(err) != "database_too_new" {
		t.Errorf("got %v", err)
	}
}

func TestAFailedMigrationLeavesTheVersionBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lumbung.db")
	n := len(migrations())
	bad := append(migrations(), migration{n + 1, "9999_bad.sql", `CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)`})
	if _, err := open(t.Context(), path, Options{}, bad); err == nil {
		t.Fatal("a broken migration went through")
	}
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got, err := schemaVersion(t.Context(), d.read); err != nil || got != n {
		t.Errorf("version %d %v, want %d", got, err, n)
	}
	if tables := dump(t, d.single, false); strings.Contains(tables, "half") {
		t.Error("half of the migration was kept")
	}
}

func TestManyProcessesMayOpenANewDatabaseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lumbung.db")
	type opened struct {
		d   *DB
		err error
	}
	results := make(chan opened)
	for range 6 {
		go func() {
			d, err := Open(context.Background(), path, Options{})
			if err == nil {
				_, err = d.Begin(context.Background())
			}
			results <- opened{d, err}
		}()
	}
	for range 6 {
		o := <-results
		if o.err != nil {
			t.Error(o.err)
			continue
		}
		defer o.d.Close()
	}
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if e, err := d.Epochs(t.Context()); err != nil || e.Began != 6 {
		t.Errorf("%+v after six processes wrote (%v)", e, err)
	}
}
