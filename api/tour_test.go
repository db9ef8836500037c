package api_test

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// tour walks through the API as people do, with a client that checks every
// request and every answer.
type tour struct {
	*testing.T
	*house
	client *apitest.Client
	keys   int
}

func newTour(t *testing.T, change ...func(*api.Parts)) *tour {
	h := open(t, change...)
	return &tour{T: t, house: h, client: &apitest.Client{Spec: spec(t), Via: h.Server, Seen: &apitest.Coverage{}}}
}

const syncBody = `{"app":"1.4.2","clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}}`

// nobody is the id of nothing.
const nobody = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60"

// want sends a request and wants a status. A body that starts with "!" breaks
// the specification on purpose.
func (o *tour) want(status int, token, method, path, body string, header ...string) apitest.Response {
	o.Helper()
	r := apitest.Request{Method: method, Path: path, Token: token, Header: map[string]string{}}
	r.Body, r.Hostile = strings.CutPrefix(body, "!")
	if method == "POST" && regexp.MustCompile(`/(businesses|members|assignments|resolution|events|adjustments|handover|programmes|plan-templates|imports|announcements|admin/users|rights|factor|curators|begin|shares|decision|approval|reopening|publication|withdrawal|status|operations|versions|merge|replay|reference/[a-z]+)$`).MatchString(path) {
		o.keys++
		r.Header["Idempotency-Key"] = fmt.Sprintf("tour-key-%d", o.keys)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
		if header[i+1] == "" {
			delete(r.Header, header[i])
			r.Hostile = true
		}
	}
	resp := o.client.Do(o, r)
	if resp.Status != status {
		o.Errorf("%s %s: %d, want %d\n%s", method, path, resp.Status, status, resp.Body)
	}
	return resp
}

func (o *tour) code(want string, r apitest.Response) {
	o.Helper()
	if r.Problem.Code != want {
		o.Errorf("code %q, want %q", r.Problem.Code, want)
	}
}

// enter logs a number in over HTTP.
func (o *tour) enter(phone string) wire.Login {
	o.Helper()
	var c wire.Challenge
	o.want(202, "", "POST", "/v1/auth/code", `{"phone":"`+phone+`"}`).Into(o, &c)
	if _, err := o.parts.Auth.Deliver(o.Context()); err != nil {
		o.Fatal(err)
	}
	var l wire.Login
	o.want(200, "", "POST", "/v1/auth/login", fmt.Sprintf(`{"challenge":%q,"phone":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-%s","platform":"android","model":"A03"}}`,
		c.Challenge, phone, o.box.code(c.Challenge), phone[len(phone)-9:]+"000")).Into(o, &l)
	return l
}

// repeats answers a code twice at once, as a phone whose first answer got lost.
func (o *tour) repeats() {
	o.Helper()
	const phone, install = "+628117000021", "0190aaaa-0000-4000-8000-117000021000"
	var c wire.Challenge
	o.want(202, "", "POST", "/v1/auth/code", `{"phone":"`+phone+`","install_id":"`+install+`"}`).Into(o, &c)
	if _, err := o.parts.Auth.Deliver(o.Context()); err != nil {
		o.Fatal(err)
	}
	answer := fmt.Sprintf(`{"challenge":%q,"phone":%q,"code":%q,"device":{"install_id":%q}}`, c.Challenge, phone, o.box.code(c.Challenge), install)
	o.want(200, "", "POST", "/v1/auth/login", answer)
	o.code("in_progress", o.want(409, "", "POST", "/v1/auth/login", answer))
}

func (o *tour) withRole(phone, role string) wire.Login {
	o.Helper()
	if role == auth.RoleAdmin {
		l, _ := o.proved(phone)
		return l
	}
	if _, err := o.parts.Auth.CreateUser(o.Context(), phone, []string{role}); err != nil {
		o.Fatal(err)
	}
	return o.enter(phone)
}

const password = "tujuh kapal di teluk"

