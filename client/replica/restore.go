package replica

import (
	"encoding/json"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// RestoreEdit makes the one edit that brings back what a journal row says was
// lost: a field, every member of a group, one field of an item, an element of a
// set, or a deletion. row is a live row of collection "journal" of the scope. Do
// keeps the edit like any other: its base is the row on the screen, so it
// replaces what won, and the server notes in the journal who restored it.
//
// Errors: Invalid "immutable_field" for what no later edit can change: a field
// that is written once, and a register that keeps its earliest or latest value;
// Invalid "unknown_collection", "unknown_field" and "invalid_value" for a row
// that this app's catalogue does not understand.
func RestoreEdit(schema *merge.Schema, scope string, row merge.Row) (Edit, error) {
	ed := Edit{Scope: scope, Collection: row.Text("collection"), ID: row.Text("record"), Op: merge.Put}
	slot, lost := row.Text("field"), row.Fields["lost"]
	if lost == nil {
		lost = merge.Value("null") // the field had been cleared
	}
	col, ok := schema.Collection(ed.Collection)
	if !ok {
		return Edit{}, &fault.Error{Kind: fault.Invalid, Code: "unknown_collection", Field: "collection"}
	}
	refuse := func(code string) (Edit, error) {
		return Edit{}, &fault.Error{Kind: fault.Invalid, Code: code, Field: slot}
	}
	if slot == "deleted" {
		ed.Op = merge.Undelete
		if string(lost) == "true" {
			ed.Op = merge.Delete
		}
		return ed, nil
	}
	if group := col.Group(slot); len(group) > 0 {
		var members map[string]merge.Value
		if json.Unmarshal(lost, &members) != nil {
			return refuse("invalid_value")
		}
		ed.Set = map[string]merge.Value{}
		for _, m := range group {
			if ed.Set[m.Name] = members[m.Name]; ed.Set[m.Name] == nil {
				ed.Set[m.Name] = merge.Value("null")
			}
		}
		return ed, final(slot, group[0])
	}
	name, inner, _ := strings.Cut(slot, "/")
	f, ok := col.Field(name)
	if !ok {
		return refuse("unknown_field")
	}
	switch f.Policy {
	case merge.Set:
		elements := map[string][]string{name: {inner}}
		if string(lost) == "true" {
			ed.Add = elements
		} else {
			ed.Remove = elements
		}
		return ed, nil
	case merge.Each:
		item, sub, _ := strings.Cut(inner, "/")
		ed.Set = map[string]merge.Value{name: merge.Encode(map[string]map[string]merge.Value{item: {sub: lost}})}
		for i := range f.Item {
			if f.Item[i].Name == sub {
				return ed, final(slot, &f.Item[i])
			}
		}
		return refuse("unknown_field")
	}
	ed.Set = map[string]merge.Value{name: lost}
	return ed, final(slot, f)
}

// final is the error of a field whose value stands whatever is written later.
func final(slot string, f *merge.Field) error {
	switch f.Policy {
	case merge.Once, merge.Earliest, merge.LatestOf, merge.Server:
		return &fault.Error{Kind: fault.Invalid, Code: "immutable_field", Field: slot, Text: "no later edit changes it"}
	}
	return nil
}
