package api_test

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// pushes name phones, and admins see what becomes of what rings them.
func (o *tour) pushes(owner, stranger, admin wire.Login) {
	o.Helper()
	const named = `{"provider":"fcm","kind":"token","value":"dQw4:APA91b"}`
	mine := "/v1/me/devices/" + owner.Device.Id + "/push"
	o.want(204, owner.AccessToken, "PUT", mine, named)
	o.want(404, owner.AccessToken, "PUT", "/v1/me/devices/"+stranger.Device.Id+"/push", named)
	o.want(404, owner.AccessToken, "PUT", "/v1/me/devices/"+nobody+"/push", named)
	o.want(400, owner.AccessToken, "PUT", mine, `!{`)
	o.code("push_provider_unknown", o.want(422, owner.AccessToken, "PUT", mine, strings.Replace(named, "fcm", "pigeon", 1)))
	o.code("invalid_value", o.want(422, owner.AccessToken, "PUT", mine, strings.Replace(named, "dQw4", `a\nb`, 1)))
	of := func(user string) int {
		all, err := o.parts.Push.Store.AddressesOf(o.Context(), user)
		o.ok(0, err)
		return len(all)
	}
	o.want(204, stranger.AccessToken, "PUT", "/v1/me/devices/"+stranger.Device.Id+"/push", named) // the phone has changed hands
	if of(owner.User.Id) != 0 || of(stranger.User.Id) != 1 {
		o.Errorf("an address that moved is had by %d and %d", of(owner.User.Id), of(stranger.User.Id))
	}
	o.want(204, stranger.AccessToken, "DELETE", "/v1/me/devices/"+stranger.Device.Id+"/push", "")
	o.want(404, stranger.AccessToken, "DELETE", mine, "")
	if of(stranger.User.Id) != 0 {
		o.Error("an address is there that was taken away")
	}
	const desk = "/v1/admin/push"
	for _, path := range []string{desk, desk + "/deliveries"} {
		o.code("forbidden", o.want(403, owner.AccessToken, "GET", path, ""))
	}
	o.code("forbidden", o.want(403, owner.AccessToken, "POST", desk+"/check", ""))
	o.code("forbidden", o.want(403, owner.AccessToken, "POST", desk+"/deliveries/"+nobody+"/replay", ""))
	dead := store.Delivery{ID: o.ids.New(), Type: "N06", User: owner.User.Id, Provider: "fcm", Lane: notify.LaneResults, State: store.DeliveryDead, Attempts: 12, Code: "unavailable", Created: o.clock.Now(), Done: o.clock.Now()}
	o.ok(0, o.parts.Push.Store.InsertDelivery(o.Context(), dead))
	var all wire.DeliveryList
	o.want(200, admin.AccessToken, "GET", desk+"/deliveries?limit=1", "").Into(o, &all)
	if len(all.Deliveries) != 1 || all.Deliveries[0].Code != "unavailable" || all.Next != "" {
		o.Errorf("%+v", all)
	}
	o.noted("GET", "/v1/admin/push/deliveries", owner.User.Id)
	o.want(200, admin.AccessToken, "GET", desk+"/deliveries?state=sent&after="+dead.ID, "").Into(o, &all)
	for _, query := range []string{"?state=lost", "?after=x", "?limit=0"} {
		o.want(400, admin.AccessToken, "GET", desk+"/deliveries"+query, "!")
	}
	replay := desk + "/deliveries/" + dead.ID + "/replay"
	o.want(400, admin.AccessToken, "POST", replay, "!", "Idempotency-Key", "")
	var again wire.Delivery
	o.want(200, admin.AccessToken, "POST", replay, "", "Idempotency-Key", "replay-this-push").Into(o, &again)
	o.code("idempotency_reused", o.want(422, admin.AccessToken, "POST", replay, `!{"again":true}`, "Idempotency-Key", "replay-this-push"))
	if again.State != "pending" || again.Attempts != 0 {
		o.Errorf("%+v", again)
	}
	o.code("push_not_dead", o.want(409, admin.AccessToken, "POST", replay, ""))
	o.want(404, admin.AccessToken, "POST", desk+"/deliveries/"+nobody+"/replay", "")
	states := []wire.PushState{{State: "pending", Count: 2}, {State: "sending", Count: 1}, {State: "retry", Count: 1}, {State: "dead"}} // this one, and those of the announcement
	var f wire.PushFigures
	o.want(200, admin.AccessToken, "GET", desk, "").Into(o, &f)
	if len(f.Lanes) != len(notify.Lanes()) || f.Lanes[1].Open != 1 || f.Lanes[1].Taken != 0 || f.Lanes[3].Open != 3 || !slices.Equal(f.States, states) || f.Receipts != (wire.PushReceipts{}) || len(f.Addresses) != 1 {
		o.Errorf("%+v", f)
	}
	o.want(204, admin.AccessToken, "PUT", "/v1/me/devices/"+admin.Device.Id+"/push", named)
	var c wire.PushCheck
	o.want(200, admin.AccessToken, "POST", desk+"/check", "").Into(o, &c)
	if len(c.Checks) != 1 || !c.Checks[0].Ok {
		o.Errorf("%+v", c)
	}
}
