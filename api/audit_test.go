package api_test

import (
	"encoding/json"
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
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// walk is everything that the holes of addresses are filled with, to walk through the table
// of routes.
type walk struct {
	*tour
	fill *strings.Replacer
	n    int
}

var (
	ownRoutes = regexp.MustCompile(`^/v1/(me|auth|sync)(/|$)`)
	idNamed   = regexp.MustCompile(`"id":"[^"]*"`)
	patchOf   = regexp.MustCompile(`"patch":\{[^}]*\},`)
)

func (w *walk) filled(business, mentor string) {
	id := strings.TrimPrefix(business, "/v1/businesses/")
	w.fill = strings.NewReplacer("{business}", id, "{member}", nobody, "{assignment}", nobody, "{mentor}", mentor, "{list}", "marketplace", "{code}", "tokopedia",
		"{collection}", "business", "{id}", id, "{task}", nobody, "{case}", nobody, "{entry}", nobody, "{job}", nobody, "{review}", nobody, "{user}", nobody, "{approval}", nobody)
}

// ask asks an operation with the example of its body.
func (w *walk) ask(op api.Operation, token string) apitest.Response {
	w.Helper()
	w.n++
	body := patchOf.ReplaceAllString(idNamed.ReplaceAllString(w.client.Spec.Example(op.Method, op.Path), `"id":"`+w.ids.New()+`"`), "")
	return w.client.Do(w, apitest.Request{Method: op.Method, Path: w.fill.Replace(op.Path), Body: body, Token: token, Hostile: true,
		Header: map[string]string{"Idempotency-Key": fmt.Sprint("walk-key-", w.n), "If-Match": `"1-1"`}})
}

func (w *walk) each(visit func(op api.Operation)) {
	for _, op := range w.Operations() {
		if !ownRoutes.MatchString(op.Path) && !w.open(op.Method, op.Path) {
			visit(op)
		}
	}
}

// trail reads all of it, once what waits is written.
func (o *tour) trail() (all []wire.AuditEntry) {
	o.Helper()
	if err := o.parts.Trail.Flush(o.Context()); err != nil {
		o.Fatal(err)
	}
	scope := domain.AuditScope(o.clock.Now())
	head, err := o.parts.Engine.Store.Head(o.Context(), scope)
	if err != nil {
		return nil
	}
	var at store.Position
	for more := true; more; {
		page, err := o.parts.Engine.Store.Changed(o.Context(), scope, at, head.Applied, head.Applied, 1<<20)
		if err != nil {
			o.Fatal(err)
		}
		for _, r := range page.Records {
			e := wire.AuditEntry{Id: r.ID}
			if err := json.Unmarshal(r.Fields, &e.Fields); err != nil {
				o.Fatal(err)
			}
			all, at = append(all, e), store.Position{Version: r.Version, Key: r.Key()}
		}
		more = page.More
	}
	return all
}

func said(e wire.AuditEntry, field string) string {
	return strings.Trim(string(e.Fields[field]), `"`)
}

// TestEveryRouteOfAnAdminLeavesAnEntry walks through the table: where an admin is answered
// otherwise than a stranger, the trail says so; a stranger leaves nothing. What was changed
// was noted before.
func TestEveryRouteOfAnAdminLeavesAnEntry(t *testing.T) {
	o := newTour(t)
	owner, stranger := o.enter("+628117000001"), o.enter("+628117000002")
	admin, _ := o.proved("+628117000006")
	w := &walk{tour: o}
	w.filled(o.makeBusiness(owner), o.withRole("+628117000004", "mentor").User.Id)
	fenced := 0
	w.each(func(op api.Operation) {
		before := len(o.trail())
		out := w.ask(op, stranger.AccessToken)
		if after := o.trail(); len(after) != before {
			t.Errorf("%s %s: a stranger left %s", op.Method, op.Path, after[len(after)-1].Fields)
		}
		in := w.ask(op, admin.AccessToken)
		if in.Status == out.Status && in.Problem.Code == out.Problem.Code {
			return
		}
		fenced++
		route, whats := op.Method+" "+op.Path, []string{}
		for _, e := range o.trail()[before:] {
			if said(e, "what") == "event" {
				continue // of the directory, beside it
			}
			whats = append(whats, said(e, "what"))
			if said(e, "route") != route || said(e, "actor") != admin.User.Id || said(e, "session") != admin.Session || said(e, "role") != "admin" {
				t.Errorf("%s: %s", route, e.Fields)
			}
		}
		slices.Sort(whats)
		want := []string{"change", "result"}
		if op.Method == "GET" || strings.HasSuffix(op.Path, "/check") {
			if want = []string{"read"}; in.Status >= 400 {
				want = []string{} // nothing was told
			}
		}
		if !slices.Equal(whats, want) {
			t.Errorf("%s: %d, noted %v, want %v", route, in.Status, whats, want)
		}
	})
	if fenced < 25 {
		t.Errorf("only %d routes are an admin's: the walk sees nothing", fenced)
	}
}

// TestTheTrailHoldsNamesOnly: no value that was written or read, and no number.
func TestTheTrailHoldsNamesOnly(t *testing.T) {
	o := newTour(t)
	owner := o.enter("+628117000001")
	admin, _ := o.proved("+628117000006")
	mentor := o.withRole("+628117000004", "mentor")
	business := o.makeBusiness(owner)
	id := strings.TrimPrefix(business, "/v1/businesses/")
	var b wire.Business
	o.want(200, admin.AccessToken, "GET", business, "").Into(t, &b)
	o.want(200, admin.AccessToken, "PATCH", business+"/records/business/"+id, `{"set":{"name":"Rahasia Sekali","address":"Jalan Mawar 7"}}`, "If-Match", b.Etag)
	o.want(201, admin.AccessToken, "POST", business+"/members", `{"phone":"0811-7000-099","role":"staff"}`)
	o.want(201, admin.AccessToken, "POST", business+"/assignments", `{"mentor_id":"`+mentor.User.Id+`","reason":"sakit keras"}`)
	o.want(200, mentor.AccessToken, "GET", business+"/members", "")
	o.want(200, owner.AccessToken, "GET", business+"/members", "")
	o.want(200, mentor.AccessToken, "POST", "/v1/sync", syncBody)
	for range 2 {
		o.want(201, admin.AccessToken, "POST", business+"/members", `{"phone":"0811-7000-098","role":"staff"}`, "Idempotency-Key", "told-again")
	}
	all := o.trail()
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Rahasia", "Mawar", "7000-09", "700009", "keras", "Rajut", "+62"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the trail holds %q", secret)
		}
	}
	wants := map[string]bool{`change admin set.address`: false, `change admin phone`: false, `read mentor ` + owner.User.Id: false, `read admin ` + id: false, `read admin members`: false, `pulled mentor business/` + id: false}
	for _, e := range all {
		for want := range wants {
			f := strings.Fields(want)
			if said(e, "what") == f[0] && said(e, "role") == f[1] && strings.Contains(string(text), f[2]) &&
				(strings.Contains(string(e.Fields["fields"]), f[2]) || strings.Contains(string(e.Fields["subjects"]), f[2]) || said(e, "scope") == f[2]) {
				wants[want] = true
			}
		}
		if said(e, "actor") == owner.User.Id {
			t.Errorf("an owner at home is noted: %s", e.Fields)
		}
	}
	for want, there := range wants {
		if !there {
			t.Errorf("not noted: %s", want)
		}
	}
}

