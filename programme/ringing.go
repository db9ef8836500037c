package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	if u, err := s.People.User(ctx, user); err != nil || u.Status != store.UserActive {
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
		holds, err := s.stillRings(ctx, user, row)
		if err != nil {
			return r, nil, err
		}
		if holds {
			out = append(out, row)
		}
	}
	if len(out) > 0 {
		r.Zone, err = s.zoneOf(ctx, user, out[0])
	}
	return r, out, err
}

// stillRings reports whether an item should still be heard of: it is unread, and what it
// says is still so.
func (s *Service) stillRings(ctx context.Context, user string, item merge.Row) (bool, error) {
	if !domain.Unheard(item, s.Clock.Now()) {
		return false, nil
	}
	about, scope, kind := domain.NoticeObject(item), item.Text("scope"), item.Text("type")
	switch {
	case kind == domain.NoticeAcknowledge:
		return s.stillAsks(ctx, user, about.ID)
	case kind == domain.NoticeSilentPhone:
		all, err := s.heard(ctx, user)
		return slices.ContainsFunc(all, func(h domain.Heard) bool { return domain.StillSilent(item, h) }), err
	case kind == domain.NoticeCaseloadWeek:
		heads, err := s.Engine.Store.HeadsFor(ctx, user, nil)
		return len(accompaniedIn(heads, user, s.now())) > 0, err
	case !strings.HasPrefix(scope, scopeOf("")):
		return true, nil
	case domain.Reminds(kind):
		return s.stillReminds(ctx, user, item)
	case about.ID == "":
		return true, nil
	}
	rows, err := s.rows(ctx, scope, about)
	return err == nil && (len(rows) == 0 || domain.StillSo(item, rows[0])), err
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
	l := &look{Service: s, now: s.Clock.Now(), programmes: map[string]domain.Programme{}}
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
	k := merge.Key{Collection: "inbox", ID: domain.AnnouncementItemID(announcement, user)}
	got, err := s.Engine.Store.Load(ctx, merge.UserScope(user), store.Want{Keys: []merge.Key{k}, Tags: []string{domain.ReceiptTag(announcement)}})
	if err != nil {
		return false, fmt.Errorf("load inbox: %w", err)
	}
	var item merge.Row
	var receipts []merge.Row
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		switch {
		case err != nil:
			return false, err
		case row.Deleted:
		case row.Key == k:
			item = row
		default:
			receipts = append(receipts, row)
		}
	}
	return item.ID != "" && string(item.Fields["retracted"]) != "true" && !domain.Answered(item, receipts), nil
}

// zoneOf is by whose clocks somebody lives: those of the business that an item is about,
// or of the first one that they belong to.
func (s *Service) zoneOf(ctx context.Context, user string, item merge.Row) (domain.Zone, error) {
	scopes := []string{item.Text("scope")}
	if !strings.HasPrefix(scopes[0], scopeOf("")) {
		heads, err := s.Engine.Store.HeadsFor(ctx, user, nil)
		if err != nil {
			return "", fmt.Errorf("heads of a person: %w", err)
		}
		scopes = nil
		for _, h := range heads {
			if strings.HasPrefix(h.Scope, scopeOf("")) && h.MovedTo == "" {
				scopes = append(scopes, h.Scope)
			}
		}
		slices.Sort(scopes)
	}
	for _, scope := range scopes {
		rows, err := s.rows(ctx, scope, merge.Key{Collection: "business", ID: strings.TrimPrefix(scope, scopeOf(""))})
		if err != nil || len(rows) > 0 {
			return domain.Zone(first(rows).Text("zone")), err
		}
	}
	return domain.WIB, nil
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
