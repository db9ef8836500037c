package play_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func poor() play.Options {
	return play.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}}
}

// names fills the holes of every path with what somebody may try. A hole that is not here
// fails the test: whoever adds an operation says what stands in it.
func (v *visitor) names() map[string]string {
	file := v.about.ID
	return map[string]string{"business": v.about.Text("business_id"), "programme": v.id, "application": file, "file": file, "id": file, "enrolment": domain.EnrolmentID(file),
		"user": v.user, "mentor": v.user, "member": v.user, "curator": v.user, "sheet": domain.SheetID(file, 2, v.user), "announcement": id.Derive("a", file), "job": id.Derive("job", file),
		"assignment": id.Derive("w", file), "task": domain.PlanTaskID(domain.EnrolmentID(file), "story"), "case": id.Derive("c", file), "entry": id.Derive("e", file), "approval": id.Derive("p", file),
		"review": id.Derive("r", file), "device": id.Derive("d", file), "session": id.Derive("s", file), "delivery": id.Derive("push", file), "stage": "2", "list": "marketplace", "code": "shopee", "collection": "application"}
}

// others are more spellings of operations: what else an owner can put into a hole or behind
// the question mark.
func others() []string {
	return []string{"GET /v1/businesses/{business}/records/case_file/{id}", "GET /v1/businesses/{business}/records/enrolment/{enrolment}", "GET /v1/businesses/{business}/records/plan/{enrolment}",
		"GET /v1/businesses/{business}/records/score/{sheet}", "GET /v1/programmes/{programme}/files?state=selected", "GET /v1/programmes/{programme}/files?state=not_selected",
		"GET /v1/programmes/{programme}/stages/1", "GET /v1/admin/audit?subject={user}", "GET /v1/admin/audit?subject={id}", "GET /v1/announcements?limit=1", "GET /v1/reviews?programme={programme}"}
}

// leaving are the operations that end what somebody asks with: they come last.
func leaving(op string) bool {
	return op == "POST /v1/auth/logout" || op == "DELETE /v1/me/sessions"
}

// aPhone is a number in an example; every visitor names one of their own.
var (
	aPhone = regexp.MustCompile(`"phone":"[^"]*"`)
	aNIB   = regexp.MustCompile(`"nib":"[^"]*",?`)
)

// asksAll asks for every operation of the house, as its specification shows it, with what
// belongs to the file: first those that read, and where somebody leaves, that last.
func (v *visitor) asksAll(leaves bool) {
	v.Helper()
	var reads, writes, last []string
	for _, op := range (&api.Server{}).Operations() {
		switch name := op.Method + " " + op.Path; {
		case strings.HasPrefix(op.Path, "/v1/sync") && leaves:
			if !v.asked[name] {
				v.Fatalf("%s was not asked", name)
			}
		case !strings.HasPrefix(op.Path, "/v1/"), strings.HasPrefix(op.Path, "/v1/sync"), strings.HasPrefix(op.Path, "/v1/auth") && !leaving(name): // open to all, or asked already
		case leaving(name) && !leaves:
		case leaving(name):
			last = append(last, name)
		case op.Method == http.MethodGet:
			reads = append(reads, name)
		default:
			writes = append(writes, name)
		}
	}
	holes, n := v.names(), 0
	for _, op := range slices.Concat(reads, others(), writes, last) {
		method, path, _ := strings.Cut(op, " ")
		body := ""
		if method != http.MethodGet {
			body = aNIB.ReplaceAllString(aPhone.ReplaceAllString(v.spec.Example(method, path), `"phone":"`+v.helper(v.place(v.about))+`"`), "")
			body = anID.ReplaceAllStringFunc(body, func(of string) string { return of[:24] + v.about.Text("owner_phone")[2:] })
		}
		path = hole.ReplaceAllStringFunc(path, func(h string) string {
			of := holes[strings.Trim(h, "{}")]
			if of == "" {
				v.Fatalf("%s: nobody said what stands in %s", op, h)
			}
			return of
		})
		v.look(op, method, path, body, "If-Match", `"1-1"`)
		n++
	}
	if n < 80 {
		v.Errorf("only %d operations were asked", n)
	}
}

