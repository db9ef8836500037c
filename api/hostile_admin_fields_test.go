package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// serverOwned are names that an attacker would like to write.
func serverOwned() []string {
	return []string{"role", "status", "score", "verified_by", "created_by", "server_seq", "updated_at", "state", "approved_by", "prepared_by", "approver", "author", "editors", "version",
		"score_bp", "number", "outcome", "proposed_by", "__proto__"}
}

// TestHostile04OfAdmins puts a field that nobody may write into every object of every body:
// it is refused by its name, and nothing of the request happens.
func TestHostile04OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	before := d.state()
	for _, q := range d.row(func(op apitest.Operation) bool { return op.Body }) {
		if q.kind != "" {
			continue // a table: its columns are those of a list
		}
		body, tag := d.sent(q), d.tag(q, d.here)
		for _, name := range serverOwned() {
			for at := 0; at < len(body); at++ {
				if body[at] != '{' || strings.Contains(body, `"`+name+`":`) {
					continue
				}
				grown := body[:at+1] + `"` + name + `":"` + nobody + `"` + map[bool]string{true: "", false: ","}[body[at+1] == '}'] + body[at+1:]
				r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, nil), grown, "If-Match", tag)
				named := slices.ContainsFunc(r.Problem.Fields, func(f wire.FieldProblem) bool { return strings.Contains(f.Field, name) || f.Code == "invalid_value" })
				if (r.Status != 422 || !named) && (r.Problem.Code != q.code || r.Status < 400) {
					t.Errorf("%s with %s: %s", q.op, grown, heard(r))
				}
			}
		}
	}
	d.unmoved(before, "fields of the server")
}

// TestHostile04AProgrammeIsMadeAsADraft: what only the server says of a new programme is not
// taken from who makes it.
func TestHostile04AProgrammeIsMadeAsADraft(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	for _, extra := range []string{`"status":"published"`, `"status":"draft"`, `"code":"lain"`} {
		r := d.want(422, d.boss.AccessToken, "POST", "/v1/programmes", `{"code":"baru","fields":`+strings.Replace(d.plan("18", 5, d.here.template), "{", "{"+extra+",", 1)+`}`)
		if d.code("unknown_field", r); len(r.Problem.Fields) != 1 {
			t.Errorf("%s: %s", extra, r.Body)
		}
	}
}

// TestHostile04AndPhonesOfTheCuration: what the server says of a sheet is left out of what a
// curator sends, and reported; what nobody knows is refused; and what only the server makes
// cannot be made.
func TestHostile04AndPhonesOfTheCuration(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	c := d.here.seats[0]
	scope := domain.PanelScope(d.here.programme, c.User.Id)
	g := c.generation(scope)
	put := func(collection, id, base, set string) string { return c.mutation("put", collection, id, base, set) }
	sheet := domain.SheetID(nobody, 2, c.User.Id)
	whole := fmt.Sprintf(`"application_id":%q,"stage":2`, nobody)
	v := c.push(scope, g, put("sheet", sheet, "", `{`+whole+`,"state":"submitted","submitted_at":"2022-05-01T00:00:00.000Z","opened":9,"created_by":"`+nobody+`"}`))[0]
	c.verdict(v, merge.Applied, "")
	slices.Sort(v.Ignored)
	if want := []string{"created_by", "opened", "state", "submitted_at"}; !slices.Equal(v.Ignored, want) || strings.Contains(string(v.Record.Fields), `"submitted"`) || strings.Contains(string(v.Record.Fields), `"created_by":"`+nobody) {
		t.Errorf("ignored %v, stored %s", v.Ignored, v.Record.Fields)
	}
	for _, name := range []string{"role", "status", "score", "verified_by", "server_seq", "updated_at", "total_bp", "__proto__"} {
		c.verdict(c.push(scope, g, put("sheet", domain.SheetID(d.ids.New(), 2, c.User.Id), "", `{"`+name+`":"x",`+whole+`}`))[0], merge.Rejected, "unknown_field")
	}
	before := d.state()
	for collection, set := range map[string]string{"dossier": `{"application_id":"` + nobody + `","stage":2}`, "panel_window": `{"user_id":"` + c.User.Id + `"}`} {
		if v := c.push(scope, g, put(collection, d.ids.New(), "", set))[0]; v.Verdict != merge.Rejected || v.Code != "forbidden" {
			t.Errorf("a %s from a phone: %+v", collection, v)
		}
	}
	for _, collection := range []string{"score", "decision", "case_file", "publication", "programme_setup", "nothing"} {
		if v := c.push(scope, g, put(collection, d.ids.New(), "", `{"state":"decided"}`))[0]; v.Verdict != merge.Rejected {
			t.Errorf("a %s in a panel: %+v", collection, v)
		}
	}
	d.unmoved(before, "what only the server makes")
}

