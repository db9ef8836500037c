package domain_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestTheEveningTellsNothingNew: a look at 17:00 makes up for one at 8:00 that did not come about,
// and tells nobody of 8:00 what 8:00 would not have told: not who came since, nor what was given,
// sent back, dated or assigned since. What was written before and came later is told.
func TestTheEveningTellsNothingNew(t *testing.T) {
	const morning, before, since = "2022-06-17T00:00Z", "2022-06-16T20:00Z", "2022-06-17T07:00Z"
	at := func(s string) merge.Millis { return merge.Millis(utc(s).UnixMilli()) }
	people := func(from string) []merge.Grant {
		return []merge.Grant{{User: "owner", Role: merge.Owner}, {User: "helper", Role: merge.Staff}, {User: "came", Role: merge.Owner, From: at(from)},
			{User: "mentor", Role: merge.Mentor}, {User: "next", Role: merge.Mentor, From: at(from)}, {User: "rose", Role: merge.Staff}, {User: "rose", Role: merge.Owner, From: at(from)}}
	}
	op := func(collection, parent, op, made string) around {
		return around{operations: []merge.Row{row(collection, "op", parent, key("t"), "op", op, "created_at", merge.FormatInstant(at(made)))}, programmes: edition(domain.ProgrammeOpen)}
	}
	task := func(state string) merge.Row {
		return row("task", "t", "state", state, "title", "Foto produk", "due_on", "2022-06-17", "assignee_id", "helper")
	}
	overdue := row("task", "t", "state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-16")
	both := []string{"N11 came", "N11 helper", "N11 owner", "N11 rose"}
	for _, tt := range []struct {
		name string
		row  merge.Row
		a    around
		from string
		want []string
	}{
		{"who was there", task(domain.TaskAssigned), around{}, before, both},
		{"who came at eight", task(domain.TaskAssigned), around{}, morning, both},
		{"who came since", task(domain.TaskAssigned), around{}, since, []string{"N11 helper", "N11 owner"}},
		{"mentors who came since", overdue, around{}, since, []string{"N12 mentor", "N12 owner"}},
		{"dated since", task(domain.TaskAssigned), around{written: written{"due_on": since}}, before, nil},
		{"dated before, known since", task(domain.TaskAssigned), around{written: written{"due_on": before}}, before, both},
		{"assigned since", task(domain.TaskAssigned), around{written: written{"assignee_id": since}}, before, []string{"N11 came", "N11 owner", "N11 rose"}},
		{"assigned before", task(domain.TaskAssigned), around{written: written{"assignee_id": before}}, before, both},
		{"accepted since", task(domain.TaskAssigned), op("task_event", "task_id", "accept", since), before, nil},
		{"accepted before", task(domain.TaskAssigned), op("task_event", "task_id", "accept", before), before, both},
		{"sent back since", task(domain.TaskReturned), op("task_event", "task_id", "return", since), before, nil},
		{"begun since, which is no news", task(domain.TaskInProgress), op("task_event", "task_id", "start", since), before, both},
	} {
		var got []string
		for _, l := range lettersAt(t, home(domain.WITA, tt.row), tt.a, people(tt.from), "2022-06-17T09:00Z") {
			got = append(got, merge.AsString(l.Set["type"])+" "+l.User)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestTheEveningTellsNothingThatRestedInTheMorning: what rested at 8:00, or was done then, is
// told of by what ended that, and not by a look at 17:00 that makes up for 8:00.
func TestTheEveningTellsNothingThatRestedInTheMorning(t *testing.T) {
	const pausedAt, before, since = "2022-06-02T06:00:00.000Z", "2022-06-16T20:00:00.000Z", "2022-06-17T06:00:00.000Z"
	task := func(due string) merge.Row {
		return row("task", "t", "state", domain.TaskAssigned, "title", "Foto produk", "due_on", due, "assignee_id", "helper", "programme_id", "lagawi", "origin", "mentor")
	}
	// enrolled is an enrolment that paused, and what ended the pause.
	enrolled := func(state, op, at string) (merge.Row, around) {
		paused := row("enrolment_event", "p", "enrolment_id", key("e"), "op", "pause", "created_at", pausedAt)
		ended := row("enrolment_event", "r", "enrolment_id", key("e"), "op", op, "created_at", at)
		ended.Fields["seen"] = merge.Encode([]string{paused.ID})
		return row("enrolment", "e", "state", state, "programme_id", "lagawi", "confirmed_at", "2022-03-20T00:00:00.000Z", "state_since", at),
			around{written: written{"due_on": "2022-06-01T00:00Z"}, programmes: edition(domain.ProgrammeRunning), operations: []merge.Row{ended, paused}}
	}
	step := func(marks string) merge.Row {
		return merge.Row{Key: merge.Key{Collection: "case", ID: key("c")}, Version: 1, Fields: with(texts("kind", "nib", "state", domain.CasePreparing, "deadline", "2022-09-17"),
			map[string]merge.Value{"milestones": merge.Value(`{"account":{"due_on":"2022-06-17",` + marks + `}}`)})}
	}
	marked := func(undone, done string) around {
		return around{written: written{"milestones/account/due_on": "2022-06-01T00:00Z", "milestones/account/undone": undone, "milestones/account/done_at": done, "deadline_on": "2022-05-01T00:00Z"}}
	}
	resumed, sinceNoon := enrolled(domain.EnrolmentActive, "resume", since)
	goesOn, sinceNight := enrolled(domain.EnrolmentActive, "resume", before)
	left, sinceLeft := enrolled(domain.EnrolmentWithdrawn, "withdraw", since)
	stays, completed := enrolled(domain.EnrolmentCompleted, "complete", since)
	completed.operations = completed.operations[:1] // it never paused
	completed.operations[0].Fields["seen"] = nil
	for _, tt := range []struct {
		name string
		rows []merge.Row
		a    around
		want []string
	}{
		{"a pause that ended since", []merge.Row{task("2022-06-17"), resumed}, sinceNoon, nil},
		{"and what was overdue in it", []merge.Row{task("2022-06-16"), resumed}, sinceNoon, nil},
		{"one that ended before eight", []merge.Row{task("2022-06-17"), goesOn}, sinceNight, []string{"N11 helper", "N11 owner"}},
		{"a pause out of which the business left since", []merge.Row{task("2022-06-17"), left}, sinceLeft, nil},
		{"a programme that was completed since", []merge.Row{task("2022-06-17"), stays}, completed, []string{"N11 helper", "N11 owner"}},
		{"another programme's pause", []merge.Row{row("task", "t", "state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-17", "programme_id", "other"), resumed}, sinceNoon, []string{"N11 owner"}},
		{"a step undone since", []merge.Row{step(`"done_at":"2022-06-10","undone":true`)}, marked("2022-06-17T06:00Z", "2022-06-10T00:00Z"), nil},
		{"one undone before eight", []merge.Row{step(`"done_at":"2022-06-10","undone":true`)}, marked("2022-06-16T20:00Z", "2022-06-10T00:00Z"), []string{"N18 mentor", "N18 owner"}},
		{"one done and undone since", []merge.Row{step(`"done_at":"2022-06-17","undone":true`)}, marked("2022-06-17T06:00Z", "2022-06-17T03:00Z"), []string{"N18 mentor", "N18 owner"}},
		{"one that nobody did", []merge.Row{step(`"undone":true`)}, marked("2022-06-17T06:00Z", ""), []string{"N18 mentor", "N18 owner"}},
	} {
		if got := given(t, home(domain.WITA, tt.rows...), tt.a, "2022-06-17T09:00Z"); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestAReturnOfTheLastDayIsNotRemindedOf at once: its own notice says until when it is to be
// complete.
func TestAReturnOfTheLastDayIsNotRemindedOf(t *testing.T) {
	draft := row("application", "a", "state", domain.ApplicationReturned, "programme_id", "lagawi", "created_at", "2022-03-01T03:00:00.000Z")
	for made, want := range map[string][]string{"2022-03-05T03:00:00.000Z": {"N05 owner"}, "2022-03-06T03:00:00.000Z": nil} {
		a := around{programmes: edition(domain.ProgrammeOpen), operations: []merge.Row{row("application_event", "op", "application_id", key("a"), "op", "return", "created_at", made)}}
		if got := given(t, home(domain.WIB, draft), a, "2022-03-06T10:00Z"); !slices.Equal(got, want) {
			t.Errorf("returned at %s: %v, want %v", made, got, want)
		}
	}
}
