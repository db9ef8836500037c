package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// ask begins to remind those who have not read an announcement that wants to be confirmed:
// one commit says that it is done, and has it done page by page.
func (s *Service) ask(ctx context.Context, a merge.Row) error {
	set := map[string]merge.Value{"asked_at": s.now().Value()}
	who := planner(a, domain.JobAsk)
	if by := instant(a, "ack_by"); !by.After(s.Clock.Now()) { // the server was down for so long
		return s.rewrite(ctx, who, a, set)
	}
	var writes []merge.ServerWrite
	for pages := range slices.Chunk(domain.AudiencePages(a), domain.MaxJobSteps) {
		writes = append(writes, telling(who, domain.JobAsk, a.ID, fmt.Sprint(domain.JobAsk, a.Text("ack_by"), len(writes)), pages)...)
	}
	return s.rewrite(ctx, who, a, set, writes...)
}

// askPage does one step of it: those of a page who have neither read nor confirmed the
// announcement, by their own phones, are reminded. It holds a page at a time.
func (s *Service) askPage(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
	a, err := s.announcement(ctx, job.Text("announcement_id"))
	if err != nil {
		return nil, err
	}
	if by := instant(a.Row, "ack_by"); a.Text("state") != domain.AnnouncementSent || !by.After(s.Clock.Now()) {
		return nil, nil
	}
	users, err := s.page(ctx, a.ID, step.Text("page_id"))
	if err != nil {
		return nil, err
	}
	asked := 0
	for _, u := range users {
		asks, err := s.stillAsks(ctx, u, a.ID)
		if err == nil && asks {
			_, err = s.remind(ctx, []domain.Letter{domain.AcknowledgeLetter(a.Row, u)})
			asked++
		}
		switch {
		case passing(err):
			return nil, fmt.Errorf("ask about announcement %s: %w", a.ID, err)
		case err != nil: // for good: the others shall be asked
			s.Engine.Log.ErrorContext(ctx, "reminder of an announcement refused", "announcement", a.ID, "user", u, "code", fault.CodeOf(err))
		}
	}
	return map[string]merge.Value{"rows": merge.Num(asked)}, nil
}

// tellApplication tells owners that a submission was received, or came back.
func (s *Service) tellApplication(ctx context.Context, eff merge.Effect) error {
	app, err := s.appliedFor(ctx, strings.TrimPrefix(eff.Scope, scopeOf("")), eff.ID)
	if err != nil || app.Version == 0 {
		return err
	}
	p := domain.Programme{}
	switch e, err := s.openedTo(ctx, app.Text("programme_id")); {
	case err == nil:
		p = domain.ProgrammeOf(e.Row)
	case fault.KindOf(err) != fault.NotFound:
		return err
	}
	return s.tellOwners(ctx, app, p)
}

// tellOwners puts into inboxes what there is to say of an application, unless it lies there.
func (s *Service) tellOwners(ctx context.Context, app applied, p domain.Programme) error {
	head, err := s.Engine.Store.Head(ctx, app.scope)
	if err != nil {
		return fmt.Errorf("head of business: %w", err)
	}
	var errs []error
	for _, l := range domain.ApplicationLetters(app.scope, app.Row, app.events, p, head.Access, s.Clock.Now()) {
		_, err := s.remind(ctx, []domain.Letter{l})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
