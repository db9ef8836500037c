package api_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
)

// answer is what matters of one.
type answer struct {
	status int
	code   string
}

func (a answer) refused() bool { return a.status == 403 || a.status == 404 }

// TestALoginByCodeOfAnAdminGivesNoRights walks through every operation that is not about
// the caller's own account. An admin who logged in by code gets no further than a stranger
// does, and where an admin gets further is told what is missing.
func TestALoginByCodeOfAnAdminGivesNoRights(t *testing.T) {
	o := newTour(t)
	owner, stranger, mentor := o.enter("+628117000001"), o.enter("+628117000002"), o.withRole("+628117000004", "mentor")
	byCode := o.enterAs("+628117000006", auth.RoleAdmin)
	proved, _ := o.proved("+628117000007")
	business := o.makeBusiness(owner)
	var member wire.Member
	o.want(201, owner.AccessToken, "POST", business+"/members", `{"phone":"0811-7000-005","role":"staff"}`).Into(t, &member)
	var window wire.Assignment
	o.want(201, proved.AccessToken, "POST", business+"/assignments", `{"mentor_id":"`+mentor.User.Id+`"}`).Into(t, &window)
	id := strings.TrimPrefix(business, "/v1/businesses/")
	fill := strings.NewReplacer("{business}", id, "{member}", member.Id, "{assignment}", window.Id, "{mentor}", mentor.User.Id, "{list}", "marketplace", "{code}", "tokopedia",
		"{collection}", "business", "{id}", id, "{task}", nobody, "{case}", nobody, "{entry}", nobody, "{job}", nobody, "{review}", nobody, "{programme}", nobody)
	own := regexp.MustCompile(`^/v1/(me|auth|sync)(/|$)`)
	named := regexp.MustCompile(`"id":"[^"]*"`)
	patch := regexp.MustCompile(`"patch":\{[^}]*\},`)
	var fenced []string
	for n, op := range o.Operations() {
		if own.MatchString(op.Path) || o.open(op.Method, op.Path) {
			continue
		}
		ask := func(who wire.Login) answer {
			body := named.ReplaceAllString(o.client.Spec.Example(op.Method, op.Path), `"id":"`+o.ids.New()+`"`)
			body = patch.ReplaceAllString(body, "") // not every operation has one
			r := o.client.Do(t, apitest.Request{Method: op.Method, Path: fill.Replace(op.Path), Body: body, Token: who.AccessToken, Hostile: true,
				Header: map[string]string{"Idempotency-Key": fmt.Sprint("walk-key-", n), "If-Match": `"1-1"`}})
			if r.Status >= 500 || r.Status == 400 {
				t.Errorf("%s %s: %d %s", op.Method, op.Path, r.Status, r.Body)
			}
			return answer{r.Status, r.Problem.Code}
		}
		unproved, out, in := ask(byCode), ask(stranger), ask(proved)
		told := unproved == answer{403, "second_factor_required"}
		if in != out {
			fenced = append(fenced, op.Method+" "+op.Path)
			if !told || !out.refused() {
				t.Errorf("%s %s: %+v by code, %+v a stranger, %+v proved", op.Method, op.Path, unproved, out, in)
			}
		}
		if !told && unproved != out {
			t.Errorf("%s %s: %+v by code, %+v a stranger", op.Method, op.Path, unproved, out)
		}
	}
	t.Logf("%d operations are fenced: %s", len(fenced), strings.Join(fenced, ", "))
	for _, must := range []string{"POST /v1/admin/attest", "POST /v1/reference/{list}", "GET /v1/reviews", "POST /v1/mentors/{mentor}/handover", "POST /v1/businesses/{business}/merge", "GET /v1/businesses/{business}/notes", "POST /v1/programmes/{programme}/imports"} {
		if !slices.Contains(fenced, must) {
			t.Errorf("%s is not fenced: the walk sees nothing", must)
		}
	}
}

// enterAs is enter for somebody with a role, by code whatever the role.
func (o *tour) enterAs(phone, role string) wire.Login {
	o.Helper()
	if _, err := o.parts.Auth.CreateUser(o.Context(), phone, []string{role}); err != nil {
		o.Fatal(err)
	}
	return o.enter(phone)
}

// open reports whether an operation asks for no proof.
func (o *tour) open(method, path string) bool {
	all := o.client.Spec.Operations()
	i := slices.IndexFunc(all, func(op apitest.Operation) bool { return op.Method == method && op.Path == path })
	return all[i].Open
}

// TestAnAdminKeepsTheirOwnRights: who owns an enterprise, or accompanies one, does so
// without a second factor.
func TestAnAdminKeepsTheirOwnRights(t *testing.T) {
	o := newTour(t)
	boss, _ := o.proved("+628117000007")
	byCode := o.enterAs("+628117000006", auth.RoleAdmin)
	business := o.makeBusiness(byCode)
	o.want(200, byCode.AccessToken, "GET", business, "")
	o.want(200, byCode.AccessToken, "GET", business+"/health", "")
	o.want(201, byCode.AccessToken, "POST", business+"/members", `{"phone":"0811-7000-005","role":"staff"}`)
	o.code("second_factor_required", o.want(403, byCode.AccessToken, "GET", business+"/notes", ""))
	o.code("second_factor_required", o.want(403, byCode.AccessToken, "POST", business+"/assignments", `{"mentor_id":"`+nobody+`"}`))
	if err := o.parts.Auth.SetRoles(t.Context(), byCode.User.Id, []string{auth.RoleAdmin, auth.RoleMentor}); err != nil {
		t.Fatal(err)
	}
	var tokens wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+byCode.RefreshToken+`"}`).Into(t, &tokens)
	owner := o.enter("+628117000001")
	accompanied := o.makeBusiness(owner)
	o.code("second_factor_required", o.want(403, tokens.AccessToken, "GET", accompanied+"/notes", ""))
	o.want(201, boss.AccessToken, "POST", accompanied+"/assignments", `{"mentor_id":"`+byCode.User.Id+`"}`)
	o.want(200, tokens.AccessToken, "GET", accompanied+"/notes", "")
	o.code("second_factor_required", o.want(403, tokens.AccessToken, "GET", "/v1/businesses/"+nobody, "")) // whether there is one is not told
}

