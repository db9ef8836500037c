package play_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// embargo is a programme in which as many are selected as are not, and all are alike but
// for that.
type embargo struct {
	*testing.T
	w       *play.World
	admin   *play.Phone
	second  *play.Phone
	id      string
	numbers []string // phones
	places  int
	keys    int
	times   times
}

func (o *embargo) ok(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// setEmbargo decides about twice as many applicants as there are places.
func setEmbargo(t *testing.T, places int) *embargo {
	t.Helper()
	o := &embargo{T: t, places: places, times: times{}, id: domain.ProgrammeID("embargo-2022")}
	for n := range 2 * places {
		o.numbers = append(o.numbers, fmt.Sprintf("+6281190%05d", 10_000+n))
	}
	w, err := play.Open(t.Context(), play.LagawiStart(), play.Options{Store: storefault.NewPoor(), Identity: &storefault.MemoryIdentity{}, Crowd: 2, Numbers: o.numbers})
	o.ok(err)
	t.Cleanup(func() { o.ok(w.Close(context.Background())) })
	o.w = w
	o.admin, err = w.Enter(t.Context(), w.Person("Bu Ratna"), "desk")
	o.ok(err)
	o.second, err = w.Enter(t.Context(), w.Person("Pak Guntur"), "desk 2")
	o.ok(err)
	phase := func(code, from, to string) map[string]any {
		return map[string]any{"code": code, "starts_on": from, "ends_on": to}
	}
	plan := map[string]any{"name": "Embargo", "kind": "campaign", "region_codes": []string{"18"}, "quota": places, "number_prefix": "EMB", "confirm_days": 3,
		"phases": []any{phase("registration", "2022-02-27", "2022-03-06"), phase("curation", "2022-03-07", "2022-03-14")},
		"stages": []any{map[string]any{"no": 1, "kind": "rubric", "curators_per_file": 1, "items": []any{map[string]any{"code": "product", "label_id": "Produk", "weight_bp": 10000, "max": 1000}}}}}
	o.send(o.admin, "POST", "/v1/programmes", "", map[string]any{"code": "embargo-2022", "fields": plan}, nil)
	o.advance("open")
	o.register()
	w.Clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
	o.ok(o.admin.Login(t.Context()))
	o.ok(o.second.Login(t.Context()))
	o.advance("curating")
	o.send(o.admin, "POST", o.path("/begin"), "", nil, nil)
	o.score()
	o.decide()
	return o
}

func (o *embargo) path(rest string) string { return "/v1/programmes/" + o.id + rest }

func (o *embargo) send(p *play.Phone, method, path, tag string, in, out any) {
	o.Helper()
	o.ok(p.Send(o.Context(), method, path, tag, in, out))
}

func (o *embargo) advance(status string) {
	o.Helper()
	var e struct {
		Etag string `json:"etag"`
	}
	o.send(o.admin, "GET", o.path(""), "", nil, &e)
	o.send(o.admin, "POST", o.path("/status"), e.Etag, map[string]any{"status": status}, nil)
}

// register brings everybody in, each with texts of the same length.
func (o *embargo) register() {
	o.Helper()
	csv := "ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori\n"
	for n, number := range o.numbers {
		csv += fmt.Sprintf("E%05d;2022-03-01 08:00;Usaha %05d;Pemilik %05d;%s;18.71;pangan\n", n, n, n, number)
	}
	session, err := o.admin.Session()
	o.ok(err)
	a := o.ask(session.Access, "POST", o.path("/imports"), csv, "Content-Type", "text/csv")
	if a.status != http.StatusAccepted {
		o.Fatalf("the list was answered %d %s", a.status, a.body)
	}
	o.ok(o.w.Step(o.Context()))
}

// score has one curator score all files, so that every other one has more points.
func (o *embargo) score() {
	o.Helper()
	var k struct {
		Fields struct {
			User string `json:"user_id"`
		} `json:"fields"`
	}
	o.send(o.admin, "POST", o.path("/curators"), "", map[string]any{"phone": o.w.Neighbour(0).Number, "institution": "Dekranasda"}, &k)
	o.send(o.admin, "POST", o.path("/stages/1/shares"), "", map[string]any{}, nil)
	files, err := o.w.Rows(o.Context(), domain.DecisionScope(o.id), "case_file")
	o.ok(err)
	for _, f := range files {
		sheet, user := domain.SheetID(f.ID, 1, k.Fields.User), k.Fields.User
		var n int
		_, err := fmt.Sscanf(f.Text("number"), "EMB-%d", &n)
		o.ok(err)
		points := 100 + n/2 + 500*(n%2)
		write := func(collection, id string, set map[string]merge.Value) merge.ServerWrite {
			return merge.ServerWrite{Name: "app." + f.ID, Author: user, Role: merge.Curator, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set}
		}
		_, err = o.w.App.Engine.Write(o.Context(), domain.PanelScope(o.id, user),
			write("sheet", sheet, map[string]merge.Value{"application_id": merge.Str(f.ID), "stage": merge.Num(1), "items": merge.Value(fmt.Sprintf(`{"product":{"points":%d}}`, points))}),
			write("sheet_event", o.admin.IDs.New(), map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("submit")}))
		o.ok(err)
	}
	o.ok(o.w.Step(o.Context()))
}

