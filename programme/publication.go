package programme

import (
	"context"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Feedback is what owners are told beside a result, by result: selected, reserve,
// not_selected, eliminated. One that is absent is told without words.
type Feedback map[string]string

// Published is the publication of a programme.
type Published struct {
	merge.Row
	Version Version
}

// Publication gives the publication of a programme to an admin.
//
// Errors: Forbidden, NotFound.
func (s *Service) Publication(ctx context.Context, who Caller, programme string) (Published, error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return Published{}, err
	}
	return s.published(ctx, programme)
}

func (s *Service) published(ctx context.Context, programme string) (Published, error) {
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if err != nil {
		return Published{}, err
	}
	rows, err := s.rows(ctx, head.Scope, publicationKey(programme))
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Published{}, err
	}
	return Published{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}

// PreparePublication says when the results of a programme are told, and with which words.
// Another admin has to approve it. Before that it may be prepared anew.
//
// Errors: Forbidden, NotFound; Invalid (publish_at in the past, feedback); Conflict
// "stage_not_ready" before the last stage is decided, "publication_approved".
func (s *Service) PreparePublication(ctx context.Context, who Caller, programme string, at time.Time, words Feedback) (Published, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Published{}, err
	}
	b, _, err := s.rulings(ctx, programme, func(p domain.Programme) []int { return []int{len(p.Stages)} })
	if err != nil {
		return Published{}, err
	}
	switch {
	case b.rulings[len(b.Stages)].Text("state") != "decided":
		return Published{}, conflict("stage_not_ready", "the last stage is not decided")
	case b.told.Version > 0 && b.told.Text("state") != "prepared" && b.told.Text("state") != publicationWithdrawn:
		return Published{}, conflict("publication_approved", "approved already")
	case at.Before(s.Clock.Now()):
		return Published{}, invalid("publish_at", "in the past")
	}
	if err := s.sayable(words); err != nil {
		return Published{}, err
	}
	set := map[string]merge.Value{"publish_at": merge.Millis(at.UnixMilli()).Value(), "prepared_by": merge.Str(who.User), "approved_by": null(), "state": merge.Str("prepared"),
		"withdrawn_by": null(), "reason": null(), "advised": null(), "advised_by": null(), "unsaid": null(), "feedback": merge.Encode(words)}
	if err := s.check("publication", set); err != nil {
		return Published{}, err
	}
	return s.publication(ctx, who, b, set)
}

// sayable holds words against what an owner can be told: what does not fit would be found
// out at the instant, when nobody can mend it any more.
//
// Errors: Invalid "invalid_value" (feedback).
func (s *Service) sayable(words Feedback) error {
	for kind, text := range words {
		if !domain.FileDecided(kind) {
			return invalid("feedback", "no result of that name")
		}
		if s.check("application_event", map[string]merge.Value{"feedback": optional(text)}) != nil {
			return invalid("feedback."+kind, "words that no owner can be told")
		}
	}
	return nil
}

// ApprovePublication has the results told at the instant that another admin said.
//
// Errors: Forbidden "forbidden", "same_person"; NotFound; Conflict "stage_not_ready" if
// nothing is prepared, "publication_approved", "publication_late" if the instant is over,
// "approval_closed" if who prepared it is no admin any more: then it is prepared anew.
func (s *Service) ApprovePublication(ctx context.Context, who Caller, programme string, seen Version) (Published, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Published{}, err
	}
	b, e, err := s.rulings(ctx, programme, func(domain.Programme) []int { return nil })
	switch {
	case err != nil:
		return Published{}, err
	case b.told.Version == 0, b.told.Text("state") == publicationWithdrawn:
		return Published{}, conflict("stage_not_ready", "nobody has prepared it")
	case b.told.Text("state") != "prepared":
		return Published{}, conflict("publication_approved", "approved already")
	case b.told.Version != seen.Seq, e.Version.Generation != seen.Generation:
		return Published{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "prepared anew since"}
	case b.told.Text("prepared_by") == who.User, slices.Contains(b.told.Strings("advised_by"), who.User):
		return Published{}, &fault.Error{Kind: fault.Forbidden, Code: "same_person", Text: "prepared by the same person, or in their words"}
	case instant(b.told, "publish_at").Before(s.Clock.Now()):
		return Published{}, conflict("publication_late", "its instant is over")
	}
	if err := s.stillAdmin(ctx, b.told.Text("prepared_by")); err != nil {
		return Published{}, err
	}
	return s.publication(ctx, who, b, map[string]merge.Value{"approved_by": merge.Str(who.User), "state": merge.Str("approved")})
}

func publicationKey(programme string) merge.Key {
	return merge.Key{Collection: "publication", ID: id.Derive("publication", programme)}
}

func (s *Service) publication(ctx context.Context, who Caller, b *board, set map[string]merge.Value) (Published, error) {
	k := publicationKey(b.ID)
	if _, err := s.Engine.Write(ctx, b.scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Create: b.told.Version == 0, Strict: &b.told.Version, Set: set}); err != nil {
		return Published{}, err
	}
	return s.published(ctx, b.ID)
}
