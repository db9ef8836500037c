package play_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// officer is a regional admin.
type officer struct {
	*play.Phone
	province, secret, approval string
	device                     replica.Device
}

// officer makes somebody an admin of a province: one admin proposes it, another one
// approves, and they set up a password and a second factor.
func (b *beside) officer(name, province string) *officer {
	b.Helper()
	const users, approvals = "/v1/admin/users", "/v1/admin/approvals/"
	who := b.person()
	p, err := b.w.NewPhone(who, name)
	b.ok(err)
	o := &officer{Phone: p, province: province, device: clientDevice()}
	o.device.Install = p.IDs.New()
	var in struct {
		User     ticket `json:"user"`
		Approval struct {
			ID   string `json:"id"`
			What string `json:"what"`
		} `json:"approval"`
	}
	b.login()
	b.send(b.admin, "POST", users, "", map[string]any{"phone": who.Number, "name": name, "roles": []string{auth.RoleRegional}, "regions": []string{province}, "reason": "Dinas"}, &in)
	b.send(b.second, "POST", approvals+in.Approval.ID+"/decision", "", map[string]any{"approve": true, "what": in.Approval.What}, nil)
	var once struct {
		Token  string `json:"token"`
		Secret string `json:"secret"`
	}
	b.send(b.admin, "POST", approvals+in.Approval.ID+"/token", "", nil, &once)
	b.send(b.admin, "POST", "/v1/auth/setup", "", map[string]any{"token": once.Token, "password": play.Password}, &once)
	code, err := auth.FactorCode(once.Secret, b.w.Clock.Now())
	b.ok(err)
	b.send(b.admin, "POST", "/v1/auth/setup/confirm", "", map[string]any{"token": once.Token, "code": code}, nil)
	o.secret, o.approval = once.Secret, in.Approval.ID
	return o
}

// enters logs an officer in, with the next code.
func (b *beside) enters(o *officer) {
	b.Helper()
	b.w.Clock.Advance(time.Minute)
	code, err := auth.FactorCode(o.secret, b.w.Clock.Now())
	b.ok(err)
	b.ok(o.HTTP.PasswordLogin(b.Context(), o.Who.Number, play.Password, code, o.device))
	b.ok(b.w.Step(b.Context()))
}

// officersSeeTheirs has the admins of two provinces ask for every business and every list of
// files: they are told of what lies in their province, in whichever programme, and of
// nothing else.
func (b *beside) officersSeeTheirs() {
	b.Helper()
	s := b.secrets()
	for _, o := range b.officers {
		b.enters(o)
		b.sync(o.Phone)
		mine := func(x *secret) bool { return x.provinces[o.province] }
		texts := b.lists(o.Phone)
		texts["a new phone"] = b.fresh(o.Phone)
		for _, e := range b.all {
			var seen, want []string
			for _, f := range b.files(e) {
				here := string(domain.Region(f.Text("region_code")).Province()) == o.province
				if here {
					want = append(want, f.ID)
				}
				for _, rest := range []string{"", "/members", "/assignments", "/health", "/totals"} {
					path := "/v1/businesses/" + f.Text("business_id") + rest
					a := b.asks(o.Phone, "GET", path, "")
					if texts[path] = string(a.body); here != (a.status == http.StatusOK) || !here && a.status != http.StatusNotFound {
						b.Errorf("%s: %s of %s: %d", o.Name, path, f.Text("region_code"), a.status)
					}
				}
			}
			seen, texts[e.path("/files")] = b.pages(o.Phone, e)
			if slices.Sort(want); !slices.Equal(seen, want) {
				b.Errorf("%s sees of %s the files %v, want %v", o.Name, e.code, seen, want)
			}
			if e.news != "" {
				path, theirs := "/v1/announcements/"+e.news, slices.Contains(e.newsFor, o.province)
				a := b.asks(o.Phone, "GET", path, "")
				if texts[path] = string(a.body); theirs != (a.status == http.StatusOK) || !theirs && a.status != http.StatusNotFound {
					b.Errorf("%s: news of %s: %d", o.Name, e.code, a.status)
				}
			}
			if e.mentor != nil {
				path := "/v1/mentors/" + e.mentor.Me().User + "/caseload"
				texts[path] = string(b.asks(o.Phone, "GET", path, "").body)
			}
			for _, path := range []string{e.path(""), e.path("/files?region=18.71"), e.path("/files?region=33.74"), e.path("/files?state=selected")} {
				texts[path] = string(b.asks(o.Phone, "GET", path, "").body)
			}
		}
		for path, text := range texts {
			if told := s.told(text, true, mine); len(told) > 0 {
				b.Errorf("%s is told by %s of %v", o.Name, path, told)
			}
		}
		b.officerLeaves(o, s, mine)
	}
}

