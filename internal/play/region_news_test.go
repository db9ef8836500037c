package play_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const newsPath = "/v1/announcements"

// provinces is a newsroom of a programme over Central Java (33) and Yogyakarta (34), and
// regional admins of either.
type provinces struct {
	*newsroom
	java, javaToo, yogya *play.Phone // regional admins
	owners               map[string]*play.Phone
	of                   map[string]string // businesses, by the name of their owner
}

// The owners: of each province two in the programme, and of Central Java one who is not.
var places = map[string]string{"Solo": "33.72", "Semarang": "33.74", "Kudus": "33.19", "Sleman": "34.04", "Bantul": "34.02"}

func setProvinces(t *testing.T, change ...func(*play.Options)) *provinces {
	t.Helper()
	o := play.Options{Crowd: 30}
	for _, c := range change {
		c(&o)
	}
	s := &scene{TB: t, w: open(t, time.Date(2022, time.May, 30, 6, 30, 0, 0, domain.WIB.Location()), o)}
	p := &provinces{newsroom: &newsroom{scene: s}, owners: map[string]*play.Phone{}, of: map[string]string{}}
	p.desk, p.second = p.enter(p.w.Person("Bu Ratna"), "desk"), p.enter(p.w.Colleague(20), "second desk")
	p.mentors = []*play.Phone{p.enter(p.w.Person("Pak Hendra"), "hendra"), p.enter(p.w.Person("Bu Sinta"), "sinta")}
	p.programme = p.opened()
	for i, name := range []string{"Solo", "Semarang", "Kudus", "Sleman", "Bantul"} {
		owner := p.enter(p.w.Neighbour(i), name)
		b, err := p.w.Found(t.Context(), owner, "Usaha "+name, places[name])
		p.ok(err)
		if p.owners[name], p.of[name] = owner, b; name != "Kudus" {
			p.enrol(b)
		}
	}
	for name, mentor := range map[string]*play.Phone{"Solo": p.mentors[0], "Sleman": p.mentors[1]} {
		_, err := p.w.Assign(t.Context(), p.desk, p.of[name], mentor.Who)
		p.ok(err)
	}
	p.java, p.javaToo, p.yogya = p.enter(p.w.Regional(21, "33"), "java"), p.enter(p.w.Regional(22, "33"), "java too"), p.enter(p.w.Regional(23, "34"), "yogya")
	return p
}

// opened makes the programme public: a regional admin names no draft.
func (p *provinces) opened() string {
	p.Helper()
	var e play.News
	p.ok(p.desk.Send(p.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": "pasar-dua-provinsi", "fields": map[string]any{"name": "Pasar", "kind": "campaign", "region_codes": []string{"33", "34"},
		"quota": 30, "number_prefix": "PDP22", "confirm_days": 3, "phases": []any{map[string]any{"code": "registration", "starts_on": "2022-02-27", "ends_on": "2022-03-06"}},
		"stages": []any{map[string]any{"no": 1, "kind": "checklist", "items": []any{map[string]any{"code": "data_complete", "label_id": "Data lengkap"}}},
			map[string]any{"no": 2, "kind": "rubric", "curators_per_file": 1, "items": []any{map[string]any{"code": "product", "label_id": "Produk", "weight_bp": 10_000, "max": 100}}}}}}, &e))
	p.ok(p.desk.Send(p.Context(), http.MethodPost, "/v1/programmes/"+e.ID+"/status", e.Etag, map[string]any{"status": "open"}, nil))
	p.ok(p.w.Step(p.Context()))
	return e.ID
}

// words are those of an announcement at eight, for an audience.
func (p *provinces) words(audience map[string]any) map[string]any {
	return map[string]any{"title_id": "Temu usaha", "body_id": "Datang pukul 10.00 WIB.", "audience": audience, "publish_at": p.eight()}
}

func (p *provinces) eight() time.Time {
	return time.Date(2022, time.May, 30, 8, 0, 0, 0, domain.WIB.Location())
}

// theirs is the audience of the programme's part in Central Java.
func (p *provinces) theirs() map[string]any {
	return map[string]any{"programme_id": p.programme, "regions": []string{"33"}}
}

