package programme_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// threeStages are those of Lagawi Fest.
func threeStages() merge.Value {
	type m = map[string]any
	var checklist, survey, rubric []m
	for _, code := range fixture.Checklist() {
		checklist = append(checklist, m{"code": code, "label_id": code, "required": true})
	}
	for _, code := range domain.SurveyItems() {
		survey = append(survey, m{"code": code, "label_id": code, "max": 4})
	}
	for _, it := range fixture.Rubric() {
		rubric = append(rubric, m{"code": it.Code, "label_id": it.Code, "max": 100, "weight_bp": it.Weight})
	}
	return merge.Encode([]m{{"no": 1, "kind": "checklist", "items": checklist}, {"no": 2, "kind": "level", "items": survey, "pass": m{"level": 2}},
		{"no": 3, "kind": "rubric", "items": rubric, "curators_per_file": 2, "blind": true}})
}

// contest is a programme with the list of 486 in it.
type contest struct {
	*office
	list     fixture.Lagawi
	edition  programme.Edition
	admin    store.User
	other    store.User
	curators []store.User // as the fixture counts them
	wrote    int
}

func (o *office) contest(seed uint64) *contest {
	o.Helper()
	return o.contestOf(seed, string(threeStages()))
}

// contestOf is a contest with other stages.
func (o *office) contestOf(seed uint64, stages string) *contest {
	o.Helper()
	return o.contestBefore(seed, stages, func(programme.Edition) {})
}

// contestBefore is a contest in which something happens before its list is brought in.
func (o *office) contestBefore(seed uint64, stages string, before func(programme.Edition)) *contest {
	o.Helper()
	o.Engine.Store = storefault.NewPoor()
	c := &contest{office: o, list: fixture.Campaign(seed)}
	c.admin, c.other = o.person(1, "admin"), o.person(2, "admin")
	template, err := o.CreateTemplate(o.Context(), o.as(c.admin), "bbi-90", 1, map[string]merge.Value{"name": merge.Str("BBI-90"), "items": merge.Encode(domain.BBI90())})
	o.unless(err)
	c.edition = o.opened("lagawi-fest-2022", "stages", stages, "plan_template_id", `"`+template.ID+`"`, "monitoring", `{"starts_on":"2022-03-20","ends_on":"2022-06-17"}`)
	before(c.edition)
	_, _, err = o.Import(o.Context(), o.as(c.admin), c.edition.ID, o.table(o.csv(seed)))
	o.unless(err)
	o.work()
	c.edition, err = o.Programme(o.Context(), o.as(c.admin), c.edition.ID)
	o.unless(err)
	o.clock.Set(time.Date(2022, 3, 7, 1, 0, 0, 0, time.UTC))
	c.edition, err = o.AdvanceProgramme(o.Context(), o.as(c.admin), c.edition.ID, c.edition.Version, domain.ProgrammeCurating)
	o.unless(err)
	for n, k := range fixture.Curators() {
		u := o.person(50 + n)
		c.curators = append(c.curators, u)
		_, err := o.AddCurator(o.Context(), o.as(c.admin), c.edition.ID, programme.NewCurator{Phone: u.Phone, Institution: k.Institution})
		o.unless(err)
	}
	o.work()
	return c
}

func (c *contest) stage(no int) programme.StageView {
	c.Helper()
	v, err := c.Stage(c.Context(), c.as(c.admin), c.edition.ID, no)
	c.unless(err)
	return v
}

// decide decides a stage on what is seen of it now.
func (c *contest) decide(no int) programme.StageView {
	c.Helper()
	v := c.stage(no)
	v, err := c.Decide(c.Context(), c.as(c.admin), c.edition.ID, no, v.Basis, fmt.Sprint("BA-0", no))
	c.unless(err)
	c.work()
	return v
}

// begun brings the contest to its last stage.
func (c *contest) begun() {
	c.Helper()
	c.begunWith(478)
}

// begunWith is begun where not all files begin.
func (c *contest) begunWith(files int) {
	c.Helper()
	n, err := c.Begin(c.Context(), c.as(c.admin), c.edition.ID)
	if c.unless(err); n != files {
		c.Fatalf("%d begin", n)
	}
	c.decide(1)
	c.decide(2)
}

