package sim

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// back reports whether an edit that was refused for want of something should have
// been made anew: its phone sent it to a server that had been restored, and keeps
// it, and everything that it needs is there.
func (w *world) back(h *history, e *edit, code string) bool {
	m := e.kept.Mutation
	c, ok := w.schema.Collection(m.Collection)
	if !ok || !slices.Contains([]string{"depends_on_lost", "depends_on_rejected", "invalid_reference"}, code) || !w.keeps(e, func(k kept) bool { return k.Forked }) {
		return false
	}
	need := c.References(&m)
	if !m.Create() {
		need = append(need, merge.Key{Collection: m.Collection, ID: m.ID})
	}
	return !slices.ContainsFunc(need, func(k merge.Key) bool { r, ok := h.rows[k]; return !ok || r.Deleted })
}
