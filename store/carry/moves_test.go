package carry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/carry"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// move is what an operator does with two stores.
type move struct {
	*testing.T
	from, to store.Portable
}

func sound(context.Context) error { return nil }

func (m move) copy() error {
	_, err := carry.Copy(m.Context(), m.from, m.to, nil)
	return err
}

func (m move) finish() error {
	_, err := carry.Finish(m.Context(), m.from, m.to, nil, sound)
	return err
}

func (m move) cancel() error { return carry.Cancel(m.Context(), m.from, m.to) }

// gives reports an error that has not that code; "" is none.
func (m move) gives(what string, err error, code string) {
	m.Helper()
	if (err == nil) != (code == "") || err != nil && fault.CodeOf(err) != code {
		m.Errorf("%s: %v, want %q", what, err, code)
	}
}

// live reports how many of the stores a server would use.
func live(t *testing.T, all ...store.Portable) (n int) {
	t.Helper()
	for _, p := range all {
		c, err := p.Condition(t.Context())
		must(t, err)
		if c.State == store.Ready {
			n++
		}
	}
	return n
}

// TestAStoreMovesToOneOther asks for a second move of what has moved.
func TestAStoreMovesToOneOther(t *testing.T) {
	a, b, c, d := open(t, "a.db"), open(t, "b.db"), open(t, "c.db"), open(t, "d.db")
	scope(t, a, "business/a", 3)
	ab, ac, ad := move{t, a, b}, move{t, a, c}, move{t, a, d}
	ad.gives("copy to one", ad.copy(), "")
	ab.gives("copy to another", ab.copy(), "")
	ab.gives("finish", ab.finish(), "")
	ab.gives("finish again, for the answer got lost", ab.finish(), "")
	must(t, commit(t.Context(), b, "business/a", 4))

	ac.gives("copy what has moved", ac.copy(), "copy_source_retired")
	ac.gives("finish it", ac.finish(), "copy_not_begun")
	ac.gives("cancel it", ac.cancel(), "copy_not_begun")
	ad.gives("go on with a copy that was begun before", ad.copy(), "copy_source_retired")
	ad.gives("finish that", ad.finish(), "copy_source_retired")
	ad.gives("cancel that", ad.cancel(), "copy_source_retired")
	ab.gives("cancel what is finished", ab.cancel(), "copy_not_begun")
	ab.gives("commit to the source", commit(t.Context(), a, "business/a", 4), "database_moved")
	dc := move{t, d, c}
	dc.gives("copy half a copy", dc.copy(), "database_filling")
	dc.gives("cancel that", dc.cancel(), "copy_not_begun")
	if live(t, a, b, d) != 1 {
		t.Error("not one of them is live")
	}
	bc := move{t, b, c}
	bc.gives("move on", bc.copy(), "")
	bc.gives("and finish", bc.finish(), "")
	alike(t, b, c)
	must(t, commit(t.Context(), c, "business/a", 5))
}

// TestACancelledMoveMayGoElsewhere gives a retired source back, and moves it to
// another target.
func TestACancelledMoveMayGoElsewhere(t *testing.T) {
	a, b, c := open(t, "a.db"), open(t, "b.db"), open(t, "c.db")
	scope(t, a, "business/a", 3)
	ab, ac := move{t, a, b}, move{t, a, c}
	ab.gives("copy", ab.copy(), "")
	_, err := carry.Finish(t.Context(), a, b, nil, func(context.Context) error { return errCut })
	if err != errCut || live(t, a, b) != 0 {
		t.Errorf("%v", err)
	}
	ac.gives("copy what is retired for another", ac.copy(), "copy_source_retired")
	ab.gives("copy again", ab.copy(), "")
	ab.gives("cancel", ab.cancel(), "")
	ab.gives("cancel again", ab.cancel(), "")
	must(t, commit(t.Context(), a, "business/a", 4))
	ac.gives("copy elsewhere", ac.copy(), "")
	ac.gives("finish there", ac.finish(), "")
	alike(t, a, c)
	ab.gives("finish the old one", ab.finish(), "copy_source_retired")
	if live(t, a, b, c) != 1 {
		t.Error("not one of them is live")
	}
}

// stalled does something else before its condition is read or changed for the nth
// time.
type stalled struct {
	*sqlite.DB
	left int
	do   func()
}

func (s *stalled) step() {
	if s.left--; s.left == 0 {
		s.do()
	}
}

func (s *stalled) Condition(ctx context.Context) (store.Condition, error) {
	s.step()
	return s.DB.Condition(ctx)
}

func (s *stalled) SetCondition(ctx context.Context, from, to store.Condition) error {
	s.step()
	return s.DB.SetCondition(ctx, from, to)
}

// TestOfFinishAndCancelOneWins stalls each of them at every step, once with a source
// that is retired already, and lets the other one run through. Whatever they say, both
// stores are never usable, and afterwards the move can still be ended either way.
func TestOfFinishAndCancelOneWins(t *testing.T) {
	acts := map[string]func(move) error{"finish": move.finish, "cancel": move.cancel}
	for name, slow := range acts {
		for other, fast := range acts {
			for _, retired := range []bool{false, true} {
				for _, side := range []string{"from", "to"} {
					for n := 1; race(t, name+" with "+other, slow, fast, retired, side, n); n++ {
						if n > 9 {
							t.Fatalf("%s never ends", name)
						}
					}
				}
			}
		}
	}
}

