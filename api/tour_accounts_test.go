package api_test

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

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
