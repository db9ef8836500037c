package merge_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// versions is a catalogue of four versions, up to the one asked for.
func versions(t testing.TB, version int) *merge.Schema {
	t.Helper()
	words := merge.Type{Kind: merge.Enum, Enum: []string{"cash", "other"}}
	c := &merge.Collection{Name: "thing", Scope: "box", Create: everyone, Fields: []merge.Field{text("note", merge.Latest),
		{Name: "pay", Type: words, Policy: merge.Latest, Write: everyone}, {Name: "ways", Type: words, Policy: merge.Set, Max: 9, Write: everyone},
		{Name: "rows", Policy: merge.Each, Max: 9, Item: []merge.Field{{Name: "pay", Type: words, Policy: merge.Latest, Write: everyone}}}}}
	all := []*merge.Collection{c}
	if version >= 2 {
		f := text("color", merge.Latest)
		f.Since = 2
		c.Fields = append(c.Fields, f)
	}
	if version >= 3 {
		all = append(all, &merge.Collection{Name: "lid", Scope: "lid", Since: 3, Create: everyone, Fields: []merge.Field{text("note", merge.Latest)}})
	}
	if version >= 4 {
		grown := merge.Type{Kind: merge.Enum, Enum: []string{"cash", "other", "qris", "bon"}, Words: map[string]merge.Word{"qris": {Since: 4, Older: "other"}, "bon": {Since: 4}}}
		c.Fields[1].Type, c.Fields[2].Type, c.Fields[3].Item[0].Type = grown, grown, grown
	}
	s, err := merge.NewSchema(version, all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARowIsCastForTheAppThatReadsIt(t *testing.T) {
	s := versions(t, 4)
	const row = `{"color":"red","note":"x","pay":"qris","rows":{"a":{"pay":"bon"},"b":{"pay":"qris"}},"ways":["bon","cash","other","qris"]}`
	for _, tt := range []struct {
		version          int
		collection, want string
	}{
		{4, "thing", row},
		{9, "thing", row},
		{3, "thing", `{"color":"red","note":"x","pay":"other","rows":{"a":{},"b":{"pay":"other"}},"ways":["cash","other"]}`},
		{1, "thing", `{"note":"x","pay":"other","rows":{"a":{},"b":{"pay":"other"}},"ways":["cash","other"]}`},
		{3, "lid", row},
		{2, "lid", `{}`},
		{1, "never heard of", row},
	} {
		if got := s.Cast(tt.version, tt.collection, json.RawMessage(row)); string(got) != tt.want {
			t.Errorf("%s for %d: %s", tt.collection, tt.version, got)
		}
	}
}

func TestOnlyScopesThatHoldSomethingNewDiffer(t *testing.T) {
	s := versions(t, 4)
	for _, tt := range []struct {
		kind string
		a, b int
		want bool
	}{{"box", 1, 2, true}, {"box", 2, 3, false}, {"box", 3, 4, true}, {"box", 4, 3, true}, {"lid", 1, 2, false}, {"lid", 2, 3, true}, {"lid", 3, 4, false},
		{"user", 1, 4, false}, {"box", 4, 4, false}} {
		if got := s.Differs(tt.kind, tt.a, tt.b); got != tt.want {
			t.Errorf("%s between %d and %d: %t", tt.kind, tt.a, tt.b, got)
		}
	}
}

// TestCastingStepByStepIsCasting is a law: what an app of an old version reads is
// the same, whoever stood between.
func TestCastingStepByStepIsCasting(t *testing.T) {
	s := versions(t, 4)
	word := rapid.SampledFrom([]string{"cash", "other", "qris", "bon"})
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfDistinct(word, rapid.ID[string]).Draw(t, "ways")
		slices.Sort(set)
		row := merge.Row{Fields: map[string]merge.Value{"note": merge.Str("x"), "color": merge.Str("y"), "pay": merge.Str(word.Draw(t, "pay")), "ways": merge.Encode(set)}}
		low, high := rapid.IntRange(1, 4).Draw(t, "low"), rapid.IntRange(1, 4).Draw(t, "high")
		whole := row.EncodeFields()
		if low > high {
			low, high = high, low
		}
		if got, want := s.Cast(low, "thing", s.Cast(high, "thing", whole)), s.Cast(low, "thing", whole); string(got) != string(want) {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func TestTablesThatDoNotGrowAreRefused(t *testing.T) {
	f := func(change func(*merge.Field)) *merge.Collection {
		n := text("new", merge.Latest)
		n.Since = 2
		change(&n)
		old := text("old", merge.Latest)
		old.Group = n.Group
		return &merge.Collection{Name: "a", Fields: []merge.Field{old, n}}
	}
	words := func(w map[string]merge.Word) func(*merge.Field) {
		return func(f *merge.Field) {
			f.Type = merge.Type{Kind: merge.Enum, Enum: []string{"x", "y"}, Words: w}
		}
	}
	for want, c := range map[string]*merge.Collection{
		"cannot be required":        f(func(f *merge.Field) { f.Required = true }),
		"of different versions":     f(func(f *merge.Field) { f.Group = "g" }),
		"the schema is version 2":   f(func(f *merge.Field) { f.Since = 3 }),
		"not in the enum":           f(words(map[string]merge.Word{"z": {Since: 2}})),
		"is not an older word":      f(words(map[string]merge.Word{"x": {Since: 2}, "y": {Since: 2, Older: "x"}})),
		"words of a group cannot":   f(func(f *merge.Field) { words(map[string]merge.Word{"y": {Since: 2}})(f); f.Since, f.Group = 0, "g" }),
		"older than its collection": {Name: "a", Since: 2, Fields: []merge.Field{{Name: "x", Type: merge.Type{Kind: merge.Text}, Since: 1}}},
	} {
		if _, err := merge.NewSchema(2, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestWhatIsNoAdditionIsNamed changes a catalogue in every way that would hurt an
// app that knows it.
func TestWhatIsNoAdditionIsNamed(t *testing.T) {
	old := versions(t, 1).Shape()
	if wrong := merge.Grown(old, versions(t, 4).Shape()); len(wrong) > 0 {
		t.Errorf("four versions that only grow: %q", wrong)
	}
	copied := func() (s merge.Shape) {
		b, err := json.Marshal(versions(t, 4).Shape())
		if err != nil || json.Unmarshal(b, &s) != nil {
			t.Fatal(err)
		}
		return s
	}
	field := func(name string, change func(*merge.FieldShape)) func(merge.Shape) {
		return func(s merge.Shape) {
			f := s.Collections["thing"].Fields[name]
			change(&f)
			s.Collections["thing"].Fields[name] = f
		}
	}
	for want, change := range map[string]func(merge.Shape){
		"collection thing is gone":     func(s merge.Shape) { delete(s.Collections, "thing") },
		"field thing.note is gone":     func(s merge.Shape) { delete(s.Collections["thing"].Fields, "note") },
		"field thing.note is another":  field("note", func(f *merge.FieldShape) { f.Policy = "once" }),
		"field thing.note is of":       field("note", func(f *merge.FieldShape) { f.Type.Kind = merge.Int }),
		"field thing.note is required": field("note", func(f *merge.FieldShape) { f.Required = true }),
		"tighter limits":               field("note", func(f *merge.FieldShape) { f.Type.Min = 50 }),
		"holds less":                   field("ways", func(f *merge.FieldShape) { f.Most = 3 }),
		"the word cash":                field("pay", func(f *merge.FieldShape) { delete(f.Type.Words, "cash") }),
		"word bon of thing.pay is new": field("pay", func(f *merge.FieldShape) { f.Type.Words["bon"] = merge.Word{Since: 1} }),
		"color is new and does not":    field("color", func(f *merge.FieldShape) { f.Since = 1 }),
		"collection lid is new": func(s merge.Shape) {
			c := s.Collections["lid"]
			c.Since = 1
			s.Collections["lid"] = c
		},
	} {
		now := copied()
		change(now)
		if wrong := merge.Grown(old, now); !slices.ContainsFunc(wrong, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("%q is not among %q", want, wrong)
		}
	}
}
