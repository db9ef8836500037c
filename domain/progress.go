package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// EnrolmentProgress is how far an enterprise has come with one of its enrolments, and with what belongs
// to no programme. What was cancelled is in no number, and neither is what was only proposed.
type EnrolmentProgress struct {
	Enrolment  string `json:"enrolment"`     // its state; empty without one
	TasksDone  int    `json:"tasks_done"`    // verified by a mentor
	TasksTotal int    `json:"tasks_total"`   //
	CasesDone  int    `json:"cases_done"`    // issued, or rejected by the body
	CasesTotal int    `json:"cases_total"`   //
	LastEntry  Date   `json:"last_entry_on"` // newest day on which something was sold that counts; empty without
}

// EnrolmentProgressCollections are those that EnrolmentProgressOf reads.
func EnrolmentProgressCollections() []string { return []string{"enrolment", "task", "case", "sales"} }

// EnrolmentProgressOf counts the rows of a business, those of other collections too. It is that of
// the enrolment in a programme; where there is none, or programme is empty, of the newest that runs, else of the newest. Tasks and
// cases of other programmes are not in it; without any enrolment all are. Phones count
// what they hold by the same rule as the server.
func EnrolmentProgressOf(rows []merge.Row, programme string) (p EnrolmentProgress) {
	of, best := "", ""
	for _, r := range rows {
		if r.Collection != "enrolment" || r.Deleted {
			continue
		}
		state := r.Text("state")
		rank := "0"
		switch {
		case programme != "" && r.Text("programme_id") == programme:
			rank = "2"
		case state == EnrolmentActive || state == EnrolmentPaused:
			rank = "1"
		}
		if at := rank + r.Text("confirmed_at") + r.ID; at > best {
			best, of, p.Enrolment = at, r.Text("programme_id"), state
		}
	}
	for _, r := range rows {
		if in := r.Text("programme_id"); r.Deleted || of != "" && in != "" && in != of {
			continue
		}
		state := r.Text("state")
		switch r.Collection {
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
