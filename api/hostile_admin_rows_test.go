package api_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
)

// sending is what the screen of an admin sends to one operation.
type sending struct {
	op   string                // as the table of routes has it
	body func(d *scene) string // nil: none
	etag string                // address whose version goes with it, with holes; empty: none
	kind string                // of the body; empty: JSON
	code string                // of its refusal where it stands in the order; empty: it succeeds
	all  bool                  // everybody who is logged in is answered, and by the same
}

func says(body string) func(*scene) string { return func(*scene) string { return body } }

// sendings are whole and right: whoever has the right to it succeeds with each in this order,
// on the first of the two programmes.
func sendings() []sending {
	const programme, announcement = "/v1/programmes/{programme}", "/v1/announcements/{announcement}"
	based := func(d *scene) string { return `{"basis":"` + d.basis(d.here.programme, d.stage) + `"}` }
	decided := func(d *scene) string {
		return `{"basis":"` + d.basis(d.here.programme, d.stage) + `","minutes":"BA-02"}`
	}
	return []sending{
		{op: "GET /v1/plan-templates", all: true}, {op: "GET /v1/programmes", all: true}, {op: "GET /v1/reference/{list}", all: true}, {op: "GET " + programme, all: true},
		{op: "POST /v1/plan-templates", body: says(`{"code":"satu-lagi","version":1,"fields":{"name":"Rencana","items":[{"code":"shop","title_id":"Buka toko","track":"digital","offset_days":0,"duration_days":7}]}}`)},
		{op: "POST /v1/programmes", body: func(d *scene) string { return `{"code":"satu-lagi","fields":` + d.plan("18", 3, d.here.template) + `}` }},
		{op: "PATCH " + programme, body: says(`{"fields":{"tagline":"Bangga buatan sendiri"}}`), etag: programme},
		{op: "POST " + programme + "/curators", body: says(`{"phone":"+628117000051","institution":"Bank Indonesia"}`)}, {op: "GET " + programme + "/curators"},
		{op: "PATCH " + programme + "/curators/{curator}", body: says(`{"institution":"Dekranasda Lampung"}`), etag: programme + "/curators"},
		{op: "POST " + programme + "/begin", code: "stage_decided"}, {op: "GET " + programme + "/files"}, {op: "GET " + programme + "/files/{file}"},
		{op: "PATCH " + programme + "/files/{file}", body: says(`{"feedback":"Lengkapi NIB."}`), etag: programme + "/files/{file}"}, {op: "GET " + programme + "/stages/{stage}"},
		{op: "GET " + programme + "/enrolments"}, {op: "POST " + programme + "/enrolments/{enrolment}/events", body: says(`{"op":"pause","reason":"Panen"}`), etag: "/v1/businesses/{home}/records/enrolment/{enrolment}"},
		{op: "POST " + programme + "/stages/{stage}/shares", body: says(`{}`)},
		{op: "POST " + programme + "/stages/{stage}/decision", body: decided}, {op: "POST " + programme + "/stages/{stage}/approval", body: based},
		{op: "POST " + programme + "/sheets/{sheet}/reopening", body: func(d *scene) string { return `{"curator_id":"` + d.here.curator + `","note":"Lihat lagi"}` }},
		{op: "POST " + programme + "/publication", body: says(`{"publish_at":"2030-01-01T00:00:00Z"}`)}, {op: "GET " + programme + "/publication"},
		{op: "POST " + programme + "/publication/approval", etag: programme + "/publication"},
		{op: "POST " + programme + "/publication/withdrawal", body: says(`{"reason":"Tunggu dulu"}`), etag: programme + "/publication"},
		{op: "POST " + programme + "/imports/check", body: says(emptyTable), kind: "text/csv", code: "import_closed"}, {op: "POST " + programme + "/imports", body: says(emptyTable), kind: "text/csv", code: "import_closed"},
		{op: "POST " + programme + "/status", body: says(`{"status":"published"}`), etag: programme, code: "results_not_told"},

		{op: "GET /v1/announcements"}, {op: "POST /v1/announcements", body: says(`{"fields":{"title_id":"Baru"}}`)}, {op: "GET " + announcement},
		{op: "PATCH " + announcement, body: says(`{"fields":{"pin":true}}`), etag: announcement}, {op: "GET " + announcement + "/preview"}, {op: "GET " + announcement + "/versions"},
		{op: "GET " + announcement + "/receipts"}, {op: "POST " + announcement + "/versions", body: says(`{"fields":{"body_id":"Pukul 11."}}`), etag: announcement, code: "forbidden_transition"},
		{op: "POST " + announcement + "/operations", body: says(`{"op":"cancel"}`), etag: announcement},

		{op: "GET /v1/reviews"}, {op: "POST /v1/reviews/{review}/resolution", body: says(`{"queue":"decision/general","decision":"dismissed"}`)},
		{op: "POST /v1/reference/{list}", body: says(`{"code":"lazada","fields":{"name_id":"Lazada"}}`)},
		{op: "PATCH /v1/reference/{list}/{code}", body: says(`{"fields":{"active":false}}`), etag: "/v1/reference/{list}"},
		{op: "GET /v1/jobs/{job}"}, {op: "GET /v1/mentors"}, {op: "GET /v1/mentors/{mentor}/caseload"}, {op: "GET /v1/mentors/{mentor}/profile"},
		{op: "PUT /v1/mentors/{mentor}/profile", body: says(`{"institution":"Dinas Perindustrian","tracks":["digital"],"regions":["18"],"capacity":7,"languages":["id"]}`), etag: "/v1/mentors/{mentor}/profile"},
		{op: "POST /v1/businesses/{business}/applications/{application}/events", body: says(`{"op":"disqualify","note":"Dua kali"}`), etag: "/v1/businesses/{business}/records/application/{application}"},
		{op: "POST /v1/mentors/{mentor}/handover", body: func(d *scene) string { return `{"to_id":"` + d.there.mentor + `"}` }},
		{op: "POST /v1/admin/attest", body: func(d *scene) string { return `{"user_id":"` + d.owner.User.Id + `","hours":24}` }},
		{op: "GET /v1/admin/users"}, {op: "POST /v1/admin/users", body: says(`{"phone":"+628117000052","name":"Pak Wayan","roles":["mentor"]}`)},
		{op: "GET /v1/admin/approvals"}, {op: "POST /v1/admin/approvals/{approval}/decision", body: func(d *scene) string { return `{"approve":false,"what":"` + d.what(d.here.approval) + `"}` }},
		{op: "POST /v1/admin/approvals/{approval}/token", code: "approval_closed"}, {op: "GET /v1/admin/audit"},
		{op: "GET /v1/admin/push"}, {op: "GET /v1/admin/push/deliveries"}, {op: "POST /v1/admin/push/deliveries/{delivery}/replay"}, {op: "POST /v1/admin/push/check"},
		{op: "POST /v1/admin/users/{user}/factor", body: says(`{"reason":"Ponsel hilang"}`)}, {op: "POST /v1/admin/users/{user}/rights", body: says(`{"op":"suspend"}`)},
	}
}

