package programme

import (
	"context"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Programme gives one programme: to admins as it was set up, to others what is public
// of it.
//
// Errors: NotFound "not_found", also for a draft of somebody else's.
func (s *Service) Programme(ctx context.Context, who Caller, programme string) (Edition, error) {
	is, err := s.authority(ctx, who)
	if err != nil {
		return Edition{}, err
	}
	if is.admin {
		if err := who.acts(ctx, auth.RoleAdmin); err != nil {
			return Edition{}, err
		}
		return s.setup(ctx, programme)
	}
	e, err := s.edition(ctx, domain.ScopeProgrammes, "programme", programme)
	if is.unproved && fault.KindOf(err) == fault.NotFound && err != nil {
		return e, s.mustBeAdmin(ctx, who) // it may be a draft
	}
	return e, err
}

// Programmes gives a page of what is public of every programme that has been opened, ordered by
// code; of those in a status, if one is named. Drafts are for admins, as they are set up: to
// anybody else there are none.
//
// Errors: Forbidden, of who asks for drafts and is an admin who has not proved it.
func (s *Service) Programmes(ctx context.Context, who Caller, status string, page Page) ([]Edition, *Place, error) {
	list := pager[Edition]{Page: page, of: func(e Edition) Place { return Place{e.Text("code"), e.ID} }}
	var err error
	if status == domain.ProgrammeDraft {
		err = s.drafts(ctx, who, func(e Edition) { list.add(e) })
	} else {
		err = s.public(ctx, "programme", list.clear, func(r merge.Row, v Version) {
			if status == "" || r.Text("status") == status {
				list.add(Edition{r, v})
			}
		})
	}
	out, next := list.page()
	return out, next, err
}

// drafts calls look with every programme that was not opened yet, if an admin asks.
func (s *Service) drafts(ctx context.Context, who Caller, look func(Edition)) error {
	switch is, err := s.authority(ctx, who); {
	case err != nil:
		return err
	case is.unproved:
		return s.mustBeAdmin(ctx, who)
	case !is.admin:
		return nil
	}
	if err := who.acts(ctx, auth.RoleAdmin); err != nil {
		return err
	}
	return s.everyDecision(ctx, func(programme string) error {
		e, err := s.setup(ctx, programme)
		if fault.KindOf(err) == fault.NotFound && err != nil {
			return nil
		}
		if err == nil && e.Text("status") == domain.ProgrammeDraft {
			look(e)
		}
		return err
	})
}

// public calls look with every record of a collection that everybody may read, and begin
// before the first.
func (s *Service) public(ctx context.Context, collection string, begin func(), look func(merge.Row, Version)) error {
	head, err := s.Engine.Store.Head(ctx, domain.ScopeProgrammes)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("head of programmes: %w", err)
	}
	return s.walk(ctx, head, begin, func(r *store.Record) error {
		if r.Collection != collection {
			return nil
		}
		row, err := rowOf(r)
		if err == nil {
			look(row, Version{head.Generation.Count, row.Version})
		}
		return err
	})
}
