package play_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestProgrammesBesideEachOther: one in Lampung, one in South Sulawesi, where the clocks
// are an hour ahead, and one over two provinces of Java, from registration on phones
// without a network to an announcement, in one world. Somebody owns a business of one name
// in all three places, somebody curates two of them, and somebody tries a programme that is
// not for their province. Each programme has its own days, numbers, files, curators, results
// and plans, and nothing of one reaches the people of another: not on their phones, not at
// any address, and not by what they are refused with.
func TestProgrammesBesideEachOther(t *testing.T) {
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setBeside(t, on)
			b.registers()
			b.closes()
			b.imports()
			b.curates()
			b.decides()
			b.nothingCrosses("decided, and nobody told")
			b.officersSeeTheirs()
			b.publishes()
			b.lapses()
			b.accompanies()
			b.reminds()
			b.announces()
			b.nothingCrosses("in the end")
			b.officersSeeTheirs()
			b.adminsReadOfOne()
			b.nobodyIsThere()
			b.nobodyWrites()
		})
	}
}

// edition is one of the programmes, with its people.
type edition struct {
	code, prefix, item string
	provinces          []string
	zone               domain.Zone
	regions            [2]string // of who registers early, and of everybody else
	elsewhere          string    // region of a row of its list that it does not cover
	publish            domain.Date
	plan               string // code of the template

	id, job, news string
	newsFor       []string          // provinces in which its audience lies, if it says so
	early, grace  *play.Phone       // submit in the last minutes; hands in later what was finished in time
	late          *play.Phone       // submits half a minute behind the close
	business      map[string]string // by owner: early, grace, late, three
	curators      []*play.Phone
	mentor        *play.Phone
}

func (e *edition) path(rest string) string { return "/v1/programmes/" + e.id + rest }

// application is that of one of its owners.
func (e *edition) application(owner string) string {
	return domain.ApplicationID(e.business[owner], e.id, 1)
}

// close is the first instant behind the registration.
func (e *edition) close() time.Time { return domain.Date("2022-03-06").End(e.zone) }

// answerBy is the first instant at which who was offered a place with the results has lost
// it.
func (e *edition) answerBy() time.Time { return e.publish.AddDays(2).End(e.zone) }

// beside is a world with three programmes.
type beside struct {
	*scene
	admin, second *play.Phone
	all           []*edition
	three         *play.Phone // owner of a business in each place
	threes        *play.Person
	officers      []*officer
	phones        map[*play.Phone]uint8 // everybody but admins, with the programmes that they are in as bits
	people, keys  int
}

const dwelling = "Dapur Ibu Tiga" // what the businesses of one person are called, in every place

// setBeside makes the programmes, as admins do.
func setBeside(t *testing.T, on func(play.Options) play.Options) *beside {
	t.Helper()
	b := &beside{phones: map[*play.Phone]uint8{}, all: []*edition{
		{code: "lampung-2022", prefix: "LPG", item: "taste", provinces: []string{"18"}, zone: domain.WIB, regions: [2]string{"18.71", "18.10"}, elsewhere: "73.71", publish: "2022-03-17", plan: "plan-a"},
		{code: "sulsel-2022", prefix: "SSL", item: "weave", provinces: []string{"73"}, zone: domain.WITA, regions: [2]string{"73.71", "73.06"}, elsewhere: "34.71", publish: "2022-03-17", plan: "plan-b"},
		{code: "jateng-diy-2022", prefix: "JDY", item: "batik", provinces: []string{"33", "34"}, zone: domain.WIB, regions: [2]string{"33.74", "34.71"}, elsewhere: "18.71", publish: "2022-03-18", plan: "plan-a"}}}
	b.scene = &scene{TB: t, w: open(t, time.Date(2022, 2, 26, 15, 0, 0, 0, time.UTC), on(play.Options{Crowd: 40}))}
	b.admin, b.second = b.enter(b.w.Person("Bu Ratna"), "desk"), b.enter(b.w.Person("Pak Guntur"), "second desk")
	b.threes = b.person()
	for n, code := range []string{"plan-a", "plan-b"} {
		item := func(code string, offset int) map[string]any {
			return map[string]any{"code": code, "title_id": "Tugas " + code, "track": "digital", "offset_days": offset, "duration_days": 5}
		}
		items := []any{item(code[5:]+"_shop", 0), item(code[5:]+"_photos", 10+n)}
		b.send(b.admin, "POST", "/v1/plan-templates", "", map[string]any{"code": code, "version": 1, "fields": map[string]any{"name": code, "items": items}}, nil)
	}
	for _, e := range b.all {
		e.id, e.business = domain.ProgrammeID(e.code), map[string]string{}
		b.plans(e)
	}
	b.officers = []*officer{b.officer("Bu Andi", "73"), b.officer("Pak Bayu", "34")}
	return b
}

