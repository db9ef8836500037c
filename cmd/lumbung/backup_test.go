package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestACopyBecomesTheDatabase makes a copy, puts it in the place of the database
// and tells it so: every scope has a new generation, and says where it forked.
func TestACopyBecomesTheDatabase(t *testing.T) {
	dir := t.TempDir()
	db, copied := filepath.Join(dir, "l.db"), filepath.Join(dir, "copy.db")
	a, err := app.OpenDatabase(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-001", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	if out, _, err := lumbung(t, db, "backup", copied); err != nil || !strings.Contains(out, copied) {
		t.Fatalf("%q, %v", out, err)
	}
	out, _, err := lumbung(t, copied, "restored")
	if err != nil || !strings.Contains(out, "scopes begin a new generation") {
		t.Fatalf("%q, %v", out, err)
	}
	again, err := app.OpenDatabase(t.Context(), copied)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	scopes, err := again.Scopes(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, scope := range scopes {
		h, err := again.Head(t.Context(), scope)
		if err != nil || h.Generation.Count != 2 || len(h.Forks) != 1 {
			t.Errorf("%s: generation %s, %d forks, %v", scope, h.Generation, len(h.Forks), err)
		}
	}
	if e, err := again.Epochs(t.Context()); err != nil || e != (store.Epochs{Began: 1}) {
		t.Errorf("the copy was made in backup 1, which was under way: %+v, %v", e, err)
	}
}
