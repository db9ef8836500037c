package programme_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestWhoIsSelectedStaysDecided: behind the decision of two nobody changes how many are
// selected, alone or at all, and what is told is what was decided.
func TestWhoIsSelectedStaysDecided(t *testing.T) {
	c := open(t).contest(7)
	c.begun()
	quota := func(n int) error {
		e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
		c.unless(err)
		_, err = c.ChangeProgramme(t.Context(), c.as(c.admin), c.edition.ID, e.Version, map[string]merge.Value{"quota": merge.Num(n)})
		return err
	}
	c.unless(quota(31)) // while nobody is
	c.unless(quota(30))
	c.scored()
	c.unless(quota(31))
	c.unless(quota(30))
	c.decide(3)
	_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
	c.unless(err)
	c.work()
	for _, field := range []string{"quota", "reserve_size"} {
		e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
		c.unless(err)
		if _, err := c.ChangeProgramme(t.Context(), c.as(c.admin), c.edition.ID, e.Version, map[string]merge.Value{field: merge.Num(35)}); fault.CodeOf(err) != "field_fixed" {
			t.Errorf("%s behind the decision: %v", field, err)
		}
	}
	e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	_, err = c.ChangeProgramme(t.Context(), c.as(c.admin), c.edition.ID, e.Version, map[string]merge.Value{"quota": merge.Num(30), "tagline": merge.Str("Bangga")}) // the same, beside something else
	c.unless(err)
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
	if got := c.states(); got[domain.ApplicationOffered] != 30 || got[domain.ApplicationReserve] != 10 {
		t.Errorf("told: %v", got)
	}
}

// TestTheLastStageHasMinutes: nobody is selected without a paper that says so.
func TestTheLastStageHasMinutes(t *testing.T) {
	c := open(t).contest(7)
	c.begun()
	c.scored()
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, c.stage(3).Basis, " "); fault.CodeOf(err) != "required" {
		t.Errorf("decided without minutes: %v", err)
	}
	c.decide(3)
}

// TestAResultFollowsAMerger: whoever is merged between the decision and the telling, or while
// they are asked, hears of it where they are, and takes part there.
func TestAResultFollowsAMerger(t *testing.T) {
	for name, when := range map[string]func(c *contest, join func()){
		"before":     func(c *contest, join func()) { join(); c.work(); c.clock.Set(publishAt()); c.due() },
		"afterwards": func(c *contest, join func()) { c.clock.Set(publishAt()); c.due(); join(); c.work() },
		"amid": func(c *contest, join func()) { // the merger is written, and nothing taken over
			c.clock.Set(publishAt())
			join()
			c.unless(c.Due(c.Context()))
			c.tellsFirst()
			c.due()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t).contest(7)
			c.decided()
			c.prepared()
			files := c.files(c.edition)
			f := files[slices.IndexFunc(files, func(f merge.Row) bool { return f.Text("state") == domain.FileSelected })]
			owner := f.Text("owner_id")
			other, err := c.CreateBusiness(t.Context(), programme.Caller{User: owner, Name: "one more"}, programme.NewBusiness{ID: c.ids.New(), Name: "Lain", RegionCode: "18.71", PrimaryCategory: "food_beverage"})
			c.unless(err)
			c.work()
			when(c, func() {
				_, err := c.Merge(t.Context(), c.as(c.admin), f.Text("business_id"), other.ID)
				c.unless(err)
			})
			home := "business/" + other.ID
			state := func() string {
				rows := slices.DeleteFunc(c.scope(home, "application"), func(r merge.Row) bool { return r.ID != f.ID })
				if len(rows) != 1 {
					t.Fatalf("%d applications", len(rows))
				}
				return rows[0].Text("state")
			}
			if got := state(); got != domain.ApplicationOffered {
				t.Errorf("the survivor's application is %s", got)
			}
			if told := slices.DeleteFunc(c.scope(merge.UserScope(owner), "inbox"), func(r merge.Row) bool { return r.Text("type") != domain.NoticeResults }); len(told) != 1 {
				t.Errorf("told %d times", len(told))
			}
			c.wrote++
			_, err = c.Engine.Write(t.Context(), home, merge.ServerWrite{Name: "owner.confirms", Author: owner, Role: merge.Owner, Collection: "application_event", ID: c.ids.New(), Op: merge.Put, Create: true,
				Set: map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str("confirm")}})
			c.unless(err)
			c.due()
			if n := len(c.scope(home, "task")); state() != domain.ApplicationConfirmed || len(c.scope(home, "enrolment")) != 1 || n != 24 {
				t.Errorf("%s, %d enrolments, %d tasks", state(), len(c.scope(home, "enrolment")), n)
			}
		})
	}
}

