package api_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// outsiders are people who hold none of what admins do, by what they are. Each holds
// something else.
func (d *scene) outsiders() map[string]wire.Login {
	d.Helper()
	return map[string]wire.Login{"owner": d.owner.Login, "stranger": d.enter("+628117000111"), "mentor": d.mentor.Login, "curator here": d.here.seats[0].Login,
		"curator of the other programme": d.there.seats[0].Login, "regional admin of another province": d.regional("+628117000112", "51"),
		"regional admin of the province": d.regional("+628117000113", "18"), "admin by code": d.enterAs("+628117000114", auth.RoleAdmin)}
}

var ofRequest = regexp.MustCompile(`"request_id":"[^"]*"`)

// heard is an answer without what differs in every one.
func heard(r apitest.Response) string {
	return fmt.Sprint(r.Status, " ", ofRequest.ReplaceAllString(string(r.Body), ""))
}

// absent names every id in an address by one of nothing.
func absent() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"programme", "sheet", "announcement", "approval", "user", "job", "review", "mentor", "business", "application", "enrolment", "curator", "file", "delivery"} {
		out[name] = nobody
	}
	return out
}

// TestHostile01OfAdmins: for whoever does not hold it, what is there is like what is not, to
// the byte; nothing changes, and the trail has no line of people who were let in nowhere.
func TestHostile01OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	who := d.outsiders()
	before, lines := d.state(), len(d.trail())
	for _, q := range d.row(everyRoute) {
		body, tag := d.sent(q), d.tag(q, d.here)
		for name, l := range who {
			if q.all || q.may(name) {
				continue // what they may is another test's
			}
			real := d.send(q, l.AccessToken, d.at(q.Path, d.here, nil), body, "If-Match", tag)
			none := d.send(q, l.AccessToken, d.at(q.Path, d.here, absent()), body, "If-Match", tag)
			if heard(real) != heard(none) || real.Status != 403 && real.Status != 404 {
				t.Errorf("%s by %s: %s\nabsent: %s", q.op, name, heard(real), heard(none))
			}
			if want := map[bool]string{true: "second_factor_required", false: "forbidden"}[name == "admin by code"]; real.Status == 403 && real.Problem.Code != want {
				t.Errorf("%s by %s: %s", q.op, name, real.Problem.Code)
			}
		}
	}
	d.unmoved(before, "who holds nothing")
	for _, e := range d.trail()[lines:] {
		if said(e, "role") != "admin" || said(e, "actor") != d.boss.User.Id {
			t.Errorf("in the trail: %s", e.Fields)
		}
	}
}

// may reports whether people of a kind have a right to what an operation is about.
func (q request) may(who string) bool {
	regional := strings.HasPrefix(who, "regional")
	switch last := q.Path[strings.LastIndex(q.Path, "/")+1:]; {
	case last == "files", last == "enrolments", last == "mentors":
		return regional
	case last == "profile":
		return q.Method == "GET" && who == "mentor" // their own
	case last == "caseload":
		return regional || who == "mentor"
	case last == "attest":
		return who == "mentor"
	case atNewsdesk(api.Operation{Method: q.Method, Path: q.Path}):
		return regional
	}
	return strings.Contains(q.Path, "{business}") && (who == "owner" || who == "mentor" || who == "regional admin of the province") // it is theirs: forbidden, and not absent
}

