package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The looks at what is secret, and the crash of what ends it.
const (
	lookersEach = 9 // looks of each round: five owners, staff of two businesses, a mentor of both
	looksBefore = 3 // rounds before the instant
	diesBehind  = 200
	toldWithin  = 120 * time.Second
)

// looker is somebody who looks for the result of an application.
type looker struct {
	p     *Phone
	file  merge.Row
	owner bool
}

// post is a business that a mentor is sent to.
type post struct {
	business string
	window   Window
}

// told is the state of an application by the outcome of the story.
func told() map[string]string {
	return map[string]string{fixture.OutSelected: domain.ApplicationOffered, fixture.OutReserve: domain.ApplicationReserve, fixture.OutNotSelected: domain.ApplicationNotSelected,
		fixture.OutStage1: domain.ApplicationNotSelected, fixture.OutStage2: domain.ApplicationNotSelected}
}

// food reports whether a row is of somebody who works with food.
func food(r fixture.Row) bool { return r.Registrant.Category == "food_beverage" }

// last is the selected applicant with the highest rank that passes.
func (s *lagawi) last(passes func(fixture.Row) bool) (out fixture.Row) {
	for _, r := range s.list.Ranking()[:fixture.Selected] {
		if passes(r) {
			out = r
		}
	}
	return out
}

// declines is who will give the place up. The first of the reserve, who takes it, works
// with food too.
func (s *lagawi) declines() fixture.Row { return s.last(food) }

// offline is who has no network until 19 March.
func (s *lagawi) offline() fixture.Row {
	gone := s.declines().Rank
	return s.last(func(r fixture.Row) bool { return r.Rank != gone })
}

