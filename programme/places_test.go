package programme_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// told brings the contest to where its results are told.
func (c *contest) told() {
	c.Helper()
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
}

// phone has a phone of an owner answer that had heard of the offer and of nothing since.
func (c *contest) phone(f merge.Row, op string) {
	c.Helper()
	offer := ""
	for _, e := range c.scope("business/"+f.Text("business_id"), "application_event") {
		if e.Text("op") == "offer" {
			offer = e.ID
		}
	}
	c.wrote++
	_, err := c.Engine.Write(c.Context(), "business/"+f.Text("business_id"), merge.ServerWrite{Name: fmt.Sprint("phone.", c.wrote), Author: f.Text("owner_id"), Role: merge.Owner, Collection: "application_event",
		ID: c.ids.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str(op), "seen": merge.Encode([]string{offer})}})
	c.unless(err)
}

// part is how the business of a file takes part, "" if it does not.
func (c *contest) part(f merge.Row) string {
	c.Helper()
	for _, e := range c.scope("business/"+f.Text("business_id"), "enrolment") {
		if e.Text("application_id") == f.ID {
			return e.Text("state")
		}
	}
	return ""
}

// stands wants an application in a state, looked at or not, and its part in the programme.
func (c *contest) stands(when string, f merge.Row, state string, review bool, part string) {
	c.Helper()
	a := c.application(f)
	if got := c.part(f); a.Text("state") != state || (string(a.Fields["needs_review"]) == "true") != review || got != part {
		c.Errorf("%s: %s, review %s, takes part %q; want %s, %t, %q", when, a.Text("state"), a.Fields["needs_review"], got, state, review, part)
	}
}

// taking counts who takes part.
func (c *contest) taking() (n int) {
	c.Helper()
	for _, f := range c.files(c.edition) {
		if c.part(f) == domain.EnrolmentActive {
			n++
		}
	}
	return n
}

// allConfirm has everybody confirm who is offered a place, but for some.
func (c *contest) allConfirm(but ...string) {
	c.Helper()
	skip := map[string]bool{}
	for _, f := range but {
		skip[f] = true
	}
	for _, f := range c.files(c.edition) {
		if !skip[f.ID] && c.application(f).Text("state") == domain.ApplicationOffered {
			c.says(f, "confirm")
		}
	}
	c.due()
}

// TestWhoHoldsNoPlaceTakesNoPart: one phone confirms, another one, which had not seen that,
// declines. The enrolment waits with all that is in it; it goes on if the owner wants the place,
// ends if not, or if nobody asked in time, and thirty take part.
func TestWhoHoldsNoPlaceTakesNoPart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then  func(c *contest, f merge.Row)
		state string
		part  string
	}{
		"the admin hears yes": {func(c *contest, f merge.Row) { _, _, err := c.operates(f, "confirm", ""); c.unless(err) }, domain.ApplicationConfirmed, domain.EnrolmentActive},
		"the admin hears no":  {func(c *contest, f merge.Row) { _, _, err := c.operates(f, "decline", ""); c.unless(err) }, domain.ApplicationDeclined, domain.EnrolmentWithdrawn},
		"the owner says yes":  {func(c *contest, f merge.Row) { c.says(f, "confirm") }, domain.ApplicationConfirmed, domain.EnrolmentActive},
		"nobody asks in time": {func(c *contest, _ merge.Row) { c.clock.Set(publishAt().AddDate(0, 0, 5)) }, domain.ApplicationLapsed, domain.EnrolmentWithdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t).contest(5)
			c.told()
			f := c.in(domain.FileSelected)[3]
			c.allConfirm(f.ID)
			c.phone(f, "confirm")
			c.due()
			c.stands("confirmed", f, domain.ApplicationConfirmed, false, domain.EnrolmentActive)
			c.phone(f, "decline")
			c.due()
			c.stands("two phones disagree", f, domain.ApplicationOffered, true, domain.EnrolmentPaused)
			if n := len(c.scope("business/"+f.Text("business_id"), "task")); n != 24 {
				t.Errorf("%d tasks are left", n)
			}
			r, err := c.Record(t.Context(), c.as(c.admin), f.Text("business_id"), "enrolment", domain.EnrolmentID(f.ID))
			c.unless(err)
			_, err = c.OperateEnrolment(t.Context(), c.as(c.admin), c.edition.ID, r.ID, r.Version, "resume", "")
			c.unless(needs(err, "forbidden_transition"))
			tt.then(c, f)
			c.due()
			c.stands(name, f, tt.state, false, tt.part)
			c.allConfirm()
			if got := c.states()[domain.ApplicationConfirmed]; got != 30 || c.taking() != 30 {
				t.Errorf("%d confirmed, %d take part", got, c.taking())
			}
		})
	}
}

