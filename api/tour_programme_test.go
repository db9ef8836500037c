package api_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// editions sets up a programme and opens it.
func (o *tour) editions(owner, admin wire.Login) {
	const path = "/v1/programmes"
	const plan = `"name":"Lagawi Fest 2022","kind":"campaign","region_codes":["18"],"quota":30,"number_prefix":"LGW22","confirm_days":3,
		"phases":[{"code":"registration","starts_on":"2022-02-27","ends_on":"2022-03-06"}],"stages":[{"no":1,"kind":"checklist","items":[{"code":"data_complete","label_id":"Data lengkap"}]},
		{"no":2,"kind":"rubric","curators_per_file":2,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]`
	var e, seen wire.Programme
	const template = `{"code":"bbi-90","version":1,"fields":{"name":"BBI-90","items":[{"code":"shop","title_id":"Buka toko","track":"digital","offset_days":0,"duration_days":7}]}}`
	o.want(201, admin.AccessToken, "POST", "/v1/plan-templates", template)
	o.code("template_exists", o.want(409, admin.AccessToken, "POST", "/v1/plan-templates", strings.Replace(template, "Buka", "Tutup", 1)))
	o.want(403, owner.AccessToken, "POST", "/v1/plan-templates", template)
	o.want(422, admin.AccessToken, "POST", "/v1/plan-templates", strings.Replace(template, "digital", "analog", 1))
	o.want(200, owner.AccessToken, "GET", "/v1/plan-templates", "")
	o.want(400, owner.AccessToken, "GET", "/v1/plan-templates?limit=x", "!")
	o.want(400, owner.AccessToken, "GET", path+"?after=x", "!")
	o.want(201, admin.AccessToken, "POST", path, `{"code":"lagawi-fest-2022","fields":{`+plan+`}}`).Into(o, &e)
	o.code("programme_exists", o.want(409, admin.AccessToken, "POST", path, `{"code":"lagawi-fest-2022","fields":{`+plan+`,"theme":"lain"}}`))
	o.code("forbidden", o.want(403, owner.AccessToken, "POST", path, `{"code":"other","fields":{`+plan+`}}`))
	bad := o.want(422, admin.AccessToken, "POST", path, `{"code":"other","fields":{"name":"x","kind":"party","colour":"red"}}`)
	if len(bad.Problem.Fields) != 3 {
		o.Errorf("three mistakes, told of %+v", bad.Problem.Fields)
	}
	mine := path + "/" + e.Id
	o.want(404, owner.AccessToken, "GET", mine, "")
	o.want(200, admin.AccessToken, "GET", mine, "")
	var drafts wire.ProgrammeList
	if o.want(200, admin.AccessToken, "GET", path+"?status=draft", "").Into(o, &drafts); len(drafts.Programmes) != 1 || drafts.Programmes[0].Etag != e.Etag || drafts.Programmes[0].Fields["stages"] == nil {
		o.Errorf("drafts: %+v", drafts)
	}
	if o.want(200, owner.AccessToken, "GET", path+"?status=draft", "").Into(o, &drafts); len(drafts.Programmes) != 0 {
		o.Errorf("drafts for an owner: %+v", drafts)
	}
	o.want(400, admin.AccessToken, "GET", path+"?status=drafts", "!")
	o.want(200, admin.AccessToken, "PATCH", mine, `{"fields":{"tagline":"Bangga buatan Lampung"}}`, "If-Match", e.Etag).Into(o, &e)
	o.want(412, admin.AccessToken, "PATCH", mine, `{"fields":{"tagline":"x"}}`, "If-Match", `"1-1"`)
	o.want(428, admin.AccessToken, "PATCH", mine, `{"fields":{"tagline":"x"}}`, "If-Match", "")
	o.want(422, admin.AccessToken, "PATCH", mine, `{"fields":{"quota":0}}`, "If-Match", e.Etag)
	o.want(404, admin.AccessToken, "PATCH", path+"/"+nobody, `{"fields":{"quota":1}}`, "If-Match", e.Etag)
	o.code("field_fixed", o.want(409, admin.AccessToken, "PATCH", mine, `{"fields":{"kind":"workshop"}}`, "If-Match", e.Etag))
	o.code("forbidden_transition", o.want(409, admin.AccessToken, "POST", mine+"/status", `{"status":"closed"}`, "If-Match", e.Etag))
	o.want(412, admin.AccessToken, "POST", mine+"/status", `{"status":"open"}`, "If-Match", `"1-1"`)
	o.want(428, admin.AccessToken, "POST", mine+"/status", `{"status":"open"}`, "If-Match", "")
	o.want(422, admin.AccessToken, "POST", mine+"/status", `{"status":"asleep"}`, "If-Match", e.Etag)
	o.want(404, admin.AccessToken, "POST", path+"/"+nobody+"/status", `{"status":"open"}`, "If-Match", e.Etag)
	o.want(200, admin.AccessToken, "POST", mine+"/status", `{"status":"open"}`, "If-Match", e.Etag).Into(o, &e)
	if _, err := o.parts.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
	o.want(200, owner.AccessToken, "GET", mine, "").Into(o, &seen)
	if string(seen.Fields["status"]) != `"open"` || seen.Fields["stages"] != nil {
		o.Errorf("seen by an owner: %s", seen.Fields)
	}
	o.imports(owner, admin, mine)
	o.curation(owner, admin, mine)
	var all wire.ProgrammeList
	o.want(200, owner.AccessToken, "GET", path, "").Into(o, &all)
	if len(all.Programmes) != 1 || all.Programmes[0].Id != e.Id {
		o.Errorf("listed: %+v", all)
	}
}