// TestWithoutATrailNothingHappens: while it cannot be written an admin changes nothing and is
// told nothing, whoever is no admin notices nothing, and all is well afterwards.
func TestWithoutATrailNothingHappens(t *testing.T) {
	broken := false
	o := newTour(t, func(p *api.Parts) {
		bad := storefault.NewFailing(p.Engine.Store, func(storefault.Call) storefault.Fate {
			if broken {
				return storefault.Refuse
			}
			return storefault.Live
		}, nil).Store()
		p.Trail = &programme.Trail{Engine: &syncer.Engine{Store: bad, Schema: p.Engine.Schema, Clock: p.Clock, IDs: p.IDs, Log: p.Log}, Clock: p.Clock, IDs: p.IDs, Log: p.Log}
	})
	owner := o.enter("+628117000001")
	admin, _ := o.proved("+628117000006")
	mentor := o.withRole("+628117000004", "mentor")
	business := o.makeBusiness(owner)
	id := strings.TrimPrefix(business, "/v1/businesses/")
	var b wire.Business
	o.want(200, owner.AccessToken, "GET", business, "").Into(t, &b)
	broken = true
	rename := func(status int) apitest.Response {
		return o.want(status, admin.AccessToken, "PATCH", business+"/records/business/"+id, `{"set":{"name":"Nama Baru"}}`, "If-Match", b.Etag)
	}
	window := `{"mentor_id":"` + mentor.User.Id + `"}`
	o.code("audit_unavailable", rename(503))
	o.code("audit_unavailable", o.want(503, admin.AccessToken, "POST", business+"/assignments", window, "Idempotency-Key", "one-assignment"))
	r := o.want(503, admin.AccessToken, "GET", business, "")
	if o.code("audit_unavailable", r); strings.Contains(string(r.Body), "Rajut") || r.Header.Get("Retry-After") == "" {
		t.Errorf("refused with %s", r.Body)
	}
	o.want(200, owner.AccessToken, "GET", business, "").Into(t, &b)
	if string(b.Fields["name"]) != `"Rajut Metro"` {
		t.Errorf("it is called %s", b.Fields["name"])
	}
	o.want(200, owner.AccessToken, "POST", "/v1/sync", syncBody)
	broken = false
	rename(200)
	o.want(201, admin.AccessToken, "POST", business+"/assignments", window, "Idempotency-Key", "one-assignment")
	o.want(200, admin.AccessToken, "GET", business, "")
}

