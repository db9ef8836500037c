package programme_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// opened makes a programme that people may register for, at an instant of its window.
func (o *office) opened(code string, change ...string) programme.Edition {
	o.Helper()
	admin := o.person(900+o.asked, "admin")
	o.Engine.Steps = o.Steps()
	e, err := o.CreateProgramme(o.Context(), o.as(admin), code, plan(o.T, change...))
	o.unless(err)
	e, err = o.AdvanceProgramme(o.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
	o.unless(err)
	o.clock.Set(time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC))
	return e
}

// applicant is an owner with a business in a regency, who agrees to the curation.
type applicant struct {
	o           *office
	owner       store.User
	business    string
	application string
	programme   string
	n           int
}

func (o *office) applicant(n int, e programme.Edition, region string) *applicant {
	o.Helper()
	return o.drafts(n, e, region, true)
}

// drafts has an owner begin to apply, who agrees to the curation or has not yet.
func (o *office) drafts(n int, e programme.Edition, region string, agrees bool) *applicant {
	o.Helper()
	a := &applicant{o: o, owner: o.person(n), programme: e.ID}
	b, err := o.CreateBusiness(o.Context(), o.as(a.owner), programme.NewBusiness{ID: o.ids.New(), Name: fmt.Sprint("Kopi ", n), RegionCode: region, PrimaryCategory: "food_beverage"})
	o.unless(err)
	a.business, a.application = b.ID, domain.ApplicationID(b.ID, e.ID, 1)
	a.write(merge.UserScope(a.owner.ID), merge.Self, "user", a.owner.ID, map[string]merge.Value{"full_name": merge.Str("Ibu Kopi")})
	if agrees {
		a.agree()
	}
	a.write("business/"+b.ID, merge.Owner, "application", a.application, map[string]merge.Value{"programme_id": merge.Str(e.ID)})
	return a
}

// write is a write as the owner's app would have it made.
func (a *applicant) write(scope string, role merge.Role, collection, record string, set map[string]merge.Value) {
	a.o.Helper()
	a.n++
	head, err := a.o.Engine.Store.Head(a.o.Context(), scope)
	create := err != nil
	if err == nil {
		got, err := a.o.Engine.Store.Load(a.o.Context(), head.Scope, store.Want{Keys: []merge.Key{{Collection: collection, ID: record}}})
		a.o.unless(err)
		create = len(got.Records) == 0
	}
	_, err = a.o.Engine.Write(a.o.Context(), scope, merge.ServerWrite{Name: fmt.Sprintf("app.%s.%d", a.owner.ID, a.n), Author: a.owner.ID, Role: role,
		Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set})
	a.o.unless(err)
}

func (a *applicant) agree() {
	a.write(merge.UserScope(a.owner.ID), merge.Self, "consent", a.o.ids.New(), map[string]merge.Value{"user_id": merge.Str(a.owner.ID), "purpose": merge.Str("curation"),
		"granted": merge.Flag(true), "text_version": merge.Str("2022-01-01")})
}

func (a *applicant) does(op string) {
	a.o.Helper()
	a.write("business/"+a.business, merge.Owner, "application_event", a.o.ids.New(), map[string]merge.Value{"application_id": merge.Str(a.application), "op": merge.Str(op)})
}

func (a *applicant) row(scope, collection, record string) merge.Row {
	a.o.Helper()
	got, err := a.o.Engine.Store.Load(a.o.Context(), scope, store.Want{Keys: []merge.Key{{Collection: collection, ID: record}}})
	a.o.unless(err)
	if len(got.Records) == 0 {
		return merge.Row{}
	}
	r := merge.Row{Key: got.Records[0].Key(), Version: got.Records[0].Version}
	a.o.unless(json.Unmarshal(got.Records[0].Fields, &r.Fields))
	return r
}

func (a *applicant) mine() merge.Row {
	return a.row("business/"+a.business, "application", a.application)
}
func (a *applicant) file() merge.Row {
	return a.row(domain.DecisionScope(a.programme), "case_file", a.application)
}