// imports brings registrants into a programme.
func (o *tour) imports(owner, admin wire.Login, programme string) {
	const path, csv = "/imports", "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n" +
		"A1;2022-03-01 08:00;Keripik Ani;Ani;8117009998;18.71;pangan\nA2;2022-03-01 09:00;Tenun Budi;Budi;0721-1234;18.72;fesyen\n"
	kind, windows := []string{"Content-Type", "text/csv"}, []string{"Content-Type", "application/vnd.ms-excel"}
	var in wire.ImportReport
	o.want(200, admin.AccessToken, "POST", programme+path+"/check", csv, kind...).Into(o, &in)
	checked := in
	o.want(200, admin.AccessToken, "POST", programme+path+"/check", csv, windows...).Into(o, &in)
	if in.Read != checked.Read || in.Accepted != checked.Accepted {
		o.Errorf("a list as Windows calls it: %+v", in)
	}
	if in.Read != 2 || in.Accepted != 1 || in.Refused != 1 || len(in.Errors) != 1 || in.Errors[0].Line != 3 || in.Errors[0].Field != "phone" || in.Errors[0].Message == "" {
		o.Errorf("checked: %+v", in)
	}
	for _, p := range []string{path, path + "/check"} {
		o.want(403, owner.AccessToken, "POST", programme+p, csv, kind...)
		o.want(404, admin.AccessToken, "POST", "/v1/programmes/"+nobody+p, csv, kind...)
		o.want(415, admin.AccessToken, "POST", programme+p, "!"+csv, "Content-Type", "text/html")
		o.want(422, admin.AccessToken, "POST", programme+p, "!%PDF-1.7", kind...)
		o.code("table_old_excel", o.want(422, admin.AccessToken, "POST", programme+p, "!\xd0\xcf\x11\xe0 as it was", windows...))
		o.code("table_rows", o.want(413, admin.AccessToken, "POST", programme+p, "!"+csv+strings.Repeat("x;y;z\n", 11_000), kind...))
		o.want(400, admin.AccessToken, "POST", programme+p, "!not packed", "Content-Type", "text/csv", "Content-Encoding", "gzip")
	}
	var draft wire.Programme
	o.want(201, admin.AccessToken, "POST", "/v1/programmes", `{"code":"not-open-yet","fields":{"name":"Nanti","kind":"campaign","region_codes":["18"]}}`).Into(o, &draft)
	for _, p := range []string{path, path + "/check"} {
		o.code("import_closed", o.want(409, admin.AccessToken, "POST", "/v1/programmes/"+draft.Id+p, csv, kind...))
	}
	r := o.want(202, admin.AccessToken, "POST", programme+path, csv, kind...)
	r.Into(o, &in)
	var beside wire.ImportReport // which nobody has brought in before
	o.want(202, admin.AccessToken, "POST", programme+path, strings.Replace(csv, "A1;2022-03-01 08:00", "B1;2022-03-01 08:00", 1), kind...).Into(o, &beside)
	if _, err := o.parts.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
	var j wire.Job
	o.want(200, admin.AccessToken, "GET", "/v1/jobs/"+in.Job.Id, "").Into(o, &j)
	if j.Done != 1 || j.Steps[0].Rows != 1 {
		o.Errorf("the job says %+v", j)
	}
	var second wire.Job
	o.want(200, admin.AccessToken, "GET", "/v1/jobs/"+beside.Job.Id, "").Into(o, &second)
	if second.Done != 1 || second.Steps[0].Rows != 0 || second.Steps[0].Left != 1 || second.Left != 1 || second.MoreErrors != 0 || len(second.Errors) != 1 {
		o.Fatalf("the job of another list says %+v", second)
	}
	if w := second.Errors[0]; w.Line != 2 || w.Field != "phone" || w.Code != "already_registered" || w.Message == "" {
		o.Errorf("it says of its row: %+v", w)
	}
	o.want(200, admin.AccessToken, "POST", programme+path, csv, kind...).Into(o, &in)
	if in.Unchanged != 1 || in.Accepted != 0 {
		o.Errorf("again: %+v", in)
	}
	var files wire.CaseFileList
	o.want(200, admin.AccessToken, "GET", programme+"/files?state=open&region=18.71&limit=1", "").Into(o, &files)
	if len(files.Files) != 1 || string(files.Files[0].Fields["number"]) != `"LGW22-00001"` {
		o.Errorf("files: %+v", files)
	}
	o.want(200, admin.AccessToken, "GET", programme+"/files?region=18.72", "").Into(o, &files)
	if len(files.Files) != 0 {
		o.Errorf("from elsewhere: %+v", files)
	}
	for _, bad := range []string{"after=x", "state=nonsense", "region=99.99", "region=18", "category=cooking"} {
		o.code("query_invalid", o.want(400, admin.AccessToken, "GET", programme+"/files?"+bad, "!"))
	}
	o.want(403, owner.AccessToken, "GET", programme+"/files", "")
	o.want(404, admin.AccessToken, "GET", "/v1/programmes/"+nobody+"/files", "")
}

