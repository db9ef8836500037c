package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// milestone is an edit of one milestone.
func milestone(code string, set map[string]any) map[string]merge.Value {
	return map[string]merge.Value{"milestones": merge.Encode(map[string]any{code: set})}
}

func (s *scene) milestone(code string) domain.Milestone {
	return domain.Milestones(s.Row("case", key("c")))[code]
}

func TestWhetherAMilestoneIsDone(t *testing.T) {
	tests := []struct {
		name string
		m    domain.Milestone
		day  domain.Date
		done bool
	}{
		{"nobody named a day", domain.Milestone{}, "", false},
		{"the earliest day", domain.Milestone{DoneAt: "2022-04-20"}, "2022-04-20", true},
		{"a correction counts instead", domain.Milestone{DoneAt: "2022-04-20", CorrectedOn: "2022-05-02"}, "2022-05-02", true},
		{"a correction alone", domain.Milestone{CorrectedOn: "2022-05-02"}, "2022-05-02", true},
		{"it is not done after all", domain.Milestone{DoneAt: "2022-04-20", CorrectedOn: "2022-05-02", Undone: true}, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if day, done := tt.m.Done(); day != tt.day || done != tt.done {
				t.Errorf("%s %t, want %s %t", day, done, tt.day, tt.done)
			}
		})
	}
}

// TestAMilestonesDayIsPutRight: the mentors' side can, an owner cannot, and an
// admin's word stays whichever arrives first.
func TestAMilestonesDayIsPutRight(t *testing.T) {
	s := newScene(t)
	lead(s, "skkni", domain.CasePreparing)
	s.must(s.edit(s.owner, "case", key("c"), milestone("training", map[string]any{"done_at": "2022-04-01"})))
	if a := s.edit(s.owner, "case", key("c"), milestone("training", map[string]any{"undone": true})); a.Outcome != merge.Rejected {
		t.Errorf("an owner undoes it: %+v", a)
	}
	mentor := s.change(s.mentor, "case", key("c"), milestone("training", map[string]any{"corrected_on": "2022-04-24"}))
	for _, mentorFirst := range []bool{true, false} {
		c := s.branch()
		if mentorFirst {
			c.taken(c.send(c.mentor, mentor)[0])
		}
		c.must(c.writeAs(merge.Admin, c.admin, "case", key("c"), milestone("training", map[string]any{"corrected_on": "2022-04-22"})))
		if !mentorFirst {
			c.taken(c.send(c.mentor, mentor)[0])
		}
		if day, done := c.milestone("training").Done(); day != "2022-04-22" || !done {
			t.Errorf("mentor first %t: %s %t", mentorFirst, day, done)
		}
		c.must(c.writeAs(merge.Admin, c.admin, "case", key("c"), milestone("training", map[string]any{"undone": true})))
		if _, done := c.milestone("training").Done(); done {
			t.Error("it is still done")
		}
	}
}

// scheduled writes the schedule of case c as "scheme 2022-05-01".
func (s *scene) scheduled() (out []string) {
	for _, st := range domain.Schedule(s.Row("case", key("c"))) {
		out = append(out, fmt.Sprint(st.Code, " ", st.Due))
	}
	return out
}

// approval makes an approval whose author had seen nothing of the case's dates.
func (s *scene) approval(p *mergetest.Phone, name string) merge.Item {
	return s.make(p, "case_event", key(name), caseOp("skkni", "approve"))
}

// TestAnApprovalDatesTheSteps evenly, from its day to the deadline.
func TestAnApprovalDatesTheSteps(t *testing.T) {
	s := newScene(t)
	newCase(s, "skkni")
	if got := s.scheduled(); got != nil {
		t.Errorf("a proposal has %v", got)
	}
	s.must(s.send(s.mentor, s.approval(s.mentor, "a"))[0])
	day := domain.BusinessDay(instantOf(t, s.Row("case_event", key("a")).Text("created_at")), domain.WIB)
	left := day.DaysUntil("2022-06-17")
	want := []string{}
	for i, code := range []string{"scheme", "training", "assessment", "result"} {
		want = append(want, fmt.Sprint(code, " ", domain.Date("2022-06-17").AddDays(-left*(3-i)/4)))
	}
	if got := s.scheduled(); !slices.Equal(got, want) || left < 8 || !slices.IsSortedFunc(domain.Schedule(s.Row("case", key("c"))), byDue) {
		t.Errorf("%v, want %v", got, want)
	}
	s.must(s.edit(s.mentor, "case", key("c"), milestone("training", map[string]any{"due_on": "2022-05-30"})))
	want[1] = "training 2022-05-30"
	if got := s.scheduled(); !slices.Equal(got, want) {
		t.Errorf("an own date: %v, want %v", got, want)
	}
	s.must(s.edit(s.mentor, "case", key("c"), texts("deadline_on", "2022-01-02")))
	if got := s.scheduled(); got[0] != "scheme 2022-01-02" || got[3] != "result 2022-01-02" {
		t.Errorf("a deadline before the approval: %v", got)
	}
}

