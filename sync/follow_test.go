package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// refusal makes a commit with one effect: a stranger's edit is refused in a box
// that named the user once, so its content goes to user/<user>.
func (w *world) refusal(scope, user string, n uint64) {
	w.t.Helper()
	w.once(scope, user)
	resp := w.as(user).push(w.partFor(scope, "i"+strings.ReplaceAll(scope, "/", "-")+user, w.create(n, fmt.Sprint(scope, user, n))))
	if got := words(resp.Verdicts); !slices.Equal(got, []string{fmt.Sprint(n, " rejected not_assigned")}) {
		w.t.Fatalf("%q", got)
	}
}

// once names a user in a scope whose right ended long ago.
func (w *world) once(scope, user string) {
	w.t.Helper()
	set := map[string]merge.Value{"user": merge.Str(user), "role": merge.Str("staff"), "from": merge.Num(1), "to": merge.Num(2)}
	sw := merge.ServerWrite{Name: "member." + user, Role: merge.System, Collection: "member", ID: id.Derive("member", user), Op: merge.Put, Set: set, Create: true}
	if _, err := w.Write(w.t.Context(), scope, sw); err != nil {
		w.t.Fatal(err)
	}
}

// quarantined counts what lies in a user's quarantine.
func (w *world) quarantined(user string) (n int) {
	w.t.Helper()
	page, err := w.Store.Changed(w.t.Context(), merge.UserScope(user), store.Position{}, 1<<40, 0, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(page.Records)
}

var errBurnt = errors.New("this scope is broken")

func TestOneBrokenScopeDoesNotHoldTheOthersUp(t *testing.T) {
	for name, broken := range map[string]int{"a few": 3, "more than a round": 130} {
		t.Run(name, func(t *testing.T) {
			s := &hooked{Store: storefault.NewPoor()}
			w := worldOn(t, s)
			for i := range broken {
				w.refusal(fmt.Sprintf("box/a%03d", i), fmt.Sprintf("broken%d", i), 1)
			}
			w.refusal("box/b", "ani", 1)
			s.insert = func(c *store.Commit) error {
				if strings.HasPrefix(c.Scope, "user/broken") {
					return errBurnt
				}
				return nil
			}
			if _, err := w.Work(t.Context()); !errors.Is(err, errBurnt) {
				t.Errorf("work: %v", err)
			}
			if n := w.quarantined("ani"); n != 1 {
				t.Errorf("%d records for ani", n)
			}
			s.insert = nil
			if n, err := w.Work(t.Context()); n != broken || err != nil {
				t.Errorf("afterwards: %d, %v", n, err)
			}
			if n := w.quarantined("broken1"); n != 1 {
				t.Errorf("%d records for a broken one", n)
			}
		})
	}
}

func TestOneBrokenRecipientDoesNotHoldTheOthersUp(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.refusal("box/a", "broken", 1)
	w.refusal("box/a", "ani", 1)
	s.insert = func(c *store.Commit) error {
		if c.Scope == "user/broken" {
			return errBurnt
		}
		return nil
	}
	if _, err := w.Work(t.Context()); !errors.Is(err, errBurnt) {
		t.Errorf("work: %v", err)
	}
	if n := w.quarantined("ani"); n != 1 {
		t.Errorf("%d records for ani", n)
	}
	s.insert = nil
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := w.quarantined("ani"), w.quarantined("broken"); a != 1 || b != 1 {
		t.Errorf("afterwards %d and %d records", a, b)
	}
}

func TestRepairGoesOnBehindABrokenScope(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	const scopes = 120
	name := func(i int) string { return fmt.Sprintf("box/%03d", i) }
	for i := range scopes {
		w.once(name(i), "ani")
	}
	s.write = func(*store.Commit) error { return errBurnt } // the process dies before it can fold
	for i := range scopes {
		p := w.partFor(name(i), "i", w.create(1, "x"))
		if _, err := w.Sync(t.Context(), callerOf("ani"), w.request(p)); !errors.Is(err, errBurnt) {
			t.Fatal(err)
		}
	}
	s.write = func(c *store.Commit) error {
		if c.Scope < name(110) {
			return errBurnt
		}
		return nil
	}
	if n, err := w.Repair(t.Context()); n != 10 || !errors.Is(err, errBurnt) {
		t.Errorf("%d folded, %v", n, err)
	}
	s.write = nil
	if n, err := w.Repair(t.Context()); n != 110 || err != nil {
		t.Errorf("%d folded, %v", n, err)
	}
	if left, err := s.Unfolded(t.Context(), 10); len(left) != 0 || err != nil {
		t.Errorf("%q, %v", left, err)
	}
}

func TestAFollowerWalksBackOverEveryOutstandingCommit(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	for n := range uint64(5) {
		w.refusal(box, "ani", n+1)
		if _, err := w.Write(t.Context(), box, merge.ServerWrite{Name: fmt.Sprint("quiet", n), Role: merge.System, Collection: "thing",
			ID: id.Derive("quiet", fmt.Sprint(n)), Op: merge.Put, Create: true, Set: map[string]merge.Value{"note": merge.Str("no effect")}}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := w.Work(t.Context()); n != 5 || err != nil {
		t.Errorf("%d commits, %v", n, err)
	}
	if n := w.quarantined("ani"); n != 5 {
		t.Errorf("%d records", n)
	}
	if n, err := w.Work(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d commits, %v", n, err)
	}
	w.refusal(box, "ani", 6)
	if n, err := w.Work(t.Context()); n != 1 || err != nil {
		t.Errorf("one more: %d commits, %v", n, err)
	}
}

func TestAFollowerWalksBackOverForks(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.refusal(box, "ani", 1)
	for n := range uint64(2) {
		if _, err := w.Restored(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.refusal(box, "ani", n+2)
	}
	if n, err := w.Work(t.Context()); n != 3 || err != nil {
		t.Errorf("%d commits, %v", n, err)
	}
	if n := w.quarantined("ani"); n != 3 {
		t.Errorf("%d records", n)
	}
}

// TestEffectsTwiceChangeNothing lets a follower die between the effects and the
// mark.
func TestEffectsTwiceChangeNothing(t *testing.T) {
	disk := storefault.NewPoor()
	w := worldOn(t, disk)
	w.refusal(box, "ani", 1)
	dying := w.another(2)
	dying.Store = storefault.NewFailing(disk, func(c storefault.Call) storefault.Fate {
		if c.Method == "Done" {
			return storefault.DieBefore
		}
		return storefault.Live
	}, nil).Store()
	if _, err := dying.Work(t.Context()); !errors.Is(err, storefault.ErrCrashed) {
		t.Fatal(err)
	}
	before := len(w.history("user/ani"))
	if n, err := w.Work(t.Context()); n != 1 || err != nil {
		t.Errorf("%d commits, %v", n, err)
	}
	if got := len(w.history("user/ani")); got != before {
		t.Errorf("%d commits became %d", before, got)
	}
}

// TestANewerMarkStays commits more work while the follower is about to clear.
func TestANewerMarkStays(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.refusal(box, "ani", 1)
	var once sync.Once
	s.done = func(string) { once.Do(func() { w.refusal(box, "ani", 2) }) }
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.quarantined("ani"); n != 2 {
		t.Errorf("%d records", n)
	}
	h, err := s.Head(t.Context(), box)
	if err != nil || len(h.Todo) != 0 {
		t.Errorf("%+v, %v", h.Todo, err)
	}
}

func TestWorkInTwoProcessesAtOnce(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, s)
			for i := range 8 {
				for n := range uint64(3) {
					w.refusal(fmt.Sprint("box/", i), "ani", n+1)
				}
			}
			var group sync.WaitGroup
			for i := range 4 {
				v := w.another(byte(i + 2))
				group.Go(func() {
					if _, err := v.Work(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if n := w.quarantined("ani"); n != 24 {
				t.Errorf("%d records", n)
			}
			for m, n := range times(w.history("user/ani")) {
				if n != 1 {
					t.Errorf("%s happened %d times", m, n)
				}
			}
			if left, err := s.Waiting(t.Context(), syncer.Follower, 10); len(left) != 0 || err != nil {
				t.Errorf("%v, %v", left, err)
			}
		})
	}
}

// restless is a store in which people go on writing: something happens before each
// mark is cleared.
type restless struct {
	store.Store
	before func()
	read   map[merge.Seq]int // entries of box/a, how often each
}

func (r *restless) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	if scope == "box/a" {
		r.before()
	}
	return r.Store.Done(ctx, scope, follower, seq)
}

func (r *restless) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	if scope == "box/a" {
		r.read[seq]++
	}
	return r.Store.Entry(ctx, scope, generation, seq)
}

// TestAScopeInWhichPeopleGoOnWriting: its mark is a newer one whenever it could be
// cleared. Its effects are carried out once all the same, and what a dead process
// left elsewhere does not wait for them.
func TestAScopeInWhichPeopleGoOnWriting(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	r := &restless{Store: s, read: map[merge.Seq]int{}}
	w := worldOn(t, r)
	w.once("box/z", "ani")
	s.write = func(*store.Commit) error { return errBurnt }
	if _, err := w.Sync(t.Context(), callerOf("ani"), w.request(w.partFor("box/z", "i", w.create(1, "x")))); !errors.Is(err, errBurnt) {
		t.Fatal(err)
	}
	s.write = nil
	const more = 30
	var repaired []int
	w.refusal("box/a", "ani", 1)
	n := 1
	r.before = func() {
		if left, err := s.Unfolded(t.Context(), 10); err == nil && len(left) == 0 {
			repaired = append(repaired, n)
		}
		if n <= more {
			n++
			w.refusal("box/a", "ani", uint64(n))
			clear(r.read) // a push reads the log too
		}
	}
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.quarantined("ani"); got != more+2 {
		t.Errorf("%d effects, want %d", got, more+2)
	}
	if len(repaired) == 0 || repaired[0] > 2 {
		t.Errorf("what was left was seen repaired at %v", repaired)
	}
	if len(r.read) > 2 {
		t.Errorf("the last turn read %v", r.read)
	}
}

// TestNobodyWaitsForALongQueue: a scope with a long queue has others in between.
func TestNobodyWaitsForALongQueue(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	const queue = 150
	for n := range queue {
		w.refusal("box/a", "ani", uint64(n+1))
	}
	w.refusal("box/b", "budi", 1)
	n, err := w.FollowOnce(t.Context())
	if err != nil || w.quarantined("budi") != 1 || n >= queue {
		t.Errorf("one turn did %d, %v; budi has %d", n, err, w.quarantined("budi"))
	}
	if _, err := w.Follow(t.Context()); err != nil || w.quarantined("ani") != queue {
		t.Errorf("%v; ani has %d", err, w.quarantined("ani"))
	}
}

// TestLongEffectsMakeNoHugeCommit lets somebody be refused long texts, all of whose
// copies go to one scope.
func TestLongEffectsMakeNoHugeCommit(t *testing.T) {
	s := &hooked{Store: storefault.NewPoor()}
	w := worldOn(t, s)
	w.once("box/a", "ani")
	const many = 40
	var long []*merge.Mutation
	for n := range uint64(many) {
		long = append(long, w.create(n+1, strings.Repeat(`"`, 20_000)))
	}
	w.as("ani").push(w.partFor("box/a", "i", long...))
	largest := 0
	s.insert = func(c *store.Commit) error {
		body, err := c.Body()
		largest = max(largest, len(body))
		return err
	}
	if _, err := w.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.quarantined("ani"); n != many || largest == 0 || largest > 600<<10 {
		t.Errorf("%d records, the largest commit has %d bytes", n, largest)
	}
}