// visits is everything that somebody can ask for with a phone of their own, and whatever
// else they may try. It gives the transcript.
func (v *visitor) visits() string {
	v.Helper()
	s := v.sync("first sync", "")
	s = v.sync("sync", s.Cursor)
	v.look("wait", "GET", "/v1/sync/wait?timeout_s=1", "")
	file := v.about
	sealed := []string{domain.DecisionScope(v.id), domain.PanelScope(v.id, v.user), "audit/2022-03"}
	v.reads("first pull", "/v1/sync/pull", "")
	s = v.reads("pull of what is sealed", "/v1/sync/pull", s.Cursor, sealed...)
	v.listens(len(s.Scopes))
	for _, scope := range append(sealed, domain.ScopeProgrammes) {
		v.push(scope, "1.x", edit{"case_file", file.ID, map[string]any{"rank": 1}, true})
	}
	business := domain.ScopeBusiness + "/" + file.Text("business_id")
	v.push(business, v.generation(business), edit{"product", id.Derive("product", v.user), map[string]any{"name": "Keripik", "unit": "pack", "price_idr": 15_000}, false},
		edit{"application", file.ID, map[string]any{"answers": map[string]any{"nib_willing": map[string]any{"value": "yes"}}}, true},
		edit{"application_event", id.Derive("confirm", v.user), map[string]any{"application_id": file.ID, "op": "confirm", "seen": []string{}}, false},
		edit{"application_event", id.Derive("decline", v.user), map[string]any{"application_id": file.ID, "op": "decline", "seen": []string{}}, false},
		edit{"enrolment", domain.EnrolmentID(file.ID), map[string]any{"state": "active"}, true})
	v.sync("sync after edits", s.Cursor)
	v.asksAll(true)
	return v.said.String()
}

// generation is that of a scope, which every phone is told at its first sync.
func (v *visitor) generation(scope string) string {
	v.Helper()
	head, err := v.w.App.Store.Head(v.Context(), scope)
	v.ok(err)
	return head.Generation.String()
}

// sameFor fails if not all transcripts are one, and shows where the first two part.
func (o *embargo) sameFor(who string, seen map[string]map[string]int) {
	o.Helper()
	if len(seen) == 1 {
		return
	}
	all := slices.Sorted(maps.Keys(seen))
	o.Errorf("%d different transcripts of %s: %v", len(seen), who, slices.Collect(maps.Values(seen)))
	for i, a := range strings.Split(all[0], "\n") {
		if b := strings.Split(all[1], "\n"); i < len(b) && a != b[i] {
			o.Fatalf("one reads\n%.600s\nthe other\n%.600s", a, b[i])
		}
	}
}

// TestNobodyCanTellWhoIsSelected: two hundred who are and two hundred who are not, and some
// of the reserve and of those who failed early, all alike but for that, reach the same to
// the byte and after the same time, with every operation and in every scope, until the
// instant; and so do those who work for them and their mentors. Then they do not.
func TestNobodyCanTellWhoIsSelected(t *testing.T) {
	want := outcomes{domain.FileSelected: 200, domain.FileNotSelected: 200, domain.FileReserve: 20, domain.FileEliminated: 20}
	small := outcomes{domain.FileSelected: 12, domain.FileNotSelected: 12, domain.FileReserve: 4, domain.FileEliminated: 4}
	if testing.Short() {
		want = small
	}
	for name, on := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			many := want
			if name != "poor" && !*full { // whose answers depend on nothing else that is going on
				many = small
			}
			setEmbargo(t, many, on(play.Options{})).isKept(many)
		})
	}
}

func (o *embargo) isKept(want outcomes) {
	o.Helper()
	files := o.files()
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] }) // what slows the machine down meets all
	seen := map[string]map[string]int{}                                                                         // by transcript, then by result
	note := func(text string, f merge.Row) {
		if seen[text] == nil {
			seen[text] = map[string]int{}
		}
		seen[text][f.Text("state")]++
	}
	for _, f := range files {
		note(o.arrives(f.Text("owner_phone"), f, true).visits(), f)
	}
	o.sameFor("owners", seen)
	for _, counts := range seen {
		if !maps.Equal(counts, want) {
			o.Errorf("%v, want %v", counts, want)
		}
	}
	o.times.alike(o, domain.FileSelected, domain.FileNotSelected)
	seen = map[string]map[string]int{}
	few := o.someOf(files, 4)
	for _, f := range few {
		note(o.staff(f), f)
	}
	o.sameFor("staff", seen)
	seen = map[string]map[string]int{}
	for n, some := range slices.Collect(slices.Chunk(few, len(want))) {
		rand.New(rand.NewPCG(3, uint64(n))).Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		o.mentors(n, some, note)
	}
	o.sameFor("mentors", seen)
	o.publish()
	one, other := o.afterwards(files[0]), ""
	for _, f := range files {
		if f.Text("state") != files[0].Text("state") {
			other = o.afterwards(f)
			break
		}
	}
	if one == other {
		o.Error("even afterwards there is nothing to see: the test sees nothing")
	}
}

// someOf takes some files of each result, one of each after the other.
func (o *embargo) someOf(files []merge.Row, n int) (out []merge.Row) {
	by := map[string][]merge.Row{}
	for _, f := range files {
		by[f.Text("state")] = append(by[f.Text("state")], f)
	}
	for i := range n {
		for _, state := range slices.Sorted(maps.Keys(by)) {
			out = append(out, by[state][i])
		}
	}
	return out
}

