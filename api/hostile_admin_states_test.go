package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
)

// TestHostile05OfAProgramme walks a programme from its first status to its last, and tries
// every status from each: only the next one is reached. Registrants are taken while it is
// open or curates.
func TestHostile05OfAProgramme(t *testing.T) {
	t.Parallel()
	d := &scene{tour: newTour(t, unhurried)}
	d.boss, _ = d.proved("+628117000101")
	var tpl wire.PlanTemplate
	d.want(201, d.boss.AccessToken, "POST", "/v1/plan-templates", `{"code":"plan","version":1,"fields":{"name":"Rencana","items":[{"code":"shop","title_id":"Buka toko","track":"digital","offset_days":0,"duration_days":7}]}}`).Into(t, &tpl)
	var p wire.Programme
	d.want(201, d.boss.AccessToken, "POST", "/v1/programmes", `{"code":"lampung","fields":`+d.plan("18", 1, tpl.Id)+`}`).Into(t, &p)
	path, all := "/v1/programmes/"+p.Id, domain.ProgrammeStatuses()
	for n, from := range all {
		takes := map[bool]int{true: 200, false: 409}[from == domain.ProgrammeOpen || from == domain.ProgrammeCurating]
		d.want(takes, d.boss.AccessToken, "POST", path+"/imports/check", emptyTable, "Content-Type", "text/csv")
		for m, to := range append(slices.Clone(all), "", "asleep", "OPEN") {
			if m == n+1 && m < len(all) {
				continue // the one that is allowed comes last
			}
			status, code := 409, "forbidden_transition"
			if m >= len(all) {
				status, code = 422, "invalid_value"
			} else if m == n {
				status, code = 200, "" // the same again
			}
			r := d.want(status, d.boss.AccessToken, "POST", path+"/status", `!{"status":"`+to+`"}`, "If-Match", p.Etag)
			if r.Problem.Code != code {
				t.Errorf("%s to %q: %s", from, to, heard(r))
			}
		}
		d.want(200, d.boss.AccessToken, "GET", path, "").Into(t, &p)
		if string(p.Fields["status"]) != `"`+from+`"` {
			t.Fatalf("it is %s, and was %s", p.Fields["status"], from)
		}
		if from == domain.ProgrammeCurating { // to where there is no way before results are told
			d.code("results_not_told", d.want(409, d.boss.AccessToken, "POST", path+"/status", `{"status":"published"}`, "If-Match", p.Etag))
			d.publication(p.Id, "telling", true)
			d.want(200, d.boss.AccessToken, "GET", path, "").Into(t, &p)
		}
		if n+1 < len(all) {
			d.status(&p, all[n+1])
		}
	}
}

