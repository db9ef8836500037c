package programme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Note is what a mentor wrote for the other mentors.
type Note struct {
	ID     string
	Author string
	At     time.Time
	Text   string
	About  merge.Key // zero: the business itself
}

// Notes gives the private notes on a business, newest first, to its mentors and
// to admins. Phones of mentors have them in a scope of their own.
//
// Errors: NotFound "not_found", Forbidden "forbidden".
func (s *Service) Notes(ctx context.Context, who Caller, business string) ([]Note, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return nil, err
	}
	if !st.admin && !st.is(merge.Mentor) {
		return nil, st.forbidden()
	}
	head, err := s.Engine.Store.Head(ctx, domain.ScopeMentoring+"/"+business)
	if errors.Is(err, store.ErrAbsent) {
		return []Note{}, nil // nobody has ever accompanied it
	}
	if err != nil {
		return nil, fmt.Errorf("head of the mentors' scope: %w", err)
	}
	rows, err := s.collection(ctx, head, "mentor_note")
	out := make([]Note, 0, len(rows))
	for _, r := range rows {
		n := Note{ID: r.ID, Author: r.Text("created_by"), At: instant(r, "created_at"), Text: r.Text("text")}
		if v := r.Fields["about"]; v != nil {
			if err := json.Unmarshal(v, &n.About); err != nil {
				return nil, fmt.Errorf("note %s: %w", r.ID, err)
			}
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b Note) int { return b.At.Compare(a.At) })
	return out, err
}