// panel gives the dossiers of a curator, by receipt number.
func (c *contest) panel(n int) []merge.Row {
	c.Helper()
	return c.scope(domain.PanelScope(c.edition.ID, c.curators[n].ID), "dossier")
}

func (c *office) scope(scope, collection string) (out []merge.Row) {
	c.Helper()
	head, err := c.Engine.Store.Head(c.Context(), scope)
	c.unless(err)
	for at, more := (store.Position{}), true; more; {
		page, err := c.Engine.Store.Changed(c.Context(), scope, at, head.Applied, head.Applied, 1<<20)
		c.unless(err)
		for i := range page.Records {
			at = store.Position{Version: page.Records[i].Version, Key: page.Records[i].Key()}
			if page.Records[i].Collection == collection && !page.Records[i].Deleted {
				r := merge.Row{Key: page.Records[i].Key(), Version: page.Records[i].Version}
				c.unless(json.Unmarshal(page.Records[i].Fields, &r.Fields))
				out = append(out, r)
			}
		}
		more = page.More
	}
	return out
}

// writes is a write as the app of a curator would have it made.
func (c *contest) writes(n int, collection, record string, create bool, set map[string]merge.Value) error {
	c.wrote++
	_, err := c.Engine.Write(c.Context(), domain.PanelScope(c.edition.ID, c.curators[n].ID), merge.ServerWrite{Name: fmt.Sprint("app.curator.", c.wrote), Author: c.curators[n].ID,
		Role: merge.Curator, Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set})
	return err
}

// score fills in a sheet of the last stage and submits it.
func (c *contest) score(n int, application string, points map[string]int, more map[string]merge.Value) {
	c.Helper()
	c.scoreIn(n, 3, application, points, more)
}

// scoreIn fills in a sheet of a stage and submits it.
func (c *contest) scoreIn(n, stage int, application string, points map[string]int, more map[string]merge.Value) {
	c.Helper()
	items := map[string]map[string]int{}
	for code, p := range points {
		items[code] = map[string]int{"points": p}
	}
	set := map[string]merge.Value{"application_id": merge.Str(application), "stage": merge.Num(stage), "items": merge.Encode(items)}
	for name, v := range more {
		set[name] = v
	}
	sid := domain.SheetID(application, stage, c.curators[n].ID)
	c.unless(c.writes(n, "sheet", sid, true, set))
	c.unless(c.writes(n, "sheet_event", c.ids.New(), true, map[string]merge.Value{"sheet_id": merge.Str(sid), "op": merge.Str("submit")}))
}

// byNumber is the row of the list behind a receipt number.
func (c *contest) byNumber(number string) fixture.Row {
	n := 0
	for _, r := range c.list.Rows {
		if r.Refusal == "" {
			if n++; domain.ReceiptNumber("LGW22", n) == number {
				return r
			}
		}
	}
	c.Fatalf("nobody has %s", number)
	return fixture.Row{}
}