// TestSubmissionsGetNumbersWithoutGaps: in the order in which they are counted, each
// once, however often the work is done; and a business that submits again keeps its own.
func TestSubmissionsGetNumbersWithoutGaps(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	var all []*applicant
	for n := range 5 {
		a := o.applicant(10+n, e, "18.71")
		a.does("submit")
		o.work()
		all = append(all, a)
	}
	for i, a := range all {
		want := fmt.Sprintf("LGW22-%05d", i+1)
		if mine, file := a.mine(), a.file(); mine.Text("number") != want || file.Text("number") != want || file.Text("owner_name") != "Ibu Kopi" {
			t.Errorf("%d: %q and %q, want %s", i, mine.Text("number"), file.Text("number"), want)
		}
	}
	for range 3 { // the same step again
		o.unless(o.Steps()[domain.StepFollow](t.Context(), merge.Effect{Scope: "business/" + all[2].business, Collection: "application", ID: all[2].application}))
	}
	o.work()
	if n := all[0].row(domain.DecisionScope(e.ID), "numbering", e.ID).Int("last"); n != 5 || all[2].mine().Text("number") != "LGW22-00003" {
		t.Errorf("%d numbers, the third has %s", n, all[2].mine().Text("number"))
	}
}

// TestWhatDoesNotCountGoesBack, with the reason, and can be submitted again.
func TestWhatDoesNotCountGoesBack(t *testing.T) {
	question := []string{"questions", `[{"code":"since","label_id":"Sejak kapan?","required":true}]`}
	tests := []struct {
		name   string
		change []string
		region string
		at     time.Time
		before func(*applicant)
		want   string
	}{
		{"in time", nil, "18.71", time.Date(2022, 3, 6, 16, 59, 59, 999e6, time.UTC), nil, ""},
		{"the day after", nil, "18.71", time.Date(2022, 3, 6, 17, 0, 0, 0, time.UTC), nil, domain.ReturnWindowClosed},
		{"too early", nil, "18.71", time.Date(2022, 2, 26, 16, 59, 59, 0, time.UTC), nil, domain.ReturnWindowNotOpen},
		{"from elsewhere", nil, "31.71", time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC), nil, domain.ReturnNotCovered},
		{"an answer missing", question, "18.71", time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC), nil, domain.ReturnIncomplete},
		{"answered", question, "18.71", time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC), func(a *applicant) {
			a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(`{"since":{"value":"2014"}}`)})
		}, ""},
		{"consent taken back", nil, "18.71", time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC), func(a *applicant) {
			a.write(merge.UserScope(a.owner.ID), merge.Self, "consent", a.o.ids.New(), map[string]merge.Value{"user_id": merge.Str(a.owner.ID), "purpose": merge.Str("curation"),
				"granted": merge.Flag(false), "text_version": merge.Str("2022-01-01")})
		}, domain.ReturnNoConsent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("lagawi-fest-2022", tt.change...)
			o.clock.Set(time.Date(2022, 2, 20, 0, 0, 0, 0, time.UTC))
			a := o.applicant(10, e, tt.region)
			o.clock.Set(tt.at)
			if tt.before != nil {
				tt.before(a)
			}
			a.does("submit")
			o.work()
			mine, file := a.mine(), a.file()
			if tt.want == "" {
				if mine.Text("state") != domain.ApplicationSubmitted || mine.Text("number") == "" || file.Version == 0 {
					t.Errorf("%s %s, for %s", mine.Text("state"), mine.Text("number"), mine.Text("returned_for"))
				}
				return
			}
			if mine.Text("state") != domain.ApplicationReturned || mine.Text("returned_for") != tt.want || file.Version > 0 || mine.Text("number") != "" {
				t.Errorf("%s for %q, file %d, want %s", mine.Text("state"), mine.Text("returned_for"), file.Version, tt.want)
			}
		})
	}
}

// TestWhatWasReturnedIsSubmittedAgain: and counts then.
func TestWhatWasReturnedIsSubmittedAgain(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022", "questions", `[{"code":"since","label_id":"Sejak kapan?","required":true}]`)
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(`{"since":{"value":"2014"}}`)})
	a.does("submit")
	o.work()
	if mine := a.mine(); mine.Text("number") != "LGW22-00001" || mine.Text("returned_for") != "" {
		t.Errorf("%q, returned for %q", mine.Text("number"), mine.Text("returned_for"))
	}
	if got := string(a.file().Fields["answers"]); got != `{"since":{"value":"2014"}}` {
		t.Errorf("filed with %s", got)
	}
}

