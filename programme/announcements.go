package programme

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Announcement is one announcement as admins see it.
type Announcement struct {
	merge.Row
	Version  Version
	Warnings []string // codes of what its author should know; nothing is refused for them
}

// Preview is whom an announcement would reach now.
type Preview struct {
	People     int // each once
	Roles      map[merge.Role]int
	Businesses int
	Review     bool     // another admin has to approve it
	Warnings   []string // as of Announcement
}

// CreateAnnouncement writes a draft. A repeated request makes the same one. Admins do, and
// regional admins for an audience in their provinces, which they name from the first draft on.
//
// Errors: Forbidden, Forbidden "outside_region"; Invalid with every mistake.
func (s *Service) CreateAnnouncement(ctx context.Context, who Caller, fields map[string]merge.Value) (Announcement, error) {
	by, err := s.newsdesk(ctx, who)
	if err != nil {
		return Announcement{}, err
	}
	set, err := s.fitsAnnouncement(ctx, by, fields, domain.AnnouncementFields())
	if err != nil {
		return Announcement{}, err
	}
	aid := id.Derive("announcement", who.Name)
	if err := fault.Mistakes(domain.CheckAnnouncement(merge.Row{Fields: set}, s.Clock.Now(), false), "announcement"); err != nil {
		return Announcement{}, err
	}
	if err := by.keeps(merge.Row{Fields: set}); err != nil {
		return Announcement{}, err
	}
	set["state"], set["version"] = merge.Str(domain.AnnouncementDraft), merge.Num(1)
	set["author"], set["editors"] = merge.Str(who.User), merge.Encode([]string{who.User})
	_, err = s.Engine.Write(ctx, domain.GeneralQueue, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "announcement", ID: aid, Op: merge.Put,
		Create: true, Set: set})
	if err != nil {
		return Announcement{}, err
	}
	return s.announcement(ctx, aid)
}

// fitsAnnouncement holds fields that an admin writes against the table.
//
// Errors: Invalid "required"; those of fits; "invalid_reference" for a programme that is
// not there.
func (s *Service) fitsAnnouncement(ctx context.Context, by newsdesk, fields map[string]merge.Value, allowed []string) (map[string]merge.Value, error) {
	if len(fields) == 0 {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "fields", Text: "nothing to write"}
	}
	set := maps.Clone(fields)
	if err := s.fits("announcement", set, allowed); err != nil {
		return nil, err
	}
	return set, s.knows(ctx, by, domain.AudienceOf(merge.Row{Fields: set}).Programme)
}

// Announcement gives one announcement to an admin, or to a regional one of whose provinces it
// is; another one is not there for them.
//
// Errors: Forbidden, NotFound.
func (s *Service) Announcement(ctx context.Context, who Caller, announcement string) (Announcement, error) {
	a, _, err := s.atNewsdesk(ctx, who, announcement)
	return a, err
}

func (s *Service) announcement(ctx context.Context, announcement string) (Announcement, error) {
	if !id.Valid(announcement) {
		return Announcement{}, notFound()
	}
	head, err := s.Engine.Store.Head(ctx, domain.GeneralQueue)
	if errors.Is(err, store.ErrAbsent) {
		return Announcement{}, notFound()
	}
	if err != nil {
		return Announcement{}, fmt.Errorf("head of announcements: %w", err)
	}
	rows, err := s.rows(ctx, domain.GeneralQueue, merge.Key{Collection: "announcement", ID: announcement})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Announcement{}, err
	}
	a := Announcement{Row: rows[0], Version: Version{head.Generation.Count, rows[0].Version}}
	a.Warnings, err = s.warnings(ctx, a.Row)
	return a, err
}

