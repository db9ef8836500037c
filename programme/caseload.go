package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Accompanied is one business of a mentor, and how far it is.
type Accompanied struct {
	Business string
	Name     string
	Region   string
	Since    time.Time // beginning of the oldest window that is open
	Lead     bool      // the mentor leads there now
	Progress domain.EnrolmentProgress
	// Adjustments counts how its plans differ from their templates now, by kind.
	Adjustments map[string]int
}

// Load is a page of what a mentor accompanies, beside how much that is and may be.
type Load struct {
	Businesses []Accompanied
	More       bool
	Count      int // businesses that they accompany now, or from a later day on, everywhere
	Capacity   int // businesses at the most
}

// Caseload is what a mentor accompanies now, ordered by id of the business: so many behind
// one, and whether there are more. The mentor sees all of it, and so do admins; a regional
// admin sees what lies in their provinces, and how many there are in all. Which businesses
// these are is read off the index that rights are granted by, and how far each is from its
// own rows.
//
// Errors: NotFound for the mentor, also to a regional admin of whose provinces they
// accompany nobody; Forbidden; Transient "busy".
func (s *Service) Caseload(ctx context.Context, who Caller, mentor, after string, limit int) (out Load, err error) {
	var provinces []string
	if who.User == mentor {
		err = who.acts(ctx, auth.RoleMentor)
	} else {
		provinces, err = s.mustLookAfter(ctx, who)
	}
	if err != nil {
		return out, err
	}
	if _, err := s.People.User(ctx, mentor); err != nil {
		return out, err
	}
	heads, err := s.Engine.Store.HeadsFor(ctx, mentor, nil)
	if err != nil {
		return out, err
	}
	at := s.latest(heads)
	businesses := accompaniedIn(heads, mentor, at)
	if err := s.mustBeNear(ctx, businesses, provinces); err != nil {
		return out, err
	}
	templates := map[string]merge.Row{}
	profile, err := s.rows(ctx, merge.UserScope(mentor), merge.Key{Collection: "mentor_profile", ID: mentor})
	if err != nil {
		return out, err
	}
	out.Count, out.Capacity = len(takenIn(heads, mentor, at)), domain.MentorCapacity(first(profile))
	for _, business := range businesses {
		if business <= after {
			continue
		}
		a, seen, err := s.accompaniedBy(ctx, business, mentor, at, provinces, templates)
		if err != nil {
			return Load{}, err
		}
		if !seen {
			continue
		}
		if len(out.Businesses) == limit {
			out.More = true
			return out, nil
		}
		out.Businesses = append(out.Businesses, a)
	}
	return out, nil
}

// mustBeNear refuses a mentor of other provinces to a regional admin, as if there were none.
//
// Errors: NotFound "not_found".
func (s *Service) mustBeNear(ctx context.Context, businesses, provinces []string) error {
	if provinces == nil {
		return nil
	}
	for _, business := range businesses {
		if near, err := s.liesIn(ctx, scopeOf(business), business, provinces); err != nil || near {
			return err
		}
	}
	return notFound()
}

// accompaniedBy reads one business, unless it lies outside the provinces of who asks. The
// templates of plans are read once and kept in templates.
func (s *Service) accompaniedBy(ctx context.Context, business, mentor string, at merge.Millis, provinces []string, templates map[string]merge.Row) (a Accompanied, seen bool, err error) {
	if provinces != nil {
		if seen, err := s.liesIn(ctx, scopeOf(business), business, provinces); err != nil || !seen {
			return a, false, err
		}
	}
	head, err := s.Engine.Store.Head(ctx, scopeOf(business))
	if errors.Is(err, store.ErrAbsent) {
		return a, false, nil
	}
	if err != nil {
		return a, false, fmt.Errorf("head of business: %w", err)
	}
	rows, err := s.collection(ctx, head, append(domain.EnrolmentProgressCollections(), "business", "plan", "assignment")...)
	if err != nil {
		return a, false, err
	}
	windows := domain.MentorWindowsOf(rows)
	lead, _ := domain.LeadAt(windows, at)
	sent := "" // programme that the mentor was sent for
	for _, w := range windows {
		if w.Mentor == mentor && w.Holds(at) && w.Programme > sent {
			sent = w.Programme
		}
	}
	a = Accompanied{Business: business, Since: since(head.Access, mentor, at), Lead: lead.Mentor == mentor, Progress: domain.EnrolmentProgressOf(rows, sent)}
	if i := slices.IndexFunc(rows, func(r merge.Row) bool { return r.Collection == "business" && r.ID == business }); i >= 0 {
		a.Name, a.Region = rows[i].Text("name"), rows[i].Text("region_code")
	}
	a.Adjustments, err = s.adjustments(ctx, rows, templates)
	return a, err == nil, err
}

// adjustments counts how the plans among the rows of a business differ from their templates.
func (s *Service) adjustments(ctx context.Context, rows []merge.Row, templates map[string]merge.Row) (map[string]int, error) {
	out := map[string]int{}
	for _, plan := range rows {
		if plan.Collection != "plan" {
			continue
		}
		k := merge.Key{Collection: "plan_template", ID: plan.Text("template_id")}
		template, read := templates[k.ID]
		if !read {
			found, err := s.rows(ctx, domain.ScopeProgrammes, k)
			if err != nil {
				return nil, err
			}
			template = first(found)
			templates[k.ID] = template
		}
		for _, a := range domain.PlanAdjustments(plan, template, rows, message.ID) {
			out[a.Kind]++
		}
	}
	return out, nil
}

// since is when the oldest of a mentor's windows began that are open at an instant.
func since(access []merge.Grant, mentor string, at merge.Millis) (from time.Time) {
	for _, g := range access {
		if g.User == mentor && g.Role == merge.Mentor && g.Holds(at) && (from.IsZero() || g.From.Time().Before(from)) {
			from = g.From.Time()
		}
	}
	return from
}
