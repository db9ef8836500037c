package api_test

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/api/wire"
)

// profiles looks at what is known of mentors, which is nothing yet, and writes it.
func (o *tour) profiles(owner, admin, mentor wire.Login) {
	o.Helper()
	const all = "/v1/mentors"
	one, token := all+"/"+mentor.User.Id+"/profile", admin.AccessToken
	var m, again wire.Mentor
	o.want(200, mentor.AccessToken, "GET", one, "").Into(o, &m)
	if m.Capacity != 5 || len(m.Tracks)+len(m.Regions)+len(m.Languages) != 0 || m.Institution != "" {
		o.Errorf("nobody wrote a profile: %+v", m)
	}
	const profile = `{"institution":"Dinas Perindustrian","tracks":["digital","quality"],"regions":["18","31.71"],"capacity":40,"languages":["id","ljp"]}`
	o.want(403, owner.AccessToken, "GET", one, "")
	o.want(404, token, "GET", all+"/"+nobody+"/profile", "")
	o.want(403, mentor.AccessToken, "PUT", one, profile, "If-Match", m.Etag)
	o.want(404, token, "PUT", all+"/"+owner.User.Id+"/profile", profile, "If-Match", m.Etag)
	o.want(428, token, "PUT", one, profile, "If-Match", "")
	o.want(400, token, "PUT", one, "!"+profile, "If-Match", "x")
	bad := o.want(422, token, "PUT", one, `!{"institution":"x","tracks":["cooking"],"regions":["99"],"capacity":0,"languages":["xx"]}`, "If-Match", m.Etag)
	if o.code("invalid_value", bad); len(bad.Problem.Fields) != 5 {
		o.Errorf("five mistakes, told of %+v", bad.Problem.Fields)
	}
	o.want(200, token, "PUT", one, profile, "If-Match", m.Etag).Into(o, &again)
	o.code("stale_version", o.want(412, token, "PUT", one, profile, "If-Match", m.Etag))
	if again.Etag == m.Etag || again.Capacity != 40 || !slices.Equal(again.Tracks, []string{"digital", "quality"}) || !slices.Equal(again.Regions, []string{"18", "31.71"}) || !slices.Equal(again.Languages, []string{"id", "ljp"}) {
		o.Errorf("%+v", again)
	}
	o.mentorPages(owner, token, mentor)
	o.want(200, token, "PUT", one, `{}`, "If-Match", again.Etag).Into(o, &m)
	if m.Capacity != 5 || len(m.Tracks) != 0 {
		o.Errorf("emptied: %+v", m)
	}
}

// mentorPages looks for a mentor in the list.
func (o *tour) mentorPages(owner wire.Login, token string, mentor wire.Login) {
	o.Helper()
	const all = "/v1/mentors"
	for query, there := range map[string]bool{"": true, "?track=quality": true, "?track=publicity": false, "?region=18.71": true, "?region=51": false, "?free=true": true, "?free=true&track=digital&region=31.71&limit=1": true} {
		var page wire.MentorPage
		o.want(200, token, "GET", all+query, "").Into(o, &page)
		if slices.ContainsFunc(page.Mentors, func(m wire.Mentor) bool { return m.UserId == mentor.User.Id }) != there {
			o.Errorf("%q: %+v", query, page)
		}
	}
	var last wire.MentorPage
	o.want(200, token, "GET", all+"?after="+mentor.User.Id, "").Into(o, &last)
	if slices.ContainsFunc(last.Mentors, func(m wire.Mentor) bool { return m.UserId <= mentor.User.Id }) {
		o.Errorf("behind the last: %+v", last)
	}
	for _, query := range []string{"?limit=0", "?after=x", "?free=perhaps"} {
		o.want(400, token, "GET", all+query, "!")
	}
	for _, query := range []string{"?track=cooking", "?region=99"} {
		o.want(422, token, "GET", all+query, "!")
	}
	o.want(403, owner.AccessToken, "GET", all, "")
}

// full is a mentor who can take no business more.
func (o *tour) full(token, owner string, phone string) wire.Login {
	o.Helper()
	l := o.withRole(phone, "mentor")
	path := "/v1/mentors/" + l.User.Id + "/profile"
	var m wire.Mentor
	o.want(200, token, "GET", path, "").Into(o, &m)
	o.want(200, token, "PUT", path, `{"capacity":1}`, "If-Match", m.Etag)
	all := o.makeBusiness(wire.Login{AccessToken: owner}) + "/assignments"
	o.want(201, token, "POST", all, `{"mentor_id":"`+l.User.Id+`"}`)
	return l
}