// curation decides about the one who registered. What two people have to do, two do.
func (o *tour) curation(owner, admin wire.Login, mine string) {
	o.clock.Advance(time.Minute)
	other, _ := o.proved("+628117000031")
	a, b := admin.AccessToken, other.AccessToken
	nowhere := "/v1/programmes/" + nobody
	var k wire.Curator
	o.want(201, a, "POST", mine+"/curators", `{"phone":"0811-7000-041","institution":"Bank Indonesia"}`).Into(o, &k)
	o.want(201, a, "POST", mine+"/curators", `{"phone":"0811-7000-042","institution":"Dekranasda"}`)
	o.want(422, a, "POST", mine+"/curators", `{"phone":"0721-1","institution":"Dekranasda"}`)
	o.want(200, a, "GET", mine+"/curators", "")
	o.want(400, a, "GET", mine+"/curators?after=x", "!")
	o.seats(owner, admin, mine)
	o.code("stage_not_ready", o.want(409, a, "POST", mine+"/begin", ""))
	o.code("idempotency_required", o.want(400, a, "POST", mine+"/begin", "", "Idempotency-Key", ""))
	var e wire.Programme
	o.want(200, a, "GET", mine, "").Into(o, &e)
	o.want(200, a, "POST", mine+"/status", `{"status":"curating"}`, "If-Match", e.Etag)
	o.returned(admin, mine)
	var moved wire.Moved
	o.want(200, a, "POST", mine+"/begin", "").Into(o, &moved)
	if moved.Files != 1 {
		o.Errorf("%d files begin", moved.Files)
	}
	for _, p := range []string{"/curators", "/stages/1", "/publication"} {
		o.want(403, owner.AccessToken, "GET", mine+p, "")
		o.want(404, a, "GET", nowhere+p, "")
	}
	for p, body := range map[string]string{"/curators": `{"phone":"0811-7000-041","institution":"BI"}`, "/begin": "", "/stages/1/shares": "{}", "/stages/1/decision": `{"basis":"x"}`,
		"/stages/1/approval": `{"basis":"x"}`, "/sheets/" + nobody + "/reopening": `{"curator_id":"` + nobody + `","note":"x"}`, "/publication": `{"publish_at":"2030-01-01T00:00:00Z"}`} {
		o.want(403, owner.AccessToken, "POST", mine+p, body)
		o.want(404, a, "POST", nowhere+p, body)
	}
	o.want(403, owner.AccessToken, "POST", mine+"/publication/approval", "", "If-Match", `"1-1"`)
	o.want(404, a, "POST", nowhere+"/publication/approval", "", "If-Match", `"1-1"`)
	o.want(422, a, "GET", mine+"/stages/7", "")
	o.want(422, a, "POST", mine+"/stages/1/shares", "{}")
	o.code("stage_not_begun", o.want(409, a, "POST", mine+"/stages/2/shares", "{}"))
	var v wire.StageView
	o.want(200, a, "GET", mine+"/stages/1", "").Into(o, &v)
	if v.State != "open" || len(v.Outcomes) != 1 {
		o.Fatalf("stage 1: %+v", v)
	}
	o.code("basis_changed", o.want(409, a, "POST", mine+"/stages/1/decision", `{"basis":"other"}`))
	o.want(422, a, "POST", mine+"/stages/9/decision", `{"basis":"other"}`)
	o.want(200, a, "POST", mine+"/stages/1/decision", `{"basis":"`+v.Basis+`","minutes":"BA-01"}`)
	o.ok(o.parts.Engine.Work(o.Context()))
	o.want(200, a, "POST", mine+"/stages/2/shares", `{"due_at":"2030-01-01T00:00:00Z"}`).Into(o, &moved)
	if moved.Files != 2 {
		o.Errorf("%d shares", moved.Files)
	}
	o.ok(o.parts.Engine.Work(o.Context()))
	sheet := o.sheets(e.Id, v.Outcomes[0].File)
	o.want(200, a, "GET", mine+"/stages/2", "").Into(o, &v)
	o.code("stage_not_ready", o.want(409, a, "POST", mine+"/stages/2/approval", `{"basis":"`+v.Basis+`"}`))
	o.want(422, a, "POST", mine+"/stages/9/approval", `{"basis":"x"}`)
	o.code("required", o.want(422, a, "POST", mine+"/stages/2/decision", `{"basis":"`+v.Basis+`"}`)) // no minutes
	o.want(200, a, "POST", mine+"/stages/2/decision", `{"basis":"`+v.Basis+`","minutes":"BA-02"}`).Into(o, &v)
	if v.State != "prepared" || v.Minutes != "BA-02" || v.PreparedBy != admin.User.Id || v.ApprovedBy != "" {
		o.Errorf("prepared: %+v", v)
	}
	o.code("same_person", o.want(403, a, "POST", mine+"/stages/2/approval", `{"basis":"`+v.Basis+`"}`))
	o.code("stage_not_ready", o.want(409, a, "POST", mine+"/publication", `{"publish_at":"2030-01-01T00:00:00Z"}`))
	o.want(404, a, "GET", mine+"/publication", "")
	o.want(200, b, "POST", mine+"/stages/2/approval", `{"basis":"`+v.Basis+`"}`)
	o.ok(o.parts.Engine.Work(o.Context()))
	reopen := `{"curator_id":"` + sheet[1] + `","note":"terlambat"}`
	o.want(204, a, "POST", mine+"/sheets/"+sheet[0]+"/reopening", reopen)
	o.code("forbidden_transition", o.want(409, a, "POST", mine+"/sheets/"+sheet[0]+"/reopening", reopen))
	o.want(422, a, "POST", mine+"/sheets/"+sheet[0]+"/reopening", `!{"curator_id":"`+sheet[1]+`","note":""}`)
	o.want(422, a, "POST", mine+"/publication", `{"publish_at":"2000-01-01T00:00:00Z"}`)
	var p wire.Publication
	o.want(200, a, "POST", mine+"/publication", `{"publish_at":"2030-01-01T00:00:00Z","feedback":{"selected":"Selamat!"}}`).Into(o, &p)
	o.want(200, a, "GET", mine+"/publication", "").Into(o, &p)
	o.code("same_person", o.want(403, a, "POST", mine+"/publication/approval", "", "If-Match", p.Etag))
	o.want(412, b, "POST", mine+"/publication/approval", "", "If-Match", `"1-1"`)
	o.want(428, b, "POST", mine+"/publication/approval", "", "If-Match", "")
	o.want(400, b, "POST", mine+"/publication/approval", "!", "If-Match", `W/"1-1"`)
	key := []string{"If-Match", p.Etag, "Idempotency-Key", "approve-to-publish"}
	first := o.want(200, b, "POST", mine+"/publication/approval", "", key...)
	if again := o.want(200, b, "POST", mine+"/publication/approval", "", key...); string(again.Body) != string(first.Body) {
		o.Errorf("approved once more: %s", again.Body)
	}
	o.code("idempotency_reused", o.want(422, b, "POST", mine+"/publication/approval", `!{"again":true}`, key...))
	o.code("publication_approved", o.want(409, b, "POST", mine+"/publication/approval", "", "If-Match", p.Etag))
	o.withdrawn(owner, b, mine)
	var files wire.CaseFileList
	o.want(200, a, "GET", mine+"/files?state=selected", "").Into(o, &files)
	o.noted("GET", "/v1/programmes/{programme}/stages/{stage}", files.Files[0].Id)
	o.noted("GET", "/v1/programmes/{programme}/curators", strings.Trim(string(k.Fields["user_id"]), `"`))
	o.noted("GET", "/v1/programmes/{programme}/files", files.Files[0].Id)
	o.advice(owner, admin, mine, e.Id, files.Files[0].Id)
	var whole wire.CaseFileList
	o.want(200, a, "GET", mine+"/files", "").Into(o, &whole)
	at := slices.IndexFunc(whole.Files, func(f wire.CaseFile) bool { return f.Id != files.Files[0].Id })
	o.enrolment(owner, admin, mine, whole.Files[at])
	o.application(owner, admin, "/v1/businesses/"+strings.Trim(string(files.Files[0].Fields["business_id"]), `"`), files.Files[0].Id)
}

