package programme

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
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
	if err := s.mustBeAdmin(ctx, who.User); err != nil {
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

// open adds the open items of one queue.
func (s *Service) open(ctx context.Context, scope string, out []Review) ([]Review, error) {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil {
		return out, fmt.Errorf("head of queue: %w", err)
	}
	rows, err := s.collection(ctx, head, "review_item")
	for _, row := range rows {
		if row.Text("resolved_at") == "" {
			out = append(out, Review{row, scope})
		}
	}
	return out, err
}

func oldestFirst(items []Review, limit int) []Review {
	slices.SortFunc(items, func(a, b Review) int {
		return cmp.Or(strings.Compare(a.Text("at"), b.Text("at")), strings.Compare(a.ID, b.ID))
	})
	return items[:min(limit, len(items))]
}

// Ways to settle an item of a queue.
const (
	ReviewApplied   = "applied"   // the refused edit is made after all, in its author's name
	ReviewDismissed = "dismissed" // looked at; nothing is changed by it
)

// Resolution is how an admin settles an item.
type Resolution struct {
	Queue    string // scope that the item stands in
	Item     string
	Decision string // ReviewApplied or ReviewDismissed
	Note     string // for its author, and for whoever asks later
}

// Resolve settles an item of a queue. An edit that was refused because its
// author's right had ended can be applied: it is made now, in the author's name
// and last role there, by the rules as they are. The author is told either way,
// and the record in the author's quarantine is marked as settled.
//
// Errors: Forbidden "forbidden"; NotFound "not_found"; Conflict "conflict" if the
// item is settled already or there is no edit in it; Invalid with the field, or
// the code of the rule that the edit breaks.
func (s *Service) Resolve(ctx context.Context, who Caller, r Resolution) (Review, error) {
	if err := s.mustBeAdmin(ctx, who.User); err != nil {
		return Review{}, err
	}
	if !strings.HasPrefix(r.Queue, "decision/") {
		return Review{}, invalid("queue", "not a queue")
	}
	rows, err := s.rows(ctx, r.Queue, merge.Key{Collection: "review_item", ID: r.Item})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Review{}, err
	}
	item := rows[0]
	switch {
	case item.Text("resolved_at") != "":
		return Review{}, settled()
	case r.Decision == ReviewApplied:
		if err := s.apply(ctx, who, item); err != nil {
			return Review{}, err
		}
	case r.Decision != ReviewDismissed:
		return Review{}, invalid("decision", "neither applied nor dismissed")
	}
	set := map[string]merge.Value{"resolved_at": s.now().Value(), "resolved_by": merge.Str(who.User), "decision": merge.Str(r.Decision), "resolution": optional(r.Note)}
	if err := s.check("review_item", set); err != nil {
		return Review{}, err
	}
	open := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if row, ok := v.Row("review_item", r.Item); !ok || row.Text("resolved_at") != "" {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, r.Queue, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.System, Collection: "review_item", ID: r.Item,
		Op: merge.Put, Set: set, Must: open}); err != nil {
		return Review{}, err
	}
	rows, err = s.rows(ctx, r.Queue, item.Key)
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Review{}, err
	}
	return Review{rows[0], r.Queue}, nil
}

func settled() error {
	return &fault.Error{Kind: fault.Conflict, Code: "conflict", Text: "settled already, or nothing to apply"}
}

// refusedEdit is what a queue keeps of an edit.
type refusedEdit struct {
	Collection string                 `json:"collection"`
	ID         string                 `json:"id"`
	Op         merge.Op               `json:"op"`
	Base       json.RawMessage        `json:"base"`
	After      []json.RawMessage      `json:"after"`
	Set        map[string]merge.Value `json:"set"`
	Add        map[string][]string    `json:"add"`
	Remove     map[string][]string    `json:"remove"`
}

// creates reports whether the edit makes a record.
func (e refusedEdit) creates() bool {
	return e.Op == merge.Put && (len(e.Base) == 0 || string(e.Base) == "null") && len(e.After) == 0
}

// apply makes a refused edit. Doing it twice makes it once: a repeated create is
// no change, and any other edit sets what is set already.
func (s *Service) apply(ctx context.Context, who Caller, item merge.Row) error {
	var e refusedEdit
	raw := merge.AsString(item.Fields["mutation"])
	if item.Text("what") != "refused_edit" || json.Unmarshal([]byte(raw), &e) != nil {
		return settled()
	}
	scope := item.Text("scope")
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil {
		return fmt.Errorf("scope of a refused edit: %w", err)
	}
	role := merge.Role("")
	for _, g := range head.Access {
		if g.User == item.Text("author") {
			role = g.Role // the last one
		}
	}
	if role == "" {
		return settled()
	}
	delete(e.Set, "seen") // it is made on what is there now
	delete(e.Set, "from")
	_, err = s.Engine.Write(ctx, scope, merge.ServerWrite{Name: who.Name, Author: item.Text("author"), Role: role, Collection: e.Collection, ID: e.ID,
		Op: e.Op, Set: e.Set, Add: e.Add, Remove: e.Remove, Create: e.creates()})
	return err
}
