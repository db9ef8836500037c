package play_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// embargo is a programme that is decided and not told: all who applied are alike but for
// what was decided about them.
type embargo struct {
	testing.TB
	w       *play.World
	spec    *apitest.Spec
	admin   *play.Phone
	second  *play.Phone
	id      string
	numbers []string // phones
	decided []string // of each, in the order of the numbers
	keys    int
	times   times
}

// outcomes are how many of each result there are.
type outcomes map[string]int

func (o *embargo) ok(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// setEmbargo has people apply and decides about them. Who gets which result is drawn.
func setEmbargo(t testing.TB, want outcomes, options play.Options) *embargo {
	t.Helper()
	o := &embargo{TB: t, times: times{}, id: domain.ProgrammeID("embargo-2022")}
	for _, result := range []string{domain.FileSelected, domain.FileNotSelected, domain.FileReserve, domain.FileEliminated} {
		o.decided = append(o.decided, slices.Repeat([]string{result}, want[result])...)
	}
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(o.decided), func(i, j int) { o.decided[i], o.decided[j] = o.decided[j], o.decided[i] })
	for n := range o.decided {
		o.numbers = append(o.numbers, fmt.Sprintf("+6281190%05d", 10_000+n))
	}
	options.Numbers = o.numbers
	for n := range o.numbers {
		options.Numbers = append(options.Numbers, o.helper(n), mentorNumber(n))
	}
	options.Crowd = 2
	var err error
	o.spec, err = apitest.Load(t.Context())
	o.ok(err)
	o.w, err = play.Open(t.Context(), play.LagawiStart(), options)
	o.ok(err)
	t.Cleanup(func() { o.ok(o.w.Close(context.Background())) })
	o.admin, err = o.w.Enter(t.Context(), o.w.Person("Bu Ratna"), "desk")
	o.ok(err)
	o.second, err = o.w.Enter(t.Context(), o.w.Person("Pak Guntur"), "desk 2")
	o.ok(err)
	o.plan(want)
	o.register()
	o.w.Clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
	o.ok(o.admin.Login(t.Context()))
	o.ok(o.second.Login(t.Context()))
	o.advance("curating")
	o.send(o.admin, "POST", o.path("/begin"), "", nil, nil)
	o.judge(want)
	return o
}

// helper is the number of somebody who works for the owner of number n.
func (o *embargo) helper(n int) string { return fmt.Sprintf("+6281191%05d", 10_000+n) }

func mentorNumber(n int) string { return fmt.Sprintf("+6281192%05d", 10_000+n) }

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