// warnings are the codes of what the author of an announcement should know before it is
// sent.
func (s *Service) warnings(ctx context.Context, a merge.Row) ([]string, error) {
	publish := instant(a, "publish_at")
	if state := a.Text("state"); publish.IsZero() || state != domain.AnnouncementDraft && state != domain.AnnouncementInReview && state != domain.AnnouncementScheduled {
		return nil, nil
	}
	audience := domain.AudienceOf(a)
	var fallback []domain.Zone
	if audience.Programme != "" && len(audience.Regions) == 0 {
		e, err := s.setup(ctx, audience.Programme)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, err
		}
		p := domain.ProgrammeOf(e.Row)
		if audience.Regions = p.Regions; p.Zone != "" {
			fallback = append(fallback, p.Zone)
		}
	}
	if domain.InQuietHours(publish, audience.Zones(fallback...)...) {
		return []string{"quiet_hours"}, nil
	}
	return nil, nil
}

// Announcements gives a page of the announcements in these states, newest first; of all
// states if none is named. It reads every announcement in those states, some kilobytes each,
// a few a week, and works out what to know of those on the page alone.
//
// Errors: Forbidden.
func (s *Service) Announcements(ctx context.Context, who Caller, page Page, states ...string) ([]Announcement, *Place, error) {
	by, err := s.newsdesk(ctx, who)
	if err != nil {
		return nil, nil, err
	}
	if len(states) == 0 {
		states = domain.AnnouncementStates()
	}
	out := []Announcement{}
	head, err := s.Engine.Store.Head(ctx, domain.GeneralQueue)
	if errors.Is(err, store.ErrAbsent) {
		return out, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("head of announcements: %w", err)
	}
	var tags []string
	for _, state := range states {
		tags = append(tags, domain.AnnouncementTag(state))
	}
	rows, err := s.tagged(ctx, domain.GeneralQueue, tags...)
	if err != nil {
		return nil, nil, err
	}
	list := pager[merge.Row]{Page: page, newest: true, of: func(r merge.Row) Place { return Place{r.Text("created_at"), r.ID} }}
	for _, r := range rows {
		if by.holds(r) {
			list.add(r)
		}
	}
	rows, next := list.page()
	for _, r := range rows {
		warnings, err := s.warnings(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, Announcement{r, Version{head.Generation.Count, r.Version}, warnings})
	}
	return out, next, nil
}

// PreviewAnnouncement tells whom an announcement would reach now, and what its author
// should know.
//
// Errors: Forbidden, NotFound; Invalid "audience_too_large".
func (s *Service) PreviewAnnouncement(ctx context.Context, who Caller, announcement string) (Preview, error) {
	a, err := s.Announcement(ctx, who, announcement)
	if err != nil {
		return Preview{}, err
	}
	found, err := s.audience(ctx, domain.AudienceOf(a.Row), s.now())
	if err != nil {
		return Preview{}, err
	}
	p := Preview{People: len(found.roles), Businesses: found.businesses, Roles: map[merge.Role]int{}, Warnings: a.Warnings,
		Review: domain.NeedsReview(domain.AudienceOf(a.Row), found.provinces, a.Text("priority"), len(found.roles))}
	for _, roles := range found.roles {
		for _, r := range roles {
			p.Roles[r]++
		}
	}
	return p, nil
}