// advice is what the owner of one file is told beside the result.
func (o *tour) advice(owner, admin wire.Login, mine, programme, file string) {
	o.Helper()
	o.clock.Advance(10 * time.Second) // an admin has so many requests in a minute
	a, path, words := admin.AccessToken, mine+"/files/"+file, `{"feedback":"Kemasan bagus; lengkapi NIB."}`
	o.code("forbidden", o.want(403, owner.AccessToken, "GET", path, ""))
	o.code("forbidden", o.want(403, owner.AccessToken, "PATCH", path, words, "If-Match", `"1-1"`))
	o.want(404, a, "GET", mine+"/files/"+nobody, "")
	o.want(404, a, "PATCH", mine+"/files/"+nobody, words, "If-Match", `"1-1"`)
	o.want(200, a, "GET", path, "")
	o.noted("GET", "/v1/programmes/{programme}/files/{file}", file)
	tag := o.want(200, a, "GET", path, "").Header.Get("Etag")
	o.want(428, a, "PATCH", path, words, "If-Match", "")
	o.want(412, a, "PATCH", path, words, "If-Match", `"1-1"`)
	o.want(400, a, "PATCH", path, "!{", "If-Match", tag)
	o.want(422, a, "PATCH", path, `!{"feedback":"`+strings.Repeat("x", 2001)+`"}`, "If-Match", tag)
	r := o.want(200, a, "PATCH", path, words, "If-Match", tag)
	var f wire.CaseFile
	if r.Into(o, &f); !strings.Contains(string(f.Fields["feedback"]), "NIB") {
		o.Errorf("%s", f.Fields["feedback"])
	}
	o.publication(programme, "telling", false)
	o.code("publication_begun", o.want(409, a, "PATCH", path, words, "If-Match", r.Header.Get("Etag")))
	o.publication(programme, "withdrawn", false)
}

