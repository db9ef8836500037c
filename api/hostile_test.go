package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// The numbers in the names are those of the list of hostile inputs; docs/testing.md says
// which test is about what.

// phone is somebody who pushes by hand.
type phone struct {
	*tour
	wire.Login
	n int
}

func (o *tour) phone(number string) *phone { return &phone{tour: o, Login: o.enter(number)} }

// generation is that of the scope, as the phone learns it from a pull.
func (p *phone) generation(scope string) string {
	p.Helper()
	var r protocol.Response
	p.want(200, p.AccessToken, "POST", "/v1/sync", syncBody).Into(p, &r)
	return r.Scopes[scope].Generation
}

func (p *phone) own() string { return merge.UserScope(p.User.Id) }

// mutation makes one edit; set is a JSON object.
func (p *phone) mutation(op, collection, id, base, set string) string {
	p.n++
	m := fmt.Sprintf(`{"n":%d,"schema":1,"collection":%q,"id":%q,"op":%q,"at":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}`, p.n, collection, id, op)
	if base != "" {
		m += `,"base":` + base
	}
	if set != "" {
		m += `,"set":` + set
	}
	return m + "}"
}

func (p *phone) envelope(scope, generation string, mutations ...string) string {
	return fmt.Sprintf(`!{"app":"1.4.2","clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":2,"boot":"b"},"push":[{"scope":%q,"device":%q,"incarnation":%q,"generation":%q,"mutations":[%s]}]}`,
		scope, p.Device.Id, p.Incarnation, generation, strings.Join(mutations, ","))
}

// push sends edits and gives their verdicts.
func (p *phone) push(scope, generation string, mutations ...string) []protocol.Verdict {
	p.Helper()
	var r protocol.Response
	p.want(200, p.AccessToken, "POST", "/v1/sync/push", p.envelope(scope, generation, mutations...)).Into(p, &r)
	if len(r.Verdicts) != len(mutations) {
		p.Fatalf("%d verdicts for %d mutations", len(r.Verdicts), len(mutations))
	}
	return r.Verdicts
}

func (p *phone) verdict(v protocol.Verdict, want merge.Outcome, code string) {
	p.Helper()
	if v.Verdict != want || v.Code != code {
		p.Errorf("verdict %s %q, want %s %q", v.Verdict, v.Code, want, code)
	}
	if code != "" && want == merge.Rejected && (v.Message == nil || v.Message.ID == "" || v.Message.EN == "") {
		p.Errorf("verdict %q has no sentence", v.Code)
	}
}

func TestHostile01AScopeOfSomebodyElseDoesNotExist(t *testing.T) {
	o := newTour(t)
	owner, thief := o.enter("+628117000001"), o.phone("+628117000002")
	business := strings.TrimPrefix(o.makeBusiness(owner), "/v1/businesses/")
	theirs := thief.push("business/"+business, "1.x", thief.mutation("put", "business", business, `{"generation":"1.x","version":1}`, `{"name":"Stolen"}`))
	absent := thief.push("business/"+nobody, "1.x", thief.mutation("put", "business", nobody, `{"generation":"1.x","version":1}`, `{"name":"Stolen"}`))
	thief.verdict(theirs[0], merge.Rejected, "not_found")
	thief.verdict(absent[0], merge.Rejected, "not_found")
	if theirs[0].Record != nil || theirs[0].Seq != 0 {
		t.Errorf("the answer shows %+v", theirs[0])
	}
	if r := o.want(200, owner.AccessToken, "GET", "/v1/businesses/"+business, ""); !strings.Contains(string(r.Body), "Rajut Metro") {
		t.Errorf("changed: %s", r.Body)
	}
}

func TestHostile02AnIdUsedElsewhereIsHarmless(t *testing.T) {
	o := newTour(t)
	a, b := o.phone("+628117000001"), o.phone("+628117000002")
	id := o.ids.New()
	for _, p := range []*phone{a, b} {
		v := p.push(p.own(), p.generation(p.own()), p.mutation("put", "receipt", id, "", `{"announcement_id":"`+nobody+`"}`))
		p.verdict(v[0], merge.Applied, "")
	}
}

