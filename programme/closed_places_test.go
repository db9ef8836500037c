package programme_test

import (
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// TestNobodyIsOfferedAPlaceInWhatIsOver: somebody is disqualified when the programme has been harvested, or
// behind the last day that is monitored. The reserve stays where it is, and the admins are told, once.
func TestNobodyIsOfferedAPlaceInWhatIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []string
		at       time.Time
		offered  int
	}{
		"running":              {[]string{domain.ProgrammePublished, domain.ProgrammeRunning}, time.Date(2022, 6, 17, 16, 0, 0, 0, time.UTC), 1},
		"harvested":            {[]string{domain.ProgrammePublished, domain.ProgrammeRunning, domain.ProgrammeHarvested}, time.Date(2022, 6, 10, 3, 0, 0, 0, time.UTC), 0},
		"behind the last day":  {[]string{domain.ProgrammePublished, domain.ProgrammeRunning}, time.Date(2022, 6, 17, 17, 0, 0, 0, time.UTC), 0},
		"closed, and long ago": {[]string{domain.ProgrammePublished, domain.ProgrammeRunning, domain.ProgrammeHarvested, domain.ProgrammeClosed}, time.Date(2022, 6, 21, 3, 0, 0, 0, time.UTC), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t).contest(3)
			part := c.takingPart(30)
			for _, status := range tt.statuses {
				e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
				c.unless(err)
				c.edition, err = c.AdvanceProgramme(t.Context(), c.as(c.admin), e.ID, e.Version, status)
				c.unless(err)
			}
			c.clock.Set(tt.at)
			next := c.bestOfTheReserve()
			c.disqualified(part[0].Text("application_id"))
			c.due()
			if n := c.states()[domain.ApplicationOffered]; n != tt.offered {
				t.Errorf("%d are offered a place, want %d", n, tt.offered)
			}
			var told []string
			for _, r := range c.scope(domain.DecisionScope(c.edition.ID), "review_item") {
				if r.Text("what") == "place_unfilled" {
					told = append(told, domain.NoticeObject(r).ID)
				}
			}
			if len(told) != 1-tt.offered || len(told) == 1 && told[0] != next {
				t.Errorf("the admins are told of %v, and next is %s", told, next)
			}
		})
	}
}

// bestOfTheReserve is the file that moves up next.
func (c *contest) bestOfTheReserve() string {
	c.Helper()
	best, rank := "", int64(0)
	for _, f := range c.files(c.edition) {
		if n := f.Int("rank"); c.application(f).Text("state") == domain.ApplicationReserve && (best == "" || n < rank) {
			best, rank = f.ID, n
		}
	}
	return best
}

// disqualified has two admins disqualify an application.
func (c *contest) disqualified(application string) {
	c.Helper()
	for _, f := range c.files(c.edition) {
		if f.ID != application {
			continue
		}
		_, a, err := c.operates(f, "disqualify", "Dokumen palsu")
		c.unless(err)
		_, err = c.DecideApproval(c.Context(), c.as(c.other), a.ID, a.Text("what"), true)
		c.unless(err)
	}
}

// TestAPlaceIsFilledOnceTheProgrammeLastsLonger: its last day is moved behind the day on which a place came free.
func TestAPlaceIsFilledOnceTheProgrammeLastsLonger(t *testing.T) {
	t.Parallel()
	c := open(t).contest(3)
	part := c.takingPart(30)
	for _, status := range []string{domain.ProgrammePublished, domain.ProgrammeRunning} {
		e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
		c.unless(err)
		c.edition, err = c.AdvanceProgramme(t.Context(), c.as(c.admin), e.ID, e.Version, status)
		c.unless(err)
	}
	c.clock.Set(time.Date(2022, 6, 17, 17, 0, 0, 0, time.UTC))
	c.disqualified(part[0].Text("application_id"))
	c.due()
	e, err := c.Programme(t.Context(), c.as(c.admin), c.edition.ID)
	c.unless(err)
	_, err = c.ChangeProgramme(t.Context(), c.as(c.admin), e.ID, e.Version, written("monitoring", `{"starts_on":"2022-03-20","ends_on":"2022-07-17"}`))
	c.unless(err)
	c.due()
	if n := c.states()[domain.ApplicationOffered]; n != 1 {
		t.Errorf("%d are offered a place", n)
	}
}
