package merge

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Word says since which version an enum has a word, and what an app of an older
// one reads in its place: an older word, or nothing if Older is "".
type Word struct {
	Since int
	Older string
}

// since reads a Since of the tables: 0 is the first version.
func since(n int) int { return max(n, 1) }

// Extended is the collection with more fields, as a later version of a catalogue
// has it. The collection itself stays as it is.
func (c *Collection) Extended(more ...Field) *Collection {
	out := *c
	declared := c.declared
	if c.fields == nil {
		declared = c.Fields
	}
	out.Fields = append(slices.Clone(declared), more...)
	out.fields, out.groups, out.declared, out.newest = nil, nil, nil, 0
	return &out
}

// grow checks what is newer than the first version, and notes the newest. A new
// field is never required and joins no group, or an older app could not write the
// record any more; the words of a group do not grow, or an older app that writes
// one member would write back what it read of another.
func (c *Collection) grow() error {
	c.newest = since(c.Since)
	for i := range c.Fields {
		f := &c.Fields[i]
		if f.Since != 0 && since(f.Since) < since(c.Since) {
			return fmt.Errorf("field %s is older than its collection", f.Name)
		}
		if since(f.Since) > since(c.Since) && f.Required {
			return fmt.Errorf("field %s: a new field cannot be required", f.Name)
		}
		for _, m := range c.groups[f.Group] {
			if f.Group != "" && since(m.Since) != since(f.Since) {
				return fmt.Errorf("members of group %s are of different versions", f.Group)
			}
		}
		n, err := f.newest()
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		if f.Group != "" && n > max(since(f.Since), since(c.Since)) {
			return fmt.Errorf("field %s: the words of a group cannot grow", f.Name)
		}
		c.newest = max(c.newest, n)
	}
	return nil
}

// newest is the newest version that the field has something of.
func (f *Field) newest() (int, error) {
	n, err := f.Type.newest()
	n = max(n, since(f.Since))
	for i := range f.Item {
		m, bad := f.Item[i].newest()
		if n = max(n, m); bad != nil {
			return n, fmt.Errorf("item field %s: %w", f.Item[i].Name, bad)
		}
		if f.Item[i].Required && since(f.Item[i].Since) > since(f.Since) {
			return n, fmt.Errorf("item field %s: a new field cannot be required", f.Item[i].Name)
		}
	}
	return n, err
}

func (t *Type) newest() (n int, err error) {
	n = 1
	for _, word := range sortedKeys(t.Words) {
		w := t.Words[word]
		switch {
		case !slices.Contains(t.Enum, word):
			return n, fmt.Errorf("word %q is not in the enum", word)
		case w.Older != "" && (!slices.Contains(t.Enum, w.Older) || since(t.Words[w.Older].Since) >= since(w.Since)):
			return n, fmt.Errorf("word %q: %q is not an older word", word, w.Older)
		}
		n = max(n, since(w.Since))
	}
	parts := make([]*Type, 0, len(t.Members)+1)
	if t.Of != nil {
		parts = append(parts, t.Of)
	}
	for i := range t.Members {
		parts = append(parts, &t.Members[i].Type)
	}
	for _, p := range parts {
		m, bad := p.newest()
		if n = max(n, m); bad != nil {
			return n, bad
		}
	}
	return n, nil
}

// Differs reports whether rows of scopes of that kind may look different to apps
// of two versions.
func (s *Schema) Differs(kind string, a, b int) bool {
	if a > b {
		a, b = b, a
	}
	return a < b && slices.ContainsFunc(s.Collections, func(c *Collection) bool { return c.Scope == kind && c.newest > a && c.between(a, b) })
}

// between reports whether something of the collection came after version a, at or
// before b.
func (c *Collection) between(a, b int) bool {
	in := func(n int) bool { return since(n) > a && since(n) <= b }
	return in(c.Since) || slices.ContainsFunc(c.Fields, func(f Field) bool { return f.between(in) })
}

func (f *Field) between(in func(int) bool) bool {
	return in(f.Since) || f.Type.between(in) || slices.ContainsFunc(f.Item, func(i Field) bool { return i.between(in) })
}

func (t *Type) between(in func(int) bool) bool {
	for _, w := range t.Words {
		if in(w.Since) {
			return true
		}
	}
	return t.Of != nil && t.Of.between(in) || slices.ContainsFunc(t.Members, func(m Member) bool { return m.Type.between(in) })
}

// Cast is a row as an app of that version reads it: without the fields that it
// does not know, with older words for those it does not know. A row of a
// collection that it does not know has no fields; it is still a row, with its
// version, so that every app has the same hash.
func (s *Schema) Cast(version int, collection string, fields json.RawMessage) json.RawMessage {
	c, ok := s.byName[collection]
	if !ok || c.newest <= version {
		return fields
	}
	if since(c.Since) > version {
		return json.RawMessage(`{}`)
	}
	row := Row{}
	if json.Unmarshal(fields, &row.Fields) != nil {
		panic("merge: a row does not decode")
	}
	for name, v := range row.Fields {
		f := c.fields[name]
		if f == nil {
			continue
		}
		if v = f.cast(version, v); v == nil {
			delete(row.Fields, name)
		} else {
			row.Fields[name] = v
		}
	}
	return row.EncodeFields()
}

// cast is a field's value for an older app, or nil: nothing.
func (f *Field) cast(version int, v Value) Value {
	switch {
	case since(f.Since) > version:
		return nil
	case f.Policy == Set:
		all := Type{Kind: List, Of: &f.Type}
		return all.cast(version, v)
	case f.Policy != Each:
		return f.Type.cast(version, v)
	}
	var items map[string]map[string]Value
	if json.Unmarshal(v, &items) != nil {
		return v
	}
	for _, item := range items {
		for name, member := range item {
			i := f.item(name)
			if i == nil {
				continue
			}
			if member = i.cast(version, member); member == nil {
				delete(item, name)
			} else {
				item[name] = member
			}
		}
	}
	return Encode(items)
}

// cast is a value for an older app, or nil: nothing.
func (t *Type) cast(version int, v Value) Value {
	switch t.Kind {
	case Enum:
		word := AsString(v)
		for since(t.Words[word].Since) > version {
			if word = t.Words[word].Older; word == "" {
				return nil
			}
		}
		return Str(word)
	case List:
		var all []Value
		if t.Of == nil || json.Unmarshal(v, &all) != nil {
			return v
		}
		out := []Value{}
		for _, e := range all {
			if e = t.Of.cast(version, e); e != nil && !(t.Of.Kind == Enum && slices.ContainsFunc(out, func(o Value) bool { return string(o) == string(e) })) {
				out = append(out, e)
			}
		}
		return Encode(out)
	case Object:
		var members map[string]Value
		if json.Unmarshal(v, &members) != nil {
			return v
		}
		for i := range t.Members {
			m := &t.Members[i]
			old, there := members[m.Name]
			if !there {
				continue
			}
			if members[m.Name] = m.Type.cast(version, old); members[m.Name] == nil {
				if m.Required {
					return nil
				}
				delete(members, m.Name)
			}
		}
		return Encode(members)
	}
	return v
}
