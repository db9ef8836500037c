package programme

import (
	"context"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
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

// collection reads the live records of collections, of one moment at or after
// the head.
//
// Errors: Transient "busy" if commits keep coming in between.
func (s *Service) collection(ctx context.Context, head store.Head, names ...string) (out []merge.Row, err error) {
	err = s.walk(ctx, head, func() { out = nil }, func(r *store.Record) error {
		if !slices.Contains(names, r.Collection) {
			return nil
		}
		row, err := rowOf(r)
		out = append(out, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
