package play

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Whom the briefing is for, besides the mentors of those businesses.
const (
	foodOwners = 19
	foodStaff  = 3
)

// briefs lets the admin write to those who work with food, ten weeks later. Three of them
// have hired somebody by then.
func (s *lagawi) briefs(ctx context.Context) error {
	s.w.Clock.Set(time.Date(2022, time.May, 28, 9, 0, 0, 0, wib()))
	if err := s.admin.Login(ctx); err != nil {
		return err
	}
	all, err := s.taking(ctx)
	if err != nil {
		return err
	}
	b := &Briefing{World: s.w, Desk: s.admin, Programme: s.id, Outside: []*Phone{s.admin, s.second}}
	var files []merge.Row
	for _, one := range all {
		owner := s.owners[one.file.Text("business_id")]
		if one.file.Text("category") != "food_beverage" {
			b.Outside = append(b.Outside, owner)
			continue
		}
		b.Owners, files = append(b.Owners, owner), append(files, one.file)
		if !slices.Contains(b.Mentors, one.mentor) {
			b.Mentors = append(b.Mentors, one.mentor)
		}
	}
	for _, m := range s.mentors {
		if err := m.Login(ctx); err != nil { // a mentor's session lasts a month
			return err
		}
		if !slices.Contains(b.Mentors, m) {
			b.Outside = append(b.Outside, m)
		}
	}
	hire := func(ctx context.Context, n, neighbour int) (*Phone, error) {
		who := s.w.Neighbour(neighbour)
		if err := s.w.Hire(ctx, b.Owners[n], files[n].Text("business_id"), who); err != nil {
			return nil, err
		}
		return s.w.Enter(ctx, who, "phone of staff of "+files[n].Text("business_name"))
	}
	for n := range foodStaff {
		p, err := hire(ctx, n, firstHelper+n)
		if err != nil {
			return err
		}
		b.Staff = append(b.Staff, p)
	}
	if err := s.renamed(ctx, b.Audience()); err != nil {
		return err
	}
	b.Look = func(ctx context.Context) error { return s.w.Both(ctx, announces) }
	b.Finish = func(ctx context.Context) error { return errors.Join(s.w.Both(ctx, works), s.w.Step(ctx)) }
	b.Join = func(ctx context.Context) (*Phone, error) { return hire(ctx, 0, latecomer) }
	s.out.Briefing, err = b.Play(ctx, s.tell)
	return err
}
