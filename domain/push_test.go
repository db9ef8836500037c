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
	late, other := item(domain.NoticeLateScore, "app://kurasi/p"), item(domain.NoticeLateScore, "app://kurasi/q")
	due, silent := item(domain.NoticeTaskDue, "app://tugas/a"), item(domain.NoticeSilentPhone, "app://sinkron")
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
		"a digest":          {[]merge.Row{silent, assigned}, domain.Many{Link: news}},
	} {
		if got := domain.ManyOf(tt.items); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
