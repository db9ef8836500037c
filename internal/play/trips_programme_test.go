package play_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// programmes sets up a programme and brings registrants into it.
func (o *requests) programmes() {
	o.Helper()
	fields := map[string]any{"name": "Lagawi Fest 2022", "kind": "campaign", "region_codes": []string{"18"}, "quota": 30, "number_prefix": "LGW22", "confirm_days": 3,
		"phases": []any{map[string]any{"code": "registration", "starts_on": "2022-02-27", "ends_on": "2022-03-06"}},
		"stages": []any{map[string]any{"no": 1, "kind": "checklist", "items": []any{map[string]any{"code": "data_complete", "label_id": "Data lengkap"}}},
			map[string]any{"no": 2, "kind": "rubric", "curators_per_file": 1, "items": []any{map[string]any{"code": "product", "label_id": "Produk", "weight_bp": 10000, "max": 100}}}}}
	var e ticket
	o.ask(o.admin, "POST /v1/plan-templates", "/v1/plan-templates", "", map[string]any{"code": "bbi-90", "version": 1, "fields": map[string]any{"name": "BBI-90", "items": domain.BBI90()}}, nil)
	o.ask(o.admin, "GET /v1/plan-templates", "/v1/plan-templates", "", nil, nil)
	o.ask(o.admin, "POST /v1/programmes", "/v1/programmes", "", map[string]any{"code": "lagawi-fest-2022", "fields": fields}, &e)
	mine := "/v1/programmes/" + e.ID
	o.ask(o.admin, "GET /v1/programmes/{programme}", mine, "", nil, nil)
	o.ask(o.admin, "PATCH /v1/programmes/{programme}", mine, e.Etag, map[string]any{"fields": map[string]any{"theme": "Lampung"}}, &e)
	o.ask(o.admin, "POST /v1/programmes/{programme}/status", mine+"/status", e.Etag, map[string]any{"status": "open"}, &e)
	o.ask(o.admin, "GET /v1/programmes", "/v1/programmes", "", nil, nil)
	const csv = "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\nA1;2022-03-01 08:00;Keripik Ani;Ani;8117009998;18.71;pangan\n"
	for name, path := range map[string]string{"POST /v1/programmes/{programme}/imports/check": "/imports/check", "POST /v1/programmes/{programme}/imports": "/imports"} {
		o.count(name, func() error { return o.table(mine+path, csv) })
	}
	o.ask(o.admin, "GET /v1/programmes/{programme}/files", mine+"/files", "", nil, nil)
}

// table sends a table as the admin.
func (o *requests) table(path, csv string) error {
	s, err := o.admin.Session()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(o.Context(), http.MethodPost, o.w.URL+path, strings.NewReader(csv))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + s.Access, "Content-Type": "text/csv", "Idempotency-Key": "trips-table"} {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return nil
}

