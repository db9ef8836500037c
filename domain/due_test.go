package domain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// dues writes what is due as "task 2022-06-17 near 3" or "case/account 2022-06-17
// overdue -1".
func dues(rows []merge.Row, today domain.Date) (out []string) {
	for _, d := range domain.Dues(rows, today) {
		what := d.Collection
		if d.Step != "" {
			what += "/" + d.Step
		}
		says := d.Says
		if d.Renewal > 0 {
			says += fmt.Sprint(" ", d.Renewal)
		}
		out = append(out, fmt.Sprintf("%s %s %s %d", what, d.On, says, d.Days))
	}
	return out
}

func TestWhatIsDue(t *testing.T) {
	task := func(state string) []merge.Row {
		return remindable("task", texts("state", state, "due_on", "2022-06-17"))
	}
	submission := func(state, made string) []merge.Row {
		return append(task(state), merge.Row{Key: merge.Key{Collection: "task_event", ID: key("e")},
			Fields: texts("task_id", key("r"), "op", "submit", "due_on", "2022-06-15", "created_at", made)})
	}
	open := remindable("case", with(texts("kind", "nib", "state", domain.CasePreparing, "deadline", "2022-06-17"), map[string]merge.Value{
		"schedule":   merge.Value(`[{"code":"account","due_on":"2022-06-01"},{"code":"application","due_on":"2022-06-09"},{"code":"issue","due_on":"2022-06-17"}]`),
		"milestones": merge.Value(`{"application":{"done_at":"2022-05-30"},"photo":{"title":"Foto lokasi","due_on":"2022-06-20"}}`)}))
	certified := func(until string) []merge.Row {
		certificate, err := json.Marshal(map[string]string{"issued_on": "2020-01-01", "valid_until": until})
		if err != nil {
			t.Fatal(err)
		}
		return remindable("case", with(texts("kind", "halal", "state", domain.CaseIssued, "deadline", "2021-06-17"),
			map[string]merge.Value{"confirmed": merge.Flag(true), "certificate": certificate}))
	}
	renewal := merge.Row{Key: merge.Key{Collection: "case", ID: key("next")}, Fields: texts("kind", "halal", "state", domain.CaseIssued, "linked_from", key("r"))}
	tests := []struct {
		name  string
		rows  []merge.Row
		today domain.Date
		want  []string
	}{
		{"a task in eight days", task(domain.TaskAssigned), "2022-06-09", nil},
		{"in a week", task(domain.TaskBlocked), "2022-06-10", []string{"task 2022-06-17 near 7"}},
		{"today", task(domain.TaskReturned), "2022-06-17", []string{"task 2022-06-17 near 0"}},
		{"yesterday", task(domain.TaskInProgress), "2022-06-18", []string{"task 2022-06-17 overdue -1"}},
		{"it waits for the mentor", task(domain.TaskSubmitted), "2022-06-18", nil},
		{"submitted on its last day, by the clocks of the business", submission(domain.TaskSubmitted, "2022-06-17T15:59:59.000Z"), "2022-06-20", nil},
		{"submitted a second later", submission(domain.TaskSubmitted, "2022-06-17T16:00:00.000Z"), "2022-06-20", []string{"task 2022-06-17 late -3"}},
		{"and verified since", submission(domain.TaskVerified, "2022-06-17T16:00:00.000Z"), "2022-06-20", []string{"task 2022-06-17 late -3"}},
		{"and returned since", submission(domain.TaskReturned, "2022-06-17T16:00:00.000Z"), "2022-06-20", []string{"task 2022-06-17 overdue -3"}},
		{"a case, the deadline once beside the last step", open, "2022-06-16", []string{"case/account 2022-06-01 overdue -15", "case 2022-06-17 near 1", "case/photo 2022-06-20 near 4"}},
		{"a certificate in half a year and a day", certified("2022-06-30"), "2021-12-31", nil},
		{"in half a year", certified("2022-06-30"), "2022-01-01", []string{"case 2022-06-30 renewal 180 180"}},
		{"in 91 days", certified("2022-06-30"), "2022-03-31", []string{"case 2022-06-30 renewal 180 91"}},
		{"in 90 days", certified("2022-06-30"), "2022-04-01", []string{"case 2022-06-30 renewal 90 90"}},
		{"in a month", certified("2022-06-30"), "2022-05-31", []string{"case 2022-06-30 renewal 30 30"}},
		{"on its last day", certified("2022-06-30"), "2022-06-30", []string{"case 2022-06-30 renewal 30 0"}},
		{"the day after", certified("2022-06-30"), "2022-07-01", []string{"case 2022-06-30 expired -1"}},
		{"renewed", append(certified("2022-06-30"), renewal), "2022-07-01", nil},
		{"without an end", certified(""), "2022-07-01", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := dues(tt.rows, tt.today); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