// TestWordsForOneOwner: what the curators say of one file goes to its owner, with the result
// and not before, in the place of the words for everybody.
func TestWordsForOneOwner(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	files := c.files(c.edition)
	f := files[slices.IndexFunc(files, func(f merge.Row) bool { return f.Text("state") == domain.FileNotSelected })]
	d, err := c.File(t.Context(), c.as(c.admin), c.edition.ID, f.ID)
	c.unless(err)
	if _, err := c.Advise(t.Context(), c.as(c.person(77)), c.edition.ID, f.ID, d.Version, "x"); fault.CodeOf(err) != "not_found" && fault.KindOf(err) != fault.Forbidden {
		t.Errorf("by anybody: %v", err)
	}
	if _, err := c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, d.Version, strings.Repeat("x", 2001)); fault.CodeOf(err) != "invalid_value" {
		t.Errorf("too many words: %v", err)
	}
	const words = "Kemasan bagus; lengkapi NIB lalu daftar lagi."
	next, err := c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, d.Version, words)
	c.unless(err)
	if _, err := c.Advise(t.Context(), c.as(c.other), c.edition.ID, f.ID, d.Version, "lain"); fault.CodeOf(err) != "stale_version" {
		t.Errorf("over somebody else's words: %v", err)
	}
	c.prepared()
	head, err := c.Engine.Store.Head(t.Context(), "business/"+f.Text("business_id"))
	if c.unless(err); head.Applied != 1 {
		t.Errorf("%d commits in the business while all is secret", head.Applied)
	}
	c.clock.Set(publishAt())
	c.due()
	said := map[string]int{}
	for _, o := range c.files(c.edition) {
		if o.Text("state") == domain.FileNotSelected {
			said[c.scope("business/"+o.Text("business_id"), "application")[0].Text("feedback")]++
		}
	}
	if said[words] != 1 || said["Belum kali ini."] != 55 {
		t.Errorf("%v", said)
	}
	if _, err := c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, next.Version, "terlambat"); fault.CodeOf(err) != "publication_begun" && fault.CodeOf(err) != "stale_version" {
		t.Errorf("behind the telling: %v", err)
	}
}

// TestWordsAreWhatWasApproved: whoever approves the publication approves what single owners
// are told, too. Words that came after the look make it another one, and words behind the
// approval want it withdrawn.
func TestWordsAreWhatWasApproved(t *testing.T) {
	c := open(t).contest(7)
	c.decided()
	f := c.in(domain.FileSelected)[0]
	advise := func(words string) error {
		t.Helper()
		d, err := c.File(t.Context(), c.as(c.admin), c.edition.ID, f.ID)
		c.unless(err)
		_, err = c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, d.Version, words)
		return err
	}
	c.unless(advise("Selamat, siapkan NIB."))
	seen, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, laterOn(), nil)
	c.unless(err)
	c.unless(advise("Anda tidak terpilih."))
	if _, err := c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, seen.Version); fault.CodeOf(err) != "stale_version" {
		t.Errorf("approved on words of before: %v", err)
	}
	now, err := c.Publication(t.Context(), c.as(c.other), c.edition.ID)
	if c.unless(err); now.Int("advised") != 1 {
		t.Errorf("the approver is not told that there are other words: %s", now.Fields["advised"])
	}
	approved, err := c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, now.Version)
	c.unless(err)
	if err := advise("Datang saja."); fault.CodeOf(err) != "publication_approved" {
		t.Errorf("behind the approval: %v", err)
	}
	_, err = c.WithdrawPublication(t.Context(), c.as(c.admin), c.edition.ID, approved.Version, "Kata-kata")
	c.unless(err)
	c.unless(advise("Selamat!"))
	again, err := c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, laterOn(), nil)
	if c.unless(err); !merge.Null(again.Fields["advised"]) {
		t.Errorf("prepared anew: %s", again.Fields["advised"])
	}
	d, err := c.File(t.Context(), c.as(c.other), c.edition.ID, f.ID)
	c.unless(err)
	_, err = c.Advise(t.Context(), c.as(c.other), c.edition.ID, f.ID, d.Version, "Anda tidak terpilih.")
	c.unless(err)
	now, err = c.Publication(t.Context(), c.as(c.other), c.edition.ID)
	c.unless(err)
	_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, now.Version)
	c.unless(err, "same_person") // who wrote words that whoever prepared it has not seen
	c.unless(advise("Selamat!"))
	again, err = c.PreparePublication(t.Context(), c.as(c.admin), c.edition.ID, laterOn(), nil)
	c.unless(err)
	_, err = c.ApprovePublication(t.Context(), c.as(c.other), c.edition.ID, again.Version)
	c.unless(err)
	c.clock.Set(laterOn())
	c.due()
	if got := c.application(f).Text("feedback"); got != "Selamat!" {
		t.Errorf("told %q", got)
	}
}