// proved makes an admin who sets up and logs in as an app does. next gives a code that
// was not shown yet; the clock moves for it if need be.
func (o *tour) proved(phone string) (l wire.Login, next func() string) {
	o.Helper()
	u, err := o.parts.Auth.CreateUser(o.Context(), phone, []string{auth.RoleAdmin})
	if err != nil {
		o.Fatal(err)
	}
	token, _, err := o.parts.Auth.ResetFactor(o.Context(), u.ID)
	if err != nil {
		o.Fatal(err)
	}
	var set wire.Setup
	o.want(200, "", "POST", "/v1/auth/setup", fmt.Sprintf(`{"token":%q,"password":%q}`, token, password)).Into(o, &set)
	const step = 30 * time.Second
	shown := o.clock.Now().Truncate(step).Add(-2 * step)
	next = func() string {
		if shown = shown.Add(step); shown.Before(o.clock.Now().Add(-step).Truncate(step)) {
			shown = o.clock.Now().Truncate(step)
		}
		if o.clock.Now().Before(shown.Add(-step)) {
			o.clock.Set(shown)
		}
		code, err := auth.FactorCode(set.Secret, shown)
		if err != nil {
			o.Fatal(err)
		}
		return code
	}
	o.want(204, "", "POST", "/v1/auth/setup/confirm", fmt.Sprintf(`{"token":%q,"code":%q}`, token, next()))
	o.want(200, "", "POST", "/v1/auth/password", byPassword(phone, password, next())).Into(o, &l)
	return l, next
}

// byPassword is the body of a login with a password.
func byPassword(phone, password, code string) string {
	return fmt.Sprintf(`{"phone":%q,"password":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-%s","platform":"web"}}`, phone, password, code, phone[len(phone)-9:]+"000")
}

// makeBusiness makes an enterprise and gives its address.
func (o *tour) makeBusiness(owner wire.Login) string {
	o.Helper()
	var b wire.Business
	id := o.ids.New()
	o.want(201, owner.AccessToken, "POST", "/v1/businesses", `{"id":"`+id+`","name":"Rajut Metro","region_code":"18.72","primary_category":"crafts"}`).Into(o, &b)
	if b.Id != id || len(b.Roles) != 1 || string(b.Fields["name"]) != `"Rajut Metro"` {
		o.Errorf("made %+v", b)
	}
	return "/v1/businesses/" + id
}

// TestEveryOperationAndStatus sees every status that the specification names.
func TestEveryOperationAndStatus(t *testing.T) {
	o := newTour(t)
	owner, stranger := o.enter("+628117000001"), o.enter("+628117000002")
	admin, mentor := o.withRole("+628117000003", "admin"), o.withRole("+628117000004", "mentor")
	o.syncs(owner)
	o.lives(owner)
	o.accounts(owner, stranger)
	o.repeats()
	business := o.makeBusiness(owner)
	o.manyScopes(owner)
	o.enterprises(owner, stranger, business)
	staff := o.people(owner, stranger, business)
	o.mentors(owner, stranger, admin, mentor, business)
	o.handovers(owner, admin, mentor, business)
	o.lists(owner, admin)
	o.editions(owner, admin)
	o.news(owner, o.withRole("+628117000061", "admin"))
	o.pushes(owner, stranger, o.withRole("+628117000068", "admin"))
	o.decisions(owner, stranger, admin, mentor)
	o.mergers(owner, stranger, admin, business)
	o.clock.Advance(10 * time.Second) // the admin has asked as often as anybody may
	o.watch(owner, stranger, staff, admin, business)
	o.admins(owner)
	o.passwords(owner)
	o.everywhere(owner)
	o.machines()
	for _, m := range o.client.Seen.Missing(o.client.Spec) {
		t.Errorf("never seen: %s", m)
	}
}

func (o *tour) syncs(owner wire.Login) {
	for _, path := range []string{"/v1/sync", "/v1/sync/push", "/v1/sync/pull"} {
		o.want(200, owner.AccessToken, "POST", path, syncBody)
	}
	o.code("body_too_large", o.want(413, owner.AccessToken, "POST", "/v1/sync", "!"+strings.Repeat(" ", 1<<20)+syncBody))
	o.code("media_type_unsupported", o.want(415, owner.AccessToken, "POST", "/v1/sync", "!"+syncBody, "Content-Type", "text/plain"))
	o.code("invalid_value", o.want(422, owner.AccessToken, "POST", "/v1/sync", `!{"limit_bytes":"x"}`))
	o.parts.Engine.MinApp = "2.0"
	o.code("upgrade_required", o.want(426, owner.AccessToken, "POST", "/v1/sync/pull", syncBody))
	o.parts.Engine.MinApp = ""
}

func (o *tour) lives(owner wire.Login) {
	token := owner.AccessToken
	ended := make(chan apitest.Response)
	for range 2 {
		go func() { ended <- o.want(200, token, "GET", "/v1/sync/live", "") }()
		for o.Streams() == 0 {
			runtime.Gosched()
		}
	}
	if first := <-ended; !strings.Contains(string(first.Body), `"reason":"live_replaced"`) {
		o.Errorf("the older stream of a device: %s", first.Body)
	}
	o.clock.Advance(time.Hour)
	o.LookAfter()
	if second := <-ended; !strings.Contains(string(second.Body), `"reason":"token_expired"`) {
		o.Errorf("a stream after its token: %s", second.Body)
	}
	o.clock.Advance(-time.Hour)
	var w wire.Waited
	o.want(200, token, "GET", "/v1/sync/wait", "").Into(o, &w)
	if len(w.News) == 0 || w.News[0].Scope != "user/"+owner.User.Id {
		o.Errorf("without a cursor: %+v", w)
	}
	var r protocol.Response
	o.want(200, token, "POST", "/v1/sync", syncBody).Into(o, &r)
	o.want(204, token, "GET", "/v1/sync/wait?timeout_s=1&cursor="+r.Cursor, "")
	o.want(400, token, "GET", "/v1/sync/wait?timeout_s=x", "!")
}