// regional makes a regional admin, who sets up and logs in.
func (o *tour) regional(phone string, provinces ...string) wire.Login {
	o.Helper()
	l, _ := o.proved(phone)
	return o.made(l, provinces...)
}

// made makes somebody who is logged in a regional admin.
func (o *tour) made(l wire.Login, provinces ...string) wire.Login {
	o.Helper()
	if _, err := o.parts.Auth.ChangeRights(o.Context(), l.User.Id, auth.RightsChange{Op: auth.RightsRoles, Roles: []string{auth.RoleRegional}, Regions: provinces}); err != nil {
		o.Fatal(err)
	}
	var t wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+l.RefreshToken+`"}`).Into(o, &t)
	l.AccessToken = t.AccessToken
	return l
}

// atNewsdesk reports whether an operation is one that regional admins have too, for
// announcements of theirs.
func atNewsdesk(op api.Operation) bool {
	const approvals = "/v1/admin/approvals"
	return strings.HasPrefix(op.Path, "/v1/announcements") || op.Path == approvals || op.Path == approvals+"/{approval}/decision"
}

// TestWhatARegionalAdminMay walks through the table three times: in their province they read
// five things of a business; they look after announcements of theirs, and have nothing else; in another
// province everything is as if it were not there, to the byte; and without a proof they are strangers.
func TestWhatARegionalAdminMay(t *testing.T) {
	o := newTour(t)
	owner, stranger := o.enter("+628117000001"), o.enter("+628117000002")
	o.proved("+628117000006") // the last admin
	lampung, bali := o.regional("+628117000007", "18", "19"), o.regional("+628117000008", "51")
	if err := o.parts.Programme.Seed(t.Context(), domain.ReferenceLists()); err != nil {
		t.Fatal(err)
	}
	business, mentor := o.makeBusiness(owner), o.withRole("+628117000004", "mentor").User.Id
	byCode := o.made(o.enter("+628117000009"), "18")
	one := "/v1/businesses/{business}"
	may := []string{one, one + "/members", one + "/assignments", one + "/health", one + "/totals"}
	ofProvince := []string{"GET /v1/programmes/{programme}/files", "GET /v1/programmes/{programme}/enrolments", "GET /v1/mentors", "GET /v1/mentors/{mentor}/profile", "GET /v1/mentors/{mentor}/caseload"}
	here, absent := &walk{tour: o}, &walk{tour: o}
	here.filled(business, mentor)
	absent.filled("/v1/businesses/"+nobody, mentor)
	named := strings.NewReplacer(strings.TrimPrefix(business, "/v1/businesses/"), nobody)
	same := regexp.MustCompile(`"request_id":"[^"]*"`)
	here.each(func(op api.Operation) {
		in, out := here.ask(op, lampung.AccessToken), here.ask(op, stranger.AccessToken)
		switch {
		case atNewsdesk(op):
			if want := map[bool]int{true: 404, false: map[string]int{"GET": 200, "POST": 403}[op.Method]}[strings.Contains(op.Path, "{")]; in.Status != want || want == 403 && in.Problem.Code != "outside_region" {
				t.Errorf("%s %s: %d %s", op.Method, op.Path, in.Status, in.Body)
			}
			if r := here.ask(op, byCode.AccessToken); r.Status != 403 || r.Problem.Code != "second_factor_required" && r.Problem.Code != "step_up_required" {
				t.Errorf("%s %s by code: %d %s", op.Method, op.Path, r.Status, r.Body)
			}
		case op.Method == "GET" && slices.Contains(may, op.Path):
			if in.Status != 200 {
				t.Errorf("%s %s: %d %s", op.Method, op.Path, in.Status, in.Body)
			}
		case strings.HasPrefix(op.Path, one) && in.Status != 403 && in.Status != 422 && in.Problem.Code != "stale_version":
			t.Errorf("%s %s: %d %s", op.Method, op.Path, in.Status, in.Body)
		case !strings.HasPrefix(op.Path, one) && (in.Status != out.Status || in.Problem.Code != out.Problem.Code) && !slices.Contains(ofProvince, op.Method+" "+op.Path):
			t.Errorf("%s %s: %d %s, a stranger %d %s", op.Method, op.Path, in.Status, in.Body, out.Status, out.Body)
		}
		if !strings.HasPrefix(op.Path, one) {
			return
		}
		far, none := here.ask(op, bali.AccessToken), absent.ask(op, bali.AccessToken)
		a, b := same.ReplaceAllString(named.Replace(string(far.Body)), ""), same.ReplaceAllString(string(none.Body), "")
		if far.Status != 404 || far.Status != none.Status || a != b {
			t.Errorf("%s %s from elsewhere: %d %s, absent: %d %s", op.Method, op.Path, far.Status, far.Body, none.Status, none.Body)
		}
		if r := here.ask(op, byCode.AccessToken); r.Status != 403 || r.Problem.Code != "second_factor_required" {
			t.Errorf("%s %s by code: %d %s", op.Method, op.Path, r.Status, r.Body)
		}
	})
	if b, err := o.parts.Programme.Business(t.Context(), programme.Caller{User: owner.User.Id}, strings.TrimPrefix(business, "/v1/businesses/")); err != nil || b.Text("name") != "Rajut Metro" || b.Text("merged_into") != "" {
		t.Errorf("after the walk: %+v, %v", b, err)
	}
}

