package programme

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// zoneOf is by whose clocks somebody lives, for an item: those of the business that it is
// about, if they are an owner or staff there; of a mentor those of the first region that
// their profile names; else those of the business that it is about, if they accompany it, or of
// the first that they belong to, as owner or staff before as mentor. Windows that hold count, and
// those that are still to begin only for who has no other. Somebody of no business lives by
// the one that it is about, and in WIB if it is about none.
func (s *Service) zoneOf(ctx context.Context, u store.User, item merge.Row) (domain.Zone, error) {
	about, err := s.livesIn(ctx, item.Text("scope"))
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(about.Access, func(g merge.Grant) bool { return g.User == u.ID && g.Role != merge.Mentor && g.Holds(s.now()) }) {
		return s.zoneIn(ctx, about.Scope) // as of most, without a look at all that they belong to
	}
	if zone, ok, err := s.ownZone(ctx, u); err != nil || ok {
		return zone, err
	}
	heads, err := s.Engine.Store.HeadsFor(ctx, u.ID, nil)
	if err != nil {
		return "", fmt.Errorf("heads of a person: %w", err)
	}
	homes := homesOf(heads, u.ID, s.now())
	switch {
	case len(homes) > 0 && !slices.Contains(homes, about.Scope):
		return s.zoneIn(ctx, homes[0])
	case about.Scope != "":
		return s.zoneIn(ctx, about.Scope)
	}
	return domain.WIB, nil
}

// livesIn is the head of where the business of a scope lives now; a zero one for another
// scope, or one that is not there.
func (s *Service) livesIn(ctx context.Context, scope string) (store.Head, error) {
	if !strings.HasPrefix(scope, scopeOf("")) {
		return store.Head{}, nil
	}
	heads, err := s.homes(ctx, scope)
	if err != nil || len(heads) == 0 {
		return store.Head{}, err
	}
	return heads[0], nil
}

// ownZone is that of the region in which a mentor works; ok is false of who is none, or whose
// profile names no region.
func (s *Service) ownZone(ctx context.Context, u store.User) (zone domain.Zone, ok bool, err error) {
	if !slices.Contains(u.Roles, auth.RoleMentor) {
		return "", false, nil
	}
	rows, err := s.rows(ctx, merge.UserScope(u.ID), merge.Key{Collection: "mentor_profile", ID: u.ID})
	if err != nil {
		return "", false, err
	}
	for _, r := range first(rows).Strings("regions") {
		if zone, err := domain.Region(r).Zone(); err == nil {
			return zone, true, nil
		}
	}
	return "", false, nil
}

// homesOf reads from the heads that name a person to which businesses they belong now, or
// will if there is none yet: as owner or staff before as mentor, in the order of ids.
func homesOf(heads []store.Head, user string, now merge.Millis) (out []string) {
	for _, counts := range []func(merge.Grant) bool{
		func(g merge.Grant) bool { return g.Holds(now) },
		func(g merge.Grant) bool { return g.From > now && (g.To == 0 || g.To > g.From) },
	} {
		for _, mentor := range []bool{false, true} {
			var in []string
			for _, h := range heads {
				if strings.HasPrefix(h.Scope, scopeOf("")) && h.MovedTo == "" &&
					slices.ContainsFunc(h.Access, func(g merge.Grant) bool { return g.User == user && (g.Role == merge.Mentor) == mentor && counts(g) }) {
					in = append(in, h.Scope)
				}
			}
			out = append(out, slices.Sorted(slices.Values(in))...)
		}
		if len(out) > 0 {
			break
		}
	}
	return out
}