// TestHostile01OfNewsdesks: to a regional admin an announcement that is not theirs, and an
// approval of anything else than a correction of theirs, is like one that is not there, to
// the byte; nothing changes by asking.
func TestHostile01OfNewsdesks(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	who := map[string]wire.Login{"of the province": d.regional("+628117000113", "18"), "of another one": d.regional("+628117000112", "51")}
	news := map[string]string{} // announcements that are nobody's of them, by what is wrong with them
	for name, audience := range map[string]string{"both": `{"regions":["18","51"]}`, "a third": `{"regions":["33.74"]}`, "none": `{}`, "a programme": `{"programme_id":"` + d.here.programme + `"}`,
		"a business": `{"business_ids":["` + d.here.business + `"]}`, "a mentor": `{"mentor_ids":["` + d.here.mentor + `"]}`} {
		var a wire.Announcement
		d.want(201, d.boss.AccessToken, "POST", "/v1/announcements", `{"fields":{"title_id":"Kabar","audience":`+audience+`}}`).Into(t, &a)
		news[name] = a.Id
	}
	before := d.state()
	for _, q := range d.row(func(op apitest.Operation) bool { return atNewsdesk(api.Operation{Method: op.Method, Path: op.Path}) }) {
		body, tag := d.sent(q), d.tag(q, d.here)
		for name, l := range who {
			if !strings.Contains(q.Path, "{") {
				if r := d.send(q, l.AccessToken, q.Path, body); len(listed(r)) != 0 || r.Status != 200 && r.Problem.Code != "outside_region" {
					t.Errorf("%s by one %s: %s", q.op, name, heard(r))
				}
				continue
			}
			none := d.send(q, l.AccessToken, d.at(q.Path, d.here, absent()), body, "If-Match", tag)
			for what, id := range news {
				real := d.send(q, l.AccessToken, d.at(q.Path, d.here, map[string]string{"announcement": id}), body, "If-Match", tag)
				if heard(real) != heard(none) || real.Status != 404 {
					t.Errorf("%s of %s by one %s: %s\nabsent: %s", q.op, what, name, heard(real), heard(none))
				}
			}
		}
	}
	d.unmoved(before, "a regional admin at what is not theirs")
}

// TestHostile01WhatAnAdminTriesIsNoted: what is not there for an admin either is in the
// trail with how it ended, before and after.
func TestHostile01WhatAnAdminTriesIsNoted(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	for _, q := range d.row(func(op apitest.Operation) bool { return op.Method != "GET" && strings.Contains(op.Path, "{") }) {
		if q.Path == "/v1/programmes/{programme}/imports/check" || strings.HasPrefix(q.Path, "/v1/reference") {
			continue // changes nothing; has no id
		}
		body, before, none := d.sent(q), len(d.trail()), absent()
		delete(none, "business") // what an admin looks for where no business is, touches nothing
		r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, none), body)
		if r.Status != 404 && r.Status != 412 {
			t.Errorf("%s: %s", q.op, heard(r))
		}
		var whats []string
		for _, e := range d.trail()[before:] {
			if what := said(e, "what"); what == "change" || what == "result" && said(e, "status") == fmt.Sprint(r.Status) {
				whats = append(whats, what)
			}
		}
		if slices.Sort(whats); !slices.Equal(whats, []string{"change", "result"}) {
			t.Errorf("%s: noted %v", q.op, whats)
		}
	}
}

// TestHostile01ARegionalAdminReadsOneProvince: the files of the other province are not
// there, whatever is asked for, and nor are drafts.
func TestHostile01ARegionalAdminReadsOneProvince(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	near := d.regional("+628117000113", "18")
	files := func(programme, query string) (l wire.CaseFileList) {
		d.want(200, near.AccessToken, "GET", "/v1/programmes/"+programme+"/files"+query, "!").Into(t, &l)
		return l
	}
	if all := files(d.here.programme, "").Files; len(all) != 2 {
		t.Errorf("%d files of the own province", len(all))
	}
	for _, query := range []string{"", "?region=51.71", "?state=open", "?category=food_beverage", "?limit=500"} {
		if l := files(d.there.programme, query); len(l.Files) != 0 || l.Next != "" {
			t.Errorf("%q of the other province: %+v", query, l)
		}
	}
	var draft wire.Programme
	d.want(201, d.boss.AccessToken, "POST", "/v1/programmes", `{"code":"rahasia","fields":`+d.plan("18", 4, d.here.template)+`}`).Into(t, &draft)
	for _, query := range []string{"", "?province=51", "?state=active", "?limit=500"} {
		var l wire.EnrolmentList
		d.want(200, near.AccessToken, "GET", "/v1/programmes/"+d.there.programme+"/enrolments"+query, "!").Into(t, &l)
		if len(l.Enrolments) != 0 || l.Next != "" {
			t.Errorf("%q of the other province: %+v", query, l)
		}
	}
	for _, path := range []string{"", "/files", "/enrolments"} {
		hidden, none := d.want(404, near.AccessToken, "GET", "/v1/programmes/"+draft.Id+path, ""), d.want(404, near.AccessToken, "GET", "/v1/programmes/"+nobody+path, "")
		if heard(hidden) != heard(none) {
			t.Errorf("a draft: %s, none: %s", heard(hidden), heard(none))
		}
	}
}

