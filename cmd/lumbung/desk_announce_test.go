package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// briefing is what an admin writes in a file.
const briefing = `{"title_id":"Briefing pameran","title_en":"Exhibition briefing","body_id":"Datang pukul 10.00 WIB.","body_en":"Please come at 10:00.",
"audience":{"regions":["18.02","18.03","18.04","18.05","18.06","18.07","18.08","18.09","18.10","18.11","18.12","18.13","18.71","18.72"]},"publish_at":"2022-03-20T01:00:00Z","require_ack":true,"ack_by":"2022-03-21T10:00:00Z"}`

// draft writes a draft and gives its id.
func (c *clerk) draft(content string, more ...string) string {
	c.b.Helper()
	out, _ := c.does(0, nil, append([]string{"announce", "--file", c.b.text("a.json", content)}, more...)...)
	found := regexp.MustCompile(`Pengumuman (\S+): draft`).FindStringSubmatch(out)
	if found == nil {
		c.b.Fatalf("no draft:\n%s", out)
	}
	return found[1]
}

// everybody lists the numbers of the owners of the list of three.
func everybody() (numbers []string) {
	for _, r := range fixture.Campaign(1).Rows {
		if r.Refusal == "" && len(numbers) < 3 {
			numbers = append(numbers, string(r.Registrant.Phone))
		}
	}
	return numbers
}

// importer hires an admin, who brings in the list of three.
func (b *office) importer() *clerk {
	b.Helper()
	c := b.hire("+628117000011").login()
	c.does(0, nil, "import", "--yes", "--programme", codeOfProgramme, b.text("daftar.csv", three()))
	return c
}

// reads lets an owner read and confirm an announcement on a phone.
func (b *office) reads(number, announcement string) {
	b.Helper()
	p, err := b.w.Enter(b.Context(), &play.Person{Name: "an owner", Number: number}, "phone of an owner")
	b.ok(err)
	b.ok(b.w.Sync(b.Context(), p))
	now := merge.Millis(b.w.Clock.Now().UnixMilli()).Value()
	_, err = p.Do(replica.Edit{Scope: merge.UserScope(p.Me().User), Collection: "receipt", Set: map[string]merge.Value{"announcement_id": merge.Str(announcement), "delivered_at": now, "read_at": now, "acked_at": now}})
	b.ok(err)
	b.ok(b.w.Sync(b.Context(), p))
}

// TestAnAnnouncementFromDraftToReceipts is story A10 from the command line: written once,
// shown to whom it goes, scheduled, read on a phone, corrected and taken back.
func TestAnAnnouncementFromDraftToReceipts(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{Numbers: everybody()})
	b.plan()
	c := b.importer()
	b.losing("/announcements", func() {
		c.does(desk.StatusUnknown, nil, "announce", "--programme", codeOfProgramme, "--file", b.text("a.json", briefing))
	})
	a := c.draft(briefing, "--programme", codeOfProgramme) // the same request, so there is one
	rows, err := b.w.Rows(t.Context(), domain.GeneralQueue, "announcement")
	if err != nil || len(rows) != 1 || domain.AudienceOf(rows[0]).Programme != domain.ProgrammeID(codeOfProgramme) {
		t.Fatalf("%d announcements, %v", len(rows), err)
	}
	out, _ := c.does(0, nil, "announce", "preview", a)
	wants(t, out, "3 orang di 3 usaha: 3 pemilik, 0 staf, 0 pendamping.")
	out, _ = c.does(0, nil, "announce", "change", a, "--file", b.text("b.json", `{"publish_at":"2022-03-20T15:00:00Z"}`), "--lang", "en")
	wants(t, out, "Please note:", "(quiet_hours)", "22:00 WIB")
	c.does(0, nil, "announce", "change", a, "--file", b.text("b.json", `{"publish_at":"2022-03-20T01:00:00Z"}`))
	out, said := c.does(desk.StatusFailed, []string{"no"}, "announce", "schedule", a)
	wants(t, out, "Briefing pameran", "3 orang", "Minggu, 20 Maret 2022, 08.00 WIB")
	wants(t, said, "(not_confirmed)")
	out, _ = c.does(0, []string{"ya"}, "announce", "schedule", a)
	wants(t, out, a+": scheduled")
	out, _ = c.does(0, nil, "announce", "schedule", a)
	wants(t, out, "Sudah demikian")
	out, _ = c.does(0, nil, "announce", "receipts", a)
	wants(t, out, "0 orang")

	b.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	b.due()
	c.login()
	b.reads(everybody()[1], a)
	out, _ = c.does(0, nil, "announce", "receipts", a, "--people")
	wants(t, out, "3 orang: 1 menerima, 1 membaca, 1 mengonfirmasi.", "DIKONFIRMASI", "2022-03-20T01:")
	if lines := regexp.MustCompile(`(?m)^0\S+ .*$`).FindAllString(out, -1); len(lines) != 3 {
		t.Errorf("%d people have a line:\n%s", len(lines), out)
	}
	_, said = c.does(desk.StatusFailed, nil, "announce", "cancel", a)
	wants(t, said, "(forbidden_transition)")
	c.does(0, nil, "announce", "correct", a, "--file", b.text("b.json", `{"body_id":"Datang pukul 11.00 WIB."}`))
	out, _ = c.does(0, nil, "announce", "retract", a, "--yes", "--reason", "Tempatnya berubah")
	wants(t, out, a+": retracted")
	out, _ = c.does(0, nil, "announce", "list", "--state", "retracted")
	wants(t, out, a, "Briefing pameran")
}