// TestFrom478To30 is A2: what the list and the sheets of the story come to.
func TestFrom478To30(t *testing.T) {
	c := open(t).contest(1)
	c.begun()
	for no, want := range map[int][2]int{1: {212, 266}, 2: {96, 116}} {
		if v := c.stage(no); v.Count("passed") != want[0] || v.Count("failed") != want[1] || v.Decision.Text("state") != "decided" {
			t.Errorf("stage %d: %d passed, %d failed", no, v.Count("passed"), v.Count("failed"))
		}
	}
	n, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	if c.unless(err); n != 192 {
		t.Fatalf("%d shares", n)
	}
	c.work()
	if v := c.stage(3); len(v.Missing) != 96 {
		t.Errorf("%d files miss sheets", len(v.Missing))
	}
	for k := range c.curators {
		got := c.panel(k)
		if len(got) < 31 || len(got) > 33 { // which curators share an institution decides
			t.Errorf("%s has %d files", fixture.Curators()[k].Name, len(got))
		}
		for _, d := range got {
			if d.Text("business_name") != "" || d.Text("number") != "" || d.Fields["nib"] != nil || d.Fields["owner_phone"] != nil {
				t.Fatalf("a blind stage tells %v", d.Fields)
			}
			// Whoever of the story scored it, the points are those of one of its two sheets.
			r := c.byNumber(c.filed(d.Text("application_id")).Text("number"))
			sheet := r.Sheets[0]
			if other := c.scope(domain.DecisionScope(c.edition.ID), "score"); slices.ContainsFunc(other, func(s merge.Row) bool { return s.Text("application_id") == d.Text("application_id") }) {
				sheet = r.Sheets[1]
			}
			c.score(k, d.Text("application_id"), sheet.Scores, nil)
			c.work()
		}
	}
	v := c.stage(3)
	if v.Count("selected") != 30 || v.Count("reserve") != 10 || v.Count("not_selected") != 56 || len(v.Missing) != 0 {
		t.Fatalf("%d selected, %d reserve, %d not; %d missing", v.Count("selected"), v.Count("reserve"), v.Count("not_selected"), len(v.Missing))
	}
	open := v.Balance
	v = c.decide(3)
	if v.Decision.Text("state") != "prepared" {
		t.Fatalf("decided by one person: %s", v.Decision.Text("state"))
	}
	if _, err := c.Approve(t.Context(), c.as(c.admin), c.edition.ID, 3, v.Basis); fault.CodeOf(err) != "same_person" {
		t.Errorf("approved by the same: %v", err)
	}
	_, err = c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, v.Basis)
	c.unless(err)
	c.work()
	balance := c.stage(3).Balance
	if got := balance.Categories; got["food_beverage"]["selected"] != 19 || got["toys"]["selected"] != 1 || got["fashion"]["selected"] != 3 || got["crafts"]["selected"] != 6 || got["machinery"]["selected"] != 1 {
		t.Errorf("by category %v", got)
	}
	selected := 0
	for _, results := range balance.Regions {
		selected += results["selected"]
	}
	if selected != 30 || len(balance.Regions) < 2 || !reflect.DeepEqual(open, balance) {
		t.Errorf("by region %v, before it was decided %v", balance.Regions, open.Regions)
	}
	states := map[string]int{}
	categories := map[string]int{}
	for _, f := range c.files(c.edition) {
		states[f.Text("state")]++
		if f.Text("state") == domain.FileSelected {
			categories[f.Text("category")]++
			if r := c.byNumber(f.Text("number")); r.Outcome != fixture.OutSelected || r.Rank != int(f.Int("rank")) {
				t.Errorf("%s is selected with rank %d; in the story %s, %d", f.Text("number"), f.Int("rank"), r.Outcome, r.Rank)
			}
		}
	}
	if states["eliminated"] != 382 || states["selected"] != 30 || states["reserve"] != 10 || states["not_selected"] != 56 {
		t.Errorf("%v", states)
	}
	if categories["food_beverage"] != 19 || categories["toys"] != 1 || categories["fashion"] != 3 || categories["crafts"] != 6 || categories["machinery"] != 1 {
		t.Errorf("%v", categories)
	}
	// No business has heard of anything: its scope is where the import left it.
	for _, f := range c.files(c.edition) {
		head, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
		if c.unless(err); head.Applied != 1 {
			t.Fatalf("%s: %d commits in the scope of a business, while all is secret", f.Text("number"), head.Applied)
		}
	}
}

// submit is the whole of a small stage 3: every curator scores every dossier alike.
func (c *contest) submitAll(points int, but func(n int, application string) bool) {
	c.Helper()
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if but == nil || !but(n, d.Text("application_id")) {
				c.score(n, d.Text("application_id"), all(points), nil)
			}
		}
	}
	c.work()
}

// all gives every item of the rubric the same points.
func all(points int) map[string]int {
	out := map[string]int{}
	for _, it := range fixture.Rubric() {
		out[it.Code] = points
	}
	return out
}

