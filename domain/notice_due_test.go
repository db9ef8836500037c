package domain_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// remindable is a business in WITA with one row.
func remindable(collection string, fields map[string]merge.Value) []merge.Row {
	return []merge.Row{{Key: merge.Key{Collection: "business", ID: key("b")}, Fields: texts("zone", string(domain.WITA))},
		{Key: merge.Key{Collection: collection, ID: key("r")}, Fields: fields}}
}

// doors are the people of the business: an owner, a helper, a mentor, and a mentor
// whose window is over.
func doors() []merge.Grant {
	return []merge.Grant{{User: "owner", Role: merge.Owner}, {User: "helper", Role: merge.Staff}, {User: "mentor", Role: merge.Mentor}, {User: "former", Role: merge.Mentor, To: 1}}
}

// written is what a store remembers of fields: when each was written.
type written map[string]string

func (w written) Written(_ merge.Key, field string) merge.Millis {
	if w[field] == "" {
		return 0
	}
	return merge.Millis(utc(w[field]).UnixMilli())
}

func (w written) Operations(string, string) []merge.Row { return nil }

func (w written) Programme(string) (domain.Programme, bool) { return domain.Programme{}, false }

func (w written) Heard([]string) []domain.Heard { return nil }

// rung writes the reminders of the half day before an instant as "N11 owner".
func rung(t *testing.T, rows []merge.Row, now string) (out []string) {
	t.Helper()
	return rungOf(t, rows, nil, now)
}

func rungOf(t *testing.T, rows []merge.Row, w written, now string) (out []string) {
	t.Helper()
	at := utc(now)
	for _, l := range domain.DueReminders("business/"+key("b"), rows, doors(), w, at.Add(-domain.ReminderLife), at) {
		checkItem(t, l.Set)
		out = append(out, merge.AsString(l.Set["type"])+" "+l.User)
	}
	slices.Sort(out)
	return out
}