// announced makes an announcement to two people and takes it to a state.
func (d *scene) announced(state string) (path string) {
	d.Helper()
	at := func(after time.Duration) string {
		return d.clock.Now().Add(after).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	lasts := map[bool]time.Duration{true: 2 * time.Second, false: 24 * time.Hour}[state == "expired"]
	var a wire.Announcement
	d.want(201, d.boss.AccessToken, "POST", "/v1/announcements", fmt.Sprintf(`{"fields":{"title_id":"Kabar","body_id":"Pukul 10.","publish_at":%q,"expires_at":%q,"audience":{"business_ids":[%q]}}}`,
		at(time.Second), at(lasts), d.here.business)).Into(d, &a)
	path = "/v1/announcements/" + a.Id
	op := func(op string) {
		d.want(200, d.boss.AccessToken, "POST", path+"/operations", `{"op":"`+op+`"}`, "If-Match", d.version(path))
	}
	strikes := func() {
		d.clock.Advance(time.Second)
		d.ok(d.parts.Programme.Announce(d.Context()))
	}
	for _, step := range map[string][]func(){"draft": nil, "in_review": {func() { op("ask_review") }}, "scheduled": {func() { op("schedule") }}, "cancelled": {func() { op("cancel") }},
		"sending": {func() { op("schedule") }, strikes}, "sent": {func() { op("schedule") }, strikes, d.work},
		"expired": {func() { op("schedule") }, strikes, d.work, strikes}, "retracted": {func() { op("schedule") }, strikes, d.work, func() { op("retract") }}}[state] {
		step()
	}
	d.want(200, d.boss.AccessToken, "GET", path, "").Into(d, &a)
	if string(a.Fields["state"]) != `"`+state+`"` {
		d.Fatalf("it is %s, want %s", a.Fields["state"], state)
	}
	return path
}

// TestHostile05OfAnAnnouncement tries everything in every state over the API. What the
// server itself does has no word there.
func TestHostile05OfAnAnnouncement(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	allowed := map[string][]string{"draft": {"change", "ask_review", "schedule", "cancel"}, "in_review": {"change", "approve", "return", "cancel"}, "scheduled": {"change", "cancel"},
		"sending": {"retract"}, "sent": {"correct", "retract"}, "expired": {"retract"}, "cancelled": nil, "retracted": nil}
	try := func(path, op string) apitest.Response {
		d.keys++
		in := apitest.Request{Method: "POST", Path: path + "/operations", Body: `{"op":"` + op + `"}`, Token: d.second.AccessToken, Hostile: true,
			Header: map[string]string{"If-Match": d.version(path), "Idempotency-Key": fmt.Sprint("news-key-", d.keys)}}
		switch op {
		case "change":
			in.Method, in.Path, in.Body = "PATCH", path, `{"fields":{"pin":true}}`
		case "correct":
			in.Path, in.Body, in.Token = path+"/versions", `{"fields":{"body_id":"Pukul 11."}}`, d.boss.AccessToken // who wrote it
		}
		return d.client.Do(t, in)
	}
	for _, state := range domain.AnnouncementStates() {
		path := d.announced(state)
		for _, op := range []string{"change", "ask_review", "approve", "return", "schedule", "cancel", "correct", "retract"} {
			if slices.Contains(allowed[state], op) {
				if r := try(d.announced(state), op); r.Status != 200 {
					t.Errorf("%s of %s: %s", op, state, heard(r))
				}
				continue
			}
			if r := try(path, op); r.Status != 409 || r.Problem.Code != "forbidden_transition" {
				t.Errorf("%s of %s: %s", op, state, heard(r))
			}
		}
		for _, op := range []string{"begin", "finish", "expire", "sent", "", "SCHEDULE"} {
			if r := try(path, op); r.Status != 422 {
				t.Errorf("%q of %s: %s", op, state, heard(r))
			}
		}
		var a wire.Announcement
		if d.want(200, d.boss.AccessToken, "GET", path, "").Into(t, &a); string(a.Fields["state"]) != `"`+state+`"` {
			t.Errorf("%s became %s", state, a.Fields["state"])
		}
	}
}

// TestHostile05OfTheCuration tries every step of the last stage and of the publication where
// it is not due.
func TestHostile05OfTheCuration(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	path, stage := "/v1/programmes/"+d.here.programme, "/v1/programmes/"+d.here.programme+"/stages/2"
	at := d.clock.Now().Add(time.Minute)
	steps := []string{"begin", "decide", "approve", "prepare", "publish"}
	try := func(step, token string) apitest.Response {
		basis := `{"basis":"` + d.basis(d.here.programme, "2") + `"}`
		q := map[string][2]string{"begin": {path + "/begin", ""}, "decide": {stage + "/decision", strings.Replace(basis, "}", `,"minutes":"BA-02"}`, 1)}, "approve": {stage + "/approval", basis},
			"prepare": {path + "/publication", `{"publish_at":"` + at.UTC().Format(time.RFC3339) + `"}`}, "publish": {path + "/publication/approval", ""}}[step]
		d.keys++
		return d.client.Do(t, apitest.Request{Method: "POST", Path: q[0], Body: q[1], Token: token, Header: map[string]string{"Idempotency-Key": fmt.Sprint("step-key-", d.keys), "If-Match": d.tag(request{sending: sending{etag: path + "/publication"}}, d.here)}, Hostile: true})
	}
	for _, now := range []struct {
		state string
		codes map[string]string // of what is refused; the rest is the way on
		then  func()
	}{
		{"the sheets are in", map[string]string{"begin": "stage_decided", "approve": "stage_not_ready", "prepare": "stage_not_ready", "publish": "stage_not_ready"},
			func() { d.need(200, try("decide", d.boss.AccessToken)) }},
		{"prepared", map[string]string{"begin": "stage_decided", "prepare": "stage_not_ready", "publish": "stage_not_ready"}, func() { d.need(200, try("approve", d.second.AccessToken)) }},
		{"decided", map[string]string{"begin": "stage_decided", "decide": "stage_decided", "approve": "stage_decided", "publish": "stage_not_ready"}, func() { d.need(200, try("prepare", d.boss.AccessToken)) }},
		{"said when", map[string]string{"begin": "stage_decided", "decide": "stage_decided", "approve": "stage_decided"}, func() { d.need(200, try("publish", d.second.AccessToken)) }},
		{"approved", map[string]string{"begin": "stage_decided", "decide": "stage_decided", "approve": "stage_decided", "prepare": "publication_approved", "publish": "publication_approved"}, func() {
			d.clock.Set(at)
			d.ok(0, d.parts.Programme.PublishDue(d.Context()))
		}},
		{"telling", map[string]string{"begin": "stage_decided", "decide": "stage_decided", "approve": "stage_decided", "prepare": "publication_approved", "publish": "publication_approved"}, func() {
			d.work()
			d.ok(0, d.parts.Programme.Due(d.Context()))
		}},
		{"told", map[string]string{"begin": "stage_decided", "decide": "stage_decided", "approve": "stage_decided", "prepare": "publication_approved", "publish": "publication_approved"}, func() {}},
	} {
		before := d.state()
		for _, step := range steps {
			if code, no := now.codes[step]; no {
				if r := try(step, d.second.AccessToken); r.Status != 409 || r.Problem.Code != code {
					t.Errorf("%s while %s: %s, want %s", step, now.state, heard(r), code)
				}
			}
		}
		if now.codes["approve"] == "" { // whoever prepared it
			d.code("same_person", d.need(403, try("approve", d.boss.AccessToken)))
		}
		d.unmoved(before, "a step while "+now.state)
		now.then()
		d.work()
	}
}

// need wants a status of an answer.
func (o *tour) need(status int, r apitest.Response) apitest.Response {
	o.Helper()
	if r.Status != status {
		o.Errorf("%s, want %d", heard(r), status)
	}
	return r
}

// TestHostile05OfAnApproval tries both words and the token on a proposal in every state, as
// who proposed it and as another admin.
func TestHostile05OfAnApproval(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	number := 300
	third, _ := d.proved("+628117000106")
	proposed := func() wire.Approval {
		number++
		var in wire.RightsAnswer
		d.want(201, d.boss.AccessToken, "POST", "/v1/admin/users", fmt.Sprintf(`{"phone":"+628117000%d","name":"Pak Made","roles":["regional_admin"],"regions":["18"]}`, number)).Into(t, &in)
		return in.Approval
	}
	try := func(a wire.Approval, word, token string) apitest.Response {
		path, body := "/v1/admin/approvals/"+a.Id+"/decision", fmt.Sprintf(`{"approve":%t,"what":%q}`, word == "approve", a.What)
		if word == "token" {
			path, body = "/v1/admin/approvals/"+a.Id+"/token", ""
		}
		d.keys++
		return d.client.Do(t, apitest.Request{Method: "POST", Path: path, Body: body, Token: token, Hostile: true, Header: map[string]string{"Idempotency-Key": fmt.Sprint("word-key-", d.keys)}})
	}
	for state, bring := range map[string]func(wire.Approval){
		"approved": func(a wire.Approval) { d.need(200, try(a, "approve", d.second.AccessToken)) },
		"done":     func(a wire.Approval) { d.need(200, try(a, "approve", d.second.AccessToken)); d.work() },
		"declined": func(a wire.Approval) { d.need(200, try(a, "decline", d.boss.AccessToken)) },
		"failed": func(a wire.Approval) {
			d.need(200, try(a, "approve", d.second.AccessToken))
			u, err := d.parts.Auth.Store.UserByPhone(t.Context(), fmt.Sprintf("+628117000%d", number))
			d.ok(0, err)
			_, err = d.parts.Auth.ChangeRights(t.Context(), u.ID, auth.RightsChange{Op: auth.RightsRoles, Roles: []string{auth.RoleMentor}})
			d.ok(0, err)
			d.work()
		},
	} {
		a := proposed()
		bring(a)
		before := d.state()
		for word, tokens := range map[string][]string{"approve": {third.AccessToken}, "decline": {d.second.AccessToken, third.AccessToken}, "token": {d.second.AccessToken, third.AccessToken}} {
			for _, token := range tokens {
				if r := try(a, word, token); r.Problem.Code != "approval_closed" && !(word == "token" && r.Problem.Code == "forbidden") {
					t.Errorf("%s what is %s: %s", word, state, heard(r))
				}
			}
		}
		if state != "done" {
			d.code("approval_closed", try(a, "token", d.boss.AccessToken))
		}
		d.unmoved(before, "a word on what is "+state)
	}
	late := proposed()
	d.code("approval_own", try(late, "approve", d.boss.AccessToken))
	d.code("approval_closed", try(late, "token", d.boss.AccessToken))
	d.clock.Advance(domain.ApprovalLife)
	var young wire.Login
	d.want(200, "", "POST", "/v1/auth/password", byPassword("+628117000101", password, d.next())).Into(t, &young)
	d.boss = young
	for _, word := range []string{"decline", "token"} {
		d.code("approval_closed", try(late, word, young.AccessToken))
	}
}
