package programme_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// listOf is a list of one registrant with one answer.
func listOf(phone, business string) []byte {
	return []byte("ID Registrasi;Waktu Daftar;Nama Usaha;Nama Pemilik;No HP;Kabupaten/Kota;Kategori;Produksi Sendiri\nE1;2022-03-01 08:00;" + business + ";Ibu Kopi;" + phone + ";18.71;pangan;ya\n")
}

// typed is what the owner typed into the draft.
func (a *applicant) typed() {
	a.o.Helper()
	a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(`{"own_production":{"value":"no"},"since":{"value":"2014"}}`),
		"survey": merge.Value(`{"photo":{"level":3}}`)})
}

// TestADraftOfWhoStandsInTheList is submitted by the import, which says so before: with what
// the row says, and else with what its owner typed. Her phone goes on with it and loses nothing.
func TestADraftOfWhoStandsInTheList(t *testing.T) {
	o := open(t)
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	a.typed()
	o.work()
	list := listOf(a.owner.Phone, "KOPI  10")
	in, err := o.CheckImport(t.Context(), o.as(admin), e.ID, o.table(list))
	o.unless(err)
	if in.Accepted != 1 || len(in.Drafts) != 1 || in.Drafts[0].Line != 2 || in.Drafts[0].Code != "draft_submitted" || len(in.Rejected) > 0 {
		t.Fatalf("a dry run: %d accepted, drafts %+v, %+v", in.Accepted, in.Drafts, in.Rejected)
	}
	if a.mine().Text("state") != domain.ApplicationDraft {
		t.Fatal("a dry run submits")
	}
	_, told, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(list))
	o.unless(err)
	if len(told.Drafts) != 1 {
		t.Errorf("the import says %+v", told.Drafts)
	}
	o.work()
	mine, file := a.mine(), a.file()
	if mine.Text("state") != domain.ApplicationSubmitted || mine.Text("number") != "LGW22-00001" || mine.Text("external_ref") != "E1" {
		t.Errorf("the application: %s", mine.EncodeFields())
	}
	const answers, survey = `{"own_production":{"value":"yes"},"since":{"value":"2014"}}`, `{"photo":{"level":3}}`
	for where, r := range map[string]merge.Row{"the application": mine, "the file": file} {
		if string(r.Fields["answers"]) != answers || string(r.Fields["survey"]) != survey {
			t.Errorf("%s says %s and %s", where, r.Fields["answers"], r.Fields["survey"])
		}
	}
	if file.Text("state") != domain.FileOpen || file.Text("source") != "import" || file.Text("owner_id") != a.owner.ID || file.Text("digest") == "" {
		t.Errorf("the file: %s", file.EncodeFields())
	}
	// Her phone had not heard of it: what it changes is locked, and what it submits is absorbed.
	edit := func(collection, record string, create bool, set map[string]merge.Value) error {
		_, err := o.Engine.Write(t.Context(), "business/"+a.business, merge.ServerWrite{Name: "phone." + record, Author: a.owner.ID, Role: merge.Owner, Collection: collection, ID: record, Op: merge.Put, Create: create, Set: set})
		return err
	}
	o.refused(edit("application", a.application, false, map[string]merge.Value{"answers": merge.Value(`{"since":{"value":"2015"}}`)}), "locked")
	o.unless(edit("application_event", o.ids.New(), true, map[string]merge.Value{"application_id": merge.Str(a.application), "op": merge.Str("submit"), "seen": merge.Value("[]")}))
	o.clock.Set(time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC))
	o.unless(o.Steps()[domain.StepFollow](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}))
	o.work()
	if again := a.file(); again.Version != file.Version || a.mine().Text("state") != domain.ApplicationSubmitted || string(a.mine().Fields["answers"]) != answers {
		t.Errorf("behind her phone: %s, %s", a.mine().EncodeFields(), again.EncodeFields())
	}
	in, err = o.CheckImport(t.Context(), o.as(admin), e.ID, o.table(list))
	if o.unless(err); in.Unchanged != 1 || len(in.Drafts) > 0 {
		t.Errorf("again: %d unchanged, drafts %v", in.Unchanged, in.Drafts)
	}
}