// TestWhatWantsAFreshProof: routes that say so refuse a proof of more than fifteen
// minutes, and a refresh does not help.
func TestWhatWantsAFreshProof(t *testing.T) {
	o := newTour(t)
	owner := o.enter("+628117000001")
	admin, next := o.proved("+628117000006")
	mentor := o.withRole("+628117000004", "mentor")
	const path = "/v1/admin/attest"
	body := `{"user_id":"` + owner.User.Id + `","hours":24}`
	o.want(204, admin.AccessToken, "POST", path, body)
	o.want(404, mentor.AccessToken, "POST", path, body) // whom they do not accompany
	o.want(201, admin.AccessToken, "POST", o.makeBusiness(owner)+"/assignments", `{"mentor_id":"`+mentor.User.Id+`"}`)
	o.want(204, mentor.AccessToken, "POST", path, body)
	o.clock.Advance(15*time.Minute + 2*time.Second)
	var old, young wire.Tokens
	for _, who := range []wire.Login{mentor, admin} {
		o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+who.RefreshToken+`"}`).Into(t, &old)
		o.code("step_up_required", o.want(403, old.AccessToken, "POST", path, body))
		o.want(200, old.AccessToken, "GET", "/v1/me", "")
	}
	o.want(200, old.AccessToken, "GET", "/v1/reviews", "") // an admin's right that wants no fresh proof
	o.want(200, old.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(t, &young)
	o.want(204, young.AccessToken, "POST", path, body)
	again := o.enter("+628117000004")
	o.want(204, again.AccessToken, "POST", path, body)
}

// TestHostile29OfAdmins: a key of one admin is none of another's, and what a session was
// answered that had proved enough is not for one of the same person that has not.
func TestHostile29OfAdmins(t *testing.T) {
	o := newTour(t)
	a, _ := o.proved("+628117000006")
	b, _ := o.proved("+628117000007")
	const path = "/v1/reference/marketplace"
	entry := func(code string) string { return `{"code":"` + code + `","fields":{"name_id":"Pasar ` + code + `"}}` }
	key := []string{"Idempotency-Key", "one-key-of-two-admins"}
	first := o.want(201, a.AccessToken, "POST", path, entry("satu"), key...)
	o.code("idempotency_reused", o.want(422, a.AccessToken, "POST", path, entry("dua"), key...))
	o.want(201, b.AccessToken, "POST", path, entry("dua"), key...)
	again := o.want(201, a.AccessToken, "POST", path, entry("satu"), key...)
	if string(again.Body) != string(first.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("first %s, again %s", first.Body, again.Body)
	}
	byCode := o.enter("+628117000006")
	o.code("second_factor_required", o.want(403, byCode.AccessToken, "POST", path, entry("satu"), key...))
}

// TestHostile30OfAdmins: a suspended admin, and one who is none any more, have nothing
// from the token that they still hold.
func TestHostile30OfAdmins(t *testing.T) {
	o := newTour(t)
	admin, _ := o.proved("+628117000006")
	o.proved("+628117000007") // the last one must stay
	o.want(200, admin.AccessToken, "GET", "/v1/reviews", "")
	if err := o.parts.Auth.Suspend(t.Context(), admin.User.Id); err != nil {
		t.Fatal(err)
	}
	o.code("account_suspended", o.want(403, admin.AccessToken, "GET", "/v1/reviews", ""))
	if err := o.parts.Auth.Restore(t.Context(), admin.User.Id); err != nil {
		t.Fatal(err)
	}
	var tokens wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+admin.RefreshToken+`"}`).Into(t, &tokens)
	o.want(200, tokens.AccessToken, "GET", "/v1/reviews", "")
	if err := o.parts.Auth.SetRoles(t.Context(), admin.User.Id, nil); err != nil {
		t.Fatal(err)
	}
	o.code("token_invalid", o.want(401, tokens.AccessToken, "GET", "/v1/reviews", ""))
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+tokens.RefreshToken+`"}`).Into(t, &tokens)
	o.code("forbidden", o.want(403, tokens.AccessToken, "GET", "/v1/reviews", ""))
}

// TestSecretsOfAdminsStayOutOfTheLog looks for passwords, codes, tokens and numbers.
func TestSecretsOfAdminsStayOutOfTheLog(t *testing.T) {
	o := newTour(t)
	o.log.Reset()
	l, next := o.proved("+628117000006")
	code := next()
	o.want(422, "", "POST", "/v1/auth/password", byPassword("+628117000006", "bukan kata sandi saya", code))
	o.want(200, l.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+code+`"}`)
	for _, secret := range []string{password, "bukan kata sandi", `"` + code + `"`, "s1.", "otpauth", "+628117000006"} {
		if strings.Contains(o.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !json.Valid([]byte(strings.SplitN(o.log.String(), "\n", 2)[0])) {
		t.Error("there is no log")
	}
}
