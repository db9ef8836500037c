package programme

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Review is something that an admin must look at.
type Review struct {
	merge.Row
	Queue string // scope of the queue it stands in
}

// Reviews gives the open items of every queue, oldest first, up to limit. Only
// admins see them.
//
// Errors: Forbidden "forbidden".
func (s *Service) Reviews(ctx context.Context, who Caller, limit int) ([]Review, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, err
	}
	const prefix = "decision/"
	out := []Review{}
	for after := prefix; ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, 100)
		if err != nil {
			return nil, fmt.Errorf("queues: %w", err)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, prefix) {
				return oldestFirst(out, limit), nil
			}
			if out, err = s.open(ctx, scope, out); err != nil {
				return nil, err
			}
			after = scope
		}
		if len(scopes) < 100 {
			return oldestFirst(out, limit), nil
		}
	}
}

// open adds the open items of one queue. In the scope of a programme, where thousands of
// files lie beside them, they are found by their tag.
func (s *Service) open(ctx context.Context, scope string, out []Review) ([]Review, error) {
	rows, err := s.items(ctx, scope)
	for _, row := range rows {
		if row.Text("resolved_at") == "" {
			out = append(out, Review{row, scope})
		}
	}
	return out, err
}

func (s *Service) items(ctx context.Context, scope string) ([]merge.Row, error) {
	if scope == domain.GeneralQueue {
		head, err := s.Engine.Store.Head(ctx, scope)
		if err != nil {
			return nil, fmt.Errorf("head of queue: %w", err)
		}
		return s.collection(ctx, head, "review_item")
	}
	got, err := s.Engine.Store.Load(ctx, scope, store.Want{Tags: []string{domain.OpenReviewTag}})
	if err != nil {
		return nil, fmt.Errorf("items of queue: %w", err)
	}
	var out []merge.Row
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

func oldestFirst(items []Review, limit int) []Review {
	slices.SortFunc(items, func(a, b Review) int {
		return cmp.Or(strings.Compare(a.Text("at"), b.Text("at")), strings.Compare(a.ID, b.ID))
	})
	return items[:min(limit, len(items))]
}