// manyScopes lets the owner, who has two scopes, listen to one.
func (o *tour) manyScopes(owner wire.Login) {
	o.parts.Engine.Limits.LiveScopes = 1
	for _, path := range []string{"/v1/sync/live", "/v1/sync/wait"} {
		o.code("live_too_many_scopes", o.want(409, owner.AccessToken, "GET", path, ""))
	}
	o.parts.Engine.Limits.LiveScopes = 0
}

func (o *tour) accounts(owner, stranger wire.Login) {
	o.code("phone_landline", o.want(422, "", "POST", "/v1/auth/code", `{"phone":"0721-123456"}`))
	o.code("challenge_unknown", o.want(422, "", "POST", "/v1/auth/login", `{"challenge":"`+nobody+`","phone":"08117000001","code":"123456","device":{"install_id":"0190aaaa-0000"}}`))
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+owner.RefreshToken+`"}`)
	o.code("refresh_invalid", o.want(401, "", "POST", "/v1/auth/refresh", `{"refresh_token":"v1.x"}`))
	o.want(200, "", "GET", "/.well-known/jwks.json", "")

	gone := o.enter("+628117000009")
	o.want(204, gone.AccessToken, "POST", "/v1/auth/logout", "")
	o.code("session_revoked", o.want(401, gone.AccessToken, "GET", "/v1/me", ""))
	o.clock.Advance(2 * time.Minute)
	gone = o.enter("+628117000009")
	o.want(204, gone.AccessToken, "DELETE", "/v1/me/sessions/"+gone.Session, "")
	o.clock.Advance(5 * time.Minute)
	gone = o.enter("+628117000009")
	o.want(204, gone.AccessToken, "DELETE", "/v1/me/sessions", "")
	o.clock.Advance(5 * time.Minute)
	gone = o.enter("+628117000009")
	o.want(400, gone.AccessToken, "DELETE", "/v1/me/devices/"+gone.Device.Id+"?as=stolen", "!")
	o.want(204, gone.AccessToken, "DELETE", "/v1/me/devices/"+gone.Device.Id+"?as=lost", "")

	token := owner.AccessToken
	var me wire.Me
	o.want(200, token, "GET", "/v1/me", "").Into(o, &me)
	if me.User.Phone != "+628117000001" || me.Device != owner.Device.Id {
		o.Errorf("I am %+v", me)
	}
	o.want(200, token, "GET", "/v1/me/sessions", "")
	o.want(404, token, "DELETE", "/v1/me/sessions/"+stranger.Session, "")
	o.want(200, token, "GET", "/v1/me/devices", "")
	o.want(404, token, "DELETE", "/v1/me/devices/"+stranger.Device.Id, "")
	mine := "/v1/me/devices/" + owner.Device.Id + "/incarnations"
	o.want(201, token, "POST", mine, `{}`)
	o.want(201, token, "POST", mine, `{"incarnation":"made-by-the-phone-1"}`)
	o.want(201, token, "POST", mine, `{"incarnation":"made-by-the-phone-1"}`)
	o.want(404, token, "POST", "/v1/me/devices/"+stranger.Device.Id+"/incarnations", `{}`)
	o.code("owner_mismatch", o.want(409, token, "POST", mine, `{"incarnation":"`+stranger.Incarnation+`"}`))
	o.want(422, token, "POST", mine, `!{"incarnation":"short"}`)
}

