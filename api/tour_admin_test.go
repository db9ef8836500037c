package api_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

// admins walks through what admins do with people, and who may see it.
func (o *tour) admins(owner wire.Login) {
	const users, approvals, trail = "/v1/admin/users", "/v1/admin/approvals", "/v1/admin/audit"
	o.clock.Advance(time.Minute)
	a, _ := o.proved("+628117000071")
	b, _ := o.proved("+628117000072")
	for _, path := range []string{users, approvals, trail} {
		o.want(200, a.AccessToken, "GET", path, "")
		o.want(400, a.AccessToken, "GET", path+"?limit=x", "!")
		o.code("forbidden", o.want(403, owner.AccessToken, "GET", path, ""))
	}
	var found wire.UserList
	o.want(200, a.AccessToken, "GET", users+"?phone=0811-7000-072", "").Into(o, &found)
	if len(found.Users) != 1 || found.Users[0].Id != b.User.Id {
		o.Errorf("by phone: %+v", found)
	}
	o.want(422, a.AccessToken, "GET", users+"?phone=0721-1234", "")
	o.want(400, a.AccessToken, "GET", users+"?role=king", "!")
	o.want(422, a.AccessToken, "GET", trail+"?from=2022-05-06T00:00:00Z&to=2022-05-05T00:00:00Z", "")
	o.want(400, a.AccessToken, "GET", trail+"?from=yesterday", "!")

	var in wire.RightsAnswer
	o.want(422, a.AccessToken, "POST", users, `{"phone":"08117000073","name":"Pak Made","roles":["regional_admin"]}`)
	o.want(422, a.AccessToken, "POST", users, `{"phone":"08117000073","name":"Pak Made","roles":["mentor"],"regions":["18"]}`)
	o.want(403, owner.AccessToken, "POST", users, `{"phone":"08117000073","name":"Pak Made","roles":["mentor"]}`)
	o.want(400, a.AccessToken, "POST", users, `{"phone":"08117000073","name":"Pak Made","roles":[]}`, "Idempotency-Key", "")
	o.want(201, a.AccessToken, "POST", users, `{"phone":"08117000074","name":"Bu Sri","roles":["mentor"]}`).Into(o, &in)
	if in.Approval.Id != "" || !slices.Equal(in.User.Roles, []string{"mentor"}) {
		o.Errorf("a mentor: %+v", in)
	}
	mentor := users + "/" + in.User.Id
	o.want(201, a.AccessToken, "POST", users, `{"phone":"08117000073","name":"Pak Made","roles":["regional_admin"],"regions":["18"],"reason":"Dinas"}`).Into(o, &in)
	if in.Approval.State != "proposed" || len(in.User.Roles) != 0 {
		o.Errorf("a regional admin: %+v", in)
	}
	one := approvals + "/" + in.Approval.Id
	say := func(yes bool, what string) string { return fmt.Sprintf(`{"approve":%v,"what":%q}`, yes, what) }
	yes := say(true, in.Approval.What)
	o.code("approval_own", o.want(403, a.AccessToken, "POST", one+"/decision", yes))
	o.want(404, b.AccessToken, "POST", approvals+"/"+nobody+"/decision", yes)
	o.want(412, b.AccessToken, "POST", one+"/decision", say(true, strings.Repeat("0", 64)))
	o.want(422, b.AccessToken, "POST", one+"/decision", `!{"approve":"yes","what":"x"}`)
	o.code("approval_closed", o.want(409, a.AccessToken, "POST", one+"/token", ""))
	o.want(200, b.AccessToken, "POST", one+"/decision", yes)
	o.want(200, b.AccessToken, "POST", one+"/decision", yes)
	o.code("approval_closed", o.want(409, b.AccessToken, "POST", one+"/decision", say(false, in.Approval.What)))
	if _, err := o.parts.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
	var list wire.ApprovalList
	o.want(200, a.AccessToken, "GET", approvals+"?state=done", "").Into(o, &list)
	if len(list.Approvals) == 0 || list.Approvals[0].Id != in.Approval.Id {
		o.Errorf("done: %+v", list)
	}
	o.want(403, b.AccessToken, "POST", one+"/token", "")
	o.want(404, a.AccessToken, "POST", approvals+"/"+nobody+"/token", "")
	var token wire.SetupToken
	o.want(200, a.AccessToken, "POST", one+"/token", "").Into(o, &token)
	o.code("approval_closed", o.want(409, a.AccessToken, "POST", one+"/token", ""))
	o.want(200, "", "POST", "/v1/auth/setup", fmt.Sprintf(`{"token":%q,"password":%q}`, token.Token, password))

	var off wire.RightsAnswer
	o.want(200, a.AccessToken, "POST", mentor+"/rights", `{"op":"suspend"}`).Into(o, &off)
	if off.Approval.Id != "" || off.User.Status != "suspended" {
		o.Errorf("suspended: %+v", off)
	}
	o.code("conflict", o.want(409, a.AccessToken, "POST", mentor+"/factor", `{}`))
	o.want(422, a.AccessToken, "POST", mentor+"/factor", `!{"why":"x"}`)
	o.want(404, a.AccessToken, "POST", users+"/"+nobody+"/factor", `{}`)
	o.want(200, a.AccessToken, "POST", users+"/"+b.User.Id+"/factor", `{"reason":"Ponsel hilang"}`)
	o.want(404, a.AccessToken, "POST", users+"/"+nobody+"/rights", `{"op":"suspend"}`)
	o.want(422, a.AccessToken, "POST", mentor+"/rights", `{"op":"suspend","roles":["admin"]}`)
	for _, path := range []string{mentor + "/rights", mentor + "/factor"} {
		o.want(400, a.AccessToken, "POST", path, `{"op":"suspend"}`, "Idempotency-Key", "")
		o.want(403, owner.AccessToken, "POST", path, map[bool]string{true: `{"op":"suspend"}`, false: `{}`}[strings.HasSuffix(path, "rights")])
	}
	o.want(403, owner.AccessToken, "POST", one+"/decision", yes)

	if err := o.parts.Trail.Flush(o.Context()); err != nil {
		o.Fatal(err)
	}
	var page wire.AuditPage
	o.want(200, b.AccessToken, "GET", trail+"?subject="+token.UserId+"&actor="+a.User.Id+"&limit=2", "").Into(o, &page)
	if len(page.Entries) != 2 || page.Next == "" {
		o.Fatalf("who did something to %s: %+v", token.UserId, page)
	}
	var rest wire.AuditPage
	o.want(200, b.AccessToken, "GET", trail+"?subject="+token.UserId+"&actor="+a.User.Id+"&after="+page.Next, "").Into(o, &rest)
	if len(rest.Entries) == 0 || rest.Next != "" || rest.Entries[0].Id == page.Entries[1].Id {
		o.Errorf("the second page: %+v", rest)
	}
}