// officerLeaves looks at what the trail says that an officer saw.
func (b *beside) officerLeaves(o *officer, s secrets, mine func(*secret) bool) {
	b.Helper()
	b.login()
	text := string(b.asks(b.admin, "GET", "/v1/admin/audit?actor="+o.Me().User+"&limit=500", "").body)
	if told := s.told(text, true, mine); len(told) > 0 || !strings.Contains(text, "regional_admin") {
		b.Errorf("%s left in the trail %v: %.300s", o.Name, told, text)
	}
}

// pages are the files of a programme as somebody reads them, two at a time.
func (b *beside) pages(p *play.Phone, e *edition) (ids []string, text string) {
	b.Helper()
	for next := ""; ; {
		a := b.asks(p, "GET", e.path("/files?limit=2&after="+next), "")
		var page struct {
			Files []ticket `json:"files"`
			Next  string   `json:"next"`
		}
		if b.ok(json.Unmarshal(a.body, &page)); a.status != http.StatusOK {
			b.Fatalf("%s: files of %s: %d %s", p.Name, e.code, a.status, a.body)
		}
		for _, f := range page.Files {
			ids = append(ids, f.ID)
		}
		text += string(a.body)
		if next = page.Next; next == "" {
			slices.Sort(ids)
			return ids, text
		}
	}
}

// adminsReadOfOne: what an admin is told of one programme says nothing of the others.
func (b *beside) adminsReadOfOne() {
	b.Helper()
	s := b.secrets()
	b.login()
	for n, e := range b.all {
		audit := "/v1/admin/audit?from=2022-02-01T00:00:00Z&limit=500&subject="
		paths := []string{e.path("/files"), e.path("/stages/1"), e.path("/stages/2"), e.path("/curators"), e.path("/publication"), e.path(""), "/v1/jobs/" + e.job, "/v1/announcements/" + e.news,
			"/v1/announcements/" + e.news + "/preview", "/v1/announcements/" + e.news + "/receipts", audit + e.id, audit + e.application("early"), audit + e.mentor.Me().User}
		for _, path := range paths {
			a := b.asks(b.admin, "GET", path, "")
			if told := s.told(string(a.body), false, of(1<<n)); a.status != http.StatusOK || len(told) > 0 {
				b.Errorf("%s: %d tells of %v", path, a.status, told)
			}
		}
		if ids, _ := b.pages(b.admin, e); len(ids) != 5 {
			b.Errorf("%s: an admin sees %d files", e.code, len(ids))
		}
	}
}

// operations are those that want a proof of identity, but for sync.
func (b *beside) operations() []api.Operation {
	return slices.DeleteFunc((&api.Server{}).Operations(), func(op api.Operation) bool {
		return !strings.HasPrefix(op.Path, "/v1/") || strings.HasPrefix(op.Path, "/v1/sync") || strings.HasPrefix(op.Path, "/v1/auth")
	})
}

const absent = "0190ffff-0000-7000-8000-0000000000ff" // the id of nothing

