package merge

import (
	"bytes"
	"maps"
)

// ServerWrite is an edit made by the server: an effect, or an online edit by a
// person whose rights Must has checked.
type ServerWrite struct {
	Name       string // unique for ever: "rest.<person or session>.<hash>", "effect.<id>"
	Author     string
	Role       Role
	Collection string
	ID         string
	Op         Op
	Set        map[string]Value
	Add        map[string][]string // elements of sets
	Remove     map[string][]string
	Strict     *Seq // version the author saw; any touched field changed since is stale_version
	// At is the version of the scope that the write was worked out from: if anything was
	// committed since, it is stale_version. nil: whatever it is.
	At     *Seq
	Create bool // the record must be new; the same content again is no change
	// Late makes it a phone's edit that came too late: whatever a phone's edit is
	// asked is asked, for the right given there, which Role follows.
	Late *Late
	// Decide makes it the last word on its name, kept for ever: Applied if it is
	// made, Rejected if it never will be, and then nothing is written. The same
	// word again changes nothing, the other one is "conflict". "" for most.
	Decide Outcome
	// Must decides whether the write may happen, with the access list of the
	// commit. May be nil.
	Must func(v View, access []Grant) *Reject
}

// server carries out an edit of the server's own. A nil answer means that it
// stands, changed or not.
func (w *work) server(sw ServerWrite) *Reject {
	c, ok := w.in.Schema.Collection(sw.Collection)
	if !ok || c.Scope != ScopeKind(w.in.Scope) {
		return reject("unknown_collection", "collection")
	}
	if sw.At != nil && w.in.Applied != *sw.At {
		return reject("stale_version", "")
	}
	if sw.Must != nil {
		if r := sw.Must(w, w.access); r != nil {
			return r
		}
	}
	if sw.Late != nil {
		sw.Role, sw.Set = sw.Late.Right.Role, c.unseen(sw.Set)
	}
	k := Key{sw.Collection, sw.ID}
	wr := &Write{Mutation: sw.Name, Author: sw.Author, Role: sw.Role, Seq: w.seq, Time: w.time, Stamp: w.time}
	old := w.get(k)
	if old != nil && done(old, sw.Name) {
		return nil
	}
	if gone := w.goneFor(c, sw, old); gone {
		if sw.Create && old != nil {
			return nil // it was made, and deleted, long ago
		}
		return reject("record_gone", "id")
	}
	if sw.Create && old != nil {
		for name, v := range sw.Set {
			if f := c.fields[name]; sw.Late != nil && f != nil && f.Policy == Server {
				continue // it is left out
			}
			if !bytes.Equal(old.Fields[name], v) && !(Null(v) && old.Fields[name] == nil) {
				return reject("id_reuse", name)
			}
		}
		return nil
	}
	switch {
	case old == nil && !sw.Create && sw.Late != nil:
		return reject("record_unknown", "id")
	case old == nil && !sw.Create:
		return reject("not_found", "")
	}
	if c.Parent != "" && old == nil {
		sw.Set = w.seeAll(c, sw.Set)
	}
	ed, r := w.ask(c, sw, old)
	if r != nil {
		return r
	}
	ed.wr, ed.rec = wr, w.edit(k)
	if ed.rec == nil {
		ed.rec = w.create(c, k, wr, "", ed.corrected)
	}
	ed.carryOut(sw.Op)
	w.author[k] = sw.Author
	w.out.Changed = true
	w.out.Lines = append(w.out.Lines, Line{sw.Name, sw.Author, Hash{}, w.time, Verdict{Outcome: Applied}})
	return nil
}

// goneFor reports whether nothing is left of the record that a server's write is
// about, or of the one that it is an operation on.
func (w *work) goneFor(c *Collection, sw ServerWrite, old *Record) bool {
	if old != nil || c.Parent == "" {
		return old != nil && old.Gone
	}
	parent := w.get(Key{c.Parent, AsString(sw.Set[c.ParentField])})
	return parent != nil && parent.Gone
}

// seeAll adds to an operation of the server's own what its author had on the
// screen: every operation that is stored, unless it says so itself.
func (w *work) seeAll(c *Collection, set map[string]Value) map[string]Value {
	if _, said := set["seen"]; said {
		return set
	}
	seen := []string{}
	for _, o := range Undominated(w.Operations(c.Name, AsString(set[c.ParentField]))) {
		seen = append(seen, o.ID)
	}
	set = maps.Clone(set)
	set["seen"] = Encode(seen)
	return set
}

// online puts an online edit by a person to the same rules as a phone's. What
// the server does by itself is not questioned.
func (w *work) online(c *Collection, sw ServerWrite, old *Record, ch *changes) *Reject {
	if sw.Role == System || sw.Role == "" {
		return nil
	}
	a := Attempt{View: w, Author: sw.Author, Role: sw.Role, Op: sw.Op, Create: old == nil, ID: sw.ID, Set: ch.set, Corrected: w.time, Online: true,
		w: w, c: c, rec: old, sees: everything, below: everything, heard: w.time}
	if old != nil {
		a.Before = old.Row
	}
	if c.Ignore != nil {
		ch.leave(c.Ignore(a))
	}
	if c.Allow != nil {
		if r := c.Allow(a); r != nil {
			return r
		}
	}
	ed := &edit{w: w, c: c, m: &Mutation{Op: sw.Op}, sees: everything, set: ch.set, changes: ch.list}
	for _, ask := range []func(*Record) *Reject{ed.fixed, func(*Record) *Reject { return ed.checkReferences() }, ed.checkSizes} {
		if r := ask(old); r != nil {
			return r
		}
	}
	if c.Parent == "" || old != nil {
		return nil
	}
	_, r := w.legal(c, a, nil)
	return r
}

func everything(*Write) bool { return true }

// done reports whether the server's write of that name is in the record.
func done(r *Record, name string) bool {
	for _, heads := range r.Slots {
		for _, h := range heads {
			if h.Write.Mutation == name {
				return true
			}
		}
	}
	return false
}

// strictly refuses an online edit of a field that changed after the version
// its author saw.
func strictly(old *Record, sw ServerWrite, set []change) *Reject {
	if sw.Strict == nil || old == nil {
		return nil
	}
	if sw.Op != Put && old.Version != *sw.Strict {
		return reject("stale_version", "")
	}
	for _, ch := range set {
		slot := ch.slot
		if ch.field.Policy == Server {
			slot = served
		}
		for _, h := range old.Slots[slot] {
			if h.Write.Seq > *sw.Strict {
				return reject("stale_version", ch.field.Name)
			}
		}
	}
	return nil
}
