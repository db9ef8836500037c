package domain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// around is what a business's rows do not tell.
type around struct {
	written
	operations []merge.Row
	programmes map[string]domain.Programme
	heard      []domain.Heard
}

func (a around) Operations(string, string) []merge.Row { return a.operations }

func (a around) Programme(programme string) (domain.Programme, bool) {
	p, ok := a.programmes[programme]
	return p, ok
}

func (a around) Heard(users []string) []domain.Heard {
	return slices.DeleteFunc(slices.Clone(a.heard), func(h domain.Heard) bool { return !slices.Contains(users, h.User) })
}

// edition is a programme of WIB with registration until 6 March and monitoring from 20 March
// to 17 June.
func edition(status string) map[string]domain.Programme {
	return map[string]domain.Programme{"lagawi": {ID: "lagawi", Status: status, Zone: domain.WIB, Monitoring: domain.Span{From: "2022-03-20", To: "2022-06-17"},
		Phases: []domain.Phase{{Code: domain.PhaseRegistration, Span: domain.Span{From: "2022-02-27", To: "2022-03-06"}}, {Code: domain.PhasePublication, Span: domain.Span{From: "2022-03-17", To: "2022-03-17"}}}}}
}

// home is a business of a zone, with rows.
func home(z domain.Zone, rows ...merge.Row) []merge.Row {
	return append([]merge.Row{{Key: merge.Key{Collection: "business", ID: key("b")}, Fields: texts("zone", string(z), "name", "Rajut Metro")}}, rows...)
}

func row(collection, name string, kv ...string) merge.Row {
	return merge.Row{Key: merge.Key{Collection: collection, ID: key(name)}, Version: 1, Fields: texts(kv...)}
}

// given is what a look at an instant gives, of the half day before, as "N05 owner".
func given(t *testing.T, rows []merge.Row, a around, now string) []string {
	t.Helper()
	letters := lettersAt(t, rows, a, doors(), now)
	var out []string
	for _, l := range letters {
		out = append(out, merge.AsString(l.Set["type"])+" "+l.User)
	}
	slices.Sort(out)
	return out
}

func lettersAt(t *testing.T, rows []merge.Row, a around, access []merge.Grant, now string) []domain.Letter {
	t.Helper()
	at := utc(now)
	letters := domain.DueReminders("business/"+key("b"), rows, access, a, at.Add(-domain.ReminderLife), at)
	for _, l := range letters {
		checkItem(t, l.Set)
	}
	return letters
}