func (o *embargo) decide() {
	o.Helper()
	var v struct {
		Basis  string         `json:"basis"`
		Counts map[string]int `json:"counts"`
	}
	o.send(o.admin, "GET", o.path("/stages/1"), "", nil, &v)
	o.send(o.admin, "POST", o.path("/stages/1/decision"), "", map[string]any{"basis": v.Basis}, nil)
	o.send(o.second, "POST", o.path("/stages/1/approval"), "", map[string]any{"basis": v.Basis}, &v)
	if v.Counts["selected"] != o.places || v.Counts["not_selected"] != o.places {
		o.Fatalf("decided: %v", v.Counts)
	}
	var p struct {
		Etag string `json:"etag"`
	}
	o.send(o.admin, "POST", o.path("/publication"), "", map[string]any{"publish_at": "2022-03-17T03:00:00Z", "feedback": map[string]string{"selected": "Selamat!"}}, &p)
	o.send(o.second, "POST", o.path("/publication/approval"), p.Etag, nil, nil)
}

// answer is one of the API.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (o *embargo) ask(token, method, path, body string, header ...string) answer {
	o.Helper()
	o.keys++
	return ask(o, o.w.URL+path, token, method, body, append([]string{"Idempotency-Key", fmt.Sprintf("embargo-%06d", o.keys)}, header...)...)
}

// ask makes one request as somebody who is no app of ours. Headers come in pairs; an
// idempotency key is left out where none belongs.
func ask(t testing.TB, url, token, method, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		if method == http.MethodPost || header[i] != "Idempotency-Key" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := readAll(resp)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, text}
}

// What differs between any two people, whatever was decided about them.
var (
	anID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anHex    = regexp.MustCompile(`"[0-9a-f]{12,32}"|\b[0-9]+\.[0-9a-f]{12}\b`)
	anHour   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	aNumber  = regexp.MustCompile(`\d{4,}`)
	aSecret  = regexp.MustCompile(`"(access_token|refresh_token|incarnation|cursor)":"[^"]*"`)
	aSpread  = regexp.MustCompile(`"poll_after_s":\d+`)
	unlikely = []string{"Date", "X-Request-Id", "Ratelimit", "Content-Length"}
)

