package domain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// did is one operation on the case of a test: who, what, what it names, and the
// names of the operations on the author's screen, a letter each.
type did struct{ who, op, seen string }

// proposal is the content of a new case; its subject is of the first type that
// the kind allows.
func proposal(kind string) map[string]merge.Value {
	k, _ := domain.CaseKindOf(kind)
	subject := map[string]string{"type": k.Subjects[0], "id": key("subject")}
	set := with(texts("kind", kind), map[string]merge.Value{"subject": merge.Encode(subject)})
	if len(k.Categories) > 0 {
		set["category"] = merge.Str(k.Categories[0])
	}
	return set
}

// outcome of a kind, as its table wants it.
func resultOf(kind string) map[string]merge.Value {
	k, _ := domain.CaseKindOf(kind)
	r := texts("issued_on", "2022-06-01", "file_id", key("paper"))
	if k.Numbered {
		r["number"] = merge.Str("ID-" + kind)
	}
	if k.Valued {
		r["value_bp"] = merge.Num(2512)
	}
	switch k.Expiry {
	case domain.Expires:
		r["valid_until"] = merge.Str("2025-06-01")
	case domain.MayExpire:
		r["no_expiry"] = merge.Flag(true)
	}
	return r
}

// caseOp is the content of an operation on case c. A word behind the operation is
// the document, and a second one the file: "give form f1".
func caseOp(kind, words string, seen ...string) map[string]merge.Value {
	op, rest, _ := strings.Cut(words, " ")
	document, file, _ := strings.Cut(rest, " ")
	set := with(texts("case_id", key("c"), "op", op, "note", "because"), map[string]merge.Value{"seen": merge.Encode(append([]string{}, seen...))})
	switch op {
	case "approve":
		set["deadline_on"] = merge.Str("2022-06-17")
	case "start_assessment":
		set["assessed_on"], set["assessor"] = merge.Str("2022-05-20"), merge.Str("LSP Pangan")
	case "findings":
		set["findings"], set["due_on"] = merge.Encode([]string{"lantai licin"}), merge.Str("2022-06-10")
	case "issue":
		set["result"] = merge.Encode(resultOf(kind))
	case "give", "accept", "return_document":
		set["document"], set["file_id"] = merge.Str(document), merge.Str(key(file))
	}
	return set
}

// newCase puts a case of a kind in front of everybody, with a product and files
// to name.
func newCase(s *scene, kind string) {
	s.t.Helper()
	s.must(s.send(s.owner, s.make(s.owner, "product", key("subject"), texts("name", "Keripik")))[0])
	for _, f := range []string{"paper", "f1", "f2", "f3"} {
		photo(s, s.mentor, f)
	}
	s.must(s.send(s.owner, s.make(s.owner, "case", key("c"), proposal(kind)))[0])
}

// doCase lets somebody operate on the case; admins do it online.
func (s *scene) doCase(kind string, d did, name string) merge.Answer {
	s.t.Helper()
	var seen []string
	for _, l := range d.seen {
		seen = append(seen, key(string(l)))
	}
	set := caseOp(kind, d.op, seen...)
	switch d.who {
	case "admin":
		return s.writeAs(merge.Admin, s.admin, "case_event", key(name), set)
	case "mentor online":
		return s.writeAs(merge.Mentor, s.mentor.User, "case_event", key(name), set)
	}
	p := phoneOf(s, d.who)
	return s.send(p, s.make(p, "case_event", key(name), set))[0]
}

// path gives the operations that lead a case to a state, named a, b, c …, each
// seeing the one before.
func path(kind, state string) []did {
	k, _ := domain.CaseKindOf(kind)
	approver := "mentor"
	if k.Funded {
		approver = "admin"
	}
	steps := []did{{who: approver, op: "approve"}}
	if state == domain.CaseProposed {
		return nil
	}
	if state != domain.CasePreparing {
		for _, d := range k.Documents {
			if d.Needed {
				steps = append(steps, did{who: "owner", op: "give " + d.Code + " f1"}, did{who: "mentor", op: "accept " + d.Code + " f1"})
			}
		}
		steps = append(steps, did{who: "mentor", op: "file"})
	}
	switch state {
	case domain.CaseAssessment:
		steps = append(steps, did{who: "mentor", op: "start_assessment"})
	case domain.CaseCorrective:
		steps = append(steps, did{who: "mentor", op: "start_assessment"}, did{who: "mentor", op: "findings"})
	case domain.CaseIssued:
		steps = append(steps, did{who: "mentor", op: "issue"})
	case domain.CaseRejected:
		steps = append(steps, did{who: "mentor", op: "reject"})
	}
	for i := range steps {
		if i > 0 {
			steps[i].seen = letter(i - 1)
		}
	}
	return steps
}

