package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/fault"
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

// TestRestorePutsACopyInPlace, with a new generation, keeps what was there, and refuses a
// copy that is damaged or absent without touching anything.
func TestRestorePutsACopyInPlace(t *testing.T) {
	dir := t.TempDir()
	db, copied := filepath.Join(dir, "l.db"), filepath.Join(dir, "copy.db")
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-001", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lumbung(t, db, "backup", copied); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-002", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half.db")
	if err := os.WriteFile(half, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for from, code := range map[string]string{half: "copy_damaged", filepath.Join(dir, "none.db"): "database_missing"} {
		if _, _, err := lumbung(t, db, "restore", "-listen", "127.0.0.1:1", from); fault.CodeOf(err) != code {
			t.Errorf("%s: %v, not %s", from, err, code)
		}
	}
	if now, err := os.ReadFile(db); err != nil || !bytes.Equal(now, before) {
		t.Errorf("a refused copy has changed the database (%v)", err)
	}
	out, _, err := lumbung(t, db, "restore", "-listen", "127.0.0.1:1", copied)
	if err != nil || !strings.Contains(out, "l.db.old-1") || !strings.Contains(out, "begin a new generation") {
		t.Fatalf("%q, %v", out, err)
	}
	if kept, err := os.ReadFile(db + ".old-1"); err != nil || !bytes.Equal(kept, before) {
		t.Errorf("what was there is not kept (%v)", err)
	}
	if out, _, err := lumbung(t, db, "user", "list"); err != nil || !strings.Contains(out, "001") || strings.Contains(out, "7000002") {
		t.Errorf("%q, %v", out, err)
	}
	if out, _, err := lumbung(t, db, "doctor", "--json"); err != nil || !strings.Contains(out, `"findings": []`) {
		t.Errorf("%q, %v", out, err)
	}
}

// TestABackupIsNeverTheDatabaseItself: by no name, and by no link.
func TestABackupIsNeverTheDatabaseItself(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "l.db")
	if _, _, err := lumbung(t, db, "user", "add", "--phone", "0811-7000-001", "--role", "mentor"); err != nil {
		t.Fatal(err)
	}
	hard, soft, folder := filepath.Join(dir, "hard.db"), filepath.Join(dir, "soft.db"), filepath.Join(t.TempDir(), "f")
	if err := errors.Join(os.Link(db, hard), os.Symlink(db, soft), os.Symlink(dir, folder)); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{db, dir + "/./l.db", hard, soft, filepath.Join(folder, "l.db"), db + "-wal", db + "-shm", db + ".pepper", db + ".damaged", filepath.Join(folder, "l.db-wal")} {
		if _, _, err := lumbung(t, db, "backup", target); fault.CodeOf(err) != "backup_in_place" {
			t.Errorf("%s: %v", target, err)
		}
	}
	if _, _, err := lumbung(t, db, "restore", db); fault.CodeOf(err) != "backup_in_place" {
		t.Errorf("restore from itself: %v", err)
	}
	if now, err := os.ReadFile(db); err != nil || len(now) != len(before) {
		t.Errorf("%d bytes, were %d (%v)", len(now), len(before), err)
	}
	if out, _, err := lumbung(t, db, "doctor", "--json"); err != nil || !strings.Contains(out, `"findings": []`) {
		t.Errorf("%q, %v", out, err)
	}
	for _, again := range []int{1, 2} { // what is no part of it is replaced
		if _, _, err := lumbung(t, db, "backup", filepath.Join(dir, "copy.db")); err != nil {
			t.Errorf("copy %d: %v", again, err)
		}
	}
}