// TestHostile01ScopesOfTheCurationOnPhones: to push into a panel of somebody else, or to where
// it is decided, is to push into nothing, also for admins and for other curators; and no
// pull brings a row of either.
func TestHostile01ScopesOfTheCurationOnPhones(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	boss := &phone{tour: d.tour, Login: d.boss}
	theirs, decided := domain.PanelScope(d.here.programme, d.here.curator), domain.DecisionScope(d.here.programme)
	rival, foreign := d.here.seats[1], d.there.seats[0]
	near := &phone{tour: d.tour, Login: d.regional("+628117000113", "18")}
	before := d.state()
	for name, p := range map[string]*phone{"owner": d.owner, "mentor": d.mentor, "admin": boss, "regional admin": near, "the other curator": rival, "a curator elsewhere": foreign} {
		for _, scope := range []string{theirs, decided, domain.GeneralQueue, domain.AnnouncementScope(d.here.announcement), domain.AuditScope(d.clock.Now())} {
			for _, m := range [][3]string{{"sheet", d.here.sheet, `{"application_id":"` + d.here.file + `","stage":2,"note":"diubah"}`}, {"sheet_event", d.ids.New(), `{"sheet_id":"` + d.here.sheet + `","op":"reopen","note":"x","seen":[]}`},
				{"score", d.here.sheet, `{"total_bp":10000}`}, {"panel_window", d.ids.New(), `{"user_id":"` + p.User.Id + `"}`}, {"decision", d.ids.New(), `{"state":"decided"}`}, {"approval", d.here.approval, `{"state":"approved"}`}} {
				real := p.push(scope, "1.x", p.mutation("put", m[0], m[1], "", m[2]))[0]
				kind, of, _ := strings.Cut(scope, "/")
				none := p.push(kind+"/"+nobody+of[min(len(of), 36):], "1.x", p.mutation("put", m[0], m[1], "", m[2]))[0]
				p.verdict(real, merge.Rejected, "not_found")
				p.verdict(none, merge.Rejected, "not_found")
				if real.Record != nil || real.Seq != 0 || real.Field != none.Field {
					t.Errorf("%s in %s: %+v", name, scope, real)
				}
			}
		}
		var got protocol.Response
		d.want(200, p.AccessToken, "POST", "/v1/sync", syncBody).Into(t, &got)
		for _, row := range got.Changes {
			kind, _, _ := strings.Cut(row.Scope, "/")
			if kind == domain.ScopeDecision || kind == domain.ScopeAnnouncement || kind == domain.ScopeAudit || row.Scope == theirs {
				t.Errorf("%s is sent a row of %s", name, row.Scope)
			}
		}
	}
	d.unmoved(before, "phones without the scope")
	tried := map[string]int{}
	for _, e := range d.trail() {
		if said(e, "event") == domain.EventScopeRefused {
			tried[said(e, "actor")]++
			if !strings.HasPrefix(said(e, "scope"), "panel/") || !strings.Contains(string(e.Fields["subjects"]), d.here.curator) {
				t.Errorf("noted as %s", e.Fields)
			}
		}
	}
	for _, p := range []*phone{d.owner, d.mentor, boss, near, rival, foreign} {
		if tried[p.User.Id] != 1 {
			t.Errorf("%d entries of one who tried sixty times", tried[p.User.Id])
		}
	}
	rival.push("panel/Rahasia Sekali", "1.x", rival.mutation("put", "sheet", d.ids.New(), "", `{}`))
	d.clock.Advance(24 * time.Hour)
	again := d.phone("+628117000221")
	again.push("panel/Rahasia Sekali", "1.x", again.mutation("put", "sheet", d.ids.New(), "", `{}`))
	if all := d.trail(); said(all[len(all)-1], "event") != domain.EventScopeRefused || said(all[len(all)-1], "scope") != "" {
		t.Errorf("a scope that may be anything: %s", all[len(all)-1].Fields)
	}
}

