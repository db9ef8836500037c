package play_test

import (
	"time"

	"github.com/lumbung-ikm/lumbung/internal/play"
)

// news is an announcement to the people of one business, counted from its draft until it
// is taken back.
func (o *requests) news(desk *play.Phone) {
	o.Helper()
	const all, one = "/v1/announcements", "/v1/announcements/{announcement}"
	var a ticket
	fields := map[string]any{"title_id": "Briefing", "body_id": "Datang pukul 10.00.", "audience": map[string]any{"business_ids": []string{o.business}}}
	o.ask(desk, "POST "+all, all, "", map[string]any{"fields": fields}, &a)
	mine := all + "/" + a.ID
	o.ask(desk, "GET "+all, all, "", nil, nil)
	o.ask(desk, "GET "+one, mine, "", nil, nil)
	o.ask(desk, "PATCH "+one, mine, a.Etag, map[string]any{"fields": map[string]any{"publish_at": o.w.Clock.Now().Add(time.Minute)}}, &a)
	o.ask(desk, "GET "+one+"/preview, of one business", mine+"/preview", "", nil, nil)
	o.ask(desk, "POST "+one+"/operations", mine+"/operations", a.Etag, map[string]any{"op": "schedule"}, &a)
	o.w.Clock.Advance(time.Minute)
	_, err := o.w.App.Programme.Announce(o.Context())
	o.ok(err)
	o.ok(o.w.Step(o.Context()))
	o.ok(desk.HTTP.Call(o.Context(), "GET", mine, nil, nil, &a))
	o.ask(desk, "POST "+one+"/versions", mine+"/versions", a.Etag, map[string]any{"fields": map[string]any{"body_id": "Datang pukul 11.00."}}, &a)
	o.ask(desk, "GET "+one+"/versions", mine+"/versions", "", nil, nil)
	o.ask(desk, "GET "+one+"/receipts", mine+"/receipts", "", nil, nil)
	o.ask(desk, "POST "+one+"/operations", mine+"/operations", a.Etag, map[string]any{"op": "retract"}, nil)
}
