package failpoint

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	"github.com/lumbung-ikm/lumbung/store/storetest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestPointsAreReadOrRefused(t *testing.T) {
	for text, want := range map[string]Point{
		"append.after:37": {"append", true, 37},
		"ping.before:1":   {"ping", false, 1},
	} {
		if p, err := Parse(text); err != nil || *p != want {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	if p, err := Parse(""); p != nil || err != nil {
		t.Errorf("no point: %v, %v", p, err)
	}
	for _, text := range []string{"append", "append.after", "append.after:0", "append.after:x", "append.during:1", "cook.after:1", ".after:1"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s was taken for a point", text)
		}
	}
}

func opened(t *testing.T, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestAPointThatIsNotReachedChangesNothing: the contract, through the wrapper.
func TestAPointThatIsNotReachedChangesNothing(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return Around(opened(t, filepath.Join(t.TempDir(), "l.db")), &Point{"append", true, 1 << 40})
	})
}

// call calls a method by its name.
func call(ctx context.Context, s DB, method string) error {
	g := merge.Generation{Count: 1, Nonce: "n"}
	c := &store.Commit{Scope: "s", Generation: g, Seq: 1, ID: "c"}
	calls := map[string]func() error{
		"append":   func() error { _, err := s.Append(ctx, c); return err },
		"create":   func() error { return s.Create(ctx, store.Head{Scope: "t", Generation: g}) },
		"head":     func() error { _, err := s.Head(ctx, "s"); return err },
		"look":     func() error { _, _, err := s.Look(ctx, "s"); return err },
		"expect":   func() error { return s.Expect(ctx, "s") },
		"headsfor": func() error { _, err := s.HeadsFor(ctx, "u", nil); return err },
		"catchup":  func() error { return s.CatchUp(ctx, "s") },
		"load":     func() error { _, err := s.Load(ctx, "s", store.Want{}); return err },
		"insert":   func() error { return s.Insert(ctx, c) },
		"withdraw": func() error { return s.Withdraw(ctx, c) },
		"entry":    func() error { _, err := s.Entry(ctx, "s", 1, 1); return err },
		"chain":    func() error { _, err := s.Chain(ctx, "s", 1, 1); return err },
		"fold":     func() error { _, err := s.Fold(ctx, c, store.Head{}); return err },
		"changed":  func() error { _, err := s.Changed(ctx, "s", store.Position{}, 1, 0, 10); return err },
		"unfolded": func() error { _, err := s.Unfolded(ctx, 1); return err },
		"waiting":  func() error { _, err := s.Waiting(ctx, "f", 1); return err },
		"done":     func() error { return s.Done(ctx, "s", "f", 1) },
		"prune":    func() error { return s.Prune(ctx, "s", 0) },
		"erase":    func() error { return s.Erase(ctx, "s", 0, 0) },
		"scopes":   func() error { _, err := s.Scopes(ctx, "", 1); return err },
		"raise":    func() error { return s.Raise(ctx, "s", merge.Generation{Count: 2}, merge.Fork{Generation: g}) },
		"claim":    func() error { _, err := s.Claim(ctx, "x", "y", "s"); return err },
		"holder":   func() error { _, err := s.Holder(ctx, "x", "y"); return err },
		"release":  func() error { return s.Release(ctx, "x", "y", "s") },
		"epochs":   func() error { _, err := s.Epochs(ctx); return err },
		"begin":    func() error { _, err := s.Begin(ctx); return err },
		"complete": func() error { return s.Complete(ctx, 1) },
		"ping":     func() error { return s.Ping(ctx) },
		"backup":   func() error { return s.Backup(ctx, filepath.Join(os.TempDir(), "absent", "folder", "b")) },
	}
	do, ok := calls[method]
	if !ok {
		return errors.New("the test does not know " + method)
	}
	return do()
}

// TestEveryNameIsAPoint counts the deaths at each method, before and behind it.
func TestEveryNameIsAPoint(t *testing.T) {
	for _, method := range Names() {
		for _, after := range []bool{false, true} {
			died := 0
			d := &doomed{DB: opened(t, filepath.Join(t.TempDir(), "l.db")), at: Point{method, after, 2}, die: func() { died++ }}
			for n := range 3 {
				if err := call(t.Context(), d, method); err != nil && strings.Contains(err.Error(), "does not know") {
					t.Fatal(err)
				}
				if want := min(n, 1); died != want {
					t.Errorf("%s, after %t: %d deaths after %d calls", method, after, died, n+1)
				}
			}
		}
	}
}

// doomedVar makes the test below the process that dies.
const doomedVar = "LUMBUNG_TEST_DOOMED"

// TestTheProcessIsKilled runs itself as a process that dies behind its second claim:
// both are in the database, and it could say so of the first alone.
func TestTheProcessIsKilled(t *testing.T) {
	if path := os.Getenv(doomedVar); path != "" {
		d := Around(opened(t, path), &Point{"claim", true, 2})
		for _, key := range []string{"a", "b", "c"} {
			if _, err := d.Claim(t.Context(), "x", key, "me"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stdout.WriteString("claimed " + key + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	path := filepath.Join(t.TempDir(), "l.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), doomedVar+"="+path)
	said, err := child.Output()
	status, ok := child.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || status.Signal() != syscall.SIGKILL || string(said) != "claimed a\n" {
		t.Fatalf("the process ended with %v and said %q", child.ProcessState, said)
	}
	db := opened(t, path)
	for key, want := range map[string]string{"a": "me", "b": "me", "c": ""} {
		if got, err := db.Holder(t.Context(), "x", key); err != nil || got != want {
			t.Errorf("%s is held by %q (%v)", key, got, err)
		}
	}
}
