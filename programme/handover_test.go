package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// caseload is a mentor with businesses.
type caseload struct {
	*office
	admin, old, next store.User
	businesses       []string
}

func load(t *testing.T, n int) *caseload {
	c := &caseload{office: open(t)}
	c.Engine.Store, c.Engine.Steps = storefault.NewPoor(), c.Steps()
	ani := c.person(1)
	c.admin, c.old, c.next = c.person(2, "admin"), c.person(5, "mentor"), c.person(6, "mentor")
	for range n {
		b := c.business(ani)
		c.businesses = append(c.businesses, b)
		_, err := c.Assign(t.Context(), c.as(c.admin), b, programme.NewAssignment{Mentor: c.old.ID, Track: "digital", Reason: "awal"})
		c.unless(err)
	}
	c.work()
	return c
}

// windows gives the open window of each of the two mentors in a business.
func (c *caseload) windows(business string) (old, next programme.Assignment, count int) {
	c.Helper()
	all, err := c.Assignments(c.Context(), c.as(c.admin), business)
	c.unless(err)
	for _, a := range all {
		if a.Mentor == c.old.ID {
			old = a
		} else {
			next, count = a, count+1
		}
	}
	return old, next, count
}

// handedOver fails unless a business changed hands exactly once, at one instant.
func (c *caseload) handedOver(business string) {
	c.Helper()
	old, next, count := c.windows(business)
	if count != 1 || old.To.IsZero() || !old.To.Equal(next.From) || !next.To.IsZero() || old.Lead == next.Lead || old.Lead != old.To.After(c.clock.Now().Add(time.Second)) || next.Track != "digital" || next.Reason != "awal" || old.Note != "cuti" {
		c.Errorf("%s\n old %+v\nnext %+v, %d windows", business, old, next, count)
	}
	c.sameMentors(business)
}

// TestAHandoverSurvivesEveryCrash dies, or is not heard, at the calls of the work
// behind it.
func TestAHandoverSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	calls := 0
	for i, fate := range []storefault.Fate{storefault.DieAfter, storefault.Lose} {
		for n, failed := 1+i, true; failed; n += between() {
			c := load(t, 3)
			poor := c.Engine.Store
			who := c.as(c.admin)
			j, err := c.Handover(t.Context(), who, c.old.ID, programme.Handover{To: c.next.ID, Note: "cuti"})
			c.unless(err)
			again, err := c.Handover(t.Context(), who, c.old.ID, programme.Handover{To: c.next.ID, Note: "cuti"})
			if c.unless(err); again.ID != j.ID || len(again.Steps) != 3 {
				t.Fatalf("the answer got lost: %+v, then %+v", j, again)
			}
			c.clock.Advance(time.Second)
			c.Engine.Store = storefault.NewFailing(poor, storefault.At(n, fate), nil).Store()
			_, err = c.Engine.Work(t.Context())
			failed = err != nil || fate == storefault.Lose && n < 60
			c.Engine.Store = poor
			c.clock.Advance(time.Second)
			c.work()
			for _, b := range c.businesses {
				c.handedOver(b)
			}
			j, err = c.Job(t.Context(), c.as(c.admin), j.ID)
			if c.unless(err); j.Count(domain.StepDone) != 3 {
				t.Errorf("the job says %+v", j.Steps)
			}
			if t.Failed() {
				t.Fatalf("call %d", n)
			}
			calls++
		}
	}
	t.Logf("crashed at %d calls", calls)
}

// TestAHandoverDoesWhatItCan: where the mentor's window ended meanwhile, the
// business was merged away or the next mentor is there already, the others change
// hands all the same, and the job says what became of each.
func TestAHandoverDoesWhatItCan(t *testing.T) {
	c := load(t, 5)
	ended, merged, there := c.businesses[0], c.businesses[1], c.businesses[2]
	_, err := c.Assign(t.Context(), c.as(c.admin), there, programme.NewAssignment{Mentor: c.next.ID, Track: "quality"})
	c.unless(err)
	j, err := c.Handover(t.Context(), c.as(c.admin), c.old.ID, programme.Handover{To: c.next.ID, Note: "cuti", Businesses: c.businesses[:4]})
	c.unless(err)
	now := c.clock.Now()
	old, _, _ := c.windows(ended)
	_, err = c.ChangeAssignment(t.Context(), c.as(c.admin), ended, old.ID, old.Version, programme.AssignmentChange{To: &now})
	c.unless(err)
	_, err = c.Merge(t.Context(), c.as(c.admin), merged, c.businesses[4])
	c.unless(err)
	c.clock.Advance(time.Second)
	c.work()
	j, err = c.Job(t.Context(), c.as(c.admin), j.ID)
	c.unless(err)
	want := map[string]string{ended: "conflict", merged: "business_merged", there: "", c.businesses[3]: ""}
	for _, st := range j.Steps {
		if code, ok := want[st.Business]; !ok || st.Code != code || (code == "") != (st.State == domain.StepDone) {
			t.Errorf("%+v, want %q", st, code)
		}
	}
	c.handedOver(c.businesses[3])
	old, next, count := c.windows(there)
	if old.To.IsZero() || count != 1 || next.Track != "quality" || !next.Lead || !next.To.IsZero() {
		t.Errorf("where the next one was already: %+v, %+v", old, next)
	}
	if old, _, _ := c.windows(c.businesses[4]); !old.To.IsZero() {
		t.Errorf("one that was not asked for: %+v", old)
	}
	if _, err := c.Job(t.Context(), c.as(c.old), j.ID); fault.CodeOf(err) != "forbidden" {
		t.Errorf("a mentor reads the job: %v", err)
	}
}

// TestAHandoverInTheFuture leaves both mentors what they have until then.
func TestAHandoverInTheFuture(t *testing.T) {
	c := load(t, 2)
	at := c.clock.Now().Add(48 * time.Hour)
	_, err := c.Handover(t.Context(), c.as(c.admin), c.old.ID, programme.Handover{To: c.next.ID, At: &at, Note: "cuti"})
	c.unless(err)
	c.clock.Advance(time.Hour)
	c.work()
	for _, b := range c.businesses {
		c.handedOver(b)
		head, err := c.Engine.Store.Head(t.Context(), "mentoring/"+b)
		c.unless(err)
		for when, who := range map[time.Time]store.User{at.Add(-time.Millisecond): c.old, at: c.next} {
			for _, u := range []store.User{c.old, c.next} {
				if got := merge.Granted(head.Access, u.ID, merge.Millis(when.UnixMilli())); got != (u.ID == who.ID) {
					t.Errorf("at %s: %s is in: %t", when, u.Phone, got)
				}
			}
		}
	}
}
