package merge

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// change is one slot that a mutation writes.
type change struct {
	slot  string
	field *Field   // policy and rights; for a group its first member
	path  []string // list, key, item field; nil for a plain field
	value Value
}

// changes is everything that a mutation writes.
type changes struct {
	list    []change
	ignored []string         // server fields, left out
	set     map[string]Value // canonical values by field, for rules
}

// leave takes plain fields out of the edit and reports them.
func (ch *changes) leave(fields []string) {
	for _, name := range fields {
		if _, named := ch.set[name]; named {
			delete(ch.set, name)
			ch.list = slices.DeleteFunc(ch.list, func(c change) bool { return c.slot == name })
			ch.ignored = append(ch.ignored, name)
		}
	}
	slices.Sort(ch.ignored)
}

// Permits asks whether a role may write all this, and whether it is of the right
// types. Fields of the server are nobody's to write.
func (c *Collection) Permits(set map[string]Value, add, remove map[string][]string, role Role) *Reject {
	ch, r := c.parse(set, add, remove, role)
	if r == nil && len(ch.ignored) > 0 {
		r = reject("forbidden", "set."+ch.ignored[0])
	}
	return r
}

var itemKey = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// parse checks what a mutation writes against types and rights of role, and
// brings it into canonical form. System may write server fields.
func (c *Collection) parse(set map[string]Value, add, remove map[string][]string, role Role) (changes, *Reject) {
	out := changes{set: make(map[string]Value, len(set)), list: make([]change, 0, len(set))}
	var groups map[string]map[string]Value // nil: none yet, as in most
	for _, name := range sortedKeys(set) {
		f, ok := c.fields[name]
		if !ok {
			return out, reject("unknown_field", "set."+name)
		}
		if f.Policy == Server && role != System {
			out.ignored = append(out.ignored, name)
			continue
		}
		if r := c.parseField(&out, f, set[name], role); r != nil {
			return out, r
		}
		if f.Group != "" {
			if groups == nil {
				groups = map[string]map[string]Value{}
			}
			if groups[f.Group] == nil {
				groups[f.Group] = map[string]Value{}
			}
			groups[f.Group][name] = out.set[name]
		}
	}
	for _, name := range sortedKeys(groups) {
		for _, m := range c.groups[name] {
			if _, named := groups[name][m.Name]; !named {
				return out, reject("group_incomplete", "set."+m.Name)
			}
		}
		out.list = append(out.list, change{slot: name, field: c.groups[name][0], value: Encode(groups[name])})
	}
	for i, part := range []map[string][]string{add, remove} {
		if r := c.parseElements(&out, []string{"add", "remove"}[i], part, role, i == 0); r != nil {
			return out, r
		}
	}
	return out, nil
}

func (c *Collection) parseField(out *changes, f *Field, raw Value, role Role) *Reject {
	switch {
	case f.Policy == Each:
		return f.parseItems(out, raw, role)
	case f.Policy == Set: // changed by add and remove only
		return reject("invalid_value", "set."+f.Name)
	case !may(f, role):
		return reject("forbidden", "set."+f.Name)
	}
	v, where, ok := f.value(raw)
	if f.Policy == Server { // the server's own values, whatever a person typed into them
		v, where, ok = trusted(raw)
	}
	if !ok {
		return reject("invalid_value", "set."+f.Name+where)
	}
	out.set[f.Name] = v
	if f.Group == "" {
		out.list = append(out.list, change{slot: f.Name, field: f, value: v})
	}
	return nil
}

// value checks one value of a field like Type.Check; null clears it.
func (f *Field) value(raw Value) (v Value, where string, ok bool) {
	if Null(raw) {
		return nullValue, "", !f.Required
	}
	return f.Type.Check(raw)
}

// trusted takes a value of the server's own: it must be JSON and nothing more.
func trusted(raw Value) (v Value, where string, ok bool) {
	v, err := Canonical(raw)
	return v, "", err == nil
}

func (f *Field) parseItems(out *changes, raw Value, role Role) *Reject {
	path := "set." + f.Name
	var items map[string]map[string]Value
	if err := json.Unmarshal(raw, &items); err != nil || (f.Max > 0 && len(items) > f.Max) {
		return reject("invalid_value", path)
	}
	for _, key := range sortedKeys(items) {
		if !itemKey.MatchString(key) {
			return reject("invalid_value", path+"."+key)
		}
		for _, name := range sortedKeys(items[key]) {
			at := path + "." + key + "." + name
			sub := f.item(name)
			if sub == nil {
				return reject("unknown_field", at)
			}
			if sub.Policy == Server && role != System {
				out.ignored = append(out.ignored, strings.TrimPrefix(at, "set."))
				continue
			}
			if !may(sub, role) {
				return reject("forbidden", at)
			}
			v, where, ok := sub.value(items[key][name])
			if !ok {
				return reject("invalid_value", at+where)
			}
			out.list = append(out.list, change{slot: f.Name + "/" + key + "/" + name, field: sub, path: []string{f.Name, key, name}, value: v})
		}
	}
	return nil
}

func (c *Collection) parseElements(out *changes, what string, part map[string][]string, role Role, present bool) *Reject {
	for _, name := range sortedKeys(part) {
		path := what + "." + name
		f, ok := c.fields[name]
		switch {
		case !ok:
			return reject("unknown_field", path)
		case f.Policy == Server && role != System:
			out.ignored = append(out.ignored, name)
			continue
		case f.Policy != Set:
			return reject("invalid_value", path)
		case !may(f, role):
			return reject("forbidden", path)
		}
		for _, e := range part[name] {
			v, _, ok := f.Type.Check(Str(e))
			if !ok {
				return reject("invalid_value", path)
			}
			slot := name + "/" + AsString(v)
			if slices.ContainsFunc(out.list, func(ch change) bool { return ch.slot == slot }) {
				return reject("invalid_value", path) // twice, or added and removed at once
			}
			out.list = append(out.list, change{slot: slot, field: f, value: Flag(present)})
		}
	}
	return nil
}

func may(f *Field, role Role) bool { return role == System || slices.Contains(f.Write, role) }

// References lists the records of its scope that a mutation of the collection
// refers to; an operation refers to its parent.
func (c *Collection) References(m *Mutation) (out []Key) {
	visit := func(collection, id string) { out = append(out, Key{collection, id}) }
	for _, name := range sortedKeys(m.Set) {
		if f := c.fields[name]; f != nil {
			f.Type.references(m.Set[name], visit)
		}
		if c.Parent != "" && name == c.ParentField {
			visit(c.Parent, AsString(m.Set[name]))
		}
	}
	for _, name := range sortedKeys(m.Add) {
		if f := c.fields[name]; f != nil && f.Type.To != "" {
			for _, e := range m.Add[name] {
				visit(f.Type.To, e)
			}
		}
	}
	return out
}

// references collects the ids that a value of type t refers to, by collection.
func (t *Type) references(v Value, out func(collection, id string)) {
	if Null(v) {
		return
	}
	switch t.Kind {
	case Reference:
		if t.To != "" {
			out(t.To, AsString(v))
		}
	case List:
		var items []Value
		if json.Unmarshal(v, &items) == nil {
			for _, i := range items {
				t.Of.references(i, out)
			}
		}
	case Object:
		var members map[string]Value
		if json.Unmarshal(v, &members) == nil {
			for _, m := range t.Members {
				m.Type.references(members[m.Name], out)
			}
		}
	}
}
