package api_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// applied makes an application of a business of the owner's own to a programme, and takes it
// through operations: those of the owner come from the phone, the others from the office.
func (d *scene) applied(programme string, ops ...string) (scope, application string, seen []string) {
	d.Helper()
	p := d.owner
	business := strings.TrimPrefix(d.makeBusiness(p.Login), "/v1/businesses/")
	scope, application, seen = "business/"+business, domain.ApplicationID(business, programme, 1), []string{}
	g := p.generation(scope)
	p.verdict(p.push(scope, g, p.mutation("put", "application", application, "", `{"programme_id":"`+programme+`"}`))[0], merge.Applied, "")
	for _, op := range ops {
		eid := d.ids.New()
		if ownersWord(op) {
			p.verdict(p.push(scope, g, p.event(eid, application, op, seen))[0], merge.Applied, "")
		} else {
			set := map[string]merge.Value{"application_id": merge.Str(application), "op": merge.Str(op), "note": merge.Str("x")}
			_, err := d.parts.Engine.Write(d.Context(), scope, merge.ServerWrite{Name: "office " + eid, Author: d.boss.User.Id, Role: merge.Admin, Collection: "application_event", ID: eid, Op: merge.Put, Create: true, Set: set})
			d.ok(0, err)
		}
		seen = append(seen, eid)
	}
	return scope, application, seen
}

func ownersWord(op string) bool {
	return slices.Contains([]string{"submit", "withdraw", "confirm", "decline"}, op)
}

// event is an operation on an application from a phone.
func (p *phone) event(id, application, op string, seen []string) string {
	return p.mutation("put", "application_event", id, "", fmt.Sprintf(`{"application_id":%q,"op":%q,"note":"x","seen":%s}`, application, op, merge.Encode(seen)))
}

// TestHostile05ApplicationsOnPhones tries every operation in every state from the phone of an
// owner: what is not theirs, or not due, is one verdict.
func TestHostile05ApplicationsOnPhones(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	allowed := map[string][]string{"draft": {"submit", "withdraw"}, "returned": {"submit", "withdraw"}, "submitted": {"withdraw"}, "reserve": {"withdraw"}, "offered": {"withdraw", "confirm", "decline"}}
	ways := map[string][]string{"draft": nil, "submitted": {"submit"}, "returned": {"submit", "return"}, "withdrawn": {"submit", "withdraw"}, "offered": {"submit", "offer"}, "reserve": {"submit", "hold"},
		"not_selected": {"submit", "turn_down"}, "confirmed": {"submit", "offer", "confirm"}, "declined": {"submit", "offer", "decline"}, "lapsed": {"submit", "offer", "lapse"}, "disqualified": {"submit", "disqualify"}}
	try := func(scope, application, op string, seen []string) protocol.Verdict {
		return d.owner.push(scope, d.owner.generation(scope), d.owner.event(d.ids.New(), application, op, seen))[0]
	}
	for state, way := range ways {
		scope, application, seen := d.applied(nobody, way...)
		for _, op := range []string{"submit", "withdraw", "confirm", "decline", "offer", "hold", "turn_down", "return", "lapse", "release", "disqualify"} {
			if slices.Contains(allowed[state], op) {
				s, a, seen := d.applied(nobody, way...)
				d.owner.verdict(try(s, a, op, seen), merge.Applied, "")
			} else if v := try(scope, application, op, seen); v.Verdict != merge.Rejected || !slices.Contains([]string{"forbidden_transition", "forbidden", "online_only"}, v.Code) {
				t.Errorf("%s of what is %s: %s %s", op, state, v.Verdict, v.Code)
			}
		}
	}
	scope, application, _ := d.applied(nobody)
	v := d.owner.push(scope, d.owner.generation(scope), d.owner.mutation("put", "application", domain.ApplicationID(strings.TrimPrefix(scope, "business/"), d.here.programme, 1), "",
		`{"programme_id":"`+d.here.programme+`","state":"offered","number":"PSR1-00001","counted_at":"2022-05-01T00:00:00.000Z","opens":"submitted","confirm_by":"2030-01-01T00:00:00.000Z"}`))[0]
	d.owner.verdict(v, merge.Applied, "")
	if len(v.Ignored) != 5 || !strings.Contains(string(v.Record.Fields), `"state":"draft"`) || strings.Contains(string(v.Record.Fields), "PSR1-00001") {
		t.Errorf("ignored %v, stored %s", v.Ignored, v.Record.Fields)
	}
	if v := d.owner.push(scope, d.owner.generation(scope), d.owner.mutation("put", "application_event", d.ids.New(), "", `{"application_id":"`+application+`","op":"submit","outcome":"effective","seen":[]}`))[0]; v.Verdict != merge.Applied || !slices.Contains(v.Ignored, "outcome") {
		t.Errorf("an outcome from a phone: %+v", v)
	}
}

