package api_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// edition is one programme in the middle of its curation, and one of everything that an
// admin's address may name beside it.
type edition struct {
	programme, sheet, file                    string
	announcement, approval, user, job, review string
	curator, mentor, business, template       string
	application                               string    // of the business
	home, enrolment                           string    // of the file, and the business that it is about
	seat                                      string    // of the curator
	delivery                                  string    // a push that nobody took
	seats                                     [2]*phone // its curators, of two institutions
}

// scene is a world with two programmes in two provinces that have nothing to do with each
// other, and people of every kind who look at them.
type scene struct {
	*tour
	boss, second  wire.Login // admins who have proved it
	next          func() string
	owner, mentor *phone // at home in a business, accompanying it
	here, there   edition
	stage         string // of the curation, in which everything stands
}

const emptyTable = "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"

// newScene makes the world. Nobody is told to come back later in it.
func newScene(o *tour) *scene {
	o.Helper()
	d := &scene{tour: o, stage: "2"}
	d.boss, d.next = o.proved("+628117000101")
	d.second, _ = o.proved("+628117000102")
	o.ok(0, o.parts.Programme.Seed(o.Context(), domain.ReferenceLists()))
	d.owner = o.phone("+628117000103")
	d.mentor = &phone{tour: o, Login: o.withRole("+628117000104", auth.RoleMentor)}
	business := strings.TrimPrefix(o.makeBusiness(d.owner.Login), "/v1/businesses/")
	o.want(201, d.boss.AccessToken, "POST", "/v1/businesses/"+business+"/assignments", `{"mentor_id":"`+d.mentor.User.Id+`"}`)
	d.here = d.edition("lampung", "18", "18.71", 1)
	d.there = d.edition("bali", "51", "51.71", 2)
	d.here.business, d.here.mentor, d.here.application = business, d.mentor.User.Id, domain.ApplicationID(business, nobody, 1)
	scope := "business/" + business
	d.owner.verdict(d.owner.push(scope, d.owner.generation(scope), d.owner.mutation("put", "application", d.here.application, "", `{"programme_id":"`+nobody+`"}`))[0], merge.Applied, "")
	d.there.application = nobody
	d.there.business = strings.TrimPrefix(o.makeBusiness(d.there.seats[1].Login), "/v1/businesses/")
	d.there.mentor = o.enterAs("+628117000105", auth.RoleMentor).User.Id
	return d
}

// unhurried lets everybody ask as often as a walk through all operations does.
func unhurried(p *api.Parts) {
	p.Limits.PerUser, p.Limits.PerDevice = api.Rate{Max: 1 << 20, Per: time.Minute}, api.Rate{Max: 1 << 20, Per: time.Minute}
	p.Limits.Heavy, p.Limits.PerIP = p.Limits.PerUser, p.Limits.PerUser
}

func (d *scene) work() {
	d.Helper()
	d.ok(d.parts.Engine.Work(d.Context()))
}

