package programme

import (
	"context"
	"fmt"
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

// Reviews gives a page of the open items of every queue, oldest first. Only admins
// see them. It looks through all queues, and keeps a page.
//
// Errors: Forbidden "forbidden".
func (s *Service) Reviews(ctx context.Context, who Caller, page Page) ([]Review, *Place, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, nil, err
	}
	const prefix = "decision/"
	list := pager[Review]{Page: page, of: func(r Review) Place { return Place{r.Text("at"), r.ID} }}
	for after := prefix; ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, 100)
		if err != nil {
			return nil, nil, fmt.Errorf("queues: %w", err)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, prefix) {
				out, next := list.page()
				return out, next, nil
			}
			if err = s.open(ctx, scope, list.add); err != nil {
				return nil, nil, err
			}
			after = scope
		}
		if len(scopes) < 100 {
			out, next := list.page()
			return out, next, nil
		}
	}
}

// open finds the open items of one queue. In the scope of a programme, where thousands of
// files lie beside them, they are found by their tag.
func (s *Service) open(ctx context.Context, scope string, found func(Review)) error {
	rows, err := s.items(ctx, scope)
	for _, row := range rows {
		if row.Text("resolved_at") == "" {
			found(Review{row, scope})
		}
	}
	return err
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