func (o *tour) enterprises(owner, stranger wire.Login, business string) {
	id := strings.TrimPrefix(business, "/v1/businesses/")
	o.code("id_reuse", o.want(409, stranger.AccessToken, "POST", "/v1/businesses", `{"id":"`+id+`","name":"Rajut Metro","region_code":"18.72","primary_category":"crafts"}`))
	o.code("id_reuse", o.want(409, owner.AccessToken, "POST", "/v1/businesses", `{"id":"`+id+`","name":"Another"}`))
	o.want(201, owner.AccessToken, "POST", "/v1/businesses", `{"id":"`+id+`","name":"Rajut Metro","region_code":"18.72","primary_category":"crafts"}`)
	o.want(422, owner.AccessToken, "POST", "/v1/businesses", `!{"id":"`+o.ids.New()+`","name":"x"}`)
	var list wire.BusinessList
	o.want(200, owner.AccessToken, "GET", "/v1/businesses", "").Into(o, &list)
	if len(list.Businesses) != 1 || list.Businesses[0].Id != id {
		o.Errorf("owner sees %+v", list)
	}
	o.want(200, stranger.AccessToken, "GET", "/v1/businesses", "").Into(o, &list)
	if len(list.Businesses) != 0 {
		o.Errorf("a stranger sees %+v", list)
	}
	o.want(200, owner.AccessToken, "GET", business, "")
	o.want(404, stranger.AccessToken, "GET", business, "")
}

func (o *tour) people(owner, stranger wire.Login, business string) (staff wire.Login) {
	members, token := business+"/members", owner.AccessToken
	var m wire.Member
	o.want(201, token, "POST", members, `{"phone":"0811-7000-005","role":"staff","permissions":["log_sales"]}`).Into(o, &m)
	staff = o.enter("+628117000005")
	if m.UserId != staff.User.Id {
		o.Errorf("invited %s, logged in %s", m.UserId, staff.User.Id)
	}
	o.code("conflict", o.want(409, token, "POST", members, `{"phone":"08117000005","role":"owner"}`))
	o.want(403, staff.AccessToken, "POST", members, `{"phone":"08117000006","role":"staff"}`)
	o.want(404, stranger.AccessToken, "POST", members, `{"phone":"08117000006","role":"staff"}`)
	o.code("phone_foreign", o.want(422, token, "POST", members, `{"phone":"+14155550100","role":"staff"}`))
	o.want(404, stranger.AccessToken, "GET", members, "")
	var list wire.MemberList
	o.want(200, token, "GET", members, "").Into(o, &list)

	one := members + "/" + m.Id
	o.want(404, stranger.AccessToken, "PATCH", one, `{"permissions":[]}`, "If-Match", m.Etag)
	o.want(403, staff.AccessToken, "PATCH", one, `{"permissions":["see_totals"]}`, "If-Match", m.Etag)
	o.code("precondition_required", o.want(428, token, "PATCH", one, `{"permissions":[]}`, "If-Match", ""))
	o.want(422, token, "PATCH", one, `!{"permissions":["everything"]}`, "If-Match", m.Etag)
	first := o.want(200, token, "PATCH", one, `{"permissions":["log_sales","see_totals"]}`, "If-Match", m.Etag)
	if first.Header.Get("ETag") == m.Etag {
		o.Error("a change kept its tag")
	}
	o.code("stale_version", o.want(412, token, "PATCH", one, `{"permissions":[]}`, "If-Match", m.Etag))
	if again := o.want(200, token, "PATCH", one, `{"permissions":["log_sales","see_totals"]}`, "If-Match", m.Etag); again.Header.Get("ETag") != first.Header.Get("ETag") {
		o.Error("a change that is repeated is another change")
	}
	o.want(404, token, "PATCH", members+"/"+nobody, `{"permissions":[]}`, "If-Match", m.Etag)
	for _, w := range list.Members {
		if w.Role == "owner" {
			o.code("last_owner", o.want(409, token, "PATCH", members+"/"+w.Id, `{"to":"2023-05-05T02:11:09Z"}`, "If-Match", w.Etag))
		}
	}
	return staff
}

