package merge_test

import (
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestTablesThatBreakARuleAreRefused(t *testing.T) {
	number := func(name string) merge.Field {
		return merge.Field{Name: name, Type: merge.Type{Kind: merge.Int}, Policy: merge.Latest, Write: everyone}
	}
	grouped := func(f merge.Field) merge.Field { f.Group = "g"; return f }
	one := func(fields ...merge.Field) []*merge.Collection {
		return []*merge.Collection{{Name: "a", Fields: fields}}
	}
	tests := []struct {
		name   string
		tables []*merge.Collection
		want   string
	}{
		{"two collections of one name", []*merge.Collection{{Name: "a"}, {Name: "a"}}, "twice"},
		{"two fields of one name", one(number("x"), number("x")), "twice"},
		{"a field of the envelope", one(number("created_at")), "twice"},
		{"a name with a slash", one(number("x/y")), "not allowed"},
		{"no name", one(number("")), "not allowed"},
		{"authority without ranks", one(text("x", merge.Authority)), "without ranks"},
		{"a set of numbers", one(merge.Field{Name: "x", Type: merge.Type{Kind: merge.Int}, Policy: merge.Set, Write: everyone}), "a set holds texts"},
		{"a keyed list of nothing", one(merge.Field{Name: "x", Policy: merge.Each}), "needs item fields"},
		{"a set in an item", one(merge.Field{Name: "x", Policy: merge.Each, Item: []merge.Field{text("y", merge.Set)}}), "no sets"},
		{"a register of texts", one(text("x", merge.Earliest)), "monotone register"},
		{"nobody may write", one(merge.Field{Name: "x", Policy: merge.Latest}), "nobody may write"},
		{"a group of two policies", one(grouped(number("x")), grouped(text("y", merge.Once))), "differ in policy"},
		{"a group called like a field", one(grouped(number("g"))), "name of a field"},
		{"a parent of nowhere", []*merge.Collection{{Name: "a", Immutable: true, Parent: "b", ParentField: "x", Fields: []merge.Field{number("x")}, Create: everyone}}, "unknown parent"},
		{"operations that may change", []*merge.Collection{{Name: "a", Parent: "a", ParentField: "x", Fields: []merge.Field{number("x")}, Create: everyone}}, "must be immutable"},
		{"a reference to nowhere", one(merge.Field{Name: "x", Type: merge.Type{Kind: merge.Reference, To: "b"}, Policy: merge.Latest, Write: everyone}), "unknown b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := merge.NewSchema(1, tt.tables...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestASchemaFindsItsTables(t *testing.T) {
	s := things(t, merge.Keep)
	c, ok := s.Collection("thing")
	if !ok || len(c.Group("money")) != 2 {
		t.Fatal("thing")
	}
	if f, ok := c.Field("note"); !ok || f.Policy.String() != "latest" || c.OnDelete.String() != "keep" {
		t.Error("note")
	}
	if again, err := merge.NewSchema(2, s.Collections...); err != nil || again.Version != 2 {
		t.Errorf("tables shared by two schemas: %v", err)
	}
	r := merge.Rank("admin > mentor > owner = staff")
	if !(r[merge.System] > r[merge.Admin] && r[merge.Admin] > r[merge.Mentor] && r[merge.Mentor] > r[merge.Owner] && r[merge.Owner] == r[merge.Staff]) {
		t.Errorf("%v", r)
	}
}

func TestWhatMayBeWritten(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	list := func(v string) merge.Mutation {
		return put(k, b.base(), b.now, map[string]merge.Value{"list": merge.Value(v)})
	}
	elements := func(add, remove []string) merge.Mutation {
		m := put(k, b.base(), b.now, nil)
		m.Add, m.Remove = map[string][]string{"labels": add}, map[string][]string{"labels": remove}
		return m
	}
	other := func(name string) merge.Mutation {
		m := put(k, b.base(), b.now, nil)
		m.Add = map[string][]string{name: {"x"}}
		return m
	}
	many := "{"
	for i := range 21 {
		many += `"k` + string(rune('a'+i)) + `":{"label":"x"},`
	}
	tests := []struct {
		name string
		m    merge.Mutation
		code string // "": taken
	}{
		{"an item", list(`{"one":{"label":"x","done":null}}`), ""},
		{"an item with another field", list(`{"one":{"colour":"x"}}`), "unknown_field"},
		{"an item with a strange key", list(`{"One/1":{"label":"x"}}`), "invalid_value"},
		{"an item with a number", list(`{"one":{"label":5}}`), "invalid_value"},
		{"a list of items", list(`[]`), "invalid_value"},
		{"too many items", list(strings.TrimSuffix(many, ",") + "}"), "invalid_value"},
		{"elements", elements([]string{"x"}, []string{"y"}), ""},
		{"an element added and removed", elements([]string{"x"}, []string{"x"}), "invalid_value"},
		{"an element twice", elements([]string{"x", "x"}, nil), "invalid_value"},
		{"a bad element", elements([]string{"\u0000"}, nil), "invalid_value"},
		{"elements of a field that is no set", other("note"), "invalid_value"},
		{"elements of nowhere", other("nothing"), "unknown_field"},
		{"elements of a server field", other("total"), ""},
		{"a set written whole", put(k, b.base(), b.now, map[string]merge.Value{"labels": merge.Encode([]string{"x"})}), "invalid_value"},
		{"clearing", put(k, b.base(), b.now, map[string]merge.Value{"note": merge.Value("null")}), ""},
		{"a register", put(k, b.base(), b.now, map[string]merge.Value{"first": merge.Num(4), "last": merge.Num(4)}), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.t = t
			a := b.send(b.owner, b.owner.Item(b.Name, tt.m))[0]
			if a.Code != tt.code || (a.Outcome == merge.Rejected) != (tt.code != "") {
				t.Errorf("%+v, want %q", a, tt.code)
			}
		})
	}
	r := b.Row("thing", k)
	if got := string(r.EncodeFields()); !strings.Contains(got, `"first":4,"labels":["x"],"last":4,"list":{"one":{"label":"x"}}`) || strings.Contains(got, "note") {
		t.Errorf("%s", got)
	}
}

func TestRightsByField(t *testing.T) {
	s := things(t, merge.Keep)
	c, _ := s.Collection("thing")
	for _, name := range []string{"note", "labels"} {
		f, _ := c.Field(name)
		f.Write = []merge.Role{merge.Owner}
	}
	f, _ := c.Field("list")
	f.Item[0].Write = []merge.Role{merge.Owner}
	f.Item[1].Policy = merge.Server
	c.Create = []merge.Role{merge.Owner}
	b := newBox(t, s)
	b.refused("a create", b.send(b.staff, b.staff.Item(b.Name, note(b, "1", "a")))[0], "forbidden")
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")))
	m := put(thingID("1"), b.base(), b.now, set("note", "b"))
	b.refused("a field", b.send(b.staff, b.staff.Item(b.Name, m))[0], "forbidden")
	m.Set, m.Add = nil, map[string][]string{"labels": {"x"}}
	b.refused("an element", b.send(b.staff, b.staff.Item(b.Name, m))[0], "forbidden")
	m.Add, m.Set = nil, map[string]merge.Value{"list": merge.Value(`{"one":{"label":"x"}}`)}
	b.refused("a field of an item", b.send(b.staff, b.staff.Item(b.Name, m))[0], "forbidden")
	m.Set = map[string]merge.Value{"list": merge.Value(`{"one":{"done":"x"}}`)}
	if a := b.send(b.staff, b.staff.Item(b.Name, m))[0]; a.Outcome != merge.Applied || len(a.Ignored) != 1 || a.Ignored[0] != "list.one.done" {
		t.Errorf("a server field of an item: %+v", a)
	}
}
