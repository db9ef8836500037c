package programme_test

import (
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

// back has an admin return an application for completion by an instant; zero: whenever the
// server thinks.
func (o *office) back(admin store.User, business, application string, by time.Time) error {
	o.Helper()
	r, err := o.Record(o.Context(), o.as(admin), business, "application", application)
	o.unless(err)
	set := map[string]merge.Value{"op": merge.Str("return"), "note": merge.Str("Foto produk belum ada")}
	if !by.IsZero() {
		set["complete_by"] = merge.Millis(by.UnixMilli()).Value()
	}
	_, _, err = o.OperateApplication(o.Context(), o.as(admin), business, r.Version, programme.Operation{Parent: application, Set: set})
	return err
}

// refused wants an error of a code.
func (o *office) refused(err error, code string) {
	o.Helper()
	if fault.CodeOf(err) != code {
		o.Errorf("%v, want %s", err, code)
	}
}

// notices are the items of a person of one type.
func (o *office) notices(user, kind string) (out []merge.Row) {
	o.Helper()
	if _, err := o.Engine.Store.Head(o.Context(), merge.UserScope(user)); err != nil {
		return nil
	}
	for _, r := range o.scope(merge.UserScope(user), "inbox") {
		if r.Text("type") == kind {
			out = append(out, r)
		}
	}
	return out
}

// filed is a case file as it is now.
func (c *contest) filed(id string) merge.Row {
	c.Helper()
	for _, f := range c.scope(domain.DecisionScope(c.edition.ID), "case_file") {
		if f.ID == id {
			return f
		}
	}
	c.Fatalf("no file %s", id)
	return merge.Row{}
}

// TestAFileInAStageIsNotReturned: whoever was selected, eliminated or is looked at keeps
// their place, and nothing in the business moves.
func TestAFileInAStageIsNotReturned(t *testing.T) {
	c := open(t).contest(7)
	refused := func(when, state string) {
		t.Helper()
		at := slices.IndexFunc(c.files(c.edition), func(f merge.Row) bool { return f.Text("state") == state })
		if at < 0 {
			t.Fatalf("%s: no file is %s", when, state)
		}
		f := c.files(c.edition)[at]
		before, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
		c.unless(err)
		c.refused(c.back(c.admin, f.Text("business_id"), f.ID, time.Time{}), "forbidden_transition")
		c.work()
		after, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
		if c.unless(err); after.Applied != before.Applied {
			t.Errorf("%s: something moved in the business", when)
		}
		if g := c.filed(f.ID); g.Text("state") != state || c.application(f).Text("state") != domain.ApplicationSubmitted {
			t.Errorf("%s: the file is %s, the application %s", when, g.Text("state"), c.application(f).Text("state"))
		}
	}
	_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	refused("in stage 1", domain.FileStage)
	c.decide(1)
	refused("behind stage 1", domain.FileEliminated)
	c.decide(2)
	c.selected()
	refused("under embargo", domain.FileSelected)
}

// TestAReturnedFileStaysOutUntilItIsComplete: nobody begins while its owner still has time;
// who came back in time begins, who did not is told like everybody else, and not selected.
func TestAReturnedFileStaysOutUntilItIsComplete(t *testing.T) {
	c := open(t).contest(7)
	files := c.files(c.edition)
	late, back := files[3], files[4]
	by := time.Date(2022, 3, 9, 17, 0, 0, 0, time.UTC)
	c.unless(c.back(c.admin, late.Text("business_id"), late.ID, by))
	c.unless(c.back(c.admin, back.Text("business_id"), back.ID, by))
	c.work()
	for _, f := range []merge.Row{late, back} {
		if g, a := c.filed(f.ID), c.application(f); g.Text("state") != domain.FileReturned || a.Text("state") != domain.ApplicationReturned || a.Text("complete_by") != "2022-03-09T17:00:00.000Z" {
			t.Errorf("%s: the file is %s, the application %s until %s", f.Text("number"), g.Text("state"), a.Text("state"), a.Text("complete_by"))
		}
	}
	_, err := c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.refused(err, "stage_not_ready")
	c.says(back, "submit")
	c.work()
	if g, a := c.filed(back.ID), c.application(back); g.Text("state") != domain.FileOpen || g.Text("number") != back.Text("number") || a.Text("state") != domain.ApplicationSubmitted ||
		g.Text("source") != "import" || g.Text("owner_phone") != back.Text("owner_phone") || g.Text("owner_name") != back.Text("owner_name") || !merge.Null(g.Fields["complete_by"]) {
		t.Errorf("completed: %s, application %s for %s", g.EncodeFields(), a.Text("state"), a.Text("returned_for"))
	}
	_, err = c.Begin(t.Context(), c.as(c.admin), c.edition.ID)
	c.refused(err, "stage_not_ready")
	c.clock.Set(by)
	c.says(late, "submit") // by one instant
	c.work()
	if a := c.application(late); a.Text("state") != domain.ApplicationReturned || a.Text("returned_for") != domain.ReturnWindowClosed {
		t.Errorf("late: %s for %s", a.Text("state"), a.Text("returned_for"))
	}
	c.begunWith(477)
	c.selected()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	if g, a := c.filed(late.ID), c.application(late); g.Text("state") != domain.FileReturned || a.Text("state") != domain.ApplicationNotSelected || a.Text("feedback") != "Belum kali ini." {
		t.Errorf("told: the file is %s, the application %s, %q", g.Text("state"), a.Text("state"), a.Text("feedback"))
	}
	if n := len(c.notices(late.Text("owner_id"), domain.NoticeResults)); n != 1 {
		t.Errorf("its owner got %d notices of the result", n)
	}
	if got := c.states(); got[domain.ApplicationSubmitted]+got[domain.ApplicationReturned] > 0 || got[domain.ApplicationOffered] != 30 {
		t.Errorf("%v", got)
	}
}

// TestACompletionCountsUntilItsDueTime, also behind the window, by the server's receipt.
func TestACompletionCountsUntilItsDueTime(t *testing.T) {
	behind := time.Date(2022, 3, 7, 2, 0, 0, 0, time.UTC)
	tests := []struct {
		name         string
		at, by, then time.Time
		until        string // that the owner is told
		want         string // why it comes back; empty: it counts
	}{
		{"within the window", time.Date(2022, 3, 1, 4, 0, 0, 0, time.UTC), time.Time{}, time.Date(2022, 3, 6, 16, 59, 58, 0, time.UTC), "2022-03-06T17:00:00.000Z", ""},
		{"near its end", time.Date(2022, 3, 6, 4, 0, 0, 0, time.UTC), time.Time{}, time.Date(2022, 3, 9, 16, 0, 0, 0, time.UTC), "2022-03-09T17:00:00.000Z", ""},
		{"behind it", behind, time.Time{}, time.Date(2022, 3, 10, 16, 59, 58, 0, time.UTC), "2022-03-10T17:00:00.000Z", ""},
		{"behind it, too late", behind, time.Time{}, time.Date(2022, 3, 10, 17, 0, 0, 0, time.UTC), "2022-03-10T17:00:00.000Z", domain.ReturnWindowClosed},
		{"by an instant that was said", behind, behind.Add(48 * time.Hour), behind.Add(48*time.Hour - time.Second), "2022-03-09T02:00:00.000Z", ""},
		{"and too late for it", behind, behind.Add(48 * time.Hour), behind.Add(48 * time.Hour), "2022-03-09T02:00:00.000Z", domain.ReturnWindowClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := open(t)
			e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
			a := o.applicant(10, e, "18.71")
			a.does("submit")
			o.work()
			o.clock.Set(tt.at)
			o.unless(o.back(admin, a.business, a.application, tt.by))
			o.work()
			if got := a.mine(); got.Text("complete_by") != tt.until || got.Text("asked") == "" || a.file().Text("state") != domain.FileReturned {
				t.Fatalf("until %s, %s; the file is %s", got.Text("complete_by"), got.Text("state"), a.file().Text("state"))
			}
			items := o.notices(a.owner.ID, domain.NoticeApplicationBack)
			if len(items) != 1 || string(items[0].Fields["params"]) != `{"until":"`+tt.until+`"}` {
				t.Errorf("told: %v", items)
			}
			o.clock.Set(tt.then)
			a.write("business/"+a.business, merge.Owner, "application", a.application, map[string]merge.Value{"answers": merge.Value(`{"since":{"value":"2014"}}`)})
			a.does("submit")
			o.work()
			mine, file := a.mine(), a.file()
			switch {
			case tt.want == "" && (mine.Text("state") != domain.ApplicationSubmitted || file.Text("state") != domain.FileOpen || string(file.Fields["answers"]) != `{"since":{"value":"2014"}}` || file.Text("number") != "LGW22-00001"):
				t.Errorf("%s for %s; file %s", mine.Text("state"), mine.Text("returned_for"), file.EncodeFields())
			case tt.want != "" && (mine.Text("returned_for") != tt.want || file.Text("state") != domain.FileReturned || mine.Text("complete_by") != tt.until):
				t.Errorf("%s for %q until %s; the file is %s", mine.Text("state"), mine.Text("returned_for"), mine.Text("complete_by"), file.Text("state"))
			}
			for range 2 { // the same step again
				o.unless(o.Steps()[domain.StepFollow](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}))
			}
			o.work()
			if again := a.file(); again.Version != file.Version || a.mine().Text("state") != mine.Text("state") {
				t.Errorf("the same step again moved it to %s", again.Text("state"))
			}
		})
	}
}