// plans makes a programme and opens it.
func (b *beside) plans(e *edition) {
	b.Helper()
	phase := func(code, from, to string) map[string]any {
		return map[string]any{"code": code, "starts_on": from, "ends_on": to}
	}
	fields := map[string]any{"name": "Program " + e.code, "kind": "campaign", "region_codes": e.provinces, "quota": 2, "reserve_size": 1, "number_prefix": e.prefix, "confirm_days": 2,
		"offline_grace_hours": 2, "plan_template_id": domain.PlanTemplateID(e.plan, 1), "monitoring": map[string]any{"starts_on": "2022-03-24", "ends_on": "2022-06-17"},
		"phases": []any{phase(domain.PhaseRegistration, "2022-02-27", "2022-03-06"), phase(domain.PhaseCuration, "2022-03-07", "2022-03-14")},
		"stages": []any{map[string]any{"no": 1, "kind": domain.StageChecklist, "items": []any{map[string]any{"code": domain.ItemInRegion, "label_id": "Domisili", "required": true}}},
			map[string]any{"no": 2, "kind": domain.StageRubric, "curators_per_file": 2, "blind": true, "items": []any{map[string]any{"code": e.item, "label_id": e.item, "weight_bp": 10000, "max": 100}}}}}
	var made struct {
		ID     string `json:"id"`
		Fields struct {
			Zone domain.Zone `json:"default_zone"`
		} `json:"fields"`
	}
	b.send(b.admin, "POST", "/v1/programmes", "", map[string]any{"code": e.code, "fields": fields}, &made)
	if made.ID != e.id || made.Fields.Zone != e.zone {
		b.Errorf("%s: %s in %s", e.code, made.ID, made.Fields.Zone)
	}
	b.advance(e, domain.ProgrammeOpen)
}

func (b *beside) send(p *play.Phone, method, path, tag string, in, out any) {
	b.Helper()
	b.ok(p.Send(b.Context(), method, path, tag, in, out))
}

func (b *beside) advance(e *edition, status string) {
	b.Helper()
	var now ticket
	b.send(b.admin, "GET", e.path(""), "", nil, &now)
	b.send(b.admin, "POST", e.path("/status"), now.Etag, map[string]any{"status": status}, nil)
}

// person is the next neighbour who has no part yet.
func (b *beside) person() *play.Person {
	b.people++
	return b.w.Neighbour(b.people - 1)
}

// joins gives somebody of some programmes a phone.
func (b *beside) joins(who *play.Person, name string, editions uint8) *play.Phone {
	b.Helper()
	p := b.enter(who, name)
	b.phones[p] = editions
	b.sync(p)
	return p
}

// at lets time pass until an instant.
func (b *beside) at(t time.Time) {
	b.Helper()
	if t.Before(b.w.Clock.Now()) {
		b.Fatalf("it is %v, and should become %v", b.w.Clock.Now(), t)
	}
	b.w.Clock.Set(t)
}

// login gives admins a fresh proof.
func (b *beside) login() {
	b.Helper()
	b.ok(b.admin.Login(b.Context()))
	b.ok(b.second.Login(b.Context()))
}

// away takes the network from a phone.
func (b *beside) away(p *play.Phone) {
	b.Helper()
	p.Sky.Draw = func() play.Weather { return play.NoNetwork }
	if p.Sync(b.Context()) == nil {
		b.Errorf("%s has a network", p.Name)
	}
}

