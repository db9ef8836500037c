package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// curate takes three files through a curation: one curator scores them on a phone, and two
// admins decide.
func (b *office) curate() {
	b.Helper()
	b.w.Clock.Set(time.Date(2022, 3, 13, 1, 0, 0, 0, time.UTC))
	b.advance(domain.ProgrammeCurating)
	post := func(p *play.Phone, path string, in, out any) {
		b.Helper()
		b.ok(p.Send(b.Context(), http.MethodPost, at(path), "", in, out))
	}
	post(b.ratna, "/begin", nil, nil)
	who := b.w.Neighbour(0)
	post(b.ratna, "/curators", map[string]any{"phone": who.Number, "institution": "Universitas Lampung"}, nil)
	curator, err := b.w.Enter(b.Context(), who, "phone of a curator")
	b.ok(err)
	post(b.ratna, "/stages/1/shares", map[string]any{}, nil)
	b.ok(b.w.Sync(b.Context(), curator))
	scope := domain.PanelScope(domain.ProgrammeID(codeOfProgramme), curator.Me().User)
	files, err := curator.Rows(scope, "dossier")
	b.ok(err)
	for n, d := range files {
		items := map[string]any{}
		for _, it := range fixture.Rubric() {
			items[it.Code] = map[string]any{"points": 90 - n}
		}
		sheet := domain.SheetID(d.Text("application_id"), 1, curator.Me().User)
		_, err := curator.Do(replica.Edit{Scope: scope, Collection: "sheet", ID: sheet, Set: map[string]merge.Value{"application_id": merge.Str(d.Text("application_id")), "stage": merge.Num(1), "items": merge.Encode(items)}})
		b.ok(err)
		_, err = curator.Do(replica.Edit{Scope: scope, Collection: "sheet_event", Set: map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("submit")}})
		b.ok(err)
	}
	b.ok(b.w.Sync(b.Context(), curator))
	b.w.Clock.Set(time.Date(2022, 3, 14, 11, 0, 0, 0, time.UTC))
	guntur, err := b.w.Enter(b.Context(), b.w.Person("Pak Guntur"), "desk of Pak Guntur")
	b.ok(err)
	b.ok(b.ratna.Login(b.Context()))
	var v struct {
		Basis string `json:"basis"`
		State string `json:"state"`
	}
	b.ok(b.ratna.Send(b.Context(), http.MethodGet, at("/stages/1"), "", nil, &v))
	post(b.ratna, "/stages/1/decision", map[string]any{"basis": v.Basis, "minutes": "BA-01/2022"}, &v)
	post(guntur, "/stages/1/approval", map[string]any{"basis": v.Basis}, &v)
	if v.State != "decided" {
		b.Fatalf("the stage is %s", v.State)
	}
}

// due lets the server look at its calendar and do what follows.
func (b *office) due() {
	b.Helper()
	for range 3 {
		b.ok(b.w.App.Programme.Due(b.Context()))
		_, err := b.w.App.Programme.Announce(b.Context())
		b.ok(err)
		b.ok(b.w.Step(b.Context()))
	}
}

// TestTwoAdminsPublishFromTheCommandLine is story A3 as far as admins see it: one prepares,
// the other approves what is shown, and nobody hears of anything before the instant.
func TestTwoAdminsPublishFromTheCommandLine(t *testing.T) {
	t.Parallel()
	b := openOffice(t, play.Options{Crowd: 2})
	b.plan()
	one, two := b.importer(), b.hire("+628117000012").login()
	of := []string{"--programme", codeOfProgramme}
	prepare := append([]string{"publish", "--at", "2022-03-17T10:00+07:00", "--feedback", b.text("kata.json", `{"selected":"Selamat! Usaha Anda terpilih.","reserve":"Usaha Anda masuk cadangan."}`)}, of...)
	_, said := one.does(desk.StatusFailed, nil, prepare...)
	wants(t, said, "(stage_not_ready)")
	b.curate()
	one.login()
	out, _ := one.does(0, nil, append([]string{"publish", "status"}, of...)...)
	wants(t, out, "Belum ada publikasi")
	for content, code := range map[string]string{`["x"]`: "file_no_object", `{"selected":`: "file_no_object", `{"best":"x"}`: "invalid_value", `{"selected":"x\u001b[2J"}`: "invalid_value"} {
		_, said = one.does(desk.StatusFailed, nil, append([]string{"publish", "--at", "2022-03-17T10:00+07:00", "--feedback", b.text("kata.json", content)}, of...)...)
		wants(t, said, "("+code+")")
	}

	b.losing("/publication", func() { one.does(desk.StatusUnknown, nil, prepare...) })
	out, _ = one.does(0, nil, prepare...)
	wants(t, out, "prepared", "Kamis, 17 Maret 2022, 10.00 WIB (2022-03-17T03:00:00.000Z)", one.user, "Kata untuk selected: Selamat! Usaha Anda terpilih.", "publish approve --programme "+codeOfProgramme)
	if one.errands() != 0 {
		t.Errorf("%d errands are left", one.errands())
	}
	approve := append([]string{"publish", "approve"}, of...)
	_, said = one.does(desk.StatusFailed, nil, append([]string{"publish", "approve", "--yes"}, of...)...)
	wants(t, said, "(same_person)")
	two.login()
	b.w.Clock.Advance(16 * time.Minute) // so that the proof of the login has aged
	out, said = two.does(desk.StatusFailed, []string{"tidak"}, approve...)
	wants(t, out, "Selamat!")
	wants(t, said, "(not_confirmed)")
	b.losing("/approval", func() { two.does(desk.StatusUnknown, []string{"ya", two.code()}, approve...) })
	out, _ = two.does(0, nil, approve...)
	wants(t, out, "approved", "Anda sudah menyetujuinya", two.user)
	_, said = one.does(desk.StatusFailed, []string{one.code()}, prepare...)
	wants(t, said, "(publication_approved)")

	withdraw := append([]string{"publish", "withdraw", "--reason", "Berita acara belum ditandatangani"}, of...)
	_, said = one.does(desk.StatusFailed, []string{"tidak"}, withdraw...)
	wants(t, said, "(not_confirmed)")
	b.losing("/withdrawal", func() { one.does(desk.StatusUnknown, []string{"ya"}, withdraw...) })
	out, _ = one.does(0, nil, withdraw...)
	wants(t, out, "withdrawn", "Ditarik oleh: "+one.user+" (Berita acara belum ditandatangani)")
	_, said = two.does(desk.StatusFailed, nil, append([]string{"publish", "approve", "--yes"}, of...)...)
	wants(t, said, "(stage_not_ready)")
	one.does(0, nil, prepare...)
	two.does(0, nil, append([]string{"publish", "approve", "--yes"}, of...)...)

	b.w.Clock.Set(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	one.login()
	b.due()
	out, _ = one.does(0, nil, append([]string{"publish", "status", "--lang", "en"}, of...)...)
	wants(t, out, "Publication of "+codeOfProgramme+": told", "Thursday, 17 March 2022, 10:00 WIB", "Approved by: "+two.user)
	p, err := b.w.Rows(t.Context(), domain.DecisionScope(domain.ProgrammeID(codeOfProgramme)), "publication")
	if err != nil || len(p) != 1 {
		t.Fatalf("%d publications, %v", len(p), err)
	}
	out, _ = one.does(0, nil, "job", p[0].Text("job_id"))
	wants(t, out, "Selesai: 1 langkah, 0 gagal.")
}