// hoursGiven lists what is given from an instant on, and when: a look every hour for some days,
// in which an item that is there is not given again.
func hoursGiven(t *testing.T, rows []merge.Row, a around, from string, days int) (out []string) {
	t.Helper()
	there := map[string]bool{}
	for at, end := utc(from), utc(from).AddDate(0, 0, days); at.Before(end); at = at.Add(time.Hour) {
		for _, l := range lettersAt(t, rows, a, doors(), at.Format("2006-01-02T15:04Z07:00")) {
			if k := l.User + l.ID; !there[k] {
				there[k] = true
				out = append(out, merge.AsString(l.Set["type"])+" "+l.User+" "+at.Format("2006-01-02T15:04Z"))
			}
		}
	}
	return out
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("given\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestADraftIsRemindedOfTheClose, three days before, the day before and on the day, by the
// clocks of the business; the close is that of the programme.
func TestADraftIsRemindedOfTheClose(t *testing.T) {
	draft := func(state string) merge.Row {
		return row("application", "a", "state", state, "programme_id", "lagawi", "created_at", "2022-02-28T03:00:00.000Z")
	}
	a := around{programmes: edition(domain.ProgrammeOpen)}
	for zone, hour := range map[domain.Zone]string{domain.WIB: "T01:00Z", domain.WITA: "T00:00Z"} {
		wants(t, hoursGiven(t, home(zone, draft(domain.ApplicationDraft)), a, "2022-02-27T00:00Z", 12), "N05 owner 2022-03-03"+hour, "N05 owner 2022-03-05"+hour, "N05 owner 2022-03-06"+hour)
	}
	// In WIT the day after is begun when it closes, and its eight o'clock lies behind the close.
	wants(t, hoursGiven(t, home(domain.WIT, draft(domain.ApplicationReturned)), a, "2022-02-27T00:00Z", 12), "N05 owner 2022-03-02T23:00Z", "N05 owner 2022-03-04T23:00Z", "N05 owner 2022-03-05T23:00Z")
	for name, rows := range map[string][]merge.Row{"submitted": home(domain.WIB, draft(domain.ApplicationSubmitted)), "withdrawn": home(domain.WIB, draft(domain.ApplicationWithdrawn)),
		"of nothing": home(domain.WIB, row("application", "a", "state", domain.ApplicationDraft, "programme_id", "other"))} {
		if got := hoursGiven(t, rows, a, "2022-02-27T00:00Z", 12); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := hoursGiven(t, home(domain.WIB, draft(domain.ApplicationDraft)), around{programmes: edition(domain.ProgrammeCurating)}, "2022-02-27T00:00Z", 12); got != nil {
		t.Errorf("while it curates: %v", got)
	}
	late := draft(domain.ApplicationDraft)
	late.Fields["created_at"] = merge.Str("2022-03-05T02:00:00.000Z") // after eight
	wants(t, given(t, home(domain.WIB, late), a, "2022-03-05T03:00Z"))
	wants(t, given(t, home(domain.WIB, late), a, "2022-03-06T01:00Z"), "N05 owner")
}

// TestAnOfferIsRemindedOf until it is answered or lapses.
func TestAnOfferIsRemindedOf(t *testing.T) {
	offer := func(state string) merge.Row {
		return row("application", "a", "state", state, "programme_id", "lagawi", "confirm_by", "2022-03-20T17:00:00.000Z")
	}
	a := around{operations: []merge.Row{row("application_event", "o", "op", "offer", "created_at", "2022-03-17T03:00:00.000Z")}}
	wants(t, hoursGiven(t, home(domain.WIB, offer(domain.ApplicationOffered)), a, "2022-03-17T00:00Z", 7), "N07 owner 2022-03-19T01:00Z", "N07 owner 2022-03-20T01:00Z")
	wants(t, hoursGiven(t, home(domain.WIT, offer(domain.ApplicationOffered)), a, "2022-03-17T00:00Z", 7), "N07 owner 2022-03-18T23:00Z", "N07 owner 2022-03-19T23:00Z")
	for _, state := range []string{domain.ApplicationConfirmed, domain.ApplicationDeclined, domain.ApplicationLapsed} {
		if got := hoursGiven(t, home(domain.WIB, offer(state)), a, "2022-03-17T00:00Z", 7); got != nil {
			t.Errorf("%s: %v", state, got)
		}
	}
	a.operations[0].Fields["created_at"] = merge.Str("2022-03-19T02:00:00.000Z") // to the reserve, after eight
	wants(t, hoursGiven(t, home(domain.WIB, offer(domain.ApplicationOffered)), a, "2022-03-19T03:00Z", 4), "N07 owner 2022-03-20T01:00Z")
}

// TestAVisitIsRemindedOfTheEveningBefore, in three zones.
func TestAVisitIsRemindedOfTheEveningBefore(t *testing.T) {
	visit := func(state, at string) merge.Row { return row("visit", "v", "state", state, "planned_at", at) }
	for zone, want := range map[domain.Zone]string{domain.WIB: "2022-06-16T10:00Z", domain.WITA: "2022-06-16T09:00Z", domain.WIT: "2022-06-16T08:00Z"} {
		got := hoursGiven(t, home(zone, visit(domain.VisitPlanned, "2022-06-17T03:00:00.000Z")), around{}, "2022-06-15T00:00Z", 4)
		wants(t, got, "visit_tomorrow mentor "+want, "visit_tomorrow owner "+want)
	}
	for _, state := range []string{domain.VisitCancelled, domain.VisitDone, domain.VisitMissed} {
		if got := hoursGiven(t, home(domain.WIB, visit(state, "2022-06-17T03:00:00.000Z")), around{}, "2022-06-15T00:00Z", 4); got != nil {
			t.Errorf("%s: %v", state, got)
		}
	}
	late := around{written: written{"planned_at": "2022-06-16T10:30Z"}}
	wants(t, hoursGiven(t, home(domain.WIB, visit(domain.VisitPlanned, "2022-06-17T03:00:00.000Z")), late, "2022-06-16T11:00Z", 3))
}

// takesPart is a business that takes part since 20 March.
func takesPart(state string) merge.Row {
	return row("enrolment", "e", "state", state, "programme_id", "lagawi", "confirmed_at", "2022-03-18T03:00:00.000Z")
}

// entryOf is an entry of a day, logged at noon of WIB.
func entryOf(day string, amount int) merge.Row {
	r := row("sales", "sale "+day, "created_at", day+"T05:00:00.000Z", "effective_sold_on", day, "effective_channel", "store", "state", domain.SaleRecorded)
	r.Fields["counted_idr"] = merge.Num(amount)
	return r
}

// TestTheLedgerIsRemindedOf at 19:00 of the third day without an entry, at most twice a week
// however long nothing is logged, and however often somebody begins anew.
func TestTheLedgerIsRemindedOf(t *testing.T) {
	running := around{programmes: edition(domain.ProgrammeRunning)}
	silent := home(domain.WIB, takesPart(domain.EnrolmentActive), entryOf("2022-04-01", 1000)) // a Friday
	only := func(got []string) []string {
		return slices.DeleteFunc(got, func(s string) bool { return !strings.HasPrefix(s, "N22") })
	}
	wants(t, only(hoursGiven(t, silent, running, "2022-04-01T00:00Z", 14)),
		"N22 owner 2022-04-04T12:00Z", "N22 owner 2022-04-08T12:00Z", "N22 owner 2022-04-11T12:00Z")
	for zone, hour := range map[domain.Zone]string{domain.WITA: "11:00Z", domain.WIT: "10:00Z"} {
		wants(t, only(hoursGiven(t, home(zone, silent[1:]...), running, "2022-04-01T00:00Z", 5)), "N22 owner 2022-04-04T"+hour)
	}
	wants(t, only(hoursGiven(t, home(domain.WIB, takesPart(domain.EnrolmentActive)), running, "2022-03-18T00:00Z", 7)), "N22 owner 2022-03-23T12:00Z") // nothing yet, since it began
	for name, tt := range map[string]struct {
		rows []merge.Row
		a    around
	}{
		"logged yesterday":   {append(slices.Clone(silent), entryOf("2022-04-03", 1), entryOf("2022-04-06", 1)), running},
		"paused":             {home(domain.WIB, takesPart(domain.EnrolmentPaused)), running},
		"withdrawn":          {home(domain.WIB, takesPart(domain.EnrolmentWithdrawn)), running},
		"not enrolled":       {home(domain.WIB), running},
		"published, not run": {silent, around{programmes: edition(domain.ProgrammePublished)}},
		"harvested":          {silent, around{programmes: edition(domain.ProgrammeHarvested)}},
	} {
		if got := only(hoursGiven(t, tt.rows, tt.a, "2022-04-01T00:00Z", 6)); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := only(hoursGiven(t, silent, running, "2022-06-18T00:00Z", 10)); len(got) > 0 {
		t.Errorf("behind the monitoring: %v", got)
	}
}

// TestMondaysHaveASummary of the week behind: owners for each business, mentors one for all.
func TestMondaysHaveASummary(t *testing.T) {
	running := around{programmes: edition(domain.ProgrammeRunning)}
	rows := home(domain.WITA, takesPart(domain.EnrolmentPaused))
	wants(t, hoursGiven(t, rows, running, "2022-03-19T00:00Z", 13), "caseload_week mentor 2022-03-21T00:00Z", "N23 owner 2022-03-21T00:00Z", "caseload_week mentor 2022-03-28T00:00Z", "N23 owner 2022-03-28T00:00Z")
	letters := lettersAt(t, rows, running, doors(), "2022-03-28T00:00Z")
	other := home(domain.WIB, takesPart(domain.EnrolmentActive))
	other[0].ID = key("b2")
	second := domain.DueReminders("business/"+key("b2"), other, doors(), running, utc("2022-03-28T00:30Z"), utc("2022-03-28T01:00Z"))
	ids := func(ls []domain.Letter) map[string]string {
		out := map[string]string{}
		for _, l := range ls {
			out[merge.AsString(l.Set["type"])] = l.ID
			if string(l.Set["params"]) != `{"from":"2022-03-21","until":"2022-03-27"}` {
				t.Errorf("says %s", l.Set["params"])
			}
		}
		return out
	}
	one, two := ids(letters), ids(second)
	if one["caseload_week"] != two["caseload_week"] || one["N23"] == two["N23"] {
		t.Errorf("%v, %v", one, two)
	}
	if got := given(t, home(domain.WIB, takesPart(domain.EnrolmentCompleted)), running, "2022-03-28T01:00Z"); got != nil {
		t.Errorf("whose part is over: %v", got)
	}
}

// TestATargetIsToldOfOnce when it is reached, and anew when it moves.
func TestATargetIsToldOfOnce(t *testing.T) {
	target := func(state string, value int) merge.Row {
		r := row("target", "t", "state", state, "period", "month", "month", "2022-04", "metric", domain.MetricTotal)
		r.Fields["value"] = merge.Num(value)
		return r
	}
	active := func(value int, sales ...merge.Row) []merge.Row {
		return home(domain.WIB, append(sales, target("active", value))...)
	}
	none := around{}
	wants(t, hoursGiven(t, active(1000, entryOf("2022-04-05", 600), entryOf("2022-04-06", 400)), none, "2022-04-06T06:00Z", 3), "N24 mentor 2022-04-06T12:00Z", "N24 owner 2022-04-06T12:00Z")
	if got := hoursGiven(t, active(1001, entryOf("2022-04-05", 600), entryOf("2022-04-06", 400)), none, "2022-04-06T06:00Z", 3); got != nil {
		t.Errorf("one rupiah below: %v", got)
	}
	for _, state := range []string{"proposed", "declined", "dropped"} {
		if got := hoursGiven(t, home(domain.WIB, entryOf("2022-04-05", 5000), target(state, 10)), none, "2022-04-06T06:00Z", 2); got != nil {
			t.Errorf("%s: %v", state, got)
		}
	}
	wants(t, given(t, active(10, entryOf("2022-04-30", 600)), none, "2022-05-07T12:00Z"), "N24 mentor", "N24 owner")
	wants(t, given(t, active(10, entryOf("2022-04-30", 600)), none, "2022-05-08T12:00Z"))
	before := lettersAt(t, active(10, entryOf("2022-04-05", 600)), none, doors(), "2022-04-06T12:00Z")
	after := lettersAt(t, active(600, entryOf("2022-04-05", 600)), none, doors(), "2022-04-06T12:00Z")
	if len(before) != 2 || len(after) != 2 || before[0].ID == after[0].ID {
		t.Errorf("a target that moved: %v, %v", before, after)
	}
}

// TestASilentPhone is told of to its person after three days and after seven, then also to
// mentors; one of a mentor to nobody else.
func TestASilentPhone(t *testing.T) {
	a := around{heard: []domain.Heard{{Device: key("phone"), User: "owner", At: utc("2022-06-01T06:00Z")}}}
	wants(t, hoursGiven(t, home(domain.WIB), a, "2022-06-01T07:00Z", 14), "N26 owner 2022-06-05T01:00Z", "device_silent mentor 2022-06-09T01:00Z", "N26 owner 2022-06-09T01:00Z")
	a.heard[0].At = utc("2022-06-01T00:30Z") // before eight: the third day is over at eight
	wants(t, hoursGiven(t, home(domain.WIB), a, "2022-06-01T07:00Z", 5), "N26 owner 2022-06-04T01:00Z")
	wants(t, hoursGiven(t, home(domain.WIT), a, "2022-06-01T07:00Z", 5), "N26 owner 2022-06-04T23:00Z")
	letters := lettersAt(t, home(domain.WIB), a, doors(), "2022-06-04T01:00Z")
	item := merge.Row{Key: merge.Key{Collection: "inbox", ID: letters[0].ID}, Fields: letters[0].Set}
	if !domain.StillSilent(item, a.heard[0]) {
		t.Error("it is silent")
	}
	if again := (domain.Heard{Device: key("phone"), User: "owner", At: utc("2022-06-04T00:59Z")}); domain.StillSilent(item, again) {
		t.Error("it was heard of")
	}
	a.heard[0].User = "mentor"
	wants(t, hoursGiven(t, home(domain.WIB), a, "2022-06-01T07:00Z", 14), "N26 mentor 2022-06-04T01:00Z", "N26 mentor 2022-06-08T01:00Z")
	a.heard[0].User = "former"
	wants(t, hoursGiven(t, home(domain.WIB), a, "2022-06-01T07:00Z", 14))
}

// TestWhoseWindowEndsIsTold: of one that was given its end ahead at the next hour, once, and
// not where there is another one.
func TestWhoseWindowEndsIsTold(t *testing.T) {
	end := merge.Millis(utc("2022-06-09T17:00Z").UnixMilli())
	access := []merge.Grant{{ID: "w1", User: "mentor", Role: merge.Mentor, To: end}, {ID: "w2", User: "owner", Role: merge.Owner}}
	look := func(access []merge.Grant, now string) []string {
		var out []string
		for _, l := range lettersAt(t, home(domain.WIB), around{}, access, now) {
			out = append(out, merge.AsString(l.Set["type"])+" "+l.User)
			if l.Set["scope"] != nil || l.Set["object"] != nil || string(l.Set["params"]) != `{"business":"Rajut Metro"}` {
				t.Errorf("told more than the name: %v", l.Set)
			}
		}
		return out
	}
	wants(t, look(access, "2022-06-09T12:00Z"))
	wants(t, look(access, "2022-06-10T01:00Z"), "N35 mentor")
	wants(t, look(access, "2022-06-11T01:00Z"))
	wants(t, look(append(access, merge.Grant{ID: "w3", User: "mentor", Role: merge.Mentor, From: end}), "2022-06-10T01:00Z"))
	wants(t, look([]merge.Grant{{ID: "w1", User: "mentor", Role: merge.Mentor, From: end, To: end}}, "2022-06-10T01:00Z"))
}

// TestOneTypeAlone is worked out without what the others read.
func TestOneTypeAlone(t *testing.T) {
	since, now := utc("2022-06-09T13:00Z"), utc("2022-06-10T12:30Z")
	for kind, want := range map[string][]string{
		domain.NoticeTaskDue: {"business", "enrolment", "task"}, domain.NoticeVisitTomorrow: {"business", "enrolment", "visit"},
		domain.NoticeTargetReached: {"business", "enrolment", "sales", "target"}, domain.NoticeWeek: {"business", "enrolment"},
	} {
		if got := domain.ReminderCollections(domain.WIB, since, now, kind); !slices.Equal(got, want) {
			t.Errorf("%s reads %v, want %v", kind, got, want)
		}
		if !domain.Reminds(kind) {
			t.Errorf("%s is no reminder", kind)
		}
	}
	if got := domain.ReminderCollections(domain.WIB, utc("2022-06-10T01:00Z"), utc("2022-06-10T10:00Z")); !slices.Equal(got, []string{"business", "enrolment", "visit"}) {
		t.Errorf("at 17:00 %v are read", got)
	}
	rows := home(domain.WIB, row("task", "r", "state", domain.TaskAssigned, "title", "Foto", "due_on", "2022-06-10"), row("visit", "v", "state", domain.VisitPlanned, "planned_at", "2022-06-11T03:00:00.000Z"))
	letters := domain.DueReminders("business/"+key("b"), rows, doors(), around{}, since, now, domain.NoticeVisitTomorrow)
	if len(letters) != 2 || merge.AsString(letters[0].Set["type"]) != domain.NoticeVisitTomorrow {
		t.Errorf("%v", letters)
	}
}