func (o *tour) mentors(owner, stranger, admin, mentor wire.Login, business string) {
	all, token := business+"/assignments", admin.AccessToken
	body := `{"mentor_id":"` + mentor.User.Id + `"}`
	o.want(403, owner.AccessToken, "POST", all, body)
	o.want(404, stranger.AccessToken, "POST", all, body)
	o.code("invalid_value", o.want(422, token, "POST", all, `{"mentor_id":"`+stranger.User.Id+`"}`))
	var a wire.Assignment
	o.want(201, token, "POST", all, body).Into(o, &a)
	if !a.Lead {
		o.Error("the first mentor does not lead")
	}
	o.code("conflict", o.want(409, token, "POST", all, body))
	o.want(404, stranger.AccessToken, "GET", all, "")
	var list wire.AssignmentList
	o.want(200, mentor.AccessToken, "GET", all, "").Into(o, &list)

	o.caseloads(owner, stranger, admin, mentor, strings.TrimPrefix(business, "/v1/businesses/"))
	o.profiles(owner, admin, mentor)
	o.leads(admin, all, a)
	for _, w := range o.list(token, all) {
		if w.Id == a.Id {
			a = w
		}
	}

	one, end := all+"/"+a.Id, `{"to":"2022-05-05T02:00:00Z","handover_note":"Label sudah dicetak"}`
	o.want(403, owner.AccessToken, "PATCH", one, end, "If-Match", a.Etag)
	o.want(404, token, "PATCH", all+"/"+nobody, end, "If-Match", a.Etag)
	o.want(422, token, "PATCH", one, `!{}`, "If-Match", a.Etag)
	o.want(428, token, "PATCH", one, end, "If-Match", "")
	o.want(412, token, "PATCH", one, end, "If-Match", `"9-1"`)
	next := o.withRole("+628117000007", "mentor")
	over := `{"to":"2022-06-05T02:00:00Z","successor_id":"` + next.User.Id + `"}`
	var ended wire.Assignment
	o.want(200, token, "PATCH", one, over, "If-Match", a.Etag).Into(o, &ended)
	o.want(200, owner.AccessToken, "GET", all, "").Into(o, &list)
	follows := func(a wire.Assignment) bool { return a.MentorId == next.User.Id && !a.Lead && a.From.Equal(ended.To) }
	if len(list.Assignments) != 3 || !ended.Lead || !slices.ContainsFunc(list.Assignments, follows) {
		o.Errorf("handed over: %+v", list)
	}
	o.want(200, token, "PATCH", one, end, "If-Match", ended.Etag).Into(o, &ended)
	o.clock.Advance(time.Minute)
	o.code("conflict", o.want(409, token, "PATCH", one, `{"to":"2022-07-05T02:00:00Z"}`, "If-Match", ended.Etag))
}

func (o *tour) list(token, all string) []wire.Assignment {
	o.Helper()
	var list wire.AssignmentList
	o.want(200, token, "GET", all, "").Into(o, &list)
	return list.Assignments
}

// caseloads looks at what a mentor accompanies, which is one business.
func (o *tour) caseloads(owner, stranger, admin, mentor wire.Login, business string) {
	path := "/v1/mentors/" + mentor.User.Id + "/caseload"
	for _, who := range []wire.Login{admin, mentor} {
		var load wire.Caseload
		o.want(200, who.AccessToken, "GET", path, "").Into(o, &load)
		if len(load.Businesses) != 1 || load.Businesses[0].BusinessId != business || load.Businesses[0].Since.IsZero() || !load.Businesses[0].Lead || load.Count != 1 || load.Capacity != 5 || load.Next != "" {
			o.Errorf("%+v", load)
		}
		o.want(200, who.AccessToken, "GET", path+"?limit=1&after="+business, "").Into(o, &load)
	}
	o.want(403, owner.AccessToken, "GET", path, "")
	o.want(403, stranger.AccessToken, "GET", path, "")
	o.want(404, admin.AccessToken, "GET", "/v1/mentors/"+nobody+"/caseload", "")
	o.want(400, admin.AccessToken, "GET", path+"?limit=0", "!")
	o.want(400, admin.AccessToken, "GET", path+"?after=x", "!")
}

func (o *tour) handovers(owner, admin, mentor wire.Login, business string) {
	next, err := o.parts.Auth.CreateUser(o.Context(), "+628117000008", []string{"mentor"})
	if err != nil {
		o.Fatal(err)
	}
	path, body, token := "/v1/mentors/"+mentor.User.Id+"/handover", `{"to_id":"`+next.ID+`","note":"Label sudah dicetak"}`, admin.AccessToken
	o.want(201, token, "POST", business+"/assignments", `{"mentor_id":"`+mentor.User.Id+`","track":"digital"}`)
	full := o.full(token, owner.AccessToken, "+628117000011")
	o.code("mentor_full", o.want(409, token, "POST", path, `{"to_id":"`+full.User.Id+`"}`))
	o.code("required", o.want(422, token, "POST", path, `{"to_id":"`+full.User.Id+`","beyond_capacity":true}`))
	o.want(403, owner.AccessToken, "POST", path, body)
	o.want(404, token, "POST", "/v1/mentors/"+nobody+"/handover", body)
	o.want(400, token, "POST", path, body, "Idempotency-Key", "")
	o.code("invalid_value", o.want(422, token, "POST", path, `{"to_id":"`+owner.User.Id+`"}`))
	o.code("invalid_value", o.want(422, token, "POST", path, `{"to_id":"`+mentor.User.Id+`"}`))
	o.code("invalid_value", o.want(422, token, "POST", path, `{"to_id":"`+next.ID+`","businesses":["`+nobody+`"]}`))
	nothing := o.want(422, token, "POST", "/v1/mentors/"+next.ID+"/handover", `{"to_id":"`+mentor.User.Id+`"}`)
	o.code("invalid_value", nothing)
	var job wire.Job
	o.want(202, token, "POST", path, body, "Idempotency-Key", "handover-1").Into(o, &job)
	if job.Total != 1 || job.Waiting != 1 {
		o.Errorf("the job began as %+v", job)
	}
	if _, err := o.parts.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
	o.want(200, token, "GET", "/v1/jobs/"+job.Id, "").Into(o, &job)
	if job.Done != 1 || job.Failed+job.Waiting != 0 {
		o.Errorf("the job ended as %+v", job)
	}
	o.want(403, owner.AccessToken, "GET", "/v1/jobs/"+job.Id, "")
	o.want(404, token, "GET", "/v1/jobs/"+nobody, "")
	var list wire.AssignmentList
	o.want(200, owner.AccessToken, "GET", business+"/assignments", "").Into(o, &list)
	if !slices.ContainsFunc(list.Assignments, func(a wire.Assignment) bool { return a.MentorId == next.ID && a.To.IsZero() }) {
		o.Errorf("handed over: %+v", list)
	}
	o.clock.Advance(time.Second)
	o.want(404, mentor.AccessToken, "GET", business, "")
}

