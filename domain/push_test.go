package domain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestATitleOnALockScreen: as long as a title and a body of a push may be, on one line, of
// announcements alone, and of none that says nothing.
func TestATitleOnALockScreen(t *testing.T) {
	const usual, body = "Pengumuman baru", "Ketuk untuk membaca."
	long, longest := strings.Repeat("pameran ", 10), strings.Repeat("é", 200)
	for name, tt := range map[string]struct {
		item        map[string]any
		title, body string
	}{
		"not public":      {map[string]any{"title_id": "Briefing"}, usual, body},
		"public":          {map[string]any{"title_id": "Briefing", "push_public": true}, "Briefing", body},
		"without a title": {map[string]any{"push_public": true}, usual, body},
		"two lines":       {map[string]any{"title_id": "Briefing\nbesok ", "push_public": true}, "Briefing besok", body},
		"45 characters":   {map[string]any{"title_id": longest[:2*45], "push_public": true}, longest[:2*45], body},
		"too long":        {map[string]any{"title_id": long, "push_public": true}, "pameran pameran pameran pameran pameran pame…", strings.TrimSpace(long)},
		"much too long":   {map[string]any{"title_id": longest, "push_public": true}, longest[:2*44] + "…", longest[:2*139] + "…"},
	} {
		tt.item["type"] = domain.NoticeAnnouncement
		got := domain.PushText(rowWith("i", tt.item), message.ID)
		if got.Title != tt.title || got.Detail != tt.body || utf8.RuneCountInString(got.Title) > message.PushTitle || utf8.RuneCountInString(got.Detail) > message.PushBody {
			t.Errorf("%s: %q, %q", name, got.Title, got.Detail)
		}
	}
	for _, row := range domain.NoticeTypes() {
		item := rowWith("i", map[string]any{"type": row.ID, "title_id": "Rp1.250.000", "push_public": true})
		if got := domain.PushText(item, message.EN); row.ID != domain.NoticeAnnouncement && got != message.Push(row.ID, message.EN) {
			t.Errorf("%s: %+v", row.ID, got)
		}
	}
}