// TestARegionalAdminAnnouncesFromTheCommandLine to their own province, and to no other.
func TestARegionalAdminAnnouncesFromTheCommandLine(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{Numbers: everybody()})
	b.plan()
	b.importer()
	lampung, java := b.hireRegional("+628117000013", "18").login(), b.hireRegional("+628117000014", "33").login()
	_, said := java.does(desk.StatusFailed, nil, "announce", "--programme", codeOfProgramme, "--file", b.text("a.json", briefing))
	wants(t, said, "(outside_region)")
	a := lampung.draft(briefing, "--programme", codeOfProgramme)
	_, said = lampung.does(desk.StatusFailed, nil, "announce", "change", a, "--file", b.text("b.json", `{"audience":{"regions":["18","33"]}}`), "--lang", "en")
	wants(t, said, "(outside_region)", "in your provinces")
	_, said = java.does(desk.StatusFailed, nil, "announce", "show", a)
	wants(t, said, "(not_found)")
	out, _ := lampung.does(0, nil, "announce", "preview", a)
	wants(t, out, "3 orang di 3 usaha")
	b.w.Clock.Advance(16 * time.Minute)
	out, _ = lampung.does(0, []string{"ya", lampung.code()}, "announce", "schedule", a) // with a fresh second factor, like every admin
	wants(t, out, a+": scheduled")
	b.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	b.due()
	out, _ = lampung.login().does(0, nil, "announce", "receipts", a)
	wants(t, out, "3 orang: 0 menerima")
	out, _ = java.login().does(0, nil, "announce", "list")
	if strings.Contains(out, a) {
		t.Errorf("another province sees it:\n%s", out)
	}
}

// TestAListOfAnnouncementsIsWhole, however many pages it has.
func TestAListOfAnnouncementsIsWhole(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	c := b.hire("+628117000011").login()
	first := c.draft(`{"title_id":"Pertama"}`)
	who := programme.Caller{User: c.user, Proved: true}
	for n := range 101 { // a page is 100
		b.w.Clock.Advance(time.Millisecond)
		who.Name = fmt.Sprint("rest.many.", n)
		_, err := b.w.App.Programme.CreateAnnouncement(t.Context(), who, map[string]merge.Value{"title_id": merge.Str("Kabar")})
		b.ok(err)
	}
	out, _ := c.does(0, nil, "announce", "list")
	if lines := strings.Count(out, "Kabar"); lines != 101 || !strings.Contains(out, first) {
		t.Errorf("%d of 101, the first one: %t", lines, strings.Contains(out, first))
	}
}

// TestAnotherAdminReviewsWhatGoesToMany, or returns it; its author does not.
func TestAnotherAdminReviewsWhatGoesToMany(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{})
	b.plan()
	one, two := b.importer(), b.hire("+628117000012").login()
	a := one.draft(`{"title_id":"Untuk semua","title_en":"For all","body_id":"Isi.","body_en":"Body.","publish_at":"2022-03-20T01:00:00Z"}`, "--programme", codeOfProgramme)
	out, _ := one.does(0, nil, "announce", "preview", a)
	wants(t, out, "lumbung admin announce review "+a)
	_, said := one.does(desk.StatusFailed, nil, "announce", "schedule", "--yes", a)
	wants(t, said, "(review_required)")
	one.does(0, nil, "announce", "review", a)
	_, said = one.does(desk.StatusFailed, nil, "announce", "approve", "--yes", a)
	wants(t, said, "(same_person)")
	out, _ = two.does(0, nil, "announce", "return", a, "--reason", "Isi terlalu pendek")
	wants(t, out, a+": draft")
	one.does(0, nil, "announce", "review", a)
	out, _ = two.does(0, []string{"y"}, "announce", "approve", a)
	wants(t, out, a+": scheduled")
	out, _ = two.does(0, nil, "announce", "approve", a)
	wants(t, out, "Sudah demikian")
	out, _ = one.does(0, nil, "announce", "cancel", a)
	wants(t, out, a+": cancelled")
	out, _ = one.does(0, nil, "announce", "show", a)
	wants(t, out, a+": cancelled", "Untuk semua")
	_, said = one.does(desk.StatusFailed, nil, "announce", "--file", b.text("a.json", `{"title":"x","publish_at":5}`))
	wants(t, said, "title: ", "(unknown_field)", "publish_at: ", "(invalid_value)")

	sent := one.draft(`{"title_id":"Sekali lagi","title_en":"Again","body_id":"Isi.","body_en":"Body.","publish_at":"2022-03-20T01:00:00Z"}`, "--programme", codeOfProgramme)
	one.does(0, nil, "announce", "review", sent)
	two.does(0, nil, "announce", "approve", "--yes", sent)
	b.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	b.due()
	one.login()
	out, _ = one.does(0, nil, "announce", "correct", sent, "--file", b.text("c.json", `{"body_id":"Isi lain."}`), "--lang", "en")
	wants(t, out, "Waits for the approval of another admin: ")
	out, _ = one.does(0, nil, "announce", "show", sent)
	wants(t, out, sent+": sent")
}
