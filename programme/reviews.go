package programme

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
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
	if item.Text("resolved_at") != "" || item.Text("decision") != "" && item.Text("decision") != r.Decision {
		return Review{}, settled()
	}
	if r.Decision != ReviewApplied && r.Decision != ReviewDismissed {
		return Review{}, invalid("decision", "neither applied nor dismissed")
	}
	set := map[string]merge.Value{"resolved_at": s.now().Value(), "resolved_by": merge.Str(who.User), "decision": merge.Str(r.Decision), "resolution": optional(r.Note)}
	if err := s.check("review_item", set); err != nil {
		return Review{}, err
	}
	if r.Decision == ReviewApplied {
		if err := s.applyOnce(ctx, who, r, item); err != nil {
			return Review{}, err
		}
	}
	if err := s.mark(ctx, who, "", r, set, r.Decision); err != nil {
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

// applyOnce makes the edit between two marks on the item: from the first one on
// nobody else can dismiss it, and whoever comes back after a crash goes on. What
// a rule refuses opens the item again.
func (s *Service) applyOnce(ctx context.Context, who Caller, r Resolution, item merge.Row) error {
	if item.Text("decision") == "" {
		if err := s.mark(ctx, who, ".begin", r, map[string]merge.Value{"decision": merge.Str(ReviewApplied)}, ""); err != nil {
			return err
		}
	}
	err := s.apply(ctx, who, item)
	if k := fault.KindOf(err); err == nil || k == fault.Transient || k == fault.Internal {
		return err
	}
	return errors.Join(err, s.mark(ctx, who, ".undo", r, map[string]merge.Value{"decision": null()}, ReviewApplied))
}

// mark writes into an open item whose decision is was, or is none yet.
func (s *Service) mark(ctx context.Context, who Caller, step string, r Resolution, set map[string]merge.Value, was string) error {
	open := func(v merge.View, _ []merge.Grant) *merge.Reject {
		row, ok := v.Row("review_item", r.Item)
		if have := row.Text("decision"); !ok || row.Text("resolved_at") != "" || have != "" && have != was {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	_, err := s.Engine.Write(ctx, r.Queue, merge.ServerWrite{Name: who.Name + step, Author: who.User, Role: merge.System, Collection: "review_item", ID: r.Item,
		Op: merge.Put, Set: set, Must: open})
	return err
}

func settled() error {
	return &fault.Error{Kind: fault.Conflict, Code: "conflict", Text: "settled already, or nothing to apply"}
}

// refusedEdit is what a queue keeps of an edit.
type refusedEdit struct {
	Collection string                 `json:"collection"`
	ID         string                 `json:"id"`
	Op         merge.Op               `json:"op"`
	Base       *merge.Base            `json:"base"`
	After      []json.RawMessage      `json:"after"`
	Set        map[string]merge.Value `json:"set"`
	Add        map[string][]string    `json:"add"`
	Remove     map[string][]string    `json:"remove"`
}

// creates reports whether the edit makes a record.
func (e refusedEdit) creates() bool {
	return e.Op == merge.Put && e.Base == nil && len(e.After) == 0
}

// apply makes a refused edit, where its business lives now. Doing it twice makes
// it once: a repeated create is no change, and any other edit is made only on the
// version that its author saw.
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
	var last merge.Grant
	for _, g := range head.Access {
		if g.User == item.Text("author") {
			last = g
		}
	}
	c, ok := s.Engine.Schema.Collection(e.Collection)
	switch {
	case last.Role == "" || !ok:
		return settled()
	case last.Role == merge.Staff && c.Needs != "" && !slices.Contains(last.Perms, c.Needs):
		return &fault.Error{Kind: fault.Conflict, Code: "conflict", Text: "its author never had the permission"}
	}
	w := merge.ServerWrite{Name: who.Name, Author: item.Text("author"), Role: last.Role, Collection: e.Collection, ID: e.ID, Op: e.Op,
		Set: e.Set, Add: e.Add, Remove: e.Remove, Create: e.creates()}
	if !w.Create {
		if e.Base == nil || head.MovedTo != "" || e.Base.Generation.Count != head.Generation.Count {
			return settled() // nobody can tell any more what its author saw
		}
		w.Strict = &e.Base.Version
	}
	for head.MovedTo != "" { // what was merged away lives on there
		if head, err = s.Engine.Store.Head(ctx, head.MovedTo); err != nil {
			return fmt.Errorf("scope that another one was merged into: %w", err)
		}
	}
	delete(e.Set, "seen") // it is made on what is there now
	delete(e.Set, "from")
	_, err = s.Engine.Write(ctx, head.Scope, w)
	return err
}