// TestWhereSeveralThatWaitLead: mentors to their queue, admins to the programme that all are
// of; nowhere of one kind where they differ.
func TestWhereSeveralThatWaitLead(t *testing.T) {
	item := func(kind, link string) merge.Row {
		return rowWith("i", map[string]any{"type": kind, "deep_link": link})
	}
	task, blocked, assigned := item(domain.NoticeTaskSubmitted, "app://tugas/a"), item(domain.NoticeTaskBlocked, "app://tugas/b"), item(domain.NoticeTaskAssigned, "app://tugas/c")
	about := func(kind, object, link string) merge.Row {
		return rowWith("i", map[string]any{"type": kind, "deep_link": link, "object": map[string]string{"collection": "x", "id": object}})
	}
	late, other := item(domain.NoticeLateScore, "app://kurasi/p"), item(domain.NoticeLateScore, "app://kurasi/q")
	due, silent := item(domain.NoticeTaskDue, "app://tugas/a"), item(domain.NoticeSilentPhone, "app://sinkron")
	visit, next := about(domain.NoticeVisitTomorrow, "a", "app://kunjungan/a"), about(domain.NoticeVisitTomorrow, "b", "app://kunjungan/b")
	const news, queue = "app://kotak-masuk", "app://pendamping/antrean"
	for name, tt := range map[string]struct {
		items []merge.Row
		want  domain.Many
	}{
		"of mentors":        {[]merge.Row{task, blocked}, domain.Many{Words: "queue", Tag: domain.TagOf(task), Link: queue, Collapse: domain.CollapseQueue}},
		"of who knows":      {[]merge.Row{blocked, blocked}, domain.Many{Link: news, Collapse: domain.CollapseQueue}},
		"of admins":         {[]merge.Row{late, late}, domain.Many{Alike: true, Words: "queue", Link: news, Collapse: domain.CollapseQueue}},
		"of two programmes": {[]merge.Row{late, other}, domain.Many{Link: news, Collapse: domain.CollapseQueue}},
		"of both":           {[]merge.Row{late, task}, domain.Many{Link: news, Collapse: domain.CollapseQueue}},
		"reminders":         {[]merge.Row{due, due}, domain.Many{Words: "reminder", Link: news, Collapse: domain.CollapseReminder}},
		"new tasks":         {[]merge.Row{assigned, assigned}, domain.Many{Words: "tasks", Tag: "task:new", Link: "app://tugas"}},
		"of one programme":  {[]merge.Row{item(domain.NoticeResults, "app://hasil/p"), item(domain.NoticeResults, "app://hasil/p")}, domain.Many{Alike: true, Link: news}},
		"of two":            {[]merge.Row{item(domain.NoticeResults, "app://hasil/p"), item(domain.NoticeResults, "app://hasil/q")}, domain.Many{Words: "results", Link: news}},
		"two visits":        {[]merge.Row{visit, next}, domain.Many{Words: domain.NoticeVisitTomorrow, Link: news}},
		"two businesses": {[]merge.Row{about(domain.NoticeSilentBusiness, "a", "app://pendamping"), about(domain.NoticeSilentBusiness, "b", "app://pendamping")},
			domain.Many{Words: domain.NoticeSilentBusiness, Link: "app://pendamping", Collapse: domain.CollapseSync}},
		"two targets": {[]merge.Row{item(domain.NoticeTargetReached, "app://target"), item(domain.NoticeTargetReached, "app://target")},
			domain.Many{Words: domain.NoticeTargetReached, Tag: "target", Link: "app://target"}},
		"two ledgers": {[]merge.Row{item(domain.NoticeNothingLogged, "app://penjualan/baru"), item(domain.NoticeNothingLogged, "app://penjualan/baru")},
			domain.Many{Alike: true, Words: domain.NoticeNothingLogged, Tag: "sales", Link: "app://penjualan/baru", Collapse: domain.CollapseNudge}},
		"two doors": {[]merge.Row{item(domain.NoticeAccessEnded, news), item(domain.NoticeAccessEnded, news)},
			domain.Many{Alike: true, Words: domain.NoticeAccessEnded, Tag: "sec", Link: news}},
		"of two kinds": {[]merge.Row{visit, due}, domain.Many{Link: news}},
		"a digest":     {[]merge.Row{silent, assigned}, domain.Many{Link: news}},
	} {
		if got := domain.ManyOf(tt.items); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// TestANewTaskNamesADayThatIsNear: less than 24 hours before the end of the day on which it is due,
// by the clocks of the business, and on that of the nearest of several.
func TestANewTaskNamesADayThatIsNear(t *testing.T) {
	task := func(due string) merge.Row {
		return rowWith("i", map[string]any{"type": domain.NoticeTaskAssigned, "params": map[string]any{"n": 1, "task": "Foto", "due": due}})
	}
	undated := rowWith("i", map[string]any{"type": domain.NoticeTaskAssigned, "params": map[string]any{"n": 1}})
	reminder := rowWith("i", map[string]any{"type": domain.NoticeTaskDue, "params": map[string]any{"task": "Foto", "due": "2022-06-17"}})
	const today, late = "Tenggatnya Jumat, 17 Juni 2022.", "Tenggatnya Kamis, 16 Juni 2022."
	for name, tt := range map[string]struct {
		items []merge.Row
		zone  domain.Zone
		now   string
		want  string
	}{
		"on its day":             {[]merge.Row{task("2022-06-17")}, domain.WIB, "2022-06-17T03:00Z", today},
		"24 hours before":        {[]merge.Row{task("2022-06-17")}, domain.WIB, "2022-06-16T17:00Z", ""},
		"a minute later":         {[]merge.Row{task("2022-06-17")}, domain.WIB, "2022-06-16T17:01Z", today},
		"farther east":           {[]merge.Row{task("2022-06-17")}, domain.WIT, "2022-06-16T15:01Z", today},
		"at that moment in WITA": {[]merge.Row{task("2022-06-17")}, domain.WITA, "2022-06-16T15:01Z", ""},
		"the day before":         {[]merge.Row{task("2022-06-18")}, domain.WIB, "2022-06-17T03:00Z", ""},
		"over already":           {[]merge.Row{task("2022-06-16")}, domain.WIB, "2022-06-17T03:00Z", late},
		"the nearest":            {[]merge.Row{task("2022-06-20"), undated, task("2022-06-17")}, domain.WIB, "2022-06-17T03:00Z", today},
		"without a date":         {[]merge.Row{undated}, domain.WIB, "2022-06-17T03:00Z", ""},
		"beside other news":      {[]merge.Row{task("2022-06-17"), reminder}, domain.WIB, "2022-06-17T03:00Z", ""},
		"a reminder":             {[]merge.Row{reminder}, domain.WIB, "2022-06-17T03:00Z", ""},
	} {
		if got := domain.PushDay(tt.items, tt.zone, utc(tt.now), message.ID); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for _, lang := range []message.Lang{message.ID, message.EN} {
		due := domain.PushDay([]merge.Row{task("2022-12-31")}, domain.WIB, utc("2022-12-31T03:00Z"), lang)
		for _, s := range []message.Sentence{message.Push(domain.NoticeTaskAssigned, lang), message.PushMany("tasks", lang)} {
			if n := utf8.RuneCountInString(s.Detail + " " + due); due == "" || n > message.PushBody {
				t.Errorf("%q has %d characters", s.Detail+" "+due, n)
			}
		}
	}
}

// TestAVisitNamesItsDay, by the clocks of who reads it; of several the one that they share.
func TestAVisitNamesItsDay(t *testing.T) {
	visit := func(at string) merge.Row {
		return rowWith("i", map[string]any{"type": domain.NoticeVisitTomorrow, "params": map[string]any{"at": at}})
	}
	const friday = "Pada Jumat, 17 Juni 2022."
	for name, tt := range map[string]struct {
		items []merge.Row
		zone  domain.Zone
		want  string
	}{
		"one":                     {[]merge.Row{visit("2022-06-17T03:00:00.000Z")}, domain.WIB, friday},
		"early in the east":       {[]merge.Row{visit("2022-06-16T22:30:00.000Z")}, domain.WIT, friday},
		"two of a day":            {[]merge.Row{visit("2022-06-17T03:00:00.000Z"), visit("2022-06-17T07:00:00.000Z")}, domain.WIB, friday},
		"two of two":              {[]merge.Row{visit("2022-06-17T03:00:00.000Z"), visit("2022-06-18T03:00:00.000Z")}, domain.WIB, ""},
		"without an hour":         {[]merge.Row{visit("")}, domain.WIB, ""},
		"beside other news":       {[]merge.Row{visit("2022-06-17T03:00:00.000Z"), rowWith("i", map[string]any{"type": domain.NoticeTaskReturned})}, domain.WIB, ""},
		"other news, and a visit": {[]merge.Row{rowWith("i", map[string]any{"type": domain.NoticeTaskReturned}), visit("2022-06-17T03:00:00.000Z")}, domain.WIB, ""},
	} {
		if got := domain.PushDay(tt.items, tt.zone, utc("2022-06-16T10:00Z"), message.ID); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for _, lang := range []message.Lang{message.ID, message.EN} {
		day := domain.PushDay([]merge.Row{visit("2022-12-31T03:00:00.000Z")}, domain.WIB, utc("2022-12-30T10:00Z"), lang)
		for _, s := range []message.Sentence{message.Push(domain.NoticeVisitTomorrow, lang), message.PushMany(domain.NoticeVisitTomorrow, lang)} {
			if n := utf8.RuneCountInString(s.Detail + " " + day); day == "" || n > message.PushBody {
				t.Errorf("%q has %d characters", s.Detail+" "+day, n)
			}
		}
	}
}