// leads has another mentor lead than the first one.
func (o *tour) leads(admin wire.Login, all string, first wire.Assignment) {
	o.Helper()
	token, beside := admin.AccessToken, o.withRole("+628117000010", "mentor")
	o.code("track_taken", o.want(409, token, "POST", all, `{"mentor_id":"`+beside.User.Id+`"}`))
	var second wire.Assignment
	o.want(201, token, "POST", all, `{"mentor_id":"`+beside.User.Id+`","track":"quality"}`).Into(o, &second)
	if second.Lead {
		o.Error("the second mentor leads")
	}
	o.code("required", o.want(422, token, "PATCH", all+"/"+second.Id, `{"lead":false}`, "If-Match", second.Etag))
	o.code("invalid_value", o.want(422, token, "PATCH", all+"/"+second.Id, `{"lead":true,"to":"2022-06-05T02:00:00Z"}`, "If-Match", second.Etag))
	for _, a := range []*wire.Assignment{&second, &first} { // and back
		o.want(200, token, "PATCH", all+"/"+a.Id, `{"lead":true}`, "If-Match", a.Etag).Into(o, a)
		var list wire.AssignmentList
		o.want(200, token, "GET", all, "").Into(o, &list)
		for _, w := range list.Assignments {
			if w.Lead != (w.Id == a.Id) {
				o.Errorf("%s was named: %+v", a.Id, list)
			}
			if w.Id == first.Id {
				first.Etag = w.Etag
			}
			if w.Id == second.Id {
				second.Etag = w.Etag
			}
		}
	}
	o.want(200, token, "PATCH", all+"/"+second.Id, `{"to":"2022-05-05T02:00:00Z"}`, "If-Match", second.Etag)
}

// seats corrects a seat and ends it, twice.
func (o *tour) seats(owner, admin wire.Login, mine string) {
	o.Helper()
	token, all := admin.AccessToken, mine+"/curators"
	const who = `{"phone":"0811-7000-043","institution":"Dinas"}`
	var k wire.Curator
	o.want(201, token, "POST", all, who).Into(o, &k)
	one := all + "/" + k.Id
	o.want(403, owner.AccessToken, "PATCH", one, `{"institution":"BI"}`, "If-Match", k.Etag)
	o.want(404, token, "PATCH", all+"/"+nobody, `{"institution":"BI"}`, "If-Match", k.Etag)
	o.want(404, token, "PATCH", "/v1/programmes/"+nobody+"/curators/"+k.Id, `{"institution":"BI"}`, "If-Match", k.Etag)
	o.want(428, token, "PATCH", one, `{"institution":"BI"}`, "If-Match", "")
	o.want(400, token, "PATCH", one, `!{"institution":"BI"}`, "If-Match", "x")
	o.code("required", o.want(422, token, "PATCH", one, `{"end":true}`, "If-Match", k.Etag))
	o.want(412, token, "PATCH", one, `{"institution":"BI"}`, "If-Match", `"1-1"`)
	o.want(200, token, "PATCH", one, `{"institution":"Dinas Perdagangan"}`, "If-Match", k.Etag).Into(o, &k)
	for range 2 {
		o.want(200, token, "PATCH", one, `{"end":true,"reason":"Pindah tugas"}`, "If-Match", k.Etag).Into(o, &k)
		o.code("conflict", o.want(409, token, "PATCH", one, `{"end":true,"reason":"Lagi"}`, "If-Match", k.Etag))
		var list wire.CuratorList
		if o.want(200, token, "GET", all, "").Into(o, &list); slices.ContainsFunc(list.Curators, func(c wire.Curator) bool { return c.Id == k.Id }) {
			o.Errorf("still there: %+v", list)
		}
		o.want(201, token, "POST", all, who).Into(o, &k)
	}
	o.want(200, token, "PATCH", one, `{"end":true,"reason":"Pindah tugas"}`, "If-Match", k.Etag)
	o.noted("PATCH", "/v1/programmes/{programme}/curators/{curator}", strings.Trim(string(k.Fields["user_id"]), `"`))
}
