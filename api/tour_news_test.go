package api_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// news writes an announcement, sends it, and takes it back.
func (o *tour) news(owner, admin wire.Login) {
	const path = "/v1/announcements"
	token := admin.AccessToken
	in := func(d time.Duration) string { return o.clock.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
	var a wire.Announcement
	made := o.want(201, token, "POST", path, `{"fields":{"title_id":"Briefing","body_id":"Datang pukul 10.00.","audience":{"regions":["18.72"]}}}`)
	made.Into(o, &a)
	o.want(400, token, "POST", path, "!{")
	o.code("forbidden", o.want(403, owner.AccessToken, "POST", path, `{"fields":{"title_id":"x"}}`))
	bad := o.want(422, token, "POST", path, `{"fields":{"title_id":1,"state":"sent","priority":"loud"}}`)
	if len(bad.Problem.Fields) != 3 {
		o.Errorf("three mistakes, told of %+v", bad.Problem.Fields)
	}
	mine, none := path+"/"+a.Id, path+"/"+nobody
	for _, under := range []string{"", "/preview", "/versions", "/receipts"} {
		o.want(200, token, "GET", mine+under, "")
		o.code("not_found", o.want(404, token, "GET", none+under, ""))
		o.code("forbidden", o.want(403, owner.AccessToken, "GET", mine+under, ""))
	}
	o.want(422, token, "GET", mine+"/receipts?after=7", "")
	o.want(400, token, "GET", mine+"/receipts?after=x", "!")
	o.want(400, token, "GET", path+"?limit=x", "!")
	o.want(400, token, "GET", path+"?state=asleep", "!")
	o.want(403, owner.AccessToken, "GET", path, "")
	var all wire.AnnouncementList
	o.want(200, token, "GET", path+"?state=draft", "").Into(o, &all)
	if len(all.Announcements) != 1 || all.Announcements[0].Id != a.Id {
		o.Errorf("drafts %+v", all)
	}
	o.guarded(owner, admin, mine, none, &a)
	o.code("required", o.want(422, token, "POST", mine+"/operations", `{"op":"schedule"}`, "If-Match", a.Etag))
	o.code("audience_empty", o.want(422, token, "POST", mine+"/operations", `{"op":"schedule"}`, "If-Match",
		o.rewritten(admin, mine, a, fmt.Sprintf(`{"publish_at":%q,"audience":{"regions":["94.01"]}}`, in(time.Minute))).Etag))
	a = o.rewritten(admin, mine, a, `{"audience":{}}`)
	if !o.preview(admin, mine).Review {
		o.Error("everybody, and no review")
	}
	o.code("review_required", o.want(409, token, "POST", mine+"/operations", `{"op":"schedule"}`, "If-Match", a.Etag))
	o.want(200, token, "POST", mine+"/operations", `{"op":"ask_review"}`, "If-Match", a.Etag).Into(o, &a)
	o.code("same_person", o.want(403, token, "POST", mine+"/operations", `{"op":"approve"}`, "If-Match", a.Etag))
	a = o.rewritten(admin, mine, a, fmt.Sprintf(`{"audience":{"regions":["18.72"]},"publish_at":%q}`, in(time.Second)))
	o.code("publish_in_past", o.want(422, token, "PATCH", mine, fmt.Sprintf(`{"fields":{"publish_at":%q}}`, in(-time.Hour)), "If-Match", o.scheduled(admin, mine, a).Etag))
	o.sends(owner, admin, mine)
	o.correctedByTwo(admin)
}

// correctedByTwo corrects what another admin had to read first: only who wrote it does, and
// it waits for another one again.
func (o *tour) correctedByTwo(admin wire.Login) {
	o.Helper()
	const path, words = "/v1/announcements", `{"fields":{"body_id":"Datang pukul 12.00."}}`
	other, _ := o.proved("+628117000062")
	third, _ := o.proved("+628117000063")
	var a wire.Announcement
	o.want(201, admin.AccessToken, "POST", path, fmt.Sprintf(`{"fields":{"title_id":"Penting","body_id":"Datang pukul 10.00.","priority":"urgent","audience":{"regions":["18.72"]},"publish_at":%q}}`,
		o.clock.Now().Add(time.Second).UTC().Format("2006-01-02T15:04:05.000Z"))).Into(o, &a)
	mine := path + "/" + a.Id
	o.want(200, admin.AccessToken, "POST", mine+"/operations", `{"op":"ask_review"}`, "If-Match", a.Etag).Into(o, &a)
	o.want(200, other.AccessToken, "POST", mine+"/operations", `{"op":"approve"}`, "If-Match", a.Etag).Into(o, &a)
	o.clock.Advance(time.Second)
	_, err := o.parts.Programme.Announce(o.Context())
	o.ok(0, err)
	o.ok(o.parts.Engine.Work(o.Context()))
	o.want(200, admin.AccessToken, "GET", mine, "").Into(o, &a)
	o.want(403, third.AccessToken, "POST", mine+"/versions", words, "If-Match", a.Etag)
	var waits wire.Approval
	o.want(202, admin.AccessToken, "POST", mine+"/versions", words, "If-Match", a.Etag).Into(o, &waits)
	body := func() (text string) {
		o.want(200, admin.AccessToken, "GET", mine, "").Into(o, &a)
		return string(a.Fields["body_id"])
	}
	if got := body(); got != `"Datang pukul 10.00."` {
		o.Errorf("one admin alone has it say %s", got)
	}
	o.want(200, other.AccessToken, "POST", "/v1/admin/approvals/"+waits.Id+"/decision", `{"approve":true,"what":"`+waits.What+`"}`)
	o.ok(o.parts.Engine.Work(o.Context()))
	if got := body(); got != `"Datang pukul 12.00."` || string(a.Fields["version"]) != "2" {
		o.Errorf("version %s says %s", a.Fields["version"], got)
	}
	var list wire.ApprovalList
	o.want(200, admin.AccessToken, "GET", "/v1/admin/approvals?state=done", "").Into(o, &list)
	if !slices.ContainsFunc(list.Approvals, func(x wire.Approval) bool { return x.Id == waits.Id }) {
		o.Errorf("the approval is not done: %+v", list.Approvals)
	}
}

// guarded asks for the version in every way that a write may lack it.
func (o *tour) guarded(owner, admin wire.Login, mine, none string, a *wire.Announcement) {
	o.Helper()
	for _, w := range [][3]string{{"PATCH", "", `{"fields":{"pin":true}}`}, {"POST", "/versions", `{"fields":{"body_id":"Lain"}}`}, {"POST", "/operations", `{"op":"retract"}`}} {
		method, under, body := w[0], w[1], w[2]
		o.want(400, admin.AccessToken, method, mine+under, "!{", "If-Match", a.Etag)
		o.want(403, owner.AccessToken, method, mine+under, body, "If-Match", a.Etag)
		o.want(404, admin.AccessToken, method, none+under, body, "If-Match", a.Etag)
		o.want(412, admin.AccessToken, method, mine+under, body, "If-Match", `"1-1"`)
		o.want(428, admin.AccessToken, method, mine+under, body, "If-Match", "")
		if under != "" {
			o.code("forbidden_transition", o.want(409, admin.AccessToken, method, mine+under, body, "If-Match", a.Etag))
		}
	}
	o.code("invalid_value", o.want(422, admin.AccessToken, "POST", mine+"/operations", `{"op":"shout"}`, "If-Match", a.Etag))
}

// rewritten changes an announcement as it is now.
func (o *tour) rewritten(admin wire.Login, mine string, a wire.Announcement, fields string) wire.Announcement {
	o.Helper()
	o.want(200, admin.AccessToken, "GET", mine, "").Into(o, &a)
	o.want(200, admin.AccessToken, "PATCH", mine, `{"fields":`+fields+`}`, "If-Match", a.Etag).Into(o, &a)
	return a
}

func (o *tour) scheduled(admin wire.Login, mine string, a wire.Announcement) wire.Announcement {
	o.Helper()
	o.want(200, admin.AccessToken, "POST", mine+"/operations", `{"op":"schedule"}`, "If-Match", a.Etag).Into(o, &a)
	return a
}

func (o *tour) preview(admin wire.Login, mine string) (p wire.AnnouncementPreview) {
	o.Helper()
	o.want(200, admin.AccessToken, "GET", mine+"/preview", "").Into(o, &p)
	return p
}

// sends lets the hour of an announcement strike.
func (o *tour) sends(owner, admin wire.Login, mine string) {
	o.Helper()
	token := admin.AccessToken
	o.clock.Advance(time.Second)
	if _, err := o.parts.Programme.Announce(o.Context()); err != nil {
		o.Fatal(err)
	}
	if _, err := o.parts.Engine.Work(o.Context()); err != nil {
		o.Fatal(err)
	}
	var a wire.Announcement
	o.want(200, token, "GET", mine, "").Into(o, &a)
	o.code("forbidden_transition", o.want(409, token, "PATCH", mine, `{"fields":{"pin":true}}`, "If-Match", a.Etag))
	o.code("unknown_field", o.want(422, token, "POST", mine+"/versions", `{"fields":{"audience":{}}}`, "If-Match", a.Etag))
	o.want(200, token, "POST", mine+"/versions", `{"fields":{"body_id":"Datang pukul 11.00."}}`, "If-Match", a.Etag).Into(o, &a)
	var v wire.AnnouncementVersionList
	o.want(200, token, "GET", mine+"/versions", "").Into(o, &v)
	dead := o.rang(owner, a.Id)
	var r wire.AnnouncementReceipts
	o.want(200, token, "GET", mine+"/receipts", "").Into(o, &r)
	if r.Pushes != (wire.PushOutcomes{Planned: 7, Waiting: 3, HandedOver: 1, Failed: 2, Suppressed: 1}) {
		o.Errorf("pushes %+v", r.Pushes)
	}
	dead.State, dead.Rev = store.DeliverySent, 1 // others look at dead ones
	o.ok(0, o.parts.Push.Store.ReplaceDelivery(o.Context(), dead))
	if len(v.Versions) != 1 || r.People == 0 || len(r.Receipts) != r.People || r.Receipts[0].UserId != owner.User.Id {
		o.Errorf("versions %+v, receipts %+v", v, r)
	}
	o.want(200, token, "POST", mine+"/operations", `{"op":"retract","reason":"Tempatnya berubah"}`, "If-Match", a.Etag).Into(o, &a)
	if string(a.Fields["state"]) != `"retracted"` {
		o.Errorf("taken back: %s", a.Fields)
	}
}

// rang writes down a push of an announcement in each state that it may come to, and gives
// the one that failed.
func (o *tour) rang(who wire.Login, announcement string) (dead store.Delivery) {
	o.Helper()
	for _, state := range store.DeliveryStates() {
		d := store.Delivery{ID: o.ids.New(), Type: "N28", Batch: "announcement/" + announcement, User: who.User.Id, State: state, Lane: notify.LaneBulk, Created: o.clock.Now(), Done: o.clock.Now()}
		o.ok(0, o.parts.Push.Store.InsertDelivery(o.Context(), d))
		if state == store.DeliveryDead {
			dead = d
		}
	}
	return dead
}

// TestWhatIsScheduledIsChangedWithAFreshProof: it is as good as sent. A draft is not.
func TestWhatIsScheduledIsChangedWithAFreshProof(t *testing.T) {
	o := newTour(t)
	o.makeBusiness(o.enter("+628117000001"))
	admin, next := o.proved("+628117000006")
	var a wire.Announcement
	o.want(201, admin.AccessToken, "POST", "/v1/announcements", fmt.Sprintf(`{"fields":{"title_id":"Briefing","body_id":"Datang pukul 10.00.","publish_at":%q,"audience":{"regions":["18"]}}}`,
		o.clock.Now().Add(time.Hour).UTC().Format(time.RFC3339))).Into(t, &a)
	mine := "/v1/announcements/" + a.Id
	o.clock.Advance(16 * time.Minute)
	var stale, young wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+admin.RefreshToken+`"}`).Into(t, &stale)
	o.want(200, stale.AccessToken, "PATCH", mine, `{"fields":{"body_id":"Datang pukul 11.00."}}`, "If-Match", a.Etag).Into(t, &a)
	o.want(200, stale.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(t, &young)
	admin.AccessToken = young.AccessToken
	a = o.scheduled(admin, mine, a)
	words := `{"fields":{"body_id":"Kirim uang ke rekening X.","audience":{}}}`
	o.code("step_up_required", o.want(403, stale.AccessToken, "PATCH", mine, words, "If-Match", a.Etag))
	o.want(200, young.AccessToken, "PATCH", mine, `{"fields":{"body_id":"Datang pukul 12.00."}}`, "If-Match", a.Etag)
}
