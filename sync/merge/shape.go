package merge

import (
	"fmt"
	"slices"
)

// Shape is what of a catalogue must not change once phones have it: kept in a
// file per version, and held against the tables ever after.
type Shape struct {
	Version     int                        `json:"version"`
	Collections map[string]CollectionShape `json:"collections"`
}

// CollectionShape is the fixed part of a collection.
type CollectionShape struct {
	Scope       string                `json:"scope"`
	Since       int                   `json:"since"`
	Delete      string                `json:"delete"`
	Immutable   bool                  `json:"immutable,omitempty"`
	Parent      string                `json:"parent,omitempty"`
	ParentField string                `json:"parent_field,omitempty"`
	Fields      map[string]FieldShape `json:"fields"`
}

// FieldShape is the fixed part of a field.
type FieldShape struct {
	Since    int                   `json:"since"`
	Policy   string                `json:"policy"`
	Group    string                `json:"group,omitempty"`
	Required bool                  `json:"required,omitempty"`
	Ranks    map[Role]int          `json:"ranks,omitempty"`
	Most     int                   `json:"most,omitempty"`
	Type     TypeShape             `json:"type"`
	Item     map[string]FieldShape `json:"item,omitempty"`
}

// TypeShape is the fixed part of a type.
type TypeShape struct {
	Kind    Kind                   `json:"kind"`
	Min     int64                  `json:"min,omitempty"`
	Max     int64                  `json:"max,omitempty"`
	Pattern string                 `json:"pattern,omitempty"`
	To      string                 `json:"to,omitempty"`
	Words   map[string]Word        `json:"words,omitempty"`
	Of      *TypeShape             `json:"of,omitempty"`
	Members map[string]MemberShape `json:"members,omitempty"`
}

// MemberShape is the fixed part of a member.
type MemberShape struct {
	Required bool      `json:"required,omitempty"`
	Type     TypeShape `json:"type"`
}

// Shape gives the shape of the schema.
func (s *Schema) Shape() Shape {
	out := Shape{Version: s.Version, Collections: map[string]CollectionShape{}}
	for _, c := range s.Collections {
		out.Collections[c.Name] = CollectionShape{Scope: c.Scope, Since: since(c.Since), Delete: c.OnDelete.String(), Immutable: c.Immutable,
			Parent: c.Parent, ParentField: c.ParentField, Fields: shapes(c.Fields, since(c.Since))}
	}
	return out
}

func shapes(fields []Field, from int) map[string]FieldShape {
	out := map[string]FieldShape{}
	for _, f := range fields {
		s := FieldShape{Since: max(since(f.Since), from), Policy: f.Policy.String(), Group: f.Group, Required: f.Required, Ranks: f.Ranks, Most: f.Max,
			Type: f.Type.shape()}
		if len(f.Item) > 0 {
			s.Item = shapes(f.Item, s.Since)
		}
		out[f.Name] = s
	}
	return out
}

func (t *Type) shape() TypeShape {
	s := TypeShape{Kind: t.Kind, Min: t.Min, Max: t.Max, To: t.To}
	if t.Pattern != nil {
		s.Pattern = t.Pattern.String()
	}
	for _, w := range t.Enum {
		if s.Words == nil {
			s.Words = map[string]Word{}
		}
		s.Words[w] = Word{Since: since(t.Words[w].Since), Older: t.Words[w].Older}
	}
	if t.Of != nil {
		of := t.Of.shape()
		s.Of = &of
	}
	for i := range t.Members {
		if s.Members == nil {
			s.Members = map[string]MemberShape{}
		}
		s.Members[t.Members[i].Name] = MemberShape{t.Members[i].Required, t.Members[i].Type.shape()}
	}
	return s
}

// Grown says what of now is no mere addition to what an app of the version old
// knows, one line each: something that is gone or is another, and what is new
// and does not say in which version it came.
func Grown(old, now Shape) (wrong []string) {
	g := growth{older: now.Version > old.Version, version: old.Version}
	for _, name := range sortedKeys(old.Collections) {
		a, b := old.Collections[name], now.Collections[name]
		if b.Fields == nil {
			g.add("collection %s is gone", name)
			continue
		}
		fixed := b
		fixed.Fields = a.Fields
		if fmt.Sprint(fixed) != fmt.Sprint(a) {
			g.add("collection %s is another: scope, since, delete, immutable or parent", name)
		}
		g.fields(name, a.Fields, b.Fields)
	}
	for name, c := range now.Collections {
		if _, known := old.Collections[name]; !known {
			g.came("collection "+name, c.Since)
		}
	}
	slices.Sort(g.wrong)
	return g.wrong
}

// growth gathers what is wrong between two shapes.
type growth struct {
	older   bool // the first is of an older version
	version int  // of the first
	wrong   []string
}

func (g *growth) add(format string, args ...any) {
	g.wrong = append(g.wrong, fmt.Sprintf(format, args...))
}

// came judges something that the older shape does not have.
func (g *growth) came(what string, in int) {
	if g.older && in <= g.version {
		g.add("%s is new and does not say since when", what)
	}
}

func (g *growth) fields(at string, old, now map[string]FieldShape) {
	for name, a := range old {
		b, there := now[name]
		where := at + "." + name
		switch {
		case !there:
			g.add("field %s is gone", where)
			continue
		case a.Policy != b.Policy, a.Group != b.Group, a.Since != b.Since, fmt.Sprint(a.Ranks) != fmt.Sprint(b.Ranks):
			g.add("field %s is another: policy, group, since or ranks", where)
		case b.Required && !a.Required:
			g.add("field %s is required now", where)
		case b.Most < a.Most:
			g.add("field %s holds less", where)
		}
		g.types(where, a.Type, b.Type)
		g.fields(where, a.Item, b.Item)
	}
	for name, b := range now {
		if _, known := old[name]; known {
			continue
		}
		g.came("field "+at+"."+name, b.Since)
		if b.Required && b.Policy != Server.String() {
			g.add("field %s.%s is new and required", at, name)
		}
	}
}

func (g *growth) types(at string, a, b TypeShape) {
	if a.Kind != b.Kind || a.To != b.To || a.Pattern != b.Pattern || (a.Of == nil) != (b.Of == nil) {
		g.add("field %s is of another type", at)
		return
	}
	if a.Kind != Enum && (b.Min > a.Min || b.Max < a.Max && b.Max != 0 || a.Max == 0 && b.Max != 0) {
		g.add("field %s has tighter limits", at)
	}
	for word, w := range a.Words {
		if now, there := b.Words[word]; !there || now != w {
			g.add("field %s: the word %s is gone or another", at, word)
		}
	}
	for word, w := range b.Words {
		if _, known := a.Words[word]; !known {
			g.came("word "+word+" of "+at, w.Since)
		}
	}
	if a.Of != nil {
		g.types(at, *a.Of, *b.Of)
	}
	for name, m := range a.Members {
		now, there := b.Members[name]
		if !there || now.Required && !m.Required {
			g.add("field %s: member %s is gone or required now", at, name)
			continue
		}
		g.types(at+"."+name, m.Type, now.Type)
	}
	if len(b.Members) > len(a.Members) && g.older {
		g.add("field %s has new members: make a new field", at)
	}
}