// TestHostile05SheetsOnPhones: a curator submits once, changes nothing behind it, and opens
// nothing again.
func TestHostile05SheetsOnPhones(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	c := d.here.seats[0]
	scope := domain.PanelScope(d.here.programme, c.User.Id)
	var got protocol.Response
	d.want(200, c.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &got)
	var seen []string
	base := ""
	for _, row := range got.Changes {
		if row.Collection == "sheet_event" && strings.Contains(string(row.Fields), d.here.sheet) {
			seen = append(seen, row.ID)
		}
		if row.Collection == "sheet" && row.ID == d.here.sheet {
			base = fmt.Sprintf(`{"generation":%q,"version":%d}`, got.Scopes[scope].Generation, row.Version)
		}
	}
	before := d.state()
	for op, codes := range map[string][]string{"submit": {"forbidden_transition"}, "reopen": {"forbidden", "forbidden_transition", "online_only"}} {
		v := c.push(scope, got.Scopes[scope].Generation, c.mutation("put", "sheet_event", d.ids.New(), "", fmt.Sprintf(`{"sheet_id":%q,"op":%q,"note":"x","seen":%s}`, d.here.sheet, op, merge.Encode(seen))))[0]
		if v.Verdict != merge.Rejected || !slices.Contains(codes, v.Code) {
			t.Errorf("%s of a submitted sheet: %s %s", op, v.Verdict, v.Code)
		}
	}
	c.verdict(c.push(scope, got.Scopes[scope].Generation, c.mutation("put", "sheet", d.here.sheet, base, `{"items":{"product":{"points":100}}}`))[0], merge.Rejected, "locked")
	d.unmoved(before, "a step that is not due")
}

// wrongClocks are what phones have shown.
func wrongClocks() []string {
	return []string{"2099-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z", "yesterday"}
}

// at has an edit made by a wrong clock.
func at(mutation, wall string) string {
	return strings.Replace(mutation, `"wall":"2022-05-05T02:11:09.120Z"`, fmt.Sprintf(`"wall":%q`, wall), 1)
}

