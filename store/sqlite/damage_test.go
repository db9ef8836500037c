package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// filled is the path of a closed database with a few scopes.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "l.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	scopes := numbered(4)
	create(t, d, scopes...)
	for _, s := range scopes {
		for seq := range merge.Seq(60) {
			if _, err := d.Append(t.Context(), commitOf(s, seq+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// spoilt writes rubbish over the head of every page in which a word stands, and gives what
// was there.
func spoilt(t *testing.T, path, word string) (whole []byte) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := bytes.Clone(whole)
	for at := 4096; at < len(file); at += 4096 {
		if bytes.Contains(file[at:at+4096], []byte(word)) {
			copy(file[at:], "rubbish!")
		}
	}
	if bytes.Equal(file, whole) {
		t.Fatalf("%q stands nowhere", word)
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return whole
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("%s: %v, not %s", what, err, code)
	}
}

// TestADamagedPageStopsEverything: the first statement that comes upon it says so, nothing
// is written any more, and the next start refuses as long as it is so, but no longer.
func TestADamagedPageStopsEverything(t *testing.T) {
	path := filled(t)
	whole := spoilt(t, path, `"lines":`)
	var told []string
	d, err := Open(t.Context(), path, Options{Report: func(text string) { told = append(told, text) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); err != nil || d.Damaged() != nil {
		t.Errorf("nobody has seen it yet: %v, %v", err, d.Damaged())
	}
	_, err = d.Entry(t.Context(), numbered(1)[0], 1, 30)
	wantCode(t, "a read", err, "database_damaged")
	wantCode(t, "ping", d.Ping(t.Context()), "database_damaged")
	wantCode(t, "a write elsewhere", d.Release(t.Context(), "a", "b", "c"), "database_damaged")
	wantCode(t, "a backup", d.Backup(t.Context(), path+".copy"), "database_damaged")
	if len(told) != 1 || !strings.Contains(told[0], path) || !strings.Contains(told[0], "lumbung restore") {
		t.Errorf("told %q", told)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	_, err = Open(t.Context(), path, Options{})
	wantCode(t, "the next start", err, "database_damaged")
	_, err = Open(t.Context(), path, Options{})
	wantCode(t, "the start after that", err, "database_damaged")

	if err := os.WriteFile(path, whole, 0o600); err != nil { // the memory was bad, not the disk
		t.Fatal(err)
	}
	if d, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatalf("a false alarm: %v", err)
	}
	defer d.Close()
	if _, err := os.Stat(path + MarkEnd); !os.IsNotExist(err) {
		t.Errorf("the mark is still there: %v", err)
	}
	if err := d.Release(t.Context(), "a", "b", "c"); err != nil {
		t.Error(err)
	}
}

// TestWhatIsNoDatabaseIsNotOpened, and is left as it was.
func TestWhatIsNoDatabaseIsNotOpened(t *testing.T) {
	path := filled(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"a text": []byte(strings.Repeat("no database\n", 1000)), "a few bytes": whole[:50], "half of it": whole[:len(whole)/2],
		"a page less": whole[:len(whole)-4096], "another beginning": append([]byte("x"), whole[1:]...)} {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path, Options{})
		wantCode(t, name, err, "database_damaged")
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, file) {
			t.Errorf("%s was changed (%v)", name, err)
		}
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatalf("an empty file is new: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestAnUnfinishedRestoreKeepsServersAway: the file that it replaces may be without its
// log of changes.
func TestAnUnfinishedRestoreKeepsServersAway(t *testing.T) {
	path := filled(t)
	if err := os.WriteFile(path+RestoredEnd, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, Options{})
	wantCode(t, "a start", err, "restore_unfinished")
}

// TestACrashBetweenPagesIsNoDamage: the file may be shorter than its first page says while
// the log of changes has the rest.
func TestACrashBetweenPagesIsNoDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, numbered(1)...)
	for seq := range merge.Seq(60) {
		if _, err := d.Append(t.Context(), commitOf(numbered(1)[0], seq+1)); err != nil {
			t.Fatal(err)
		}
	}
	crashed := filepath.Join(t.TempDir(), "l.db")
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+end, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	head, err := os.OpenFile(crashed, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := head.WriteAt([]byte{0, 0, 1, 0}, 28); err != nil { // 256 pages, as if the first had been carried over
		t.Fatal(err)
	}
	if err := head.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), crashed, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if h, err := again.Head(t.Context(), numbered(1)[0]); err != nil || h.Applied != 60 {
		t.Errorf("%d, %v", h.Applied, err)
	}
}