// named fills the holes of paths with what belongs to an owner of a programme.
func (b *beside) named(e *edition, owner string) map[string]string {
	b.Helper()
	out := map[string]string{"business": e.business[owner], "programme": e.id, "announcement": e.news, "job": e.job, "approval": b.officers[0].approval, "user": e.early.Me().User,
		"mentor": e.mentor.Me().User, "id": e.application(owner), "device": e.early.Me().Device, "enrolment": domain.EnrolmentID(e.application(owner)), "sheet": domain.SheetID(e.application(owner), 2, e.curators[1].Me().User)}
	for hole, collection := range map[string]string{"member": "membership", "assignment": "assignment", "task": "task"} {
		rows, err := b.w.Rows(b.Context(), "business/"+e.business[owner], collection)
		b.ok(err)
		if len(rows) == 0 {
			b.Fatalf("%s has no %s", e.code, collection)
		}
		out[hole] = rows[0].ID
	}
	return out
}

var (
	asked   = regexp.MustCompile(`"request_id":"[^"]*"`)
	patchOf = regexp.MustCompile(`"patch":\{[^}]*\},`) // which is refused before anybody looks what it is for
)

// nobodyIsThere asks for everything of another programme by its ids, as owner, mentor,
// curator and officer: each answer is, to the byte, that to the ids of nothing.
func (b *beside) nobodyIsThere() {
	b.Helper()
	spec, err := apitest.Load(b.Context())
	b.ok(err)
	before, entered := b.heads(), map[string]bool{}
	visit := func(p *play.Phone, e *edition, public ...string) {
		b.Helper()
		entered[merge.UserScope(p.Me().User)] = true
		b.asksAll(spec, p, e, public)
	}
	vouch := func(p *play.Phone, user string) answer {
		b.Helper()
		entered[merge.UserScope(p.Me().User)] = true
		return b.asks(p, "POST", "/v1/admin/attest", `{"user_id":"`+user+`","hours":1}`)
	}
	const caseload = "GET /v1/mentors/{mentor}/caseload" // of whom Yogyakarta sees what lies there
	const shown, files, enrolled = "GET /v1/programmes/{programme}", "GET /v1/programmes/{programme}/files", "GET /v1/programmes/{programme}/enrolments"
	for n, e := range b.all {
		for _, p := range []*play.Phone{e.grace, e.mentor, e.curators[1]} {
			b.ok(p.Login(b.Context())) // with a fresh proof
			other := b.all[(n+1)%len(b.all)]
			visit(p, other, shown)
			for _, foreign := range []*play.Phone{other.early, other.mentor, other.curators[1]} {
				if far, none := vouch(p, foreign.Me().User), vouch(p, absent); far.status < 400 || far.status != none.status {
					b.Errorf("%s vouches for %s: %d, for nobody: %d", p.Name, foreign.Name, far.status, none.status)
				}
			}
		}
		if a := vouch(e.mentor, e.early.Me().User); a.status != http.StatusNoContent {
			b.Errorf("%s cannot vouch for an owner of its own: %d %s", e.mentor.Name, a.status, a.body)
		}
	}
	for _, o := range b.officers {
		b.enters(o)
		public := []string{shown, files, enrolled}
		visit(o.Phone, b.all[0], public...)
		if slices.Contains(b.all[2].provinces, o.province) {
			public = append(public, caseload)
		}
		if slices.Contains(b.all[2].newsFor, o.province) {
			for _, op := range b.operations() {
				if strings.Contains(op.Path, "{announcement}") {
					public = append(public, op.Method+" "+op.Path)
				}
			}
		}
		visit(o.Phone, b.all[2], public...) // by its business in the other of its two provinces
	}
	for scope, at := range b.heads() {
		if before[scope] != at && !entered[scope] { // a login says where somebody is
			b.Errorf("who asked has moved %s", scope)
		}
	}
}