// wantsFresh reports whether an operation is one of those for which a second factor must
// have been shown just now: rights, imports, what selects people, publication and what goes to
// many.
func wantsFresh(op api.Operation) bool {
	const programme, announcement = "/v1/programmes/{programme}", "/v1/announcements/{announcement}"
	return op.Method != "GET" && (strings.HasPrefix(op.Path, "/v1/admin/") || slices.Contains([]string{programme + "/imports", programme + "/curators", programme + "/curators/{curator}", programme + "/files/{file}", programme + "/stages/{stage}/decision",
		programme + "/stages/{stage}/approval", programme + "/sheets/{sheet}/reopening", programme + "/publication", programme + "/publication/approval", programme + "/publication/withdrawal", announcement + "/operations", announcement + "/versions"}, op.Path))
}

// TestRightsWantAFreshProof: every change of rights, every import, decision of a stage, publication and
// broadcast refuses an admin who showed a second factor more than fifteen minutes ago.
func TestRightsWantAFreshProof(t *testing.T) {
	o := newTour(t)
	owner := o.enter("+628117000001")
	admin, next := o.proved("+628117000006")
	w := &walk{tour: o}
	w.filled(o.makeBusiness(owner), admin.User.Id)
	o.clock.Advance(16 * time.Minute)
	var stale, young wire.Tokens
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+admin.RefreshToken+`"}`).Into(t, &stale)
	refused := []api.Operation{}
	w.each(func(op api.Operation) {
		if !wantsFresh(op) {
			return
		}
		if r := w.ask(op, stale.AccessToken); r.Status != 403 || r.Problem.Code != "step_up_required" {
			t.Errorf("%s %s: %d %s", op.Method, op.Path, r.Status, r.Body)
		}
		refused = append(refused, op)
	})
	if len(refused) != 20 {
		t.Errorf("only %d routes were asked", len(refused))
	}
	o.want(200, stale.AccessToken, "POST", "/v1/auth/step-up", `{"code":"`+next()+`"}`).Into(t, &young)
	for _, op := range refused {
		if r := w.ask(op, young.AccessToken); r.Problem.Code == "step_up_required" {
			t.Errorf("%s %s: %d %s", op.Method, op.Path, r.Status, r.Body)
		}
	}
}
