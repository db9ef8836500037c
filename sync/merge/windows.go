package merge

import "slices"

// regrant brings the access list up to date with changed memberships and
// assignments. Windows stay; they only get an end.
func (w *work) regrant() {
	for _, k := range w.changed() {
		c := w.collection(k)
		if c.Grant == nil {
			continue
		}
		g, ok := c.Grant(w.recs[k].Row)
		i := slices.IndexFunc(w.access, func(o Grant) bool { return o.ID == k.ID })
		switch {
		case ok && i >= 0:
			if w.access[i].To != g.To {
				w.endElsewhere(k)
			}
			w.access[i] = g
		case ok:
			w.access = append(w.access, g)
		}
	}
}

// endElsewhere carries the end of a window over between a scope and the one that
// it was merged into, in either direction: whoever is let go in one of them is
// let go in both. The window has the same id in both; where it says so already,
// nothing happens.
func (w *work) endElsewhere(k Key) {
	r, c := w.recs[k], w.collection(k)
	if len(c.Ends) == 0 {
		return // it mirrors the windows of another scope, which says so itself
	}
	to := w.in.MovedTo
	if r.Born != nil && r.Born.From != "" {
		to = r.Born.From
	}
	if to == "" {
		return
	}
	set := map[string]Value{}
	for _, name := range c.Ends {
		if v := r.Fields[name]; v != nil {
			set[name] = v
		}
	}
	w.out.Effects = append(w.out.Effects, Effect{Scope: to, Collection: k.Collection, ID: k.ID, Set: set, Change: true})
}