// TestHostile19OfTheCuration: submissions, sheets and confirmations of phones whose clocks are
// years off count by the server's clock, and never for later than now.
func TestHostile19OfTheCuration(t *testing.T) {
	t.Parallel()
	for _, wall := range wrongClocks() {
		d := newScene(newTour(t, unhurried))
		now := d.clock.Now().Add(time.Second).UTC().Format("2006-01-02T15:04:05.000Z")
		made := func(v protocol.Verdict, field string) {
			t.Helper()
			d.owner.verdict(v, merge.Applied, "")
			var f map[string]any
			if err := json.Unmarshal(v.Record.Fields, &f); err != nil {
				t.Fatal(err)
			}
			if when, _ := f[field].(string); when > now || when < "2022-05-05" {
				t.Errorf("%s is %v by a clock that says %s", field, f[field], wall)
			}
		}
		scope, application, _ := d.applied(nobody)
		g := d.owner.generation(scope)
		submitted := d.ids.New()
		made(d.owner.push(scope, g, at(d.owner.event(submitted, application, "submit", []string{}), wall))[0], "created_at")
		offer, err := d.parts.Engine.Write(t.Context(), scope, merge.ServerWrite{Name: "offer", Author: d.boss.User.Id, Role: merge.Admin, Collection: "application_event", ID: nobody, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"application_id": merge.Str(application), "op": merge.Str("offer")}})
		if err != nil {
			t.Fatal(offer, err)
		}
		made(d.owner.push(scope, g, at(d.owner.event(d.ids.New(), application, "confirm", []string{submitted, nobody}), wall))[0], "created_at")

		c := d.here.seats[0]
		panel, file := domain.PanelScope(d.here.programme, c.User.Id), d.ids.New()
		g = c.generation(panel)
		sheet := domain.SheetID(file, 2, c.User.Id)
		made(c.push(panel, g, at(c.mutation("put", "sheet", sheet, "", fmt.Sprintf(`{"application_id":%q,"stage":2}`, file)), wall))[0], "created_at")
		made(c.push(panel, g, at(c.mutation("put", "sheet_event", d.ids.New(), "", fmt.Sprintf(`{"sheet_id":%q,"op":"submit","seen":[]}`, sheet)), wall))[0], "created_at")
		var got protocol.Response
		d.want(200, c.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &got)
		i := slices.IndexFunc(got.Changes, func(r protocol.Row) bool { return r.ID == sheet })
		if i < 0 {
			t.Fatal("no sheet")
		}
		var f map[string]any
		if err := json.Unmarshal(got.Changes[i].Fields, &f); err != nil {
			t.Fatal(err)
		}
		if when, _ := f["submitted_at"].(string); when > now || when < "2022-05-05" {
			t.Errorf("submitted at %v by a clock that says %s", f["submitted_at"], wall)
		}
	}
}

// TestHostile19OfReceipts: what a phone of the year 2099 says it has confirmed counts as
// confirmed, and is told for no later than now; one of 1970 not before the announcement was
// there.
func TestHostile19OfReceipts(t *testing.T) {
	t.Parallel()
	for _, wall := range []string{"2099-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z"} {
		d := newScene(newTour(t, unhurried))
		path := d.announced("sent")
		news := strings.TrimPrefix(path, "/v1/announcements/")
		p := d.owner
		g := p.generation(p.own())
		p.verdict(p.push(p.own(), g, at(p.mutation("put", "receipt", d.ids.New(), "", fmt.Sprintf(`{"announcement_id":%q,"delivered_at":%q,"read_at":%q,"acked_at":%q}`, news, wall, wall, wall)), wall))[0], merge.Applied, "")
		d.work()
		told := func() (out wire.AnnouncementReceipt) {
			var r wire.AnnouncementReceipts
			d.want(200, d.boss.AccessToken, "GET", path+"/receipts", "").Into(t, &r)
			i := slices.IndexFunc(r.Receipts, func(one wire.AnnouncementReceipt) bool { return one.UserId == p.User.Id })
			if r.Acked != 1 || r.Read != 1 || i < 0 {
				t.Fatalf("%+v", r)
			}
			return r.Receipts[i]
		}
		first := told()
		for name, when := range map[string]time.Time{"delivered": first.DeliveredAt, "read": first.ReadAt, "confirmed": first.AckedAt} {
			if when.After(d.clock.Now().Add(time.Second)) || when.Before(start()) {
				t.Errorf("%s at %v by a clock that says %s", name, when, wall)
			}
		}
		d.clock.Advance(5 * time.Minute)
		if again := told(); again != first && wall < "2022" || again.AckedAt.After(d.clock.Now()) {
			t.Errorf("told as %+v, and later as %+v", first, again)
		}
	}
}

