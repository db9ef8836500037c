package domain_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestHowFarAnEnrolmentIs: what was cancelled, proposed, voided or deleted is in no number.
func TestHowFarAnEnrolmentIs(t *testing.T) {
	row := func(collection string, kv ...string) merge.Row {
		f := map[string]merge.Value{}
		for i := 0; i < len(kv); i += 2 {
			f[kv[i]] = merge.Str(kv[i+1])
		}
		return merge.Row{Key: merge.Key{Collection: collection, ID: key(collection + kv[1])}, Version: 1, Fields: f}
	}
	gone := row("task", "state", domain.TaskVerified)
	gone.Deleted = true
	rows := []merge.Row{
		row("task", "state", domain.TaskVerified), row("task", "state", domain.TaskSubmitted), row("task", "state", domain.TaskAssigned), row("task", "state", domain.TaskProposed), row("task", "state", domain.TaskCancelled), gone,
		row("case", "state", domain.CaseIssued), row("case", "state", domain.CaseRejected), row("case", "state", domain.CaseAssessment), row("case", "state", domain.CaseProposed), row("case", "state", domain.CaseCancelled),
		row("sales", "state", "recorded", "effective_sold_on", "2022-05-04"), row("sales", "state", "recorded", "effective_sold_on", "2022-04-30"), row("sales", "state", domain.SaleVoid, "effective_sold_on", "2022-05-09"),
		row("enrolment", "state", "withdrawn", "confirmed_at", "2022-03-18T03:00:00.000Z"), row("enrolment", "state", "active", "confirmed_at", "2022-07-01T03:00:00.000Z"), row("product", "state", "active"),
	}
	want := domain.EnrolmentProgress{Enrolment: "active", TasksDone: 1, TasksTotal: 3, CasesDone: 2, CasesTotal: 3, LastEntry: "2022-05-04"}
	if got := domain.EnrolmentProgressOf(rows, ""); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := domain.EnrolmentProgressOf(nil, ""); got != (domain.EnrolmentProgress{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestProgressIsOfOneEnrolment: of the programme that is asked for, else of the newest that runs, and with it what
// belongs to no programme.
func TestProgressIsOfOneEnrolment(t *testing.T) {
	n := 0
	row := func(collection, state, programme string, more ...string) merge.Row {
		n++
		f := map[string]merge.Value{"state": merge.Str(state)}
		if programme != "" {
			f["programme_id"] = merge.Str(programme)
		}
		for i := 0; i < len(more); i += 2 {
			f[more[i]] = merge.Str(more[i+1])
		}
		return merge.Row{Key: merge.Key{Collection: collection, ID: key(string(merge.Num(n)))}, Version: 1, Fields: f}
	}
	rows := []merge.Row{
		row("enrolment", "completed", "2021", "confirmed_at", "2021-03-18T03:00:00.000Z"), row("enrolment", "active", "2022", "confirmed_at", "2022-03-18T03:00:00.000Z"),
		row("enrolment", "withdrawn", "2023", "confirmed_at", "2023-03-18T03:00:00.000Z"),
		row("task", domain.TaskVerified, "2021"), row("task", domain.TaskVerified, "2021"), row("task", domain.TaskVerified, "2021"),
		row("task", domain.TaskVerified, "2022"), row("task", domain.TaskAssigned, "2022"), row("task", domain.TaskAssigned, "2023"), row("task", domain.TaskAssigned, ""),
		row("case", domain.CaseIssued, "2021"), row("case", domain.CasePreparing, ""), row("sales", "recorded", "", "effective_sold_on", "2022-05-04"),
	}
	for _, tt := range []struct {
		programme string
		rows      []merge.Row
		want      domain.EnrolmentProgress
	}{
		{"", rows, domain.EnrolmentProgress{Enrolment: "active", TasksDone: 1, TasksTotal: 3, CasesTotal: 1, LastEntry: "2022-05-04"}},
		{"another", rows, domain.EnrolmentProgress{Enrolment: "active", TasksDone: 1, TasksTotal: 3, CasesTotal: 1, LastEntry: "2022-05-04"}},
		{"2021", rows, domain.EnrolmentProgress{Enrolment: "completed", TasksDone: 3, TasksTotal: 4, CasesDone: 1, CasesTotal: 2, LastEntry: "2022-05-04"}},
		{"2023", rows, domain.EnrolmentProgress{Enrolment: "withdrawn", TasksTotal: 2, CasesTotal: 1, LastEntry: "2022-05-04"}},
		{"", rows[3:], domain.EnrolmentProgress{TasksDone: 4, TasksTotal: 7, CasesDone: 1, CasesTotal: 2, LastEntry: "2022-05-04"}},
	} {
		if got := domain.EnrolmentProgressOf(tt.rows, tt.programme); got != tt.want {
			t.Errorf("%q: %+v, want %+v", tt.programme, got, tt.want)
		}
	}
}