// back gives it back, and lets the phone hear of what follows from what it brings.
func (b *beside) back(p *play.Phone) {
	b.Helper()
	p.Sky.Draw = nil
	b.sync(p, p)
}

// registers has three owners of each programme found a business, agree and draft an
// application without a network. The first of Lampung tries South Sulawesi too.
func (b *beside) registers() {
	b.Helper()
	b.at(time.Date(2022, 3, 1, 2, 0, 0, 0, time.UTC))
	for n, e := range b.all {
		for i, owner := range []string{"early", "grace", "late"} {
			p := b.joins(b.person(), owner+" of "+e.code, 1<<n)
			id, err := b.w.Found(b.Context(), p, fmt.Sprintf("Usaha %s %s", e.prefix, owner), e.regions[min(i, 1)])
			b.ok(err)
			e.business[owner] = id
			b.sync(p)
			b.away(p)
			b.drafts(p, e, owner)
			*map[string]**play.Phone{"early": &e.early, "grace": &e.grace, "late": &e.late}[owner] = p
		}
	}
	lampung, sulsel := b.all[0], b.all[1]
	p := lampung.early
	scope, tried := "business/"+lampung.business["early"], domain.ApplicationID(lampung.business["early"], sulsel.id, 1)
	b.in(p, scope, "application", tried, map[string]any{"programme_id": sulsel.id})
	b.in(p, scope, "application_event", "", map[string]any{"application_id": tried, "op": "submit"})
	b.back(p)
	if r, _, err := p.Row(scope, "application", tried); err != nil || r.Text("state") != domain.ApplicationReturned || r.Text("returned_for") != domain.ReturnNotCovered || r.Text("number") != "" {
		b.Errorf("a business of Lampung in South Sulawesi: %s, %v", r.EncodeFields(), err)
	}
}

// drafts keeps an application on a phone, and behind it, as the form has it, that its owner agrees to the curation.
func (b *beside) drafts(p *play.Phone, e *edition, owner string) {
	b.Helper()
	me := p.Me().User
	b.in(p, "business/"+e.business[owner], "application", e.application(owner), map[string]any{"programme_id": e.id})
	b.in(p, merge.UserScope(me), "consent", "", map[string]any{"user_id": me, "purpose": "curation", "granted": true, "text_version": "2022-01-01"})
}

func (b *beside) says(p *play.Phone, e *edition, owner, op string) {
	b.Helper()
	b.in(p, "business/"+e.business[owner], "application_event", "", map[string]any{"application_id": e.application(owner), "op": op})
}

// closes lets the last minutes of the registrations pass: in South Sulawesi they are an
// hour earlier.
func (b *beside) closes() {
	b.Helper()
	type moment struct {
		at time.Time
		do func()
	}
	var all []moment
	for _, e := range b.all {
		end := e.close()
		if e.early.Sky.Draw == nil {
			b.away(e.early)
		}
		all = append(all, moment{end.Add(-10 * time.Minute), func() { b.says(e.early, e, "early", "submit") }}, moment{end.Add(-5 * time.Minute), func() { b.says(e.grace, e, "grace", "submit") }},
			moment{end.Add(-2 * time.Minute), func() { b.back(e.early) }},
			moment{end.Add(30 * time.Second), func() {
				b.says(e.late, e, "late", "submit")
				b.back(e.late)
			}},
			moment{end.Add(time.Hour), func() { b.back(e.grace) }})
	}
	slices.SortStableFunc(all, func(x, y moment) int { return x.at.Compare(y.at) })
	for _, m := range all {
		if m.at.After(b.w.Clock.Now()) {
			b.at(m.at)
		}
		m.do()
	}
	for _, e := range b.all {
		for owner, p := range map[string]*play.Phone{"early": e.early, "grace": e.grace, "late": e.late} {
			r := b.applied(p, e, owner)
			got := fmt.Sprint(r.Text("state"), " ", r.Text("number"), " ", r.Text("returned_for"), string(r.Fields["grace"]))
			want := map[string]string{"early": "submitted " + e.prefix + "-00001 ", "grace": "submitted " + e.prefix + "-00002 true", "late": "returned  window_closed"}[owner]
			if got != want {
				b.Errorf("%s: %q, want %q", p.Name, got, want)
			}
		}
	}
}

