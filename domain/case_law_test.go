package domain_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestACaseDoesNotDependOnArrival sends histories of operations, legal or not,
// in every order that is possible.
func TestACaseDoesNotDependOnArrival(t *testing.T) {
	ops := map[string][]string{"owner": {"give form f1", "give form f2", "give portfolio f3", "approve"}, "staff": {"give form f3"},
		"mentor":   {"approve", "accept form f1", "return_document form f1", "file", "start_assessment", "findings", "close_findings", "issue", "cancel"},
		"mentor b": {"approve", "accept form f1", "file", "issue", "reject", "findings", "cancel"}}
	starts := map[string]*scene{}
	lasts := map[string]string{}
	states := []string{domain.CaseProposed, domain.CasePreparing, domain.CaseSubmitted, domain.CaseAssessment, domain.CaseCorrective}
	for _, state := range states {
		starts[state] = newScene(t)
		lasts[state] = lead(starts[state], "skkni", state)
	}
	rapid.Check(t, func(r *rapid.T) {
		state := rapid.SampledFrom(states).Draw(r, "state")
		s := starts[state]
		var steps []step
		var items []merge.Item
		name := func(i int) string { return "law " + letter(i) }
		for i := range rapid.IntRange(2, 4).Draw(r, "operations") {
			st := step{who: rapid.SampledFrom([]string{"owner", "staff", "mentor", "mentor b"}).Draw(r, "who")}
			st.kind = rapid.SampledFrom(ops[st.who]).Draw(r, "op")
			seen := []string{}
			if last := lasts[state]; last != "" && rapid.IntRange(0, 5).Draw(r, "saw the start") > 0 {
				seen = append(seen, key(last))
			}
			for j := range i {
				if rapid.Bool().Draw(r, "saw") {
					st.seen += letter(j)
					seen = append(seen, key(name(j)))
				}
			}
			steps = append(steps, st)
			items = append(items, s.make(phoneOf(s, st.who), "case_event", key(name(i)), caseOp("skkni", st.kind, seen...)))
		}
		first := ""
		permutations(len(steps), func(order []int) {
			if !causal(steps, order) {
				return
			}
			got := replayCase(s, steps, items, order)
			if first == "" {
				first = got
			}
			if got != first {
				r.Fatalf("%s: %+v in order %v:\n%s\nwant\n%s", state, steps, order, got, first)
			}
		})
	})
}

// replayCase sends the items in an order and writes down verdicts, the case and
// every outcome.
func replayCase(s *scene, steps []step, items []merge.Item, order []int) string {
	c := s.branch()
	verdicts := make([]string, len(steps))
	for _, i := range order {
		a := c.send(phoneOf(s, steps[i].who), items[i])[0]
		verdicts[i] = string(a.Outcome) + a.Code
	}
	row := c.Row("case", key("c"))
	out := strings.Join(verdicts, " ")
	for _, f := range []string{"state", "confirmed", "documents", "deadline", "certificate", "flags"} {
		out += " " + string(row.Fields[f])
	}
	for _, o := range c.Rows("case_event") {
		out += " " + o.Text("outcome")
	}
	return out
}

// TestEveryKindIsWholeInBothLanguages holds the table of kinds together.
func TestEveryKindIsWholeInBothLanguages(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range domain.CaseKinds() {
		if seen[k.Kind] || k.ID == "" || k.EN == "" || k.ID == k.EN || len(k.Subjects) == 0 || len(k.Milestones) == 0 || k.Validity == "" || k.Expiry == "" {
			t.Errorf("%+v", k)
		}
		seen[k.Kind] = true
		for _, steps := range [][]domain.Step{k.Milestones, k.Documents} {
			codes := map[string]bool{}
			for _, st := range steps {
				if codes[st.Code] || st.ID == "" || st.EN == "" {
					t.Errorf("%s: %+v", k.Kind, st)
				}
				codes[st.Code] = true
			}
		}
	}
	want := strings.Fields("haccp skkni tkdn test_report packaging_design brand_design brand_registration sni halal pirt bpom nib machine_restructuring packaging_clinic")
	for _, kind := range want {
		if !seen[kind] {
			t.Errorf("no %s", kind)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d kinds, want %d", len(seen), len(want))
	}
	if _, ok := domain.CaseKindOf("iso_9001"); ok {
		t.Error("an unknown kind is known")
	}
}
