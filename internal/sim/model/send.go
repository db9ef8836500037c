package model

import (
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// commits gives every state one commit away: of one phone, or of two that share
// it; or one restore away.
func (h *History) commits() ([]*History, error) {
	var out []*History
	add := func(phones ...int) error {
		next := h.clone()
		err := next.send(phones...)
		out = append(out, next)
		return err
	}
	for p := range Phones {
		if !h.sends(p) {
			continue
		}
		if err := add(p); err != nil {
			return nil, err
		}
		for q := range Phones {
			if p != q && h.sends(q) {
				if err := add(p, q); err != nil {
					return nil, err
				}
			}
		}
	}
	if h.Game.Restores && h.fork < 0 {
		for i := range h.past {
			if i == len(h.past)-1 || len(h.past) == h.mark {
				out = append(out, h.restore(i))
			}
		}
	}
	return out, nil
}

// now is the server's time: a little after the last edit.
func (h *History) now() merge.Millis {
	return start + minute*merge.Millis(len(h.Edits)) - minute/2 + merge.Millis(h.Scope.Applied)
}

// send sends what the phones have, in one commit, and shows them everything.
func (h *History) send(phones ...int) error {
	var pushes [][]*merge.Part
	now := h.now()
	for _, p := range phones {
		if h.stale(p) {
			h.resend(p)
		}
		var items []merge.Item
		for i, l := range h.wait[p] {
			it := h.Edits[l].item
			it.Index = i
			items = append(items, it)
		}
		pushes = append(pushes, []*merge.Part{{Author: h.Game.Access[p].User, Device: device(p), Incarnation: incarnation(p), Clock: h.clock(p, now), Items: items}})
	}
	before := h.Scope
	h.Scope = before.Clone()
	out := h.Scope.Commit(now, pushes...)
	for i, p := range phones {
		h.take(p, out.Answers[i][0])
	}
	if h.Scope.Applied > before.Applied {
		h.past, h.ends = append(h.past, h.Scope), append(h.ends, len(h.Order))
	}
	for _, p := range phones {
		h.view[p] = h.at(len(h.past) - 1)
	}
	return h.step(before)
}

// online makes an edit at the server: its author has seen everything that is
// stored and nothing else, and it is a commit of its own.
func (h *History) online(s *Screen, move int) (*History, error) {
	c := h.clone()
	game := c.Game
	m := game.Moves[move].Make(s)
	at := start + minute*merge.Millis(s.Label)
	e := Edit{Phone: s.Phone, Move: move, Read: c.Order, generation: c.Scope.Generation, At: s.Label + 1, item: merge.Item{Mutation: m}}
	delete(m.Set, "seen") // the server knows
	before := c.Scope
	c.Scope = before.Clone()
	out := c.Scope.Commit(at, []*merge.Part{{Author: game.user(s.Phone), Writes: []merge.ServerWrite{{Name: "rest." + m.ID, Author: game.user(s.Phone),
		Role: game.role(s.Phone), Collection: m.Collection, ID: m.ID, Op: merge.Put, Set: m.Set, Create: true}}}})
	e.Outcome, e.Code = out.Answers[0][0][0].Outcome, out.Answers[0][0][0].Code
	e.row = c.Scope.Row(m.Collection, m.ID)
	c.Edits, c.Order = append(c.Edits, e), append(c.Order, s.Label)
	if c.Scope.Applied > before.Applied {
		c.past, c.ends = append(c.past, c.Scope), append(c.ends, len(c.Order))
	}
	c.mark = len(c.past)
	return c, c.step(before)
}

func (h *History) step(before *mergetest.Scope) error {
	if h.Game.Step != nil {
		if wrong := h.Game.Step(before, h.Scope); wrong != "" {
			return fmt.Errorf("%s\n%s", wrong, h)
		}
	}
	return nil
}

func (h *History) take(p int, answers []merge.Answer) {
	for i, l := range h.wait[p] {
		e := &h.Edits[l]
		e.Outcome, e.Code = answers[i].Outcome, answers[i].Code
		if e.At < 0 {
			e.At = len(h.Edits)
		}
		if !answers[i].Repeated {
			h.Order = append(h.Order, l)
		}
	}
	h.wait[p] = nil
}

// restore puts back what the server was after its i-th commit, under a new
// generation.
func (h *History) restore(i int) *History {
	c := h.clone()
	c.Scope = h.past[i].Clone()
	c.Scope.Raise(h.now())
	c.Order = slices.Clone(h.Order[:h.ends[i]])
	c.fork = len(c.Order)
	c.past, c.ends, c.mark = []*mergetest.Scope{c.Scope}, []int{c.fork}, 1
	return c
}

// resend makes everything that a phone kept unsent again, in the old order, each
// edit naming all own ones before it.
func (h *History) resend(p int) {
	h.wait[p] = nil
	for l := range h.Edits {
		e := &h.Edits[l]
		if e.Phone != p || e.Outcome == merge.Rejected {
			continue
		}
		if m := &e.item.Mutation; m.Base != nil {
			e.Own = slices.Clone(h.wait[p])
			m.After = nil
			for _, o := range h.wait[p] {
				m.After = append(m.After, h.ref(o))
			}
		}
		h.wait[p] = append(h.wait[p], l)
	}
}
