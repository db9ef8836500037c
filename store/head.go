package store

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The changes of a head are the same in every store; here they are as pure
// functions. Each gives the head unchanged, with its old Revision, if there is
// nothing to do, and shares nothing that can be written with what it was given.

// Clone copies the head with everything that could be changed through it.
func (h Head) Clone() Head {
	h.Forks = slices.Clone(h.Forks)
	h.Access = slices.Clone(h.Access)
	for i := range h.Access {
		h.Access[i].Perms = slices.Clone(h.Access[i].Perms)
	}
	h.Todo = maps.Clone(h.Todo)
	return h
}

// Names reports whether the access list names user, now or ever.
func (h *Head) Names(user string) bool { return merge.Ever(h.Access, user) }

// Folded is the head after c. A head that has moved on already stays as it is.
//
// Errors: ErrStale if an earlier commit must be folded first, or if c belongs
// to a generation that the head does not know yet.
func (h Head) Folded(c *Commit) (Head, error) {
	switch {
	case h.Generation.Count > c.Generation.Count, h.Generation.Count == c.Generation.Count && h.Applied >= c.Seq:
		return h, nil
	case h.Generation.Count < c.Generation.Count, h.Applied+1 != c.Seq:
		return h, ErrStale
	}
	h.Access = c.Access
	h = h.Clone()
	h.Applied, h.Time, h.Chain, h.Sum = c.Seq, c.Time, c.Chain, c.Sum
	if c.MovedTo != "" {
		h.MovedTo = c.MovedTo
	}
	h.Foreign = h.Foreign || c.foreign()
	for follower, seq := range c.Todo {
		if h.Todo == nil {
			h.Todo = map[string]merge.Seq{}
		}
		h.Todo[follower] = max(h.Todo[follower], seq)
	}
	h.Revision++
	return h, nil
}

// foreign reports whether c refuses an edit that was meant for another scope.
func (c *Commit) foreign() bool {
	return slices.ContainsFunc(c.Pages, func(p merge.Page) bool { return p.About != c.Scope })
}

// Expecting is the head with Foreign set.
func (h Head) Expecting() Head {
	if h.Foreign {
		return h
	}
	h = h.Clone()
	h.Foreign = true
	h.Revision++
	return h
}

// Cleared is the head without the mark of follower, if the mark is seq.
func (h Head) Cleared(follower string, seq merge.Seq) Head {
	if mark, ok := h.Todo[follower]; !ok || mark != seq {
		return h
	}
	h = h.Clone()
	delete(h.Todo, follower)
	h.Revision++
	return h
}

// Prunable is the head with Pruned raised towards upTo, as far as Prune may
// go.
func (h Head) Prunable(upTo merge.Seq) Head {
	if len(h.Todo) > 0 || h.Applied == 0 {
		return h
	}
	if upTo = min(upTo, h.Applied-1); upTo <= h.Pruned {
		return h
	}
	h = h.Clone()
	h.Pruned = upTo
	h.Revision++
	return h
}

// Erased is what Erase leaves of a deleted record.
func (r Record) Erased() Record {
	r.Fields, r.State, r.Tags = json.RawMessage(`{}`), json.RawMessage(merge.GoneState), nil
	return r
}

// Raised is the head in the generation next, with fork behind it.
//
// Errors: ErrStale if the head is not where fork says, or next is not newer.
func (h Head) Raised(next merge.Generation, fork merge.Fork) (Head, error) {
	if h.Generation.Count != fork.Generation.Count || h.Applied != fork.Seq || next.Count <= h.Generation.Count {
		return h, ErrStale
	}
	h = h.Clone()
	h.Generation, h.Forks = next, append(h.Forks, fork)
	h.Revision++
	return h, nil
}
