package programme_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// team is a business with mentors for several tracks, the first of whom was named as who leads.
type team struct {
	*office
	admin    store.User
	business string
	mentors  []store.User
	windows  []string // of the mentors
}

func (o *office) team(tracks ...string) *team {
	o.Helper()
	tm := &team{office: o, admin: o.person(1, "admin"), business: o.business(o.person(2))}
	for n, track := range tracks {
		m := o.person(10+n, "mentor")
		a, err := o.Assign(o.Context(), o.as(tm.admin), tm.business, programme.NewAssignment{Mentor: m.ID, Track: track})
		o.unless(err)
		tm.mentors, tm.windows = append(tm.mentors, m), append(tm.windows, a.ID)
		o.clock.Advance(time.Minute)
	}
	return tm
}

// one gives a window as the API tells it.
func (tm *team) one(window string) programme.Assignment {
	tm.Helper()
	for _, a := range tm.all() {
		if a.ID == window {
			return a
		}
	}
	tm.Fatalf("no window %s", window)
	return programme.Assignment{}
}

func (tm *team) all() []programme.Assignment {
	tm.Helper()
	all, err := tm.Assignments(tm.Context(), tm.as(tm.admin), tm.business)
	tm.unless(err)
	return all
}

func (tm *team) change(window string, c programme.AssignmentChange, codes ...string) error {
	tm.Helper()
	_, err := tm.ChangeAssignment(tm.Context(), tm.as(tm.admin), tm.business, window, tm.one(window).Version, c)
	tm.unless(err, codes...)
	return err
}

// leads fails unless exactly this person leads; nil: nobody does.
func (tm *team) leads(who *store.User, why string) {
	tm.Helper()
	var got []string
	for _, a := range tm.all() {
		if a.Lead {
			got = append(got, a.Mentor)
		}
	}
	if who == nil && len(got) == 0 || who != nil && len(got) == 1 && got[0] == who.ID {
		return
	}
	tm.Errorf("%s: %v lead", why, got)
}

// TestWhoLeadsFollowsTheWindows: the lead goes to whoever was there longest when it leaves,
// now or at an instant to come, to a successor, and to whom an admin names.
func TestWhoLeadsFollowsTheWindows(t *testing.T) {
	t.Parallel()
	tm := open(t).team("digital", "quality", "business")
	a, b, c := tm.mentors[0], tm.mentors[1], tm.mentors[2]
	tm.leads(&a, "the first")
	at := tm.clock.Now().Add(48 * time.Hour)
	tm.unless(tm.change(tm.windows[0], programme.AssignmentChange{To: &at}))
	tm.clock.Set(at.Add(-time.Millisecond))
	tm.leads(&a, "until the instant")
	tm.clock.Set(at)
	tm.leads(&b, "from the instant on")

	tm.unless(tm.change(tm.windows[2], programme.AssignmentChange{Lead: true}))
	tm.leads(&c, "whom an admin named")
	tm.unless(tm.change(tm.windows[0], programme.AssignmentChange{Lead: true}, "conflict"), "conflict")
	tm.leads(&c, "who has left cannot be named")

	next := tm.person(30, "mentor")
	later := tm.clock.Now().Add(24 * time.Hour)
	tm.unless(tm.change(tm.windows[2], programme.AssignmentChange{To: &later, Successor: next.ID}))
	tm.leads(&c, "before a hand-over")
	var follows string
	for _, w := range tm.all() {
		if w.Mentor == next.ID {
			follows = w.ID
		}
	}
	tm.unless(tm.change(follows, programme.AssignmentChange{Lead: true}, "conflict"), "conflict") // not in yet
	tm.clock.Set(later)
	tm.leads(&next, "after a hand-over")

	now := tm.clock.Now()
	tm.unless(tm.change(follows, programme.AssignmentChange{To: &now}))
	tm.clock.Advance(time.Second)
	tm.leads(&b, "after the successor left at once")
	tm.unless(tm.change(tm.windows[1], programme.AssignmentChange{To: &now, Successor: a.ID}))
	tm.clock.Advance(time.Second)
	tm.leads(&a, "who follows somebody who led without being named")
	for _, w := range tm.all() {
		if w.To.IsZero() {
			tm.unless(tm.change(w.ID, programme.AssignmentChange{To: &now}))
		}
	}
	tm.clock.Advance(time.Second)
	tm.leads(nil, "when everybody has left")
}