// TestWhatAnImportFindsOfAnOwner: what came back for want of an answer is submitted like a
// draft, what was withdrawn is left and another one begun, and what the owner has submitted
// counts by itself, once.
func TestWhatAnImportFindsOfAnOwner(t *testing.T) {
	question := []string{"questions", `[{"code":"since","label_id":"Sejak kapan?","required":true}]`}
	tests := []struct {
		name    string
		change  []string
		before  func(*applicant)
		drafts  int
		attempt int
		source  string
	}{
		{"sent back", question, func(a *applicant) { a.does("submit"); a.o.work() }, 1, 1, "import"},
		{"withdrawn", nil, func(a *applicant) { a.does("withdraw"); a.o.work() }, 0, 2, "import"},
		{"submitted, not counted yet", nil, func(a *applicant) { a.does("submit") }, 0, 1, "app"},
		{"sent back, which is not known yet", question, func(a *applicant) { a.does("submit") }, 0, 1, "import"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e, admin := o.opened("lagawi-fest-2022", tt.change...), o.person(1, "admin")
			a := o.applicant(10, e, "18.71")
			o.work()
			tt.before(a)
			list := listOf(a.owner.Phone, "Kopi 10")
			in, err := o.CheckImport(t.Context(), o.as(admin), e.ID, o.table(list))
			if o.unless(err); len(in.Drafts) != tt.drafts || in.Accepted != 1 {
				t.Errorf("a dry run: %d accepted, drafts %v", in.Accepted, in.Drafts)
			}
			_, _, err = o.Import(t.Context(), o.as(admin), e.ID, o.table(list))
			o.unless(err)
			o.work()
			files := o.files(e)
			want := domain.ApplicationID(a.business, e.ID, tt.attempt)
			if len(files) != 1 || files[0].ID != want || files[0].Text("source") != tt.source || files[0].Text("number") != "LGW22-00001" {
				t.Fatalf("files: %v", files)
			}
			if r := a.row("business/"+a.business, "application", want); r.Text("state") != domain.ApplicationSubmitted || r.Text("number") != "LGW22-00001" {
				t.Errorf("the application: %s", r.EncodeFields())
			}
		})
	}
}

// TestADraftIsBroughtInWhereverTheWorkDies, once, with one number.
func TestADraftIsBroughtInWhereverTheWorkDies(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	a.typed()
	o.work()
	_, _, err := o.Import(t.Context(), o.as(admin), e.ID, o.table(listOf(a.owner.Phone, "Kopi 10")))
	o.unless(err)
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
			mine, file := a.mine(), a.file()
			if mine.Text("state") != domain.ApplicationSubmitted || mine.Text("number") != "LGW22-00001" || file.Text("number") != "LGW22-00001" || file.Text("source") != "import" ||
				string(file.Fields["answers"]) != string(mine.Fields["answers"]) || string(mine.Fields["answers"]) != `{"own_production":{"value":"yes"},"since":{"value":"2014"}}` {
				t.Fatalf("call %d (%v): %s and %s", n, err, mine.EncodeFields(), file.EncodeFields())
			}
			if !failed && n < 20 {
				t.Errorf("ended after %d calls", n)
			}
		}
	}
}

// TestWhoHadADraftHearsTheResult, like all others of the list.
func TestWhoHadADraftHearsTheResult(t *testing.T) {
	o := open(t)
	best := fixture.Campaign(7).Rows
	best = slices.DeleteFunc(best, func(r fixture.Row) bool { return r.Rank != 1 })
	owner, err := o.People.InviteByPhone(t.Context(), string(best[0].Registrant.Phone))
	o.unless(err)
	var mine, app string
	c := o.contestBefore(7, string(threeStages()), func(e programme.Edition) {
		b, err := o.CreateBusiness(t.Context(), programme.Caller{User: owner, Name: "z"}, programme.NewBusiness{ID: o.ids.New(), Name: best[0].Registrant.Business,
			RegionCode: string(best[0].Registrant.Region), PrimaryCategory: "food_beverage"})
		o.unless(err)
		mine, app = b.ID, domain.ApplicationID(b.ID, e.ID, 1)
		_, err = o.Engine.Write(t.Context(), "business/"+mine, merge.ServerWrite{Name: "draft", Author: owner, Role: merge.Owner, Collection: "application", ID: app, Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"programme_id": merge.Str(e.ID)}})
		o.unless(err)
		o.work()
	})
	c.decided()
	c.prepared()
	if n := len(c.notices(owner, domain.NoticeResults)); n > 0 {
		t.Error("told under embargo")
	}
	c.clock.Set(publishAt())
	c.due()
	f := c.filed(app)
	want := map[string]string{domain.FileSelected: domain.ApplicationOffered, domain.FileReserve: domain.ApplicationReserve, domain.FileEliminated: domain.ApplicationNotSelected, domain.FileNotSelected: domain.ApplicationNotSelected}
	if a := c.application(f); f.Text("business_id") != mine || a.Text("state") != want[f.Text("state")] || want[f.Text("state")] == "" {
		t.Errorf("the file is %s, the application %s", f.Text("state"), a.Text("state"))
	}
	if n := len(c.notices(owner, domain.NoticeResults)); n != 1 {
		t.Errorf("%d notices of the result", n)
	}
}