// staff is what somebody reads whom the owner of a file has hired.
func (o *embargo) staff(f merge.Row) string {
	o.Helper()
	owner := o.arrives(f.Text("owner_phone"), f, false)
	number := o.helper(o.place(f))
	body := fmt.Sprintf(`{"phone":%q,"role":"staff","permissions":["log_sales","edit_profile","submit_tasks","see_totals"]}`, number)
	if a := owner.look("hire", "POST", "/v1/businesses/"+f.Text("business_id")+"/members", body); a.status != http.StatusCreated && a.status != http.StatusConflict { // by the owner's visit
		o.Fatalf("hired: %d %s", a.status, a.body)
	}
	o.ok(o.w.Step(o.Context()))
	return o.arrives(number, f, false).visits()
}

// mentors has a mentor of a few businesses, one of each result, read what there is of each.
func (o *embargo) mentors(n int, some []merge.Row, note func(string, merge.Row)) {
	o.Helper()
	number := mentorNumber(n)
	u, err := o.w.App.Auth.CreateUser(o.Context(), number, []string{auth.RoleMentor})
	o.ok(err)
	o.ok(o.admin.Login(o.Context()))
	for _, f := range some {
		o.send(o.admin, "POST", "/v1/businesses/"+f.Text("business_id")+"/assignments", "", map[string]any{"mentor_id": u.ID}, nil)
	}
	o.ok(o.w.Step(o.Context()))
	v := o.arrives(number, some[0], false)
	text := v.look("first sync", "POST", "/v1/sync", `{"app":"1.4.2",`+embargoClock+`}`).body
	var all struct {
		Changes []json.RawMessage          `json:"changes"`
		Scopes  map[string]json.RawMessage `json:"scopes"`
	}
	o.ok(json.Unmarshal(text, &all))
	for _, f := range some {
		v.about = f
		v.said.Reset()
		business := f.Text("business_id")
		for _, row := range all.Changes {
			if strings.HasPrefix(string(row), `{"scope":"`+domain.ScopeBusiness+"/"+business) || strings.HasPrefix(string(row), `{"scope":"`+domain.ScopeMentoring+"/"+business) { // not the notices of who was sent first
				v.said.WriteString(plainly("row", answer{body: row}))
			}
		}
		for _, kind := range []string{domain.ScopeBusiness, domain.ScopeMentoring} {
			v.said.WriteString(plainly("scope", answer{body: all.Scopes[kind+"/"+business]}))
		}
		if !strings.Contains(v.said.String(), `"seq"`) {
			o.Fatalf("a mentor is sent nothing of %s: %.300s", business, v.said.String())
		}
		v.asksAll(false)
		note(v.said.String(), f)
	}
}

// afterwards is what an owner gets at a first sync and reads of the programme.
func (o *embargo) afterwards(f merge.Row) string {
	o.Helper()
	v := o.arrives(f.Text("owner_phone"), f, false)
	v.sync("first sync", "")
	return v.said.String()
}

// TestNoAudienceTellsWhoIsSelected: until the instant everybody who applied is one audience,
// and no other state of an enrolment has anybody in it; afterwards each has its own.
func TestNoAudienceTellsWhoIsSelected(t *testing.T) {
	const places = 5
	o := setEmbargo(t, outcomes{domain.FileSelected: places, domain.FileNotSelected: places, domain.FileReserve: 2, domain.FileEliminated: 1}, poor())
	count := func(state string) (people int) {
		t.Helper()
		var a, p struct {
			ID     string `json:"id"`
			Owners int    `json:"owners"`
		}
		o.send(o.admin, "POST", "/v1/announcements", "", map[string]any{"fields": map[string]any{"title_id": "Kabar", "body_id": "Kabar", "title_en": "News", "body_en": "News",
			"audience": map[string]any{"programme_id": o.id, "enrolment_states": []string{state}, "regions": []string{"18"}}}}, &a)
		o.send(o.admin, "GET", "/v1/announcements/"+a.ID+"/preview", "", nil, &p)
		return p.Owners
	}
	want := func(when string, states map[string]int) {
		t.Helper()
		for _, state := range []string{"applied", "offered", "reserve", "not_selected", "active", "withdrawn"} {
			if got := count(state); got != states[state] {
				t.Errorf("%s: %d are %s, want %d", when, got, state, states[state])
			}
		}
	}
	o.ok(o.admin.Login(t.Context()))
	want("before the instant", map[string]int{"applied": 2*places + 3})
	o.publish()
	o.ok(o.admin.Login(t.Context()))
	want("afterwards", map[string]int{"offered": places, "not_selected": places + 1, "reserve": 2})
}
