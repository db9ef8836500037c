package programme

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Mentor is a mentor as the programme knows them.
type Mentor struct {
	User       string
	Name       string    // empty if nobody has said it yet
	Profile    merge.Row // without fields while no admin wrote one
	Businesses int       // that they accompany now, or from a later day on
	Version    Version   // of the profile; of sequence 0 while there is none
}

// Capacity is how many businesses the mentor accompanies at the most.
func (m Mentor) Capacity() int { return domain.MentorCapacity(m.Profile) }

// MentorFilter picks mentors; an empty field picks all.
type MentorFilter struct {
	Track  string // that they are sent for
	Region string // province or regency that their profile names, or one around or inside it
	Free   bool   // they can take one more
}

func (f MentorFilter) picks(m Mentor) bool {
	regions := m.Profile.Strings("regions")
	return (f.Track == "" || domain.MentorTeaches(m.Profile, f.Track)) && (!f.Free || m.Businesses < m.Capacity()) &&
		(f.Region == "" || slices.ContainsFunc(regions, func(r string) bool {
			return domain.Region(r).Within(domain.Region(f.Region)) || domain.Region(f.Region).Within(domain.Region(r))
		}))
}

// isOf reports whether a profile names one of the provinces, or a region in one.
func isOf(profile merge.Row, provinces []string) bool {
	return slices.ContainsFunc(profile.Strings("regions"), func(r string) bool {
		return slices.Contains(provinces, string(domain.Region(r).Province()))
	})
}

// Mentors gives up to limit mentors behind a user id, by id, and whether there are more.
// Admins see all, regional admins those whose profiles name a region of theirs.
//
// Errors: Forbidden; Invalid "invalid_value", "region_…" of the filter.
func (s *Service) Mentors(ctx context.Context, who Caller, f MentorFilter, after string, limit int) (page []Mentor, more bool, err error) {
	provinces, err := s.mustLookAfter(ctx, who)
	if err != nil {
		return nil, false, err
	}
	if f.Region != "" {
		if _, err := domain.ParseRegion(f.Region); err != nil {
			return nil, false, err
		}
	}
	if err := s.check("assignment", map[string]merge.Value{"track": optional(f.Track)}); err != nil {
		return nil, false, err
	}
	for {
		users, next, err := s.People.Users(ctx, auth.UserFilter{Role: auth.RoleMentor, Status: store.UserActive}, after, limit)
		if err != nil {
			return nil, false, err
		}
		for _, u := range users {
			m, err := s.mentor(ctx, u.ID)
			if err != nil {
				return nil, false, err
			}
			if provinces != nil && !isOf(m.Profile, provinces) || !f.picks(m) {
				continue
			}
			if len(page) == limit {
				return page, true, nil
			}
			page = append(page, m)
		}
		if next == "" {
			return page, false, nil
		}
		after = next
	}
}

// MentorProfile gives a mentor to themselves, to admins, and to regional admins of a region
// that the profile names.
//
// Errors: NotFound for who is no mentor, also to a regional admin of no region of theirs;
// Forbidden.
func (s *Service) MentorProfile(ctx context.Context, who Caller, mentor string) (Mentor, error) {
	var provinces []string
	var err error
	if who.User == mentor {
		err = who.acts(ctx, auth.RoleMentor)
	} else {
		provinces, err = s.mustLookAfter(ctx, who)
	}
	if err != nil {
		return Mentor{}, err
	}
	if err := s.mustBeMentor(ctx, mentor, ""); err != nil {
		return Mentor{}, unknownMentor(err)
	}
	m, err := s.mentor(ctx, mentor)
	if err == nil && provinces != nil && !isOf(m.Profile, provinces) {
		err = notFound()
	}
	return m, err
}

// unknownMentor says of somebody who is named by an address that they are no mentor.
func unknownMentor(err error) error {
	if fault.KindOf(err) == fault.Invalid {
		return notFound()
	}
	return err
}

// ChangeMentor writes the profile of a mentor, whole: a field that is not among fields is
// emptied. The caller saw it at version v; of sequence 0 if there was none. Only admins do.
//
// Errors: Forbidden; NotFound for who is no mentor; Stale "stale_version"; Invalid with every
// mistake.
func (s *Service) ChangeMentor(ctx context.Context, who Caller, mentor string, v Version, fields map[string]merge.Value) (Mentor, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Mentor{}, err
	}
	if err := s.mustBeMentor(ctx, mentor, ""); err != nil {
		return Mentor{}, unknownMentor(err)
	}
	set := maps.Clone(fields)
	if set == nil {
		set = map[string]merge.Value{}
	}
	if err := s.fits("mentor_profile", set, domain.MentorProfileFields()); err != nil {
		return Mentor{}, err
	}
	for _, name := range domain.MentorProfileFields() {
		if set[name] == nil {
			set[name] = null()
		}
	}
	set["user_id"] = merge.Str(mentor)
	old, err := s.mentor(ctx, mentor)
	if err == nil && v != old.Version {
		err = &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "it has changed since it was read"}
	}
	if err != nil {
		return Mentor{}, err
	}
	same := func(view merge.View, _ []merge.Grant) *merge.Reject {
		if r, _ := view.Row("mentor_profile", mentor); r.Version != v.Seq {
			return &merge.Reject{Code: "stale_version"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, merge.UserScope(mentor), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "mentor_profile", ID: mentor,
		Op: merge.Put, Create: v.Seq == 0, Must: same, Set: set}); err != nil {
		return Mentor{}, err
	}
	return s.mentor(ctx, mentor)
}

