package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/localtest"
	"github.com/lumbung-ikm/lumbung/client/replica/sqlite"
)

func open(t *testing.T, path string) *sqlite.Local {
	t.Helper()
	l, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLocal(t *testing.T) {
	localtest.Run(t, func(t *testing.T) replica.Local { return open(t, filepath.Join(t.TempDir(), "phone 100%#?.db")) })
}

func put(t *testing.T, l replica.Local, key, value string) {
	t.Helper()
	if err := l.Update(func(w replica.Writer) error { w.Put("b", key, []byte(value)); return nil }); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, l replica.Local, key string) (v string) {
	t.Helper()
	if err := l.View(func(r replica.Reader) error { v = string(r.Get("b", key)); return nil }); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAnotherStartFindsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone.db")
	l := open(t, path)
	put(t, l, "k", "kept")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	again := open(t, path)
	defer again.Close()
	if got := get(t, again, "k"); got != "kept" {
		t.Errorf("got %q", got)
	}
}

// TestAKilledAppLosesNoUpdate copies the files as they lie on the disk after
// each update, and in the middle of one, as a kill would leave them.
func TestAKilledAppLosesNoUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone.db")
	l := open(t, path)
	defer l.Close()
	for n := range 20 {
		value := strings.Repeat("x", 1+n*700)
		put(t, l, "k", value)
		if got := afterKill(t, path); got != value {
			t.Errorf("update %d: %d bytes are left, want %d", n, len(got), len(value))
		}
	}
	err := l.Update(func(w replica.Writer) error {
		before := string(w.Get("b", "k"))
		w.Put("b", "k", []byte(strings.Repeat("half", 100_000)))
		if got := afterKill(t, path); got != before {
			t.Errorf("half an update is there: %d bytes", len(got))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// afterKill reads the database from a copy of its files.
func afterKill(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := open(t, to)
	defer l.Close()
	return get(t, l, "k")
}

func TestABrokenDatabaseIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phone.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil {
		t.Error("a text was opened as a database")
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "no", "folder", "l.db")); err == nil {
		t.Error("a database without a folder")
	}
	l := open(t, filepath.Join(t.TempDir(), "closed.db"))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Update(func(w replica.Writer) error { w.Put("b", "k", nil); return nil }); err == nil {
		t.Error("an update of a closed database")
	}
}

func TestAViewWritesNothing(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "phone.db"))
	defer l.Close()
	err := l.View(func(r replica.Reader) error {
		r.(replica.Writer).Put("b", "k", []byte("x"))
		return nil
	})
	if err == nil || get(t, l, "k") != "" {
		t.Errorf("a view wrote: %v", err)
	}
}