// TestADueTimeMustBeOne: neither behind nor for ever, and of a return.
func TestADueTimeMustBeOne(t *testing.T) {
	o := open(t)
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	now := o.clock.Now()
	o.refused(o.back(admin, a.business, a.application, now), "invalid_value")
	o.refused(o.back(admin, a.business, a.application, now.AddDate(100, 0, 0)), "invalid_value")
	r, err := o.Record(t.Context(), o.as(admin), a.business, "application", a.application)
	o.unless(err)
	op := func(set map[string]merge.Value) error {
		_, _, err := o.OperateApplication(t.Context(), o.as(admin), a.business, r.Version, programme.Operation{Parent: a.application, Set: set})
		return err
	}
	o.refused(op(map[string]merge.Value{"op": merge.Str("return")}), "reason_required")
	o.refused(op(map[string]merge.Value{"op": merge.Str("disqualify"), "note": merge.Str("x"), "complete_by": o.clock.Now().Add(time.Hour).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`)}), "invalid_value")
	if a.file().Text("state") != domain.FileOpen || a.mine().Text("state") != domain.ApplicationSubmitted {
		t.Errorf("it is %s, %s", a.file().Text("state"), a.mine().Text("state"))
	}
}

// TestAReturnSurvivesEveryCrash: wherever the request dies, the file and the application say
// the same afterwards; and the request again gives the same outcome.
func TestAReturnSurvivesEveryCrash(t *testing.T) {
	o := open(t)
	before := storefault.NewPoor()
	o.Engine.Store = before
	e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	r, err := o.Record(t.Context(), o.as(admin), a.business, "application", a.application)
	o.unless(err)
	engine, who := o.Engine, o.as(admin)
	set := map[string]merge.Value{"op": merge.Str("return"), "note": merge.Str("Foto")}
	half := 0
	for _, fate := range []storefault.Fate{storefault.DieAfter, storefault.DieBefore} {
		for n, failed := 1, true; failed; n++ {
			poor := before.Copy()
			process := func(s store.Store) {
				o.Service.Engine = &syncer.Engine{Store: s, Schema: engine.Schema, Clock: o.clock, IDs: o.ids, Log: engine.Log, Steps: o.Steps()}
			}
			process(storefault.NewFailing(poor, storefault.At(n, fate), nil).Store())
			_, _, err := o.OperateApplication(t.Context(), who, a.business, r.Version, programme.Operation{Parent: a.application, Set: set})
			failed = err != nil
			process(poor)
			if a.file().Text("state") == domain.FileReturned && a.mine().Text("state") == domain.ApplicationSubmitted {
				half++
			}
			o.work()
			mine, file := a.mine(), a.file()
			if (mine.Text("state") == domain.ApplicationReturned) != (file.Text("state") == domain.FileReturned) {
				t.Fatalf("call %d (%v): the application is %s, the file %s", n, err, mine.Text("state"), file.Text("state"))
			}
			out, _, err := o.OperateApplication(t.Context(), who, a.business, r.Version, programme.Operation{Parent: a.application, Set: set})
			if o.unless(err); out.Outcome != domain.Effective || out.Record.Text("state") != domain.ApplicationReturned {
				t.Fatalf("call %d: again %+v", n, out)
			}
			if !failed && n < 5 {
				t.Errorf("ended after %d calls", n)
			}
		}
	}
	if half == 0 {
		t.Error("it never died between the file and the application")
	}
}

// TestAPlaceIsNotBlockedByWhoWasOvertaken: a selected one whose application cannot be told
// holds no place, and keeps nobody of the reserve out.
func TestAPlaceIsNotBlockedByWhoWasOvertaken(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	c.prepared()
	files := c.files(c.edition)
	f := files[slices.IndexFunc(files, func(f merge.Row) bool { return f.Text("state") == domain.FileSelected })]
	_, err := c.Engine.Write(t.Context(), "business/"+f.Text("business_id"), merge.ServerWrite{Name: "old.server", Author: c.admin.ID, Role: merge.Admin, Collection: "application_event",
		ID: c.ids.New(), Op: merge.Put, Create: true, Set: map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str("return"), "note": merge.Str("lengkapi")}})
	c.unless(err)
	c.work()
	c.clock.Set(publishAt())
	c.due()
	c.says(f, "submit")
	c.due()
	before := c.states()
	for _, x := range c.files(c.edition) {
		if c.application(x).Text("state") == domain.ApplicationOffered {
			c.says(x, "decline")
			break
		}
	}
	c.due()
	if after := c.states(); after[domain.ApplicationOffered] != 30 || after[domain.ApplicationReserve] >= before[domain.ApplicationReserve] {
		t.Errorf("before %v, after %v", before, after)
	}
}

// TestOnlyOwnersAnswerAnOffer: an admin writes down what an owner says only where two phones
// of the owner said different things.
func TestOnlyOwnersAnswerAnOffer(t *testing.T) {
	for _, op := range []string{"confirm", "decline"} {
		t.Run(op, func(t *testing.T) {
			o := open(t)
			o.Engine.Store = storefault.NewPoor()
			e, admin := o.opened("lagawi-fest-2022"), o.person(1, "admin")
			c := &contest{office: o, admin: admin, edition: e}
			a := o.applicant(10, e, "18.71")
			a.does("submit")
			o.work()
			event := func(name, by, op string, role merge.Role, seen ...string) string {
				t.Helper()
				k := o.ids.New()
				set := map[string]merge.Value{"application_id": merge.Str(a.application), "op": merge.Str(op)}
				if seen != nil {
					set["seen"] = merge.Encode(seen)
				}
				_, err := o.Engine.Write(t.Context(), "business/"+a.business, merge.ServerWrite{Name: name, Author: by, Role: role, Collection: "application_event", ID: k, Op: merge.Put, Create: true, Set: set})
				o.unless(err)
				return k
			}
			offer := event("offer", "", "offer", merge.System)
			o.work()
			_, _, err := c.operates(a.file(), op, "")
			o.refused(err, "forbidden_transition")
			event("phone 1", a.owner.ID, "confirm", merge.Owner, offer)
			event("phone 2", a.owner.ID, "decline", merge.Owner, offer)
			o.work()
			if got := a.mine(); got.Text("state") != domain.ApplicationOffered || string(got.Fields["needs_review"]) != "true" {
				t.Fatalf("%s, %s", got.Text("state"), got.Fields["needs_review"])
			}
			_, _, err = c.operates(a.file(), op, "")
			o.unless(err)
			if got, want := a.mine().Text("state"), map[string]string{"confirm": domain.ApplicationConfirmed, "decline": domain.ApplicationDeclined}[op]; got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		})
	}
}

// TestAReturnForGoodNamesNoTime: it came back without a consent, due in three days, and the first stage is decided meanwhile.
func TestAReturnForGoodNamesNoTime(t *testing.T) {
	t.Parallel()
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	admin := o.person(1, "admin")
	o.applicant(11, e, "18.71").does("submit")
	o.work()
	o.clock.Set(time.Date(2022, 3, 6, 16, 0, 0, 0, time.UTC))
	a := o.drafts(10, e, "18.71", false)
	a.does("submit")
	o.work()
	if mine := a.mine(); mine.Text("returned_for") != domain.ReturnNoConsent || mine.Text("complete_by") == "" {
		t.Fatalf("returned for %q by %q", mine.Text("returned_for"), mine.Text("complete_by"))
	}
	o.clock.Set(time.Date(2022, 3, 7, 3, 0, 0, 0, time.UTC))
	e, err := o.Programme(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	e, err = o.AdvanceProgramme(t.Context(), o.as(admin), e.ID, e.Version, domain.ProgrammeCurating)
	o.unless(err)
	_, err = o.Begin(t.Context(), o.as(admin), e.ID)
	o.unless(err)
	v, err := o.Stage(t.Context(), o.as(admin), e.ID, 1)
	o.unless(err)
	_, err = o.Decide(t.Context(), o.as(admin), e.ID, 1, v.Basis, "")
	o.unless(err)
	o.work()
	a.agree()
	for n := range 2 {
		o.clock.Set(time.Date(2022, 3, 8, 3+n, 0, 0, 0, time.UTC))
		a.does("submit")
		o.work()
		if mine := a.mine(); mine.Text("returned_for") != domain.ReturnWindowClosed || mine.Text("complete_by") != "" {
			t.Errorf("returned for %q, to be complete by %q", mine.Text("returned_for"), mine.Text("complete_by"))
		}
	}
}