// plainly leaves of an answer what must be the same for everybody. Lengths of what is
// left out are kept, but for those that are drawn for each phone.
func plainly(name string, a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d\n", name, a.status)
	for _, h := range slices.Sorted(maps.Keys(a.header)) {
		if !slices.Contains(unlikely, h) {
			fmt.Fprintf(&b, "%s: %s\n", h, aNumber.ReplaceAllString(anID.ReplaceAllString(strings.Join(a.header[h], ","), "id"), "n"))
		}
	}
	text := aSecret.ReplaceAllFunc(a.body, func(m []byte) []byte {
		key, value, _ := bytes.Cut(m, []byte(":"))
		return fmt.Appendf(nil, "%s:%d", key, len(value))
	})
	text = aSpread.ReplaceAll(text, []byte(`"poll_after_s":s`))
	text = anID.ReplaceAll(text, []byte("id"))
	text = anHour.ReplaceAll(text, []byte("hour"))
	text = anHex.ReplaceAll(text, []byte("hex"))
	text = aNumber.ReplaceAll(text, []byte("n"))
	b.Write(text)
	b.WriteByte('\n')
	return b.String()
}

// transcript is everything that an owner can ask for, and whatever else they may try.
func (o *embargo) transcript(number string, file merge.Row) string {
	o.Helper()
	var b strings.Builder
	var c struct {
		Challenge string `json:"challenge"`
	}
	o.ok(json.Unmarshal(o.ask("", "POST", "/v1/auth/code", `{"phone":"`+number+`"}`).body, &c))
	from := time.Now()
	first := o.ask("", "POST", "/v1/auth/login", fmt.Sprintf(`{"challenge":%q,"phone":%q,"code":%q,"device":{"install_id":"0190aaaa-0000-4000-8000-%s0"}}`, c.Challenge, number, play.Code, number[len(number)-11:]))
	o.times.note("login", file.Text("state"), time.Since(from))
	b.WriteString(plainly("login", first))
	var l struct {
		Token       string `json:"access_token"`
		Incarnation string `json:"incarnation"`
		Device      struct {
			ID string `json:"id"`
		} `json:"device"`
	}
	o.ok(json.Unmarshal(first.body, &l))
	o.ok(o.w.Step(o.Context()))
	look := func(name, method, path, body string, header ...string) answer {
		from := time.Now()
		a := o.ask(l.Token, method, path, body, header...)
		o.times.note(name, file.Text("state"), time.Since(from))
		b.WriteString(plainly(name, a))
		return a
	}
	const clock = `"clock":{"wall":"2022-03-16T02:00:00Z","mono_ms":1,"boot":"b"}`
	var s struct {
		Cursor string `json:"cursor"`
	}
	o.ok(json.Unmarshal(look("first sync", "POST", "/v1/sync", `{"app":"1.4.2",`+clock+`}`).body, &s))
	look("sync", "POST", "/v1/sync", `{"app":"1.4.2","cursor":"`+s.Cursor+`",`+clock+`}`)
	look("wait", "GET", "/v1/sync/wait?timeout_s=1", "")
	business, decided := file.Text("business_id"), domain.DecisionScope(o.id)
	for _, scope := range []string{decided, domain.PanelScope(o.id, file.Text("owner_id")), "audit/2022-03", domain.ScopeProgrammes} {
		look("push to "+strings.Split(scope, "/")[0], "POST", "/v1/sync/push", fmt.Sprintf(`{%s,"push":[{"scope":%q,"device":%q,"incarnation":%q,"generation":"1.x","mutations":[{"n":1,"schema":1,"collection":"case_file","id":%q,"op":"put","base":{"generation":"1.x","version":9},"at":{"wall":"2022-03-16T02:00:00Z","mono_ms":1,"boot":"b"},"set":{"rank":1}}]}]}`,
			clock, scope, l.Device.ID, l.Incarnation, file.ID))
	}
	for _, path := range []string{"/v1/me", "/v1/me/devices", "/v1/me/sessions", "/v1/businesses", "/v1/businesses/" + business, "/v1/businesses/" + business + "/members",
		"/v1/businesses/" + business + "/assignments", "/v1/businesses/" + business + "/health", "/v1/businesses/" + business + "/totals", "/v1/businesses/" + business + "/notes",
		"/v1/businesses/" + business + "/records/application/" + file.ID, "/v1/businesses/" + business + "/records/case_file/" + file.ID, "/v1/businesses/" + business + "/records/enrolment/" + domain.EnrolmentID(file.ID),
		"/v1/programmes", o.path(""), o.path("/files"), o.path("/files?state=selected"), o.path("/stages/1"), o.path("/publication"), o.path("/curators"), "/v1/announcements", "/v1/reviews", "/v1/plan-templates",
		"/v1/admin/users", "/v1/admin/approvals", "/v1/admin/audit?subject=" + file.Text("owner_id"), "/v1/jobs/" + file.ID} {
		look(anID.ReplaceAllString(path, "id"), "GET", path, "")
	}
	return b.String()
}

