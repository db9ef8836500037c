package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestProposalsThatDoNotFit(t *testing.T) {
	subject := func(kv ...string) map[string]merge.Value {
		return map[string]merge.Value{"subject": merge.Encode(texts(kv...))}
	}
	tests := []struct {
		name, kind string
		change     map[string]merge.Value
		code       string
	}{
		{"SKKNI without a person", "skkni", subject("type", "business"), "case_subject_mismatch"},
		{"SKKNI for nobody in particular", "skkni", subject("type", "person"), "case_subject_required"},
		{"SKKNI for a person by name", "skkni", subject("type", "person", "name", "Dimas"), ""},
		{"TKDN for a product that is there", "tkdn", nil, ""},
		{"TKDN for one that is not", "tkdn", subject("type", "product", "id", key("nothing")), "invalid_reference"},
		{"a packaging design for a brand", "packaging_design", subject("type", "brand", "name", "Rafins"), ""},
		{"a business number for the business", "nib", subject("type", "business"), ""},
		{"HACCP for a workshop of toys", "haccp", texts("category", "toys"), "case_category_mismatch"},
		{"HACCP without a category", "haccp", map[string]merge.Value{"category": nil}, "case_category_mismatch"},
		{"a test report for toys", "test_report", texts("category", "toys"), ""},
		{"an unknown kind", "nib", texts("kind", "iso_9001"), "invalid_value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			s.must(s.send(s.owner, s.make(s.owner, "product", key("subject"), texts("name", "Keripik")))[0])
			if a := s.send(s.owner, s.make(s.owner, "case", key("c"), with(proposal(tt.kind), tt.change)))[0]; a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
}

func TestConditionsOfACase(t *testing.T) {
	tests := []struct {
		name, kind, state, op string
		change                map[string]merge.Value
		code                  string
	}{
		{"an approval sets the deadline", "skkni", domain.CaseProposed, "approve", map[string]merge.Value{"deadline_on": nil}, "deadline_required"},
		{"an assessment has a day", "skkni", domain.CaseSubmitted, "start_assessment", map[string]merge.Value{"assessed_on": nil}, "required"},
		{"and somebody who assesses", "skkni", domain.CaseSubmitted, "start_assessment", map[string]merge.Value{"assessor": nil}, "required"},
		{"findings say what was found", "skkni", domain.CaseAssessment, "findings", map[string]merge.Value{"findings": merge.Value("[]")}, "required"},
		{"and by when it is mended", "skkni", domain.CaseAssessment, "findings", map[string]merge.Value{"due_on": nil}, "required"},
		{"a rejection has a reason", "skkni", domain.CaseAssessment, "reject", map[string]merge.Value{"note": nil}, "reason_required"},
		{"so has a cancel", "skkni", domain.CaseAssessment, "cancel", map[string]merge.Value{"note": nil}, "reason_required"},
		{"an issue has a result", "skkni", domain.CaseAssessment, "issue", map[string]merge.Value{"result": nil}, "required"},
		{"with a number", "skkni", domain.CaseAssessment, "issue", change("skkni", "number", nil), "required"},
		{"with a paper", "skkni", domain.CaseAssessment, "issue", change("skkni", "file_id", nil), "invalid_value"},
		{"that is on file", "skkni", domain.CaseAssessment, "issue", change("skkni", "file_id", merge.Str(key("nothing"))), "invalid_reference"},
		{"it ends after its day of issue", "skkni", domain.CaseAssessment, "issue", change("skkni", "valid_until", merge.Str("2022-06-01")), "result_validity"},
		{"a certificate of competence ends", "skkni", domain.CaseAssessment, "issue", change("skkni", "valid_until", nil), "result_validity"},
		{"a halal certificate may not", "halal", domain.CaseAssessment, "issue", nil, ""},
		{"or may", "halal", domain.CaseAssessment, "issue", map[string]merge.Value{"result": merge.Encode(with(resultOf("halal"), map[string]merge.Value{"no_expiry": nil, "valid_until": merge.Str("2026-01-01")}))}, ""},
		{"but not both", "halal", domain.CaseAssessment, "issue", change("halal", "valid_until", merge.Str("2026-01-01")), "result_validity"},
		{"a value is for TKDN", "skkni", domain.CaseAssessment, "issue", change("skkni", "value_bp", merge.Num(1)), "result_value_mismatch"},
		{"which has one", "tkdn", domain.CaseAssessment, "issue", change("tkdn", "value_bp", nil), "result_value_mismatch"},
		{"of a hundred percent at most", "tkdn", domain.CaseAssessment, "issue", change("tkdn", "value_bp", merge.Num(10_001)), "invalid_value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			last := lead(s, tt.kind, tt.state)
			set := with(caseOp(tt.kind, tt.op, key(last)), tt.change)
			if a := s.send(s.mentor, s.make(s.mentor, "case_event", key("x"), set))[0]; a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
}

// change is the result of a kind with one member changed.
func change(kind, member string, v merge.Value) map[string]merge.Value {
	return map[string]merge.Value{"result": merge.Encode(with(resultOf(kind), map[string]merge.Value{member: v}))}
}

func TestDatesAndResultsOfACase(t *testing.T) {
	s := newScene(t)
	last := lead(s, "skkni", domain.CaseAssessment)
	deadline := func() string { return s.Row("case", key("c")).Text("deadline") }
	if deadline() != "2022-06-17" {
		t.Errorf("the approval named 17 June, and it is %q", deadline())
	}
	s.must(s.edit(s.mentor, "case", key("c"), texts("deadline_on", "2022-06-24")))
	if got := string(s.Row("case", key("c")).Fields["deadlines"]); deadline() != "2022-06-24" || !strings.Contains(got, "06-24") {
		t.Errorf("moved to 24 June: %q, %s", deadline(), got)
	}
	s.must(s.edit(s.mentor, "case", key("c"), map[string]merge.Value{"milestones": merge.Encode(map[string]any{"assessment": map[string]string{"due_on": "2022-05-01"}, "scheme": map[string]string{"due_on": "2022-05-02"}})}))
	if !slices.Contains(s.Row("case", key("c")).Strings("flags"), "milestones_unordered") {
		t.Errorf("flags %v", s.Row("case", key("c")).Strings("flags"))
	}
	s.must(s.doCase("skkni", did{"mentor", "issue", last}, "x"))
	mended := with(resultOf("skkni"), texts("number", "ID-2"))
	s.must(s.edit(s.mentor, "case", key("c"), map[string]merge.Value{"result": merge.Encode(mended)}))
	if got := string(s.Row("case", key("c")).Fields["certificate"]); !strings.Contains(got, "ID-2") {
		t.Errorf("certificate %s", got)
	}
	s.must(s.doCase("skkni", did{"admin", "confirm_issue", "x"}, "z"))
	if a := s.edit(s.mentor, "case", key("c"), map[string]merge.Value{"result": merge.Encode(resultOf("skkni"))}); a.Code != "immutable_field" {
		t.Errorf("a result that was confirmed: %+v", a)
	}
	if a := s.edit(s.mentor, "case", key("c"), texts("deadline_on", "2022-07-01")); a.Code != "forbidden_transition" {
		t.Errorf("a deadline after the end: %+v", a)
	}
}

func TestRenewals(t *testing.T) {
	tests := []struct {
		name, state string
		change      map[string]merge.Value
		code        string
	}{
		{"an issued one is renewed", domain.CaseIssued, nil, ""},
		{"a rejected one is tried again", domain.CaseRejected, nil, ""},
		{"one under way is not", domain.CaseAssessment, nil, "forbidden_transition"},
		{"it stays of one kind", domain.CaseIssued, proposal("nib"), "case_link_mismatch"},
		{"there is something to renew", domain.CaseIssued, texts("linked_from", key("nothing")), "invalid_reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			lead(s, "skkni", tt.state)
			it := s.make(s.owner, "case", key("next"), with(with(proposal("skkni"), texts("linked_from", key("c"))), tt.change))
			it.Mutation.At.Server = s.Time
			if a := s.send(s.owner, it)[0]; a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
	s := newScene(t)
	lead(s, "skkni", domain.CaseIssued)
	unaware := s.make(s.owner, "case", key("next"), with(proposal("skkni"), texts("linked_from", key("c"))))
	if a := s.send(s.owner, unaware)[0]; a.Code != "forbidden_transition" {
		t.Errorf("renewed by somebody who has not seen the issue: %+v", a)
	}
}

// taken wants an edit not to be refused; it may have lost.
func (s *scene) taken(a merge.Answer) {
	s.t.Helper()
	if a.Outcome == merge.Rejected {
		s.t.Errorf("%+v", a)
	}
}

// TestAMilestoneDoneTwice keeps the earliest day, in either order.
func TestAMilestoneDoneTwice(t *testing.T) {
	done := func(day string) map[string]merge.Value {
		return map[string]merge.Value{"milestones": merge.Encode(map[string]any{"training": map[string]string{"done_at": day}})}
	}
	s := newScene(t)
	lead(s, "skkni", domain.CasePreparing)
	early, late := s.change(s.owner, "case", key("c"), done("2022-04-20")), s.change(s.mentor, "case", key("c"), done("2022-04-22"))
	for _, lateFirst := range []bool{true, false} {
		c := s.branch()
		if lateFirst {
			c.taken(c.send(c.mentor, late)[0])
		}
		c.taken(c.send(c.owner, early)[0])
		if !lateFirst {
			c.taken(c.send(c.mentor, late)[0])
		}
		if got := string(c.Row("case", key("c")).Fields["milestones"]); got != `{"training":{"done_at":"2022-04-20"}}` {
			t.Errorf("late first %t: %s", lateFirst, got)
		}
	}
}

// TestTwoMentorsMoveTheDeadline: the later stamp counts, whichever arrives first;
// an admin's stays.
func TestTwoMentorsMoveTheDeadline(t *testing.T) {
	s := newScene(t)
	lead(s, "skkni", domain.CasePreparing)
	a, b := s.change(s.mentor, "case", key("c"), texts("deadline_on", "2022-06-20")), s.change(s.mentorB, "case", key("c"), texts("deadline_on", "2022-06-24"))
	for _, aFirst := range []bool{true, false} {
		c := s.branch()
		if aFirst {
			c.taken(c.send(c.mentor, a)[0])
		}
		c.taken(c.send(c.mentorB, b)[0])
		if !aFirst {
			c.taken(c.send(c.mentor, a)[0])
		}
		if got := c.Row("case", key("c")).Text("deadline"); got != "2022-06-24" {
			t.Errorf("a first %t: %s", aFirst, got)
		}
	}
}