// curation decides about the one who registered, with another admin.
func (o *requests) curation(other *play.Phone) {
	o.Helper()
	const at = "/v1/programmes/{programme}"
	pid := domain.ProgrammeID("lagawi-fest-2022")
	mine := "/v1/programmes/" + pid
	var e ticket
	o.ok(o.admin.Send(o.Context(), http.MethodGet, mine, "", nil, &e))
	o.ok(o.admin.Send(o.Context(), http.MethodPost, mine+"/status", e.Etag, map[string]any{"status": "curating"}, nil))
	var k struct {
		ticket
		Fields struct {
			User string `json:"user_id"`
		} `json:"fields"`
	}
	o.ask(o.admin, "POST "+at+"/curators", mine+"/curators", "", map[string]any{"phone": "0811-7000-041", "institution": "Bank Indonesia"}, &k)
	o.ask(o.admin, "GET "+at+"/curators", mine+"/curators", "", nil, nil)
	o.ask(o.admin, "PATCH "+at+"/curators/{curator}", mine+"/curators/"+k.ID, k.Etag, map[string]any{"institution": "Bank Indonesia Lampung"}, nil)
	o.ask(o.admin, "POST "+at+"/begin", mine+"/begin", "", nil, nil)
	var v struct {
		Basis    string `json:"basis"`
		Outcomes []struct {
			File string `json:"file"`
		} `json:"outcomes"`
	}
	o.ask(o.admin, "GET "+at+"/stages/{stage}", mine+"/stages/1", "", nil, &v)
	o.ask(o.admin, "POST "+at+"/stages/{stage}/decision", mine+"/stages/1/decision", "", map[string]any{"basis": v.Basis}, nil)
	o.ask(o.admin, "POST "+at+"/stages/{stage}/shares", mine+"/stages/2/shares", "", map[string]any{}, nil)
	file := v.Outcomes[0].File
	var f ticket
	o.ask(o.admin, "GET "+at+"/files/{file}", mine+"/files/"+file, "", nil, &f)
	head, err := o.w.App.Store.Head(o.Context(), domain.DecisionScope(pid))
	o.ok(err)
	rows, err := o.w.Rows(o.Context(), domain.DecisionScope(pid), "case_file")
	o.ok(err)
	o.ask(o.admin, "PATCH "+at+"/files/{file}", mine+"/files/"+file, fmt.Sprintf(`"%d-%d"`, head.Generation.Count, rows[0].Version), map[string]any{"feedback": "Lengkapi NIB."}, nil)
	sheet := domain.SheetID(file, 2, k.Fields.User)
	write := func(collection, id string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: "app.curator", Author: k.Fields.User, Role: merge.Curator, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set}
	}
	_, err = o.w.App.Engine.Write(o.Context(), domain.PanelScope(pid, k.Fields.User),
		write("sheet", sheet, map[string]merge.Value{"application_id": merge.Str(file), "stage": merge.Num(2), "items": merge.Value(`{"product":{"points":80}}`)}),
		write("sheet_event", o.admin.IDs.New(), map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("submit")}))
	o.ok(err)
	o.ok(o.w.Step(o.Context()))
	o.ok(o.admin.Send(o.Context(), http.MethodGet, mine+"/stages/2", "", nil, &v))
	o.ok(o.admin.Send(o.Context(), http.MethodPost, mine+"/stages/2/decision", "", map[string]any{"basis": v.Basis, "minutes": "BA-02"}, &v))
	o.ask(other, "POST "+at+"/stages/{stage}/approval", mine+"/stages/2/approval", "", map[string]any{"basis": v.Basis}, nil)
	o.ask(o.admin, "POST "+at+"/sheets/{sheet}/reopening", mine+"/sheets/"+sheet+"/reopening", "", map[string]any{"curator_id": k.Fields.User, "note": "terlambat"}, nil)
	o.ask(o.admin, "POST "+at+"/publication", mine+"/publication", "", map[string]any{"publish_at": "2030-01-01T00:00:00Z"}, &e)
	o.ask(o.admin, "GET "+at+"/publication", mine+"/publication", "", nil, &e)
	o.ask(other, "POST "+at+"/publication/approval", mine+"/publication/approval", e.Etag, nil, &e)
	o.ask(o.admin, "POST "+at+"/publication/withdrawal", mine+"/publication/withdrawal", e.Etag, map[string]any{"reason": "Tunggu dulu"}, nil)
	files, err := o.w.Rows(o.Context(), domain.DecisionScope(pid), "case_file")
	o.ok(err)
	one := "/v1/businesses/" + files[0].Text("business_id")
	o.ok(o.admin.Send(o.Context(), http.MethodGet, one+"/records/application/"+file, "", nil, &e))
	o.ask(o.admin, "POST /v1/businesses/{business}/applications/{application}/events", one+"/applications/"+file+"/events", e.Etag, map[string]any{"op": "disqualify", "note": "Data palsu"}, nil)
	o.enrolment(mine, files[0])
}

// enrolment lists one business that takes part, because its owner confirmed, and lets it
// pause.
func (o *requests) enrolment(mine string, file merge.Row) {
	o.Helper()
	eid := domain.EnrolmentID(file.ID)
	write := func(scope, collection, id string, create bool, set map[string]merge.Value) {
		_, err := o.w.App.Engine.Write(o.Context(), scope, merge.ServerWrite{Name: "by hand " + id, Role: merge.System, Collection: collection, ID: id, Op: merge.Put, Create: create, Set: set})
		o.ok(err)
	}
	for _, op := range []string{"submit", "offer", "confirm"} {
		set := map[string]merge.Value{"application_id": merge.Str(file.ID), "op": merge.Str(op)}
		if op == "offer" {
			set["confirm_by"] = merge.Millis(o.w.Clock.Now().Add(72 * time.Hour).UnixMilli()).Value()
		}
		write("business/"+file.Text("business_id"), "application_event", o.admin.IDs.New(), true, set)
	}
	write(domain.DecisionScope(strings.TrimPrefix(mine, "/v1/programmes/")), "case_file", file.ID, false, map[string]merge.Value{"state": merge.Str(domain.FileSelected)})
	o.ok(o.w.Step(o.Context()))
	var all struct {
		Enrolments []ticket `json:"enrolments"`
	}
	o.ask(o.admin, "GET /v1/programmes/{programme}/enrolments", mine+"/enrolments", "", nil, &all)
	if len(all.Enrolments) != 1 {
		o.Fatalf("%d enrolments", len(all.Enrolments))
	}
	o.ask(o.admin, "POST /v1/programmes/{programme}/enrolments/{enrolment}/events", mine+"/enrolments/"+eid+"/events", all.Enrolments[0].Etag, map[string]any{"op": "pause", "reason": "Panen"}, nil)
}
