package programme

import (
	"context"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// newsdesk is how far somebody looks after announcements: an admin after all, a regional one
// after those whose audience lies in their provinces. Others are not there for them.
type newsdesk struct{ provinces []string } // nil: everywhere

// newsdesk is the fence of what has to do with announcements.
//
// Errors: as mustLookAfter.
func (s *Service) newsdesk(ctx context.Context, who Caller) (newsdesk, error) {
	provinces, err := s.mustLookAfter(ctx, who)
	return newsdesk{provinces}, err
}

// atNewsdesk gives an announcement to whoever looks after it.
//
// Errors: as mustLookAfter; NotFound for another one.
func (s *Service) atNewsdesk(ctx context.Context, who Caller, announcement string) (Announcement, newsdesk, error) {
	by, err := s.newsdesk(ctx, who)
	if err != nil {
		return Announcement{}, by, err
	}
	a, err := s.announcement(ctx, announcement)
	if err == nil && !by.holds(a.Row) {
		return Announcement{}, by, notFound()
	}
	return a, by, err
}

// everywhere reports whether it is that of an admin.
func (d newsdesk) everywhere() bool { return d.provinces == nil }

// holds reports whether an announcement is one of the desk's.
func (d newsdesk) holds(a merge.Row) bool {
	return d.everywhere() || domain.AudienceOf(a).LiesIn(d.provinces)
}

// keeps refuses an announcement that would leave the desk.
//
// Errors: Forbidden "outside_region".
func (d newsdesk) keeps(a merge.Row) error {
	if d.holds(a) {
		return nil
	}
	return &fault.Error{Kind: fault.Forbidden, Code: "outside_region", Field: "audience.regions", Text: "an audience outside the provinces of a regional admin"}
}

// word is on whose right an announcement goes out that somebody releases: a regional admin's
// lasts as long as they have the provinces.
func (d newsdesk) word(who Caller) merge.Value {
	if d.everywhere() {
		return null()
	}
	return merge.Str(who.User)
}

// knows refuses an audience of a programme that is not there for whoever looks: drafts are
// for admins.
//
// Errors: Invalid "invalid_reference".
func (s *Service) knows(ctx context.Context, by newsdesk, programme string) error {
	const field = "audience.programme_id"
	if by.everywhere() || programme == "" {
		return s.knownProgramme(ctx, field, programme)
	}
	_, err := s.edition(ctx, domain.ScopeProgrammes, "programme", programme)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		err = invalidReference(field, "no such programme")
	}
	return err
}

// outlived reports whether the right has ended on which an announcement would go out now:
// its regional admin is none any more, or not of all provinces of its audience.
func (s *Service) outlived(ctx context.Context, a merge.Row) (bool, error) {
	user := a.Text("regional_by")
	if user == "" {
		return false, nil
	}
	is, err := s.authority(ctx, Caller{User: user, Proved: true}) // the session of then proved it
	if err != nil || is.admin {
		return false, err
	}
	return !domain.AudienceOf(a).LiesIn(is.provinces), nil
}

// Why an announcement is withheld: codes of the message catalogue, as a request would be
// refused now that asked for it to go out.
const (
	withheldRight  = "outside_region"  // the right has ended on which it would go out
	withheldUnread = "review_required" // it is for so many that another admin has to read it, and none has
	withheldLate   = "publish_in_past" // no server looked between its hour and its end
)

// withhold keeps an announcement from whoever would get it now, and has the admins look at
// it, and at why: in the same commit, so once. Nobody is told but them; those who have it
// keep it.
func (s *Service) withhold(ctx context.Context, a merge.Row, what, why string, set map[string]merge.Value) error {
	who, author := planner(a, what), a.Fields["regional_by"]
	if merge.Null(author) {
		author = a.Fields["author"]
	}
	item := merge.ServerWrite{Name: who.Name, Role: merge.System, Collection: "review_item", ID: id.Derive("review_item", a.ID, who.Name), Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"what": merge.Str("announcement_withheld"), "scope": merge.Str(domain.GeneralQueue), "object": merge.Encode(map[string]string{"collection": a.Collection, "id": a.ID}),
			"author": author, "code": merge.Str(why), "at": s.now().Value()}}
	return s.rewrite(ctx, who, a, set, item)
}

// oversees reports whether a proposal is one that a desk may decide: an admin any, a regional
// one the correction of an announcement of theirs.
func (s *Service) oversees(ctx context.Context, by newsdesk, proposals ...merge.Row) (map[string]bool, error) {
	out := map[string]bool{}
	var keys []merge.Key
	for _, p := range proposals {
		if out[p.ID] = by.everywhere(); !by.everywhere() && p.Text("kind") == domain.ApproveCorrection {
			keys = append(keys, merge.Key{Collection: "announcement", ID: p.Text("subject")})
		}
	}
	rows, err := s.rows(ctx, domain.GeneralQueue, keys...)
	for _, a := range rows {
		for _, p := range proposals {
			out[p.ID] = out[p.ID] || p.Text("kind") == domain.ApproveCorrection && p.Text("subject") == a.ID && by.holds(a)
		}
	}
	return out, err
}
