package programme_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// moody is a store on which effects come late, twice and out of order: writes
// into the mentors' scopes fail now and then, so that a later effect overtakes
// an earlier one, and marks are forgotten, so that all of them come again.
type moody struct {
	store.Store
	rng *rand.Rand
	off bool
}

func (m *moody) Insert(ctx context.Context, c *store.Commit) error {
	if !m.off && strings.HasPrefix(c.Scope, "mentoring/") && m.rng.IntN(2) == 0 {
		return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "in a bad mood"}
	}
	return m.Store.Insert(ctx, c)
}

func (m *moody) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	if !m.off && m.rng.IntN(2) == 0 {
		return nil
	}
	return m.Store.Done(ctx, scope, follower, seq)
}

// TestTheMentorsScopeGrantsWhatTheBusinessGrants: whatever happens to the windows
// of mentors, and in whatever order and however often its effects are carried
// out, both scopes let in the same people at the same instants afterwards.
func TestTheMentorsScopeGrantsWhatTheBusinessGrants(t *testing.T) {
	ended, merged := 0, 0
	for seed := range uint64(12) {
		o := open(t)
		mood := &moody{Store: o.Engine.Store, rng: rand.New(rand.NewPCG(seed, 1))}
		o.Engine.Store = mood
		ani, admin := o.person(1), o.person(2, "admin")
		mentors := []store.User{o.person(5, "mentor"), o.person(6, "mentor"), o.person(7, "mentor")}
		businesses := []string{o.business(ani), o.business(ani)}
		for step := range 25 {
			b := businesses[mood.rng.IntN(2)]
			switch n := mood.rng.IntN(10); {
			case step == 20 && seed%3 == 0:
				_, err := o.Merge(t.Context(), o.as(admin), businesses[0], businesses[1])
				o.unless(err)
				merged++
			case n < 4:
				i := mood.rng.IntN(3)
				_, err := o.Assign(t.Context(), o.as(admin), b, programme.NewAssignment{Mentor: mentors[i].ID, Track: []string{"digital", "quality", "business"}[i]})
				o.unless(err, "conflict", "business_merged", "track_taken") // by who got it in a hand-over
			case n < 8:
				ended += o.endOne(admin, b, mentors, mood.rng)
			}
			o.clock.Advance(time.Duration(mood.rng.IntN(5000)) * time.Millisecond)
			_, _ = o.Engine.Work(t.Context()) // what fails is tried again
		}
		mood.off = true
		for range 3 {
			o.work()
		}
		for _, b := range businesses {
			o.sameMentors(b)
		}
	}
	if ended < 12 || merged == 0 {
		t.Errorf("only %d windows ended, %d mergers", ended, merged)
	}
}

// unless fails on an error with none of these codes.
func (o *office) unless(err error, codes ...string) {
	o.Helper()
	if err != nil && !slices.Contains(codes, fault.CodeOf(err)) {
		o.Fatal(err)
	}
}

// endOne ends an open window or hands it over, now or later, and may change its
// mind about when.
func (o *office) endOne(admin store.User, business string, mentors []store.User, rng *rand.Rand) int {
	o.Helper()
	all, err := o.Assignments(o.Context(), o.as(admin), business)
	o.unless(err)
	for _, a := range all {
		if !a.To.IsZero() && !a.To.After(o.clock.Now()) || rng.IntN(2) == 0 {
			continue
		}
		at := o.clock.Now().Add(time.Duration(rng.IntN(4)) * 2 * time.Second)
		c := programme.AssignmentChange{To: &at}
		if rng.IntN(2) == 0 && a.To.IsZero() {
			c.Successor = mentors[rng.IntN(3)].ID
		}
		_, err := o.ChangeAssignment(o.Context(), o.as(admin), business, a.ID, a.Version, c)
		o.unless(err, "conflict", "business_merged", "stale_version", "track_taken")
		if err == nil {
			return 1
		}
	}
	return 0
}

// sameMentors compares who may see a business as a mentor with who may see the
// mentors' scope of it, at every instant that matters.
func (o *office) sameMentors(business string) {
	o.Helper()
	all, err := o.Engine.Store.Head(o.Context(), "business/"+business)
	o.unless(err)
	own, err := o.Engine.Store.Head(o.Context(), "mentoring/"+business)
	if err != nil {
		if slices.ContainsFunc(all.Access, func(g merge.Grant) bool { return g.Role == merge.Mentor }) {
			o.Fatal(err)
		}
		return
	}
	windows := func(access []merge.Grant) (out []merge.Grant) {
		for _, g := range access {
			if g.Role == merge.Mentor {
				g.Perms = nil
				out = append(out, g)
			}
		}
		slices.SortFunc(out, func(a, b merge.Grant) int { return strings.Compare(a.ID, b.ID) })
		return out
	}
	if len(own.Access) != len(windows(own.Access)) {
		o.Errorf("others than mentors: %v", own.Access)
	}
	if got, want := windows(own.Access), windows(all.Access); !slices.EqualFunc(got, want, func(a, b merge.Grant) bool {
		return a.ID == b.ID && a.User == b.User && a.From == b.From && a.To == b.To
	}) {
		o.Errorf("mentoring/%s\n got %v\nwant %v", business, got, want)
	}
	if len(own.Todo)+len(all.Todo) != 0 {
		o.Errorf("work is left: %v %v", own.Todo, all.Todo)
	}
}

// TestARestoreKeepsBothScopesAlike: a backup made between the end of a window
// and its repetition in the mentors' scope, and one made before it, each end
// with what the business says.
func TestARestoreKeepsBothScopesAlike(t *testing.T) {
	for _, after := range []bool{true, false} {
		o := open(t)
		disk := storefault.NewPoor()
		o.Engine.Store = disk
		ani, admin, mentor := o.person(1), o.person(2, "admin"), o.person(5, "mentor")
		b := o.business(ani)
		a, err := o.Assign(t.Context(), o.as(admin), b, programme.NewAssignment{Mentor: mentor.ID})
		o.unless(err)
		o.work()
		backup := disk.Copy()
		end := func() {
			now := o.clock.Now()
			_, err := o.ChangeAssignment(t.Context(), o.as(admin), b, a.ID, a.Version, programme.AssignmentChange{To: &now})
			o.unless(err)
		}
		end()
		if after {
			backup = disk.Copy()
		}
		o.work()
		o.clock.Advance(time.Hour)
		o.Engine.Store = backup
		_, err = o.Engine.Restored(t.Context())
		o.unless(err)
		o.work()
		o.sameMentors(b)
		head, err := backup.Head(t.Context(), "mentoring/"+b)
		o.unless(err)
		if open := merge.Granted(head.Access, mentor.ID, merge.Millis(o.clock.Now().UnixMilli())); open == after {
			t.Errorf("backup after the end %t: the mentor is in: %t", after, open)
		}
		if !after { // it ends again, on the new time line
			all, err := o.Assignments(t.Context(), o.as(admin), b)
			o.unless(err)
			a = all[0]
			end()
			o.work()
			o.sameMentors(b)
		}
	}
}
