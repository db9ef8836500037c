package sim

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// checkDead follows every record that may be deleted through the log: what is
// dead comes back only if somebody said so, or, where an edit keeps a record
// alive, by an edit whose author had not seen the delete.
func (w *world) checkDead(h *history) error {
	died := map[merge.Key]merge.Seq{}
	for _, c := range h.log {
		for _, r := range c.Records {
			if r.Collection != memo && r.Collection != pin {
				continue
			}
			at, dead := died[r.Key()]
			switch {
			case r.Deleted && !dead:
				died[r.Key()] = c.Seq
			case !r.Deleted && dead:
				if !w.revived(h, c, r.Key(), at) {
					return broken("I9 no-resurrection", "%s of %s died at %d and is back at %d", r.Key(), h.head.Scope, at, c.Seq)
				}
				delete(died, r.Key())
			}
		}
	}
	return nil
}

// revived reports whether an edit in c may bring back what died at at.
func (w *world) revived(h *history, c *store.Commit, k merge.Key, at merge.Seq) bool {
	return slices.ContainsFunc(c.Lines, func(l merge.Line) bool {
		device, _, _ := strings.Cut(l.Mutation, "/")
		e := w.made[name{h.head.Scope, device, l.Hash.String(), 0}]
		if e == nil || e.kept.Mutation.ID != k.ID || l.Verdict.Outcome == merge.Rejected {
			return false
		}
		m := e.kept.Mutation
		unseen := m.Base == nil || m.Base.Generation != c.Generation || m.Base.Version < at
		return m.Op == merge.Undelete || m.Op == merge.Put && k.Collection == memo && unseen
	})
}