func TestHostile03AReferenceToNothingIsOneVerdict(t *testing.T) {
	o := newTour(t)
	owner := o.phone("+628117000001")
	scope := "business/" + strings.TrimPrefix(o.makeBusiness(owner.Login), "/v1/businesses/")
	g := owner.generation(scope)
	v := owner.push(scope, g, owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas","photos":null}`),
		strings.TrimSuffix(owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas"}`), "}")+`,"add":{"photos":["`+nobody+`"]}}`)
	owner.verdict(v[1], merge.Rejected, "invalid_reference")
}

func TestHostile04And05FieldsOfTheServerAndJumps(t *testing.T) {
	o := newTour(t)
	owner := o.phone("+628117000001")
	scope := "business/" + strings.TrimPrefix(o.makeBusiness(owner.Login), "/v1/businesses/")
	g := owner.generation(scope)
	v := owner.push(scope, g,
		owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas","certs":["`+nobody+`"],"created_by":"`+nobody+`"}`),
		owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas","__proto__":{"role":"admin"}}`),
		owner.mutation("put", "membership", o.ids.New(), "", `{"user_id":"`+owner.User.Id+`","role":"owner"}`))
	owner.verdict(v[0], merge.Applied, "")
	if len(v[0].Ignored) != 2 || strings.Contains(string(v[0].Record.Fields), nobody) {
		t.Errorf("ignored %q, stored %s", v[0].Ignored, v[0].Record.Fields)
	}
	owner.verdict(v[1], merge.Rejected, "unknown_field")
	if v[2].Verdict != merge.Rejected {
		t.Errorf("a membership made by a phone: %+v", v[2])
	}
}

func TestHostile06AForgedCursorShowsNothing(t *testing.T) {
	o := newTour(t)
	owner, thief := o.enter("+628117000001"), o.enter("+628117000002")
	business := strings.TrimPrefix(o.makeBusiness(owner), "/v1/businesses/")
	var theirs protocol.Response
	o.want(200, owner.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &theirs)
	for _, cursor := range []string{theirs.Cursor, theirs.Cursor[:len(theirs.Cursor)-3], "1AAAA", "0", "9" + theirs.Cursor[1:], strings.Repeat("A", 1000)} {
		r := o.want(200, thief.AccessToken, "POST", "/v1/sync", strings.Replace(syncBody, "{", `{"cursor":"`+cursor+`",`, 1))
		var got protocol.Response
		r.Into(t, &got)
		for _, row := range got.Changes {
			if row.Scope != merge.UserScope(thief.User.Id) {
				t.Errorf("cursor %.20q shows %s", cursor, row.Scope)
			}
		}
		if strings.Contains(string(r.Body), "Rajut") || strings.Contains(string(r.Body), `"`+business) {
			t.Errorf("cursor %.20q shows the business: %s", cursor, r.Body)
		}
	}
}

func TestHostile07AbsurdLimitsAreClampedOrRefused(t *testing.T) {
	o := newTour(t)
	p := o.enter("+628117000001")
	for limit, status := range map[string]int{"1000000000": 200, "0": 200, "-1": 200, `"many"`: 422, "1.5": 422, "1e999": 422, "null": 200, "9223372036854775808": 422} {
		r := o.want(status, p.AccessToken, "POST", "/v1/sync", "!"+strings.Replace(syncBody, "{", `{"limit_bytes":`+limit+`,`, 1))
		if status == 422 && (len(r.Problem.Fields) != 1 || r.Problem.Fields[0].Field != "limit_bytes") {
			t.Errorf("limit %s: fields %+v", limit, r.Problem.Fields)
		}
	}
}

func TestHostile08TooManyAndTooLarge(t *testing.T) {
	o := newTour(t)
	p := o.phone("+628117000001")
	g := p.generation(p.own())
	many := strings.Repeat("{},", 1000) + "{}"
	r := o.want(413, p.AccessToken, "POST", "/v1/sync", p.envelope(p.own(), g, many))
	o.code("too_many_mutations", r)
	if r.Problem.Info["max_mutations"] != 1000.0 {
		t.Errorf("limits %v", r.Problem.Info)
	}
	r = o.want(413, p.AccessToken, "POST", "/v1/sync", p.envelope(p.own(), g, p.mutation("put", "receipt", nobody, "", `{"device":"`+strings.Repeat("x", 3<<20)+`"}`)))
	o.code("body_too_large", r)
	if r.Problem.Info["max_bytes"] != float64(1<<20) || r.Problem.Info["max_mutations"] != 1000.0 {
		t.Errorf("limits %v", r.Problem.Info)
	}
	p.n = 0
	v := p.push(p.own(), g, p.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`"}`),
		p.mutation("put", "receipt", o.ids.New(), "", `{"device":"`+strings.Repeat("x", 70<<10)+`"}`),
		p.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`"}`))
	p.verdict(v[0], merge.Applied, "")
	p.verdict(v[1], merge.Rejected, "too_large")
	p.verdict(v[2], merge.Applied, "")
	o.want(200, p.AccessToken, "POST", "/v1/sync", p.envelope(p.own(), g))
}

