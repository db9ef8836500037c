package merge

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
)

// move notices that a commit merges the scope into another one.
func (w *work) move() {
	for _, k := range w.changed() {
		c := w.collection(k)
		if c.Moved == nil {
			continue
		}
		if to := c.Moved(w.recs[k].Row); to != "" && to != w.in.Scope && w.in.MovedTo == "" {
			w.out.MovedTo = to
			w.out.Effects = append(w.out.Effects, Effect{Scope: to, ID: w.effectID("take", "", to), Take: true})
		}
	}
}

// repeat has an accepted edit made once more in the scope that this one was
// merged into. The phone that sent it does not know of that yet.
func (w *work) repeat(p *Part, it *Item, v Verdict) {
	if w.in.MovedTo == "" || v.Outcome == Rejected || p.About != "" {
		return
	}
	made, _ := Correct(it.Mutation.At, p.Clock, w.time)
	w.out.Effects = append(w.out.Effects, Effect{Scope: w.in.MovedTo, Collection: it.Mutation.Collection,
		ID:     w.effectID("repeat", MutationName(p.Device, p.Incarnation, it.Mutation.N), p.Author),
		Repeat: &Repeat{Author: p.Author, Device: p.Device, Incarnation: id.Derive("repeat", w.in.Scope, p.Incarnation), Made: made, Raw: it.Raw}})
}

// take makes a record of another scope one of this, as if everything that
// stands in it had been written in this commit.
func (w *work) take(from string, r *Record) {
	if w.get(r.Key) != nil || !w.need.Empty() {
		return
	}
	here := map[*Write]*Write{}
	moved := func(wr *Write) *Write {
		if wr == nil {
			return nil
		}
		if here[wr] == nil {
			c := *wr
			c.From, c.Was, c.Seq, c.Time = from, wr.Seq, w.seq, w.time
			here[wr] = &c
		}
		return here[wr]
	}
	r = r.Clone()
	r.Born = moved(r.Born)
	for slot, heads := range r.Slots {
		heads = slices.Clone(heads)
		for i := range heads {
			heads[i].Write = moved(heads[i].Write)
		}
		r.Slots[slot] = heads
	}
	w.recs[r.Key] = r
	if w.taken == nil {
		w.taken = map[Key]bool{}
	}
	w.taken[r.Key] = true
	w.out.Changed = true
	w.out.Lines = append(w.out.Lines, Line{Mutation: "take." + r.Key.String(), Stamp: w.time, Verdict: Verdict{Outcome: Applied}})
}