func (o *tour) lists(owner, admin wire.Login) {
	const path, lazada = "/v1/reference/marketplace", `{"code":"lazada","fields":{"name_id":"Lazada","hosts":["lazada.co.id"],"aliases":["LZD"]}}`
	var l wire.ReferenceList
	o.want(200, owner.AccessToken, "GET", path, "").Into(o, &l) // nothing was brought along yet
	if len(l.Entries) != 0 {
		o.Errorf("%+v", l)
	}
	for range 2 {
		if err := o.parts.Programme.Seed(o.Context(), domain.ReferenceLists()); err != nil {
			o.Fatal(err)
		}
	}
	r := o.want(200, owner.AccessToken, "GET", path, "")
	r.Into(o, &l)
	if len(l.Entries) != 6 || l.Version != 1 || l.Entries[0].Code != "tokopedia" {
		o.Errorf("%+v", l)
	}
	o.want(304, owner.AccessToken, "GET", path, "", "If-None-Match", r.Header.Get("ETag"))
	o.want(200, owner.AccessToken, "GET", "/v1/reference/region?name=B.%20LAMPUNG", "").Into(o, &l)
	if len(l.Entries) != 1 || l.Entries[0].Code != "18.71" {
		o.Errorf("B. LAMPUNG is %+v", l.Entries)
	}
	o.want(404, owner.AccessToken, "GET", "/v1/reference/nothing", "")
	o.want(400, owner.AccessToken, "GET", path+"?name="+strings.Repeat("x", 121), "!")
	o.want(403, owner.AccessToken, "POST", path, lazada)
	o.want(404, admin.AccessToken, "POST", "/v1/reference/nothing", lazada)
	o.want(400, admin.AccessToken, "POST", path, lazada, "Idempotency-Key", "")
	o.code("invalid_value", o.want(422, admin.AccessToken, "POST", path, `{"code":"lazada","fields":{"name_id":"Lazada","counted_as":"lazada"}}`))
	var e wire.ReferenceEntry
	o.want(201, admin.AccessToken, "POST", path, lazada).Into(o, &e)
	if string(e.Fields["counted_as"]) != `"other"` || string(e.Fields["active"]) != "true" {
		o.Errorf("a new entry: %s", e.Fields)
	}
	o.code("conflict", o.want(409, admin.AccessToken, "POST", path, `{"code":"lazada","fields":{"name_id":"Lazada lain"}}`))
	o.code("conflict", o.want(409, admin.AccessToken, "POST", path, `{"code":"lzd","fields":{"name_id":"Lain"}}`))
	one, off := path+"/lazada", `{"fields":{"active":false,"valid_to":"2022-06-17"}}`
	o.want(428, admin.AccessToken, "PATCH", one, off, "If-Match", "")
	o.want(400, admin.AccessToken, "PATCH", one, `!{`, "If-Match", e.Etag)
	o.want(412, admin.AccessToken, "PATCH", one, off, "If-Match", `"9-1"`)
	o.want(404, admin.AccessToken, "PATCH", path+"/none", off, "If-Match", e.Etag)
	o.want(403, owner.AccessToken, "PATCH", one, off, "If-Match", e.Etag)
	o.want(422, admin.AccessToken, "PATCH", one, `{"fields":{"code":"x"}}`, "If-Match", e.Etag)
	o.code("conflict", o.want(409, admin.AccessToken, "PATCH", one, `{"fields":{"aliases":["TOKO pedia"]}}`, "If-Match", e.Etag))
	o.want(200, admin.AccessToken, "PATCH", one, off, "If-Match", e.Etag).Into(o, &e)
	if string(e.Fields["active"]) != "false" {
		o.Errorf("retired: %s", e.Fields)
	}
	o.want(412, admin.AccessToken, "PATCH", one, off, "If-Match", `"1-1"`)
}