func TestHostile09And10RepeatsAndClones(t *testing.T) {
	o := newTour(t)
	p := o.phone("+628117000001")
	g := p.generation(p.own())
	id := o.ids.New()
	one := p.mutation("put", "receipt", id, "", `{"announcement_id":"`+nobody+`"}`)
	first := p.push(p.own(), g, one)
	o.clock.Advance(14 * 24 * time.Hour)
	var tokens wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+p.RefreshToken+`"}`).Into(t, &tokens)
	p.AccessToken = tokens.AccessToken
	again := p.push(p.own(), g, one)
	p.verdict(again[0], merge.Applied, "")
	if !again[0].Repeated || again[0].Seq != first[0].Seq {
		t.Errorf("weeks later: %+v, first %+v", again[0], first[0])
	}
	p.n--
	v := p.push(p.own(), g, p.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`"}`))
	if v[0].Verdict != merge.Rekey {
		t.Errorf("same number, other content: %+v", v[0])
	}
}

func TestHostile11OddJSONIsRefusedQuickly(t *testing.T) {
	o := newTour(t)
	p := o.phone("+628117000001")
	g := p.generation(p.own())
	wide := make([]string, 200_000)
	for i := range wide {
		wide[i] = fmt.Sprintf(`"%d":1`, i)
	}
	for name, body := range map[string]string{
		"deep": strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "deep members": strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"deep in a part": p.envelope(p.own(), g, strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000))[1:],
		"wide":           "{" + strings.Join(wide[:80_000], ",") + "}", "twice": `{"app":"1","app":"2"}`, "bad UTF-8": "{\"app\":\"\xff\"}", "null byte": `{"app":"\u0000"}`,
		"half a surrogate": `{"app":"\ud800"}`, "two values": syncBody + syncBody, "push twice": `{"push":[],"push":[]}`, "mutations twice": `{"push":[{"mutations":[{}],"mutations":[]}]}`,
		"nothing": "", "text": "hello", "raw null": "{\"app\":\"a\x00\"}",
	} {
		r := o.want(400, p.AccessToken, "POST", "/v1/sync", "!"+body, "Content-Type", "application/json")
		if r.Problem.Code != "body_unreadable" {
			t.Errorf("%s: %s", name, r.Body)
		}
	}
	for _, body := range []string{`{"__proto__":{}}`, `{"APP":"1"}`, `{"push":{}}`, `{"clock":[]}`} {
		if r := o.want(422, p.AccessToken, "POST", "/v1/sync", "!"+body); len(r.Problem.Fields) != 1 {
			t.Errorf("%s: %s", body, r.Body)
		}
	}
	const longest = 100 // characters of a scope's name, as openapi.yaml has it
	edit, name := p.mutation("put", "receipt", o.ids.New(), "", `{}`), "business/"+strings.Repeat("x", longest-len("business/"))
	p.verdict(p.push(name, "", edit)[0], merge.Rejected, "not_found")
	for _, path := range []string{"/v1/sync", "/v1/sync/push"} {
		o.code("body_unreadable", o.want(400, p.AccessToken, "POST", path, p.envelope(name+"x", "", edit)))
	}
	v := p.push(p.own(), g, // whatever is wrong inside one edit is its own verdict
		p.mutation("put", "receipt", o.ids.New(), "", `{"device":"a","device":"b"}`), p.mutation("put", "receipt", o.ids.New(), "", "{\"device\":\"\xff\"}"),
		p.mutation("put", "receipt", o.ids.New(), "", `{"device":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`), `[]`, `17`,
		p.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`","device":"\u202egnirts\u0000"}`),
		p.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`"}`))
	for _, bad := range v[:5] {
		p.verdict(bad, merge.Rejected, "unreadable")
	}
	p.verdict(v[5], merge.Rejected, "invalid_value")
	p.verdict(v[6], merge.Applied, "")
}

