package domain_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// TestAfterARestoreAPhoneGivesItselfNothing: a phone says in which state it saw a record and that
// it had seen what nobody knows, in every machine. What only the office or the mentor gives it does
// not get by that.
func TestAfterARestoreAPhoneGivesItselfNothing(t *testing.T) {
	application := domain.ApplicationID(key("b"), key("programme"), 1)
	applied := func(ops ...string) func(s *scene) {
		return func(s *scene) {
			s.write("application", application, map[string]merge.Value{"programme_id": merge.Str(key("programme")), "opens": merge.Str(domain.ApplicationSubmitted)})
			for _, op := range ops {
				s.write("application_event", key(op), with(texts("application_id", application, "op", op), map[string]merge.Value{"confirm_by": confirmable(op)}))
			}
		}
	}
	enrolled := func(s *scene) {
		applied("offer")(s)
		s.write("enrolment", key("e"), texts("application_id", application, "programme_id", key("programme"), "state", domain.EnrolmentWithdrawn))
	}
	for name, tt := range map[string]struct {
		before     func(s *scene)
		phone      func(s *scene) *mergetest.Phone
		collection string
		set        map[string]merge.Value
		seen       []string
		of         merge.Key
		want       string
	}{
		"a place before the results":        {applied(), ownersOf, "application_event", texts("application_id", application, "op", "confirm", "from", "offered"), nil, merge.Key{Collection: "application", ID: application}, domain.ApplicationSubmitted},
		"a place out of the reserve":        {applied("hold"), ownersOf, "application_event", texts("application_id", application, "op", "confirm", "from", "offered"), []string{"hold"}, merge.Key{Collection: "application", ID: application}, domain.ApplicationReserve},
		"a place of who was turned down":    {applied("turn_down"), ownersOf, "application_event", texts("application_id", application, "op", "confirm", "from", "offered"), []string{"turn_down"}, merge.Key{Collection: "application", ID: application}, domain.ApplicationNotSelected},
		"a place of who was disqualified":   {applied("offer", "disqualify"), ownersOf, "application_event", texts("application_id", application, "op", "confirm", "from", "offered"), []string{"disqualify"}, merge.Key{Collection: "application", ID: application}, domain.ApplicationDisqualified},
		"a place that lapsed":               {applied("offer", "lapse"), ownersOf, "application_event", texts("application_id", application, "op", "confirm", "from", "offered"), []string{"lapse"}, merge.Key{Collection: "application", ID: application}, domain.ApplicationLapsed},
		"another round":                     {applied("turn_down"), ownersOf, "application_event", texts("application_id", application, "op", "submit", "from", "draft"), []string{"turn_down"}, merge.Key{Collection: "application", ID: application}, domain.ApplicationNotSelected},
		"an offer":                          {applied(), ownersOf, "application_event", texts("application_id", application, "op", "offer", "from", "submitted"), nil, merge.Key{Collection: "application", ID: application}, domain.ApplicationSubmitted},
		"taking part":                       {enrolled, ownersOf, "enrolment_event", texts("enrolment_id", key("e"), "programme_id", key("programme"), "op", domain.EnrolmentRegain, "from", "withdrawn"), nil, merge.Key{Collection: "enrolment", ID: key("e")}, domain.EnrolmentWithdrawn},
		"a facilitation that is paid for":   {func(s *scene) { newCase(s, "haccp") }, mentorsOf, "case_event", with(caseOp("haccp", "file"), texts("from", domain.CasePreparing)), nil, merge.Key{Collection: "case", ID: key("c")}, domain.CaseProposed},
		"the certificate of such a one":     {func(s *scene) { newCase(s, "haccp") }, mentorsOf, "case_event", with(caseOp("haccp", "issue"), texts("from", domain.CaseAssessment)), nil, merge.Key{Collection: "case", ID: key("c")}, domain.CaseProposed},
		"a certificate, by its owner":       {func(s *scene) { newCase(s, "skkni") }, ownersOf, "case_event", with(caseOp("skkni", "issue"), texts("from", domain.CaseAssessment)), nil, merge.Key{Collection: "case", ID: key("c")}, domain.CaseProposed},
		"a task that is done, by its owner": {func(s *scene) { s.write("task", key("t"), texts("title", "Foto", "origin", domain.OriginTemplate)) }, ownersOf, "task_event", texts("task_id", key("t"), "op", "verify", "from", "submitted"), nil, merge.Key{Collection: "task", ID: key("t")}, domain.TaskAssigned},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			tt.before(s)
			s.Raise(s.tick())
			seen := []string{key("nobody knows")}
			for _, o := range tt.seen {
				seen = append(seen, key(o))
			}
			p := tt.phone(s)
			a := s.send(p, s.make(p, tt.collection, key("forged"), with(tt.set, map[string]merge.Value{"seen": merge.Encode(seen)})))[0]
			r := s.Row(tt.of.Collection, tt.of.ID)
			if got := r.Text("state"); got != tt.want {
				t.Errorf("%s, answered %+v, want %s", got, a, tt.want)
			}
		})
	}
}

func ownersOf(s *scene) *mergetest.Phone  { return s.owner }
func mentorsOf(s *scene) *mergetest.Phone { return s.mentor }

// confirmable is the deadline of an offer, and nothing with another result.
func confirmable(op string) merge.Value {
	if op != "offer" {
		return nil
	}
	return (start + 30*oneDay).Value()
}

// TestAReturnThatIsSaidAgainCounts: a restore took the return of a submission. Its owner's phone had seen it and submits again; the
// server, which has not, sends that back under the same id, having seen both. Neither hides the other.
func TestAReturnThatIsSaidAgainCounts(t *testing.T) {
	t.Parallel()
	application := domain.ApplicationID(key("b"), key("programme"), 1)
	s := newScene(t)
	s.write("application", application, map[string]merge.Value{"programme_id": merge.Str(key("programme"))})
	s.write("application_event", key("s1"), texts("application_id", application, "op", "submit"))
	s.Raise(s.tick())
	p := ownersOf(s)
	again := with(texts("application_id", application, "op", "submit", "from", domain.ApplicationReturned), map[string]merge.Value{"seen": merge.Encode([]string{key("s1"), key("r1")})})
	s.send(p, s.make(p, "application_event", key("s2"), again))
	if state := s.Row("application", application).Text("state"); state != domain.ApplicationSubmitted {
		t.Fatalf("submitted again, and %s", state)
	}
	s.write("application_event", key("r1"), texts("application_id", application, "op", "return", "reason_code", domain.ReturnIncomplete))
	if r := s.Row("application", application); r.Text("state") != domain.ApplicationReturned || r.Text("returned_for") != domain.ReturnIncomplete {
		t.Errorf("%s for %q", r.Text("state"), r.Text("returned_for"))
	}
}
