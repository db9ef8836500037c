package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Ringing keeps the promise of notify.Inbox.
func (s *Service) Ringing(ctx context.Context, user string, items []string) (notify.Recipient, []merge.Row, error) {
	keys := []merge.Key{{Collection: "preference", ID: domain.PreferenceID(user)}}
	for _, i := range items {
		keys = append(keys, merge.Key{Collection: "inbox", ID: i})
	}
	u, err := s.People.User(ctx, user)
	if err != nil || u.Status != store.UserActive {
		return notify.Recipient{}, nil, unlessAbsent(err)
	}
	rows, err := s.rows(ctx, merge.UserScope(user), keys...)
	if err != nil {
		return notify.Recipient{}, nil, err
	}
	var r notify.Recipient
	var out []merge.Row
	for _, row := range rows {
		if row.Collection == "preference" {
			r.Preference = row
			continue
		}
		row, holds, err := s.asItStands(ctx, row)
		if err == nil && holds {
			holds, err = s.stillRings(ctx, u, row)
		}
		if err != nil {
			return r, nil, err
		}
		if holds {
			out = append(out, row)
		}
	}
	if len(out) > 0 {
		r.Zone, err = s.zoneOf(ctx, u, out[0])
	}
	return r, out, err
}

// asItStands is an item as its announcement stands now, and whether that one is still out; an item
// of anything else as it is. It costs one read by key each time, and no answer is kept: nothing
// leaves behind a retraction but attempts that are under way.
func (s *Service) asItStands(ctx context.Context, item merge.Row) (_ merge.Row, out bool, err error) {
	announcement := domain.ItemAnnouncement(item)
	if announcement == "" {
		return item, true, nil
	}
	rows, err := s.rows(ctx, domain.GeneralQueue, merge.Key{Collection: "announcement", ID: announcement})
	if err != nil {
		return item, false, err
	}
	item, out = domain.AsItStands(item, first(rows), s.Clock.Now())
	return item, out, nil
}

// stillRings reports whether an item should still be heard of: it is unread, its person is
// who it was written to, and what it says is still so.
func (s *Service) stillRings(ctx context.Context, u store.User, item merge.Row) (bool, error) {
	if !domain.Unheard(item, s.Clock.Now()) {
		return false, nil
	}
	switch kind := item.Text("type"); {
	case kind == domain.NoticeAcknowledge:
		return s.stillAsks(ctx, u.ID, domain.NoticeObject(item).ID)
	case kind == domain.NoticeAnnouncement:
		return s.unanswered(ctx, u.ID, domain.ItemAnnouncement(item), item)
	case kind == domain.NoticeSilentPhone:
		all, err := s.heard(ctx, u.ID)
		return slices.ContainsFunc(all, func(h domain.Heard) bool { return domain.StillSilent(item, h) }), err
	case kind == domain.NoticeCaseloadWeek:
		heads, err := s.Engine.Store.HeadsFor(ctx, u.ID, nil)
		return len(accompaniedIn(heads, u.ID, s.now())) > 0, err
	case domain.Reminds(kind) && strings.HasPrefix(item.Text("scope"), scopeOf("")):
		return s.stillReminds(ctx, u.ID, item)
	}
	return s.stillStands(ctx, u, item)
}

// stillStands asks what the table of notices says: of a business, where it lives now, and of
// what only those who decide see.
func (s *Service) stillStands(ctx context.Context, u store.User, item merge.Row) (bool, error) {
	t, known := domain.NoticeTypeOf(item.Text("type"))
	scope := item.Text("scope")
	ours := strings.HasPrefix(scope, scopeOf(""))
	if !known || !t.AsksSender() || !ours && !strings.HasPrefix(scope, domain.ScopeDecision+"/") {
		return true, nil
	}
	heads, err := s.homes(ctx, scope)
	if err != nil || len(heads) == 0 {
		return false, err
	}
	p := &past{look: s.look(), ctx: ctx, scope: heads[0].Scope}
	st := domain.Standing{Item: item, User: u.ID, Access: accessIn(heads), Now: s.now()}
	if slices.Contains(u.Roles, auth.RoleAdmin) {
		st.Access = append(st.Access, merge.Grant{User: u.ID, Role: merge.Admin})
	}
	about := domain.NoticeObject(item)
	st.Operations = func(collection string) []merge.Row { return p.Operations(collection, about.ID) }
	if about.ID == "" {
		return s.oneStands(ctx, heads[0], t, st)
	}
	for _, h := range heads { // while a business is merged, what it had may still be on its way
		if h.Scope != p.scope && st.Object.ID != "" {
			break
		}
		rows, err := s.rows(ctx, h.Scope, about)
		if err != nil {
			return false, err
		}
		st.Object = first(rows)
	}
	return t.StillSo(st) && p.err == nil, p.err
}

