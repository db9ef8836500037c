package sqlite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAFullDatabaseLosesNothingThatItAcknowledged lets many write at the same time
// until the file may grow no more.
func TestAFullDatabaseLosesNothingThatItAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	var told []error
	d, err := Open(t.Context(), path, Options{MaxBytes: 600_000, OnTrouble: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	scopes := numbered(8)
	create(t, d, scopes...)
	var mu sync.Mutex
	acknowledged := map[string]merge.Seq{}
	var group sync.WaitGroup
	for _, s := range scopes {
		group.Go(func() {
			for seq := merge.Seq(1); ; seq++ {
				if _, err := d.Append(context.Background(), commitOf(s, seq)); err != nil {
					if code := fault.CodeOf(err); code != "storage_full" || fault.KindOf(err) != fault.Transient {
						t.Errorf("a full database says %v", err)
					}
					return
				}
				mu.Lock()
				acknowledged[s] = seq
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if err := d.Ping(t.Context()); fault.CodeOf(err) != "storage_full" {
		t.Errorf("a full database is ready: %v", err)
	}
	hold := func(d *DB) {
		t.Helper()
		for _, s := range scopes {
			h, err := d.Head(t.Context(), s)
			if err != nil || h.Applied != acknowledged[s] {
				t.Errorf("%s: %d is acknowledged, %d is there (%v)", s, acknowledged[s], h.Applied, err)
			}
		}
	}
	hold(d) // reads go on
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for n, err := range told { // a small write may find room yet, between two that do not
		if n%2 == 0 && fault.CodeOf(err) != "storage_full" || n%2 == 1 && err != nil {
			t.Errorf("an operator was told %v", told)
		}
	}
	if len(told)%2 == 0 {
		t.Errorf("an operator was told at last that it is good: %v", told)
	}
	if d, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	hold(d)
	for _, s := range scopes {
		if _, err := d.Append(t.Context(), commitOf(s, acknowledged[s]+1)); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
}

// TestAWriteClearsTheTrouble: whoever asks whether the store is there finds out that it
// is again.
func TestAWriteClearsTheTrouble(t *testing.T) {
	var told []error
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), Options{OnTrouble: func(err error) { told = append(told, err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, err := range []error{&fault.Error{Kind: fault.Transient, Code: "storage_failed"}, store.ErrStale, &fault.Error{Kind: fault.Transient, Code: "storage_full"}} {
		d.disk.note(err)
	}
	if err := d.Trouble(); fault.CodeOf(err) != "storage_full" || len(told) != 1 {
		t.Errorf("the trouble is %v, told of %v", err, told)
	}
	for range 2 {
		if err := d.Ping(t.Context()); err != nil || d.Trouble() != nil {
			t.Errorf("a disk that works: %v, %v", err, d.Trouble())
		}
	}
	if len(told) != 2 || told[1] != nil {
		t.Errorf("told of %v", told)
	}
}

// TestOthersOpenADatabaseWhileItIsWritten: whoever opens it writes its log ahead of the
// file once more, and nothing of what is committed meanwhile may be lost by that.
func TestOthersOpenADatabaseWhileItIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, "s")
	stop, last := make(chan struct{}), make(chan merge.Seq)
	go func() {
		for seq := merge.Seq(1); ; seq++ {
			select {
			case <-stop:
				last <- seq - 1
				return
			default:
			}
			if _, err := d.Append(context.Background(), commitOf("s", seq)); err != nil {
				t.Error(err)
			}
			if seq%50 == 0 { // the log begins anew
				if _, err := d.copier.ExecContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range 40 {
		other, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Error(err)
			break
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	want := <-last
	var sound string
	if err := d.read.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the file is %q (%v)", sound, err)
	}
	h, err := d.Head(t.Context(), "s")
	if err != nil || h.Applied != want || want == 0 {
		t.Errorf("%d commits of %d (%v)", h.Applied, want, err)
	}
	for seq := merge.Seq(1); seq <= want; seq++ {
		if _, err := d.Entry(t.Context(), "s", 1, seq); err != nil {
			t.Errorf("entry %d: %v", seq, err)
		}
	}
}

func TestAFileIsWrittenOnceMoreAsItIs(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, 1 << 20, 1<<20 + 7, 3 << 20} {
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := rewrite(path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes are others now (%v)", size, err)
		}
	}
	if err := rewrite(filepath.Join(dir, "absent")); err != nil {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := rewrite(dir); fault.CodeOf(ofSystem("", err)) != "storage_failed" {
		t.Errorf("a folder: %v", err)
	}
}

func TestErrorsOfTheSystemHaveCodes(t *testing.T) {
	for want, err := range map[string]error{"storage_full": syscall.ENOSPC, "storage_read_only": &os.PathError{Err: syscall.EROFS}, "storage_failed": syscall.EIO} {
		if got := ofSystem("x", err); fault.CodeOf(got) != want || fault.KindOf(got) != fault.Transient || !errors.Is(got, err) {
			t.Errorf("%v is %v", err, got)
		}
	}
	if ofSystem("x", nil) != nil {
		t.Error("no error is one")
	}
}

func TestAFolderThatIsNotThereIsTheDisksFault(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "absent", "l.db"), Options{})
	if fault.CodeOf(err) != "storage_failed" || errors.Is(err, store.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

// TestAWriteThatWritesNothingSaysNothingOfTheDisk: a full database stays told of as one
// while something is asked of it that changes no row.
func TestAWriteThatWritesNothingSaysNothingOfTheDisk(t *testing.T) {
	told := 0
	d, err := Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), Options{MaxBytes: 400_000, OnTrouble: func(error) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	create(t, d, "s")
	for seq := merge.Seq(1); err == nil; seq++ {
		_, err = d.Append(t.Context(), commitOf("s", seq))
	}
	for range 5 {
		if err := d.Release(t.Context(), "space", "key", "nobody"); err != nil {
			t.Fatal(err)
		}
		if d.Trouble() == nil {
			t.Fatal("a release of nothing says that the disk takes writes")
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