// ChangeAnnouncement writes fields of an announcement that is not sent yet, as the caller
// saw it at version v. What was in review is a draft again, and so is what was scheduled
// where another admin has to approve it: nothing is sent that nobody has read.
//
// Errors: Forbidden, NotFound; Forbidden "outside_region" for an audience that a regional admin
// may not have; Stale "stale_version"; Invalid with every mistake; Conflict
// "forbidden_transition" once it is sent or cancelled.
func (s *Service) ChangeAnnouncement(ctx context.Context, who Caller, announcement string, v Version, fields map[string]merge.Value) (Announcement, error) {
	return s.operate(ctx, who, announcement, v, domain.AnnounceChange, func(a Announcement, by newsdesk, next string) (map[string]merge.Value, []merge.ServerWrite, error) {
		if a.Text("state") == domain.AnnouncementScheduled && !who.Fresh {
			return nil, nil, StepUpRequired() // what is on its way is as good as sent
		}
		set, err := s.fitsAnnouncement(ctx, by, fields, domain.AnnouncementFields())
		if err != nil {
			return nil, nil, err
		}
		after := merge.Row{Key: a.Key, Fields: maps.Clone(a.Fields)}
		maps.Copy(after.Fields, set)
		ready := next == domain.AnnouncementScheduled
		if err := fault.Mistakes(domain.CheckAnnouncement(after, s.Clock.Now(), ready), "announcement"); err != nil {
			return nil, nil, err
		}
		if err := by.keeps(after); err != nil {
			return nil, nil, err
		}
		if ready {
			review, err := s.needsReview(ctx, after)
			if err != nil {
				return nil, nil, err
			}
			if review {
				set["state"] = merge.Str(domain.AnnouncementDraft)
			}
		}
		set["editors"], set["approver"], set["reason"], set["regional_by"] = editedBy(a.Row, who), null(), null(), by.word(who)
		return set, nil, nil
	})
}

// editedBy lists everybody who wrote in an announcement, the caller last. Of more than fit
// the last ones are kept.
func editedBy(a merge.Row, who Caller) merge.Value {
	editors := slices.DeleteFunc(a.Strings("editors"), func(u string) bool { return u == who.User })
	editors = append(editors, who.User)
	return merge.Encode(editors[max(0, len(editors)-domain.MaxEditors):])
}

// needsReview resolves an audience that must not be empty.
//
// Errors: Invalid "audience_empty", "audience_too_large".
func (s *Service) needsReview(ctx context.Context, a merge.Row) (bool, error) {
	audience := domain.AudienceOf(a)
	found, err := s.audience(ctx, audience, s.now())
	if err == nil && len(found.roles) == 0 {
		err = &fault.Error{Kind: fault.Invalid, Code: "audience_empty", Field: "audience", Text: "nobody would have it"}
	}
	return domain.NeedsReview(audience, found.provinces, a.Text("priority"), len(found.roles)), err
}

// OperateAnnouncement takes an announcement that the caller saw at version v through an
// operation: ask_review, approve, return, schedule, cancel or retract. reason is for the
// last three and for return; it may be empty.
//
// Errors: Forbidden, NotFound; Stale "stale_version"; Invalid "invalid_value" for another
// operation, or with every mistake that stands against sending it; Conflict
// "forbidden_transition", "review_required"; Forbidden "same_person".
func (s *Service) OperateAnnouncement(ctx context.Context, who Caller, announcement string, v Version, op, reason string) (Announcement, error) {
	apart := map[string]func(context.Context, Caller, Announcement) error{
		domain.AnnounceAskReview: s.mayAsk, domain.AnnounceApprove: s.mayApprove, domain.AnnounceSchedule: s.maySchedule,
		domain.AnnounceReturn: nil, domain.AnnounceCancel: nil, domain.AnnounceRetract: nil,
	}
	ask, known := apart[op]
	if !known {
		return Announcement{}, invalid("op", "no operation on an announcement")
	}
	return s.operate(ctx, who, announcement, v, op, func(a Announcement, by newsdesk, _ string) (map[string]merge.Value, []merge.ServerWrite, error) {
		if ask != nil {
			if err := ask(ctx, who, a); err != nil {
				return nil, nil, err
			}
		}
		set := map[string]merge.Value{"reason": optional(reason)}
		switch op {
		case domain.AnnounceApprove:
			set["approver"], set["regional_by"] = merge.Str(who.User), by.word(who)
		case domain.AnnounceSchedule:
			set["regional_by"] = by.word(who)
		case domain.AnnounceCancel, domain.AnnounceRetract:
			set["ended_at"] = s.now().Value()
		}
		if op == domain.AnnounceRetract {
			return set, toAll(a.Row, who, op), nil
		}
		return set, nil, nil
	})
}

