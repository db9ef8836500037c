package play_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// requestTrips are the most round trips of each operation of openapi.yaml but those of
// sync, as TestRoundTripsOfRequests plays them. Behind a comma stands what else it
// depends on.
func requestTrips() map[string]int {
	return map[string]int{
		"POST /v1/auth/code":                                               14,
		"POST /v1/auth/code, again at once":                                1,
		"POST /v1/auth/login":                                              35,
		"POST /v1/auth/login, the first of a person":                       48,
		"POST /v1/auth/password":                                           35,
		"POST /v1/auth/password, the first of a person":                    47,
		"POST /v1/auth/setup":                                              7,
		"POST /v1/auth/setup/confirm":                                      11,
		"POST /v1/auth/step-up":                                            12,
		"POST /v1/me/password":                                             10,
		"POST /v1/auth/refresh":                                            5,
		"POST /v1/auth/logout":                                             6,
		"GET /v1/me":                                                       1,
		"GET /v1/me/sessions":                                              3,
		"DELETE /v1/me/sessions":                                           7,
		"DELETE /v1/me/sessions/{session}":                                 6,
		"GET /v1/me/devices":                                               1,
		"DELETE /v1/me/devices/{device}":                                   27,
		"POST /v1/me/devices/{device}/incarnations":                        6,
		"PUT /v1/me/devices/{device}/push":                                 6,
		"DELETE /v1/me/devices/{device}/push":                              3,
		"GET /v1/admin/push":                                               17,
		"GET /v1/admin/push/deliveries":                                    2,
		"POST /v1/admin/push/deliveries/{delivery}/replay":                 12,
		"POST /v1/admin/push/check":                                        2,
		"GET /v1/sync/live":                                                1,
		"GET /v1/sync/wait":                                                1,
		"GET /v1/businesses, of one":                                       2,
		"GET /v1/businesses, of four":                                      5,
		"POST /v1/businesses":                                              14,
		"GET /v1/businesses/{business}":                                    3,
		"POST /v1/businesses/{business}/merge":                             26,
		"GET /v1/businesses/{business}/members":                            3,
		"POST /v1/businesses/{business}/members":                           15,
		"GET /v1/businesses/{business}/assignments":                        3,
		"POST /v1/businesses/{business}/assignments":                       21,
		"GET /v1/businesses/{business}/health":                             9,
		"GET /v1/businesses/{business}/notes":                              5,
		"GET /v1/businesses/{business}/totals":                             4,
		"GET /v1/mentors, of two":                                          8,
		"GET /v1/mentors/{mentor}/profile":                                 5,
		"PUT /v1/mentors/{mentor}/profile":                                 20,
		"PATCH /v1/programmes/{programme}/curators/{curator}":              18,
		"GET /v1/mentors/{mentor}/caseload":                                7,
		"POST /v1/mentors/{mentor}/handover":                               22,
		"GET /v1/jobs/{job}":                                               2,
		"GET /v1/programmes":                                               3,
		"GET /v1/programmes/{programme}":                                   3,
		"PATCH /v1/programmes/{programme}":                                 17,
		"POST /v1/programmes":                                              19,
		"POST /v1/programmes/{programme}/status":                           23,
		"POST /v1/programmes/{programme}/imports":                          25,
		"POST /v1/programmes/{programme}/imports/check":                    7,
		"GET /v1/programmes/{programme}/files":                             6,
		"GET /v1/programmes/{programme}/files/{file}":                      5,
		"PATCH /v1/programmes/{programme}/files/{file}":                    24,
		"GET /v1/programmes/{programme}/enrolments":                        9,
		"POST /v1/programmes/{programme}/enrolments/{enrolment}/events":    26,
		"POST /v1/programmes/{programme}/curators":                         23,
		"GET /v1/programmes/{programme}/curators":                          7,
		"POST /v1/programmes/{programme}/begin":                            21,
		"GET /v1/programmes/{programme}/stages/{stage}":                    7,
		"POST /v1/programmes/{programme}/stages/{stage}/decision":          25,
		"POST /v1/programmes/{programme}/stages/{stage}/shares":            23,
		"POST /v1/programmes/{programme}/stages/{stage}/approval":          26,
		"POST /v1/programmes/{programme}/sheets/{sheet}/reopening":         18,
		"POST /v1/programmes/{programme}/publication":                      20,
		"GET /v1/programmes/{programme}/publication":                       6,
		"POST /v1/programmes/{programme}/publication/approval":             21,
		"POST /v1/programmes/{programme}/publication/withdrawal":           20,
		"GET /v1/plan-templates":                                           4,
		"POST /v1/plan-templates":                                          18,
		"GET /v1/reference/{list}":                                         3,
		"POST /v1/reference/{list}":                                        17,
		"PATCH /v1/reference/{list}/{code}":                                17,
		"GET /v1/reviews":                                                  6,
		"POST /v1/reviews/{review}/resolution":                             17,
		"GET /v1/admin/users":                                              2,
		"POST /v1/admin/users":                                             37,
		"POST /v1/admin/users/{user}/rights":                               18,
		"POST /v1/admin/users/{user}/factor":                               18,
		"GET /v1/admin/approvals":                                          4,
		"POST /v1/admin/approvals/{approval}/decision":                     18,
		"POST /v1/admin/approvals/{approval}/token":                        21,
		"GET /v1/admin/audit":                                              5,
		"POST /v1/admin/attest":                                            12,
		"GET /.well-known/jwks.json":                                       0,
		"GET /healthz":                                                     0,
		"GET /readyz":                                                      2,
		"GET /version":                                                     0,
		"PATCH /v1/businesses/{business}/members/{member}":                 9,
		"PATCH /v1/businesses/{business}/assignments/{assignment}":         23,
		"POST /v1/businesses/{business}/tasks/{task}/events":               19,
		"POST /v1/businesses/{business}/cases/{case}/events":               19,
		"POST /v1/businesses/{business}/applications/{application}/events": 21,
		"POST /v1/businesses/{business}/sales/{entry}/adjustments":         20,
		"GET /v1/businesses/{business}/records/{collection}/{id}":          3,
		"PATCH /v1/businesses/{business}/records/{collection}/{id}":        17,
		"POST /v1/announcements":                                           17,
		"GET /v1/announcements":                                            3,
		"GET /v1/announcements/{announcement}":                             3,
		"PATCH /v1/announcements/{announcement}":                           18,
		"GET /v1/announcements/{announcement}/preview, of one business":    6,
		"POST /v1/announcements/{announcement}/operations":                 23,
		"POST /v1/announcements/{announcement}/versions":                   23,
		"GET /v1/announcements/{announcement}/versions":                    4,
		"GET /v1/announcements/{announcement}/receipts":                    15,
	}
}

