package programme_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
)

// deciding is a store in which nobody sees work but that of the admins' queue:
// what a merger takes over stays on its way.
type deciding struct{ store.Store }

func (d deciding) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	all, err := d.Store.Waiting(ctx, follower, limit)
	var out []store.Head
	for _, h := range all {
		if strings.HasPrefix(h.Scope, domain.ScopeDecision+"/") {
			out = append(out, h)
		}
	}
	return out, err
}

// decide carries out the steps of jobs and nothing else.
func (c *caseload) decide() {
	c.Helper()
	all := c.Engine.Store
	c.Engine.Store = deciding{all}
	c.work()
	c.Engine.Store = all
}

func (c *caseload) merge(from, into string) {
	c.Helper()
	_, err := c.Merge(c.Context(), c.as(c.admin), from, into)
	c.unless(err)
	c.clock.Advance(time.Second)
}

func (c *caseload) handover(businesses ...string) programme.Job {
	c.Helper()
	j, err := c.Handover(c.Context(), c.as(c.admin), c.old.ID, programme.Handover{To: c.next.ID, Note: "cuti", Businesses: businesses})
	c.unless(err)
	return j
}

// left fails unless the old mentor is in no business any more, the next one is in
// each of these and leads there, and both scopes of each let in the same people.
func (c *caseload) left(businesses ...string) {
	c.Helper()
	for _, u := range []store.User{c.old, c.next} {
		list, err := c.Businesses(c.Context(), c.as(u))
		c.unless(err)
		if u.ID == c.old.ID && len(list) != 0 {
			c.Errorf("the old mentor is still in %d businesses", len(list))
		}
	}
	for _, b := range businesses {
		c.sameMentors(b)
		if _, err := c.Notes(c.Context(), c.as(c.old), b); fault.KindOf(err) != fault.NotFound {
			c.Errorf("the old mentor reads the notes: %v", err)
		}
		all, err := c.Assignments(c.Context(), c.as(c.next), b)
		c.unless(err)
		leads := 0
		for _, a := range all {
			if a.Mentor == c.old.ID && (a.To.IsZero() || a.Note != "cuti") {
				c.Errorf("a window of the old mentor: %+v", a)
			}
			if a.Mentor == c.next.ID && a.To.IsZero() && a.Lead {
				leads++
			}
		}
		if leads != 1 {
			c.Errorf("the next mentor leads %d times: %+v", leads, all)
		}
	}
}

// TestAHandoverAfterAMergerEndsEveryWindow: one mentor accompanied both records
// of an enterprise, or only the one that is gone, and what the merger takes over
// is there already, or on its way.
func TestAHandoverAfterAMergerEndsEveryWindow(t *testing.T) {
	for _, both := range []bool{true, false} {
		for _, there := range []bool{true, false} {
			t.Run(fmt.Sprintf("both %t, there %t", both, there), func(t *testing.T) {
				c := load(t, 3)
				gone, survivor, other := c.businesses[0], c.businesses[1], c.businesses[2]
				if !both {
					old, _, _ := c.windows(survivor)
					now := c.clock.Now()
					_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), survivor, old.ID, old.Version, programme.AssignmentChange{To: &now, Note: "cuti"})
					c.unless(err)
					c.work()
				}
				c.merge(gone, survivor)
				if there {
					c.work()
				}
				j := c.handover()
				if len(j.Steps) != 2 {
					t.Errorf("steps %+v", j.Steps)
				}
				c.clock.Advance(time.Second)
				c.decide()
				c.work()
				c.clock.Advance(time.Second)
				j, err := c.Job(t.Context(), c.as(c.admin), j.ID)
				if c.unless(err); j.Count(domain.StepDone) != 2 {
					t.Errorf("the job says %+v", j.Steps)
				}
				c.left(survivor, other)
			})
		}
	}
}