// mayBeSent asks for all that sending needs, and tells whether that is a review.
func (s *Service) mayBeSent(ctx context.Context, a Announcement) (review bool, err error) {
	if err := fault.Mistakes(domain.CheckAnnouncement(a.Row, s.Clock.Now(), true), "announcement"); err != nil {
		return false, err
	}
	return s.needsReview(ctx, a.Row)
}

func (s *Service) mayAsk(ctx context.Context, _ Caller, a Announcement) error {
	_, err := s.mayBeSent(ctx, a)
	return err
}

// mayApprove keeps those who wrote it from approving it.
func (s *Service) mayApprove(ctx context.Context, who Caller, a Announcement) error {
	if slices.Contains(a.Strings("editors"), who.User) {
		return &fault.Error{Kind: fault.Forbidden, Code: "same_person", Text: "the approver is another admin"}
	}
	_, err := s.mayBeSent(ctx, a)
	return err
}

// maySchedule asks for a review where there must be one.
func (s *Service) maySchedule(ctx context.Context, _ Caller, a Announcement) error {
	review, err := s.mayBeSent(ctx, a)
	if err == nil && review {
		err = conflict("review_required", "another admin has to approve it")
	}
	return err
}

// AnnouncementVersions gives the words that corrections replaced, oldest first.
//
// Errors: Forbidden, NotFound.
func (s *Service) AnnouncementVersions(ctx context.Context, who Caller, announcement string) ([]merge.Row, error) {
	if _, err := s.Announcement(ctx, who, announcement); err != nil {
		return nil, err
	}
	rows, err := s.tagged(ctx, domain.GeneralQueue, domain.AnnouncementVersionTag(announcement))
	slices.SortFunc(rows, func(a, b merge.Row) int { return int(a.Int("version") - b.Int("version")) })
	return rows, err
}

// operate takes an announcement to the next state with what do writes beside it, in one
// commit, if it is still what the caller saw.
func (s *Service) operate(ctx context.Context, who Caller, announcement string, v Version, op string,
	do func(a Announcement, by newsdesk, next string) (map[string]merge.Value, []merge.ServerWrite, error)) (Announcement, error) {
	a, by, err := s.atNewsdesk(ctx, who, announcement)
	if err != nil {
		return Announcement{}, err
	}
	if v != a.Version {
		return Announcement{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since"}
	}
	next, ok := domain.AnnouncementNext(a.Text("state"), op)
	if !ok {
		return Announcement{}, &fault.Error{Kind: fault.Conflict, Code: "forbidden_transition", Field: "state", Text: "not in this state"}
	}
	set, more, err := do(a, by, next)
	if err != nil {
		return Announcement{}, err
	}
	if set["state"] == nil {
		set["state"] = merge.Str(next)
	}
	if err := s.rewrite(ctx, who, a.Row, set, more...); err != nil {
		return Announcement{}, err
	}
	return s.announcement(ctx, announcement)
}

// rewrite writes into an announcement that is still at the version it was read at, and
// what goes with it, in one commit.
//
// Errors: Stale "stale_version".
func (s *Service) rewrite(ctx context.Context, who Caller, a merge.Row, set map[string]merge.Value, more ...merge.ServerWrite) error {
	unchanged := func(view merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := view.Row("announcement", a.ID); !ok || r.Version != a.Version {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	for name, v := range set {
		if bytes.Equal(a.Fields[name], v) || merge.Null(a.Fields[name]) && merge.Null(v) {
			delete(set, name)
		}
	}
	role := merge.Admin
	if who.User == "" {
		role = merge.System
	}
	writes := append([]merge.ServerWrite{{Name: who.Name, Author: who.User, Role: role, Collection: "announcement", ID: a.ID, Op: merge.Put, Must: unchanged, Set: set}}, more...)
	_, err := s.Engine.Write(ctx, domain.GeneralQueue, writes...)
	return err
}
