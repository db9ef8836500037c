package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
)

// refreshed trades a refresh token in.
func (o *tour) refreshed(status int, token string) (t wire.Tokens, r apitest.Response) {
	o.Helper()
	r = o.want(status, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+token+`"}`)
	if status == 200 {
		r.Into(o, &t)
	}
	return t, r
}

// TestHostile17OfAdmins: a refresh one behind gives no more than the one before did, one two
// behind ends the session with all that a second factor had opened, and nothing of a
// session outlives its logout.
func TestHostile17OfAdmins(t *testing.T) {
	t.Parallel()
	o := newTour(t, unhurried)
	owner := o.enter("+628117000001")
	boss, next := o.proved("+628117000006")
	fresh := func(status int, token, code string) {
		t.Helper()
		o.code(code, o.want(status, token, "POST", "/v1/admin/attest", `{"user_id":"`+owner.User.Id+`","hours":24}`))
	}
	fresh(204, boss.AccessToken, "")
	o.clock.Advance(16 * time.Minute)
	first, _ := o.refreshed(200, boss.RefreshToken)
	again, _ := o.refreshed(200, boss.RefreshToken) // one behind: the answer got lost
	if again.RefreshToken != first.RefreshToken {
		t.Error("a replay counted up")
	}
	for _, token := range []string{first.AccessToken, again.AccessToken} {
		fresh(403, token, "step_up_required")
		o.want(200, token, "GET", "/v1/admin/users", "")
	}
	var up wire.Tokens
	o.want(200, again.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(t, &up)
	fresh(204, up.AccessToken, "")
	o.clock.Advance(16 * time.Minute)
	later, _ := o.refreshed(200, up.RefreshToken)
	fresh(403, later.AccessToken, "step_up_required")
	o.want(200, later.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(t, &up)
	fresh(204, up.AccessToken, "")
	if _, err := o.parts.Auth.Authenticate(t.Context(), up.AccessToken); err != nil {
		t.Fatal(err)
	}
	_, stolen := o.refreshed(401, boss.RefreshToken)
	o.code("refresh_reused", stolen)
	fresh(401, up.AccessToken, "session_revoked")
	_, over := o.refreshed(401, up.RefreshToken)
	o.code("session_revoked", over)

	var l wire.Login
	o.want(200, "", "POST", "/v1/auth/password", byPassword("+628117000006", password, next())).Into(t, &l)
	fresh(204, l.AccessToken, "")
	o.want(204, l.AccessToken, "POST", "/v1/auth/logout", "")
	fresh(401, l.AccessToken, "session_revoked")
	_, out := o.refreshed(401, l.RefreshToken)
	o.code("session_revoked", out)
}

// TestHostile17FiftyRefreshesOfAnAdmin: fifty at once are one, and what they give opens
// nothing that wants a fresh proof.
func TestHostile17FiftyRefreshesOfAnAdmin(t *testing.T) {
	t.Parallel()
	o := newTour(t, unhurried)
	boss, _ := o.proved("+628117000006")
	o.clock.Advance(16 * time.Minute)
	got := make([]wire.Tokens, 50)
	var all sync.WaitGroup
	for n := range got {
		all.Go(func() {
			_, body := o.do(t, "POST", "/v1/auth/refresh", `{"refresh_token":"`+boss.RefreshToken+`"}`)
			if err := json.Unmarshal([]byte(body), &got[n]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, tokens := range got {
		if tokens.RefreshToken != got[0].RefreshToken {
			t.Fatal("more than one refresh token")
		}
		o.code("step_up_required", o.want(403, tokens.AccessToken, "POST", "/v1/admin/attest", `{"user_id":"`+nobody+`","hours":24}`))
	}
	o.want(200, got[7].AccessToken, "GET", "/v1/admin/users", "")
}

// TestHostile18OfAdmins sends every forged token to every operation, and tokens of an owner
// into which an admin was written: one answer for all of them, and nothing happens.
func TestHostile18OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	tokens := forgeries(t, d.boss.AccessToken)
	parts := strings.Split(d.owner.AccessToken, ".")
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(claims, &read); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]map[string]any{"roles": {"roles": []string{"admin"}, "amr": []string{"pwd", "otp"}}, "the admin": {"sub": d.boss.User.Id}, "the admin's session": {"sub": d.boss.User.Id, "sid": d.boss.Session}} {
		forged := maps.Clone(read)
		maps.Copy(forged, change)
		text, err := json.Marshal(forged)
		if err != nil {
			t.Fatal(err)
		}
		tokens["an owner's with "+name] = parts[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + parts[2]
	}
	before, first := d.state(), ""
	for _, q := range d.row(everyRoute) {
		body, tag := d.sent(q), d.tag(q, d.here)
		for name, token := range tokens {
			r := d.send(q, token, d.at(q.Path, d.here, nil), body, "If-Match", tag)
			if first == "" {
				first = heard(r)
			}
			if r.Status != 401 || r.Problem.Code != "token_invalid" || heard(r) != first {
				t.Errorf("%s with %s: %s", q.op, name, heard(r))
			}
		}
	}
	d.unmoved(before, "a forged token")
}

// TestHostile27OfAdmins writes the address of every operation as proxies have misread it, and
// sends headers twice: whoever is let in is so by what the router saw.
func TestHostile27OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	addr := d.listen(t)
	head := func(token string) string {
		return "Host: lumbung.test\r\nContent-Type: application/json\r\nConnection: close\r\nIdempotency-Key: header-trick-1\r\nIf-Match: \"1-1\"\r\nAuthorization: Bearer " + token + "\r\n"
	}
	before := d.state()
	for _, q := range d.row(everyRoute) {
		path := d.at(q.Path, d.here, nil)
		last := strings.LastIndex(path, "/")
		for _, odd := range []string{"/" + path, path[:last] + "//" + path[last+1:], path[:last] + "%2f" + path[last+1:], path + ";x=1", path + "/", strings.ToUpper(path), path + "%00", "/v1/me/.." + path[len("/v1"):], path[:last] + "/." + path[last:]} {
			resp, body := raw(t, addr, q.Method+" "+odd+" HTTP/1.1\r\n"+head(d.boss.AccessToken)+"Content-Length: 0\r\n\r\n")
			if !slices.Contains([]int{400, 404, 405, 422}, resp.StatusCode) {
				t.Errorf("%s %s: %d %s", q.Method, odd, resp.StatusCode, body)
			}
		}
	}
	const users = "/v1/admin/users"
	for name, tt := range map[string]struct {
		request, code string
		status        int
	}{
		"a proof behind another":       {"GET " + users + " HTTP/1.1\r\n" + head(d.owner.AccessToken) + "Authorization: Bearer " + d.boss.AccessToken + "\r\n\r\n", "header_invalid", 400},
		"a proof before another":       {"GET " + users + " HTTP/1.1\r\n" + head(d.boss.AccessToken) + "authorization: Bearer " + d.owner.AccessToken + "\r\n\r\n", "header_invalid", 400},
		"two keys":                     {"POST " + users + " HTTP/1.1\r\n" + head(d.boss.AccessToken) + "Idempotency-Key: header-trick-2\r\nContent-Length: 2\r\n\r\n{}", "header_invalid", 400},
		"two versions":                 {"PATCH /v1/programmes/" + d.here.programme + " HTTP/1.1\r\n" + head(d.boss.AccessToken) + "If-Match: \"1-2\"\r\nContent-Length: 2\r\n\r\n{}", "header_invalid", 400},
		"length and chunks":            {"POST " + users + " HTTP/1.1\r\n" + head(d.boss.AccessToken) + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "header_invalid", 400},
		"another address in a header":  {"GET /v1/nothing HTTP/1.1\r\n" + head(d.boss.AccessToken) + "X-Original-URL: " + users + "\r\nX-Rewrite-URL: " + users + "\r\n\r\n", "route_not_found", 404},
		"another method in a header":   {"GET " + users + " HTTP/1.1\r\n" + head(d.owner.AccessToken) + "X-HTTP-Method-Override: POST\r\nX-Method-Override: POST\r\n\r\n", "forbidden", 403},
		"another method in a query":    {"GET " + users + "?_method=POST HTTP/1.1\r\n" + head(d.owner.AccessToken) + "\r\n", "query_invalid", 400},
		"a proof in a query":           {"GET " + users + "?access_token=" + d.boss.AccessToken + " HTTP/1.1\r\nHost: lumbung.test\r\nConnection: close\r\n\r\n", "token_missing", 401},
		"a proof in a cookie":          {"GET " + users + " HTTP/1.1\r\nHost: lumbung.test\r\nConnection: close\r\nCookie: Authorization=Bearer " + d.boss.AccessToken + "\r\n\r\n", "token_missing", 401},
		"who it is, by a proxy's word": {"GET " + users + " HTTP/1.1\r\nHost: lumbung.test\r\nConnection: close\r\nX-User-Id: " + d.boss.User.Id + "\r\nX-Forwarded-User: admin\r\n\r\n", "token_missing", 401},
	} {
		resp, body := raw(t, addr, tt.request)
		if problem(t, resp, body, tt.status, tt.code); t.Failed() {
			t.Fatal(name, body)
		}
	}
	d.unmoved(before, "a trick with headers")
}

// TestHostile29OfEveryAdminRoute: under one key another body is refused, another admin and
// another address are apart, and what was answered is answered again: also by a server that
// was started since, but not to somebody who is no admin any more.
func TestHostile29OfEveryAdminRoute(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	type told struct {
		request
		key, path, body, tag string
		answer               apitest.Response
	}
	var done []told
	for n, q := range d.row(func(op apitest.Operation) bool { return slices.Contains(op.Header, "Idempotency-Key") }) {
		who, other := d.boss, d.second
		if strings.HasSuffix(q.Path, "/approval") {
			who, other = other, who
		}
		was := told{request: q, key: fmt.Sprint("one-key-of-row-29-", n), path: d.at(q.Path, d.here, nil), body: d.sent(q), tag: d.tag(q, d.here)}
		if q.code != "" {
			continue // it is refused, and nothing is kept of that
		}
		key := []string{"Idempotency-Key", was.key, "If-Match", was.tag}
		if was.answer = d.send(q, who.AccessToken, was.path, was.body, key...); was.answer.Status >= 300 {
			t.Errorf("%s: %s", q.op, heard(was.answer))
			continue
		}
		if r := d.send(q, who.AccessToken, was.path, was.body+" ", key...); r.Status != 422 || r.Problem.Code != "idempotency_reused" {
			t.Errorf("%s with another body: %s", q.op, heard(r))
		}
		if r := d.send(q, other.AccessToken, was.path, "{", key...); r.Header.Get("Idempotent-Replayed") != "" || r.Problem.Code == "idempotency_reused" {
			t.Errorf("%s of another admin is told %s", q.op, heard(r))
		}
		if elsewhere := d.at(q.Path, d.there, nil); elsewhere != was.path {
			if r := d.send(q, who.AccessToken, elsewhere, "{", key...); r.Header.Get("Idempotent-Replayed") != "" || r.Problem.Code == "idempotency_reused" {
				t.Errorf("%s at another address is told %s", q.op, heard(r))
			}
		}
		d.work()
		if who.User.Id == d.boss.User.Id {
			done = append(done, was)
		}
	}
	if len(done) < 20 {
		t.Fatalf("only %d operations were done under a key", len(done))
	}
	d.Server = api.New(d.parts) // another process, on what was stored
	d.client.Via = d.Server
	before := d.state()
	for _, was := range done {
		r := d.send(was.request, d.boss.AccessToken, was.path, was.body, "Idempotency-Key", was.key, "If-Match", was.tag)
		if string(r.Body) != string(was.answer.Body) || r.Status != was.answer.Status || r.Header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s after a restart: %s, first %s", was.op, heard(r), heard(was.answer))
		}
		if r := d.send(was.request, d.boss.AccessToken, was.path, was.body+" ", "Idempotency-Key", was.key); r.Problem.Code != "idempotency_reused" {
			t.Errorf("%s with another body after a restart: %s", was.op, heard(r))
		}
	}
	d.unmoved(before, "an answer that was given again")
	d.ok(0, d.parts.Auth.SetRoles(t.Context(), d.boss.User.Id, []string{auth.RoleMentor}))
	tokens, _ := d.refreshed(200, d.boss.RefreshToken)
	for _, was := range done {
		if r := d.send(was.request, tokens.AccessToken, was.path, was.body, "Idempotency-Key", was.key, "If-Match", was.tag); r.Problem.Code != "forbidden" && r.Problem.Code != "not_found" || r.Header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s to who was an admin: %s", was.op, heard(r))
		}
	}
}