// mentor reads what is known of a mentor.
func (s *Service) mentor(ctx context.Context, mentor string) (m Mentor, err error) {
	m = Mentor{User: mentor, Profile: merge.Row{Fields: map[string]merge.Value{}}}
	heads, err := s.Engine.Store.HeadsFor(ctx, mentor, nil)
	if err != nil {
		return m, err
	}
	m.Businesses = len(takenIn(heads, mentor, s.latest(heads)))
	head, err := s.Engine.Store.Head(ctx, merge.UserScope(mentor))
	if errors.Is(err, store.ErrAbsent) {
		return m, nil // nobody has logged in there, nor written anything
	}
	if err != nil {
		return m, fmt.Errorf("head of a mentor: %w", err)
	}
	m.Version.Generation = head.Generation.Count
	rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "user", ID: mentor}, merge.Key{Collection: "mentor_profile", ID: mentor})
	for _, r := range rows {
		if r.Collection == "user" {
			m.Name = r.Text("full_name")
			continue
		}
		m.Profile, m.Version.Seq = r, r.Version
	}
	return m, err
}

// latest is the instant of now, or of a commit that was made just now.
func (s *Service) latest(heads []store.Head) merge.Millis {
	at := s.now()
	for _, h := range heads {
		at = max(at, h.Time) // a window that was opened just now is open
	}
	return at
}

// takenIn reads from the heads that name a mentor which businesses they accompany at an
// instant, or from a later one on.
func takenIn(heads []store.Head, mentor string, at merge.Millis) []string {
	return businessesIn(heads, mentor, lasts(mentor, at))
}

// taking is that a mentor is to take businesses in.
type taking struct {
	who      string
	field    string // of the request, that named them
	at       merge.Millis
	track    string
	anyTrack bool // it is asked later
	beyond   bool
	reason   string
}

// takeIn asks whether a mentor can take these businesses in beside those that they have, and
// holds everybody else up who would give them one until leave is called: what was counted is
// so until then, as far as this process gives.
//
// Errors: Invalid "required" (reason), "invalid_value" for a track that is none of theirs;
// Conflict "mentor_full".
func (s *Service) takeIn(ctx context.Context, t taking, businesses ...string) (leave func(), err error) {
	if t.beyond && strings.TrimSpace(t.reason) == "" {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "reason", Text: "say why they take one more"}
	}
	if leave, err = s.giving.take(ctx); err != nil {
		return nil, err
	}
	if err = s.mayTake(ctx, t, businesses); err != nil {
		leave()
		return nil, err
	}
	return leave, nil
}

func (s *Service) mayTake(ctx context.Context, t taking, businesses []string) error {
	rows, err := s.rows(ctx, merge.UserScope(t.who), merge.Key{Collection: "mentor_profile", ID: t.who})
	if err != nil {
		return err
	}
	profile := first(rows)
	if !t.anyTrack && !domain.MentorTeaches(profile, t.track) {
		field := t.field
		if field == "mentor_id" {
			field = "track"
		}
		return invalid(field, "the mentor is not sent for this track")
	}
	if t.beyond {
		return nil
	}
	heads, err := s.Engine.Store.HeadsFor(ctx, t.who, nil)
	if err != nil {
		return err
	}
	has := takenIn(heads, t.who, t.at)
	more := slices.DeleteFunc(slices.Clone(businesses), func(b string) bool { return slices.Contains(has, b) })
	if len(more) > 0 && len(has)+len(more) > domain.MentorCapacity(profile) {
		return &fault.Error{Kind: fault.Conflict, Code: "mentor_full", Field: t.field, Text: "the mentor has as many businesses as they can",
			Info: map[string]any{"capacity": domain.MentorCapacity(profile), "businesses": len(has)}}
	}
	return nil
}

// turn is taken by one at a time. The zero value is ready.
type turn struct {
	once sync.Once
	free chan struct{}
}

// take waits for the turn, as long as ctx lasts.
func (t *turn) take(ctx context.Context) (leave func(), err error) {
	t.once.Do(func() { t.free = make(chan struct{}, 1) })
	select {
	case t.free <- struct{}{}:
		return func() { <-t.free }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
