package sim

import (
	"encoding/json"
	"slices"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

type kept = replica.Kept

// leaf is one value that a mutation writes.
type leaf struct {
	field, slot string
	list, item  string // of a keyed list
	element     string // of a set
	value       merge.Value
}

// leaves takes a mutation apart.
func leaves(m merge.Mutation) []leaf {
	var out []leaf
	for name, v := range m.Set {
		var items map[string]map[string]merge.Value
		if (name == "checklist" || name == "shops") && json.Unmarshal(v, &items) == nil {
			for key, item := range items {
				for sub, v := range item {
					out = append(out, leaf{field: name, slot: name + "/" + key + "/" + sub, list: key, item: sub, value: v})
				}
			}
			continue
		}
		out = append(out, leaf{field: name, slot: name, value: v})
	}
	for present, part := range map[bool]map[string][]string{true: m.Add, false: m.Remove} {
		for name, elements := range part {
			for _, e := range elements {
				out = append(out, leaf{field: name, slot: name + "/" + e, element: e, value: merge.Flag(present)})
			}
		}
	}
	return out
}

// shown reports whether the row shows the value.
func (l leaf) shown(row merge.Row) bool {
	got := row.Fields[l.field]
	switch {
	case l.element != "":
		got = merge.Flag(slices.Contains(row.Strings(l.field), l.element))
	case l.list != "":
		var items map[string]map[string]merge.Value
		if json.Unmarshal(got, &items) != nil {
			return false
		}
		got = items[l.list][l.item]
	}
	return string(got) == string(l.value) || merge.Null(l.value) && got == nil
}