func (o *tour) mergers(owner, stranger, admin wire.Login, business string) {
	other := o.makeBusiness(owner)
	into := `{"into":"` + strings.TrimPrefix(business, "/v1/businesses/") + `"}`
	o.want(403, owner.AccessToken, "POST", other+"/merge", into)
	o.want(404, stranger.AccessToken, "POST", other+"/merge", into)
	o.want(422, admin.AccessToken, "POST", other+"/merge", `{"into":"`+nobody+`"}`)
	var b wire.Business
	o.want(200, admin.AccessToken, "POST", other+"/merge", into).Into(o, &b)
	if "/v1/businesses/"+b.Id != business {
		o.Errorf("the survivor is %s", b.Id)
	}
	o.want(200, admin.AccessToken, "POST", other+"/merge", into)
	o.code("business_merged", o.want(409, admin.AccessToken, "POST", business+"/merge", `{"into":"`+strings.TrimPrefix(other, "/v1/businesses/")+`"}`))
	o.code("business_merged", o.want(409, owner.AccessToken, "POST", other+"/members", `{"phone":"08117000006","role":"staff"}`))
}

func (o *tour) watch(owner, stranger, staff, admin wire.Login, business string) {
	o.want(200, staff.AccessToken, "POST", "/v1/sync", `{"clock":{"wall":"x","mono_ms":1,"boot":"b"},"outbox":{"oldest":"2022-05-03T09:00:00.000Z","count":3}}`)
	var list wire.HealthList
	o.want(200, owner.AccessToken, "GET", business+"/health", "").Into(o, &list)
	found := false
	for _, d := range list.Devices {
		found = found || d.UserId == staff.User.Id && d.Unsent == 3 && !d.OldestUnsent.IsZero()
	}
	if !found {
		o.Errorf("health lacks three unsent edits: %+v", list)
	}
	o.want(403, staff.AccessToken, "GET", business+"/health", "")
	o.want(404, stranger.AccessToken, "GET", business+"/health", "")
	o.want(200, admin.AccessToken, "GET", "/v1/reviews?limit=5", "")
	o.want(403, owner.AccessToken, "GET", "/v1/reviews", "")
	o.want(400, admin.AccessToken, "GET", "/v1/reviews?limit=x", "!")
	for path, status := range map[string]int{"/totals": 200, "/totals?from=2022-03-20&to=2022-06-17": 200, "/totals?from=2022-02-30": 422, "/totals?from=2022-06-17&to=2022-03-20": 422} {
		o.want(status, owner.AccessToken, "GET", business+path, "")
	}
	o.want(404, stranger.AccessToken, "GET", business+"/totals", "")
	o.want(200, admin.AccessToken, "GET", business+"/notes", "")
	o.want(403, owner.AccessToken, "GET", business+"/notes", "")
	o.want(404, stranger.AccessToken, "GET", business+"/notes", "")
	resolution := "/v1/reviews/" + nobody + "/resolution"
	o.want(404, admin.AccessToken, "POST", resolution, `{"queue":"decision/general","decision":"dismissed"}`)
	o.want(403, owner.AccessToken, "POST", resolution, `{"queue":"decision/general","decision":"dismissed"}`)
	o.want(422, admin.AccessToken, "POST", resolution, `{"queue":"business/`+nobody+`","decision":"applied"}`)
	if _, err := o.parts.Engine.Write(o.Context(), "decision/general", merge.ServerWrite{Name: "an item", Role: merge.System, Collection: "review_item", ID: nobody, Op: merge.Put,
		Create: true, Set: map[string]merge.Value{"what": merge.Str("verify_against_cancel"), "scope": merge.Str("business/" + nobody)}}); err != nil {
		o.Fatal(err)
	}
	o.want(409, admin.AccessToken, "POST", resolution, `{"queue":"decision/general","decision":"applied"}`)
	o.want(200, admin.AccessToken, "POST", resolution, `{"queue":"decision/general","decision":"dismissed","note":"Sudah dibicarakan."}`)
	o.want(412, admin.AccessToken, "POST", o.staleReview(owner, strings.TrimPrefix(business, "/v1/businesses/")), `{"queue":"decision/general","decision":"applied"}`)
	o.want(204, admin.AccessToken, "POST", "/v1/admin/attest", `{"user_id":"`+owner.User.Id+`","hours":24}`)
	o.want(403, owner.AccessToken, "POST", "/v1/admin/attest", `{"user_id":"`+staff.User.Id+`","hours":24}`)
	o.want(404, admin.AccessToken, "POST", "/v1/admin/attest", `{"user_id":"`+nobody+`","hours":24}`)
	o.want(422, admin.AccessToken, "POST", "/v1/admin/attest", `!{"user_id":"`+owner.User.Id+`","hours":1000}`)
}

