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
