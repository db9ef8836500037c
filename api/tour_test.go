package api_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
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
	return o.enterOn(phone, "0190aaaa-0000-4000-8000-"+phone[len(phone)-9:]+"000")
}

// enterOn does so with an installation of the app.
func (o *tour) enterOn(phone, install string) wire.Login {
	o.Helper()
	var c wire.Challenge
	o.want(202, "", "POST", "/v1/auth/code", `{"phone":"`+phone+`"}`).Into(o, &c)
	if _, err := o.parts.Auth.Deliver(o.Context()); err != nil {
		o.Fatal(err)
	}
	var l wire.Login
	o.want(200, "", "POST", "/v1/auth/login", fmt.Sprintf(`{"challenge":%q,"phone":%q,"code":%q,"device":{"install_id":%q,"platform":"android","model":"A03"}}`,
		c.Challenge, phone, o.box.code(c.Challenge), install)).Into(o, &l)
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
