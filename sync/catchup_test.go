package syncer_test

import (
	"context"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lagging is a store that answers from an earlier moment until it is told to catch up, as a
// primary may for some seconds after its election.
type lagging struct {
	store.Store
	lags   bool
	then   []store.Head // all heads of the earlier moment
	caught int
	lost   bool // the earlier moment is all that there is: somebody put an old copy back
}

func (l *lagging) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	if !l.lags {
		return l.Store.HeadsFor(ctx, user, scopes)
	}
	return slices.DeleteFunc(slices.Clone(l.then), func(h store.Head) bool { return !h.Names(user) && !slices.Contains(scopes, h.Scope) }), nil
}

func (l *lagging) CatchUp(ctx context.Context, scope string) error {
	l.caught++
	l.lags = l.lags && l.lost
	return l.Store.CatchUp(ctx, scope)
}

// remember makes now the earlier moment.
func (l *lagging) remember(t *testing.T) {
	t.Helper()
	heads, err := l.Store.HeadsFor(t.Context(), "budi", []string{box})
	if err != nil {
		t.Fatal(err)
	}
	l.then = heads
}

// TestAPhoneThatIsAheadOfALaggingStore keeps what it has: another process has told
// it of commits that this one does not see yet.
func TestAPhoneThatIsAheadOfALaggingStore(t *testing.T) {
	tests := []struct {
		name  string
		when  int // the moment that is remembered: before anything, before the grant, before the last edit
		lost  bool
		reset bool
		purge bool
	}{
		{name: "the scope is not there yet", when: 0},
		{name: "its right is not there yet", when: 1},
		{name: "the last edit is not there yet", when: 2},
		{name: "the last edit is lost", when: 2, lost: true, reset: true},
		{name: "its right is lost", when: 1, lost: true, purge: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			on := &lagging{Store: storefault.NewPoor(), lost: test.lost}
			w := worldOn(t, on)
			moments := []func(){
				func() { w.admit("ani", merge.Owner); w.things(3) },
				func() { w.admit("budi", merge.Staff) },
				func() { w.change("last", w.things(3)[0], merge.Put, "newest") },
			}
			for n, do := range moments {
				if n == test.when {
					on.remember(t)
				}
				do()
			}
			b := w.as("budi").reader(0).all()
			had := len(b.rows)
			if on.caught > 0 {
				t.Errorf("caught up %d times for a phone that was not ahead", on.caught)
			}
			on.lags = true
			resp := b.page()
			if got := len(resp.Reset) > 0; got != test.reset {
				t.Errorf("resets %q", resp.Reset)
			}
			if got := len(resp.Purge) > 0; got != test.purge {
				t.Errorf("purges %q", resp.Purge)
			}
			if !test.lost && (len(b.rows) != had || len(resp.Changes) > 0) {
				t.Errorf("%d rows, had %d, were sent %d", len(b.rows), had, len(resp.Changes))
			}
			if on.caught != 1 {
				t.Errorf("caught up %d times", on.caught)
			}
		})
	}
}
