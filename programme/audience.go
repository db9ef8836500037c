package programme

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// reached is who an audience is.
type reached struct {
	roles      map[string][]merge.Role // by user, each role once
	businesses int                     // that they belong to
	provinces  []domain.Region         // of the programme, if it names one
}

// people lists the users, each once, in order.
func (r reached) people() []string {
	out := make([]string, 0, len(r.roles))
	for u := range r.roles {
		out = append(out, u)
	}
	slices.Sort(out)
	return out
}

// audience finds who an audience is by windows that held at an instant and hold now, and
// by what businesses and programmes say now.
//
// What it reads: with businesses named, two reads for each of them; with mentors named,
// the heads of their businesses (the store finds them by person) and a read for each; with
// a programme, the whole of its decision scope, a page of half a megabyte at a time, and
// two reads for each business in it. With none of these it reads the names of all scopes
// and two reads for every business of the country: there is no index by region or
// category, and a look a day does not pay for one.
//
// Errors: Invalid "audience_too_large".
func (s *Service) audience(ctx context.Context, a domain.Audience, at merge.Millis) (reached, error) {
	out := reached{roles: map[string][]merge.Role{}}
	var places map[string]enrolled
	for _, named := range []*[]string{&a.Businesses, &a.Exclude} { // a business that was merged is where it went
		there := slices.Clone(*named)
		for i, b := range there {
			var err error
			if there[i], err = s.movedTo(ctx, b); err != nil {
				return out, err
			}
		}
		*named = there
	}
	if a.Programme != "" {
		var err error
		if places, out.provinces, err = s.enrolment(ctx, a.Programme); err != nil {
			return out, err
		}
	}
	err := s.everyBusiness(ctx, a, places, func(scope string) error {
		took, err := s.audienceIn(ctx, a, scope, at, places[strings.TrimPrefix(scope, scopeOf(""))], out.roles)
		if took {
			out.businesses++
		}
		if err == nil && len(out.roles) > domain.MaxAudience {
			err = &fault.Error{Kind: fault.Invalid, Code: "audience_too_large", Field: "audience", Text: "too many people"}
		}
		return err
	})
	return out, err
}

// everyBusiness calls look with the scope of every business that may belong to an
// audience.
func (s *Service) everyBusiness(ctx context.Context, a domain.Audience, places map[string]enrolled, look func(scope string) error) error {
	var some []string
	switch {
	case len(a.Businesses) > 0:
		for _, b := range a.Businesses {
			some = append(some, scopeOf(b))
		}
	case len(a.Mentors) > 0:
		for _, m := range a.Mentors {
			heads, err := s.Engine.Store.HeadsFor(ctx, m, nil)
			if err != nil {
				return fmt.Errorf("heads of a mentor: %w", err)
			}
			for _, h := range heads {
				some = append(some, h.Scope)
			}
		}
	case a.Programme != "":
		for b := range places {
			some = append(some, scopeOf(b))
		}
	default:
		return s.allBusinesses(ctx, look)
	}
	slices.Sort(some)
	for _, scope := range slices.Compact(some) {
		if !strings.HasPrefix(scope, scopeOf("")) {
			continue
		}
		if err := errors.Join(look(scope), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// allBusinesses calls look with the scope of every business.
func (s *Service) allBusinesses(ctx context.Context, look func(scope string) error) error {
	for after := scopeOf(""); ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, scopesAtOnce)
		if err != nil {
			return fmt.Errorf("list businesses: %w", err)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, scopeOf("")) {
				return nil
			}
			if err := errors.Join(look(scope), ctx.Err()); err != nil {
				return err
			}
			after = scope
		}
		if len(scopes) == 0 {
			return nil
		}
	}
}