func (o *tour) passwords(owner wire.Login) {
	l, next := o.proved("+628117000016")
	o.code("setup_token_invalid", o.want(422, "", "POST", "/v1/auth/setup", `{"token":"s1.x.y","password":"`+password+`"}`))
	o.code("setup_token_invalid", o.want(422, "", "POST", "/v1/auth/setup/confirm", `{"token":"s1.x.y","code":"000000"}`))
	o.code("password_wrong", o.want(422, "", "POST", "/v1/auth/password", byPassword("+628117000016", "not the password", "000000")))
	o.code("code_wrong", o.want(422, l.AccessToken, "POST", "/v1/auth/step-up", `{"code":"abc"}`))
	o.code("second_factor_required", o.want(403, owner.AccessToken, "POST", "/v1/auth/step-up", `{"code":"000000"}`))
	var t wire.Tokens
	o.want(200, l.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(o, &t)
	change := func(code string) string {
		return fmt.Sprintf(`{"old":%q,"new":"delapan perahu di dermaga","code":%q}`, password, code)
	}
	weak := o.want(422, t.AccessToken, "POST", "/v1/me/password", `{"old":"`+password+`","new":"lumbung123456","code":"000000"}`)
	if o.code("password_weak", weak); !strings.Contains(weak.Problem.Detail, "12") {
		o.Errorf("how long a password is: %s", weak.Body)
	}
	o.code("second_factor_required", o.want(403, owner.AccessToken, "POST", "/v1/me/password", change("000000")))
	o.want(204, t.AccessToken, "POST", "/v1/me/password", change(next()))
	if err := o.parts.Auth.Suspend(o.Context(), l.User.Id); err != nil {
		o.Fatal(err)
	}
	o.code("account_suspended", o.want(403, "", "POST", "/v1/auth/password", byPassword("+628117000016", "delapan perahu di dermaga", next())))
}

// everywhere asks what is true of every operation: no proof of identity is 401, a
// suspended account 403, half a body is 400.
func (o *tour) everywhere(owner wire.Login) {
	barred := o.enter("+628117000008")
	o.clock.Advance(5 * time.Minute)
	owner = o.enter(owner.User.Phone)
	var c wire.Challenge
	o.want(202, "", "POST", "/v1/auth/code", `{"phone":"+628117000008"}`).Into(o, &c)
	if _, err := o.parts.Auth.Deliver(o.Context()); err != nil {
		o.Fatal(err)
	}
	if err := o.parts.Auth.Suspend(o.Context(), barred.User.Id); err != nil {
		o.Fatal(err)
	}
	o.code("account_suspended", o.want(403, "", "POST", "/v1/auth/login", fmt.Sprintf(`{"challenge":%q,"phone":"+628117000008","code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-117000008000"}}`,
		c.Challenge, o.box.code(c.Challenge))))
	o.code("account_suspended", o.want(403, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+barred.RefreshToken+`"}`))
	for _, op := range o.client.Spec.Operations() {
		path := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(op.Path, nobody)
		header := []string{"If-Match", `"1-1"`, "Idempotency-Key", "key-for-half-a-body"}
		if !op.Open {
			r := o.want(401, "", op.Method, path, "!", header...)
			o.code("token_missing", r)
			if r.Problem.Info["keep_outbox"] != true || r.Header.Get("WWW-Authenticate") == "" {
				o.Errorf("%s %s: %s", op.Method, path, r.Body)
			}
			o.code("account_suspended", o.want(403, barred.AccessToken, op.Method, path, "!", header...))
		}
		if op.Body && !strings.Contains(path, "/imports") { // a table is no JSON
			o.code("body_unreadable", o.want(400, owner.AccessToken, op.Method, path, `!{"a`, header...))
		}
	}
}

func (o *tour) machines() {
	for _, path := range []string{"/healthz", "/readyz", "/version", "/openapi.yaml", "/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"} {
		o.want(200, "", "GET", path, "")
	}
	o.want(404, "", "GET", "/docs/secret", "")
	o.Drain()
	o.code("draining", o.want(503, "", "GET", "/readyz", ""))
}

// ok takes what the engine's work gives.
func (o *tour) ok(_ int, err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}
