package play

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Six mentors accompany five businesses each. One of them works in Tanggamus.
const (
	mentorsOfLagawi = 6
	businessesEach  = 5
	tanggamus       = "18.06"
)

// answers has an owner say a word about an offer, without a network at that moment.
func (s *lagawi) answers(p *Phone, f merge.Row, op string) error {
	scope := scopeOf(f.Text("business_id"))
	row, ok, err := p.Row(scope, "application", f.ID)
	if err != nil || !ok || row.Text("state") != domain.ApplicationOffered {
		return errors.Join(err, fmt.Errorf("%s sees the application as %q", p.Name, row.Text("state")))
	}
	_, err = p.create(scope, "application_event", fields{"application_id": f.ID, "op": op})
	return err
}

// confirms has the owners answer: 29 confirm, one declines on the 18th, and the first of
// the reserve takes the place. One of the 29 has no network until the 19th.
func (s *lagawi) confirms(ctx context.Context) error {
	files, err := s.files(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b merge.Row) int { return int(a.Int("rank") - b.Int("rank")) })
	at := func(rank int) merge.Row {
		return files[slices.IndexFunc(files, func(f merge.Row) bool { return f.Int("rank") == int64(rank) })]
	}
	gone, offline := s.declines().Rank, s.offline().Rank
	for rank := 1; rank <= fixture.Selected; rank++ {
		if rank == gone || rank == offline {
			continue
		}
		if err := s.says(ctx, at(rank), "confirm", &s.out.Confirmed); err != nil {
			return err
		}
	}
	s.w.Clock.Set(time.Date(2022, 3, 18, 3, 0, 0, 0, time.UTC))
	if err := s.says(ctx, at(gone), "decline", &s.out.Declined); err != nil {
		return err
	}
	next := at(fixture.Selected + 1)
	if err := s.place(ctx, s.owners[next.Text("business_id")]); err != nil {
		return err
	}
	if err := s.says(ctx, next, "confirm", &s.out.Promoted); err != nil {
		return err
	}
	if n, err := s.owners[next.Text("business_id")].Notices(domain.NoticePlace); err != nil || n != 1 {
		return errors.Join(err, fmt.Errorf("the first of the reserve heard %d times of the place", n))
	}
	s.w.Clock.Set(time.Date(2022, 3, 19, 3, 0, 0, 0, time.UTC))
	if err := s.late(ctx, at(offline)); err != nil {
		return err
	}
	s.tell.Say("%d confirm, one of them at the first sync since before the results; one declines on 18 March, and the first of the reserve is offered the place and takes it.", s.out.Confirmed)
	return nil
}

// says has an owner sync, answer and sync again.
func (s *lagawi) says(ctx context.Context, f merge.Row, op string, count *int) error {
	p, err := s.owner(ctx, f)
	if err != nil {
		return err
	}
	if err := s.answers(p, f, op); err != nil {
		return err
	}
	*count++
	return s.w.Sync(ctx, p)
}

// late lets the phone sync that was away since before the results: it knew of nothing, and
// has its result then.
func (s *lagawi) late(ctx context.Context, f merge.Row) error {
	knew, _, err := s.away.Row(scopeOf(f.Text("business_id")), "application", f.ID)
	if err != nil || knew.Text("state") != domain.ApplicationSubmitted {
		return errors.Join(err, fmt.Errorf("a phone without a network saw %q", knew.Text("state")))
	}
	s.wakes()
	if err := s.says(ctx, f, "confirm", &s.out.Confirmed); err != nil {
		return err
	}
	s.out.Late, err = s.away.Notices(domain.NoticeResults)
	return err
}

// business is one that takes part.
type business struct {
	file   merge.Row
	mentor *Phone
}

// taking lists the businesses that take part.
func (s *lagawi) taking(ctx context.Context) (out []business, err error) {
	files, err := s.files(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		enrolled, err := s.w.Rows(ctx, scopeOf(f.Text("business_id")), "enrolment")
		if err != nil {
			return nil, err
		}
		if len(enrolled) == 1 && enrolled[0].Text("state") == "active" {
			out = append(out, business{file: f})
		}
	}
	slices.SortFunc(out, func(a, b business) int { return strings.Compare(a.file.Text("number"), b.file.Text("number")) })
	for i := range out {
		if n := i / businessesEach; n < len(s.mentors) {
			out[i].mentor = s.mentors[n]
		}
	}
	return out, nil
}

// accompanies gives five businesses to each of six mentors. Who accompanied some of them
// before has gone.
func (s *lagawi) accompanies(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, 3, 20, 1, 0, 0, 0, time.UTC))
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	for _, p := range s.posts {
		if err := s.admin.Send(ctx, http.MethodPatch, "/v1/businesses/"+p.business+"/assignments/"+p.window.ID, p.window.Etag, map[string]any{"to": s.w.Clock.Now()}, nil); err != nil {
			return err
		}
	}
	for n := range mentorsOfLagawi {
		who := s.w.Neighbour(firstMentor + n)
		who.role = "mentor"
		p, err := s.w.Enter(ctx, who, fmt.Sprintf("phone of mentor %d", n+1))
		if err != nil {
			return err
		}
		s.mentors = append(s.mentors, p)
	}
	all, err := s.taking(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		tasks, err := s.w.Rows(ctx, scopeOf(b.file.Text("business_id")), "task")
		if err != nil {
			return err
		}
		s.out.Enrolled, s.out.Tasks = s.out.Enrolled+1, s.out.Tasks+len(tasks)
		if b.mentor == nil {
			return fmt.Errorf("%d businesses take part", len(all))
		}
		if _, err := s.w.Assign(ctx, s.admin, b.file.Text("business_id"), b.mentor.Who); err != nil {
			return err
		}
	}
	return nil
}

