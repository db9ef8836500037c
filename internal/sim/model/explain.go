package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Explained finds every value that an accepted edit wrote: on the record, in
// the journal, or replaced by an accepted edit that had seen it.
func Explained(h *History) string {
	for l := range h.Edits {
		if h.Edits[l].Outcome == merge.Rejected {
			continue
		}
		m := h.Edits[l].item.Mutation
		for slot, v := range leaves(m) {
			if !h.shown(m, slot, v) && !h.journalled(m, slot, v) && !h.replaced(l, m, slot) {
				return fmt.Sprintf("%s=%s of edit %d", slot, v, l)
			}
		}
	}
	return ""
}

// leaves gives what an edit wrote, by field, or by list/key/field.
func leaves(m merge.Mutation) map[string]merge.Value {
	out := map[string]merge.Value{}
	for name, v := range m.Set {
		var items map[string]map[string]merge.Value
		if name != "list" || json.Unmarshal(v, &items) != nil {
			out[name] = v
			continue
		}
		for key, item := range items {
			for field, v := range item {
				out[name+"/"+key+"/"+field] = v
			}
		}
	}
	for present, part := range map[bool]map[string][]string{true: m.Add, false: m.Remove} {
		for name, elements := range part {
			for _, e := range elements {
				out[name+"/"+e] = merge.Flag(present)
			}
		}
	}
	if m.Op == merge.Delete {
		out["deleted"] = merge.Flag(true)
	}
	return out
}

func (h *History) shown(m merge.Mutation, slot string, v merge.Value) bool {
	row := h.Scope.Row(m.Collection, m.ID)
	if row.Deleted {
		return slot == "deleted"
	}
	got := row.Fields[slot]
	if name, element, set := strings.Cut(slot, "/"); set && !strings.Contains(element, "/") {
		got = merge.Flag(slices.Contains(row.Strings(name), element))
	}
	if path := strings.Split(slot, "/"); len(path) == 3 {
		var items map[string]map[string]merge.Value
		if json.Unmarshal(row.Fields[path[0]], &items) == nil {
			got = items[path[1]][path[2]]
		}
	}
	return string(got) == string(v) || merge.Null(v) && got == nil
}

// journalled finds the value in the journal: under its slot, or inside the
// group that the field belongs to.
func (h *History) journalled(m merge.Mutation, slot string, v merge.Value) bool {
	col, _ := h.Game.Schema.Collection(m.Collection)
	f, plain := col.Field(slot)
	return slices.ContainsFunc(h.Scope.Rows("journal"), func(j merge.Row) bool {
		switch {
		case j.Text("record") != m.ID:
			return false
		case plain && f.Group != "":
			return j.Text("field") == f.Group && strings.Contains(string(j.Fields["lost"]), string(v))
		}
		return j.Text("field") == slot && string(j.Fields["lost"]) == string(v)
	})
}

func (h *History) replaced(label int, m merge.Mutation, slot string) bool {
	for l := range h.Edits {
		o := h.Edits[l].item.Mutation
		if l == label || h.Edits[l].Outcome == merge.Rejected || o.ID != m.ID || !slices.Contains(h.covers(l), label) {
			continue
		}
		if _, wrote := leaves(o)[slot]; wrote || o.Op == merge.Delete || slot == "deleted" && o.Op != merge.Delete {
			return true
		}
	}
	return false
}

// Kept finds every accepted operation as a row that says what became of it.
func Kept(h *History) string {
	for l := range h.Edits {
		m := &h.Edits[l].item.Mutation
		r := h.Scope.Row(m.Collection, m.ID)
		switch accepted := h.Edits[l].Outcome != merge.Rejected; {
		case accepted && (r.Fields == nil || r.Text("outcome") == ""):
			return fmt.Sprintf("operation %d has no row or no outcome", l)
		case !accepted && r.Fields != nil:
			return fmt.Sprintf("operation %d was refused and is a row", l)
		}
	}
	return ""
}

// Taken says that every edit was accepted: for games whose screens offer what is
// legal and nothing else.
func Taken(h *History) string {
	for l := range h.Edits {
		if h.Edits[l].Outcome == merge.Rejected {
			return fmt.Sprintf("edit %d was on offer and is refused: %s", l, h.Edits[l].Code)
		}
	}
	return ""
}