// what is the hash of what was proposed.
func (d *scene) what(approval string) string {
	d.Helper()
	var all struct {
		Approvals []struct{ ID, What string }
	}
	d.want(200, d.boss.AccessToken, "GET", "/v1/admin/approvals", "").Into(d, &all)
	for _, a := range all.Approvals {
		if a.ID == approval {
			return a.What
		}
	}
	return ""
}

// row is what is sent to every operation of the table that the row of the list is about.
// An operation to which nobody knows what to send fails the test: it is in no row's list.
func (d *scene) row(about func(op apitest.Operation) bool) (out []request) {
	d.Helper()
	known := sendings()
	routes := d.adminRoutes()
	for _, op := range routes {
		if !slices.ContainsFunc(known, func(s sending) bool { return s.op == op.Method+" "+op.Path }) {
			d.Fatalf("%s %s is in no row's list: say in sendings what an admin sends there", op.Method, op.Path)
		}
	}
	for _, s := range known {
		i := slices.IndexFunc(routes, func(op apitest.Operation) bool { return s.op == op.Method+" "+op.Path })
		if i < 0 {
			d.Fatalf("there is no %s", s.op)
		}
		if about(routes[i]) {
			out = append(out, request{routes[i], s})
		}
	}
	if len(out) == 0 {
		d.Fatal("the row is about nothing")
	}
	return out
}