// oneStands reports whether what an item says of several objects, which it does not name, is
// so of one that may be among them.
func (s *Service) oneStands(ctx context.Context, head store.Head, t domain.NoticeType, st domain.Standing) (found bool, err error) {
	err = s.walk(ctx, head, func() { found = false }, func(r *store.Record) error {
		if found || r.Collection != t.About || r.Deleted {
			return nil
		}
		st.Object, err = rowOf(r)
		found = err == nil && t.StillSo(st)
		return err
	})
	return found, err
}

// homes are the heads of a scope and of those that it was merged into, where it lives now
// first; none of one that is not there.
func (s *Service) homes(ctx context.Context, scope string) (out []store.Head, err error) {
	for scope != "" {
		head, err := s.Engine.Store.Head(ctx, scope)
		if errors.Is(err, store.ErrAbsent) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("head of %s: %w", scope, err)
		}
		out, scope = append([]store.Head{head}, out...), head.MovedTo
	}
	return out, nil
}

// accessIn are the windows of a business, and those that are on their way there from what was
// merged into it.
func accessIn(heads []store.Head) (out []merge.Grant) {
	for _, h := range heads {
		for _, g := range h.Access {
			if !slices.ContainsFunc(out, func(o merge.Grant) bool { return o.ID == g.ID }) {
				out = append(out, g)
			}
		}
	}
	return out
}

// stillReminds works out anew whether the calendar of a business would give an item, as it
// did when the item was written.
func (s *Service) stillReminds(ctx context.Context, user string, item merge.Row) (bool, error) {
	head, err := s.Engine.Store.Head(ctx, item.Text("scope"))
	if errors.Is(err, store.ErrAbsent) || err == nil && head.MovedTo != "" {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("head of business: %w", err)
	}
	zone, err := s.zoneIn(ctx, head.Scope)
	if err != nil {
		return false, err
	}
	l := s.look()
	since := l.now
	if at := instant(item, "received_at"); !at.IsZero() && at.Before(since) {
		since = at
	}
	letters, err := l.letters(ctx, head, zone, since.Add(-domain.ReminderLife), item.Text("type"))
	return slices.ContainsFunc(letters, func(l domain.Letter) bool { return l.ID == item.ID && l.User == user }), err
}

// stillAsks reports whether somebody has neither read nor confirmed an announcement that
// still stands, by their own inbox and what their phones noted.
func (s *Service) stillAsks(ctx context.Context, user, announcement string) (bool, error) {
	rows, err := s.rows(ctx, merge.UserScope(user), merge.Key{Collection: "inbox", ID: domain.AnnouncementItemID(announcement, user)})
	if err != nil || len(rows) == 0 || string(rows[0].Fields["retracted"]) == "true" {
		return false, err
	}
	return s.unanswered(ctx, user, announcement, rows[0])
}

// unanswered reports whether somebody has neither read nor confirmed an announcement, by its
// item in their inbox and what their phones noted.
func (s *Service) unanswered(ctx context.Context, user, announcement string, item merge.Row) (bool, error) {
	receipts, err := s.tagged(ctx, merge.UserScope(user), domain.ReceiptTag(announcement))
	return !domain.Answered(item, receipts), err
}

// MustBeAdmin is the fence of what only admins do, for parts of the program that are not of
// this package.
//
// Errors: Forbidden "forbidden", "second_factor_required"; those of the caller's witness.
func (s *Service) MustBeAdmin(ctx context.Context, who Caller) error { return s.mustBeAdmin(ctx, who) }

// Rings is what has phones rung; notify.Service does.
type Rings interface {
	Ring(ctx context.Context, user, item string) error
}

// ringFor has phones rung for an item of somebody's inbox.
func (s *Service) ringFor(ctx context.Context, eff merge.Effect) error {
	user, ok := strings.CutPrefix(eff.Scope, merge.UserScope(""))
	if s.Bell == nil || !ok {
		return nil
	}
	return s.Bell.Ring(ctx, user, eff.ID)
}

// unlessAbsent is an error, unless it says that somebody is not there.
func unlessAbsent(err error) error {
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}
