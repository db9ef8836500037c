package programme_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// twoRubrics are a checklist, marks that let some pass, and marks that select.
func twoRubrics(t *testing.T, middle, last map[string]any) string {
	t.Helper()
	var three []map[string]any
	if err := json.Unmarshal(threeStages(), &three); err != nil {
		t.Fatal(err)
	}
	marks := func(no int, pass map[string]any) map[string]any {
		return map[string]any{"no": no, "kind": domain.StageRubric, "items": three[2]["items"], "curators_per_file": 1, "pass": pass}
	}
	return string(merge.Encode([]map[string]any{three[0], marks(2, middle), marks(3, last)}))
}

// ranked is a contest of two rounds of marks, decided.
func (o *office) ranked(middle, last map[string]any) *contest {
	o.Helper()
	c := o.contestOf(1, twoRubrics(o.T, middle, last))
	_, err := c.Begin(c.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	c.decide(1)
	c.scoredIn(2)
	c.decide(2)
	c.selected()
	return c
}

// withdraws has the owner of a file withdraw, and the results told.
func (c *contest) withdraws(who ...merge.Row) {
	c.Helper()
	for _, f := range who {
		c.says(f, "withdraw")
	}
	c.work()
	c.prepared()
	c.clock.Set(publishAt())
	c.due()
}

// became counts what files that were decided in one way were told.
func (c *contest) became() map[string]int {
	c.Helper()
	out := map[string]int{}
	for _, f := range c.files(c.edition) {
		out[f.Text("state")+" "+c.application(f).Text("state")]++
	}
	return out
}

// TestPlacesGoToWhoCameThroughAllStages: a rank among those who did not get on is none, and
// they hear the words for the eliminated.
func TestPlacesGoToWhoCameThroughAllStages(t *testing.T) {
	t.Parallel()
	c := open(t).ranked(map[string]any{"top": 35}, nil)
	out := len(c.in(domain.FileEliminated))
	for _, f := range c.in(domain.FileEliminated) {
		if !merge.Null(f.Fields["rank"]) {
			t.Fatalf("%s was eliminated, and has rank %d", f.Text("number"), f.Int("rank"))
		}
	}
	if v := c.stage(2); v.Outcomes[0].Rank != 1 || v.Outcomes[35].Rank != 36 || v.Outcomes[35].Result != "failed" {
		t.Errorf("the view of the middle stage: %+v %+v", v.Outcomes[0], v.Outcomes[35])
	}
	c.withdraws(c.in(domain.FileSelected)[0])
	want := map[string]int{"selected offered": 29, "reserve offered": 1, "reserve reserve": 4, "selected withdrawn": 1, "eliminated not_selected": out}
	if got := c.became(); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestWhoFallsShortOfTheLastStageHasNoPlace, though places stay free, and whoever withdraws.
func TestWhoFallsShortOfTheLastStageHasNoPlace(t *testing.T) {
	t.Parallel()
	c := open(t).ranked(map[string]any{"top": 35}, map[string]any{"top": 32, "score_bp": 1})
	v := c.stage(3)
	if v.Count("selected") != 30 || v.Count("reserve") != 2 || v.Count("not_selected") != 3 || v.Free != 0 {
		t.Fatalf("%d selected, %d in reserve, %d not, %d free", v.Count("selected"), v.Count("reserve"), v.Count("not_selected"), v.Free)
	}
	c.withdraws(c.in(domain.FileSelected)[:4]...)
	if got := c.became(); got["selected offered"] != 26 || got["reserve offered"] != 2 || got["not_selected not_selected"] != 3 {
		t.Errorf("%v", got)
	}
}

// TestTheThirtyAreThoseWhoTakePart: also who was not selected, and moved up because more
// withdrew than stood in reserve. Who withdrew is not among them.
func TestTheThirtyAreThoseWhoTakePart(t *testing.T) {
	t.Parallel()
	c := open(t).contest(1)
	c.begun()
	e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	_, err = c.ChangeProgramme(t.Context(), c.as(c.admin), c.edition.ID, e.Version, map[string]merge.Value{"reserve_size": merge.Num(1)})
	c.unless(err)
	c.selected()
	c.withdraws(c.in(domain.FileSelected)[:3]...)
	if got := c.became(); got["selected offered"] != 27 || got["reserve offered"] != 1 || got["not_selected offered"] != 2 {
		t.Fatalf("%v", got)
	}
	if all := c.enrolments(programme.EnrolmentFilter{}, c.admin, 100); len(all) > 0 {
		t.Errorf("nobody confirmed, and %d take part", len(all))
	}
	var want, got []string
	for _, f := range c.files(c.edition) {
		if c.application(f).Text("state") == domain.ApplicationOffered {
			c.says(f, "confirm")
			want = append(want, domain.EnrolmentID(f.ID))
		}
	}
	c.due()
	all, _, _, err := c.Enrolments(t.Context(), c.as(c.admin), c.edition.ID, store.Position{}, 500, programme.EnrolmentFilter{State: domain.EnrolmentActive})
	c.unless(err)
	for _, e := range all {
		got = append(got, e.ID)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != 30 || !slices.Equal(got, want) {
		t.Errorf("%d take part, want %d", len(got), len(want))
	}
	c.audiences(map[string]int{"active": 30})
}

// TestWordsAreForTheResultTheyWereWrittenFor: who is told another one hears the words that all
// of it hear, and the admins hear of that.
func TestWordsAreForTheResultTheyWereWrittenFor(t *testing.T) {
	t.Parallel()
	c := open(t).contest(1)
	c.begun()
	advise := func(f merge.Row, words string) {
		t.Helper()
		d, err := c.File(t.Context(), c.as(c.admin), c.edition.ID, f.ID)
		c.unless(err)
		d, err = c.Advise(t.Context(), c.as(c.admin), c.edition.ID, f.ID, d.Version, words)
		if c.unless(err); d.Text("feedback") != words {
			t.Fatalf("%s", d.EncodeFields())
		}
	}
	c.scored()
	ranked := c.stage(3).Outcomes
	early := c.filed(ranked[30].File) // the first of the reserve, before that is decided
	advise(early, "Bagus, tetapi belum cukup.")
	c.decide(3)
	_, err := c.Approve(t.Context(), c.as(c.other), c.edition.ID, 3, c.stage(3).Basis)
	c.unless(err)
	c.work()
	next, stays, out := c.filed(ranked[31].File), c.filed(ranked[35].File), c.filed(ranked[90].File)
	advise(next, "Anda cadangan nomor 2, belum terpilih.")
	advise(stays, "Anda cadangan.")
	advise(out, "Coba lagi.")
	advise(out, "")
	if next = c.filed(next.ID); next.Text("feedback_for") != domain.FileReserve || c.filed(out.ID).Text("feedback_for") != "" || c.filed(early.ID).Text("feedback_for") != "" {
		t.Errorf("written for %q, taken back for %q, before the decision for %q", next.Text("feedback_for"), c.filed(out.ID).Text("feedback_for"), c.filed(early.ID).Text("feedback_for"))
	}
	c.withdraws(c.in(domain.FileSelected)[:2]...)
	for _, tt := range []struct {
		file         merge.Row
		state, words string
	}{{early, domain.ApplicationOffered, "Selamat!"}, {next, domain.ApplicationOffered, "Selamat!"}, {stays, domain.ApplicationReserve, "Anda cadangan."}, {out, domain.ApplicationNotSelected, "Belum kali ini."}} {
		if a := c.application(tt.file); a.Text("state") != tt.state || a.Text("feedback") != tt.words {
			t.Errorf("%s: told %s with %q, want %s with %q", tt.file.Text("number"), a.Text("state"), a.Text("feedback"), tt.state, tt.words)
		}
	}
	unsaid, want := c.publication().Strings("unsaid"), []string{early.ID, next.ID}
	slices.Sort(unsaid)
	slices.Sort(want)
	if !slices.Equal(unsaid, want) {
		t.Errorf("the publication says that the words of %v were left out, want %v", unsaid, want)
	}
}
