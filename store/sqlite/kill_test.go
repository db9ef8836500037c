package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// killed is the variable that makes this test the process to be killed.
const killed = "LUMBUNG_TEST_KILLED"

// TestAnAcknowledgedCommitSurvivesAKill runs itself as a second process that
// appends and says so, kills it, and looks for what it said.
func TestAnAcknowledgedCommitSurvivesAKill(t *testing.T) {
	scopes := numbered(4)
	if path := os.Getenv(killed); path != "" {
		appendUntilKilled(t, path, scopes)
		return
	}
	path := filepath.Join(t.TempDir(), "lumbung.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), killed+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]merge.Seq{}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		var scope string
		var seq merge.Seq
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &scope, &seq); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged[scope] = seq
		if n == 200 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	_ = child.Wait() // killed: an error, of course
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if len(acknowledged) == 0 {
		t.Fatal("the child acknowledged nothing")
	}
	for scope, seq := range acknowledged {
		h, err := d.Head(t.Context(), scope)
		if err != nil || h.Applied < seq {
			t.Errorf("%s: acknowledged %d, found %d (%v)", scope, seq, h.Applied, err)
		}
		p, err := d.Changed(t.Context(), scope, store.Position{}, h.Applied, 0, 1<<30)
		if err != nil || p.Torn || len(p.Records) != int(h.Applied)+1 {
			t.Errorf("%s: %d records at %d, torn %t (%v)", scope, len(p.Records), h.Applied, p.Torn, err)
		}
	}
}

func appendUntilKilled(t *testing.T, path string, scopes []string) {
	d, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	create(t, d, scopes...)
	var wg sync.WaitGroup
	var out sync.Mutex
	for _, s := range scopes {
		wg.Go(func() {
			for seq := merge.Seq(1); ; seq++ {
				if _, err := d.Append(context.Background(), commitOf(s, seq)); err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Println(s, seq)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}
