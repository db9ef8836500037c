package api_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// desk is a business with a task, a case and a sale, as those see it who decide.
type desk struct {
	*tour
	business, scope, mentor   string
	task, kase, entry, paper  string // ids
	owner, admin, accompanies wire.Login
}

func (o *tour) desk(owner, admin, mentor wire.Login) *desk {
	o.Helper()
	d := &desk{tour: o, owner: owner, admin: admin, accompanies: mentor, business: o.makeBusiness(owner), mentor: mentor.User.Id}
	d.scope = strings.Replace(d.business, "/v1/businesses/", "business/", 1)
	o.want(201, admin.AccessToken, "POST", d.business+"/assignments", `{"mentor_id":"`+mentor.User.Id+`"}`)
	d.paper = d.put("attachment", `{"sha256":"`+strings.Repeat("a", 64)+`","bytes":10,"mime":"application/pdf"}`)
	d.task = d.put("task", `{"title":"Foto produk","origin":"template","evidence_required":{"photos_min":1}}`)
	d.kase = d.put("case", `{"kind":"nib","subject":{"type":"business"}}`)
	d.entry = d.put("sales", `{"sold_on":"2022-05-04","channel":"store","marketplace":null,"exhibition_id":null,"granularity":"single","amount_idr":10000,"discount_idr":null,"lines":null,"payment":"cash"}`)
	return d
}

// put makes a record as the server does.
func (d *desk) put(collection, fields string) string {
	d.Helper()
	set := map[string]merge.Value{}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &raw); err != nil {
		d.Fatal(err)
	}
	for name, v := range raw {
		set[name] = merge.Value(v)
	}
	id := d.ids.New()
	if _, err := d.parts.Engine.Write(d.Context(), d.scope, merge.ServerWrite{Name: "test." + id, Role: merge.System, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set}); err != nil {
		d.Fatal(err)
	}
	return id
}

func (d *desk) path(collection, id string) string {
	return d.business + "/records/" + collection + "/" + id
}

// tag reads the tag of a record, as an admin.
func (d *desk) tag(collection, id string) string {
	d.Helper()
	var r wire.BusinessRecord
	resp := d.want(200, d.admin.AccessToken, "GET", d.path(collection, id), "")
	resp.Into(d, &r)
	if r.Id != id || r.Collection != collection || resp.Header.Get("ETag") != r.Etag {
		d.Errorf("read %+v", r)
	}
	return r.Etag
}

// does sends an operation with the tag of now.
func (d *desk) does(status int, who wire.Login, collection, id, body string) (out wire.OperationOutcome) {
	d.Helper()
	resp := d.want(status, who.AccessToken, "POST", d.events(collection, id), body, "If-Match", d.tag(collection, id))
	if status == 201 {
		resp.Into(d, &out)
	} else {
		out.Outcome = resp.Problem.Code
	}
	return out
}

func (d *desk) events(collection, id string) string {
	return map[string]string{"task": d.business + "/tasks/" + id + "/events", "case": d.business + "/cases/" + id + "/events",
		"sales": d.business + "/sales/" + id + "/adjustments"}[collection]
}

func state(o wire.OperationOutcome) string {
	return strings.Trim(string(o.Record.Fields["state"]), `"`)
}

// decisions are operations and field edits without a phone.
func (o *tour) decisions(owner, stranger, admin, mentor wire.Login) {
	d := o.desk(owner, admin, mentor)
	d.fences(stranger)
	d.tasks()
	d.cases()
	d.sales()
	d.edits(stranger)
}

// fences asks what is alike in all three.
func (d *desk) fences(stranger wire.Login) {
	for collection, id := range map[string]string{"task": d.task, "case": d.kase, "sales": d.entry} {
		path, tag, body := d.events(collection, id), d.tag(collection, id), `{"op":"cancel","note":"x"}`
		d.code("not_found", d.want(404, stranger.AccessToken, "POST", path, body, "If-Match", tag))
		d.code("not_found", d.want(404, d.admin.AccessToken, "POST", d.events(collection, nobody), body, "If-Match", tag))
		d.code("forbidden", d.want(403, d.owner.AccessToken, "POST", path, body, "If-Match", tag))
		d.code("precondition_required", d.want(428, d.admin.AccessToken, "POST", path, body, "If-Match", ""))
		d.code("stale_version", d.want(412, d.admin.AccessToken, "POST", path, body, "If-Match", `"9-1"`))
		d.code("invalid_value", d.want(422, d.admin.AccessToken, "POST", path, `{"op":"dance"}`, "If-Match", tag))
		d.code("unknown_field", d.want(422, d.admin.AccessToken, "POST", path, `!{"op":"cancel","outcome":"effective"}`, "If-Match", tag))
	}
}

