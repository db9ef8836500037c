package syncer_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// loads counts how often records or pages of the box are read, for a commit or for its
// answer.
func (w *world) loads(s *hooked, do func()) (n int) {
	w.t.Helper()
	s.load = func(scope string) {
		if scope == box {
			n++
		}
	}
	do()
	s.load = nil
	return n
}

// TestWhatACommitLeftIsRememberedUntilSomebodyCommits: the second push of a phone reads
// what is new in it and neither its page nor the scope's own record; and whatever
// another process did in between, no edit happens twice and none is lost.
func TestWhatACommitLeftIsRememberedUntilSomebodyCommits(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.admit("ani", merge.Owner)
	other := w.another(9)
	first, second, third := w.create(1, "one"), w.create(2, "two"), w.create(3, "three")
	push := func(v *world, ms ...*merge.Mutation) []string {
		return words(v.as("ani").push(w.part("i", ms...)).Verdicts)
	}

	push(w, first)
	var said []string
	if n := w.loads(s, func() { said = push(w, first) }); n != 1 || !slices.Equal(said, []string{"1 applied repeated"}) {
		t.Errorf("a repetition is answered %q after %d loads", said, n)
	}
	push(other, second) // the page that w remembers is old now
	if n := w.loads(s, func() { said = push(w, first, second, third) }); n < 1 || !slices.Equal(said, []string{"1 applied repeated", "2 applied repeated", "3 applied"}) {
		t.Errorf("behind the other process it is answered %q after %d loads", said, n)
	}
	if said = push(other, third); !slices.Equal(said, []string{"3 applied repeated"}) {
		t.Errorf("the other process says %q", said)
	}
	for m, n := range times(w.history(box)) {
		if n != 1 {
			t.Errorf("%s happened %d times", m, n)
		}
	}
}