// edition brings a programme to where its curators have sent in their sheets.
func (d *scene) edition(code, province, city string, n int) (e edition) {
	d.Helper()
	token, path := d.boss.AccessToken, "/v1/programmes"
	var t wire.PlanTemplate
	d.want(201, token, "POST", "/v1/plan-templates", `{"code":"plan-`+code+`","version":1,"fields":{"name":"Rencana","items":[{"code":"shop","title_id":"Buka toko","track":"digital","offset_days":0,"duration_days":7}]}}`).Into(d, &t)
	var p wire.Programme
	d.want(201, token, "POST", path, fmt.Sprintf(`{"code":%q,"fields":%s}`, code, d.plan(province, n, t.Id))).Into(d, &p)
	e.programme, e.template = p.Id, t.Id
	d.status(&p, "open")
	d.work()
	path += "/" + p.Id
	table := emptyTable + fmt.Sprintf("A1;2022-05-02 08:00;Keripik Ani;Ani;81170019%02d;%s;pangan\nA2;2022-05-02 09:00;Tenun Budi;Budi;81170018%02d;%s;fesyen\n", n, city, n, city)
	var in wire.ImportReport
	d.want(202, token, "POST", path+"/imports", table, "Content-Type", "text/csv").Into(d, &in)
	e.job = in.Job.Id
	d.work()
	for i, institution := range []string{"Bank Indonesia", "Dekranasda"} {
		number := fmt.Sprintf("+6281170002%d%d", n, i)
		var k wire.Curator
		d.want(201, token, "POST", path+"/curators", fmt.Sprintf(`{"phone":%q,"institution":%q}`, number, institution)).Into(d, &k)
		if e.seats[i] = d.phone(number); i == 0 {
			e.seat = k.Id
		}
	}
	d.want(200, token, "GET", path, "").Into(d, &p)
	d.status(&p, "curating")
	d.want(200, token, "POST", path+"/begin", "")
	d.work()
	d.decide(e.programme, "1")
	d.want(200, token, "POST", path+"/stages/2/shares", `{"due_at":"2030-01-01T00:00:00Z"}`)
	d.work()
	var files wire.CaseFileList
	d.want(200, token, "GET", path+"/files", "").Into(d, &files)
	e.file, e.curator = files.Files[0].Id, e.seats[0].User.Id
	for _, seat := range e.seats {
		for _, f := range files.Files {
			seat.fillsIn(e.programme, f.Id)
		}
	}
	d.work()
	e.sheet = domain.SheetID(e.file, 2, e.curator)
	e.home, e.enrolment = strings.Trim(string(files.Files[0].Fields["business_id"]), `"`), domain.EnrolmentID(e.file)
	_, err := d.parts.Engine.Write(d.Context(), "business/"+e.home, merge.ServerWrite{Name: "enrol." + e.file, Role: merge.System, Collection: "enrolment", ID: e.enrolment, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"programme_id": merge.Str(e.programme), "application_id": merge.Str(e.file), "state": merge.Str(domain.EnrolmentActive)}})
	d.ok(0, err)
	d.beside(&e, n)
	return e
}

// plan is what a programme is set up with; its window was closed yesterday.
func (d *scene) plan(province string, n int, template string) string {
	return fmt.Sprintf(`{"name":"Pasar %d","kind":"campaign","region_codes":[%q],"quota":30,"number_prefix":"PSR%d","confirm_days":3,"plan_template_id":%q,
		"phases":[{"code":"registration","starts_on":"2022-05-01","ends_on":"2022-05-04"}],"monitoring":{"starts_on":"2022-06-01","ends_on":"2022-08-29"},"stages":[{"no":1,"kind":"checklist","items":[{"code":"data_complete","label_id":"Data lengkap"}]},
		{"no":2,"kind":"rubric","curators_per_file":2,"blind":true,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]}`, n, province, n, template)
}

// beside makes one of everything that is not of a programme.
func (d *scene) beside(e *edition, n int) {
	d.Helper()
	token := d.boss.AccessToken
	var a wire.Announcement
	d.want(201, token, "POST", "/v1/announcements", fmt.Sprintf(`{"fields":{"title_id":"Kabar %d","body_id":"Datang pukul 10.00.","audience":{"business_ids":[%q]}}}`, n, nobody)).Into(d, &a)
	var in wire.RightsAnswer
	d.want(201, token, "POST", "/v1/admin/users", fmt.Sprintf(`{"phone":"+628117000%d31","name":"Pak Made","roles":["regional_admin"],"regions":["18"]}`, n)).Into(d, &in)
	e.announcement, e.approval = a.Id, in.Approval.Id
	d.want(201, token, "POST", "/v1/admin/users", fmt.Sprintf(`{"phone":"+628117000%d32","name":"Bu Sri","roles":["mentor"]}`, n)).Into(d, &in)
	d.enter(fmt.Sprintf("+628117000%d32", n))
	e.user, e.review, e.delivery = in.User.Id, d.ids.New(), d.ids.New()
	d.ok(0, d.parts.Push.Store.InsertDelivery(d.Context(), store.Delivery{ID: e.delivery, Type: "N06", User: e.user, Provider: "fcm", Lane: notify.LaneResults, State: store.DeliveryDead, Created: d.clock.Now()}))
	if _, err := d.parts.Engine.Write(d.Context(), "decision/general", merge.ServerWrite{Name: "an item " + e.review, Role: merge.System, Collection: "review_item", ID: e.review, Op: merge.Put,
		Create: true, Set: map[string]merge.Value{"what": merge.Str("verify_against_cancel"), "scope": merge.Str("business/" + nobody)}}); err != nil {
		d.Fatal(err)
	}
}

