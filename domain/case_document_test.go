package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// documents writes "form: 1 accepted, 2 given" and so on.
func documents(s *scene) string {
	kind, _ := domain.CaseKindOf(s.Row("case", key("c")).Text("kind"))
	var parts []string
	for _, d := range domain.CaseDocuments(kind, s.Rows("case_event")) {
		for _, v := range d.Versions {
			parts = append(parts, fmt.Sprintf("%s %d %s", d.Code, v.Version, v.State))
		}
		parts = append(parts, d.Code+" "+d.State)
	}
	return strings.Join(parts, ", ")
}

func TestDocumentsInEveryOrderOfArrival(t *testing.T) {
	type action struct {
		p     *mergetest.Phone
		words string
		name  string
		seen  []string
	}
	tests := []struct {
		name    string
		actions func(s *scene) []action
		want    string
	}{
		{"an acceptance stays on the version it named, beside a new file", func(s *scene) []action {
			return []action{{s.mentor, "accept form f1", "x", []string{"g"}}, {s.owner, "give form f2", "y", []string{"g"}}}
		}, "form 1 accepted, form 2 given, form given, portfolio missing"},
		{"two acceptances beside a new file", func(s *scene) []action {
			return []action{{s.mentor, "accept form f1", "x", []string{"g"}}, {s.mentorB, "accept form f1", "w", []string{"g"}}, {s.owner, "give form f2", "y", []string{"g"}}}
		}, "form 1 accepted, form 2 given, form given, portfolio missing"},
		{"a return beside a new file", func(s *scene) []action {
			return []action{{s.mentor, "return_document form f1", "x", []string{"g"}}, {s.owner, "give form f2", "y", []string{"g"}}}
		}, "form 1 returned, form 2 given, form given, portfolio missing"},
		{"owner and staff replace it at once: both stay, the later one counts", func(s *scene) []action {
			return []action{{s.owner, "give form f2", "x", []string{"g"}}, {s.staff, "give form f3", "y", []string{"g"}}, {s.mentor, "accept form f1", "z", []string{"g"}}}
		}, "form 1 accepted, form 2 given, form 3 given, form given, portfolio missing"},
		{"two mentors disagree: the later word counts", func(s *scene) []action {
			return []action{{s.mentor, "accept form f1", "x", []string{"g"}}, {s.mentorB, "return_document form f1", "y", []string{"g"}}}
		}, "form 1 returned, form returned, portfolio missing"},
		{"other documents stand apart", func(s *scene) []action {
			return []action{{s.mentor, "accept form f1", "x", []string{"g"}}, {s.owner, "give portfolio f2", "y", []string{"g"}}}
		}, "form 1 accepted, form accepted, portfolio 1 given, portfolio given"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			last := lead(s, "skkni", domain.CasePreparing)
			s.must(s.send(s.owner, s.make(s.owner, "case_event", key("g"), caseOp("skkni", "give form f1", key(last))))[0])
			acts := tt.actions(s)
			items := make([]merge.Item, len(acts))
			for i, a := range acts {
				seen := []string{}
				for _, n := range a.seen {
					seen = append(seen, key(n))
				}
				items[i] = s.make(a.p, "case_event", key(a.name), caseOp("skkni", a.words, seen...))
			}
			permutations(len(acts), func(order []int) {
				c := s.branch()
				for _, i := range order {
					c.must(c.send(acts[i].p, items[i])[0])
				}
				if got := documents(c); got != tt.want {
					t.Errorf("order %v: %s, want %s", order, got, tt.want)
				}
				if c.caseState() != domain.CasePreparing {
					t.Errorf("order %v: %s", order, c.caseState())
				}
			})
		})
	}
}

// TestFilingAsksWhatItsAuthorSaw: not what the documents are by the time it
// arrives.
func TestFilingAsksWhatItsAuthorSaw(t *testing.T) {
	s := newScene(t)
	last := lead(s, "packaging_design", domain.CasePreparing)
	s.must(s.doCase("packaging_design", did{"owner", "give brief f1", last}, "g"))
	if a := s.branch().doCase("packaging_design", did{"mentor", "file", "g"}, "x"); a.Code != "documents_missing" {
		t.Errorf("given and not accepted: %+v", a)
	}
	s.must(s.doCase("packaging_design", did{"mentor", "accept brief f1", "g"}, "h"))
	file := s.make(s.mentor, "case_event", key("x"), caseOp("packaging_design", "file", key("h")))
	unaware := s.make(s.mentorB, "case_event", key("z"), caseOp("packaging_design", "file", key("g")))
	replace := s.make(s.owner, "case_event", key("y"), caseOp("packaging_design", "give brief f2", key("h")))
	permutations(3, func(order []int) {
		c := s.branch()
		for _, i := range order {
			a := c.send([]*mergetest.Phone{s.mentor, s.mentorB, s.owner}[i], []merge.Item{file, unaware, replace}[i])[0]
			if want := []string{"", "documents_missing", ""}[i]; a.Code != want {
				t.Errorf("order %v, item %d: %+v, want %q", order, i, a, want)
			}
		}
		if row := c.Row("case", key("c")); row.Text("state") != domain.CaseSubmitted || !slices.Contains(row.Strings("flags"), "documents_open") {
			t.Errorf("order %v: %s", order, row.EncodeFields())
		}
	})
}
