package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
)

// TestAWindowIsMadeLongerIfThePlaceIsFree: one mentor per track of a programme, and a mentor has so many businesses, also where
// the end of a window is moved.
func TestAWindowIsMadeLongerIfThePlaceIsFree(t *testing.T) {
	c := load(t, 0)
	owner, second := c.person(3), c.person(4, "mentor")
	b, other := c.business(owner), c.business(owner)
	at, later := c.clock.Now().Add(5*24*time.Hour), c.clock.Now().Add(30*24*time.Hour)
	ends := func(business string, change programme.AssignmentChange, code string) {
		t.Helper()
		all, err := c.Assignments(t.Context(), c.as(c.admin), business)
		c.unless(err)
		for _, w := range all {
			if w.Mentor == c.old.ID {
				if _, err = c.ChangeAssignment(t.Context(), c.as(c.admin), business, w.ID, w.Version, change); fault.CodeOf(err) != code && (err != nil || code != "") {
					t.Errorf("%+v: %v, want %q", change, err, code)
				}
			}
		}
	}
	_, err := c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	_, err = c.Assign(t.Context(), c.as(c.admin), other, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	ends(b, programme.AssignmentChange{To: &at, Successor: second.ID}, "")
	ends(b, programme.AssignmentChange{To: &later}, "track_taken")
	sooner := at.Add(-time.Hour)
	ends(b, programme.AssignmentChange{To: &sooner}, "")
	ends(b, programme.AssignmentChange{To: &at}, "")
	just := at.Add(time.Millisecond)
	ends(b, programme.AssignmentChange{To: &just}, "track_taken")

	ends(other, programme.AssignmentChange{To: &at}, "")
	ends(other, programme.AssignmentChange{To: &later}, "")
	ends(other, programme.AssignmentChange{To: &at}, "")
	third := c.business(owner)
	_, err = c.Assign(t.Context(), c.as(c.admin), third, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	c.profile(c.admin, c.old, "capacity", "1")
	ends(other, programme.AssignmentChange{To: &later}, "mentor_full")
}

// TestAWindowIsMadeLongerBeyond what a mentor can take, with a reason, as it was opened.
func TestAWindowIsMadeLongerBeyond(t *testing.T) {
	t.Parallel()
	c := load(t, 0)
	owner := c.person(3)
	b := c.business(owner)
	c.profile(c.admin, c.old, "capacity", "1")
	_, err := c.Assign(t.Context(), c.as(c.admin), c.business(owner), programme.NewAssignment{Mentor: c.old.ID})
	c.unless(err)
	a, err := c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID, Beyond: true, Reason: "satu desa"})
	c.unless(err)
	wrong, right := c.clock.Now().Add(24*time.Hour), c.clock.Now().Add(31*24*time.Hour)
	a, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, a.Version, programme.AssignmentChange{To: &wrong})
	c.unless(err)
	for _, tt := range []struct {
		change programme.AssignmentChange
		code   string
	}{
		{programme.AssignmentChange{To: &wrong, Reason: "salah tanggal"}, "invalid_value"},
		{programme.AssignmentChange{To: &right}, "mentor_full"},
		{programme.AssignmentChange{To: &right, Beyond: true}, "required"},
		{programme.AssignmentChange{To: &right, Beyond: true, Reason: "salah tanggal"}, ""},
	} {
		got, err := c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, a.Version, tt.change)
		if (err != nil || tt.code != "") && fault.CodeOf(err) != tt.code || err == nil && (!got.To.Equal(right) || got.Reason != tt.change.Reason) {
			t.Errorf("%+v: %v %+v, want %q", tt.change, err, got, tt.code)
		}
	}
}

// TestOneMentorFollows: whoever is to follow keeps the track, whatever the admin does with the window before.
func TestOneMentorFollows(t *testing.T) {
	t.Parallel()
	c := load(t, 0)
	second, third := c.person(14, "mentor"), c.person(15, "mentor")
	b := c.business(c.person(3))
	a, err := c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	later, sooner := c.clock.Now().Add(30*24*time.Hour), c.clock.Now().Add(10*24*time.Hour)
	a, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, a.Version, programme.AssignmentChange{To: &later, Successor: second.ID})
	c.unless(err)
	for _, at := range []time.Time{sooner, later} {
		_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), b, a.ID, a.Version, programme.AssignmentChange{To: &at, Successor: third.ID})
		c.refused(err, "track_taken")
	}
}

