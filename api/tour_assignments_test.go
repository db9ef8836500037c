package api_test

import (
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

func (o *tour) mentors(owner, stranger, admin, mentor wire.Login, business string) {
	all, token := business+"/assignments", admin.AccessToken
	body := `{"mentor_id":"` + mentor.User.Id + `"}`
	o.want(403, owner.AccessToken, "POST", all, body)
	o.want(404, stranger.AccessToken, "POST", all, body)
	o.code("invalid_value", o.want(422, token, "POST", all, `{"mentor_id":"`+stranger.User.Id+`"}`))
	o.asMentor(owner, admin, all)
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

// asMentor has an owner who is a mentor, too, sent to their own business, and somebody for a programme
// that the business has nothing to do with.
func (o *tour) asMentor(owner, admin wire.Login, all string) {
	o.Helper()
	both := o.withRole("+628117000012", "mentor")
	var member wire.Member
	o.want(201, owner.AccessToken, "POST", strings.TrimSuffix(all, "/assignments")+"/members", `{"phone":"+628117000012","role":"owner"}`).Into(o, &member)
	o.code("own_business", o.want(422, admin.AccessToken, "POST", all, `{"mentor_id":"`+both.User.Id+`"}`))
	o.want(200, owner.AccessToken, "PATCH", strings.TrimSuffix(all, "/assignments")+"/members/"+member.Id, `{"to":"`+o.clock.Now().Format(time.RFC3339)+`"}`, "If-Match", member.Etag)
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