// TestHostile03OfAdmins: what a request names that is not there, or is of another kind or
// programme, is told of as such, and nothing is written.
func TestHostile03OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	before, token, path := d.state(), d.boss.AccessToken, "/v1/programmes/"+d.here.programme
	fields := func(name, id string) string {
		plan := strings.Replace(d.plan("18", 6, d.here.template), `"plan_template_id":"`+d.here.template+`",`, "", 1)
		return `{"code":"baru","fields":` + strings.Replace(plan, "{", `{"`+name+`":"`+id+`",`, 1) + `}`
	}
	for _, id := range []string{nobody, d.here.file, d.here.announcement, d.here.curator, d.here.sheet} {
		for _, name := range []string{"plan_template_id", "follows"} {
			r := d.want(422, token, "POST", "/v1/programmes", fields(name, id))
			if d.code("invalid_reference", r); len(r.Problem.Fields) != 1 || r.Problem.Fields[0].Field != name {
				t.Errorf("%s: %s", name, r.Body)
			}
		}
		d.code("invalid_reference", d.want(422, token, "PATCH", path, `{"fields":{"plan_template_id":"`+id+`"}}`, "If-Match", d.version(path)))
		news := "/v1/announcements/" + d.here.announcement
		d.code("invalid_reference", d.want(422, token, "POST", "/v1/announcements", `{"fields":{"title_id":"x","audience":{"programme_id":"`+id+`"}}}`))
		d.code("invalid_reference", d.want(422, token, "PATCH", news, `{"fields":{"audience":{"programme_id":"`+id+`"}}}`, "If-Match", d.version(news)))
		d.code("invalid_reference", d.want(422, token, "POST", "/v1/businesses/"+d.here.business+"/assignments", `{"mentor_id":"`+d.there.mentor+`","programme_id":"`+id+`"}`))
		d.want(422, token, "POST", "/v1/businesses/"+d.here.business+"/assignments", `{"mentor_id":"`+id+`"}`)
		d.want(422, token, "POST", "/v1/mentors/"+d.here.mentor+"/handover", `{"to_id":"`+id+`"}`)
		d.want(422, token, "POST", "/v1/mentors/"+d.here.mentor+"/handover", `{"to_id":"`+d.there.mentor+`","businesses":["`+id+`"]}`)
		d.want(404, token, "POST", "/v1/admin/attest", `{"user_id":"`+strings.Replace(id, d.here.curator, nobody, 1)+`","hours":24}`)
	}
	for name, who := range map[string][2]string{"a curator there": {d.here.sheet, d.there.curator}, "the other curator": {d.here.sheet, d.here.seats[1].User.Id}, "a sheet there": {d.there.sheet, d.here.curator},
		"both there": {d.there.sheet, d.there.curator}, "nobody": {d.here.sheet, nobody}} {
		r := d.want(404, token, "POST", path+"/sheets/"+who[0]+"/reopening", `{"curator_id":"`+who[1]+`","note":"x"}`)
		if none := d.want(404, token, "POST", path+"/sheets/"+nobody+"/reopening", `{"curator_id":"`+nobody+`","note":"x"}`); heard(r) != heard(none) {
			t.Errorf("%s: %s", name, heard(r))
		}
	}
	d.unmoved(before, "a reference to nothing")
	news := "/v1/announcements/" + d.here.announcement
	for _, audience := range []string{`{"business_ids":["` + nobody + `"]}`, `{"mentor_ids":["` + d.here.curator + `"]}`, `{"business_ids":["` + d.here.programme + `"]}`} {
		d.want(200, token, "PATCH", news, `{"fields":{"publish_at":"2030-01-01T00:00:00.000Z","audience":`+audience+`}}`, "If-Match", d.version(news))
		d.code("audience_empty", d.want(422, token, "POST", news+"/operations", `{"op":"schedule"}`, "If-Match", d.version(news)))
	}
}

// version is the ETag of what stands at an address.
func (d *scene) version(path string) string {
	d.Helper()
	return d.want(200, d.boss.AccessToken, "GET", path, "").Header.Get("ETag")
}

// TestHostile03ASheetOnAFileOfAnotherPanel: a curator may fill in what they like; what nobody
// gave them is not counted, and nothing tells whether there is such a file.
func TestHostile03ASheetOnAFileOfAnotherPanel(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	c := d.here.seats[0]
	scope := domain.PanelScope(d.here.programme, c.User.Id)
	g, decided := c.generation(scope), d.state()
	var said []string
	for _, file := range []string{d.there.file, nobody} {
		sheet := domain.SheetID(file, 2, c.User.Id)
		v := c.push(scope, g, c.mutation("put", "sheet", sheet, "", fmt.Sprintf(`{"application_id":%q,"stage":2,"items":{"product":{"points":100}}}`, file)),
			c.mutation("put", "sheet_event", d.ids.New(), "", fmt.Sprintf(`{"sheet_id":%q,"op":"submit","seen":[]}`, sheet)))
		said = append(said, fmt.Sprint(v[0].Verdict, v[0].Code, v[1].Verdict, v[1].Code))
	}
	d.work()
	if said[0] != said[1] {
		t.Errorf("a file of another panel: %s, none: %s", said[0], said[1])
	}
	without := func(state string) string {
		return strings.Join(slices.DeleteFunc(strings.Split(state, "\n"), func(l string) bool { return strings.HasPrefix(l, scope+" ") }), "\n")
	}
	if without(decided) != without(d.state()) {
		t.Error("such a sheet came to where it is decided")
	}
	p := c.push(scope, g, c.mutation("put", "sheet_event", d.ids.New(), "", fmt.Sprintf(`{"sheet_id":%q,"op":"submit","seen":[]}`, domain.SheetID(d.here.file, 2, d.here.seats[1].User.Id))))
	c.verdict(p[0], merge.Rejected, "invalid_reference")
}
