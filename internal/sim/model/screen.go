package model

import (
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// screen is what a phone shows. Operations are replayed by the rules of the
// catalogue, as every phone does.
func (h *History) screen(p int, v view) *Screen {
	s := &Screen{Label: len(h.Edits), Phone: p, ID: editID(len(h.Edits)), Base: &v.base}
	if len(h.wait[p]) > 0 {
		s.Base = h.Edits[h.wait[p][0]].item.Mutation.Base
	}
	if h.Game.Parent == "" {
		s.Row, s.Gone = v.row, v.row.Deleted
		for _, l := range h.wait[p] {
			s.Gone = h.Edits[l].item.Mutation.Op == merge.Delete
		}
		return s
	}
	c, _ := h.Game.Schema.Collection(h.Game.Parent)
	var stored, all []merge.Row
	for _, child := range h.Game.Schema.Children(c) {
		stored = append(stored, h.first.Rows(child.Name)...)
	}
	for _, l := range v.read {
		if h.Edits[l].Outcome != merge.Rejected {
			stored = append(stored, h.Edits[l].row)
		}
	}
	for _, o := range merge.Undominated(stored) {
		s.Seen = append(s.Seen, o.ID)
	}
	all = stored
	for _, l := range h.wait[p] {
		all = append(all, h.Edits[l].row)
		if !slices.Contains(s.Seen, editID(l)) {
			s.Seen = append(s.Seen, editID(l))
		}
	}
	s.Row = h.past[0].Row(c.Name, record())
	slices.SortFunc(all, func(a, b merge.Row) int { return strings.Compare(a.ID, b.ID) })
	s.State = merge.AsString(c.Derive(replay(all), s.Row).Fields["state"])
	return s
}

// console is what the server shows to somebody online.
func (h *History) console(p int) *Screen {
	row := h.Scope.Row(h.Game.about(), record())
	return &Screen{Label: len(h.Edits), Phone: p, ID: editID(len(h.Edits)), Row: row, State: row.Text("state"), Gone: row.Deleted}
}

// replay is the view of a phone that knows these operations and nothing else.
type replay []merge.Row

func (r replay) Row(string, string) (merge.Row, bool) { return merge.Row{}, false }
func (r replay) Tagged(string) []merge.Row            { return nil }
func (r replay) Operations(collection, _ string) []merge.Row {
	if len(r) > 0 && r[0].Collection != collection {
		return nil
	}
	return r
}
func (r replay) Scope() string     { return "" }
func (r replay) Now() merge.Millis { return start }