// lead brings a new case of a kind to a state and gives the name of the last
// operation.
func lead(s *scene, kind, state string) (last string) {
	s.t.Helper()
	newCase(s, kind)
	for i, d := range path(kind, state) {
		last = letter(i)
		s.must(s.doCase(kind, d, last))
	}
	if got := s.caseState(); got != state {
		s.t.Fatalf("%s is %s, want %s", kind, got, state)
	}
	return last
}

func (s *scene) caseState() string { return s.Row("case", key("c")).Text("state") }

func (s *scene) caseOutcome(name string) string {
	return s.Row("case_event", key(name)).Text("outcome")
}

// reviews counts what waits for the admins, by kind.
func (s *scene) reviews(what string) (n int) {
	for _, e := range s.Effects {
		if e.Collection == "review_item" && merge.AsString(e.Set["what"]) == what {
			n++
		}
	}
	return n
}

func TestEveryKindCanBeWalkedToItsEnd(t *testing.T) {
	for _, k := range domain.CaseKinds() {
		t.Run(k.Kind, func(t *testing.T) {
			s := newScene(t)
			last := lead(s, k.Kind, domain.CaseIssued)
			row := s.Row("case", key("c"))
			if string(row.Fields["confirmed"]) != "false" || s.reviews("case_confirmation") != 1 || s.told("N20", s.owner.User) != 0 {
				t.Errorf("before the confirmation: %s", row.EncodeFields())
			}
			s.must(s.doCase(k.Kind, did{"admin", "confirm_issue", last}, "z"))
			row = s.Row("case", key("c"))
			if string(row.Fields["confirmed"]) != "true" || row.Fields["certificate"] == nil || s.told("N20", s.owner.User) != 1 || s.told("N20", s.mentor.User) != 1 {
				t.Errorf("after the confirmation: %s", row.EncodeFields())
			}
			certs := s.Row("product", key("subject")).Strings("certs")
			if want := slices.Contains(k.Subjects[:1], domain.SubjectProduct); want != slices.Equal(certs, []string{key("c")}) {
				t.Errorf("the product's certificates are %v", certs)
			}
			if k.Funded != (s.reviews("case_funding") == 1) {
				t.Errorf("admins were asked %d times for money", s.reviews("case_funding"))
			}
		})
	}
}

func TestConcurrentOperationsOnACase(t *testing.T) {
	tests := []struct {
		name           string
		kind, state    string // where both authors saw it
		x, y           did
		want           string
		xWants, yWants string
		told, review   string
	}{
		{"issue beside a rejection: issued, and an admin settles with the paper", "skkni", domain.CaseAssessment, did{"mentor", "issue", ""}, did{"mentor b", "reject", ""}, domain.CaseIssued, "effective", "superseded", "mentor b", "issue_against_reject"},
		{"issue beside a cancel", "skkni", domain.CaseAssessment, did{"mentor", "issue", ""}, did{"admin", "cancel", ""}, domain.CaseIssued, "effective", "superseded", "", ""},
		{"a rejection beside a cancel", "skkni", domain.CaseAssessment, did{"mentor", "reject", ""}, did{"admin", "cancel", ""}, domain.CaseRejected, "effective", "superseded", "", ""},
		{"a cancel beside findings", "skkni", domain.CaseAssessment, did{"admin", "cancel", ""}, did{"mentor", "findings", ""}, domain.CaseCancelled, "effective", "superseded", "mentor", ""},
		{"findings beside an issue", "skkni", domain.CaseAssessment, did{"mentor", "issue", ""}, did{"mentor b", "findings", ""}, domain.CaseIssued, "effective", "superseded", "mentor b", ""},
		{"closed findings beside a cancel", "skkni", domain.CaseCorrective, did{"mentor b", "cancel", ""}, did{"mentor", "close_findings", ""}, domain.CaseCancelled, "effective", "absorbed", "mentor", ""},
		{"the start of the assessment beside an issue", "skkni", domain.CaseSubmitted, did{"mentor", "issue", ""}, did{"mentor b", "start_assessment", ""}, domain.CaseIssued, "effective", "absorbed", "mentor b", ""},
		{"filing beside a cancel", "nib", domain.CasePreparing, did{"mentor", "cancel", ""}, did{"mentor b", "file", ""}, domain.CaseCancelled, "effective", "absorbed", "mentor b", ""},
		{"approval beside a cancel", "nib", domain.CaseProposed, did{"mentor", "cancel", ""}, did{"mentor b", "approve", ""}, domain.CaseCancelled, "effective", "absorbed", "mentor b", ""},
		{"two approvals are one", "nib", domain.CaseProposed, did{"mentor", "approve", ""}, did{"mentor b", "approve", ""}, domain.CasePreparing, "", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := newScene(t)
			last := lead(start, tt.kind, tt.state)
			for _, xFirst := range []bool{true, false} {
				s := start.branch()
				x, y := tt.x, tt.y
				x.seen, y.seen = last, last
				if xFirst {
					s.must(s.doCase(tt.kind, x, "x"))
					s.must(s.doCase(tt.kind, y, "y"))
				} else {
					s.must(s.doCase(tt.kind, y, "y"))
					s.must(s.doCase(tt.kind, x, "x"))
				}
				if s.caseState() != tt.want {
					t.Errorf("x first %t: %s, want %s", xFirst, s.caseState(), tt.want)
				}
				if x, y := s.caseOutcome("x"), s.caseOutcome("y"); tt.xWants != "" && (x != tt.xWants || y != tt.yWants) {
					t.Errorf("x first %t: x %s, y %s", xFirst, x, y)
				}
				if tt.told != "" && s.told("case_operation_absorbed", phoneOf(s, tt.told).User) != 1 {
					t.Errorf("x first %t: %s was not told", xFirst, tt.told)
				}
				flagged := slices.Contains(s.Row("case", key("c")).Strings("flags"), "needs_review")
				if want := tt.review != ""; want != (s.reviews("issue_against_reject") == 1) || want != flagged {
					t.Errorf("x first %t: %d reviews, flagged %t", xFirst, s.reviews("issue_against_reject"), flagged)
				}
			}
		})
	}
}

