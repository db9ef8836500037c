package play

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// lagawiCode is the code of the programme of the story.
const lagawiCode = "lagawi-fest-2022"

// Lines counts businesses by their primary category.
type Lines struct{ Food, Toys, Fashion, Crafts, Machinery int }

// Lagawi is what came of the campaign from registration to the briefing before the
// exhibition.
type Lagawi struct {
	Read, Accepted, Refused int // rows of the list
	Stored                  int // scopes and people that a dry run made or changed
	New, Unchanged          int // rows of the same list, read once more
	Spellings               int // applications that three rows of one person would make, spelled in three ways

	Passed, Eliminated     [2]int
	Sheets, Offline        int // that count; of them entered without a network
	Excluded               int // sheets of who has an interest of their own
	Overseen               int // sheets and places of others within reach of a curator, at any time
	Selected, Reserve, Not int
	Looks, InProcess       int           // of owners, staff and a mentor before the instant; of them those that said "in process"
	Leaked                 int           // scopes of businesses in which anything happened before the instant
	Died                   int           // results that were brought when the process died
	Notices, Heard         int           // of the results; people who had just one
	Took                   time.Duration // from the instant until the last result
	Confirmed, Declined    int
	Promoted               int // who heard of a place that came free, and took it
	Late                   int // results that a phone without a network until 19 March had at its first sync
	Categories             Lines
	Memberships            int // of the selected in categories, the second ones too
	Enrolled, Tasks        int
	MentorBusinesses       int // on the phone of the mentor who was looked at, the third day without a network
	MentorTasks            int
	MentorCases            int
	MentorNotes            int
	OwnerTasks             int
	Foreign                int // of other businesses on the owner's phone, or told when it asked for them
	Briefing               Briefed
	Rung                   Rung
}

// LagawiStart is when the registration opens.
func LagawiStart() time.Time { return time.Date(2022, 2, 26, 17, 0, 0, 0, time.UTC) }

// lagawi is the story under way.
type lagawi struct {
	w        *World
	tell     *Teller
	list     fixture.Lagawi
	numbers  map[string]fixture.Row // by receipt number
	rows     map[string]fixture.Row // by application
	admin    *Phone
	second   *Phone
	curators []*Phone
	given    map[string]int    // sheets that count, by dossier
	owners   map[string]*Phone // by business
	mentors  []*Phone
	before   *Phone // a mentor from before the programme
	posts    []post // of that one
	lookers  []looker
	away     *Phone // without a network until 19 March
	silent   []*Phone
	id       string
	out      Lagawi
}

// LagawiOptions let everybody whom the story needs log in.
func LagawiOptions(o Options, seed uint64) Options {
	o.Seed, o.Crowd = seed, max(o.Crowd, crowdOfLagawi)
	for _, r := range fixture.Campaign(seed).Rows {
		if r.Refusal == "" {
			o.Numbers = append(o.Numbers, string(r.Registrant.Phone))
		}
	}
	return o
}

// Who of the crowd has which part.
const (
	firstCurator  = 0
	firstMentor   = 6
	firstStaff    = 12 // while the results are secret: of one who is selected, and of one who is not
	firstHelper   = 14 // staff of those who work with food
	latecomer     = 17
	crowdOfLagawi = 18
)