// waits gives phones to some who wait for their results while these are not decided yet:
// an owner of each outcome, staff of one who will be selected and of one who will not,
// and a mentor of both. One more owner has a network now, and then not until 19 March.
func (s *lagawi) waits(ctx context.Context) (err error) {
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b merge.Row) int { return s.number(a).Rank - s.number(b).Rank })
	find := func(fits func(fixture.Row) bool) merge.Row {
		return files[slices.IndexFunc(files, func(f merge.Row) bool { return fits(s.number(f)) })]
	}
	offline := s.offline().Rank
	if s.away, err = s.owner(ctx, find(func(r fixture.Row) bool { return r.Rank == offline })); err != nil {
		return err
	}
	s.before = nil
	if s.before, err = s.w.Enter(ctx, s.w.Person("Pak Hendra"), "phone of Pak Hendra"); err != nil {
		return err
	}
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	for _, outcome := range []string{fixture.OutSelected, fixture.OutNotSelected, fixture.OutReserve, fixture.OutStage1, fixture.OutStage2} {
		f := find(func(r fixture.Row) bool {
			return r.Outcome == outcome && r.Rank != offline && (outcome != fixture.OutSelected || !food(r))
		})
		p, err := s.owner(ctx, f)
		if err != nil {
			return err
		}
		s.lookers = append(s.lookers, looker{p, f, true})
		if outcome == fixture.OutSelected || outcome == fixture.OutNotSelected {
			if err := s.joins(ctx, p, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// joins lets somebody become staff of an applicant, and a mentor accompany it.
func (s *lagawi) joins(ctx context.Context, owner *Phone, f merge.Row) error {
	business, who := f.Text("business_id"), s.w.Neighbour(firstStaff+len(s.posts))
	if err := s.w.Hire(ctx, owner, business, who); err != nil {
		return err
	}
	p, err := s.w.Enter(ctx, who, "phone of staff of "+f.Text("business_name"))
	if err != nil {
		return err
	}
	w, err := s.w.Assign(ctx, s.admin, business, s.before.Who)
	if err != nil {
		return err
	}
	s.posts = append(s.posts, post{business, w})
	s.lookers = append(s.lookers, looker{p, f, false}, looker{s.before, f, false})
	return nil
}

// commits counts the commits of every business that applied.
func (s *lagawi) commits(ctx context.Context) (map[string]merge.Seq, error) {
	files, err := s.files(ctx)
	out := map[string]merge.Seq{}
	for _, f := range files {
		head, bad := s.w.App.Store.Head(ctx, scopeOf(f.Text("business_id")))
		err = errors.Join(err, bad)
		out[f.Text("business_id")] = head.Applied
	}
	return out, err
}

// looks has everybody who waits look, and gives what they see: the state of each
// application, and how many notices of results its owner has.
func (s *lagawi) looks(ctx context.Context, see func(l looker, application merge.Row, notices int)) error {
	s.w.rng.Shuffle(len(s.lookers), func(i, j int) { s.lookers[i], s.lookers[j] = s.lookers[j], s.lookers[i] })
	for _, l := range s.lookers {
		if err := errors.Join(l.p.Sync(ctx), s.w.Step(ctx)); err != nil { // the clock stands still
			return fmt.Errorf("%s looks: %w", l.p.Name, err)
		}
		row, there, err := l.p.Row(scopeOf(l.file.Text("business_id")), "application", l.file.ID)
		if err != nil || !there {
			return errors.Join(err, fmt.Errorf("%s sees no application: %t", l.p.Name, there))
		}
		n, err := l.p.Notices(domain.NoticeResults)
		if err != nil {
			return err
		}
		see(l, row, n)
	}
	return nil
}

// embargoes lets the days between the decision and the instant pass. Everybody who looks
// sees an application in process, to the last second.
func (s *lagawi) embargoes(ctx context.Context) error {
	before, err := s.commits(ctx)
	if err != nil {
		return err
	}
	for _, at := range []time.Time{s.w.Clock.Now(), publication().Add(-25 * time.Hour), publication().Add(-time.Second)} {
		s.w.Clock.Set(at)
		if err := s.due(ctx); err != nil {
			return err
		}
		if err := s.looks(ctx, func(_ looker, row merge.Row, notices int) {
			if s.out.Looks++; row.Text("state") == domain.ApplicationSubmitted && row.Text("feedback") == "" && row.Text("confirm_by") == "" && notices == 0 {
				s.out.InProcess++
			}
		}); err != nil {
			return err
		}
	}
	after, err := s.commits(ctx)
	s.out.Leaked = moved(before, after)
	s.tell.Say("Until 17 March, 09:59:59: %d looks by owners, staff and a mentor, %d times \"in process\"; nothing moved in any scope of a business (%d had).", s.out.Looks, s.out.InProcess, s.out.Leaked)
	return err
}

// publishes lets the instant come. The process that tells the results dies behind number
// 200; the server starts anew, and it and another process go on at once.
func (s *lagawi) publishes(ctx context.Context) error {
	s.w.Clock.Set(publication())
	doomed, life := s.w.mortal(diesBehind)
	for n := 0; !life.dead.Load(); n++ {
		err := errors.Join(doomed.Due(ctx), works(ctx, doomed))
		if !life.dead.Load() && (err != nil || n > 3) {
			return errors.Join(err, fmt.Errorf("a process that should die behind %d results has done all", diesBehind))
		}
	}
	if err := s.w.restart(ctx, func() error { return nil }); err != nil {
		return err
	}
	s.out.Died = int(life.items.Load())
	if told, _, err := s.notices(ctx); err != nil || told < diesBehind-1 || told > diesBehind { // the last one may wait in the log
		return errors.Join(err, fmt.Errorf("%d results were told when the process died", told))
	}
	for range 3 {
		if err := s.w.Both(ctx, func(ctx context.Context, p *programme.Service) error { return errors.Join(p.Due(ctx), works(ctx, p)) }); err != nil {
			return err
		}
	}
	if err := s.due(ctx); err != nil {
		return err
	}
	var err error
	if s.out.Notices, s.out.Heard, err = s.notices(ctx); err != nil {
		return err
	}
	s.tell.Say("17 March, 10:00: %d of %d hear that the results are out, all in the same words, each once, although the process that told them died behind number %d.", s.out.Heard, s.out.Accepted, s.out.Died)
	if err := s.rings(ctx); err != nil {
		return err
	}
	return s.took(ctx)
}

// notices counts the items that tell of results, and the people who have just one. All
// say the same, whatever the result is.
func (s *lagawi) notices(ctx context.Context) (items, people int, err error) {
	files, err := s.files(ctx)
	if err != nil {
		return 0, 0, err
	}
	words := map[string]bool{}
	for _, f := range files {
		rows, err := s.w.Rows(ctx, merge.UserScope(f.Text("owner_id")), "inbox")
		if err != nil {
			return 0, 0, err
		}
		n := 0
		for _, r := range rows {
			if r.Text("type") == domain.NoticeResults {
				n++
				words[string(r.Fields["params"])+r.Text("deep_link")] = true
			}
		}
		if items += n; n == 1 {
			people++
		}
	}
	if len(words) > 1 {
		return items, people, fmt.Errorf("notices of results differ in %d ways", len(words))
	}
	return items, people, nil
}

// took asks when the last result was told.
func (s *lagawi) took(ctx context.Context) error {
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	var p struct {
		Fields struct {
			State  string    `json:"state"`
			ToldAt time.Time `json:"told_at"`
		} `json:"fields"`
	}
	if err := s.admin.Send(ctx, http.MethodGet, s.path("/publication"), "", nil, &p); err != nil {
		return err
	}
	if p.Fields.State != "told" {
		return fmt.Errorf("the publication is %q", p.Fields.State)
	}
	s.out.Took = p.Fields.ToldAt.Sub(publication())
	return nil
}

// hears has those who waited look again: each sees the result of the story now.
func (s *lagawi) hears(ctx context.Context) error {
	var wrong error
	err := s.looks(ctx, func(l looker, row merge.Row, notices int) {
		if want := told()[s.number(l.file).Outcome]; row.Text("state") != want || l.owner && notices != 1 {
			wrong = errors.Join(wrong, fmt.Errorf("%s sees %q with %d notices, want %q", l.p.Name, row.Text("state"), notices, want))
		}
	})
	if err = errors.Join(err, wrong); err != nil {
		return err
	}
	files, err := s.files(ctx)
	for _, f := range files {
		if f.Text("state") == domain.FileSelected {
			s.out.Categories.add(f.Text("category"))
			s.out.Memberships += max(1, len(f.Strings("categories")))
		}
	}
	return err
}

// add counts a business.
func (l *Lines) add(category string) {
	if n := map[string]*int{"food_beverage": &l.Food, "toys": &l.Toys, "fashion": &l.Fashion, "crafts": &l.Crafts, "machinery": &l.Machinery}[category]; n != nil {
		*n++
	}
}
