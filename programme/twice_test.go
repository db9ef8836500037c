package programme_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// attempt is another application of the same business.
func (a *applicant) attempt(n int) *applicant {
	b := *a
	b.application, b.n = domain.ApplicationID(a.business, a.programme, n), 1000*n
	return &b
}

// begins makes the draft of an attempt.
func (a *applicant) begins(n int) *applicant {
	a.o.Helper()
	b := a.attempt(n)
	b.write("business/"+b.business, merge.Owner, "application", b.application, map[string]merge.Value{"programme_id": merge.Str(b.programme), "attempt": merge.Num(n),
		"answers": merge.Encode(map[string]any{"since": map[string]string{"value": fmt.Sprint(2000 + n)}})})
	return b
}

// counted lists the applications of a business that have a number and stand.
func (a *applicant) counted() (out []string) {
	a.o.Helper()
	for _, f := range a.o.scope(domain.DecisionScope(a.programme), "case_file") {
		mine := a.row("business/"+f.Text("business_id"), "application", f.ID)
		if f.Text("business_id") == a.business && mine.Text("state") != domain.ApplicationWithdrawn {
			out = append(out, f.ID)
		}
	}
	return out
}

// TestABusinessHasOneFileInAProgramme: a further attempt counts only behind a withdrawn one;
// until then it goes back, with all that was typed, and is submitted again.
func TestABusinessHasOneFileInAProgramme(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	for n := 2; n <= domain.MaxAttempts; n++ {
		b := a.begins(n)
		b.does("submit")
		o.work()
		if mine := b.mine(); mine.Text("state") != domain.ApplicationReturned || mine.Text("returned_for") != domain.ReturnRegistered || mine.Text("number") != "" || merge.Null(mine.Fields["answers"]) {
			t.Errorf("attempt %d: %s", n, mine.EncodeFields())
		}
	}
	if got := a.counted(); len(got) != 1 {
		t.Errorf("%d files of one business", len(got))
	}
	b := a.attempt(2)
	a.does("withdraw")
	b.does("submit")
	o.work()
	if got := a.counted(); !slices.Equal(got, []string{b.application}) || b.mine().Text("number") != "LGW22-00002" || string(b.file().Fields["answers"]) == "null" {
		t.Errorf("behind the withdrawal: %v, %s", got, b.mine().EncodeFields())
	}
	c := a.attempt(3)
	c.does("submit")
	o.work()
	if got := a.counted(); !slices.Equal(got, []string{b.application}) {
		t.Errorf("behind the second: %v", got)
	}
}

// TestAnAttemptThatIsAheadOfTheWithdrawal waits in its owner's hands: the other phone comes,
// and it is submitted once more. Two phones that made the second attempt made one.
func TestAnAttemptThatIsAheadOfTheWithdrawal(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	a := o.applicant(10, e, "18.71")
	a.does("submit")
	o.work()
	b := a.begins(2)
	b.write("business/"+b.business, merge.Owner, "application", b.application, map[string]merge.Value{"answers": merge.Value(`{"brand":{"value":"Kopi"}}`)}) // of the other phone
	o.work()
	a.does("withdraw")
	b.does("submit")
	b.does("withdraw")
	o.work()
	if got := a.counted(); len(got) != 0 {
		t.Errorf("both are withdrawn: %v", got)
	}
	c := a.begins(3)
	c.does("submit")
	o.work()
	if c.mine().Text("number") == "" {
		t.Errorf("a third attempt is %s", c.mine().EncodeFields())
	}
}

