package programme

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Totals adds up what a business sold on the days from … to, both included; an
// empty bound is none. Owners, mentors, admins, and staff who may see totals.
//
// Errors: NotFound "not_found", Forbidden "forbidden", Invalid "date_invalid",
// Invalid "invalid_value" for days that end before they begin.
func (s *Service) Totals(ctx context.Context, who Caller, business string, from, to domain.Date) (domain.Summary, error) {
	for _, d := range []domain.Date{from, to} {
		if _, err := domain.ParseDate(string(d)); d != "" && err != nil {
			return domain.Summary{}, err
		}
	}
	if from != "" && to != "" && to < from {
		return domain.Summary{}, invalid("to", "the days end before they begin")
	}
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return domain.Summary{}, err
	}
	sees := st.admin || st.regional || slices.ContainsFunc(st.head.Access, func(g merge.Grant) bool {
		return g.User == who.User && g.Holds(st.now) && (g.Role != merge.Staff || slices.Contains(g.Perms, domain.PermSeeTotals))
	})
	if !sees {
		return domain.Summary{}, st.forbidden()
	}
	rows, err := s.collection(ctx, st.head, "sales")
	return domain.Summarise(domain.Totals(rows, nil), from, to), err
}

// pageBytes is how much of a scope is read at a time.
const pageBytes = 1 << 20

// collection reads the live records of collections, of one moment at or after
// the head.
//
// Errors: Transient "busy" if commits keep coming in between.
func (s *Service) collection(ctx context.Context, head store.Head, names ...string) ([]merge.Row, error) {
	for range tornRetries {
		rows, torn, err := s.cut(ctx, head, names)
		if err != nil || !torn {
			return rows, err
		}
		if head, err = s.Engine.Store.Head(ctx, head.Scope); err != nil {
			return nil, fmt.Errorf("head of %s: %w", head.Scope, err)
		}
	}
	return nil, &fault.Error{Kind: fault.Transient, Code: "busy", Text: "commits came in between each time", After: time.Second}
}

// tornRetries is how often a scope is read anew because a commit came in between.
const tornRetries = 10

func (s *Service) cut(ctx context.Context, head store.Head, names []string) (out []merge.Row, torn bool, err error) {
	var at store.Position
	for {
		page, err := s.Engine.Store.Changed(ctx, head.Scope, at, head.Applied, head.Applied, pageBytes)
		if err != nil || page.Torn {
			return nil, page.Torn, err
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if !slices.Contains(names, r.Collection) || r.Deleted {
				continue
			}
			row, err := rowOf(r)
			if err != nil {
				return nil, false, err
			}
			out = append(out, row)
		}
		if !page.More {
			return out, false, nil
		}
	}
}
