package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// rows are what the office's queue holds of a collection.
func (b *office) rows(scope, collection string) []merge.Row {
	b.Helper()
	rows, err := b.w.Rows(b.Context(), scope, collection)
	b.ok(err)
	return rows
}

// TestACorrectionWhoseAnswerWasLostIsMadeOnce: without an answer of the server the same command is repeated, though
// the correction itself has made another version.
func TestACorrectionWhoseAnswerWasLostIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{Numbers: everybody()})
	b.plan(judges())
	c := b.importer()
	a := c.draft(briefing, "--programme", codeOfProgramme)
	c.does(0, []string{"ya"}, "announce", "schedule", a)
	b.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	b.due()
	c.login()
	words := b.text("b.json", `{"body_id":"Datang pukul 11.00 WIB."}`)
	b.losing("/versions", func() { c.does(desk.StatusUnknown, nil, "announce", "correct", a, "--file", words) })
	c.does(0, nil, "announce", "correct", a, "--file", words)
	version := func(want int64) {
		t.Helper()
		for _, r := range b.rows(domain.GeneralQueue, "announcement") {
			if r.ID == a && r.Int("version") != want {
				t.Errorf("version %d, want %d", r.Int("version"), want)
			}
		}
		if n := len(b.rows(domain.GeneralQueue, "announcement_version")); n != int(want)-1 {
			t.Errorf("%d earlier versions are kept, want %d", n, want-1)
		}
	}
	version(2)

	b.losing("/versions", func() {
		c.does(desk.StatusUnknown, nil, "announce", "correct", a, "--file", b.text("c.json", `{"body_id":"Datang pukul 12.00 WIB."}`))
	})
	version(3)
	c.does(0, nil, "announce", "correct", a, "--file", words) // back to the hour of before
	version(4)
	c.does(0, nil, "announce", "correct", a, "--file", b.text("c.json", `{"body_id":"Datang pukul 12.00 WIB."}`)) // and once more: what was made then is no more
	version(5)
}

// TestACorrectionThatWaitsIsProposedOnce: where another admin has to approve it, too.
func TestACorrectionThatWaitsIsProposedOnce(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan()
	one, two := b.importer(), b.hire("+628117000012").login()
	a := one.draft(`{"title_id":"Untuk semua","title_en":"For all","body_id":"Isi.","body_en":"Body.","publish_at":"2022-03-20T01:00:00Z"}`, "--programme", codeOfProgramme)
	one.does(0, nil, "announce", "review", a)
	two.does(0, nil, "announce", "approve", "--yes", a)
	b.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	b.due()
	one.login()
	correct := []string{"announce", "correct", a, "--lang", "en", "--file", b.text("c.json", `{"body_id":"Isi lain."}`)}
	b.losing("/versions", func() { one.does(desk.StatusUnknown, nil, correct...) })
	out, _ := one.does(0, nil, correct...)
	wants(t, out, "Waits for the approval of another admin: ")
	n := 0
	for _, r := range b.rows(domain.GeneralQueue, "approval") {
		if r.Text("kind") == domain.ApproveCorrection {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d proposals, want 1", n)
	}
}

// TestAnOldAnswerIsNotShownAsWhatIsNow: the answer to a preparation got lost, the admin looks with "status" instead of repeating the
// command, takes it back, and prepares once more.
func TestAnOldAnswerIsNotShownAsWhatIsNow(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{Crowd: 2})
	b.plan()
	one := b.importer()
	of := []string{"--programme", codeOfProgramme}
	prepare := append([]string{"publish", "--at", "2022-03-17T10:00+07:00"}, of...)
	b.curate()
	one.login()
	state := func() string {
		t.Helper()
		return b.rows(domain.DecisionScope(domain.ProgrammeID(codeOfProgramme)), "publication")[0].Text("state")
	}
	b.losing("/publication", func() { one.does(desk.StatusUnknown, nil, prepare...) })
	out, _ := one.does(0, nil, append([]string{"publish", "status"}, of...)...)
	wants(t, out, "prepared")
	one.does(0, nil, append([]string{"publish", "withdraw", "--yes", "--reason", "Berita acara belum ada"}, of...)...)
	if is := state(); is != "withdrawn" {
		t.Fatalf("the publication is %q", is)
	}
	out, _ = one.does(0, nil, prepare...)
	if is := state(); is != "prepared" || !strings.Contains(out, "prepared") || strings.Contains(out, "Berita acara belum ada") {
		t.Errorf("the publication is %q, and the command says\n%s", is, out)
	}

	a := one.draft(briefing, of...)
	one.does(0, nil, "announce", "cancel", a)
	b.losing("/announcements", func() {
		one.does(desk.StatusUnknown, nil, append([]string{"announce", "--file", b.text("x.json", briefing)}, of...)...)
	})
	lost := b.rows(domain.GeneralQueue, "announcement")
	for _, r := range lost {
		if r.ID != a {
			one.does(0, nil, "announce", "cancel", r.ID)
		}
	}
	again := one.draft(briefing, of...)
	if n := len(b.rows(domain.GeneralQueue, "announcement")); n != len(lost)+1 {
		t.Errorf("%d announcements, want %d", n, len(lost)+1)
	}
	out, _ = one.does(0, nil, "announce", "show", again)
	wants(t, out, again+": draft")
}