// TestHostile02OfAdmins: an id of something of another kind, or of the other programme, is
// an id of nothing: to whoever may look, the answer is the same to the byte.
func TestHostile02OfAdmins(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	before := d.state()
	for _, q := range d.row(func(op apitest.Operation) bool { return strings.Contains(op.Path, "{") }) {
		body, tag := d.sent(q), d.tag(q, d.here)
		for _, h := range hole.FindAllStringSubmatch(q.Path, -1) {
			others := map[string]string{"programme": d.here.programme, "sheet": d.here.sheet, "announcement": d.here.announcement, "approval": d.here.approval, "job": d.here.job, "review": d.here.review,
				"file": d.here.file, "curator": d.here.curator, "template": d.here.template, "business": d.here.business}
			if _, id := absent()[h[1]]; !id {
				continue
			}
			delete(others, h[1])
			if h[1] == "sheet" { // one of the same kind, in a scope that the address does not name
				others["a sheet there"], others["a sheet of the rival"] = d.there.sheet, domain.SheetID(d.here.file, 2, d.here.seats[1].User.Id)
			}
			if h[1] == "user" || h[1] == "mentor" {
				delete(others, "curator") // is a person
			}
			none := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, map[string]string{h[1]: nobody}), body, "If-Match", tag)
			for kind, id := range others {
				r := d.send(q, d.boss.AccessToken, d.at(q.Path, d.here, map[string]string{h[1]: id}), body, "If-Match", tag)
				if heard(r) != heard(none) || r.Status < 400 {
					t.Errorf("%s with the id of %s for %s: %s\nof nothing: %s", q.op, kind, h[1], heard(r), heard(none))
				}
			}
		}
	}
	d.unmoved(before, "ids of other things")
}

// TestHostile02IdsOfTheCurationAreNobodysOnPhones: a record under an id that is used where
// its author cannot look is like one under a new id.
func TestHostile02IdsOfTheCurationAreNobodysOnPhones(t *testing.T) {
	t.Parallel()
	d := newScene(newTour(t, unhurried))
	rival := d.here.seats[1]
	panel := domain.PanelScope(d.here.programme, rival.User.Id)
	g, own := rival.generation(panel), rival.generation(rival.own())
	shown := func(v protocol.Verdict, id string) string {
		return strings.ReplaceAll(fmt.Sprint(v.Verdict, v.Code, v.Field, v.Message, v.Record != nil), id, "")
	}
	try := func(scope, generation, collection, id, set string) string {
		return shown(rival.push(scope, generation, rival.mutation("put", collection, id, "", set))[0], id)
	}
	fresh := d.ids.New()
	sheet := `{"application_id":"` + d.here.file + `","stage":2}`
	want, receipt := try(panel, g, "sheet", fresh, sheet), try(rival.own(), own, "receipt", d.ids.New(), `{"announcement_id":"`+nobody+`"}`)
	for kind, id := range map[string]string{"sheet": d.here.sheet, "sheet there": d.there.sheet, "programme": d.here.programme, "file": d.here.file, "announcement": d.here.announcement,
		"person": d.here.curator, "approval": d.here.approval, "window": d.here.job} {
		if got := try(panel, g, "sheet", id, sheet); got != want {
			t.Errorf("a sheet with the id of a %s: %s, with a new one: %s", kind, got, want)
		}
		if got := try(rival.own(), own, "receipt", id, `{"announcement_id":"`+nobody+`"}`); got != receipt {
			t.Errorf("a receipt with the id of a %s: %s, with a new one: %s", kind, got, receipt)
		}
	}
}