// publication is that of a programme from now on.
func (o *tour) publication(programme, state string, first bool) {
	o.Helper()
	_, err := o.parts.Engine.Write(o.Context(), domain.DecisionScope(programme), merge.ServerWrite{Name: "publication is " + state, Role: merge.System, Collection: "publication", ID: id.Derive("publication", programme),
		Op: merge.Put, Create: first, Set: map[string]merge.Value{"state": merge.Str(state)}})
	o.ok(0, err)
}

// withdrawn takes a publication back before its instant.
func (o *tour) withdrawn(owner wire.Login, admin, mine string) {
	o.Helper()
	const under, why = "/publication/withdrawal", `{"reason":"Berita acara belum ditandatangani"}`
	var p, gone wire.Publication
	o.want(200, admin, "GET", mine+"/publication", "").Into(o, &p)
	o.want(400, admin, "POST", mine+under, "!{", "If-Match", p.Etag)
	o.code("forbidden", o.want(403, owner.AccessToken, "POST", mine+under, why, "If-Match", p.Etag))
	o.want(404, admin, "POST", "/v1/programmes/"+nobody+under, why, "If-Match", p.Etag)
	o.want(412, admin, "POST", mine+under, why, "If-Match", `"1-1"`)
	o.want(428, admin, "POST", mine+under, why, "If-Match", "")
	o.code("required", o.want(422, admin, "POST", mine+under, `!{"reason":""}`, "If-Match", p.Etag))
	o.want(200, admin, "POST", mine+under, why, "If-Match", p.Etag).Into(o, &gone)
	if string(gone.Fields["state"]) != `"withdrawn"` || gone.Fields["approved_by"] != nil {
		o.Errorf("taken back: %s", gone.Fields)
	}
	o.code("forbidden_transition", o.want(409, admin, "POST", mine+under, why, "If-Match", gone.Etag))
}