func (d *desk) tasks() {
	first := d.tag("task", d.task)
	if got := d.does(403, d.accompanies, "task", d.task, `{"op":"cancel","note":"bukan tugas saya"}`); got.Outcome != "forbidden" {
		d.Errorf("a mentor cancels a task of the plan: %+v", got)
	}
	verified := d.does(201, d.accompanies, "task", d.task, `{"op":"verify","evidence_ids":["`+d.paper+`"]}`)
	if verified.Outcome != "effective" || state(verified) != "verified" {
		d.Errorf("verified: %+v", verified)
	}
	d.code("stale_version", d.want(412, d.admin.AccessToken, "POST", d.events("task", d.task), `{"op":"reopen","note":"x"}`, "If-Match", first))
	if got := d.does(409, d.admin, "task", d.task, `{"op":"return","note":"x"}`); got.Outcome != "forbidden_transition" {
		d.Errorf("return of what is verified: %+v", got)
	}
	if got := d.does(422, d.admin, "task", d.task, `{"op":"reopen"}`); got.Outcome != "reason_required" {
		d.Errorf("a reopen without a reason: %+v", got)
	}
	if got := d.does(422, d.admin, "task", d.task, `{"op":"reopen","note":"x","patch":{"due_on":"2022-06-01"}}`); got.Outcome != "patch_unexpected" {
		d.Errorf("a reopen with a date: %+v", got)
	}
	tag := d.tag("task", d.task)
	key := []string{"If-Match", tag, "Idempotency-Key", "reopen-once-1"}
	var one, two wire.OperationOutcome
	d.want(201, d.admin.AccessToken, "POST", d.events("task", d.task), `{"op":"reopen","note":"foto salah"}`, key...).Into(d, &one)
	d.want(201, d.admin.AccessToken, "POST", d.events("task", d.task), `{"op":"reopen","note":"foto salah"}`, key...).Into(d, &two)
	if one.Id != two.Id || state(two) != "in_progress" {
		d.Errorf("reopened as %s and %s, %s", one.Id, two.Id, state(two))
	}
	d.operateBehind("task_event", d.task, "submit")
	back := d.does(201, d.admin, "task", d.task, `{"op":"return","reason_code":"foto","patch":{"due_on":"2022-06-24"}}`)
	if state(back) != "returned" || string(back.Record.Fields["due_on"]) != `"2022-06-24"` {
		d.Errorf("returned with a date: %+v", back)
	}
}

// operateBehind makes an operation that no tag of now covers.
func (d *desk) operateBehind(collection, record, op string) {
	d.Helper()
	field := map[string]string{"task_event": "task_id", "case_event": "case_id"}[collection]
	d.put(collection, fmt.Sprintf(`{"%s":%q,"op":%q}`, field, record, op))
}

func (d *desk) cases() {
	if got := d.does(422, d.accompanies, "case", d.kase, `{"op":"approve"}`); got.Outcome != "deadline_required" {
		d.Errorf("approved without a deadline: %+v", got)
	}
	for _, s := range []struct{ body, want string }{
		{`{"op":"approve","patch":{"deadline_on":"2022-06-17"}}`, "preparing"},
		{`{"op":"file"}`, "submitted_to_body"},
		{`{"op":"issue","patch":{"result":{"number":"9120001234567","issued_on":"2022-05-05","file_id":"` + d.paper + `"}}}`, "issued"},
	} {
		if got := d.does(201, d.accompanies, "case", d.kase, s.body); state(got) != s.want || string(got.Record.Fields["confirmed"]) != "false" {
			d.Errorf("%s: %+v", s.body, got)
		}
	}
	if got := d.does(403, d.accompanies, "case", d.kase, `{"op":"confirm_issue"}`); got.Outcome != "forbidden" {
		d.Errorf("a mentor confirms: %+v", got)
	}
	if got := d.does(422, d.admin, "case", d.kase, `{"op":"confirm_issue","patch":{"case_id":"x"}}`); got.Outcome != "patch_unexpected" {
		d.Errorf("a patch that names the case: %+v", got)
	}
	tag := d.tag("case", d.kase)
	d.put("case_event", fmt.Sprintf(`{"case_id":%q,"op":"reject","note":"ditolak","seen":[]}`, d.kase))
	d.code("stale_version", d.want(412, d.admin.AccessToken, "POST", d.events("case", d.kase), `{"op":"confirm_issue"}`, "If-Match", tag))
	got := d.does(201, d.admin, "case", d.kase, `{"op":"confirm_issue"}`)
	if state(got) != "issued" || string(got.Record.Fields["confirmed"]) != "true" || !strings.Contains(string(got.Record.Fields["result"]), "9120001234567") {
		d.Errorf("confirmed: %+v", got)
	}
	if got := d.does(409, d.admin, "case", d.kase, `{"op":"cancel","note":"x"}`); got.Outcome != "forbidden_transition" {
		d.Errorf("a confirmed issue is cancelled: %+v", got)
	}
	d.code("immutable_field", d.want(409, d.admin.AccessToken, "PATCH", d.path("case", d.kase), `{"set":{"result":null}}`, "If-Match", d.tag("case", d.kase)))
}