// TestEveryRequestHasItsRoundTrips holds docs/scale.md against the numbers above, and
// these against what the program answers.
func TestEveryRequestHasItsRoundTrips(t *testing.T) {
	t.Parallel()
	needsRepository(t)
	page, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	want, written := requestTrips(), map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)`([^|]*?) \\| (\\d+) \\|").FindAllStringSubmatch(string(page), -1) {
		n, err := strconv.Atoi(row[3])
		if err != nil {
			t.Fatal(err)
		}
		written[row[1]+row[2]] = n
	}
	if !maps.Equal(written, want) {
		t.Errorf("docs/scale.md says %v, counted are %v", written, want)
	}
	elsewhere := []string{"/v1/sync", "/v1/sync/push", "/v1/sync/pull", "/openapi.yaml", "/docs", "/docs/{file}"} // counted above, or out of the program itself
	for _, op := range (&api.Server{}).Operations() {
		name := op.Method + " " + op.Path
		counted := slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(k string) bool { return k == name || strings.HasPrefix(k, name+",") })
		if !counted && !slices.Contains(elsewhere, op.Path) {
			t.Errorf("nobody has counted %s", name)
		}
	}
}

// requests is a business with a mentor and an admin, whose requests are counted.
type requests struct {
	*accompanied
	seen trips
	cost map[string]int // most round trips by request
	keys int

	second *play.Phone // of another admin
}

func setRequests(t *testing.T) *requests {
	t.Helper()
	o := &requests{cost: map[string]int{}}
	db, err := mongo.Open(t.Context(), mongotest.Address(t), mongo.Options{OnCommand: o.seen.see})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o.accompanied = accompany(t, func(p *play.Options) { p.Store, p.Identity, p.Crowd = db, db.Identity(), 3 })
	return o
}

// count counts one request, and lets the server do afterwards what is behind it.
func (o *requests) count(name string, do func() error) {
	o.Helper()
	o.ok(o.w.Step(o.Context()))
	o.seen.take()
	o.ok(do())
	got := o.seen.take()
	o.Logf("%s: %d round trips %v", name, len(got), got)
	o.cost[name] = max(o.cost[name], len(got))
	o.ok(o.w.Step(o.Context()))
	o.w.Clock.Advance(time.Second)
}

// ask counts a request that somebody makes. The name is its line in openapi.yaml, and
// may say more behind a comma.
func (o *requests) ask(p *play.Phone, name, path, tag string, in, out any) {
	o.Helper()
	method, _, _ := strings.Cut(name, " ")
	header := http.Header{}
	if method == http.MethodPost {
		o.keys++
		header.Set("Idempotency-Key", fmt.Sprintf("trips-%06d", o.keys))
	}
	if tag != "" {
		header.Set("If-Match", tag)
	}
	o.count(name, func() error { return p.HTTP.Call(o.Context(), method, path, header, in, out) })
}

type ticket struct {
	ID   string `json:"id"`
	Etag string `json:"etag"`
}

// TestRoundTripsOfRequests counts at the driver every operation of openapi.yaml but
// those of sync, each answered for the first time and with what it is asked for.
func TestRoundTripsOfRequests(t *testing.T) {
	t.Parallel()
	o := setRequests(t)
	o.programmes()
	o.logins()
	o.passwords()
	o.people()
	o.account()
	o.enterprise()
	o.mentorships()
	o.work()
	o.looks()
	o.streams()
	o.lists()
	o.queues()
	o.mergers()
	want := requestTrips()
	for _, name := range slices.Sorted(maps.Keys(o.cost)) {
		if most, ok := want[name]; !ok || o.cost[name] > most {
			t.Errorf("%s: %d round trips, at most %d are promised", name, o.cost[name], most)
		}
	}
	for name := range want {
		if _, ok := o.cost[name]; !ok {
			t.Errorf("%s was not counted", name)
		}
	}
}

func (o *requests) logins() {
	o.Helper()
	var c replica.Challenge
	who := o.w.Neighbour(0)
	p, err := o.w.NewPhone(who, "new")
	o.ok(err)
	code := func(phone string) func() error {
		return func() (err error) {
			c, err = p.HTTP.RequestCode(o.Context(), phone, clientDevice().Install)
			return err
		}
	}
	login := func() error { return p.HTTP.Login(o.Context(), who.Number, c.ID, play.Code, clientDevice()) }
	o.count("POST /v1/auth/code", code("+628119000001"))
	o.count("POST /v1/auth/code, again at once", code("+628119000001"))
	o.ok(code(who.Number)())
	o.count("POST /v1/auth/login, the first of a person", login)
	o.w.Clock.Advance(time.Minute)
	o.ok(code(who.Number)())
	o.count("POST /v1/auth/login", login)
	s, err := p.Session()
	o.ok(err)
	var next struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	o.ask(p, "POST /v1/auth/refresh", "/v1/auth/refresh", "", map[string]any{"refresh_token": s.Refresh}, &next)
	o.ok(p.KeepSession(replica.Session{Access: next.Access, Refresh: next.Refresh}))
	o.ask(p, "POST /v1/auth/logout", "/v1/auth/logout", "", nil, nil)
}

// passwords is somebody who becomes an admin.
func (o *requests) passwords() {
	o.Helper()
	people := o.w.App.Auth
	u, err := people.CreateUser(o.Context(), "+628119000003", []string{auth.RoleAdmin})
	o.ok(err)
	token, _, err := people.ResetFactor(o.Context(), u.ID)
	o.ok(err)
	var set struct {
		Secret string `json:"secret"`
	}
	o.ask(o.admin, "POST /v1/auth/setup", "/v1/auth/setup", "", map[string]any{"token": token, "password": play.Password}, &set)
	code := func(aside time.Duration) string {
		c, err := auth.FactorCode(set.Secret, o.w.Clock.Now().Add(aside))
		o.ok(err)
		return c
	}
	o.ask(o.admin, "POST /v1/auth/setup/confirm", "/v1/auth/setup/confirm", "", map[string]any{"token": token, "code": code(0)}, nil)
	p, err := o.w.NewPhone(&play.Person{Name: "Pak Rudi", Number: u.Phone}, "desk")
	o.ok(err)
	login := func() error {
		return p.HTTP.PasswordLogin(o.Context(), u.Phone, play.Password, code(0), clientDevice())
	}
	for _, name := range []string{"POST /v1/auth/password, the first of a person", "POST /v1/auth/password"} {
		o.w.Clock.Advance(time.Minute)
		o.count(name, login)
	}
	o.w.Clock.Advance(time.Minute)
	o.second = p
	o.ask(p, "POST /v1/auth/step-up", "/v1/auth/step-up", "", map[string]any{"code": code(0)}, nil)
	o.w.Clock.Advance(time.Minute)
	o.curation(p)
	o.news(p)
	o.ask(p, "POST /v1/me/password", "/v1/me/password", "", map[string]any{"old": play.Password, "new": "delapan perahu di dermaga", "code": code(0)}, nil)
}

// people is an admin who is made by two others.
func (o *requests) people() {
	o.Helper()
	const users, approvals = "/v1/admin/users", "/v1/admin/approvals"
	var in struct {
		User     ticket `json:"user"`
		Approval struct {
			ID   string `json:"id"`
			What string `json:"what"`
		} `json:"approval"`
	}
	o.ask(o.admin, "GET /v1/admin/users", users+"?role=mentor", "", nil, nil)
	o.ask(o.admin, "POST /v1/admin/users", users, "", map[string]any{"phone": "+628119000004", "name": "Pak Made", "roles": []string{"admin"}}, &in)
	one := approvals + "/" + in.Approval.ID
	o.ask(o.second, "POST /v1/admin/approvals/{approval}/decision", one+"/decision", "", map[string]any{"approve": true, "what": in.Approval.What}, nil)
	o.ask(o.admin, "POST /v1/admin/approvals/{approval}/token", one+"/token", "", nil, nil)
	o.ask(o.admin, "POST /v1/admin/users/{user}/rights", users+"/"+in.User.ID+"/rights", "", map[string]any{"op": "suspend"}, nil)
	o.ask(o.admin, "POST /v1/admin/users/{user}/factor", users+"/"+in.User.ID+"/factor", "", map[string]any{}, nil)
	o.ask(o.admin, "GET /v1/admin/approvals", approvals, "", nil, nil)
	dead := o.admin.IDs.New()
	o.ok(o.w.App.Push.Store.InsertDelivery(o.Context(), store.Delivery{ID: dead, Lane: "usual", State: store.DeliveryDead}))
	o.ask(o.admin, "GET /v1/admin/push", "/v1/admin/push", "", nil, nil)
	o.ask(o.admin, "GET /v1/admin/push/deliveries", "/v1/admin/push/deliveries", "", nil, nil)
	o.ask(o.admin, "POST /v1/admin/push/deliveries/{delivery}/replay", "/v1/admin/push/deliveries/"+dead+"/replay", "", nil, nil)
	o.ask(o.admin, "POST /v1/admin/push/check", "/v1/admin/push/check", "", nil, nil)
	o.ask(o.admin, "GET /v1/admin/audit", "/v1/admin/audit?subject="+in.User.ID, "", nil, nil)
}

func (o *requests) account() {
	o.Helper()
	a, b := o.enter(o.w.Neighbour(1), "a"), o.enter(o.w.Neighbour(1), "b")
	o.ask(a, "GET /v1/me", "/v1/me", "", nil, nil)
	o.ask(a, "GET /v1/me/sessions", "/v1/me/sessions", "", nil, nil)
	o.ask(a, "GET /v1/me/devices", "/v1/me/devices", "", nil, nil)
	mine := "/v1/me/devices/" + a.Me().Device
	o.ask(a, "POST /v1/me/devices/{device}/incarnations", mine+"/incarnations", "", map[string]any{}, nil)
	o.ask(a, "PUT /v1/me/devices/{device}/push", mine+"/push", "", map[string]any{"provider": "fcm", "kind": "token", "value": "a:b"}, nil)
	o.ask(a, "DELETE /v1/me/devices/{device}/push", mine+"/push", "", nil, nil)
	o.ask(a, "POST /v1/me/devices/{device}/incarnations", mine+"/incarnations", "", map[string]any{"incarnation": "made-by-the-phone-1"}, nil)
	o.ask(a, "DELETE /v1/me/devices/{device}", "/v1/me/devices/"+b.Me().Device, "", nil, nil)
	a = o.enter(o.w.Neighbour(2), "c")
	var all struct {
		Sessions []ticket `json:"sessions"`
	}
	o.ask(a, "GET /v1/me/sessions", "/v1/me/sessions", "", nil, &all)
	o.ask(a, "DELETE /v1/me/sessions/{session}", "/v1/me/sessions/"+all.Sessions[0].ID, "", nil, nil)
	o.w.Clock.Advance(time.Minute)
	o.ok(a.Login(o.Context()))
	o.ask(a, "DELETE /v1/me/sessions", "/v1/me/sessions", "", nil, nil)
}

func (o *requests) enterprise() {
	o.Helper()
	o.ask(o.owner, "GET /v1/businesses, of one", "/v1/businesses", "", nil, nil)
	one := "/v1/businesses/" + o.business
	o.ask(o.owner, "GET /v1/businesses/{business}", one, "", nil, nil)
	for n := range 3 {
		o.ask(o.owner, "POST /v1/businesses", "/v1/businesses", "", map[string]any{"id": o.owner.IDs.New(), "name": fmt.Sprint("Cabang ", n), "region_code": "18.10", "primary_category": "food_beverage"}, nil)
	}
	o.ask(o.owner, "GET /v1/businesses, of four", "/v1/businesses", "", nil, nil)
	var m ticket
	o.ask(o.owner, "POST /v1/businesses/{business}/members", one+"/members", "", map[string]any{"phone": "+628119000002", "role": "staff", "permissions": []string{"log_sales"}}, &m)
	o.ask(o.owner, "GET /v1/businesses/{business}/members", one+"/members", "", nil, nil)
	o.ask(o.owner, "PATCH /v1/businesses/{business}/members/{member}", one+"/members/"+m.ID, m.Etag, map[string]any{"permissions": []string{"see_totals"}}, nil)
}

func (o *requests) mentorships() {
	o.Helper()
	next := o.enter(o.w.Person("Bu Sinta"), "next")
	one := "/v1/businesses/" + o.business
	var a ticket
	o.ask(o.owner, "GET /v1/businesses/{business}/assignments", one+"/assignments", "", nil, nil)
	o.ask(o.admin, "PATCH /v1/businesses/{business}/assignments/{assignment}", one+"/assignments/"+o.window.ID, o.window.Etag,
		map[string]any{"to": o.w.Clock.Now(), "successor_id": next.Who.User, "handover_note": "Pindah wilayah"}, nil)
	o.ask(o.admin, "POST /v1/businesses/{business}/assignments", one+"/assignments", "", map[string]any{"mentor_id": o.mentor.Who.User, "track": "quality"}, &a)
	var m ticket
	o.ask(o.admin, "GET /v1/mentors/{mentor}/profile", "/v1/mentors/"+next.Who.User+"/profile", "", nil, &m)
	o.ask(o.admin, "PUT /v1/mentors/{mentor}/profile", "/v1/mentors/"+next.Who.User+"/profile", m.Etag, map[string]any{"tracks": []string{"digital"}, "capacity": 7}, nil)
	o.ask(o.admin, "GET /v1/mentors, of two", "/v1/mentors", "", nil, nil)
	var job ticket
	o.ask(o.admin, "GET /v1/mentors/{mentor}/caseload", "/v1/mentors/"+next.Who.User+"/caseload", "", nil, nil)
	o.ask(o.admin, "POST /v1/mentors/{mentor}/handover", "/v1/mentors/"+next.Who.User+"/handover", "", map[string]any{"to_id": o.mentor.Who.User}, &job)
	o.ask(o.admin, "GET /v1/jobs/{job}", "/v1/jobs/"+job.ID, "", nil, nil)
}

func (o *requests) work() {
	o.Helper()
	one := "/v1/businesses/" + o.business
	o.sync(o.mentor, o.mentor)
	task := o.write(o.mentor, "task", "", map[string]any{"title": "Foto produk", "origin": domain.OriginMentor, "track": "digital"})
	permit := o.write(o.mentor, "case", "", map[string]any{"kind": "nib", "subject": map[string]any{"type": "business"}})
	sale := o.sell(o.owner, 10_000)
	o.sync(o.mentor, o.owner)
	tag := func(collection, id string) string {
		var r ticket
		o.ask(o.admin, "GET /v1/businesses/{business}/records/{collection}/{id}", one+"/records/"+collection+"/"+id, "", nil, &r)
		return r.Etag
	}
	o.ask(o.admin, "PATCH /v1/businesses/{business}/records/{collection}/{id}", one+"/records/task/"+task, tag("task", task), map[string]any{"set": map[string]any{"due_on": "2022-05-31"}}, nil)
	o.ask(o.admin, "POST /v1/businesses/{business}/tasks/{task}/events", one+"/tasks/"+task+"/events", tag("task", task), map[string]any{"op": "verify", "note": "kunjungan"}, nil)
	o.ask(o.admin, "POST /v1/businesses/{business}/cases/{case}/events", one+"/cases/"+permit+"/events", tag("case", permit), map[string]any{"op": "approve", "note": "lengkap", "patch": map[string]any{"deadline_on": "2022-06-17"}}, nil)
	o.ask(o.admin, "POST /v1/businesses/{business}/sales/{entry}/adjustments", one+"/sales/"+sale+"/adjustments", tag("sales", sale), map[string]any{"op": domain.KindCorrect, "note": "Sesuai nota", "patch": map[string]any{"amount_idr": 11_000}}, nil)
}

func (o *requests) looks() {
	o.Helper()
	one := "/v1/businesses/" + o.business
	o.ask(o.owner, "GET /v1/businesses/{business}/health", one+"/health", "", nil, nil)
	o.ask(o.owner, "GET /v1/businesses/{business}/totals", one+"/totals", "", nil, nil)
	o.ask(o.admin, "GET /v1/businesses/{business}/notes", one+"/notes", "", nil, nil)
	o.ask(o.admin, "GET /v1/reviews", "/v1/reviews", "", nil, nil)
	o.ask(o.admin, "POST /v1/admin/attest", "/v1/admin/attest", "", map[string]any{"user_id": o.owner.Who.User, "hours": 24}, nil)
	o.ask(o.owner, "GET /.well-known/jwks.json", "/.well-known/jwks.json", "", nil, nil)
	for _, path := range []string{"/healthz", "/readyz", "/version"} {
		o.ask(o.owner, "GET "+path, path, "", nil, nil)
	}
}

func (o *requests) streams() {
	o.Helper()
	o.ask(o.owner, "GET /v1/sync/wait", "/v1/sync/wait?timeout_s=1", "", nil, nil)
	s, err := o.owner.Session()
	o.ok(err)
	req, err := http.NewRequestWithContext(o.Context(), http.MethodGet, o.owner.HTTP.Base+"/v1/sync/live", nil)
	o.ok(err)
	req.Header.Set("Authorization", "Bearer "+s.Access)
	o.count("GET /v1/sync/live", func() error {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = resp.Body.Read(make([]byte, 1))
		return err
	})
}

func (o *requests) lists() {
	o.Helper()
	o.ok(o.w.App.Programme.Seed(o.Context(), domain.ReferenceLists()))
	const path = "/v1/reference/marketplace"
	o.ask(o.owner, "GET /v1/reference/{list}", path, "", nil, nil)
	o.ask(o.owner, "GET /v1/reference/{list}", "/v1/reference/region?name=B.%20LAMPUNG", "", nil, nil)
	var e ticket
	o.ask(o.admin, "POST /v1/reference/{list}", path, "", map[string]any{"code": "lazada", "fields": map[string]any{"name_id": "Lazada"}}, &e)
	o.ask(o.admin, "PATCH /v1/reference/{list}/{code}", path+"/lazada", e.Etag, map[string]any{"fields": map[string]any{"active": false}}, nil)
}

func (o *requests) queues() {
	o.Helper()
	item := o.owner.IDs.New()
	_, err := o.w.App.Engine.Write(o.Context(), "decision/general", merge.ServerWrite{Name: "an item", Role: merge.System, Collection: "review_item", ID: item, Op: merge.Put,
		Create: true, Set: map[string]merge.Value{"what": merge.Str("verify_against_cancel"), "scope": merge.Str(o.scope)}})
	o.ok(err)
	o.ask(o.admin, "POST /v1/reviews/{review}/resolution", "/v1/reviews/"+item+"/resolution", "", map[string]any{"queue": "decision/general", "decision": "dismissed", "note": "Sudah dibicarakan."}, nil)
}

func (o *requests) mergers() {
	o.Helper()
	other, err := o.w.Found(o.Context(), o.owner, "Rafin Snack", "18.10")
	o.ok(err)
	o.ask(o.admin, "POST /v1/businesses/{business}/merge", "/v1/businesses/"+other+"/merge", "", map[string]any{"into": o.business}, nil)
}