// PlayLagawi plays a campaign from 486 rows of a list to 30 businesses with mentors and
// plans, and to a briefing for some of them: import, three stages of curation by people
// who are offline half of the time, publication, confirmation, announcement. The world
// must have been opened with LagawiOptions of the same seed.
//
// It fails where something does not come out as it must; what can be counted is in the
// answer.
func (w *World) PlayLagawi(ctx context.Context, tell *Teller, seed uint64) (Lagawi, error) {
	s := &lagawi{w: w, tell: tell, list: fixture.Campaign(seed), id: domain.ProgrammeID(lagawiCode), numbers: map[string]fixture.Row{}, rows: map[string]fixture.Row{}, given: map[string]int{}, owners: map[string]*Phone{}}
	for _, do := range []func(context.Context) error{s.opens, s.checks, s.imports, s.again, s.curates, s.scores, s.reopens, s.waits, s.decides, s.names, s.embargoes, s.publishes,
		s.hears, s.confirms, s.accompanies, s.mentorsAway, s.keepsApart, s.briefs, s.nightly} {
		if err := do(ctx); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

// Programme plays the campaign on a database in folder, which stays there, and prints what
// came of it. It fails if a number of the story does not come out. Of o count the clock and
// what rings.
func Programme(ctx context.Context, tell *Teller, folder string, seed uint64, o Options) (err error) {
	o.Path = Database(folder)
	w, err := Open(ctx, LagawiStart(), LagawiOptions(o, seed))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close(context.WithoutCancel(ctx))) }()
	tell.Title("Lagawi Fest 2022: from 486 rows of a list to 30 businesses, and a briefing for 19 of them")
	got, err := w.PlayLagawi(ctx, tell, seed)
	if err != nil {
		return err
	}
	table := [][]string{{"", "businesses"}}
	row := func(what string, n int) { table = append(table, []string{what, fmt.Sprint(n)}) }
	row("rows of the list", got.Read)
	row("applications", got.Accepted)
	row("pass stage 1", got.Passed[0])
	row("pass stage 2", got.Passed[1])
	row("selected", got.Selected)
	row("reserve", got.Reserve)
	row("not selected", got.Not)
	row("told at 10:00, in the same words", got.Notices)
	row("told anything before", got.Leaked)
	row("take part", got.Enrolled)
	for _, c := range []struct {
		name string
		n    int
	}{{"food_beverage", got.Categories.Food}, {"toys", got.Categories.Toys}, {"fashion", got.Categories.Fashion}, {"crafts", got.Categories.Crafts}, {"machinery", got.Categories.Machinery}} {
		row("  "+c.name, c.n)
	}
	row("  memberships in categories", got.Memberships)
	row("tasks", got.Tasks)
	tell.Say("")
	tell.Table(table...)
	b := got.Briefing
	if r := got.Rung; r != (Rung{}) {
		tell.Say("")
		tell.Table([]string{"pushes, as phones saw them", ""}, []string{"phones of applicants", fmt.Sprint(r.Phones)}, []string{"N06 before the instant", fmt.Sprint(r.Early)},
			[]string{"N06 within two minutes", fmt.Sprint(r.Within)}, []string{"N06 on 19 March, with a network again", fmt.Sprint(r.Late)}, []string{"different cards of N06", fmt.Sprint(r.Words)},
			[]string{"by WhatsApp, without such a phone", fmt.Sprint(r.Written)}, []string{"N08, a place came free", fmt.Sprint(r.Place)}, []string{"N28, the briefing", fmt.Sprint(b.Rang)}, []string{"N29, its reminder, but where there is no network", fmt.Sprint(b.AskedRang)},
			[]string{"N28 of 22:30, at night", fmt.Sprint(r.Night.Early)}, []string{"N28 of 22:30, " + clockTime(r.Night.First) + " to " + clockTime(r.Night.Last), fmt.Sprint(r.Night.Phones)})
	}
	tell.Say("")
	tell.Table([]string{"briefing", "people"}, []string{"owners", fmt.Sprint(b.Owners)}, []string{"staff", fmt.Sprint(b.Staff)}, []string{"mentors", fmt.Sprint(b.Mentors)}, []string{"people", fmt.Sprint(b.People)},
		[]string{"delivered", fmt.Sprint(b.Delivered)}, []string{"read", fmt.Sprint(b.Read)}, []string{"acknowledged", fmt.Sprint(b.Acked)}, []string{"never", fmt.Sprint(b.Never)}, []string{"reminded", fmt.Sprint(b.Asked)})
	if !got.asTold() {
		return fmt.Errorf("the campaign came out otherwise: %+v", got)
	}
	tell.Good("%d → %d → %d → %d + %d reserve + %d; %d businesses in %d memberships, %d tasks.", got.Accepted, got.Passed[0], got.Passed[1], got.Selected, got.Reserve, got.Not, got.Enrolled, got.Memberships, got.Tasks)
	tell.Good("Briefing: %d people, %d delivered, %d read, %d acknowledged, %d never; of %d owners %d read it with a network and %d without.", b.People, b.Delivered, b.Read, b.Acked, b.Never, b.Owners, ReadOnline, b.Earliest)
	tell.Good("Reminded to read it on 30 May at 17:00: %d, those who had not, and nobody else.", b.Asked)
	if r := got.Rung; r != (Rung{}) {
		tell.Good("Pushes: %d of %d phones showed the results within two minutes, %d when it had a network, %d people were written to.", r.Within, r.Phones, r.Late, r.Written)
	}
	return nil
}