// noted wants the trail to say that somebody was seen at a route.
func (o *tour) noted(method, route, subject string) {
	o.Helper()
	for _, e := range o.trail() {
		if strings.Trim(string(e.Fields["route"]), `"`) == method+" "+route && strings.Contains(string(e.Fields["subjects"]), `"`+subject+`"`) {
			return
		}
	}
	o.Errorf("%s %s showed %q, and the trail does not say so", method, route, subject)
}

// application is operated on by an admin; to take it out waits for another one.
func (o *tour) application(owner, admin wire.Login, business, id string) {
	a, path := admin.AccessToken, business+"/applications/"+id+"/events"
	var r wire.BusinessRecord
	o.want(200, a, "GET", business+"/records/application/"+id, "").Into(o, &r)
	for _, body := range []string{`{"op":"disqualify"}`, `{"op":"return"}`, `{"op":"return","note":"x","complete_by":"2021-03-01T00:00:00Z"}`, `{"op":"disqualify","note":"x","complete_by":"2022-03-02T00:00:00Z"}`, `!{"op":"offer","note":"x"}`} {
		o.want(422, a, "POST", path, body, "If-Match", r.Etag)
	}
	o.want(404, owner.AccessToken, "POST", path, `{"op":"return","note":"x"}`, "If-Match", r.Etag)
	o.want(404, a, "POST", business+"/applications/"+nobody+"/events", `{"op":"return","note":"x"}`, "If-Match", r.Etag)
	o.want(412, a, "POST", path, `{"op":"disqualify","note":"x"}`, "If-Match", `"9-1"`)
	o.want(428, a, "POST", path, `{"op":"return","note":"x"}`, "If-Match", "")
	o.code("forbidden_transition", o.want(409, a, "POST", path, `{"op":"confirm"}`, "If-Match", r.Etag))
	var waits wire.Approval
	o.want(202, a, "POST", path, `{"op":"disqualify","note":"Dokumen palsu"}`, "If-Match", r.Etag).Into(o, &waits)
	if waits.State != "proposed" {
		o.Errorf("%+v", waits)
	}
	o.code("forbidden_transition", o.want(409, a, "POST", path, `{"op":"return","note":"x"}`, "If-Match", r.Etag)) // its file is in a stage
}