// applied is an application as a phone shows it.
func (b *beside) applied(p *play.Phone, e *edition, owner string) merge.Row {
	b.Helper()
	r, there, err := p.Row("business/"+e.business[owner], "application", e.application(owner))
	b.ok(err)
	if !there {
		b.Fatalf("%s has no application to %s", p.Name, e.code)
	}
	return r
}

// imports brings a list into each programme on the morning after: of who owns a business of
// the same name in every place, of somebody else, and of somebody who works elsewhere, whom
// the first stage leaves out. One registered a second too late by the clocks of the place.
func (b *beside) imports() {
	b.Helper()
	b.at(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
	b.login()
	for _, e := range b.all {
		list := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
		for k, r := range [][4]string{{dwelling, b.threes.Number, e.regions[1], "06 23:59:59"}, {"Usaha " + e.prefix + " impor", b.person().Number, e.regions[1], "06 23:59:59"},
			{"Usaha " + e.prefix + " rantau", b.person().Number, e.elsewhere, "06 23:59:59"}, {"Usaha " + e.prefix + " telat", b.person().Number, e.regions[1], "07 00:00:00"}} {
			list += fmt.Sprintf("R%d;2022-03-%s;%s;Pemilik %s %d;%s;%s;pangan\n", k, r[3], r[0], e.prefix, k, r[1], r[2])
		}
		var check, done imported
		b.table(e.path("/imports/check"), list, &check)
		b.table(e.path("/imports"), list, &done)
		for _, got := range []imported{check, done} {
			if got.Accepted != 3 || len(got.Errors) != 1 || got.Errors[0].Line != 5 || got.Errors[0].Code != "window_closed" {
				b.Errorf("%s: %+v", e.code, got)
			}
		}
		e.job = done.Job.ID
		b.numbered(e)
	}
	b.three = b.joins(b.threes, "of all three", 7)
}

// imported is what an import tells.
type imported struct {
	Accepted int `json:"accepted"`
	Errors   []struct {
		Line int    `json:"line"`
		Code string `json:"code"`
	} `json:"errors"`
	Job ticket `json:"job"`
}

// table sends a list as an admin.
func (b *beside) table(path, list string, out any) {
	b.Helper()
	session, err := b.admin.Session()
	b.ok(err)
	b.keys++
	a := ask(b, b.w.URL+path, session.Access, http.MethodPost, list, "Content-Type", "text/csv", "Idempotency-Key", fmt.Sprintf("beside-%06d", b.keys))
	if a.status >= 400 {
		b.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	b.ok(json.Unmarshal(a.body, out))
	b.ok(b.w.Step(b.Context()))
}

// files are the case files of a programme, by number.
func (b *beside) files(e *edition) []merge.Row {
	b.Helper()
	files, err := b.w.Rows(b.Context(), domain.DecisionScope(e.id), "case_file")
	b.ok(err)
	slices.SortFunc(files, func(x, y merge.Row) int { return strings.Compare(x.Text("number"), y.Text("number")) })
	return files
}

// numbered wants five files with the numbers of the programme, each of a business that lies
// where the file says.
func (b *beside) numbered(e *edition) {
	b.Helper()
	files := b.files(e)
	if len(files) != 5 {
		b.Fatalf("%s has %d files", e.code, len(files))
	}
	for k, f := range files {
		business := f.Text("business_id")
		if f.Text("business_name") == dwelling {
			e.business["three"] = business
		}
		root, err := b.w.Rows(b.Context(), "business/"+business, "business")
		b.ok(err)
		if want := fmt.Sprintf("%s-%05d", e.prefix, k+1); f.Text("number") != want || len(root) != 1 || root[0].Text("region_code") != f.Text("region_code") {
			b.Errorf("%s: file %s of %s for a business of %v", e.code, f.Text("number"), f.Text("region_code"), root)
		}
	}
}
