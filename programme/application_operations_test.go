package programme_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
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