// TestASubmittedApplicationIsLocked until it is sent back.
func TestASubmittedApplicationIsLocked(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	_, err := o.Engine.Write(t.Context(), "business/"+a.business, merge.ServerWrite{Name: "late", Author: a.owner.ID, Role: merge.Owner, Collection: "application", ID: a.application,
		Op: merge.Put, Set: map[string]merge.Value{"answers": merge.Value(`{"since":{"value":"2015"}}`)}})
	if fault.CodeOf(err) != "locked" {
		t.Errorf("%v, want locked", err)
	}
}

// TestAProgrammeThatNobodyKnows gives the application back and leaves nothing behind.
func TestAProgrammeThatNobodyKnows(t *testing.T) {
	o := open(t)
	o.opened("lagawi-fest-2022")
	nowhere := programme.Edition{Row: merge.Row{Key: merge.Key{ID: o.ids.New()}}}
	a := o.applicant(10, nowhere, "18.71")
	a.does("submit")
	o.work()
	if mine := a.mine(); mine.Text("returned_for") != domain.ReturnUnknown {
		t.Errorf("%s for %q", mine.Text("state"), mine.Text("returned_for"))
	}
	if _, err := o.Engine.Store.Head(t.Context(), domain.DecisionScope(nowhere.ID)); err == nil {
		t.Error("a scope was made for it")
	}
}

// TestCountingSurvivesEveryCrash: at whichever call of the store the work behind two
// submissions dies, the next one ends it with a file and a number each.
func TestCountingSurvivesEveryCrash(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e := o.opened("lagawi-fest-2022")
	all := []*applicant{o.applicant(10, e, "18.71"), o.applicant(11, e, "18.71")}
	for _, a := range all {
		a.does("submit")
	}
	engine := o.Engine
	for _, fate := range []storefault.Fate{storefault.DieAfter, storefault.DieBefore} {
		for n, failed := 1, true; failed; n++ {
			poor := before.Copy()
			process := func(s store.Store) {
				o.Service.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: o.clock, IDs: o.ids, Log: engine.Log, Steps: o.Steps()}
			}
			process(storefault.NewFailing(poor, storefault.At(n, fate), nil).Store())
			_, err := o.Engine.Work(t.Context())
			failed = err != nil
			process(poor)
			o.work()
			var numbers []string
			for _, a := range all {
				numbers = append(numbers, a.mine().Text("number"))
				if a.mine().Text("number") != a.file().Text("number") {
					t.Fatalf("call %d: %q and %q", n, a.mine().Text("number"), a.file().Text("number"))
				}
			}
			slices.Sort(numbers)
			if want := []string{"LGW22-00001", "LGW22-00002"}; !slices.Equal(numbers, want) {
				t.Fatalf("call %d (%v): %v", n, err, numbers)
			}
			if !failed && n < 20 {
				t.Errorf("ended after %d calls", n)
			}
		}
	}
}

// TestADraftIsAsIfThereWereNone: what an owner can find out of a programme that nobody has
// opened is what they find out of one that is not there, to the byte but for the ids, and it
// leaves nothing where the draft is.
func TestADraftIsAsIfThereWereNone(t *testing.T) {
	seen := map[bool]string{}
	for _, there := range []bool{false, true} {
		o := open(t)
		admin := o.person(900, "admin")
		o.Engine.Steps = o.Steps()
		if there {
			_, err := o.CreateProgramme(t.Context(), o.as(admin), "rahasia-2022", plan(t))
			o.unless(err)
		}
		o.clock.Set(time.Date(2022, 3, 1, 3, 0, 0, 0, time.UTC)) // in its window
		draft := programme.Edition{Row: merge.Row{Key: merge.Key{ID: domain.ProgrammeID("rahasia-2022")}}}
		a := o.applicant(10, draft, "18.71")
		for range 2 {
			a.does("submit")
			o.work()
			o.clock.Set(o.clock.Now().Add(time.Hour))
		}
		text := fmt.Sprintf("%s %s %s", a.mine().Text("state"), a.mine().Text("returned_for"), a.mine().Text("number"))
		for _, r := range append(o.scope("business/"+a.business, "application_event"), o.scope(merge.UserScope(a.owner.ID), "inbox")...) {
			text += "\n" + fmt.Sprint(r.Text("op"), r.Text("reason_code"), r.Text("outcome"), r.Text("type"), string(r.Fields["params"]))
		}
		seen[there] = text
		if mine := a.mine(); mine.Text("state") != domain.ApplicationReturned || mine.Text("returned_for") != domain.ReturnUnknown {
			t.Errorf("a draft there: %t: %s for %q, %q", there, mine.Text("state"), mine.Text("returned_for"), mine.Text("number"))
		}
		if there {
			if r := a.row(domain.DecisionScope(draft.ID), "application_state", a.application); r.Version > 0 || a.file().Version > 0 {
				t.Error("the draft knows of it")
			}
			e, err := o.Programme(t.Context(), o.as(admin), draft.ID)
			o.unless(err)
			_, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeOpen)
			o.unless(err)
			a.does("submit")
			o.work()
			if a.mine().Text("number") != "LGW22-00001" {
				t.Errorf("once it is open: %q, returned for %q", a.mine().Text("number"), a.mine().Text("returned_for"))
			}
		}
	}
	if seen[true] != seen[false] {
		t.Errorf("with a draft:\n%s\nwithout:\n%s", seen[true], seen[false])
	}
}