func TestALeadIsNamedByItself(t *testing.T) {
	t.Parallel()
	tm := open(t).team("digital", "quality")
	now := tm.clock.Now()
	for name, c := range map[string]programme.AssignmentChange{"an end": {Lead: true, To: &now}, "a successor": {Lead: true, Successor: tm.mentors[1].ID}, "a note": {Lead: true, Note: "x"}} {
		if err := tm.change(tm.windows[1], c, "invalid_value"); err == nil {
			t.Errorf("with %s it is taken", name)
		}
	}
	for name, c := range map[string]programme.AssignmentChange{"a reason": {To: &now, Reason: "x"}, "room": {To: &now, Beyond: true}} {
		if err := tm.change(tm.windows[1], c, "invalid_value"); err == nil {
			t.Errorf("an end with %s, and nobody who follows", name)
		}
	}
	seen := tm.one(tm.windows[1]).Version
	tm.unless(tm.change(tm.windows[1], programme.AssignmentChange{Lead: true}))
	if _, err := tm.ChangeAssignment(t.Context(), tm.as(tm.admin), tm.business, tm.windows[1], seen, programme.AssignmentChange{Lead: true}); err != nil && fault.CodeOf(err) != "stale_version" {
		t.Errorf("once more, as it was seen before: %v", err)
	}
	if _, err := tm.ChangeAssignment(t.Context(), tm.as(tm.mentors[0]), tm.business, tm.windows[0], tm.one(tm.windows[0]).Version, programme.AssignmentChange{Lead: true}); fault.CodeOf(err) != "forbidden" {
		t.Errorf("a mentor names: %v", err)
	}
	if _, err := tm.ChangeAssignment(t.Context(), tm.as(tm.admin), tm.business, id.Derive("assignment", "x"), seen, programme.AssignmentChange{Lead: true}); fault.CodeOf(err) != "not_found" {
		t.Errorf("nobody's window: %v", err)
	}
	tm.leads(&tm.mentors[1], "in the end")
}

// TestOfTwoWhoNameALeadOneHolds: whatever comes first, one window is named, and leads.
func TestOfTwoWhoNameALeadOneHolds(t *testing.T) {
	t.Parallel()
	for round := range 8 {
		tm := open(t).team("digital", "quality", "business")
		versions := []programme.Version{tm.one(tm.windows[1]).Version, tm.one(tm.windows[2]).Version}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			who := tm.as(tm.admin)
			both.Go(func() {
				_, errs[i] = tm.ChangeAssignment(context.Background(), who, tm.business, tm.windows[1+i], versions[i], programme.AssignmentChange{Lead: true})
			})
		}
		both.Wait()
		named := 0
		for _, r := range tm.scope("business/"+tm.business, "assignment") {
			if domain.MentorWindowOf(r).Named {
				named++
			}
		}
		for _, err := range errs {
			tm.unless(err, "stale_version")
		}
		if named != 1 || errs[0] != nil && errs[1] != nil {
			t.Fatalf("round %d: %d are named, %v", round, named, errs)
		}
	}
}

// TestOneLeadsWhoeverWasNamed: a merger that another commit came in between may bring a second
// mentor who was named, or none; one leads all the same, and it goes to the successor.
func TestOneLeadsWhoeverWasNamed(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][2]bool{"both": {true, true}, "none": {false, false}, "the later one": {false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tm := open(t).team("digital", "quality")
			for i, flag := range flags {
				_, err := tm.Engine.Write(t.Context(), "business/"+tm.business, merge.ServerWrite{Name: fmt.Sprint("flag ", i), Role: merge.System, Collection: "assignment", ID: tm.windows[i],
					Op: merge.Put, Set: map[string]merge.Value{"lead": merge.Flag(flag)}})
				tm.unless(err)
			}
			leads := 0
			if name == "the later one" {
				leads = 1
			}
			tm.leads(&tm.mentors[leads], name)
			next := tm.person(30, "mentor")
			now := tm.clock.Now()
			tm.unless(tm.change(tm.windows[leads], programme.AssignmentChange{To: &now, Successor: next.ID}))
			tm.clock.Advance(time.Second)
			if name == "both" { // the other one was named too
				tm.leads(&tm.mentors[1], name)
			} else {
				tm.leads(&next, name)
			}
		})
	}
}

