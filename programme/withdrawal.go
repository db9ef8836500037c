package programme

import (
	"context"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// publicationWithdrawn is the state of a publication that an admin took back in time.
const publicationWithdrawn = "withdrawn"

// WithdrawPublication takes back a publication that the caller saw at a version, before its
// instant. Nobody has heard of anything, and its approval is void: it is prepared and
// approved anew. The commit that begins the telling and this one exclude each other.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid "required" (reason); Conflict
// "publication_begun" from its instant on, "forbidden_transition" if it is withdrawn.
func (s *Service) WithdrawPublication(ctx context.Context, who Caller, programme string, seen Version, reason string) (Published, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Published{}, err
	}
	b, e, err := s.rulings(ctx, programme, func(domain.Programme) []int { return nil })
	switch {
	case err != nil:
		return Published{}, err
	case b.told.Version == 0:
		return Published{}, notFound()
	case strings.TrimSpace(reason) == "":
		return Published{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "reason", Text: "say why"}
	case b.told.Version != seen.Seq, e.Version.Generation != seen.Generation:
		return Published{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since"}
	}
	set := map[string]merge.Value{"state": merge.Str(publicationWithdrawn), "withdrawn_by": merge.Str(who.User), "approved_by": null(), "reason": optional(reason)}
	if err := s.check("publication", set); err != nil {
		return Published{}, err
	}
	k := publicationKey(programme)
	if _, err := s.Engine.Write(ctx, b.scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put, Must: inTime(k, seen.Seq), Set: set}); err != nil {
		return Published{}, err
	}
	return s.published(ctx, programme)
}

// inTime refuses to withdraw what has begun, or is not what somebody saw; asked inside the
// commit.
func inTime(k merge.Key, seen merge.Seq) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, _ []merge.Grant) *merge.Reject {
		r, _ := v.Row(k.Collection, k.ID)
		switch state := r.Text("state"); {
		case state == publicationWithdrawn:
			return &merge.Reject{Code: "forbidden_transition", Field: "state"}
		case state != "prepared" && state != "approved", state == "approved" && !instant(r, "publish_at").After(v.Now().Time()):
			return &merge.Reject{Code: "publication_begun"}
		case r.Version != seen:
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
}

// beginTelling says that the results are told from now on. Whoever was faster, another
// process or an admin who withdraws, has decided.
func (s *Service) beginTelling(ctx context.Context, programme string, told merge.Row) error {
	_, err := s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: "begin." + programme, Role: merge.System, Collection: told.Collection, ID: told.ID, Op: merge.Put, Strict: &told.Version,
		Set: map[string]merge.Value{"state": merge.Str("telling")}})
	if err != nil && fasterOther(err) {
		return nil
	}
	return err
}

// halfBegun reports whether a publication has begun, and nobody has written down yet who is
// told what.
func halfBegun(told merge.Row) bool {
	return told.Text("state") == "telling" && merge.Null(told.Fields["total"])
}