// TestWhoAgreesBehindTheirSubmission: what was submitted in time is not too late because its
// consent comes in later, from another phone; it has some days for that, once.
func TestWhoAgreesBehindTheirSubmission(t *testing.T) {
	last := time.Date(2022, 3, 6, 16, 0, 0, 0, time.UTC) // an hour before the window ends
	by := time.Date(2022, 3, 9, 17, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		again []time.Time // submitted once more, without a consent
		at    time.Time   // agreed, and submitted
		want  string
	}{
		{"within it", nil, by.Add(-time.Millisecond), ""},
		{"behind it", nil, by, domain.ReturnWindowClosed},
		{"asking twice gives no more days", []time.Time{by.Add(-time.Hour)}, by, domain.ReturnWindowClosed},
		{"asking twice takes none", []time.Time{by.Add(-time.Hour)}, by.Add(-time.Millisecond), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e := o.opened("lagawi-fest-2022")
			o.clock.Set(time.Date(2022, 3, 1, 0, 0, 0, 0, time.UTC))
			a := o.drafts(10, e, "18.71", false)
			for _, at := range append([]time.Time{last}, tt.again...) {
				o.clock.Set(at)
				a.does("submit")
				o.work()
				if mine := a.mine(); mine.Text("returned_for") != domain.ReturnNoConsent || !instantOf(mine, "complete_by").Equal(by) {
					t.Fatalf("%s for %q, by %s", mine.Text("state"), mine.Text("returned_for"), mine.Text("complete_by"))
				}
			}
			o.clock.Set(tt.at)
			a.agree()
			a.does("submit")
			o.work()
			if mine := a.mine(); mine.Text("returned_for") != tt.want || (mine.Text("number") == "") != (tt.want != "") {
				t.Errorf("%s %s, for %q", mine.Text("state"), mine.Text("number"), mine.Text("returned_for"))
			}
		})
	}
}

// TestTheDueTimeOfAConsentOutlivesAMistake: who comes back within it, with a consent and an answer
// of another kind, has the rest of it to mend that.
func TestTheDueTimeOfAConsentOutlivesAMistake(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022", "questions", `[{"code":"workers","label_id":"Tenaga kerja","kind":"number","required":true}]`)
	last := time.Date(2022, 3, 6, 16, 0, 0, 0, time.UTC)
	a := o.drafts(10, e, "18.71", false)
	for _, step := range []struct {
		after  time.Duration
		answer string
		agrees bool
		want   string
	}{
		{0, "12", false, domain.ReturnNoConsent},
		{24 * time.Hour, "banyak", true, domain.ReturnIncomplete},
		{25 * time.Hour, "12", false, ""},
	} {
		o.clock.Set(last.Add(step.after))
		if step.agrees {
			a.agree()
		}
		a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(`{"workers":{"value":"` + step.answer + `"}}`)})
		a.does("submit")
		o.work()
		mine := a.mine()
		if due := time.Date(2022, 3, 9, 17, 0, 0, 0, time.UTC); mine.Text("returned_for") != step.want || step.want != "" && !instantOf(mine, "complete_by").Equal(due) {
			t.Fatalf("%s behind: %s for %q by %s", step.after, mine.Text("state"), mine.Text("returned_for"), mine.Text("complete_by"))
		}
	}
}
