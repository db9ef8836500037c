package programme_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// operates has an admin operate on the application of a file, as it is now.
func (c *contest) operates(f merge.Row, op, note string) (programme.Outcome, programme.Approval, error) {
	c.Helper()
	business := f.Text("business_id")
	r, err := c.Record(c.Context(), c.as(c.admin), business, "application", f.ID)
	c.unless(err)
	set := map[string]merge.Value{"op": merge.Str(op)}
	if note != "" {
		set["note"] = merge.Str(note)
	}
	return c.OperateApplication(c.Context(), c.as(c.admin), business, r.Version, programme.Operation{Parent: f.ID, Set: set})
}

// TestTwoAdminsDisqualify: one proposes, with a reason, another one approves, and nothing
// happens before; the place goes to the reserve, and who took part does so no longer.
func TestTwoAdminsDisqualify(t *testing.T) {
	c := open(t).contest(1)
	c.decided()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	var confirmed merge.Row
	for _, f := range c.scope(domain.DecisionScope(c.edition.ID), "case_file") {
		if f.Text("state") == domain.FileSelected {
			confirmed = f
		}
	}
	c.says(confirmed, "confirm")
	c.work()
	before := c.states()
	c.enrols(c.enrolments(programme.EnrolmentFilter{}, c.admin, 5)[0], "pause", "Panen", "") // out of a pause too
	_, _, err := c.operates(confirmed, "disqualify", "")
	c.unless(err, "required")
	_, _, err = c.operates(confirmed, "offer", "x")
	c.unless(err, "invalid_value")
	_, a, err := c.operates(confirmed, "disqualify", "Dokumen palsu")
	c.unless(err)
	c.work()
	if got := c.application(confirmed).Text("state"); got != domain.ApplicationConfirmed {
		t.Fatalf("one admin alone made it %s", got)
	}
	_, err = c.DecideApproval(t.Context(), c.as(c.admin), a.ID, a.Text("what"), true)
	c.unless(err, "approval_own")
	_, err = c.DecideApproval(t.Context(), c.as(c.other), a.ID, a.Text("what"), true)
	c.unless(err)
	c.due()
	c.due()
	if got := c.application(confirmed); got.Text("state") != domain.ApplicationDisqualified {
		t.Errorf("it is %s", got.Text("state"))
	}
	for _, e := range c.scope("business/"+confirmed.Text("business_id"), "enrolment") {
		if e.Text("state") != domain.EnrolmentWithdrawn || e.Text("state_reason") != "Dokumen palsu" {
			t.Errorf("the enrolment is %s for %q", e.Text("state"), e.Text("state_reason"))
		}
	}
	if ops := c.scope("business/"+confirmed.Text("business_id"), "enrolment_event"); len(ops) != 2 || ops[1].Text("op") != domain.EnrolmentDisqualify || ops[1].Text("outcome") != domain.Effective {
		t.Errorf("its history: %v", ops)
	}
	if after := c.states(); after[domain.ApplicationReserve] != before[domain.ApplicationReserve]-1 || after[domain.ApplicationOffered] != before[domain.ApplicationOffered]+1 {
		t.Errorf("before %v, after %v", before, after)
	}
	if state, code := c.state(a, c.admin); state != domain.ApprovalDone {
		t.Errorf("the approval is %s %s", state, code)
	}
}

// TestAnAdminAsksTheOwner: of a yes and a no that nobody had seen neither counts, until an
// admin writes down what the owner told them; and what is not complete goes back with
// words that its owner reads.
func TestAnAdminAsksTheOwner(t *testing.T) {
	c := open(t).contest(1)
	file := c.scope(domain.DecisionScope(c.edition.ID), "case_file")[0]
	_, _, err := c.operates(file, "return", "Foto produk belum ada")
	c.unless(err)
	c.work()
	if a := c.application(file); a.Text("state") != domain.ApplicationReturned || a.Text("asked") != "Foto produk belum ada" {
		t.Errorf("%s, asked %q", a.Text("state"), a.Text("asked"))
	}
	_, _, err = c.operates(file, "confirm", "")
	c.unless(err, "forbidden_transition")
	owner := c.person(900)
	_, _, err = c.OperateApplication(t.Context(), c.as(owner), file.Text("business_id"), programme.Version{}, programme.Operation{Parent: file.ID, Set: map[string]merge.Value{"op": merge.Str("return")}})
	c.unless(err, "not_found")
}

// TestADisqualificationFollowsAMerger: between the proposal and the approval the business is
// merged away. The application that counts is the survivor's: there it ends, with what it led to.
func TestADisqualificationFollowsAMerger(t *testing.T) {
	for name, late := range map[string]bool{"once everything is there": false, "before the survivor has anything": true} {
		t.Run(name, func(t *testing.T) {
			c := open(t).contest(1)
			c.decided()
			c.prepared()
			c.clock.Set(publishAt())
			c.due()
			f := c.in(domain.FileSelected)[3]
			c.says(f, "confirm")
			c.due()
			before := c.states()
			_, a, err := c.operates(f, "disqualify", "Dokumen palsu")
			c.unless(err)
			other, err := c.CreateBusiness(t.Context(), programme.Caller{User: f.Text("owner_id"), Name: "one more"}, programme.NewBusiness{ID: c.ids.New(), Name: "Lain", RegionCode: "18.71", PrimaryCategory: "food_beverage"})
			c.unless(err)
			c.work()
			_, err = c.Merge(t.Context(), c.as(c.admin), f.Text("business_id"), other.ID)
			c.unless(err)
			if !late {
				c.work()
			}
			_, err = c.DecideApproval(t.Context(), c.as(c.other), a.ID, a.Text("what"), true)
			c.unless(err)
			if late { // the approval is carried out first, and then again
				if err := c.Steps()[domain.StepApproved](t.Context(), merge.Effect{Scope: domain.GeneralQueue, Collection: "approval", ID: a.ID}); fault.KindOf(err) != fault.Transient {
					t.Errorf("carried out where there is nothing yet: %v", err)
				}
			}
			c.due()
			home := "business/" + other.ID
			for _, r := range c.scope(home, "application") {
				if r.ID == f.ID && r.Text("state") != domain.ApplicationDisqualified {
					t.Errorf("the survivor's application is %s", r.Text("state"))
				}
			}
			if all := c.scope(home, "enrolment"); len(all) != 1 || all[0].Text("state") != domain.EnrolmentWithdrawn {
				t.Errorf("the survivor takes part: %v", all)
			}
			if state, code := c.state(a, c.admin); state != domain.ApprovalDone {
				t.Errorf("the approval is %s %s", state, code)
			}
			copies := slices.DeleteFunc(c.scope(domain.DecisionScope(c.edition.ID), "application_state"), func(r merge.Row) bool { return r.ID != f.ID })
			if copies[0].Text("state") != domain.ApplicationDisqualified {
				t.Errorf("the programme knows it as %s", copies[0].Text("state"))
			}
			offered := 0
			for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "application_state") {
				if r.Text("state") == domain.ApplicationOffered {
					offered++
				}
			}
			if offered != before[domain.ApplicationOffered]+1 {
				t.Errorf("%d are offered a place, %v before", offered, before)
			}
		})
	}
}