func (o *embargo) plan(want outcomes) {
	o.Helper()
	phase := func(code, from, to string) map[string]any {
		return map[string]any{"code": code, "starts_on": from, "ends_on": to}
	}
	stage := func(no int, pass map[string]any) map[string]any {
		return map[string]any{"no": no, "kind": "rubric", "curators_per_file": 1, "pass": pass, "items": []any{map[string]any{"code": "product", "label_id": "Produk", "weight_bp": 10000, "max": 1000}}}
	}
	plan := map[string]any{"name": "Embargo", "kind": "campaign", "region_codes": []string{"18"}, "quota": want[domain.FileSelected], "reserve_size": want[domain.FileReserve],
		"number_prefix": "EMB", "confirm_days": 3, "phases": []any{phase("registration", "2022-02-27", "2022-03-06"), phase("curation", "2022-03-07", "2022-03-14")},
		"stages": []any{stage(1, map[string]any{"score_bp": 5000}), stage(2, map[string]any{})}}
	o.send(o.admin, "POST", "/v1/programmes", "", map[string]any{"code": "embargo-2022", "fields": plan}, nil)
	o.advance("open")
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

// points are those in a stage with which somebody comes to a result. Among those of one
// result whoever registered earlier is ahead.
func points(result string, stage, n int) int {
	switch {
	case stage == 1 && result == domain.FileEliminated:
		return 100
	case stage == 1 || result == domain.FileSelected:
		return 900
	case result == domain.FileReserve:
		return 600
	}
	return 100 + n%100
}

// judge has a curator score all files in both stages, admins decide, and the publication
// wait for its instant.
func (o *embargo) judge(want outcomes) {
	o.Helper()
	var k struct {
		Fields struct {
			User string `json:"user_id"`
		} `json:"fields"`
	}
	o.send(o.admin, "POST", o.path("/curators"), "", map[string]any{"phone": o.w.Neighbour(0).Number, "institution": "Dekranasda"}, &k)
	var v struct {
		Basis  string         `json:"basis"`
		Counts map[string]int `json:"counts"`
	}
	for stage := range 2 {
		at := o.path(fmt.Sprintf("/stages/%d", stage+1))
		o.send(o.admin, "POST", at+"/shares", "", map[string]any{}, nil)
		o.score(k.Fields.User, stage+1)
		o.send(o.admin, "GET", at, "", nil, &v)
		o.send(o.admin, "POST", at+"/decision", "", map[string]any{"basis": v.Basis, "minutes": "BA-01"}, &v)
		if stage == 1 {
			o.send(o.second, "POST", at+"/approval", "", map[string]any{"basis": v.Basis}, &v)
		}
		o.ok(o.w.Step(o.Context()))
	}
	if v.Counts[domain.FileSelected] != want[domain.FileSelected] || v.Counts[domain.FileReserve] != want[domain.FileReserve] || v.Counts[domain.FileNotSelected] != want[domain.FileNotSelected] {
		o.Fatalf("decided: %v", v.Counts)
	}
	var p struct {
		Etag string `json:"etag"`
	}
	o.send(o.admin, "POST", o.path("/publication"), "", map[string]any{"publish_at": "2022-03-17T03:00:00Z", "feedback": map[string]string{"selected": "Selamat!"}}, &p)
	o.send(o.second, "POST", o.path("/publication/approval"), p.Etag, nil, nil)
	o.w.Clock.Set(time.Date(2022, 3, 16, 2, 0, 0, 0, time.UTC))
}

func (o *embargo) score(curator string, stage int) {
	o.Helper()
	for _, f := range o.files() {
		if f.Text("state") != domain.FileStage {
			continue
		}
		sheet, n := domain.SheetID(f.ID, stage, curator), o.place(f)
		write := func(collection, id string, set map[string]merge.Value) merge.ServerWrite {
			return merge.ServerWrite{Name: fmt.Sprint("app.", stage, f.ID), Author: curator, Role: merge.Curator, Collection: collection, ID: id, Op: merge.Put, Create: true, Set: set}
		}
		_, err := o.w.App.Engine.Write(o.Context(), domain.PanelScope(o.id, curator),
			write("sheet", sheet, map[string]merge.Value{"application_id": merge.Str(f.ID), "stage": merge.Num(stage),
				"items": merge.Value(fmt.Sprintf(`{"product":{"points":%d}}`, points(o.decided[n], stage, n)))}),
			write("sheet_event", o.admin.IDs.New(), map[string]merge.Value{"sheet_id": merge.Str(sheet), "op": merge.Str("submit")}))
		o.ok(err)
	}
	o.ok(o.w.Step(o.Context()))
}

func (o *embargo) files() []merge.Row {
	o.Helper()
	files, err := o.w.Rows(o.Context(), domain.DecisionScope(o.id), "case_file")
	o.ok(err)
	return files
}

// place is the place of a file among the numbers.
func (o *embargo) place(f merge.Row) int { return slices.Index(o.numbers, f.Text("owner_phone")) }

// publish lets the instant come.
func (o *embargo) publish() {
	o.Helper()
	o.w.Clock.Set(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	for range 3 {
		o.ok(o.w.App.Programme.Due(o.Context()))
		err := o.w.Step(o.Context())
		for n := 0; n < 20 && err != nil && fault.KindOf(err) == fault.Transient; n++ { // commits of the others came in between
			o.w.Clock.Advance(time.Second)
			err = o.w.Step(o.Context())
		}
		o.ok(err)
	}
}
