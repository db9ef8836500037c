package merge

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"
)

func cut(s string) (before, after string, found bool) { return strings.Cut(s, "/") }

// derive recomputes server fields. First every record replays its own
// operations; then records that share a tag look at each other. The second
// step reads nothing that it writes, so one round is enough.
func (w *work) derive() {
	todo := map[Key]bool{}
	for k, r := range w.recs {
		c := w.collection(k)
		if c.Derive != nil {
			todo[k] = true
		}
		if c.Parent != "" {
			todo[Key{c.Parent, r.Text(c.ParentField)}] = true
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(todo), Key.Compare) {
		w.replay(k)
	}
	related := map[string]bool{}
	for _, k := range w.changed() {
		w.retag(k, related)
	}
	w.regrant()
	maps.DeleteFunc(related, func(_ string, yes bool) bool { return !yes })
	for _, tag := range sortedKeys(related) {
		for _, r := range w.tagged(tag) {
			if c := w.collection(r.Key); c.Relate != nil && !r.Deleted {
				w.assign(r.Key, c.Relate(w, r.Row))
			}
		}
	}
}

func (w *work) collection(k Key) *Collection {
	c, ok := w.in.Schema.Collection(k.Collection)
	if !ok {
		panic("merge: stored record of an unknown collection " + k.Collection)
	}
	return c
}

// changed gives the keys of the records that this commit changes, in order. It never
// has fewer than before.
func (w *work) changed() []Key {
	if len(w.keys) != len(w.recs) {
		w.keys = make([]Key, 0, len(w.recs))
		for k := range w.recs {
			w.keys = append(w.keys, k)
		}
		slices.SortFunc(w.keys, Key.Compare)
	}
	return w.keys
}

func (w *work) replay(k Key) {
	r := w.get(k)
	c := w.collection(k)
	if r == nil || c.Derive == nil {
		return
	}
	for _, child := range w.in.Schema.Children(c) {
		w.Operations(child.Name, k.ID) // a replay always reads all of them
	}
	// Where something is missing it is taken for absent: nothing of this counts then,
	// but for what else would have to be known.
	d := c.Derive(w, r.Row)
	w.assign(k, d.Fields)
	for _, op := range slices.SortedFunc(maps.Keys(d.Operations), Key.Compare) {
		w.assign(op, d.Operations[op])
	}
}

// assign writes server fields that differ from what is there.
func (w *work) assign(k Key, fields map[string]Value) {
	r := w.get(k)
	if r == nil {
		return
	}
	for name, v := range fields { // in any order: none reads another
		if bytes.Equal(r.Fields[name], v) || (Null(v) && r.Fields[name] == nil) {
			continue
		}
		r = w.edit(k)
		setField(r.Fields, name, v)
	}
}

// retag computes the tags of a changed record and notes every tag whose
// holders may have to look at each other again.
func (w *work) retag(k Key, related map[string]bool) {
	r, c := w.recs[k], w.collection(k)
	var tags []string
	if c.Tags != nil && !r.Deleted {
		tags = c.Tags(r.Row)
		for _, t := range tags {
			related[t] = true
		}
	}
	if old := w.before[k]; old != nil {
		for _, t := range old.Tags {
			related[t] = related[t] || c.Relate != nil
		}
	}
	if c.Parent != "" {
		tags = append(tags, OperationsTag(Key{c.Parent, r.Text(c.ParentField)}))
	}
	slices.Sort(tags)
	r.Tags = slices.Compact(tags)
}

// guess is react as long as something is missing: taken for absent, as everywhere. A
// rule that fails over it says nothing.
func (w *work) guess() {
	defer func() {
		if recover() != nil {
			w.unsure = true
		}
	}()
	w.react()
}

// react names the effects of every change, in the order of the keys.
func (w *work) react() {
	for _, k := range w.changed() {
		c := w.collection(k)
		w.claim(k, c)
		if c.Mirror == nil && c.React == nil {
			continue
		}
		ch := w.change(k)
		if c.Mirror != nil {
			for _, e := range c.Mirror(ch) {
				e.Mirror = true
				w.effect(e)
			}
		}
		if c.React == nil || w.taken[k] {
			continue
		}
		for i, e := range c.React(ch) {
			e = w.named(e, k.String()+" "+string(Num(i)))
			if w.in.MovedTo != "" && c.Moved == nil { // it happens once more where the scope went, or was taken there
				e.Taken = &k
			}
			w.effect(e)
		}
	}
	none := map[string]bool{}
	for _, k := range w.changed() {
		w.retag(k, none)
	}
}

// change is what the commit does to a record.
func (w *work) change(k Key) Change {
	ch := Change{View: w, After: w.recs[k].Row, New: w.before[k] == nil, Access: w.access, Author: w.author[k], w: w}
	if old := w.before[k]; old != nil {
		ch.Before = old.Row
	}
	return ch
}

// claim names the change of every unique field of a record. One that was merged
// into another shows nothing that it would hold against that one.
func (w *work) claim(k Key, c *Collection) {
	shown := func(r *Record, f Field) string {
		if r == nil || r.Deleted || r == w.recs[k] && w.out.MovedTo != "" {
			return ""
		}
		return r.Text(f.Name)
	}
	for _, f := range c.Fields {
		if f.Unique == "" {
			continue
		}
		if old := shown(w.before[k], f); old != shown(w.recs[k], f) {
			w.out.Effects = append(w.out.Effects, Effect{Scope: w.in.Scope, Collection: k.Collection, ID: k.ID, Claim: &Claim{f.Name, old}})
		}
	}
}

func comparePages(a, b PageKey) int {
	return cmp.Or(cmp.Compare(a.About, b.About), cmp.Compare(a.Device, b.Device), cmp.Compare(a.Incarnation, b.Incarnation), cmp.Compare(a.Page, b.Page))
}