// TestAConflictOfInterestAsksAThird: the sheet does not count, and somebody of a third
// institution gets the file.
func TestAConflictOfInterestAsksAThird(t *testing.T) {
	c := open(t).contest(2)
	c.begun()
	_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	file := c.panel(0)[0].Text("application_id")
	c.score(0, file, all(100), map[string]merge.Value{"conflict": merge.Flag(true)})
	c.submitAll(50, func(n int, a string) bool { return n == 0 && a == file })
	if v := c.stage(3); !slices.Equal(v.Missing, []string{file}) {
		t.Fatalf("missing %v", v.Missing)
	}
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, c.stage(3).Basis, ""); fault.CodeOf(err) != "stage_not_ready" {
		t.Errorf("decided without a sheet: %v", err)
	}
	asked := 0
	for n := range c.curators {
		for _, d := range c.panel(n) {
			if d.Text("application_id") == file && n != 0 && len(c.sheets(n, file)) == 0 {
				if fixture.Curators()[n].Institution == fixture.Curators()[0].Institution && n != 0 {
					t.Logf("the third is of the institution of who stepped back, whose sheet does not count")
				}
				asked++
				c.score(n, file, all(50), nil)
			}
		}
	}
	if asked != 1 {
		t.Fatalf("%d are asked for one conflict", asked)
	}
	c.work()
	v := c.stage(3)
	i := slices.IndexFunc(v.Outcomes, func(o programme.StageOutcome) bool { return o.File == file })
	if len(v.Missing) > 0 || *v.Outcomes[i].Score != 5000 {
		t.Errorf("missing %v, score %d", v.Missing, *v.Outcomes[i].Score)
	}
	if n, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil); err != nil || n != 0 {
		t.Errorf("shared again: %d, %v", n, err)
	}
}

func (c *contest) sheets(n int, application string) []merge.Row {
	return slices.DeleteFunc(c.scope(domain.PanelScope(c.edition.ID, c.curators[n].ID), "sheet"), func(r merge.Row) bool { return r.Text("application_id") != application })
}

// TestASheetIsLockedOnceItIsIn, opened again by an admin, and late behind a decision.
func TestASheetIsLockedOnceItIsIn(t *testing.T) {
	c := open(t).contest(3)
	c.begun()
	_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	c.submitAll(50, nil)
	file := c.panel(1)[0].Text("application_id")
	sid := domain.SheetID(file, 3, c.curators[1].ID)
	better := map[string]merge.Value{"items": merge.Value(`{"quality":{"points":100}}`)}
	if err := c.writes(1, "sheet", sid, false, better); fault.CodeOf(err) != "locked" {
		t.Errorf("changed while it is in: %v", err)
	}
	_, err = c.Reopen(t.Context(), c.as(c.admin), c.edition.ID, sid, c.curators[1].ID, "angka tertukar")
	c.unless(err)
	c.work()
	if v := c.stage(3); !slices.Equal(v.Missing, []string{file}) {
		t.Errorf("missing %v while it is open again", v.Missing)
	}
	c.unless(c.writes(1, "sheet", sid, false, better))
	c.unless(c.writes(1, "sheet_event", c.ids.New(), true, map[string]merge.Value{"sheet_id": merge.Str(sid), "op": merge.Str("submit")}))
	c.work()
	v := c.stage(3)
	i := slices.IndexFunc(v.Outcomes, func(o programme.StageOutcome) bool { return o.File == file })
	if *v.Outcomes[i].Score != 5250 || v.Outcomes[i].Rank != 1 {
		t.Errorf("score %d, rank %d", *v.Outcomes[i].Score, v.Outcomes[i].Rank)
	}
	c.decide(3)
	_, err = c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
	c.unless(err)
	c.work()
	before := c.stage(3).Outcomes
	_, err = c.Reopen(t.Context(), c.as(c.admin), c.edition.ID, sid, c.curators[1].ID, "terlambat")
	c.unless(err)
	c.work()
	c.unless(c.writes(1, "sheet_event", c.ids.New(), true, map[string]merge.Value{"sheet_id": merge.Str(sid), "op": merge.Str("submit")}))
	c.work()
	late := c.scope(domain.DecisionScope(c.edition.ID), "score")
	at := slices.IndexFunc(late, func(r merge.Row) bool { return r.ID == sid })
	if string(late[at].Fields["late"]) != "true" || !slices.EqualFunc(before, c.stage(3).Outcomes, func(a, b programme.StageOutcome) bool { return a.File == b.File && a.Result == b.Result }) {
		t.Errorf("a sheet behind the decision: late %s", late[at].Fields["late"])
	}
	for _, u := range []store.User{c.admin, c.other} {
		told := slices.DeleteFunc(c.scope(merge.UserScope(u.ID), "inbox"), func(r merge.Row) bool { return r.Text("type") != domain.NoticeLateScore })
		if len(told) != 1 || !strings.Contains(string(told[0].Fields["params"]), `"number":"LGW22-`) {
			t.Errorf("who decided is told %d times of a sheet that came late: %v", len(told), told)
		}
	}
}