// asTold reports whether every number is that of the story. How many mentors accompany a
// business that works with food depends on the seed.
func (l Lagawi) asTold() bool {
	mentors := l.Briefing.Mentors
	people := foodOwners + foodStaff + mentors
	want := Lagawi{Read: fixture.Read, Accepted: fixture.Accepted, Refused: fixture.Read - fixture.Accepted, Unchanged: fixture.Accepted, Spellings: 1,
		Passed:     [2]int{fixture.PassStage1, fixture.PassStage2},
		Eliminated: [2]int{fixture.Accepted - fixture.PassStage1, fixture.PassStage1 - fixture.PassStage2},
		Sheets:     2 * fixture.PassStage2, Offline: offlineSheets, Excluded: 1,
		Selected: fixture.Selected, Reserve: fixture.Reserve, Not: fixture.NotSelected,
		Looks: lookersEach * looksBefore, InProcess: lookersEach * looksBefore, Died: diesBehind, Notices: fixture.Accepted, Heard: fixture.Accepted, Took: l.Took,
		Confirmed: fixture.Selected - 1, Declined: 1, Promoted: 1, Late: 1, Categories: Lines{19, 1, 3, 6, 1}, Memberships: 31, Enrolled: fixture.Selected, Tasks: 720,
		MentorBusinesses: 5, MentorTasks: 120, MentorCases: 1, MentorNotes: 1, OwnerTasks: 24,
		Briefing: Briefed{ID: l.Briefing.ID, Owners: foodOwners, Staff: foodStaff, Mentors: mentors, People: people, Delivered: people - 1, Read: people - 2, Acked: people - 2 - ReadOffline + 1,
			Never: foodOwners - ReadOnline - ReadOffline, Earliest: ReadOffline, Version: 2, Cleared: people, Rang: l.Briefing.Rang,
			Asked: foodOwners - ReadOnline - ReadOffline, AskedRang: l.Briefing.AskedRang},
		Rung: l.Rung}
	if l.Rung != (Rung{}) && (l.Briefing.Rang != people-1 || l.Briefing.AskedRang != l.Briefing.Asked-1) {
		return false
	}
	return l == want && l.Rung.asTold(people) && l.Took <= toldWithin && mentors*businessesEach >= foodOwners && mentors <= mentorsOfLagawi && l.Accepted == l.Eliminated[0]+l.Eliminated[1]+l.Selected+l.Reserve+l.Not
}

func (s *lagawi) path(rest string) string { return "/v1/programmes/" + s.id + rest }

// advance takes the programme to its next status.
func (s *lagawi) advance(ctx context.Context, status string) error {
	var e struct {
		Etag string `json:"etag"`
	}
	if err := s.admin.Send(ctx, "GET", s.path(""), "", nil, &e); err != nil {
		return err
	}
	return s.admin.Send(ctx, "POST", s.path("/status"), e.Etag, map[string]any{"status": status}, nil)
}

// files reads the case files from the server.
func (s *lagawi) files(ctx context.Context) ([]merge.Row, error) {
	return s.w.Rows(ctx, domain.DecisionScope(s.id), "case_file")
}

// due lets the server look at its calendar and do what follows.
func (s *lagawi) due(ctx context.Context) error {
	for range 3 {
		if err := errors.Join(s.w.App.Programme.Due(ctx), s.w.Step(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// heads says how far every scope is, but for the trail of who saw what.
func (s *lagawi) heads(ctx context.Context) (map[string]merge.Seq, error) {
	out := map[string]merge.Seq{}
	for after := ""; ; {
		scopes, err := s.w.App.Store.Scopes(ctx, after, 500)
		if err != nil || len(scopes) == 0 {
			return out, err
		}
		for _, scope := range scopes {
			after = scope
			if strings.HasPrefix(scope, domain.ScopeAudit+"/") {
				continue
			}
			head, err := s.w.App.Store.Head(ctx, scope)
			if err != nil {
				return nil, err
			}
			out[scope] = head.Applied
		}
	}
}

// moved counts the scopes that are further than they were, or new.
func moved(before, after map[string]merge.Seq) (n int) {
	for scope, seq := range after {
		if was, there := before[scope]; !there || was != seq {
			n++
		}
	}
	return n
}

// owner is the phone of the owner of an application, which has synced.
func (s *lagawi) owner(ctx context.Context, f merge.Row) (*Phone, error) {
	business := f.Text("business_id")
	p := s.owners[business]
	if p == nil {
		var err error
		if p, err = s.w.Enter(ctx, &Person{Name: f.Text("owner_name"), Number: f.Text("owner_phone")}, "phone of "+f.Text("owner_name")); err != nil {
			return nil, err
		}
		s.owners[business] = p
	}
	return p, s.w.Sync(ctx, p)
}