// TestNobodyCanTellWhoIsSelected: two hundred who are and two hundred who are not, all
// alike but for that, reach the same to the byte and after the same time, in every scope
// and at every address, until the instant; and then they do not.
func TestNobodyCanTellWhoIsSelected(t *testing.T) {
	places := 200
	if testing.Short() {
		places = 20
	}
	o := setEmbargo(t, places)
	o.w.Clock.Set(time.Date(2022, 3, 16, 2, 0, 0, 0, time.UTC))
	files, err := o.w.Rows(t.Context(), domain.DecisionScope(o.id), "case_file")
	o.ok(err)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] }) // what slows the machine down meets both
	seen := map[string]map[string]int{}                                                                         // by transcript, then by result
	for _, f := range files {
		text := o.transcript(f.Text("owner_phone"), f)
		if seen[text] == nil {
			seen[text] = map[string]int{}
		}
		seen[text][f.Text("state")]++
	}
	if len(seen) != 1 {
		all := slices.Sorted(maps.Keys(seen))
		t.Errorf("%d different transcripts of %d people: %v", len(seen), len(files), seen[all[0]])
		for i, a := range strings.Split(all[0], "\n") {
			if b := strings.Split(all[1], "\n"); i < len(b) && a != b[i] {
				t.Fatalf("one reads\n%.600s\nthe other\n%.600s", a, b[i])
			}
		}
	}
	for _, counts := range seen {
		if counts["selected"] != places || counts["not_selected"] != places {
			t.Errorf("%v", counts)
		}
	}
	o.times.alike(t, domain.FileSelected, domain.FileNotSelected)
	o.w.Clock.Set(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	for range 3 {
		o.ok(o.w.App.Programme.Due(t.Context()))
		o.ok(o.w.Step(t.Context()))
	}
	one, other := o.transcript(files[0].Text("owner_phone"), files[0]), ""
	for _, f := range files {
		if f.Text("state") != files[0].Text("state") {
			other = o.transcript(f.Text("owner_phone"), f)
			break
		}
	}
	if one == other {
		t.Error("even afterwards there is nothing to see: the test sees nothing")
	}
}

// TestNoAudienceTellsWhoIsSelected: until the instant everybody who applied is one audience,
// and no other state of an enrolment has anybody in it; afterwards each has its own.
func TestNoAudienceTellsWhoIsSelected(t *testing.T) {
	const places = 5
	o := setEmbargo(t, places)
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
	o.w.Clock.Set(time.Date(2022, 3, 16, 2, 0, 0, 0, time.UTC))
	o.ok(o.admin.Login(t.Context()))
	want("before the instant", map[string]int{"applied": 2 * places})
	o.w.Clock.Set(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	for range 3 {
		o.ok(o.w.App.Programme.Due(t.Context()))
		o.ok(o.w.Step(t.Context()))
	}
	o.ok(o.admin.Login(t.Context()))
	want("afterwards", map[string]int{"offered": places, "not_selected": places})
}