// TestAPlaceThatWentToTheReserveIsGone: one phone declines, the next is offered the place, and
// another phone, which had not seen that, confirms. Somebody has to tell the owner; nobody can
// give them the place that another one has.
func TestAPlaceThatWentToTheReserveIsGone(t *testing.T) {
	c := open(t).contest(5)
	c.told()
	f := c.in(domain.FileSelected)[3]
	c.allConfirm(f.ID)
	c.phone(f, "decline")
	c.due()
	c.stands("declined", f, domain.ApplicationDeclined, false, "")
	if got := c.states(); got[domain.ApplicationOffered] != 1 || got[domain.ApplicationReserve] != 9 {
		t.Errorf("the next: %v", got)
	}
	c.phone(f, "confirm")
	c.due()
	c.stands("confirmed behind it", f, domain.ApplicationDeclined, true, "")
	_, _, err := c.operates(f, "confirm", "")
	c.unless(needs(err, "place_taken"))
	c.allConfirm()
	if got, want := c.states(), map[string]int{"confirmed": 30, "declined": 1, "reserve": 9, "not_selected": 438}; !maps.Equal(got, want) || c.taking() != 30 {
		t.Errorf("%v, want %v; %d take part", got, want, c.taking())
	}
}

// TestAPlaceThatNobodyWaitsForIsStillThere: without a reserve an owner whose phones disagreed
// has the place, whichever came first.
func TestAPlaceThatNobodyWaitsForIsStillThere(t *testing.T) {
	c := open(t).contest(5)
	c.told()
	for _, f := range c.in(domain.FileReserve) {
		c.says(f, "withdraw")
	}
	c.due()
	f := c.in(domain.FileSelected)[3]
	c.allConfirm(f.ID)
	c.phone(f, "decline")
	c.due()
	c.phone(f, "confirm")
	c.due()
	c.stands("disagreed", f, domain.ApplicationOffered, true, "")
	_, _, err := c.operates(f, "confirm", "")
	c.unless(err)
	c.due()
	c.stands("confirmed", f, domain.ApplicationConfirmed, false, domain.EnrolmentActive)
	if c.taking() != 30 {
		t.Errorf("%d take part", c.taking())
	}
}

// TestAnAnswerCountsByItsReceipt, whether the planner has written down that the offer lapsed or
// not: what comes at the deadline or later decides nothing, and somebody looks at it.
func TestAnAnswerCountsByItsReceipt(t *testing.T) {
	end := time.Date(2022, 3, 20, 17, 0, 0, 0, time.UTC)
	c := open(t).contest(5)
	c.told()
	all := c.in(domain.FileSelected)
	inTime, late, unclear, sure, no := all[0], all[1], all[2], all[3], all[4]
	c.clock.Set(end.Add(-time.Second))
	c.phone(inTime, "confirm")
	c.phone(unclear, "confirm")
	c.phone(unclear, "decline")
	c.phone(sure, "confirm")
	c.work()
	c.clock.Set(end)
	_, _, err := c.operates(unclear, "confirm", "")
	c.unless(needs(err, "offer_lapsed"))
	c.phone(late, "confirm")
	c.phone(sure, "decline")
	c.phone(no, "decline")
	check := func(when string) {
		c.Helper()
		c.stands(when+", in time", inTime, domain.ApplicationConfirmed, false, domain.EnrolmentActive)
		c.stands(when+", late", late, domain.ApplicationLapsed, true, "")
		c.stands(when+", a yes in time and a late no", sure, domain.ApplicationConfirmed, true, domain.EnrolmentActive)
		c.stands(when+", a late no", no, domain.ApplicationLapsed, false, "")
	}
	c.work() // nobody has looked at the calendar
	check("before the planner")
	c.due()
	check("behind the planner")
	_, _, err = c.operates(late, "confirm", "")
	c.unless(needs(err, "offer_lapsed"))
	if got := c.states(); got[domain.ApplicationConfirmed] != 2 || got[domain.ApplicationLapsed] != 28 || got[domain.ApplicationOffered] != 10 {
		t.Errorf("%v", got)
	}
}

// TestWhoMovesUpHearsTheWordsOfTheSelected, also where somebody wrote words of their own for the
// reserve: those were for another result.
func TestWhoMovesUpHearsTheWordsOfTheSelected(t *testing.T) {
	t.Parallel()
	c := open(t).contest(5)
	c.decided()
	reserve := c.in(domain.FileReserve)
	slices.SortFunc(reserve, func(a, b merge.Row) int { return cmp.Compare(a.Int("rank"), b.Int("rank")) })
	d, err := c.File(t.Context(), c.as(c.admin), c.edition.ID, reserve[0].ID)
	c.unless(err)
	_, err = c.Advise(t.Context(), c.as(c.admin), c.edition.ID, d.ID, d.Version, "Anda hampir terpilih.")
	c.unless(err)
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	if a := c.application(reserve[0]); a.Text("feedback") != "Anda hampir terpilih." {
		t.Errorf("in reserve: %q", a.Text("feedback"))
	}
	for _, f := range c.in(domain.FileSelected)[:2] {
		c.says(f, "decline")
	}
	c.due()
	for _, f := range reserve[:2] {
		if a := c.application(f); a.Text("state") != domain.ApplicationOffered || a.Text("feedback") != "Selamat!" {
			t.Errorf("moved up: %s, told %q", a.Text("state"), a.Text("feedback"))
		}
	}
	if a := c.application(reserve[2]); a.Text("state") != domain.ApplicationReserve || a.Text("feedback") != "Cadangan." {
		t.Errorf("still in reserve: %s, told %q", a.Text("state"), a.Text("feedback"))
	}
}