// TestOneFileHoweverTheyAreFollowed: whatever owners do to which attempt, in whatever order the
// work behind it is done and by how many processes, one application of a business stands.
func TestOneFileHoweverTheyAreFollowed(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.Engine.Store = storefault.NewPoor()
	e := o.opened("lagawi-fest-2022")
	n := 10
	rapid.Check(t, func(t *rapid.T) {
		n++
		a := o.applicant(n, e, "18.71")
		all := []*applicant{a, a.begins(2), a.begins(3)}
		follow := func(x *applicant) {
			if err := o.Steps()[domain.StepFollow](o.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: x.application}); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			x := rapid.SampledFrom(all).Draw(t, "attempt")
			switch op := rapid.SampledFrom([]string{"submit", "withdraw", "follow", "follow", "work"}).Draw(t, "op"); op {
			case "follow":
				follow(x)
			case "work":
				o.work()
			default:
				state := x.mine().Text("state")
				if open := state == domain.ApplicationDraft || state == domain.ApplicationReturned; op == "submit" && open || op == "withdraw" && (open || state == domain.ApplicationSubmitted) {
					x.does(op)
				}
			}
			if got := a.counted(); len(got) > 1 {
				t.Fatalf("%v stand", got)
			}
		}
		o.work()
		for _, x := range all { // nothing hangs between: what is submitted has its number
			if mine := x.mine(); mine.Text("state") == domain.ApplicationSubmitted && mine.Text("number") == "" {
				t.Fatalf("%s waits for ever", mine.EncodeFields())
			}
		}
	})
}

// TestTwoProcessesCountOne: one looks while the other files.
func TestTwoProcessesCountOne(t *testing.T) {
	t.Parallel()
	o := open(t)
	poor := storefault.NewPoor()
	o.Engine.Store = poor
	e := o.opened("lagawi-fest-2022")
	for at := 1; ; at++ {
		a := o.applicant(10+at, e, "18.71")
		b := a.begins(2)
		b.does("submit")
		eff := func(x *applicant) merge.Effect {
			return merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: x.application}
		}
		calls, between := 0, false
		slow := o.process(storefault.NewFailing(poor, func(storefault.Call) storefault.Fate {
			if calls++; calls == at { // the first attempt is submitted, and another process is faster
				between = true
				a.does("submit")
				o.unless(o.Steps()[domain.StepFollow](t.Context(), eff(a)))
			}
			return storefault.Live
		}, nil).Store())
		o.unless(slow.Steps()[domain.StepFollow](t.Context(), eff(b)))
		o.work()
		if got := a.counted(); len(got) != 1 {
			t.Fatalf("at call %d: %v stand", at, got)
		}
		if !between {
			break
		}
	}
}

// TestTwoFilesOfOneEnterprise: where two that applied are merged both stay as they are, and
// the admins are told once, by whichever process, before both may hold a place; what is
// submitted after that is no other file.
func TestTwoFilesOfOneEnterprise(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	admin := o.person(1, "admin")
	a, b, c := o.applicant(10, e, "18.71"), o.applicant(11, e, "18.71"), o.applicant(12, e, "18.71")
	a.does("submit")
	b.does("submit")
	o.work()
	items := func() (out []merge.Row) {
		for _, r := range o.scope(domain.DecisionScope(e.ID), "review_item") {
			if r.Text("what") == "two_applications" {
				out = append(out, r)
			}
		}
		return out
	}
	_, err := o.Merge(t.Context(), o.as(admin), c.business, b.business) // a draft is no application yet
	o.unless(err)
	o.work()
	if got := items(); len(got) != 0 {
		t.Errorf("%d items for a draft", len(got))
	}
	c.application = domain.ApplicationID(c.business, e.ID, 1)
	c.business = b.business
	c.does("submit")
	o.work()
	if mine := c.mine(); mine.Text("returned_for") != domain.ReturnRegistered {
		t.Errorf("the draft that came along: %s", mine.EncodeFields())
	}
	third := o.applicant(13, e, "18.71")
	third.does("submit")
	o.work()
	_, err = o.Merge(t.Context(), o.as(admin), a.business, third.business)
	o.unless(err)
	for range 2 {
		o.work()
		o.unless(o.Steps()[domain.StepMerged](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "business", ID: a.business}))
	}
	got := items()
	if len(got) != 1 || got[0].Text("scope") != "business/"+third.business {
		t.Fatalf("%d items for two files", len(got))
	}
	if n := len(o.scope(domain.DecisionScope(e.ID), "case_file")); n != 3 {
		t.Errorf("%d files", n)
	}
	reviews, _, err := o.Reviews(t.Context(), o.as(admin), programme.Page{Limit: 10})
	if o.unless(err); !slices.ContainsFunc(reviews, func(r programme.Review) bool { return r.ID == got[0].ID }) {
		t.Error("no admin sees it")
	}
}
