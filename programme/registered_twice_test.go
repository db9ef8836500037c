package programme_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const oneNIB = "9120001234567"

// numbered has the business say its NIB, as its owner types it.
func (a *applicant) numbered(nib string) {
	a.o.Helper()
	a.write("business/"+a.business, merge.Owner, "business", a.business, map[string]merge.Value{"nib": merge.Str(nib)})
}

// twice are the items that tell of two files that may be of one enterprise: the later, then the
// earlier application of each.
func (o *office) twice(e programme.Edition) (out [][2]string) {
	o.Helper()
	for _, r := range o.scope(domain.DecisionScope(e.ID), "review_item") {
		if r.Text("what") == "registered_twice" {
			out = append(out, [2]string{domain.NoticeObject(r).ID, r.Text("other")})
		}
	}
	return out
}

// TestAnOwnerAppliesWhoIsInAList: by another phone, so that nobody but a person can say whether
// both are one enterprise. Both are filed, and the admins are told once, however often the work
// is done. A row behind an owner is left out of its list (TestTwoListsAtOnce).
func TestAnOwnerAppliesWhoIsInAList(t *testing.T) {
	o := open(t)
	e := o.opened("lagawi-fest-2022")
	o.imported(e, []registrant{{"A1", "08117009001", oneNIB, "Tenun Ani"}})
	o.work()
	listed := o.files(e)[0].ID
	a, other := o.applicant(10, e, "18.71"), o.applicant(11, e, "18.71")
	a.numbered(oneNIB)
	other.numbered("9120007654321")
	a.does("submit")
	other.does("submit")
	for range 2 {
		o.work()
		o.unless(o.Steps()[domain.StepFollow](t.Context(), merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}))
	}
	if got := o.twice(e); !slices.Equal(got, [][2]string{{a.application, listed}}) {
		t.Errorf("the admins are told of %v, want %s beside %s", got, a.application, listed)
	}
	if a.file().Text("number") == "" || len(o.files(e)) != 3 {
		t.Errorf("the one that met it has %q; %d files", a.file().Text("number"), len(o.files(e)))
	}
}

// TestTwoOwnersWithOneNumberInOneMoment: two processes file one each; whichever is behind, at
// whatever call, finds the other.
func TestTwoOwnersWithOneNumberInOneMoment(t *testing.T) {
	o := open(t)
	poor := storefault.NewPoor()
	o.Engine.Store = poor
	e := o.opened("lagawi-fest-2022")
	follow := func(a *applicant) merge.Effect {
		return merge.Effect{Scope: "business/" + a.business, Collection: "application", ID: a.application}
	}
	for at, told := 1, 0; ; at++ {
		a, b := o.applicant(1000+2*at, e, "18.71"), o.applicant(1001+2*at, e, "18.71")
		nib := "91200" + a.owner.Phone[len(a.owner.Phone)-8:]
		for _, x := range []*applicant{a, b} {
			x.numbered(nib)
			x.does("submit")
		}
		calls, between := 0, false
		slow := o.process(storefault.NewFailing(poor, func(storefault.Call) storefault.Fate {
			if calls++; calls == at {
				between = true
				o.unless(o.Steps()[domain.StepFollow](t.Context(), follow(a)))
			}
			return storefault.Live
		}, nil).Store())
		o.unless(slow.Steps()[domain.StepFollow](t.Context(), follow(b)))
		o.work()
		told++
		if got := o.twice(e); len(got) != told {
			t.Fatalf("at call %d: %d pairs are told of, want %d", at, len(got), told)
		}
		if !between {
			break
		}
	}
}