// status takes a programme to the next one.
func (d *scene) status(p *wire.Programme, status string) {
	d.Helper()
	d.want(200, d.boss.AccessToken, "POST", "/v1/programmes/"+p.Id+"/status", `{"status":"`+status+`"}`, "If-Match", p.Etag).Into(d, p)
}

func (d *scene) basis(programme, stage string) string {
	d.Helper()
	var v wire.StageView
	d.want(200, d.boss.AccessToken, "GET", "/v1/programmes/"+programme+"/stages/"+stage, "").Into(d, &v)
	return v.Basis
}

// decide decides a stage on what is seen of it.
func (d *scene) decide(programme, stage string) {
	d.Helper()
	d.want(200, d.boss.AccessToken, "POST", "/v1/programmes/"+programme+"/stages/"+stage+"/decision", `{"basis":"`+d.basis(programme, stage)+`","minutes":"BA-0`+stage+`"}`)
	d.work()
}

// fillsIn sends a whole sheet on a file from the phone of a curator.
func (p *phone) fillsIn(programme, file string) {
	p.Helper()
	scope, sheet := domain.PanelScope(programme, p.User.Id), domain.SheetID(file, 2, p.User.Id)
	g := p.generation(scope)
	for _, v := range p.push(scope, g, p.mutation("put", "sheet", sheet, "", fmt.Sprintf(`{"application_id":%q,"stage":2,"items":{"product":{"points":80}}}`, file)),
		p.mutation("put", "sheet_event", p.ids.New(), "", fmt.Sprintf(`{"sheet_id":%q,"op":"submit","seen":[]}`, sheet))) {
		p.verdict(v, merge.Applied, "")
	}
}

// state is everything that an attack could change: the hash over the rows of each scope but
// those that only their own person has, and the trail; and everybody's rights.
func (d *scene) state() string {
	d.Helper()
	var out bytes.Buffer
	ctx := d.Context()
	for after := ""; ; {
		scopes, err := d.parts.Engine.Store.Scopes(ctx, after, 100)
		if err != nil {
			d.Fatal(err)
		}
		if len(scopes) == 0 {
			break
		}
		for _, scope := range scopes {
			after = scope
			if kind := merge.ScopeKind(scope); kind == domain.ScopeUser || kind == domain.ScopeAudit {
				continue
			}
			head, err := d.parts.Engine.Store.Head(ctx, scope)
			if err != nil {
				d.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %v\n", scope, head.Sum)
		}
	}
	users, err := d.parts.Auth.Store.UsersAfter(ctx, "", 1000)
	if err != nil {
		d.Fatal(err)
	}
	for _, u := range users {
		fmt.Fprintln(&out, u.ID, u.Ver, u.Status, u.Roles, u.Regions)
	}
	return out.String()
}

// unmoved wants the world to be as it was.
func (d *scene) unmoved(before, why string) {
	d.Helper()
	was := strings.Split(before, "\n")
	for line := range strings.SplitSeq(d.state(), "\n") {
		if !slices.Contains(was, line) {
			d.Errorf("%s changed something: %s", why, line)
		}
	}
}

// ofBusinesses are the operations that people of a business have too, by what stands behind
// its address: other walks are about them.
var ofBusinesses = regexp.MustCompile(`^/v1/businesses(/\{business\}(/(members|assignments|records|tasks|cases|sales|health|totals|notes|merge)(/.*)?)?)?$`)

// adminRoutes are the operations that are neither of somebody's own account nor of a
// business that people have: what this file and its neighbours are about. They come out of
// the table of routes, so that a new one is among them by itself.
func (o *tour) adminRoutes() (out []apitest.Operation) {
	o.Helper()
	all := o.client.Spec.Operations()
	for _, r := range o.Operations() {
		i := slices.IndexFunc(all, func(op apitest.Operation) bool { return op.Method == r.Method && op.Path == r.Path })
		if i < 0 {
			o.Fatalf("%s %s is not in openapi.yaml", r.Method, r.Path)
		}
		if !all[i].Open && !ownRoutes.MatchString(r.Path) && !ofBusinesses.MatchString(r.Path) {
			out = append(out, all[i])
		}
	}
	return out
}