// strikes lets the hour come, both servers look, and their work be done.
func (p *provinces) strikes() {
	p.Helper()
	p.w.At(time.May, 30, 8, 0)
	p.look()
	p.ok(p.w.Step(p.Context()))
}

// told are those who have an item of an announcement, by name, after a sync of everybody.
func (p *provinces) told(a play.News) (names []string) {
	p.Helper()
	everybody := map[string]*play.Phone{"Hendra": p.mentors[0], "Sinta": p.mentors[1], "java": p.java, "yogya": p.yogya, "desk": p.desk}
	for name, o := range p.owners {
		everybody[name] = o
	}
	for name, phone := range everybody {
		p.ok(phone.Login(p.Context()))
		p.sync(phone)
		if item, ok := p.item(phone, a); ok && item.Text("body_id") != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (p *provinces) wants(a play.News, names ...string) {
	p.Helper()
	if got := p.told(a); !slices.Equal(got, names) {
		p.Errorf("%v have it, want %v", got, names)
	}
}

// refused wants a request of somebody to be refused.
func (p *provinces) refused(who *play.Phone, code, method, path, tag string, body any) {
	p.Helper()
	if err := who.Send(p.Context(), method, path, tag, body, nil); fault.CodeOf(err) != code {
		p.Errorf("%s %s by %s: %v, want %s", method, path, who.Name, err, code)
	}
}

// moves lets a business move to another place.
func (p *provinces) moves(name, region string) {
	p.Helper()
	var r play.News
	path := "/v1/businesses/" + p.of[name] + "/records/business/" + p.of[name]
	p.ok(p.desk.Send(p.Context(), http.MethodGet, path, "", nil, &r))
	p.ok(p.desk.Send(p.Context(), http.MethodPatch, path, r.Etag, map[string]any{"set": map[string]any{"region_code": region, "district_code": nil, "village_code": nil}}, nil))
}

// seen lists the announcements that somebody is shown.
func (p *provinces) seen(who *play.Phone) (ids []string) {
	p.Helper()
	var l struct {
		Announcements []play.News `json:"announcements"`
	}
	p.ok(who.Send(p.Context(), http.MethodGet, newsPath, "", nil, &l))
	for _, a := range l.Announcements {
		ids = append(ids, a.ID)
	}
	return ids
}

// TestARegionalAdminReachesTheirProvinceOnly: in a programme over two provinces, from the
// draft to the retraction, on every store. Who lies there when it is sent is reached, with
// their mentors; whoever moved away meanwhile is not, and whoever is named and lies elsewhere
// neither.
func TestARegionalAdminReachesTheirProvinceOnly(t *testing.T) {
	for storeName, on := range stores(t) {
		t.Run(storeName, func(t *testing.T) {
			t.Parallel()
			p := setProvinces(t, func(o *play.Options) { *o = on(*o) })
			a, err := p.java.Draft(t.Context(), p.words(p.theirs()))
			p.ok(err)
			if got, err := p.java.Preview(t.Context(), a.ID); err != nil || got.Owners != 2 || got.Mentors != 1 || got.Businesses != 2 || got.Review {
				t.Errorf("preview %+v, %v", got, err)
			}
			mine := newsPath + "/" + a.ID
			for _, audience := range []map[string]any{nil, {}, {"programme_id": p.programme}, {"regions": []string{"34"}}, {"regions": []string{"33", "34.71"}}, {"business_ids": []string{p.of["Solo"]}},
				{"mentor_ids": []string{p.mentors[0].Me().User}}, {"roles": []string{"mentor"}}, {"categories": []string{"food_beverage"}}} {
				p.refused(p.java, "outside_region", http.MethodPost, newsPath, "", map[string]any{"fields": p.words(audience)})
				p.refused(p.java, "outside_region", http.MethodPatch, mine, a.Etag, map[string]any{"fields": map[string]any{"audience": audience}})
			}
			named := p.theirs()
			named["business_ids"], named["mentor_ids"] = []string{p.of["Sleman"]}, []string{p.mentors[1].Me().User}
			b, err := p.java.Draft(t.Context(), p.words(named))
			p.ok(err)
			p.refused(p.java, "audience_empty", http.MethodPost, newsPath+"/"+b.ID+"/operations", b.Etag, map[string]any{"op": "schedule"})

			var hidden play.News // a programme that only admins know
			p.ok(p.desk.Send(t.Context(), http.MethodPost, "/v1/programmes", "", map[string]any{"code": "rahasia", "fields": map[string]any{"name": "Rahasia", "kind": "campaign", "region_codes": []string{"33"}}}, &hidden))
			for _, of := range []string{hidden.ID, p.of["Solo"]} {
				p.refused(p.java, "invalid_reference", http.MethodPost, newsPath, "", map[string]any{"fields": p.words(map[string]any{"programme_id": of, "regions": []string{"33"}})})
			}

			p.strangers(a)
			if got := p.seen(p.javaToo); !slices.Equal(got, []string{b.ID, a.ID}) && !slices.Equal(got, []string{a.ID, b.ID}) {
				t.Errorf("the other one of the province sees %v", got)
			}
			p.operate(p.java, a, "schedule")
			p.moves("Semarang", "34.71")
			p.moves("Bantul", "33.10")
			p.strikes()
			p.wants(a, "Bantul", "Hendra", "Solo")
			if got, err := p.java.Receipts(t.Context(), a.ID); err != nil || got.People != 3 || got.Delivered != 0 {
				t.Errorf("receipts %+v, %v", got, err)
			}
			p.ok(p.java.Correct(t.Context(), a.ID, map[string]any{"body_id": "Datang pukul 11.00 WIB."}))
			p.ok(p.w.Step(t.Context()))
			p.sync(p.owners["Solo"])
			if item, _ := p.item(p.owners["Solo"], a); item.Text("body_id") != "Datang pukul 11.00 WIB." {
				t.Errorf("corrected: %s", item.EncodeFields())
			}
			p.ok(p.java.Login(t.Context()))
			p.operate(p.java, a, "retract")
			p.ok(p.w.Step(t.Context()))
			p.wants(a)
		})
	}
}

// strangers: to the admin of the other province an announcement of this one is not there,
// and one of admins for both to neither.
func (p *provinces) strangers(a play.News) {
	p.Helper()
	both := p.draft(p.words(map[string]any{"programme_id": p.programme, "regions": []string{"33", "34"}}))
	for _, x := range []struct {
		who *play.Phone
		a   play.News
	}{{p.yogya, a}, {p.yogya, both}, {p.java, both}} {
		mine := newsPath + "/" + x.a.ID
		for _, under := range []string{"", "/preview", "/versions", "/receipts"} {
			p.refused(x.who, "not_found", http.MethodGet, mine+under, "", nil)
		}
		p.refused(x.who, "not_found", http.MethodPatch, mine, x.a.Etag, map[string]any{"fields": map[string]any{"pin": true}})
		p.refused(x.who, "not_found", http.MethodPost, mine+"/versions", x.a.Etag, map[string]any{"fields": map[string]any{"body_id": "Lain"}})
		for _, op := range []string{"ask_review", "approve", "schedule", "cancel", "retract"} {
			p.refused(x.who, "not_found", http.MethodPost, mine+"/operations", x.a.Etag, map[string]any{"op": op})
		}
	}
	if got := p.seen(p.yogya); len(got) != 0 {
		p.Errorf("the admin of the other province sees %v", got)
	}
	if got := p.seen(p.desk); len(got) != 3 {
		p.Errorf("an admin sees %v", got)
	}
}

// TestAnotherOneOfTheProvinceReadsIt: what is urgent is read by another regional admin of the
// province, or by an admin; so is its correction.
func TestAnotherOneOfTheProvinceReadsIt(t *testing.T) {
	t.Parallel()
	p := setProvinces(t)
	words := p.words(p.theirs())
	words["priority"] = domain.PriorityUrgent
	a, err := p.java.Draft(t.Context(), words)
	p.ok(err)
	mine := newsPath + "/" + a.ID
	p.refused(p.java, "review_required", http.MethodPost, mine+"/operations", a.Etag, map[string]any{"op": "schedule"})
	a = p.operate(p.java, a, "ask_review")
	p.refused(p.java, "same_person", http.MethodPost, mine+"/operations", a.Etag, map[string]any{"op": "approve"})
	p.refused(p.yogya, "not_found", http.MethodPost, mine+"/operations", a.Etag, map[string]any{"op": "approve"})
	if a = p.operate(p.javaToo, a, "approve"); a.Fields["approver"] != p.javaToo.Me().User || a.Fields["regional_by"] != p.javaToo.Me().User {
		t.Errorf("approved: %v", a.Fields)
	}
	p.strikes()
	p.wants(a, "Hendra", "Semarang", "Solo")
	for who, people := range map[*play.Phone]int{p.java: 3, p.javaToo: 0, p.desk: 3} { // whoever did not write it sees numbers
		var r struct {
			People   int   `json:"people"`
			Receipts []any `json:"receipts"`
		}
		if p.ok(who.Send(t.Context(), http.MethodGet, mine+"/receipts", "", nil, &r)); r.People != 3 || len(r.Receipts) != people {
			t.Errorf("%s sees %d people, %d by name", who.Name, r.People, len(r.Receipts))
		}
	}
	type approval struct {
		ID   string `json:"id"`
		What string `json:"what"`
	}
	var waits approval
	p.ok(p.java.Send(t.Context(), http.MethodPost, mine+"/versions", p.read(p.java, a).Etag, map[string]any{"fields": map[string]any{"body_id": "Datang pukul 12.00 WIB."}}, &waits))
	decide := "/v1/admin/approvals/" + waits.ID + "/decision"
	yes := map[string]any{"approve": true, "what": waits.What}
	p.ok(p.javaToo.Login(t.Context()))
	for who, want := range map[*play.Phone]int{p.java: 1, p.javaToo: 1, p.yogya: 0, p.desk: 1} {
		var l struct {
			Approvals []approval `json:"approvals"`
		}
		if p.ok(who.Send(t.Context(), http.MethodGet, "/v1/admin/approvals", "", nil, &l)); len(l.Approvals) != want {
			t.Errorf("%s sees %v", who.Name, l.Approvals)
		}
	}
	p.refused(p.yogya, "not_found", http.MethodPost, decide, "", yes)
	p.refused(p.java, "approval_own", http.MethodPost, decide, "", yes)
	p.ok(p.javaToo.Send(t.Context(), http.MethodPost, decide, "", yes, nil))
	p.ok(p.w.Step(t.Context()))
	if now := p.read(p.desk, a); now.Fields["body_id"] != "Datang pukul 12.00 WIB." || fmt.Sprint(now.Fields["version"]) != "2" {
		t.Errorf("corrected by two: %v", now.Fields)
	}
}

// loses takes a province from a regional admin, by two admins, and gives another one.
func (p *provinces) loses(who *play.Phone, now ...string) {
	p.Helper()
	var in struct {
		Approval struct {
			ID   string `json:"id"`
			What string `json:"what"`
		} `json:"approval"`
	}
	p.ok(p.desk.Login(p.Context()))
	p.ok(p.second.Login(p.Context()))
	p.ok(p.desk.Send(p.Context(), http.MethodPost, "/v1/admin/users/"+who.Who.User+"/rights", "", map[string]any{"op": "roles", "roles": []string{auth.RoleRegional}, "regions": now, "reason": "Pindah dinas"}, &in))
	p.ok(p.second.Send(p.Context(), http.MethodPost, "/v1/admin/approvals/"+in.Approval.ID+"/decision", "", map[string]any{"approve": true, "what": in.Approval.What}, nil))
	p.ok(p.w.Step(p.Context()))
}

// withheld are what admins are told of announcements that were kept back.
func (p *provinces) withheld() (items []merge.Row) {
	p.Helper()
	rows, err := p.w.Rows(p.Context(), domain.GeneralQueue, "review_item")
	p.ok(err)
	return slices.DeleteFunc(rows, func(r merge.Row) bool { return r.Text("what") != "announcement_withheld" })
}

// TestWhoLosesTheProvinceSendsNothingThere: what a regional admin scheduled is a draft again
// if they are none of the province at its hour, and admins are told, once. An admin may send
// it then, and what an admin released goes out whoever wrote it.
func TestWhoLosesTheProvinceSendsNothingThere(t *testing.T) {
	t.Parallel()
	p := setProvinces(t)
	a, err := p.java.Draft(t.Context(), p.words(p.theirs()))
	p.ok(err)
	released, err := p.java.Draft(t.Context(), p.words(p.theirs()))
	p.ok(err)
	p.operate(p.java, a, "schedule")
	p.operate(p.desk, released, "schedule")
	p.loses(p.java, "34")
	p.refused(p.java, "not_found", http.MethodGet, newsPath+"/"+a.ID, "", nil)
	p.strikes()
	p.look()
	p.ok(p.w.Step(t.Context()))
	p.wants(a)
	p.wants(released, "Hendra", "Semarang", "Solo")
	now := p.read(p.desk, a)
	if now.Fields["state"] != domain.AnnouncementDraft || now.Fields["regional_by"] != nil {
		t.Errorf("kept back: %v", now.Fields)
	}
	if items := p.withheld(); len(items) != 1 || items[0].Text("author") != p.java.Who.User || items[0].Text("resolved_at") != "" {
		t.Errorf("told of: %v", items)
	}
	var queue struct {
		Reviews []struct {
			ID    string `json:"id"`
			Queue string `json:"queue"`
		} `json:"reviews"`
	}
	p.ok(p.desk.Send(t.Context(), http.MethodGet, "/v1/reviews", "", nil, &queue))
	if len(queue.Reviews) != 1 {
		t.Fatalf("reviews %v", queue)
	}
	p.ok(p.desk.Send(t.Context(), http.MethodPost, "/v1/reviews/"+queue.Reviews[0].ID+"/resolution", "", map[string]any{"queue": queue.Reviews[0].Queue, "decision": "dismissed", "note": "Dikirim sendiri"}, nil))
	p.ok(p.desk.Login(t.Context()))
	p.ok(p.desk.Send(t.Context(), http.MethodPatch, newsPath+"/"+a.ID, now.Etag, map[string]any{"fields": map[string]any{"publish_at": p.w.Clock.Now().Add(time.Minute)}}, nil))
	p.operate(p.desk, a, "schedule")
	p.w.Clock.Advance(time.Minute)
	p.look()
	p.ok(p.w.Step(t.Context()))
	p.wants(a, "Hendra", "Semarang", "Solo")
}

// TestWhoLosesTheProvinceReachesNoLateJoiner: those who have it keep it, and nobody is added
// on a word that has ended.
func TestWhoLosesTheProvinceReachesNoLateJoiner(t *testing.T) {
	t.Parallel()
	p := setProvinces(t)
	words := p.words(map[string]any{"regions": []string{"33"}, "roles": []string{"owner", "staff"}})
	words["include_late_joiners"], words["expires_at"] = true, p.eight().Add(48*time.Hour)
	a, err := p.java.Draft(t.Context(), words)
	p.ok(err)
	p.operate(p.java, a, "schedule")
	p.strikes()
	p.wants(a, "Kudus", "Semarang", "Solo")
	joins := func(n int) *play.Phone {
		t.Helper()
		who := p.w.Neighbour(n)
		p.ok(p.owners["Solo"].Login(t.Context()))
		p.ok(p.w.Hire(t.Context(), p.owners["Solo"], p.of["Solo"], who))
		return p.enter(who, fmt.Sprint("staff ", n))
	}
	later := func() {
		t.Helper()
		p.w.Clock.Advance(2 * time.Hour)
		p.look()
		p.ok(p.w.Step(t.Context()))
	}
	early, late := joins(10), (*play.Phone)(nil)
	later()
	p.loses(p.java, "34")
	late = joins(11)
	later()
	later()
	for who, want := range map[*play.Phone]bool{early: true, late: false} {
		p.ok(who.Login(t.Context()))
		p.sync(who)
		if _, ok := p.item(who, a); ok != want {
			t.Errorf("%s has it: %t, want %t", who.Name, ok, want)
		}
	}
	if items := p.withheld(); len(items) != 1 {
		t.Errorf("told of %d times", len(items))
	}
	if now := p.read(p.desk, a); now.Fields["state"] != domain.AnnouncementSent {
		t.Errorf("it is %v", now.Fields["state"])
	}
}