// TestAHandoverAroundAMergerSurvivesEveryCrash: the job dies at every call, its
// two businesses are merged then, and it goes on before anything of the merger is
// taken over, and after.
func TestAHandoverAroundAMergerSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	for i, fate := range []storefault.Fate{storefault.DieAfter, storefault.Lose} {
		for n, failed := 1+i, true; failed; n += between() {
			c := load(t, 2)
			gone, survivor := c.businesses[0], c.businesses[1]
			poor := c.Engine.Store
			j := c.handover(c.businesses...)
			c.clock.Advance(time.Second)
			c.Engine.Store = storefault.NewFailing(poor, storefault.At(n, fate), nil).Store()
			_, err := c.Engine.Work(t.Context())
			failed = err != nil || fate == storefault.Lose && n < 60
			c.Engine.Store = poor
			c.merge(gone, survivor)
			c.decide()
			c.work()
			c.clock.Advance(time.Second)
			j, err = c.Job(t.Context(), c.as(c.admin), j.ID)
			c.unless(err)
			for _, st := range j.Steps {
				if st.State != domain.StepDone && (st.Business != gone || st.Code != "business_merged") {
					t.Errorf("step %+v", st)
				}
			}
			if c.left(survivor); t.Failed() {
				t.Fatalf("call %d", n)
			}
		}
	}
}

// TestAHandoverAfterAMergerSurvivesEveryCrash dies at every call while nothing is
// taken over yet.
func TestAHandoverAfterAMergerSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	for i, fate := range []storefault.Fate{storefault.DieAfter, storefault.Lose} {
		for n, failed := 1+i, true; failed; n += between() {
			c := load(t, 2)
			poor := c.Engine.Store
			c.merge(c.businesses[0], c.businesses[1])
			c.handover()
			c.clock.Advance(time.Second)
			c.Engine.Store = deciding{storefault.NewFailing(poor, storefault.At(n, fate), nil).Store()}
			_, err := c.Engine.Work(t.Context())
			failed = err != nil || fate == storefault.Lose && n < 30
			c.Engine.Store = poor
			c.work()
			c.clock.Advance(time.Second)
			if c.left(c.businesses[1]); t.Failed() {
				t.Fatalf("call %d", n)
			}
		}
	}
}

// TestASuccessorTakesOverEveryWindow of the mentor, where a single window is
// handed over; without a successor it is that window which ends.
func TestASuccessorTakesOverEveryWindow(t *testing.T) {
	for _, named := range []int{0, 1} {
		for _, there := range []bool{true, false} {
			c := load(t, 2)
			gone, survivor := c.businesses[0], c.businesses[1]
			c.merge(gone, survivor)
			if there {
				c.work()
			}
			all := c.assignments(survivor)
			a := all[min(named, len(all)-1)]
			now := c.clock.Now()
			_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), survivor, a.ID, a.Version, programme.AssignmentChange{To: &now, Successor: c.next.ID, Note: "cuti"})
			c.unless(err)
			c.work()
			c.clock.Advance(time.Second)
			c.left(survivor)
		}
	}
	c := load(t, 2)
	c.merge(c.businesses[0], c.businesses[1])
	c.work()
	now := c.clock.Now()
	for i, a := range c.assignments(c.businesses[1]) {
		_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), c.businesses[1], a.ID, a.Version, programme.AssignmentChange{To: &now})
		c.unless(err)
		c.clock.Advance(time.Second)
		if _, err := c.Notes(t.Context(), c.as(c.old), c.businesses[1]); (err == nil) != (i == 0) {
			t.Errorf("window %d has ended: %v", i, err)
		}
	}
}

func (c *caseload) assignments(business string) []programme.Assignment {
	c.Helper()
	all, err := c.Assignments(c.Context(), c.as(c.admin), business)
	c.unless(err)
	return all
}

