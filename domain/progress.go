package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// EnrolmentProgress is how far an enterprise has come with what it is accompanied in. What was
// cancelled is in no number, and neither is what was only proposed.
type EnrolmentProgress struct {
	Enrolment  string `json:"enrolment"`     // state of the newest; empty without one
	TasksDone  int    `json:"tasks_done"`    // verified by a mentor
	TasksTotal int    `json:"tasks_total"`   //
	CasesDone  int    `json:"cases_done"`    // issued, or rejected by the body
	CasesTotal int    `json:"cases_total"`   //
	LastEntry  Date   `json:"last_entry_on"` // newest day on which something was sold that counts; empty without
}

// EnrolmentProgressCollections are those that EnrolmentProgressOf reads.
func EnrolmentProgressCollections() []string { return []string{"enrolment", "task", "case", "sales"} }

// EnrolmentProgressOf counts the rows of a business, those of other collections too. Phones count
// what they hold by the same rule as the server.
func EnrolmentProgressOf(rows []merge.Row) (p EnrolmentProgress) {
	newest := ""
	for _, r := range rows {
		if r.Deleted {
			continue
		}
		state := r.Text("state")
		switch r.Collection {
		case "enrolment":
			if at := r.Text("confirmed_at") + r.ID; at > newest {
				newest, p.Enrolment = at, state
			}
		case "task":
			p.TasksDone += count(state == TaskVerified)
			p.TasksTotal += count(state != TaskCancelled && state != TaskProposed)
		case "case":
			p.CasesDone += count(state == CaseIssued || state == CaseRejected)
			p.CasesTotal += count(state != CaseCancelled && state != CaseProposed)
		case "sales":
			if Counts(r) {
				p.LastEntry = max(p.LastEntry, Date(r.Text("effective_sold_on")))
			}
		}
	}
	return p
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
