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
	if got := domain.EnrolmentProgressOf(rows); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := domain.EnrolmentProgressOf(nil); got != (domain.EnrolmentProgress{}) {
		t.Errorf("of nothing: %+v", got)
	}
}
