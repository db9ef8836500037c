package programme

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

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
// author's right had ended can be applied: it is made now, in the author's name,
// and judged as if the right that the author held last held still. What a rule
// refuses leaves the item open. The author is told either way, and the record in
// the author's quarantine is marked as settled. The same decision again changes
// nothing.
//
// Errors: Forbidden "forbidden"; NotFound "not_found"; Conflict "conflict" if the
// item is settled otherwise already or there is no edit in it; Invalid with the
// field; the code of the rule that the edit breaks.
func (s *Service) Resolve(ctx context.Context, who Caller, r Resolution) (Review, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Review{}, err
	}
	if !strings.HasPrefix(r.Queue, "decision/") {
		return Review{}, invalid("queue", "not a queue")
	}
	if r.Decision != ReviewApplied && r.Decision != ReviewDismissed {
		return Review{}, invalid("decision", "neither applied nor dismissed")
	}
	item, err := s.item(ctx, r)
	if err != nil {
		return Review{}, err
	}
	if item.Text("resolved_at") != "" {
		return settledAs(item, r)
	}
	set := map[string]merge.Value{"resolved_at": s.now().Value(), "resolved_by": merge.Str(who.User), "resolution": optional(r.Note)}
	if err := s.check("review_item", set); err != nil {
		return Review{}, err
	}
	decision, err := s.decide(ctx, who, item, r.Decision)
	if err != nil {
		return Review{}, err
	}
	set["decision"] = merge.Str(decision)
	if decision != r.Decision { // somebody decided otherwise, and did not come to say so here
		set["resolution"] = null()
	}
	if err := s.mark(ctx, who, r, set); err != nil {
		return Review{}, err
	}
	if item, err = s.item(ctx, r); err != nil {
		return Review{}, err
	}
	return settledAs(item, r)
}

func (s *Service) item(ctx context.Context, r Resolution) (merge.Row, error) {
	rows, err := s.rows(ctx, r.Queue, merge.Key{Collection: "review_item", ID: r.Item})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return merge.Row{}, err
	}
	return rows[0], nil
}

// settledAs answers who asks for a decision on an item that is settled.
func settledAs(item merge.Row, r Resolution) (Review, error) {
	if item.Text("decision") != r.Decision {
		return Review{}, settled()
	}
	return Review{item, r.Queue}, nil
}

func settled() error {
	return &fault.Error{Kind: fault.Conflict, Code: "conflict", Text: "settled already, or nothing to apply"}
}

// mark settles an item in its queue, once.
func (s *Service) mark(ctx context.Context, who Caller, r Resolution, set map[string]merge.Value) error {
	_, err := s.Engine.Write(ctx, r.Queue, merge.ServerWrite{Name: decisionName(r.Item), Author: who.User, Role: merge.System,
		Collection: "review_item", ID: r.Item, Op: merge.Put, Set: set})
	return err
}

// decisionName is what the decision on an item is called, whoever takes it: so a
// request that comes back after a crash, or another admin's, finds it.
func decisionName(item string) string { return "review." + item }

// decide takes the decision on an item, where the business of its edit lives: the
// commit there that makes the edit, or gives it up, is the decision, and the
// queue repeats it. It gives the one that stands, which is somebody else's if
// that was faster.
func (s *Service) decide(ctx context.Context, who Caller, item merge.Row, decision string) (string, error) {
	m, refused := refusedEdit(item)
	if !refused {
		if decision == ReviewApplied {
			return "", settled()
		}
		return decision, nil
	}
	origin, home, stands, err := s.decided(ctx, item)
	switch {
	case errors.Is(err, store.ErrAbsent) && decision == ReviewDismissed:
		return decision, nil // it went with its scope
	case errors.Is(err, store.ErrAbsent):
		return "", settled()
	case err != nil || stands != "":
		return stands, err
	}
	w := merge.ServerWrite{Name: decisionName(item.ID), Author: who.User, Decide: merge.Rejected}
	if decision == ReviewApplied {
		if w, err = s.late(item, m, origin, home); err != nil {
			return "", err
		}
	}
	if _, err = s.Engine.Write(ctx, home.Scope, w); err == nil {
		return decision, nil
	}
	if fault.CodeOf(err) != "conflict" {
		return "", err
	}
	if _, _, stands, again := s.decided(ctx, item); again != nil || stands != "" {
		return stands, again
	}
	return "", err
}

// decided walks from the scope of a refused edit to where its business lives now.
// It gives the heads of both, and the decision if one of the scopes on the way
// took it.
func (s *Service) decided(ctx context.Context, item merge.Row) (origin, home store.Head, decision string, err error) {
	for scope := item.Text("scope"); ; scope = home.MovedTo {
		var o merge.Outcome
		if home, o, err = s.Engine.Decided(ctx, scope, decisionName(item.ID)); err != nil {
			return origin, home, "", fmt.Errorf("scope of a refused edit: %w", err)
		}
		if origin.Scope == "" {
			origin = home
		}
		switch {
		case o == merge.Applied:
			return origin, home, ReviewApplied, nil
		case o == merge.Rejected:
			return origin, home, ReviewDismissed, nil
		case home.MovedTo == "":
			return origin, home, "", nil
		}
	}
}

// refusedEdit reads the edit that an item is about; false if there is none.
func refusedEdit(item merge.Row) (merge.Mutation, bool) {
	if item.Text("what") != "refused_edit" {
		return merge.Mutation{}, false
	}
	it := merge.ReadItem(item.Text("scope"), "", 0, json.RawMessage(merge.AsString(item.Fields["mutation"])))
	return it.Mutation, it.Bad == nil
}

// late is the write that makes a refused edit where its business lives. A create
// is a create; any other edit is made on the version that its author saw, and on
// no other.
//
// Errors: Conflict "conflict" if nobody can tell any more what that was.
func (s *Service) late(item merge.Row, m merge.Mutation, origin, home store.Head) (merge.ServerWrite, error) {
	right, ok := lastRight(origin.Access, item.Text("author"))
	made, err := merge.ParseInstant(cmp.Or(item.Text("made_at"), item.Text("at")))
	if !ok || err != nil {
		return merge.ServerWrite{}, settled()
	}
	w := merge.ServerWrite{Name: decisionName(item.ID), Author: right.User, Collection: m.Collection, ID: m.ID, Op: m.Op, Set: m.Set, Add: m.Add, Remove: m.Remove,
		Create: m.Op == merge.Put && m.Create(), Late: &merge.Late{Right: right, Made: made}, Decide: merge.Applied}
	if w.Create {
		return w, nil
	}
	if m.Base == nil || home.Scope != origin.Scope || m.Base.Generation.Count != origin.Generation.Count {
		return w, settled()
	}
	w.Strict = &m.Base.Version
	return w, nil
}

// lastRight is the right that somebody held last: the one that ended last, and
// of several the one that began last.
func lastRight(access []merge.Grant, user string) (last merge.Grant, ok bool) {
	later := func(a, b merge.Grant) bool {
		switch {
		case a.To == b.To:
			return a.From >= b.From
		case a.To == 0 || b.To == 0:
			return a.To == 0
		}
		return a.To > b.To
	}
	for _, g := range access {
		if g.User == user && (!ok || later(g, last)) {
			last, ok = g, true
		}
	}
	return last, ok
}
