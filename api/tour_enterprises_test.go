package api_test

import (
	"strings"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

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
	for path, status := range map[string]int{"/totals": 200, "/totals?from=2022-03-20&to=2022-06-17": 200, "/totals?form=2022-03-20": 400, "/totals?from=2022-02-30": 422, "/totals?from=2022-06-17&to=2022-03-20": 422} {
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