// TestAnApprovalIsOfThePreparationThatWasSeen: another number of the minutes, or the same from
// another admin, is another preparation, though the files stand as they stood.
func TestAnApprovalIsOfThePreparationThatWasSeen(t *testing.T) {
	c := open(t).contest(5)
	c.begun()
	c.scored()
	open := c.stage(3)
	prepare := func(who store.User, basis, minutes string) programme.StageView {
		t.Helper()
		_, err := c.Decide(t.Context(), c.as(who), c.edition.ID, 3, basis, minutes)
		c.unless(err)
		return c.stage(3)
	}
	approve := func(basis string) error {
		_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, basis)
		return err
	}
	first := prepare(c.admin, open.Basis, "BA-1")
	if first.Decision.Text("minutes") != "BA-1" || first.Decision.Text("prepared_by") != c.admin.ID || first.Basis == open.Basis {
		t.Errorf("prepared by %s as %q on %s", first.Decision.Text("prepared_by"), first.Decision.Text("minutes"), first.Basis)
	}
	if err := approve(open.Basis); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("approved without a look at the preparation: %v", err)
	}
	if _, err := c.Decide(t.Context(), c.as(c.admin), c.edition.ID, 3, open.Basis, "BA-2"); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("prepared anew over what was not seen: %v", err)
	}
	second := prepare(c.admin, first.Basis, "BA-2")
	if err := approve(first.Basis); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("approved as it was prepared before: %v", err)
	}
	third := prepare(c.person(3, "admin"), second.Basis, "BA-2")
	if err := approve(second.Basis); fault.CodeOf(err) != "basis_changed" {
		t.Errorf("approved for another admin: %v", err)
	}
	c.unless(approve(third.Basis))
	if now := c.stage(3); now.Decision.Text("minutes") != "BA-2" || now.Decision.Text("approved_by") != c.other.ID {
		t.Errorf("decided: %q by %s", now.Decision.Text("minutes"), now.Decision.Text("approved_by"))
	}
}

// tellsFirst tells results before anything else that waits is done; what cannot be done yet
// stays.
func (c *contest) tellsFirst() {
	c.Helper()
	const kind = domain.JobPublish
	c.unless(c.Steps()[domain.StepTell](c.Context(), merge.Effect{Scope: domain.DecisionScope(c.edition.ID), Collection: "publication", ID: c.publication().ID}))
	for _, r := range c.scope(domain.GeneralQueue, "job_step") {
		if r.Text("kind") == kind && r.Text("state") == domain.StepWaiting {
			if err := c.Steps()[kind](c.Context(), merge.Effect{Scope: domain.GeneralQueue, Collection: "job_step", ID: r.ID}); err != nil && fault.KindOf(err) != fault.Transient {
				c.Fatal(err)
			}
		}
	}
}