// TestWhatADecisionRestsOnMayNotHaveChanged: an owner who withdraws between the look and
// the decision, or between the two people, has it looked at again.
func TestWhatADecisionRestsOnMayNotHaveChanged(t *testing.T) {
	c := open(t).contest(4)
	c.begun()
	_, err := c.Share(t.Context(), c.as(c.admin), c.edition.ID, 3, nil)
	c.unless(err)
	c.work()
	c.submitAll(50, nil)
	withdraw := func(i int) {
		o := c.stage(3).Outcomes[i]
		f := c.files(c.edition)
		at := slices.IndexFunc(f, func(r merge.Row) bool { return r.ID == o.File })
		c.wrote++
		_, err := c.Engine.Write(t.Context(), "business/"+f[at].Text("business_id"), merge.ServerWrite{Name: fmt.Sprint("owner.", c.wrote), Author: f[at].Text("owner_id"), Role: merge.Owner,
			Collection: "application_event", ID: c.ids.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(o.File), "op": merge.Str("withdraw")}})
		c.unless(err)
		c.work()
	}
	seen := c.stage(3)
	withdraw(0)
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, seen.Basis, ""); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("decided on what was: %v", err)
	}
	seen = c.decide(3)
	withdraw(0)
	if _, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, seen.Basis); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("approved what was: %v", err)
	}
	seen = c.decide(3)
	if seen.Count("selected") != 30 || seen.Count("reserve") != 10 || seen.Count("not_selected") != 54 {
		t.Errorf("%d, %d, %d", seen.Count("selected"), seen.Count("reserve"), seen.Count("not_selected"))
	}
	_, err = c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, seen.Basis)
	c.unless(err)
}

func TestWhenStagesBegin(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022", "stages", string(threeStages()))
	admin := o.person(1, "admin")
	if _, err := o.Begin(t.Context(), o.as(admin), e.ID); fault.CodeOf(err) != "stage_not_ready" {
		t.Errorf("while people register: %v", err)
	}
	if _, err := o.Decide(t.Context(), o.as(admin), e.ID, 1, "", ""); fault.CodeOf(err) != "stage_not_begun" {
		t.Errorf("without a file: %v", err)
	}
	if _, err := o.Share(t.Context(), o.as(admin), e.ID, 1, nil); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("a stage that nobody looks at: %v", err)
	}
	if _, err := o.Stage(t.Context(), o.as(admin), e.ID, 4); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("a stage that is not there: %v", err)
	}
}

// TestTwoProcessesAskOneForAConflict: whoever is at it, and again afterwards.
func TestTwoProcessesAskOneForAConflict(t *testing.T) {
	c := open(t).contest(2)
	c.shared()
	file := c.panel(0)[0].Text("application_id")
	c.score(0, file, all(100), map[string]merge.Value{"conflict": merge.Flag(true)})
	before := len(c.scope(domain.DecisionScope(c.edition.ID), "file_share"))
	sheet := c.sheets(0, file)[0]
	eff := merge.Effect{Scope: domain.PanelScope(c.edition.ID, c.curators[0].ID), Collection: "sheet", ID: sheet.ID}
	var two sync.WaitGroup
	for range 2 {
		two.Go(func() {
			if err := c.Steps()[domain.StepScore](t.Context(), eff); err != nil {
				t.Error(err)
			}
		})
	}
	two.Wait()
	c.work()
	if n := len(c.scope(domain.DecisionScope(c.edition.ID), "file_share")) - before; n != 1 {
		t.Errorf("%d are asked", n)
	}
}

// TestAConflictOnASavedSheetIsHeard: whoever notices it later says so, and goes on without
// submitting.
func TestAConflictOnASavedSheetIsHeard(t *testing.T) {
	c := open(t).contest(2)
	c.shared()
	file := c.panel(0)[0].Text("application_id")
	before := len(c.scope(domain.DecisionScope(c.edition.ID), "file_share"))
	sheet := domain.SheetID(file, 3, c.curators[0].ID)
	c.unless(c.writes(0, "sheet", sheet, true, map[string]merge.Value{"application_id": merge.Str(file), "stage": merge.Num(3)}))
	c.work()
	c.unless(c.writes(0, "sheet", sheet, false, map[string]merge.Value{"conflict": merge.Flag(true)}))
	c.work()
	if n := len(c.scope(domain.DecisionScope(c.edition.ID), "file_share")) - before; n != 1 {
		t.Errorf("%d are asked", n)
	}
}