// race reports whether the slow one came as far as step n.
func race(t *testing.T, what string, slow, fast func(move) error, retired bool, side string, n int) bool {
	t.Helper()
	a, b := open(t, "a.db"), open(t, "b.db")
	scope(t, a, "business/a", 1)
	m := move{t, a, b}
	must(t, m.copy())
	if retired {
		_, _ = carry.Finish(t.Context(), a, b, nil, func(context.Context) error { return errCut }) // as it was meant
	}
	must(t, commitUnless(t, retired, a))
	var came bool
	s := &stalled{left: n}
	var early error
	s.do = func() { came = true; early = fast(m) }
	late := m
	if side == "from" {
		s.DB, late.from = a, s
	} else {
		s.DB, late.to = b, s
	}
	said := slow(late)
	told(t, fmt.Sprintf("%s, retired before: %v, at step %d of %s", what, retired, n, side), what, came, said, early, a, b)
	if live(t, a, b) > 1 {
		t.Errorf("%s, retired before: %v, at step %d of %s: both are usable", what, retired, n, side)
	}
	if now, err := b.Condition(t.Context()); err != nil || now.State != store.Ready {
		m.gives(what+", then cancel", m.cancel(), "")
		m.gives(what+", then finish", m.finish(), "")
	}
	if live(t, a, b) != 1 {
		t.Errorf("%s, retired before: %v, at step %d of %s: not one is live at the end", what, retired, n, side)
	}
	alike(t, a, b)
	return came
}

// told holds what the slow and the fast one were told against what is so.
func told(t *testing.T, where, what string, came bool, slow, fast error, a, b store.Portable) {
	t.Helper()
	var cancelled, finished bool
	names := strings.Split(what, " with ")
	for n, err := range []error{slow, fast} {
		done := err == nil && (n == 0 || came)
		cancelled, finished = cancelled || done && names[n] == "cancel", finished || done && names[n] == "finish"
	}
	if finished && (live(t, b) == 0 || live(t, a) > 0) {
		t.Errorf("%s: finished, and the target is not live: %v, %v", where, slow, fast)
	}
	if cancelled && !finished && live(t, a) == 0 {
		t.Errorf("%s: cancelled, and the source is not live: %v, %v", where, slow, fast)
	}
}

// TestAMoveStaysWithItsSource begins a move of one store and goes on with another one
// into the same target.
func TestAMoveStaysWithItsSource(t *testing.T) {
	a, b, c := open(t, "a.db"), open(t, "b.db"), open(t, "c.db")
	scope(t, a, "business/a", 3)
	scope(t, c, "business/c", 3)
	ab, cb := move{t, a, b}, move{t, c, b}
	ab.gives("copy", ab.copy(), "")
	_, err := carry.Finish(t.Context(), a, b, nil, func(context.Context) error { return errCut })
	if err != errCut {
		t.Fatal(err)
	}
	cb.gives("copy another source", cb.copy(), "copy_target_in_use")
	cb.gives("finish it", cb.finish(), "copy_target_in_use")
	cb.gives("cancel it", cb.cancel(), "copy_target_in_use")
	must(t, commit(t.Context(), c, "business/c", 4))
	ab.gives("finish", ab.finish(), "")
	alike(t, a, b)
}

// cutting is a store whose condition can be changed a number of times only.
type cutting struct {
	*sqlite.DB
	left *int
}

func (c cutting) SetCondition(ctx context.Context, from, to store.Condition) error {
	if *c.left--; *c.left < 0 {
		return errCut
	}
	return c.DB.SetCondition(ctx, from, to)
}

// TestAMoveIsBoundOrFree cuts the first copy between any two of its steps. Whoever
// comes next, from the same source or another one, can copy and finish.
func TestAMoveIsBoundOrFree(t *testing.T) {
	for n := range 3 {
		for _, another := range []bool{false, true} {
			a, b, c := open(t, "a.db"), open(t, "b.db"), open(t, "c.db")
			scope(t, a, "business/a", 3)
			scope(t, c, "business/c", 3)
			left := n
			if _, err := carry.Copy(t.Context(), cutting{a, &left}, cutting{b, &left}, nil); !errors.Is(err, errCut) {
				t.Fatalf("cut after %d steps: %v", n, err)
			}
			m := move{t, a, b}
			m.gives("finish what is bound to nobody", m.finish(), "copy_not_begun")
			if another {
				m.from = c
			}
			m.gives("copy", m.copy(), "")
			m.gives("finish", m.finish(), "")
			alike(t, m.from, b)
		}
	}
}

func commitUnless(t *testing.T, retired bool, db *sqlite.DB) error {
	if retired {
		return nil
	}
	return commit(t.Context(), db, "business/a", 2)
}
