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

// TestAMissingPageIsNoNewOne: a number whose page is not there, below the newest, is not
// judged as if it had never been used, although nothing else of what its edit asks for
// is there either.
func TestAMissingPageIsNoNewOne(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	push := func(v *world, ms ...*merge.Mutation) []string {
		return words(v.as("ani").push(w.part("i", ms...)).Verdicts)
	}
	push(w, w.create(1, "one"))
	push(w, w.create(2*merge.PageSize+1, "on the page after the next"))
	for _, v := range []*world{w, w.another(7)} {
		if said := push(v, w.create(merge.PageSize+1, "between them")); !slices.Equal(said, []string{"257 rejected unidentifiable"}) {
			t.Errorf("a number on a page that is gone: %q", said)
		}
	}
}