func (d *desk) sales() {
	first := d.tag("sales", d.entry)
	if got := d.does(422, d.admin, "sales", d.entry, `{"op":"verify"}`); got.Outcome != "patch_required" {
		d.Errorf("verified without the money: %+v", got)
	}
	got := d.does(201, d.accompanies, "sales", d.entry, `{"op":"verify","patch":{"amount_idr":10000}}`)
	if got.Outcome != "effective" || state(got) != "verified" {
		d.Errorf("verified: %+v", got)
	}
	d.code("stale_version", d.want(412, d.admin.AccessToken, "POST", d.events("sales", d.entry), `{"op":"void","note":"x"}`, "If-Match", first))
	if got := d.does(201, d.admin, "sales", d.entry, `{"op":"refund","refund_idr":4000}`); string(got.Record.Fields["counted_idr"]) != "6000" {
		d.Errorf("refunded: %+v", got)
	}
	if got := d.does(201, d.admin, "sales", d.entry, `{"op":"void","note":"salah catat"}`); state(got) != "void" {
		d.Errorf("void: %+v", got)
	}
	if got := d.does(409, d.admin, "sales", d.entry, `{"op":"void","note":"x"}`); got.Outcome != "forbidden_transition" {
		d.Errorf("void twice: %+v", got)
	}
}

// edits are changes of fields by an admin.
func (d *desk) edits(stranger wire.Login) {
	id := strings.TrimPrefix(d.scope, "business/")
	path, token := d.path("business", id), d.admin.AccessToken
	d.want(404, stranger.AccessToken, "GET", path, "")
	d.want(404, token, "GET", d.path("nothing", id), "")
	d.want(404, token, "GET", d.path("inbox", id), "") // not of a business
	d.want(200, d.owner.AccessToken, "GET", path, "")
	tag := d.tag("business", id)
	body := `{"set":{"address":"Jl. Kenari 7"},"add":{"categories":["crafts","toys"]}}`
	d.want(404, stranger.AccessToken, "PATCH", path, body, "If-Match", tag)
	d.code("forbidden", d.want(403, d.owner.AccessToken, "PATCH", path, body, "If-Match", tag))
	d.code("precondition_required", d.want(428, token, "PATCH", path, body, "If-Match", ""))
	d.code("not_found", d.want(404, token, "PATCH", d.path("task", nobody), body, "If-Match", tag))
	d.code("required", d.want(422, token, "PATCH", path, `{}`, "If-Match", tag))
	d.code("unknown_field", d.want(422, token, "PATCH", path, `{"set":{"colour":"red"}}`, "If-Match", tag))
	d.code("group_incomplete", d.want(422, token, "PATCH", path, `{"set":{"region_code":"18.71"}}`, "If-Match", tag))
	d.code("forbidden", d.want(403, token, "PATCH", path, `{"set":{"status":"closed"}}`, "If-Match", tag))
	d.code("forbidden", d.want(403, token, "PATCH", d.path("task", d.task), `{"set":{"state":"verified"}}`, "If-Match", d.tag("task", d.task)))
	var r, again wire.BusinessRecord
	d.want(200, token, "PATCH", path, body, "If-Match", tag).Into(d, &r)
	if string(r.Fields["address"]) != `"Jl. Kenari 7"` || string(r.Fields["categories"]) != `["crafts","toys"]` || r.Etag == tag {
		d.Errorf("changed: %+v", r)
	}
	d.want(200, token, "PATCH", path, body, "If-Match", tag).Into(d, &again)
	if again.Etag != r.Etag {
		d.Errorf("a change that is repeated is another change: %s, %s", again.Etag, r.Etag)
	}
	d.code("stale_version", d.want(412, token, "PATCH", path, `{"set":{"address":"Jl. Mawar"}}`, "If-Match", tag))
	d.want(200, token, "PATCH", path, `{"set":{"story":"Sejak 1998"},"remove":{"categories":["toys"]}}`, "If-Match", r.Etag)
	d.code("invalid_reference", d.want(422, token, "PATCH", path, `{"add":{"photos":["`+nobody+`"]}}`, "If-Match", d.tag("business", id)))
	d.code("due_before_created", d.want(422, token, "PATCH", d.path("task", d.task), `{"set":{"due_on":"2022-01-01"}}`, "If-Match", d.tag("task", d.task)))
	d.code("immutable_field", d.want(409, token, "PATCH", d.path("task", d.task), `{"set":{"origin":"mentor"}}`, "If-Match", d.tag("task", d.task)))
}