// TestAnApprovalWithoutEffectDatesNothing: it crossed a cancel.
func TestAnApprovalWithoutEffectDatesNothing(t *testing.T) {
	s := newScene(t)
	newCase(s, "skkni")
	approve, cancel := s.approval(s.mentor, "a"), s.make(s.mentorB, "case_event", key("b"), caseOp("skkni", "cancel"))
	for _, cancelFirst := range []bool{true, false} {
		c := s.branch()
		if cancelFirst {
			c.taken(c.send(c.mentorB, cancel)[0])
		}
		c.taken(c.send(c.mentor, approve)[0])
		if !cancelFirst {
			c.taken(c.send(c.mentorB, cancel)[0])
		}
		if got := c.scheduled(); got != nil || c.caseState() != domain.CaseCancelled {
			t.Errorf("cancel first %t: %s, %v", cancelFirst, c.caseState(), got)
		}
	}
}

func byDue(a, b domain.ScheduledStep) int { return a.Due.Compare(b.Due) }

func instantOf(t *testing.T, text string) (at time.Time) {
	t.Helper()
	m, err := merge.ParseInstant(text)
	if err != nil {
		t.Fatal(err)
	}
	return m.Time()
}

// TestADateThatNobodyHadSeenStands: an admin's deadline, two approvals that saw
// nothing of it and an own date of a step, in every order.
func TestADateThatNobodyHadSeenStands(t *testing.T) {
	s := newScene(t)
	newCase(s, "skkni")
	own := s.change(s.mentor, "case", key("c"), milestone("scheme", map[string]any{"due_on": "2022-04-29"}))
	a, b := s.approval(s.mentor, "a"), s.approval(s.mentorB, "b")
	acts := []func(c *scene){
		func(c *scene) {
			c.must(c.writeAs(merge.Admin, c.admin, "case", key("c"), texts("deadline_on", "2022-08-31")))
		},
		func(c *scene) { c.taken(c.send(c.mentor, a)[0]) },
		func(c *scene) { c.taken(c.send(c.mentorB, b)[0]) },
		func(c *scene) { c.taken(c.send(c.mentor, own)[0]) },
	}
	var first []string
	permutations(len(acts), func(order []int) {
		c := s.branch()
		for _, i := range order {
			acts[i](c)
		}
		if got := c.Row("case", key("c")).Text("deadline"); got != "2022-08-31" {
			t.Errorf("order %v: %s", order, got)
		}
		got := c.scheduled()
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) || len(got) != 4 || got[0] != "scheme 2022-04-29" || got[3] != "result 2022-08-31" {
			t.Errorf("order %v: %v, before %v", order, got, first)
		}
	})
}

// TestAResultThatNobodyHadSeenStands beside an issue that names another.
func TestAResultThatNobodyHadSeenStands(t *testing.T) {
	s := newScene(t)
	last := lead(s, "skkni", domain.CaseAssessment)
	mended := with(resultOf("skkni"), texts("number", "ID-2"))
	s.must(s.writeAs(merge.Admin, s.admin, "case", key("c"), map[string]merge.Value{"result": merge.Encode(mended)}))
	s.must(s.doCase("skkni", did{"mentor", "issue", last}, "x"))
	if got := string(s.Row("case", key("c")).Fields["certificate"]); !strings.Contains(got, `"ID-2"`) {
		t.Errorf("certificate %s", got)
	}
}

func TestWhoProposesACase(t *testing.T) {
	for who, code := range map[string]string{"owner": "", "mentor": "", "staff": "forbidden"} {
		s := newScene(t)
		p := phoneOf(s, who)
		if a := s.send(p, s.make(p, "case", key("c"), proposal("nib")))[0]; a.Code != code {
			t.Errorf("%s: %+v, want %q", who, a, code)
		}
	}
	s := newScene(t)
	s.must(s.writeAs(merge.Admin, s.admin, "case", key("c"), proposal("nib")))
}