// TestNothingIsMadeLongerInWhatWasMerged: the survivor says who has the place there.
func TestNothingIsMadeLongerInWhatWasMerged(t *testing.T) {
	t.Parallel()
	c := load(t, 0)
	owner, second := c.person(3), c.person(14, "mentor")
	gone, stays := c.business(owner), c.business(owner)
	a, err := c.Assign(t.Context(), c.as(c.admin), gone, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	at, later := c.clock.Now().Add(5*24*time.Hour), c.clock.Now().Add(60*24*time.Hour)
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), gone, a.ID, a.Version, programme.AssignmentChange{To: &at})
	c.unless(err)
	c.merge(gone, stays)
	c.work()
	c.clock.Advance(time.Minute)
	here := c.assignments(stays)[0]
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), stays, here.ID, here.Version, programme.AssignmentChange{To: &at, Successor: second.ID})
	c.unless(err)
	was := c.assignments(gone)[0]
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), gone, was.ID, was.Version, programme.AssignmentChange{To: &later})
	c.refused(err, "business_merged")
	sooner := at.Add(-24 * time.Hour)
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), gone, was.ID, was.Version, programme.AssignmentChange{To: &sooner})
	c.unless(err)
}

// TestAFollowerOfSomebodyElseIsNotInTheWay: a merger brings the mentor of the same track into a business, and who is to follow them.
func TestAFollowerOfSomebodyElseIsNotInTheWay(t *testing.T) {
	t.Parallel()
	c := load(t, 0)
	owner := c.person(3)
	one, follows, third := c.person(14, "mentor"), c.person(15, "mentor"), c.person(16, "mentor")
	gone, stays := c.business(owner), c.business(owner)
	_, err := c.Assign(t.Context(), c.as(c.admin), stays, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
	c.unless(err)
	a, err := c.Assign(t.Context(), c.as(c.admin), gone, programme.NewAssignment{Mentor: one.ID, Track: "digital"})
	c.unless(err)
	later, sooner := c.clock.Now().Add(30*24*time.Hour), c.clock.Now().Add(10*24*time.Hour)
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), gone, a.ID, a.Version, programme.AssignmentChange{To: &later, Successor: follows.ID})
	c.unless(err)
	c.merge(gone, stays)
	c.work()
	c.clock.Advance(time.Minute)
	for _, tt := range []struct{ mentor, code string }{{one.ID, "track_taken"}, {c.old.ID, ""}} {
		all, err := c.Assignments(t.Context(), c.as(c.admin), stays)
		c.unless(err)
		for _, w := range all {
			if w.Mentor == tt.mentor {
				_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), stays, w.ID, w.Version, programme.AssignmentChange{To: &sooner, Successor: third.ID})
				if (err != nil || tt.code != "") && fault.CodeOf(err) != tt.code {
					t.Errorf("the windows of %s: %v, want %q", tt.mentor, err, tt.code)
				}
			}
		}
	}
}

// TestWhoFollowsIsKnownByTheWindowBefore: not by another one that a merger brought and that ends on the same day, nor by one that
// never began.
func TestWhoFollowsIsKnownByTheWindowBefore(t *testing.T) {
	t.Parallel()
	for _, merged := range []bool{false, true} {
		c := load(t, 0)
		owner := c.person(3)
		one, follows, third, fourth := c.person(14, "mentor"), c.person(15, "mentor"), c.person(16, "mentor"), c.person(17, "mentor")
		gone, stays := c.business(owner), c.business(owner)
		later := c.clock.Now().Add(30 * 24 * time.Hour)
		change := func(business, mentor string, to time.Time, successor, code string) {
			t.Helper()
			for _, w := range c.assignments(business) {
				if w.Mentor == mentor {
					_, err := c.ChangeAssignment(t.Context(), c.as(c.admin), business, w.ID, w.Version, programme.AssignmentChange{To: &to, Successor: successor})
					if (err != nil || code != "") && fault.CodeOf(err) != code {
						t.Errorf("merged %t, %s to %s: %v, want %q", merged, mentor, successor, err, code)
					}
				}
			}
		}
		_, err := c.Assign(t.Context(), c.as(c.admin), stays, programme.NewAssignment{Mentor: c.old.ID, Track: "digital"})
		c.unless(err)
		change(stays, c.old.ID, later, follows.ID, "")
		if merged {
			_, err = c.Assign(t.Context(), c.as(c.admin), gone, programme.NewAssignment{Mentor: one.ID, Track: "digital"})
			c.unless(err)
			change(gone, one.ID, later, "", "")
			c.merge(gone, stays)
			c.work()
			c.clock.Advance(time.Minute)
			change(stays, c.old.ID, later, third.ID, "track_taken")
			continue
		}
		change(stays, follows.ID, later, "", "") // it ends where it begins
		change(stays, c.old.ID, later, third.ID, "")
		change(stays, c.old.ID, later, fourth.ID, "track_taken")
	}
}