func TestHostile12NumbersThatAreNone(t *testing.T) {
	o := newTour(t)
	owner := o.phone("+628117000001")
	scope := "business/" + strings.TrimPrefix(o.makeBusiness(owner.Login), "/v1/businesses/")
	g := owner.generation(scope)
	for _, n := range []string{"NaN", "Infinity"} {
		o.want(400, owner.AccessToken, "POST", "/v1/sync", owner.envelope(scope, g, owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas","price_idr":`+n+`}`)))
	}
	for _, n := range []string{"1e999", "-0", "9007199254740993", "1.0", `"123"`, "1e3"} {
		v := owner.push(scope, g, owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas","price_idr":`+n+`}`))
		if v[0].Verdict != merge.Rejected || v[0].Code != "invalid_value" && v[0].Code != "unreadable" {
			t.Errorf("price %s: %+v", n, v[0])
		}
	}
}

func TestHostile19AClockOfTheFutureWinsNothing(t *testing.T) {
	o := newTour(t)
	p := o.phone("+628117000001")
	g := p.generation(p.own())
	for _, wall := range []string{"2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "yesterday"} {
		p.n++
		m := fmt.Sprintf(`{"n":%d,"schema":1,"collection":"receipt","id":%q,"op":"put","at":{"wall":%q,"mono_ms":1,"boot":"b"},"set":{"announcement_id":%q}}`, p.n, o.ids.New(), wall, nobody)
		v := p.push(p.own(), g, m)
		p.verdict(v[0], merge.Applied, "")
		var f map[string]any
		if err := json.Unmarshal(v[0].Record.Fields, &f); err != nil {
			t.Fatal(err)
		}
		if made, _ := f["created_at"].(string); made > "2022-05-06" {
			t.Errorf("made at %v by a clock that says %s", made, wall)
		}
	}
}

func TestHostile20OperatorsInQueriesAndBodies(t *testing.T) {
	o := newTour(t)
	p := o.enter("+628117000001")
	o.want(422, "", "POST", "/v1/auth/code", `!{"phone":{"$gt":""}}`)
	o.want(422, "", "POST", "/v1/auth/login", `!{"challenge":{"$ne":1},"phone":"08117000001","code":"1","device":{"install_id":"0190aaaa-0000"}}`)
	o.want(404, p.AccessToken, "GET", "/v1/businesses/%7B%22$ne%22:1%7D", "!")
	o.want(200, p.AccessToken, "GET", "/v1/businesses?filter[$ne]=1", "!")
	o.want(404, p.AccessToken, "DELETE", "/v1/me/sessions/'%20OR%201=1--", "!")
}

// TestHostile25AnAddressIsOfTheSessionsOwnPhone: a phone that is to be given up names its address for
// another one of its person, to ring on behind its logout and in the other one's stead.
func TestHostile25AnAddressIsOfTheSessionsOwnPhone(t *testing.T) {
	o := newTour(t)
	phone := o.enter("+628117000001")
	o.clock.Advance(2 * time.Minute) // until another code may be asked for
	tablet := o.enterOn("+628117000001", "0190aaaa-0000-4000-8000-000000000099")
	if phone.User.Id != tablet.User.Id || phone.Device.Id == tablet.Device.Id {
		t.Fatalf("%s on %s, %s on %s", phone.User.Id, phone.Device.Id, tablet.User.Id, tablet.Device.Id)
	}
	at := func(l wire.Login) string { return "/v1/me/devices/" + l.Device.Id + "/push" }
	o.want(204, tablet.AccessToken, "PUT", at(tablet), `{"provider":"fcm","kind":"token","value":"dQw4:tablet"}`)
	o.want(204, phone.AccessToken, "PUT", at(phone), `{"provider":"fcm","kind":"token","value":"dQw4:phone"}`)
	o.code("not_found", o.want(404, phone.AccessToken, "PUT", at(tablet), `{"provider":"fcm","kind":"token","value":"dQw4:phone"}`))
	has := func(want ...string) {
		t.Helper()
		all, err := o.parts.Push.Store.AddressesOf(t.Context(), phone.User.Id)
		o.ok(0, err)
		var got []string
		for _, a := range all {
			got = append(got, a.Device+" "+a.Value)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	has(phone.Device.Id+" dQw4:phone", tablet.Device.Id+" dQw4:tablet")
	o.want(204, phone.AccessToken, "POST", "/v1/auth/logout", "")
	o.clock.Advance(2 * time.Minute)
	has(tablet.Device.Id + " dQw4:tablet")
	again := o.enter("+628117000001")
	o.want(204, again.AccessToken, "DELETE", at(tablet), "") // whoever has another phone silences the one that they lost
	has()
}

func TestHostile29IdempotencyKeys(t *testing.T) {
	o := newTour(t)
	a, b := o.enter("+628117000001"), o.enter("+628117000002")
	body := `{"id":"` + o.ids.New() + `","name":"Rajut Metro"}`
	other := `{"id":"` + o.ids.New() + `","name":"Tas Metro"}`
	key := []string{"Idempotency-Key", "the-same-key"}
	first := o.want(201, a.AccessToken, "POST", "/v1/businesses", body, key...)
	again := o.want(201, a.AccessToken, "POST", "/v1/businesses", body, key...)
	if string(first.Body) != string(again.Body) || again.Header.Get("ETag") != first.Header.Get("ETag") || again.Header.Get("Location") == "" || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("first %s %v\nagain %s %v", first.Body, first.Header, again.Body, again.Header)
	}
	o.code("idempotency_reused", o.want(422, a.AccessToken, "POST", "/v1/businesses", other, key...))
	o.want(201, b.AccessToken, "POST", "/v1/businesses", other, key...)
	o.code("idempotency_required", o.want(400, a.AccessToken, "POST", "/v1/businesses", other, "Idempotency-Key", ""))
	o.code("idempotency_required", o.want(400, a.AccessToken, "POST", "/v1/businesses", "!"+other, "Idempotency-Key", "short"))
	bad := `{"id":"` + o.ids.New() + `","name":"x"}`
	o.want(422, a.AccessToken, "POST", "/v1/businesses", "!"+bad, "Idempotency-Key", "a-mistake-was-made")
	o.want(201, a.AccessToken, "POST", "/v1/businesses", strings.Replace(bad, `"x"`, `"Xu"`, 1), "Idempotency-Key", "a-mistake-was-made")
	o.clock.Advance(25 * time.Hour)
	c := o.enter("+628117000001")
	o.want(201, c.AccessToken, "POST", "/v1/businesses", body, key...)
}

func TestHostile30ARightThatEndedEndsAtOnce(t *testing.T) {
	o := newTour(t)
	owner, admin := o.enter("+628117000001"), o.withRole("+628117000003", "admin")
	business := o.makeBusiness(owner)
	scope := "business/" + strings.TrimPrefix(business, "/v1/businesses/")
	mentor := o.phone("+628117000004")
	if err := o.parts.Auth.SetRoles(t.Context(), mentor.User.Id, []string{"mentor"}); err != nil {
		t.Fatal(err)
	}
	o.code("token_invalid", o.want(401, mentor.AccessToken, "GET", "/v1/me", "")) // its roles are old: a refresh brings new ones
	var tokens wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+mentor.RefreshToken+`"}`).Into(t, &tokens)
	var a wire.Assignment
	o.want(201, admin.AccessToken, "POST", business+"/assignments", `{"mentor_id":"`+mentor.User.Id+`"}`).Into(t, &a)
	var got protocol.Response
	o.want(200, tokens.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &got)
	if got.Scopes[scope].Seq == 0 {
		t.Fatalf("the mentor does not get %s: %+v", scope, got.Scopes)
	}
	o.want(200, admin.AccessToken, "PATCH", business+"/assignments/"+a.Id, `{"to":"2022-05-05T02:11:09Z"}`, "If-Match", a.Etag)
	o.clock.Advance(time.Second)
	o.want(404, tokens.AccessToken, "GET", business, "")
	o.want(200, tokens.AccessToken, "POST", "/v1/sync", strings.Replace(syncBody, "{", `{"cursor":"`+got.Cursor+`",`, 1)).Into(t, &got)
	if len(got.Purge) != 1 || got.Purge[0] != scope {
		t.Errorf("purge %q", got.Purge)
	}
	if err := o.parts.Auth.Suspend(t.Context(), mentor.User.Id); err != nil {
		t.Fatal(err)
	}
	r := o.want(403, tokens.AccessToken, "POST", "/v1/sync", syncBody)
	if o.code("account_suspended", r); r.Problem.Info["keep_outbox"] != true {
		t.Errorf("suspended: %s", r.Body)
	}
}

func TestHostile31And32GarbageInHeadersAndPaths(t *testing.T) {
	o := newTour(t)
	p := o.enter("+628117000001")
	o.log.Reset()
	long := strings.Repeat("x", 5000)
	for _, header := range [][]string{{"Accept-Language", long}, {"Accept-Language", "en;q=x,,;;"}, {"User-Agent", long}, {"X-App-Version", long}, {"X-App-Version", "1.99999999999999999999"},
		{"traceparent", "00-" + long}, {"Accept-Encoding", long}} {
		o.want(200, p.AccessToken, "POST", "/v1/sync", "!"+syncBody, header...)
	}
	o.want(404, p.AccessToken, "GET", "/v1/"+strings.Repeat("random/", 100), "!")
	for line := range strings.SplitSeq(strings.TrimSpace(o.log.String()), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || len(line) > 1000 || strings.Contains(line, "random/") {
			t.Errorf("log line: %v %.200s", err, line)
		}
	}
}

func TestHostile33APanicIsOneRequest(t *testing.T) {
	o := newTour(t)
	p := o.enter("+628117000001")
	o.log.Reset()
	store := o.parts.Engine.Store
	o.parts.Engine.Store = nil
	r := o.want(500, p.AccessToken, "POST", "/v1/sync", syncBody)
	o.code("internal", r)
	if r.Problem.RequestId == "" || r.Header.Get("X-Request-Id") != r.Problem.RequestId || strings.Contains(string(r.Body), "goroutine") || strings.Contains(string(r.Body), "nil pointer") {
		t.Errorf("answer %s", r.Body)
	}
	if !strings.Contains(o.log.String(), "goroutine") {
		t.Error("the log lacks the stack")
	}
	o.parts.Engine.Store = store
	o.want(200, p.AccessToken, "POST", "/v1/sync", syncBody)
}
