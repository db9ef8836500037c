package domain

import (
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Milestone is what people wrote of one step of a case.
type Milestone struct {
	Title       string `json:"title"` // of an own one
	Due         Date   `json:"due_on"`
	DoneAt      Date   `json:"done_at"`      // the earliest day that anybody named
	CorrectedOn Date   `json:"corrected_on"` // counts instead
	Undone      bool   `json:"undone"`       // it is not done after all
}

// Done says whether and when a milestone is done. The earliest date stays the
// truth of the phones that had none; the mentors' side puts it right beside it.
func (m Milestone) Done() (Date, bool) {
	day := m.DoneAt
	if m.CorrectedOn != "" {
		day = m.CorrectedOn
	}
	if m.Undone {
		return "", false
	}
	return day, day != ""
}

// Milestones reads the milestones of a case that anybody wrote something of, by
// code. The map is the caller's.
func Milestones(c merge.Row) map[string]Milestone {
	out := map[string]Milestone{}
	if v := c.Fields["milestones"]; !merge.Null(v) && json.Unmarshal(v, &out) != nil {
		return map[string]Milestone{}
	}
	return out
}

// ScheduledStep is a usual milestone with the day on which it is due.
type ScheduledStep struct {
	Code string `json:"code"`
	Due  Date   `json:"due_on"` // at the end of this day in the business zone
}

// Schedule reads the usual steps of a case as its replay dated them.
func Schedule(c merge.Row) []ScheduledStep {
	var out []ScheduledStep
	if v := c.Fields["schedule"]; !merge.Null(v) && json.Unmarshal(v, &out) != nil {
		return nil
	}
	return out
}

// schedule dates the usual steps of an approved case: spread evenly from the day
// of its approval to its deadline, the last one on it, all of them on a deadline
// that lies before. A step's own date counts instead. An approval that never
// took effect dates nothing.
func schedule(kind CaseKind, c merge.Row, ops []merge.Row, deadline Date) []ScheduledStep {
	approved, ok := approvalDay(ops)
	if !ok || deadline == "" {
		return nil
	}
	own, days, steps := Milestones(c), max(approved.DaysUntil(deadline), 0), len(kind.Milestones)
	var out []ScheduledStep
	for i, m := range kind.Milestones {
		due := deadline.AddDays(-days * (steps - 1 - i) / steps)
		if own[m.Code].Due != "" {
			due = own[m.Code].Due
		}
		out = append(out, ScheduledStep{m.Code, due})
	}
	return out
}

// approvalDay is the day, in WIB, of the first approval that took effect.
func approvalDay(ops []merge.Row) (Date, bool) {
	at := firstEffective(ops, "approve")
	return BusinessDay(at.Time(), WIB), at != 0
}

// firstEffective is when the first of a kind of operations on a case took effect, 0
// if none did.
func firstEffective(ops []merge.Row, op string) merge.Millis {
	outcomes := caseMachine().outcomes(ops)
	ops = slices.DeleteFunc(slices.Clone(ops), func(o merge.Row) bool { return o.Text("op") != op || outcomes[o.ID] != Effective })
	if len(ops) == 0 {
		return 0
	}
	return instantOf(slices.MinFunc(ops, merge.EarlierOperation), "created_at")
}