// returned brings another one in, who does not complete what an admin sends back.
func (o *tour) returned(admin wire.Login, mine string) {
	a := admin.AccessToken
	const csv = "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\nA9;2022-03-01 09:30;Batik Cici;Cici;8117009997;18.71;fesyen\n"
	o.want(202, a, "POST", mine+"/imports", csv, "Content-Type", "text/csv")
	o.ok(o.parts.Engine.Work(o.Context()))
	var files wire.CaseFileList
	o.want(200, a, "GET", mine+"/files?category=fashion", "").Into(o, &files)
	business, id := strings.Trim(string(files.Files[0].Fields["business_id"]), `"`), files.Files[0].Id
	var r wire.BusinessRecord
	o.want(200, a, "GET", "/v1/businesses/"+business+"/records/application/"+id, "").Into(o, &r)
	by := o.clock.Now().Add(3 * time.Second).UTC().Format(time.RFC3339)
	var out wire.OperationOutcome
	o.want(201, a, "POST", "/v1/businesses/"+business+"/applications/"+id+"/events", `{"op":"return","note":"Foto produk belum ada","complete_by":"`+by+`"}`, "If-Match", r.Etag).Into(o, &out)
	if out.Outcome != "effective" || string(out.Record.Fields["state"]) != `"returned"` || out.Record.Fields["complete_by"] == nil {
		o.Errorf("%+v", out)
	}
	o.code("stage_not_ready", o.want(409, a, "POST", mine+"/begin", ""))
	o.clock.Advance(4 * time.Second)
}

