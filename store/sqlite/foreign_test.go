package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestHeadsOfOlderProgramsLearnOfForeignRefusals puts a database back to the shape in
// which heads could not say whether their log holds refusals of foreign edits.
func TestHeadsOfOlderProgramsLearnOfForeignRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	create(t, d, "user/a", "user/b", "user/c")
	foreign := commitOf("user/a", 1)
	foreign.Pages[0].About = "business/x"
	own := commitOf("user/b", 1)
	own.Pages[0].About = "user/b"
	for _, c := range []*store.Commit{foreign, own} {
		if _, err := d.Append(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Insert(t.Context(), commitOf("user/c", 1)); err != nil { // nobody has looked into it yet
		t.Fatal(err)
	}
	for _, q := range []string{`UPDATE head SET doc = json_remove(doc, '$.foreign')`, `DROP TABLE credentials`, `DROP TABLE addresses`, `DROP TABLE deliveries`, `DELETE FROM schema_version WHERE version > 2`} {
		if _, err := d.single.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for scope, want := range map[string]bool{"user/a": true, "user/b": false, "user/c": true} {
		if h, err := d.Head(t.Context(), scope); err != nil || h.Foreign != want || h.Applied > merge.Seq(1) {
			t.Errorf("%s: foreign %t, want %t (%v)", scope, h.Foreign, want, err)
		}
	}
}
