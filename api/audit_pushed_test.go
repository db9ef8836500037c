package api_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// pushedEntries lists what the trail says of pushes.
func (o *tour) pushedEntries() (all []wire.AuditEntry) {
	o.Helper()
	return slices.DeleteFunc(o.trail(), func(e wire.AuditEntry) bool { return said(e, "what") != "pushed" })
}

// TestWhatAMentorsPhoneChangedIsInTheTrail: one entry for each push and scope, with who, from which
// phone, how many edits of what, and where they stand in the log of the scope. What was refused,
// what was answered before and what owners do at home leaves none.
func TestWhatAMentorsPhoneChangedIsInTheTrail(t *testing.T) {
	o := newTour(t)
	owner, admin := o.phone("+628117000001"), o.withRole("+628117000006", "admin")
	mentor := &phone{tour: o, Login: o.withRole("+628117000004", "mentor")}
	path := o.makeBusiness(owner.Login)
	business := strings.TrimPrefix(path, "/v1/businesses/")
	o.want(201, admin.AccessToken, "POST", path+"/assignments", `{"mentor_id":"`+mentor.User.Id+`"}`)
	o.ok(o.parts.Engine.Work(t.Context())) // which lets them in
	scope, notes := "business/"+business, "mentoring/"+business
	g := mentor.generation(scope)
	visit := func() string {
		return mentor.mutation("put", "visit", o.ids.New(), "", `{"kind":"visit","planned_at":"2022-05-06T02:00:00.000Z"}`)
	}
	sent := []string{visit(), mentor.mutation("put", "product", o.ids.New(), "", `{"name":"Rahasia"}`), mentor.mutation("put", "nothing", o.ids.New(), "", `{}`), visit()}
	v := mentor.push(scope, g, sent...)
	mentor.verdict(v[0], merge.Applied, "")
	mentor.verdict(v[3], merge.Applied, "")
	all := o.pushedEntries()
	if len(all) != 1 {
		t.Fatalf("%d entries for one push", len(all))
	}
	want := map[string]string{"actor": mentor.User.Id, "session": mentor.Session, "role": "mentor", "device": mentor.Device.Id, "scope": scope, "route": "POST /v1/sync/push"}
	for field, value := range want {
		if said(all[0], field) != value {
			t.Errorf("%s is %s, want %s", field, all[0].Fields[field], value)
		}
	}
	accepted, first, last := 0, v[0].Seq, v[0].Seq
	for _, one := range v {
		if one.Verdict != merge.Rejected {
			accepted, first, last = accepted+1, min(first, one.Seq), max(last, one.Seq)
		}
	}
	if e := all[0]; merge.AsInt(e.Fields["edits"]) != int64(accepted) || merge.AsInt(e.Fields["first_seq"]) != int64(first) || merge.AsInt(e.Fields["last_seq"]) != int64(last) ||
		!strings.Contains(string(e.Fields["fields"]), `"visit"`) || strings.Contains(string(e.Fields["fields"]), "nothing") || string(e.Fields["subjects"]) != `["`+business+`"]` {
		t.Errorf("%d of %d to %d: %s", accepted, first, last, e.Fields)
	}
	mentor.push(scope, g, sent...) // its answer was lost
	mentor.push(scope, g, mentor.mutation("put", "nothing", o.ids.New(), "", `{}`))
	owner.push(scope, g, owner.mutation("put", "product", o.ids.New(), "", `{"name":"Tas"}`))
	if n := len(o.pushedEntries()); n != 1 {
		t.Errorf("%d entries", n)
	}
	v = mentor.push(notes, mentor.generation(notes), mentor.mutation("put", "mentor_note", o.ids.New(), "", `{"text":"Rahasia"}`))
	mentor.verdict(v[0], merge.Applied, "")
	v = mentor.push(mentor.own(), mentor.generation(mentor.own()), mentor.mutation("put", "receipt", o.ids.New(), "", `{"announcement_id":"`+nobody+`"}`))
	mentor.verdict(v[0], merge.Applied, "")
	all = o.pushedEntries()
	if len(all) != 2 || said(all[1], "scope") != notes && said(all[0], "scope") != notes {
		t.Errorf("%d entries with the note", len(all))
	}
	for _, e := range all {
		for name, value := range e.Fields {
			if strings.Contains(string(value), "Rahasia") {
				t.Errorf("%s says %s", name, value)
			}
		}
	}
}