// enrolment pauses and ends; it is there because an owner confirmed.
func (o *tour) enrolment(owner, admin wire.Login, mine string, file wire.CaseFile) {
	a, id := admin.AccessToken, domain.EnrolmentID(file.Id)
	var all wire.EnrolmentList
	o.want(200, a, "GET", mine+"/enrolments", "").Into(o, &all)
	if len(all.Enrolments) != 0 {
		o.Errorf("nobody confirmed, and there are %+v", all)
	}
	for _, op := range []string{"submit", "offer", "confirm"} {
		set := map[string]merge.Value{"application_id": merge.Str(file.Id), "op": merge.Str(op)}
		if op == "offer" {
			set["confirm_by"] = merge.Millis(o.clock.Now().Add(72 * time.Hour).UnixMilli()).Value()
		}
		_, err := o.parts.Engine.Write(o.Context(), "business/"+strings.Trim(string(file.Fields["business_id"]), `"`), merge.ServerWrite{Name: "by hand " + op, Role: merge.System, Collection: "application_event",
			ID: o.ids.New(), Op: merge.Put, Create: true, Set: set})
		o.ok(0, err)
	}
	_, err := o.parts.Engine.Write(o.Context(), domain.DecisionScope(strings.TrimPrefix(mine, "/v1/programmes/")), merge.ServerWrite{Name: "by hand", Role: merge.System, Collection: "case_file", ID: file.Id, Op: merge.Put,
		Set: map[string]merge.Value{"state": merge.Str(domain.FileSelected)}})
	o.ok(0, err)
	o.ok(o.parts.Engine.Work(o.Context()))
	o.want(200, a, "GET", mine+"/enrolments?state=active&province=18&limit=1", "").Into(o, &all)
	if len(all.Enrolments) != 1 || all.Enrolments[0].Id != id || all.Enrolments[0].Name == "" || all.Next != "" {
		o.Fatalf("%+v", all)
	}
	e := all.Enrolments[0]
	o.noted("GET", "/v1/programmes/{programme}/enrolments", e.BusinessId)
	o.want(200, a, "GET", mine+"/enrolments?province=51", "").Into(o, &all)
	if len(all.Enrolments) != 0 {
		o.Errorf("from elsewhere: %+v", all)
	}
	for _, query := range []string{"after=x", "limit=0", "state=asleep", "province=18.71", "province=99"} {
		o.want(400, a, "GET", mine+"/enrolments?"+query, "!")
	}
	o.want(403, owner.AccessToken, "GET", mine+"/enrolments", "")
	o.want(404, a, "GET", "/v1/programmes/"+nobody+"/enrolments", "")
	path := mine + "/enrolments/" + id + "/events"
	const pause = `{"op":"pause","reason":"Pemilik sakit"}`
	o.want(403, owner.AccessToken, "POST", path, pause, "If-Match", e.Etag)
	o.want(404, a, "POST", mine+"/enrolments/"+nobody+"/events", pause, "If-Match", e.Etag)
	o.want(404, a, "POST", "/v1/programmes/"+nobody+"/enrolments/"+id+"/events", pause, "If-Match", e.Etag)
	o.code("reason_required", o.want(422, a, "POST", path, `{"op":"pause"}`, "If-Match", e.Etag))
	o.want(422, a, "POST", path, `!{"op":"disqualify","reason":"x"}`, "If-Match", e.Etag)
	o.want(428, a, "POST", path, pause, "If-Match", "")
	o.code("idempotency_required", o.want(400, a, "POST", path, pause, "If-Match", e.Etag, "Idempotency-Key", ""))
	o.code("forbidden_transition", o.want(409, a, "POST", path, `{"op":"resume"}`, "If-Match", e.Etag))
	var out wire.OperationOutcome
	r := o.want(201, a, "POST", path, pause, "If-Match", e.Etag)
	if r.Into(o, &out); out.Outcome != "effective" || string(out.Record.Fields["state"]) != `"paused"` || string(out.Record.Fields["state_reason"]) != `"Pemilik sakit"` {
		o.Errorf("%+v", out)
	}
	o.code("stale_version", o.want(412, a, "POST", path, `{"op":"resume"}`, "If-Match", e.Etag))
	o.want(201, a, "POST", path, `{"op":"resume"}`, "If-Match", r.Header.Get("ETag")).Into(o, &out)
	o.want(201, a, "POST", path, `{"op":"complete"}`, "If-Match", out.Record.Etag)
}

// sheets fills in both sheets on a file, and gives the id of one and its curator.
func (o *tour) sheets(programme, file string) (one [2]string) {
	for n, phone := range []string{"+628117000041", "+628117000042"} {
		u, err := o.parts.Auth.Store.UserByPhone(o.Context(), phone)
		if err != nil {
			o.Fatal(err)
		}
		one = [2]string{domain.SheetID(file, 2, u.ID), u.ID}
		write := func(collection, id string, set map[string]merge.Value) merge.ServerWrite {
			return merge.ServerWrite{Name: fmt.Sprint("app.", n), Author: u.ID, Role: merge.Curator, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set}
		}
		_, err = o.parts.Engine.Write(o.Context(), domain.PanelScope(programme, u.ID),
			write("sheet", one[0], map[string]merge.Value{"application_id": merge.Str(file), "stage": merge.Num(2), "items": merge.Value(`{"product":{"points":80}}`)}),
			write("sheet_event", o.ids.New(), map[string]merge.Value{"sheet_id": merge.Str(one[0]), "op": merge.Str("submit")}))
		if err != nil {
			o.Fatal(err)
		}
	}
	o.ok(o.parts.Engine.Work(o.Context()))
	return one
}