func TestWhomATaskReminds(t *testing.T) {
	task := func(state string) map[string]merge.Value {
		return texts("state", state, "title", "Foto produk", "due_on", "2022-06-17", "assignee_id", "helper")
	}
	tests := []struct {
		name, state, now string
		want             []string
	}{
		{"a week before", domain.TaskAssigned, "2022-06-10T00:00Z", []string{"N11 helper", "N11 owner"}},
		{"a minute too early", domain.TaskAssigned, "2022-06-09T23:59Z", nil},
		{"a server that was down for ten hours", domain.TaskInProgress, "2022-06-10T10:00Z", []string{"N11 helper", "N11 owner"}},
		{"one that was down for too long", domain.TaskInProgress, "2022-06-10T12:00Z", nil},
		{"three days before", domain.TaskReturned, "2022-06-14T00:05Z", []string{"N11 helper", "N11 owner"}},
		{"a day before also the mentor", domain.TaskBlocked, "2022-06-16T00:05Z", []string{"N11 helper", "N11 mentor", "N11 owner"}},
		{"on the day", domain.TaskAssigned, "2022-06-17T00:05Z", []string{"N11 helper", "N11 owner"}},
		{"late", domain.TaskAssigned, "2022-06-18T00:05Z", []string{"N12 helper", "N12 mentor", "N12 owner"}},
		{"it waits for the mentor", domain.TaskSubmitted, "2022-06-17T00:05Z", nil},
		{"done", domain.TaskVerified, "2022-06-17T00:05Z", nil},
		{"cancelled", domain.TaskCancelled, "2022-06-17T00:05Z", nil},
		{"not agreed on yet", domain.TaskProposed, "2022-06-17T00:05Z", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rung(t, remindable("task", task(tt.state)), tt.now); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhatACaseReminds(t *testing.T) {
	open := func(milestones string) map[string]merge.Value {
		return with(texts("kind", "nib", "state", domain.CasePreparing, "deadline", "2022-06-17"), map[string]merge.Value{
			"schedule":   merge.Value(`[{"code":"account","due_on":"2022-06-01"},{"code":"application","due_on":"2022-06-09"},{"code":"issue","due_on":"2022-06-17"}]`),
			"milestones": merge.Value(milestones)})
	}
	ended := func(confirmed bool) map[string]merge.Value {
		return with(texts("kind", "halal", "state", domain.CaseIssued, "deadline", "2022-06-17"), map[string]merge.Value{
			"confirmed": merge.Flag(confirmed), "certificate": merge.Value(`{"issued_on":"2022-01-01","valid_until":"2022-09-15"}`)})
	}
	both := func(kind string) []string { return []string{kind + " mentor", kind + " owner"} }
	tests := []struct {
		name   string
		fields map[string]merge.Value
		now    string
		want   []string
	}{
		{"the deadline, once beside the last step", open(`{}`), "2022-06-17T00:05Z", both("N18")},
		{"a scheduled step", open(`{}`), "2022-06-02T00:05Z", []string{"N18 mentor", "N18 mentor", "N18 owner", "N18 owner"}}, // one late, one a week ahead
		{"one of them is done", open(`{"account":{"done_at":"2022-05-30"}}`), "2022-06-02T00:05Z", both("N18")},
		{"it was not done after all", open(`{"account":{"done_at":"2022-05-30","undone":true}}`), "2022-06-02T00:05Z", []string{"N18 mentor", "N18 mentor", "N18 owner", "N18 owner"}},
		{"an own date counts instead", open(`{"account":{"due_on":"2022-07-01"}}`), "2022-06-01T00:05Z", nil},
		{"an own step", open(`{"photo":{"title":"Foto lokasi","due_on":"2022-07-08"}}`), "2022-07-01T00:05Z", both("N18")},
		{"an end that nobody confirmed", ended(false), "2022-06-17T00:05Z", nil},
		{"90 days before a certificate ends", ended(true), "2022-06-17T00:05Z", both("N21")},
		{"the day after", ended(true), "2022-06-18T00:05Z", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rung(t, remindable("case", tt.fields), tt.now); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	renewed := append(remindable("case", ended(true)), merge.Row{Key: merge.Key{Collection: "case", ID: key("next")},
		Fields: texts("kind", "halal", "state", domain.CaseIssued, "linked_from", key("r"))})
	if got := rung(t, renewed, "2022-06-17T00:05Z"); got != nil {
		t.Errorf("renewed already: %v", got)
	}
}

// TestNobodyWithoutAWindowIsReminded, though the task names them.
func TestNobodyWithoutAWindowIsReminded(t *testing.T) {
	task := texts("state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-17", "assignee_id", "former")
	if got := rung(t, remindable("task", task), "2022-06-17T00:05Z"); !slices.Equal(got, []string{"N11 owner"}) {
		t.Errorf("%v", got)
	}
}

// TestAReminderInWords, on the phone of its reader.
func TestAReminderInWords(t *testing.T) {
	rows := remindable("case", with(texts("kind", "haccp", "state", domain.CasePreparing), map[string]merge.Value{
		"milestones": merge.Value(`{"documents":{"due_on":"2022-06-17"}}`)}))
	at := utc("2022-06-17T00:05Z")
	l := domain.DueReminders("business/x", rows, doors(), written{}, at.Add(-domain.ReminderLife), at)
	again := domain.DueReminders("business/x", rows, doors(), written{}, at, at.Add(domain.ReminderLife))
	if len(l) != 2 || l[0].ID == l[1].ID || again != nil {
		t.Fatalf("%d and then %d", len(l), len(again))
	}
	for lang, want := range map[message.Lang]string{message.ID: "Tahap: Dokumen.", message.EN: "Step: Documents."} {
		if s := domain.NoticeText(merge.Row{Fields: l[0].Set}, domain.WITA, lang); !strings.Contains(s.Detail, want) || strings.Contains(s.Detail, "{") {
			t.Errorf("%s", s)
		}
	}
}

// TestATaskThatIsDueTodaySaysSo, in the inbox and on a lock screen, until the day is over where the
// business is.
func TestATaskThatIsDueTodaySaysSo(t *testing.T) {
	for now, tt := range map[string]struct {
		zone   domain.Zone
		id, en string
		until  string
	}{
		"2022-06-16T00:05Z": {domain.WITA, "Tenggat tugas mendekat", "A task is due soon", ""},
		"2022-06-17T00:05Z": {domain.WITA, "Tenggat hari ini", "A task is due today", "2022-06-17T16:00:00.000Z"},
		"2022-06-16T23:05Z": {domain.WIT, "Tenggat hari ini", "A task is due today", "2022-06-17T15:00:00.000Z"},
		"2022-06-18T00:05Z": {domain.WITA, "Tugas lewat tenggat", "A task is overdue", ""},
	} {
		letters := lettersAt(t, home(tt.zone, row("task", "t", "state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-17")), around{}, doors(), now)
		if len(letters) == 0 {
			t.Errorf("at %s nobody is told", now)
		}
		for _, l := range letters {
			item := merge.Row{Fields: l.Set}
			for lang, want := range map[message.Lang]string{message.ID: tt.id, message.EN: tt.en} {
				if inbox, push := domain.NoticeText(item, tt.zone, lang), domain.PushText(item, lang); inbox.Title != want || push.Title != want || !strings.Contains(inbox.Detail, "Foto produk") {
					t.Errorf("at %s: %q and %q, want %q", now, inbox, push, want)
				}
			}
			if got := item.Text("expires_at"); got != tt.until {
				t.Errorf("at %s: until %q, want %q", now, got, tt.until)
			}
		}
	}
}

func TestTheHourOfReminders(t *testing.T) {
	tests := []struct {
		since, now string
		want       bool
	}{
		{"2022-06-10T22:59Z", "2022-06-10T23:00Z", true},  // WIT
		{"2022-06-10T23:00Z", "2022-06-10T23:59Z", false}, //
		{"2022-06-10T23:59Z", "2022-06-11T00:00Z", true},  // WITA
		{"2022-06-11T00:30Z", "2022-06-11T01:00Z", true},  // WIB
		{"2022-06-11T01:00Z", "2022-06-11T07:59Z", false},
		{"2022-06-11T07:59Z", "2022-06-11T08:00Z", true},  // 17:00 WIT
		{"2022-06-11T10:00Z", "2022-06-11T10:59Z", false}, // 17:00 WIB, 19:00 WIT
		{"2022-06-11T11:59Z", "2022-06-11T12:00Z", true},  // 19:00 WIB
		{"2022-06-11T12:00Z", "2022-06-11T22:59Z", false},
		{"2022-06-11T00:30Z", "2022-06-11T22:59Z", true},
		{"2022-05-01T01:00Z", "2022-06-11T22:59Z", true},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.since, " ", tt.now), func(t *testing.T) {
			if got := domain.RemindersBetween(utc(tt.since), utc(tt.now)); got != tt.want {
				t.Errorf("%t", got)
			}
		})
	}
}

// TestOnlyWhatLiesAheadOfItsDateIsReminded: what is dated, or moved, after the
// hour has no reminder of that hour.
func TestOnlyWhatLiesAheadOfItsDateIsReminded(t *testing.T) {
	task := remindable("task", texts("state", domain.TaskAssigned, "title", "Foto produk", "due_on", "2022-06-17"))
	step := remindable("case", with(texts("kind", "haccp", "state", domain.CasePreparing), map[string]merge.Value{"milestones": merge.Value(`{"documents":{"due_on":"2022-06-17"}}`)}))
	deadline := remindable("case", texts("kind", "haccp", "state", domain.CasePreparing, "deadline", "2022-06-17"))
	const field = "milestones/documents/due_on"
	tests := []struct {
		name string
		rows []merge.Row
		w    written
		now  string
		want []string
	}{
		{"a task dated half an hour after eight", task, written{"due_on": "2022-06-16T00:30Z"}, "2022-06-16T01:00Z", nil},
		{"and on its day", task, written{"due_on": "2022-06-16T00:30Z"}, "2022-06-17T00:05Z", []string{"N11 owner"}},
		{"one dated a minute before eight", task, written{"due_on": "2022-06-15T23:59Z"}, "2022-06-16T01:00Z", []string{"N11 mentor", "N11 owner"}},
		{"a step dated half an hour after eight", step, written{field: "2022-06-16T00:30Z"}, "2022-06-16T01:00Z", nil},
		{"one dated before", step, written{field: "2022-06-15T23:00Z"}, "2022-06-16T01:00Z", []string{"N18 mentor", "N18 owner"}},
		{"whose deadline was moved since", step, written{field: "2022-06-15T23:00Z", "deadline_on": "2022-06-16T00:30Z"}, "2022-06-16T01:00Z", []string{"N18 mentor", "N18 owner"}},
		{"a deadline moved half an hour after eight", deadline, written{"deadline_on": "2022-06-16T00:30Z"}, "2022-06-16T01:00Z", nil},
		{"and before", deadline, written{"deadline_on": "2022-06-15T00:30Z"}, "2022-06-16T01:00Z", []string{"N18 mentor", "N18 owner"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rungOf(t, tt.rows, tt.w, tt.now); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