// TestAWindowThatBeginsLaterEndsWithTheOthers, as if it had never been.
func TestAWindowThatBeginsLaterEndsWithTheOthers(t *testing.T) {
	for _, single := range []bool{true, false} {
		c := load(t, 1)
		b := c.businesses[0]
		a := c.assignments(b)[0]
		soon := c.clock.Now().Add(24 * time.Hour)
		between := c.person(7, "mentor")
		first, err := c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, a.Version, programme.AssignmentChange{To: &soon, Successor: between.ID})
		c.unless(err)
		later := soon.Add(24 * time.Hour)
		for _, x := range c.assignments(b) {
			if x.Mentor == between.ID {
				_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, x.ID, x.Version, programme.AssignmentChange{To: &later, Successor: c.old.ID})
				c.unless(err)
			}
		}
		now := c.clock.Now()
		handed := programme.AssignmentChange{To: &now, Successor: c.next.ID, Note: "cuti"}
		_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, first.Version, handed)
		c.refused(err, "track_taken") // by who is between
		for _, x := range c.assignments(b) {
			if x.Mentor == between.ID {
				_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, x.ID, x.Version, programme.AssignmentChange{To: &x.From})
				c.unless(err)
			}
		}
		if single {
			_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, first.Version, handed)
			c.unless(err)
		} else {
			c.handover()
		}
		c.work()
		c.clock.Advance(72 * time.Hour)
		c.left(b)
		// Nothing that never began keeps the mentor from being sent again.
		_, err = c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID})
		c.unless(err)
	}
}

// TestAHandoverOfSeveralTracksIsOfAll: the successor's one window covers what the
// old ones did.
func TestAHandoverOfSeveralTracksIsOfAll(t *testing.T) {
	c := load(t, 1)
	second := c.business(c.person(8))
	_, err := c.Assign(t.Context(), c.as(c.admin), second, programme.NewAssignment{Mentor: c.old.ID, Track: "quality"})
	c.unless(err)
	c.merge(c.businesses[0], second)
	c.work()
	c.handover()
	c.work()
	c.clock.Advance(time.Second)
	c.left(second)
	for _, a := range c.assignments(second) {
		if a.Mentor == c.next.ID && a.Track != "" {
			t.Errorf("the next mentor has the track %q alone", a.Track)
		}
	}
}

// TestAHandoverOfNothingIsRefused, whether the mentor never accompanied anybody,
// or no longer does, here or anywhere.
func TestAHandoverOfNothingIsRefused(t *testing.T) {
	c := load(t, 2)
	to := c.person(9, "mentor")
	refused := func(from store.User, businesses ...string) {
		t.Helper()
		_, err := c.Handover(t.Context(), c.as(c.admin), from.ID, programme.Handover{To: to.ID, Businesses: businesses})
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != "invalid_value" || f.Field != "businesses" {
			t.Errorf("%v: %v", businesses, err)
		}
	}
	refused(c.next)
	c.handover(c.businesses[0])
	c.work()
	c.clock.Advance(time.Second)
	refused(c.old, c.businesses[0])
	c.handover()
	c.work()
	c.clock.Advance(time.Second)
	refused(c.old)
}

// forgetful is a process that dies when it says how a step ended.
type forgetful struct{ store.Store }

func (f forgetful) Insert(ctx context.Context, c *store.Commit) error {
	if c.Scope == domain.GeneralQueue {
		return storefault.ErrCrashed
	}
	return f.Store.Insert(ctx, c)
}

// TestAHandoverDoneAgainLeavesWhatCameLater: the job did its step and died before
// it could say so; what an admin decided in between stands.
func TestAHandoverDoneAgainLeavesWhatCameLater(t *testing.T) {
	c := load(t, 1)
	b := c.businesses[0]
	j := c.handover()
	all := c.Engine.Store
	c.Engine.Store = forgetful{all}
	if _, err := c.Engine.Work(t.Context()); err == nil {
		t.Fatal("nothing failed")
	}
	c.Engine.Store = all
	c.handedOver(b)
	back, err := c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID})
	c.unless(err)
	c.clock.Advance(time.Second)
	c.work()
	j, err = c.Job(t.Context(), c.as(c.admin), j.ID)
	if c.unless(err); j.Count(domain.StepDone) != 1 {
		t.Errorf("the job says %+v", j.Steps)
	}
	for _, a := range c.assignments(b) {
		if a.ID == back.ID && !a.To.IsZero() {
			t.Errorf("the job ended what an admin opened after it: %+v", a)
		}
	}
}