// asksAll asks as somebody every operation with an id in its path, but for what is public:
// with the ids of a programme, and with those of nothing.
func (b *beside) asksAll(spec *apitest.Spec, p *play.Phone, e *edition, public []string) {
	b.Helper()
	there, n := b.named(e, "early"), 0
	words := strings.NewReplacer("{collection}", "application", "{stage}", "2")
	for _, op := range b.operations() {
		if !strings.Contains(op.Path, "{") || strings.Contains(op.Path, "{list}") || slices.Contains(public, op.Method+" "+op.Path) {
			continue
		}
		n++
		body, path := patchOf.ReplaceAllString(spec.Example(op.Method, op.Path), ""), words.Replace(op.Path)
		far := b.asks(p, op.Method, fill(path, func(hole string) string { return there[hole] }), body, "If-Match", `"1-1"`)
		none := b.asks(p, op.Method, fill(path, func(string) string { return "" }), body, "If-Match", `"1-1"`)
		for _, id := range there {
			far.body = bytes.ReplaceAll(far.body, []byte(id), []byte(absent))
		}
		x, y := asked.ReplaceAll(far.body, nil), asked.ReplaceAll(none.body, nil)
		if far.status < 400 || far.status != none.status || !bytes.Equal(x, y) || far.header.Get("Etag") != none.header.Get("Etag") {
			b.Errorf("%s asks %s %s of %s: %d %s; of nothing: %d %s", p.Name, op.Method, op.Path, e.code, far.status, x, none.status, y)
		}
	}
	if n < 40 {
		b.Errorf("only %d operations were asked", n)
	}
}

var hole = regexp.MustCompile(`\{(\w+)\}`)

// fill puts ids into the holes of a path; the id of nothing where there is none.
func fill(path string, id func(string) string) string {
	return hole.ReplaceAllStringFunc(path, func(h string) string {
		if of := id(strings.Trim(h, "{}")); of != "" {
			return of
		}
		return absent
	})
}

// nobodyWrites has people write into another programme from their phones: where it is
// decided, into the panel of its curator, into its businesses. They are refused with the
// same words as for what does not exist.
func (b *beside) nobodyWrites() {
	b.Helper()
	for n, e := range b.all {
		other := b.all[(n+1)%len(b.all)]
		for _, p := range []*play.Phone{e.late, e.mentor, e.curators[1]} {
			b.sync(p)
			before := b.heads()
			codes := func(programme, business, user, application string) string {
				b.Helper()
				sheet := domain.SheetID(application, 2, user)
				ids := []string{
					b.in(p, domain.DecisionScope(programme), "case_file", application, map[string]any{"rank": 1}),
					b.in(p, domain.PanelScope(programme, user), "sheet", sheet, map[string]any{"application_id": application, "stage": 2, "note": "baik"}),
					b.in(p, "business/"+business, "product", "", map[string]any{"name": "Keripik", "unit": "pack", "price_idr": 15_000}),
					b.in(p, "business/"+business, "application_event", "", map[string]any{"application_id": application, "op": "withdraw"}),
					b.in(p, domain.ScopeMentoring+"/"+business, "mentor_note", "", map[string]any{"text": "x"}),
					b.in(p, merge.UserScope(user), "consent", "", map[string]any{"user_id": user, "purpose": "curation", "granted": false, "text_version": "2022-01-01"})}
				b.sync(p, p)
				refused, err := p.Refused()
				b.ok(err)
				var out []string
				for _, id := range ids {
					i := slices.IndexFunc(refused, func(r replica.Refused) bool { return r.ID == id })
					if i < 0 {
						b.Errorf("%s wrote %s of %s", p.Name, id, other.code)
						continue
					}
					out = append(out, refused[i].Code+" "+refused[i].Field)
				}
				return fmt.Sprint(out)
			}
			far := codes(other.id, other.business["early"], other.curators[1].Me().User, other.application("early"))
			none := codes(absent, absent, absent, absent)
			if far != none {
				b.Errorf("%s writes into %s: %s; into nothing: %s", p.Name, other.code, far, none)
			}
			for scope, at := range b.heads() {
				if mine := b.expected(p); before[scope] != at && !mine[scope] && scope != domain.GeneralQueue {
					b.Errorf("%s moved %s", p.Name, scope)
				}
			}
		}
	}
}
