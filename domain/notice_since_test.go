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