// TestNobodyIsBroughtInBehindTheFirstStage: neither a list, nor the steps of one that waited,
// nor the draft that such a step submits.
func TestNobodyIsBroughtInBehindTheFirstStage(t *testing.T) {
	c := open(t).contest(7)
	a := c.applicant(10, c.edition, "18.71")
	a.typed()
	list := listOf("0811-7999-123", "Susulan")
	_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	in, err := c.CheckImport(t.Context(), c.as(c.admin), c.edition.ID, c.table(list))
	if c.unless(err); in.Accepted != 1 {
		t.Fatalf("before the decision: %+v", in)
	}
	v := c.stage(1)
	job, _, err := c.Import(t.Context(), c.as(c.admin), c.edition.ID, c.table(listOf(a.owner.Phone, "Kopi 10")))
	c.unless(err)
	_, err = c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 1, v.Basis, "BA-01") // its step has not been done
	c.unless(err)
	_, err = c.CheckImport(t.Context(), c.as(c.admin), c.edition.ID, c.table(list))
	c.refused(err, "import_closed")
	_, _, err = c.Import(t.Context(), c.as(c.admin), c.edition.ID, c.table(list))
	c.refused(err, "import_closed")
	c.work()
	job, err = c.Job(t.Context(), c.as(c.admin), job.ID)
	if c.unless(err); len(job.Steps) != 1 || job.Steps[0].State != domain.StepFailed || job.Steps[0].Code != "import_closed" {
		t.Errorf("the step: %+v", job.Steps)
	}
	if mine := a.mine(); mine.Text("state") != domain.ApplicationReturned || mine.Text("returned_for") != domain.ReturnWindowClosed || mine.Text("number") != "" || len(c.files(c.edition)) != 478 {
		t.Errorf("the draft: %s; %d files", mine.EncodeFields(), len(c.files(c.edition)))
	}
	c.decide(2)
	c.selected()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	if got := c.states(); got[domain.ApplicationSubmitted] > 0 || got[domain.ApplicationOffered] != 30 {
		t.Errorf("%v", got)
	}
}

// TestWhoComesInBeforeTheDecisionIsNotForgotten: the first stage is not decided while a file
// is in none; begun again, it has it.
func TestWhoComesInBeforeTheDecisionIsNotForgotten(t *testing.T) {
	c := open(t).contest(7)
	_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	before := c.stage(1)
	_, _, err = c.Import(t.Context(), c.as(c.admin), c.edition.ID, c.table(listOf("0811-7999-123", "Susulan")))
	c.unless(err)
	c.work()
	_, err = c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 1, before.Basis, "BA-01")
	c.refused(err, "stage_not_ready")
	if v := c.stage(1); len(v.Missing) != 1 {
		t.Errorf("%d are missing", len(v.Missing))
	}
	n, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	if c.unless(err); n != 1 {
		t.Errorf("%d begin", n)
	}
	if v := c.decide(1); len(v.Outcomes) != 479 {
		t.Errorf("%d outcomes", len(v.Outcomes))
	}
}

// TestNobodyBeginsBeforeTheGraceIsOver: what was received in it, and is counted behind the
// beginning, is in the stage or goes back to its owner.
func TestNobodyBeginsBeforeTheGraceIsOver(t *testing.T) {
	for _, decided := range []bool{false, true} {
		t.Run(fmt.Sprint("decided: ", decided), func(t *testing.T) {
			o := open(t)
			admin := o.person(1, "admin")
			e := o.opened("lagawi-fest-2022", "offline_grace_hours", "24", "stages", string(threeStages()))
			a, b := o.applicant(10, e, "18.71"), o.applicant(11, e, "18.71")
			a.does("submit")
			o.work()
			end := time.Date(2022, 3, 6, 17, 0, 0, 0, time.UTC)
			o.clock.Set(end.Add(-time.Minute))
			b.does("submit") // and nobody has looked at it when the stage begins
			o.clock.Set(end.Add(24*time.Hour - time.Second))
			e, err := o.Programme(t.Context(), o.as(admin), e.ID)
			o.unless(err)
			e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
			o.unless(err)
			_, err = o.Begin(t.Context(), o.as(admin), e.ID)
			o.refused(err, "stage_not_ready")
			o.clock.Set(end.Add(24 * time.Hour))
			if n, err := o.Begin(t.Context(), o.as(admin), e.ID); err != nil || n != 1 {
				t.Fatalf("%d begin, %v", n, err)
			}
			v, err := o.Stage(t.Context(), o.as(admin), e.ID, 1)
			o.unless(err)
			if decided {
				_, err = o.Decide(t.Context(), o.as(admin), e.ID, 1, v.Basis, "BA-01")
				o.unless(err)
			}
			o.work()
			mine, file := b.mine(), b.file()
			if decided {
				if mine.Text("state") != domain.ApplicationReturned || mine.Text("returned_for") != domain.ReturnWindowClosed || file.Version > 0 {
					t.Errorf("%s for %s, file %s", mine.Text("state"), mine.Text("returned_for"), file.Text("state"))
				}
				return
			}
			_, err = o.Decide(t.Context(), o.as(admin), e.ID, 1, v.Basis, "BA-01")
			o.refused(err, "stage_not_ready")
			if n, err := o.Begin(t.Context(), o.as(admin), e.ID); err != nil || n != 1 || b.file().Text("state") != domain.FileStage {
				t.Errorf("%d begin, %v; the file is %s", n, err, b.file().Text("state"))
			}
		})
	}
}
