package merge

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
)

// again is the incarnation under which what an incarnation wrote in a scope is
// made once more elsewhere.
func again(from, incarnation string) string { return id.Derive("repeat", from, incarnation) }

// move notices that a commit merges the scope into another one.
func (w *work) move() {
	for _, k := range w.changed() {
		c := w.collection(k)
		if c.Moved == nil {
			continue
		}
		if to := c.Moved(w.recs[k].Row); to != "" && to != w.in.Scope && w.in.MovedTo == "" {
			w.out.MovedTo = to
		}
	}
}

// handOver has the other scope take over what is here. It comes behind the
// claims that are given up for it.
func (w *work) handOver() {
	if to := w.out.MovedTo; to != "" {
		w.out.Effects = append(w.out.Effects, Effect{Scope: to, ID: w.effectID("take", "", to), Take: true})
	}
}

// repeat has an accepted edit made once more in the scope that this one was
// merged into. The phone that sent it does not know of that yet. The record that
// says where the scope went is not taken over, and its edits stay with it.
func (w *work) repeat(ed *edit, it *Item, v Verdict) {
	p, m := ed.part, ed.m
	if w.in.MovedTo == "" || v.Outcome == Rejected || p.About != "" || w.collection(Key{m.Collection, m.ID}).Moved != nil {
		return
	}
	w.out.Effects = append(w.out.Effects, Effect{Scope: w.in.MovedTo, Collection: m.Collection,
		ID: w.effectID("repeat", MutationName(p.Device, p.Incarnation, m.N), p.Author),
		Repeat: &Repeat{Author: p.Author, Device: p.Device, Incarnation: again(w.in.Scope, p.Incarnation),
			From: w.in.Scope, Seq: w.seq, Time: w.time, Made: ed.corrected, Low: ed.low, Earliest: ed.early, Stamp: ed.stamp,
			UpTo: ed.upTo, Forked: ed.onGoneLine(), Raw: it.Raw}})
}

// contains reports whether an edit that is made once more is in its record
// already, because the record was taken over after it.
func (w *work) contains(ed *edit) bool {
	if ed.again == nil {
		return false
	}
	r := w.get(Key{ed.m.Collection, ed.m.ID})
	return r != nil && r.From == ed.again.From && ed.again.Seq <= r.Was
}

// take makes a record of another scope one of this, as if everything that
// stands in it had been written in this commit.
func (w *work) take(from string, r *Record) {
	if w.get(r.Key) != nil {
		return
	}
	if !w.need.Empty() {
		w.unsure = true
		return
	}
	here := map[*Write]*Write{}
	moved := func(wr *Write) *Write {
		if wr == nil {
			return nil
		}
		if here[wr] == nil {
			c := *wr
			c.From, c.Was, c.WasTime = from, wr.Seq, wr.Time
			c.Seq, c.Time = w.seq, w.time
			here[wr] = &c
		}
		return here[wr]
	}
	r = r.Clone()
	r.From, r.Was = from, r.Version
	r.Born = moved(r.Born)
	for slot, heads := range r.Slots {
		heads = slices.Clone(heads)
		for i := range heads {
			heads[i].Write = moved(heads[i].Write)
		}
		r.Slots[slot] = heads
	}
	w.hold(r)
	if w.taken == nil {
		w.taken = map[Key]bool{}
	}
	w.taken[r.Key] = true
	w.out.Changed = true
	w.out.Lines = append(w.out.Lines, Line{Mutation: "take." + r.Key.String(), Stamp: w.time, Verdict: Verdict{Outcome: Applied}})
}