func everyRoute(apitest.Operation) bool { return true }

// request is one operation and what is sent to it.
type request struct {
	apitest.Operation
	sending
}

var hole = regexp.MustCompile(`\{(\w+)\}`)

// at fills the holes of an address with what a programme has there; swap names others.
func (d *scene) at(path string, e edition, swap map[string]string) string {
	return hole.ReplaceAllStringFunc(path, func(h string) string {
		name := strings.Trim(h, "{}")
		if other, ok := swap[name]; ok {
			return other
		}
		return map[string]string{"programme": e.programme, "file": e.file, "stage": d.stage, "sheet": e.sheet, "announcement": e.announcement, "approval": e.approval, "user": e.user, "job": e.job,
			"review": e.review, "business": e.business, "application": e.application, "home": e.home, "enrolment": e.enrolment, "mentor": e.mentor, "curator": e.seat, "delivery": e.delivery, "list": "marketplace", "code": "tokopedia"}[name]
	})
}

// tag is the version of what a request changes, as an admin reads it.
func (d *scene) tag(q request, e edition) string {
	if q.etag == "" {
		return `"1-1"`
	}
	r := d.client.Do(d, apitest.Request{Method: "GET", Path: d.at(q.etag, e, nil), Token: d.boss.AccessToken})
	if tag := r.Header.Get("ETag"); tag != "" {
		return tag
	}
	if strings.HasSuffix(q.etag, "/curators") { // each has its own
		var list wire.CuratorList
		r.Into(d, &list)
		if i := slices.IndexFunc(list.Curators, func(k wire.Curator) bool { return k.Id == e.seat }); i >= 0 {
			return list.Curators[i].Etag
		}
	}
	return `"1-1"`
}

// send sends a request as somebody, to an address of one programme.
func (d *scene) send(q request, token, path, body string, header ...string) apitest.Response {
	d.Helper()
	d.keys++
	h := map[string]string{"Idempotency-Key": fmt.Sprint("desk-key-", d.keys)}
	if slices.Contains(q.Header, "If-Match") {
		h["If-Match"] = `"1-1"`
	}
	if q.kind != "" {
		h["Content-Type"] = q.kind
	}
	for i := 0; i < len(header); i += 2 {
		h[header[i]] = header[i+1]
	}
	return d.client.Do(d, apitest.Request{Method: q.Method, Path: path, Body: body, Token: token, Header: h, Hostile: true})
}

// sent is the body of a request as it is now.
func (d *scene) sent(q request) string {
	if q.body == nil {
		return ""
	}
	return q.body(d)
}

// TestEveryAdminRouteIsInARow: what an admin sends to each operation is known, succeeds in
// its order, and leaves out none; so the walks of the rows are about real requests.
func TestEveryAdminRouteIsInARow(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	done := map[string]bool{}
	for _, q := range d.row(everyRoute) {
		token := d.boss.AccessToken
		if strings.HasSuffix(q.Path, "/approval") { // by another admin
			token = d.second.AccessToken
		}
		r := d.send(q, token, d.at(q.Path, d.here, nil), d.sent(q), "If-Match", d.tag(q, d.here))
		d.work()
		if r.Status >= 300 != (q.code != "") || r.Problem.Code != q.code {
			t.Errorf("%s: %d %s, want code %q", q.op, r.Status, r.Body, q.code)
		}
		if done[q.op] {
			t.Errorf("%s twice", q.op)
		}
		done[q.op] = true
	}
	if len(done) < 45 {
		t.Errorf("only %d operations: the walk sees nothing", len(done))
	}
}