// audienceIn adds the people of one business, and reports whether there are any. One that
// was merged into another has none: they are there.
func (s *Service) audienceIn(ctx context.Context, a domain.Audience, scope string, at merge.Millis, in enrolled, into map[string][]merge.Role) (bool, error) {
	head, err := s.Engine.Store.Head(ctx, scope)
	if errors.Is(err, store.ErrAbsent) {
		return false, nil
	}
	if err != nil || head.MovedTo != "" {
		return false, err
	}
	people := a.People(head.Access, at, s.now())
	if len(people) == 0 {
		return false, nil
	}
	keys := []merge.Key{{Collection: "business", ID: strings.TrimPrefix(scope, scopeOf(""))}}
	if in.application != "" {
		keys = append(keys, merge.Key{Collection: "enrolment", ID: domain.EnrolmentID(in.application)})
	}
	rows, err := s.rows(ctx, scope, keys...)
	if err != nil || len(rows) == 0 || rows[0].Collection != "business" {
		return false, err
	}
	if region := domain.Region(rows[0].Text("region_code")); len(in.within) > 0 && !slices.ContainsFunc(in.within, region.Within) {
		return false, nil
	}
	if len(rows) > 1 { // takes part, or did
		in.state = rows[1].Text("state")
	}
	if !a.TakesBusiness(rows[0], head.Access, at, in.state) {
		return false, nil
	}
	for _, g := range people {
		if !slices.Contains(into[g.User], g.Role) {
			into[g.User] = append(into[g.User], g.Role)
		}
	}
	return true, nil
}

// enrolled is where a business stands in a programme, and by which application.
type enrolled struct {
	state, application string
	within             []domain.Region // of one that was never counted: where it must lie to be one of the programme's
}

// enrolment tells where every business stands in a programme as far as its decisions say,
// by its id, and which provinces it has. A business that applied twice stands where it stands best. Of one that takes
// part its own enrolment knows better. Who was sent back for being of another province, and
// has no file, is nobody's of the programme.
func (s *Service) enrolment(ctx context.Context, programme string) (map[string]enrolled, []domain.Region, error) {
	out := map[string]enrolled{}
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if errors.Is(err, store.ErrAbsent) {
		return out, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("head of programme: %w", err)
	}
	leave, err := s.wholes.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	var covers []domain.Region
	type pair struct{ file, application merge.Row }
	by := map[string]pair{} // by application, whose id both have
	err = s.walk(ctx, head, func() { clear(by) }, func(r *store.Record) error {
		switch r.Collection {
		case "programme_setup":
			row, err := picks("region_codes").of(r)
			covers = domain.ProgrammeOf(row).Regions
			return err
		case "case_file", "application_state":
		default:
			return nil
		}
		row, err := picks("state", "business_id").of(r)
		if err != nil {
			return err
		}
		row.Fields = kept(row.Fields)
		p := by[r.ID]
		if r.Collection == "case_file" {
			p.file = row
		} else {
			p.application = row
		}
		by[r.ID] = p
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, application := range slices.Sorted(maps.Keys(by)) {
		p := by[application]
		business := p.file.Text("business_id")
		if business == "" {
			business = p.application.Text("business_id")
		}
		if business, err = s.movedTo(ctx, business); err != nil {
			return nil, nil, err
		}
		state := domain.EnrolmentOf(p.file, p.application)
		if state != "" && domain.BetterEnrolment(out[business].state, state) == state {
			out[business] = enrolled{state: state, application: application}
			if p.file.ID == "" {
				out[business] = enrolled{state, application, covers}
			}
		}
	}
	return out, covers, nil
}

// movedTo is the id of the business that another one was merged into, or its own. Of what is
// no business it is the same id.
func (s *Service) movedTo(ctx context.Context, business string) (string, error) {
	head, err := s.home(ctx, business)
	if errors.Is(err, store.ErrAbsent) {
		return business, nil
	}
	if err != nil {
		return "", fmt.Errorf("head of business: %w", err)
	}
	return strings.TrimPrefix(head.Scope, scopeOf("")), nil
}