// TestAnAdminSettlesAnIssueAgainstARejection with the paper, once.
func TestAnAdminSettlesAnIssueAgainstARejection(t *testing.T) {
	for op, want := range map[string]string{"confirm_issue": domain.CaseIssued, "confirm_reject": domain.CaseRejected} {
		s := newScene(t)
		last := lead(s, "skkni", domain.CaseAssessment)
		s.must(s.doCase("skkni", did{"mentor", "issue", last}, "x"))
		s.must(s.doCase("skkni", did{"mentor b", "reject", last}, "y"))
		s.must(s.doCase("skkni", did{"admin", op, "xy"}, "z"))
		row := s.Row("case", key("c"))
		if row.Text("state") != want || string(row.Fields["confirmed"]) != "true" || slices.Contains(row.Strings("flags"), "needs_review") {
			t.Errorf("%s: %s", op, row.EncodeFields())
		}
		if (want == domain.CaseIssued) != (row.Fields["certificate"] != nil) {
			t.Errorf("%s: certificate %s", op, row.Fields["certificate"])
		}
		for _, again := range []string{"confirm_issue", "confirm_reject", "cancel"} {
			if a := s.doCase("skkni", did{"admin", again, "z"}, "again "+again); a.Code != "forbidden_transition" {
				t.Errorf("%s after %s: %+v", again, op, a)
			}
		}
	}
}

// TestARejectionThatCrossesTheConfirmation is not taken for nothing: admins look.
func TestARejectionThatCrossesTheConfirmation(t *testing.T) {
	s := newScene(t)
	last := lead(s, "skkni", domain.CaseAssessment)
	s.must(s.doCase("skkni", did{"mentor", "issue", last}, "x"))
	s.must(s.doCase("skkni", did{"admin", "confirm_issue", "x"}, "z"))
	s.must(s.doCase("skkni", did{"mentor b", "reject", last}, "y"))
	if s.caseState() != domain.CaseIssued || s.caseOutcome("y") != domain.Superseded || s.reviews("issue_against_reject") != 1 {
		t.Errorf("%s, rejection %s, %d reviews", s.caseState(), s.caseOutcome("y"), s.reviews("issue_against_reject"))
	}
}

