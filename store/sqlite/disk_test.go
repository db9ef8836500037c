package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
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
	if len(told) != 1 || fault.CodeOf(told[0]) != "storage_full" {
		t.Errorf("an operator was told %v", told)
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

// TestWhatLiesAheadIsCarriedIntoTheFileAtTheStart: behind Open, the file alone has
// everything, whatever the log ahead of it is worth.
func TestWhatLiesAheadIsCarriedIntoTheFileAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	first, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	create(t, first, "s")
	for seq := merge.Seq(1); seq <= 5; seq++ {
		if _, err := first.Append(t.Context(), commitOf("s", seq)); err != nil {
			t.Fatal(err)
		}
	}
	second, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "alone.db")
	if err := os.WriteFile(alone, text, 0o600); err != nil {
		t.Fatal(err)
	}
	third, err := Open(t.Context(), alone, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if h, err := third.Head(t.Context(), "s"); err != nil || h.Applied != 5 {
		t.Errorf("the file alone has %d of 5 commits (%v)", h.Applied, err)
	}
}

func TestAFolderThatIsNotThereIsTheDisksFault(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "absent", "l.db"), Options{})
	if fault.CodeOf(err) != "storage_failed" || errors.Is(err, store.ErrAbsent) {
		t.Errorf("%v", err)
	}
}