// TestHostile30OfEveryAdminRoute: who was suspended, and who is no admin any more, has nothing
// from the token that they still hold, at no operation; and afterwards what anybody has.
func TestHostile30OfEveryAdminRoute(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	stranger := d.enter("+628117000111")
	rows := d.row(everyRoute)
	each := func(token string, want func(q request, r, of string) bool, why string) {
		t.Helper()
		for _, q := range rows {
			body, tag := d.sent(q), d.tag(q, d.here)
			r, other := d.send(q, token, d.at(q.Path, d.here, nil), body, "If-Match", tag), d.send(q, stranger.AccessToken, d.at(q.Path, d.here, nil), body, "If-Match", tag)
			if !want(q, fmt.Sprint(r.Status, " ", r.Problem.Code), fmt.Sprint(other.Status, " ", other.Problem.Code)) {
				t.Errorf("%s of %s: %s", q.op, why, heard(r))
			}
		}
	}
	gone, left := d.second, d.regional("+628117000112", "18")
	before := d.state()
	d.ok(0, d.parts.Auth.Suspend(t.Context(), gone.User.Id))
	each(gone.AccessToken, func(_ request, r, _ string) bool { return r == "403 account_suspended" }, "who was suspended")
	d.ok(0, d.parts.Auth.Restore(t.Context(), gone.User.Id))
	tokens, _ := d.refreshed(200, gone.RefreshToken)
	d.ok(0, d.parts.Auth.SetRoles(t.Context(), gone.User.Id, nil))
	each(tokens.AccessToken, func(_ request, r, _ string) bool { return r == "401 token_invalid" }, "whose role was taken, with the old token")
	tokens, _ = d.refreshed(200, tokens.RefreshToken)
	each(tokens.AccessToken, func(_ request, r, of string) bool { return r == of }, "whose role was taken")
	d.ok(0, d.parts.Auth.SetRoles(t.Context(), gone.User.Id, []string{auth.RoleAdmin}))

	files := "/v1/programmes/" + d.here.programme + "/files"
	var list wire.CaseFileList
	if d.want(200, left.AccessToken, "GET", files, "").Into(t, &list); len(list.Files) != 2 {
		t.Fatalf("%+v", list)
	}
	left = d.made(left, "51")
	if d.want(200, left.AccessToken, "GET", files, "").Into(t, &list); len(list.Files) != 0 {
		t.Errorf("after the province was taken: %+v", list)
	}
	now := d.state()
	for line := range strings.SplitSeq(before, "\n") {
		if strings.Contains(line, "/") && !strings.Contains(now, line) {
			t.Errorf("changed: %s", line)
		}
	}
}

// TestHostile30ASeatThatEnds: a curator whose seat ended is told to forget the panel by the
// next pull, sends nothing into it, and one who was suspended does not get that far.
func TestHostile30ASeatThatEnds(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	c := d.here.seats[0]
	scope := domain.PanelScope(d.here.programme, c.User.Id)
	var got protocol.Response
	d.want(200, c.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &got)
	if got.Scopes[scope].Seq == 0 {
		t.Fatalf("no panel: %+v", got.Scopes)
	}
	seat, all := "", "/v1/programmes/"+d.here.programme+"/curators"
	var seats wire.CuratorList
	d.want(200, d.boss.AccessToken, "GET", all, "").Into(t, &seats)
	for _, k := range seats.Curators {
		if k.Id == d.here.seat {
			seat = k.Etag
		}
	}
	d.want(200, d.boss.AccessToken, "PATCH", all+"/"+d.here.seat, `{"end":true,"reason":"Pindah tugas"}`, "If-Match", seat)
	d.work()
	d.clock.Advance(time.Second)
	before := d.state()
	late := fmt.Sprintf(`{"application_id":%q,"stage":2}`, nobody)
	made := at(c.mutation("put", "sheet", domain.SheetID(nobody, 2, c.User.Id), "", late), d.clock.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000Z"))
	c.verdict(c.push(scope, got.Scopes[scope].Generation, made)[0], merge.Rejected, "not_assigned")
	d.unmoved(before, "who has no seat")
	r := d.want(200, c.AccessToken, "POST", "/v1/sync", strings.Replace(syncBody, "{", `{"cursor":"`+got.Cursor+`",`, 1))
	got = protocol.Response{}
	if r.Into(t, &got); !slices.Equal(got.Purge, []string{scope}) {
		t.Errorf("purge %q", got.Purge)
	}
	if slices.ContainsFunc(got.Changes, func(row protocol.Row) bool { return row.Scope == scope }) {
		t.Error("rows of the panel are sent all the same")
	}
	d.ok(0, d.parts.Auth.Suspend(t.Context(), d.here.seats[1].User.Id))
	barred := d.want(403, d.here.seats[1].AccessToken, "POST", "/v1/sync", syncBody)
	if d.code("account_suspended", barred); barred.Problem.Info["keep_outbox"] != true {
		t.Errorf("suspended: %s", barred.Body)
	}
}