// TestOneMentorForATrack of a programme; others beside them, and a successor takes the place.
func TestOneMentorForATrack(t *testing.T) {
	t.Parallel()
	o := open(t)
	tm := o.team("digital", "")
	edition := o.opened("lagawi-fest-2022")
	for n, tt := range []struct {
		name, programme, track, code string
	}{
		{"the same track", "", "digital", "track_taken"},
		{"another general mentor", "", "", "track_taken"},
		{"another track", "", "quality", ""},
		{"the track, of a programme", edition.ID, "digital", ""},
		{"the track of that programme", edition.ID, "digital", "track_taken"},
		{"a general mentor of that programme", edition.ID, "", ""},
	} {
		_, err := o.Assign(t.Context(), o.as(tm.admin), tm.business, programme.NewAssignment{Mentor: o.person(40+n, "mentor").ID, Programme: tt.programme, Track: tt.track})
		if codeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	next, later := o.person(60, "mentor"), o.clock.Now().Add(time.Hour)
	tm.unless(tm.change(tm.windows[0], programme.AssignmentChange{To: &later, Successor: next.ID}))
	for name, who := range map[string]store.User{"beside who leaves": o.person(61, "mentor"), "beside who follows": o.person(62, "mentor")} {
		if _, err := o.Assign(t.Context(), o.as(tm.admin), tm.business, programme.NewAssignment{Mentor: who.ID, Track: "digital"}); fault.CodeOf(err) != "track_taken" {
			t.Errorf("%s: %v", name, err)
		}
		o.clock.Advance(2 * time.Hour)
	}
	now := o.clock.Now()
	tm.unless(tm.change(tm.windows[1], programme.AssignmentChange{To: &now}))
	o.clock.Advance(time.Second)
	if _, err := o.Assign(t.Context(), o.as(tm.admin), tm.business, programme.NewAssignment{Mentor: o.person(63, "mentor").ID}); err != nil {
		t.Errorf("the place of who has left: %v", err)
	}
}

// TestOfTwoAdminsOneGetsTheTrack: both look before either has written.
func TestOfTwoAdminsOneGetsTheTrack(t *testing.T) {
	t.Parallel()
	for round := range 8 {
		tm := open(t).team("quality")
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range errs {
			who, mentor := tm.as(tm.admin), tm.person(20+i, "mentor")
			both.Go(func() {
				_, errs[i] = tm.Assign(context.Background(), who, tm.business, programme.NewAssignment{Mentor: mentor.ID, Track: "digital"})
			})
		}
		both.Wait()
		for _, err := range errs {
			tm.unless(err, "track_taken")
		}
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v", round, errs)
		}
	}
}

// TestAMergedPlaceIsHandedOver: of two mentors of one track, whom a merger brought together,
// each may be followed; who would follow in several tracks takes no place of somebody else's.
func TestAMergedPlaceIsHandedOver(t *testing.T) {
	t.Parallel()
	c := load(t, 2) // both digital, of the old mentor
	third, fourth := c.person(30, "mentor"), c.person(31, "mentor")
	gone, survivor := c.businesses[0], c.businesses[1]
	_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), gone, c.window(gone).ID, c.window(gone).Version, programme.AssignmentChange{To: new(c.clock.Now()), Successor: third.ID, Note: "cuti"})
	c.unless(err)
	c.clock.Advance(time.Second)
	c.merge(gone, survivor)
	c.work()
	j := c.handover()
	c.work()
	if j, err = c.Job(t.Context(), c.as(c.admin), j.ID); err != nil || j.Count(domain.StepDone) != 1 {
		t.Fatalf("%+v, %v", j.Steps, err)
	}
	c.left(survivor)
	_, err = c.Assign(t.Context(), c.as(c.admin), survivor, programme.NewAssignment{Mentor: fourth.ID, Track: "digital"})
	if fault.CodeOf(err) != "track_taken" {
		t.Errorf("a third of the track: %v", err)
	}
}