func TestWhoMayDoWhatToACase(t *testing.T) {
	tests := []struct {
		name, kind, state string
		d                 did
		code              string // "" = taken
	}{
		{"a mentor approves a free kind", "skkni", domain.CaseProposed, did{who: "mentor", op: "approve"}, ""},
		{"a mentor does not approve a funded one", "haccp", domain.CaseProposed, did{who: "mentor", op: "approve"}, "admin_required"},
		{"an admin does", "haccp", domain.CaseProposed, did{who: "admin", op: "approve"}, ""},
		{"an owner does not approve", "skkni", domain.CaseProposed, did{who: "owner", op: "approve"}, "forbidden"},
		{"an owner gives a document", "skkni", domain.CasePreparing, did{who: "owner", op: "give form f1"}, ""},
		{"staff give one", "skkni", domain.CasePreparing, did{who: "staff", op: "give form f1"}, ""},
		{"nobody gives one to a proposal", "skkni", domain.CaseProposed, did{who: "owner", op: "give form f1"}, "forbidden_transition"},
		{"an owner does not accept", "skkni", domain.CasePreparing, did{who: "owner", op: "accept form f1"}, "forbidden"},
		{"a mentor accepts what was given only", "skkni", domain.CasePreparing, did{who: "mentor", op: "accept form f1"}, "document_unknown"},
		{"nobody files without the documents", "skkni", domain.CasePreparing, did{who: "mentor", op: "file"}, "documents_missing"},
		{"a kind without documents is filed", "nib", domain.CasePreparing, did{who: "mentor", op: "file"}, ""},
		{"an owner does not file", "nib", domain.CasePreparing, did{who: "owner", op: "file"}, "forbidden"},
		{"the body issues without an assessment", "nib", domain.CaseSubmitted, did{who: "mentor", op: "issue"}, ""},
		{"or rejects", "nib", domain.CaseSubmitted, did{who: "mentor", op: "reject"}, ""},
		{"findings want an assessment", "nib", domain.CaseSubmitted, did{who: "mentor", op: "findings"}, "forbidden_transition"},
		{"nothing is issued with open findings", "nib", domain.CaseCorrective, did{who: "mentor", op: "issue"}, "forbidden_transition"},
		{"an owner uploads what mends a finding", "skkni", domain.CaseCorrective, did{who: "owner", op: "give form f2"}, ""},
		{"a mentor closes findings", "nib", domain.CaseCorrective, did{who: "mentor", op: "close_findings"}, ""},
		{"a phone does not confirm", "nib", domain.CaseIssued, did{who: "mentor", op: "confirm_issue"}, "forbidden"},
		{"nor does a mentor online", "nib", domain.CaseIssued, did{who: "mentor online", op: "confirm_issue"}, "forbidden"},
		{"an admin confirms", "nib", domain.CaseIssued, did{who: "admin", op: "confirm_issue"}, ""},
		{"but not what nobody recorded", "nib", domain.CaseIssued, did{who: "admin", op: "confirm_reject"}, "forbidden_transition"},
		{"an admin confirms a rejection", "nib", domain.CaseRejected, did{who: "admin", op: "confirm_reject"}, ""},
		{"a mentor cancels a free case", "nib", domain.CaseCorrective, did{who: "mentor", op: "cancel"}, ""},
		{"not a funded one", "haccp", domain.CasePreparing, did{who: "mentor", op: "cancel"}, "admin_required"},
		{"an admin cancels any", "haccp", domain.CasePreparing, did{who: "admin", op: "cancel"}, ""},
		{"an owner cancels none", "nib", domain.CaseProposed, did{who: "owner", op: "cancel"}, "forbidden"},
		{"a mentor does not cancel an issue", "nib", domain.CaseIssued, did{who: "mentor", op: "cancel"}, "admin_required"},
		{"an admin takes back an issue that nobody confirmed", "nib", domain.CaseIssued, did{who: "admin", op: "cancel"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.d.seen = lead(s, tt.kind, tt.state)
			if a := s.doCase(tt.kind, tt.d, "x"); a.Code != tt.code {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
}

// TestWhatCameBackMayHaveSeenWhatDidNot: after a restore an operation names an
// own one that was sent again, which had seen one that is still missing. The state that
// it names counts all the same.
func TestWhatCameBackMayHaveSeenWhatDidNot(t *testing.T) {
	for from, code := range map[string]string{domain.CasePreparing: "", domain.CaseProposed: "forbidden_transition"} {
		s := newScene(t)
		lead(s, "skkni", domain.CasePreparing)
		one := s.make(s.mentor, "case_event", key("x"), with(caseOp("skkni", "give form f1", key("lost")), texts("from", domain.CasePreparing)))
		two := s.make(s.mentor, "case_event", key("y"), with(caseOp("skkni", "accept form f1", key("x")), texts("from", from)))
		s.Raise(s.tick())
		s.must(s.send(s.mentor, one)[0])
		if a := s.send(s.mentor, two)[0]; a.Code != code {
			t.Errorf("from %s: %+v, want %q", from, a, code)
		}
	}
}