// mentorsAway has the mentor of Tanggamus sync once on Wi-Fi and go away for three days
// without a network: all five businesses are there, with their tasks, cases and notes, and
// what is written there arrives behind it.
func (s *lagawi) mentorsAway(ctx context.Context) error {
	all, err := s.taking(ctx)
	if err != nil {
		return err
	}
	there := slices.IndexFunc(all, func(b business) bool { return b.file.Text("region_code") == tanggamus })
	if there < 0 {
		return errors.New("nobody of Tanggamus takes part")
	}
	place, p := all[there].file.Text("business_id"), all[there].mentor
	owner, err := s.owner(ctx, all[there].file)
	if err != nil {
		return err
	}
	if _, err := owner.create(scopeOf(place), "case", fields{"kind": "nib", "subject": fields{"type": "business"}}); err != nil {
		return err
	}
	tablet, err := s.w.Enter(ctx, p.Who, "tablet of mentor")
	if err != nil {
		return err
	}
	if err := s.w.Sync(ctx, owner, tablet); err != nil {
		return err
	}
	desk := domain.ScopeMentoring + "/" + place
	if _, err := tablet.create(desk, "mentor_note", fields{"text": "Jalan rusak setelah hujan"}); err != nil {
		return err
	}
	if err := s.w.Sync(ctx, tablet, p); err != nil { // once
		return err
	}
	p.Sky.Draw = noNetwork
	s.w.Clock.Advance(3 * 24 * time.Hour)
	if p.Sync(ctx) == nil {
		return fmt.Errorf("%s has a network", p.Name)
	}
	if err := s.carries(p); err != nil {
		return err
	}
	if _, err := p.create(desk, "mentor_note", fields{"text": "Label sudah dicetak"}); err != nil {
		return err
	}
	p.Sky.Draw = nil
	if err := s.w.Sync(ctx, p); err != nil {
		return err
	}
	notes, err := s.w.Rows(ctx, desk, "mentor_note")
	if err != nil || len(notes) != 2 {
		return errors.Join(err, fmt.Errorf("%d notes arrived", len(notes)))
	}
	s.tell.Say("%d businesses take part with %d tasks. The phone of the mentor in Tanggamus, the third day without a network, holds %d businesses, %d tasks, a case and a note.", s.out.Enrolled, s.out.Tasks,
		s.out.MentorBusinesses, s.out.MentorTasks)
	return nil
}

// carries counts what a mentor's phone holds.
func (s *lagawi) carries(p *Phone) error {
	scopes, err := p.Scopes()
	if err != nil {
		return err
	}
	for scope := range scopes {
		if strings.HasPrefix(scope, scopeOf("")) {
			s.out.MentorBusinesses++
		}
		for collection, n := range map[string]*int{"task": &s.out.MentorTasks, "case": &s.out.MentorCases, "mentor_note": &s.out.MentorNotes} {
			rows, err := p.Rows(scope, collection)
			if err != nil {
				return err
			}
			*n += len(rows)
		}
	}
	return nil
}

// keepsApart counts what is on the phone of an owner, and what it gets of another business
// when it asks: by its id, by the ids of what is there, and by writing into it.
func (s *lagawi) keepsApart(ctx context.Context) error {
	all, err := s.taking(ctx)
	if err != nil {
		return err
	}
	own, foreign := all[0].file.Text("business_id"), all[1].file.Text("business_id")
	p, err := s.owner(ctx, all[0].file)
	if err != nil {
		return err
	}
	rows, err := s.w.Rows(ctx, scopeOf(foreign), "task")
	if err != nil || len(rows) == 0 {
		return errors.Join(err, fmt.Errorf("%d tasks of another business", len(rows)))
	}
	at := "/v1/businesses/" + foreign
	for _, path := range []string{at, at + "/members", at + "/assignments", at + "/totals", at + "/health", at + "/notes", at + "/records/task/" + rows[0].ID,
		at + "/records/application/" + all[1].file.ID, "/v1/businesses/" + own + "/records/task/" + rows[0].ID} {
		if refusedAs(p.Send(ctx, http.MethodGet, path, "", nil, nil), "not_found", "forbidden") != nil {
			s.out.Foreign++
		}
	}
	before, err := s.w.App.Store.Head(ctx, scopeOf(foreign))
	if err != nil {
		return err
	}
	mine, err := p.create(scopeOf(foreign), "product", fields{"name": "Keripik", "unit": "pack", "price_idr": 15_000})
	if err != nil {
		return err
	}
	if err := s.w.Sync(ctx, p); err != nil {
		return err
	}
	refused, err := p.Refused()
	if err != nil || !slices.ContainsFunc(refused, func(r replica.Refused) bool { return r.ID == mine }) {
		return errors.Join(err, fmt.Errorf("an owner wrote into another business: %+v", refused))
	}
	after, err := s.w.App.Store.Head(ctx, scopeOf(foreign))
	if err != nil {
		return err
	}
	if after.Applied != before.Applied {
		s.out.Foreign++
	}
	scopes, err := p.Scopes()
	if err != nil {
		return err
	}
	for scope := range scopes {
		if strings.HasPrefix(scope, scopeOf("")) && scope != scopeOf(own) || strings.HasPrefix(scope, domain.ScopeMentoring) {
			s.out.Foreign++
		}
	}
	tasks, err := p.Rows(scopeOf(own), "task")
	s.out.OwnerTasks = len(tasks)
	s.tell.Say("An owner's phone holds %d tasks, and %d records of anybody else, however it asks.", s.out.OwnerTasks, s.out.Foreign)
	return err
}
