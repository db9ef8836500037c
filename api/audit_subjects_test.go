package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
)

// ofPeople are the names under which requests and answers say whom they are about.
func ofPeople(name string) bool {
	return slices.Contains([]string{"user_id", "mentor_id", "curator_id", "owner_id", "to_id", "successor_id", "into", "business_id", "businesses", "application_id", "subject"}, name)
}

// peopleIn lists the ids of people, enterprises and files in a body. A user is under "user" with an id.
func peopleIn(body string) (out []string) {
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for n, in := range v {
				if name == "user" && n == "id" {
					n = "user_id"
				}
				walk(n, in)
			}
		case []any:
			for _, in := range v {
				walk(name, in)
			}
		case string:
			if ofPeople(name) && id.Valid(v) {
				out = append(out, v)
			}
		}
	}
	var v any
	if json.Unmarshal([]byte(body), &v) == nil {
		walk("", v)
	}
	return out
}

// subjects are those of the entries that one request left.
func (o *tour) subjects(before int) (out []string) {
	o.Helper()
	for _, e := range o.trail()[before:] {
		var ids []string
		if said(e, "what") != "event" && e.Fields["subjects"] != nil {
			if err := json.Unmarshal(e.Fields["subjects"], &ids); err != nil {
				o.Fatal(err)
			}
			out = append(out, ids...)
		}
	}
	return out
}

// about wants a request to be found by whom its address, its body and its answer name, and by
// those who stand behind it.
func (o *tour) about(op, path, body string, r apitest.Response, before int, behind ...string) {
	o.Helper()
	if r.Status >= 300 {
		return
	}
	got := o.subjects(before)
	want := slices.Concat(behind, peopleIn(body), peopleIn(string(r.Body)))
	for part := range strings.SplitSeq(path, "/") {
		if id.Valid(part) {
			want = append(want, part)
		}
	}
	for part := range strings.SplitSeq(r.Header.Get("Location"), "/") { // what was made
		if id.Valid(part) {
			want = append(want, part)
		}
	}
	for _, of := range want {
		if !slices.Contains(got, of) {
			o.Errorf("%s is about %s, and the trail says of %v", op, of, got)
			return
		}
	}
}

// TestWhoIsChangedIsFound: what an admin read of somebody or did to them, by whatever request
// of the table, is found by asking the trail for that person or that enterprise.
func TestWhoIsChangedIsFound(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	behind := map[string][]string{"PATCH /v1/programmes/{programme}/files/{file}": {d.here.home}, "GET /v1/programmes/{programme}/files/{file}": {d.here.home},
		"POST /v1/programmes/{programme}/enrolments/{enrolment}/events": {d.here.home}, "POST /v1/programmes/{programme}/sheets/{sheet}/reopening": {d.here.curator, d.here.file},
		"POST /v1/reviews/{review}/resolution": {nobody}, "POST /v1/programmes/{programme}/stages/{stage}/decision": {d.here.file}, "POST /v1/programmes/{programme}/stages/{stage}/approval": {d.here.file},
		"GET /v1/programmes/{programme}/stages/{stage}": {d.here.file}, "POST /v1/mentors/{mentor}/handover": {d.here.business, d.there.mentor}}
	written := 0
	for _, q := range d.row(everyRoute) {
		token := d.boss.AccessToken
		if strings.HasSuffix(q.Path, "/approval") {
			token = d.second.AccessToken
		}
		path, body, tag := d.at(q.Path, d.here, nil), d.sent(q), d.tag(q, d.here)
		before := len(d.trail())
		r := d.send(q, token, path, body, "If-Match", tag)
		if q.all { // nobody is noted for what everybody may read
			continue
		}
		if q.Method != "GET" && r.Status < 300 {
			written++
		}
		if strings.HasPrefix(q.Path, "/v1/admin/audit") { // tells of the trail itself
			continue
		}
		d.about(q.op, path, body, r, before, behind[q.op]...)
		d.work()
	}
	if written < 25 {
		t.Errorf("only %d writes: the walk sees nothing", written)
	}
}

// TestWhoIsChangedInABusinessIsFound is the same of what an admin does in a business.
func TestWhoIsChangedInABusinessIsFound(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	business := "/v1/businesses/" + d.here.business
	next := d.withRole("+628117000178", "mentor")
	spare := strings.TrimPrefix(d.makeBusiness(d.enter("+628117000179")), "/v1/businesses/")
	var m wire.Member
	var a wire.Assignment
	var b wire.Business
	send := func(method, path, body string, into any, header ...string) string {
		t.Helper()
		before := len(d.trail())
		d.keys++
		h := map[string]string{"Idempotency-Key": fmt.Sprint("about-key-", d.keys)}
		for i := 0; i < len(header); i += 2 {
			h[header[i]] = header[i+1]
		}
		r := d.client.Do(t, apitest.Request{Method: method, Path: path, Body: body, Token: d.boss.AccessToken, Header: h, Hostile: true})
		if r.Status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Body)
		}
		if into != nil {
			r.Into(t, into)
		}
		d.about(method+" "+path, path, body, r, before)
		d.work()
		return r.Header.Get("ETag")
	}
	found := func(user string, routes ...string) {
		t.Helper()
		var page wire.AuditPage
		d.want(200, d.boss.AccessToken, "GET", "/v1/admin/audit?limit=500&subject="+user, "").Into(d, &page)
		for _, route := range routes {
			if !slices.ContainsFunc(page.Entries, func(e wire.AuditEntry) bool { return said(e, "route") == route }) {
				t.Errorf("%s is not found by %s", route, user)
			}
		}
	}
	send("POST", business+"/members", `{"phone":"+628117000177","role":"staff","permissions":[]}`, &m)
	send("PATCH", business+"/members/"+m.Id, `{"permissions":["see_totals"]}`, nil, "If-Match", m.Etag)
	var all wire.AssignmentList
	send("GET", business+"/assignments", "", &all)
	a = all.Assignments[0]
	send("PATCH", business+"/assignments/"+a.Id, `{"to":"`+d.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","successor_id":"`+next.User.Id+`","reason":"Pindah","handover_note":"Lanjutkan"}`, nil, "If-Match", a.Etag)
	third := d.withRole("+628117000180", "mentor")
	send("POST", "/v1/businesses/"+spare+"/assignments", `{"mentor_id":"`+third.User.Id+`"}`, nil)
	send("GET", business, "", &b)
	send("PATCH", business+"/records/business/"+d.here.business, `{"set":{"name":"Rajut Lain"}}`, nil, "If-Match", b.Etag)
	send("POST", business+"/merge", `{"into":"`+spare+`"}`, nil)
	found(m.UserId, "POST /v1/businesses/{business}/members", "PATCH /v1/businesses/{business}/members/{member}")
	found(a.MentorId, "PATCH /v1/businesses/{business}/assignments/{assignment}")
	found(next.User.Id, "PATCH /v1/businesses/{business}/assignments/{assignment}")
	found(third.User.Id, "POST /v1/businesses/{business}/assignments")
	found(spare, "POST /v1/businesses/{business}/merge")
}
