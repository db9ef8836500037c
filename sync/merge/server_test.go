package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (b *box) write(sw merge.ServerWrite) merge.Answer {
	b.t.Helper()
	b.now += 1000
	out := b.Commit(b.now, []*merge.Part{{Author: sw.Author, Writes: []merge.ServerWrite{sw}}})
	if got, want := b.Sum, b.TrueSum(); got != want {
		b.t.Fatalf("sum %x, want %x", got, want)
	}
	return out.Answers[0][0][0]
}

func TestServerWrites(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	base := merge.ServerWrite{Role: merge.System, Collection: "thing", ID: k, Op: merge.Put}
	with := func(name string, change func(*merge.ServerWrite)) merge.ServerWrite {
		sw := base
		sw.Name = name
		change(&sw)
		return sw
	}
	seq := func(n merge.Seq) *merge.Seq { return &n }
	none := func(merge.View, []merge.Grant) *merge.Reject { return &merge.Reject{Code: "conflict"} }
	tests := []struct {
		name string
		sw   merge.ServerWrite
		code string
		note string // afterwards
	}{
		{"no record, no create", with("1", func(s *merge.ServerWrite) { s.Set = set("note", "a") }), "not_found", ""},
		{"a create", with("2", func(s *merge.ServerWrite) { s.Set, s.Create = set("note", "a"), true }), "", "a"},
		{"the same again under another name", with("3", func(s *merge.ServerWrite) { s.Set, s.Create = set("note", "a"), true }), "", "a"},
		{"the same id with other content", with("4", func(s *merge.ServerWrite) { s.Set, s.Create = set("note", "b"), true }), "id_reuse", "a"},
		{"a change", with("5", func(s *merge.ServerWrite) { s.Set = set("note", "b") }), "", "b"},
		{"another change", with("6", func(s *merge.ServerWrite) { s.Set = set("note", "c") }), "", "c"},
		{"a name that was used", with("6", func(s *merge.ServerWrite) { s.Set = set("note", "d") }), "", "c"},
		{"strict, on the version", with("7", func(s *merge.ServerWrite) { s.Set, s.Strict = set("note", "e"), seq(b.Applied+3) }), "", "e"},
		{"strict, the field changed since", with("8", func(s *merge.ServerWrite) { s.Set, s.Strict = set("note", "f"), seq(1) }), "stale_version", "e"},
		{"strict, another field changed", with("9", func(s *merge.ServerWrite) { s.Set, s.Strict = set("color", "f"), seq(1) }), "", "e"},
		{"strict delete of another version", with("10", func(s *merge.ServerWrite) { s.Op, s.Strict = merge.Delete, seq(1) }), "stale_version", "e"},
		{"a server field", with("11", func(s *merge.ServerWrite) { s.Set = map[string]merge.Value{"total": merge.Num(4)} }), "", "e"},
		{"strict, a server field changed since", with("12", func(s *merge.ServerWrite) { s.Set, s.Strict = map[string]merge.Value{"total": merge.Num(5)}, seq(1) }), "stale_version", "e"},
		{"a value that is no JSON", with("13", func(s *merge.ServerWrite) { s.Set = map[string]merge.Value{"total": merge.Value("x")} }), "invalid_value", "e"},
		{"what must hold does not", with("14", func(s *merge.ServerWrite) { s.Set, s.Must = set("note", "z"), none }), "conflict", "e"},
		{"the scope as it was seen", with("17", func(s *merge.ServerWrite) { s.Set, s.At = set("note", "g"), seq(b.Applied+6) }), "", "g"},
		{"the scope has moved on, elsewhere", with("18", func(s *merge.ServerWrite) { s.Set, s.At = set("color", "z"), seq(b.Applied+6) }), "stale_version", "g"},
		{"a collection of nowhere", with("15", func(s *merge.ServerWrite) { s.Collection = "nothing" }), "unknown_collection", "g"},
		{"a field of nowhere", with("16", func(s *merge.ServerWrite) { s.Set = set("nothing", "z") }), "unknown_field", "g"},
	}
	for _, tt := range tests {
		a := b.write(tt.sw)
		if a.Code != tt.code || (a.Outcome == merge.Applied) != (tt.code == "") {
			t.Errorf("%s: %+v, want %q", tt.name, a, tt.code)
		}
		if got := b.Row("thing", k).Text("note"); got != tt.note {
			t.Errorf("%s: note %q, want %q", tt.name, got, tt.note)
		}
	}
	if got := b.Row("thing", k).Int("total"); got != 4 {
		t.Errorf("total %d", got)
	}
}

// TestOnlineEditsObeyTheRules: a person at the server is asked what a phone is
// asked; the server itself is not.
func TestOnlineEditsObeyTheRules(t *testing.T) {
	s := things(t, merge.Keep)
	c, _ := s.Collection("thing")
	c.Allow = func(a merge.Attempt) *merge.Reject {
		if a.Role == merge.Admin && a.Online && !a.Create && a.Before.Text("note") == "fixed" {
			return &merge.Reject{Code: "forbidden"}
		}
		return nil
	}
	b := newBox(t, s)
	b.write(merge.ServerWrite{Name: "1", Role: merge.System, Collection: "thing", ID: thingID("1"), Op: merge.Put, Create: true, Set: set("note", "fixed")})
	if a := b.write(merge.ServerWrite{Name: "2", Author: "ua", Role: merge.Admin, Collection: "thing", ID: thingID("1"), Op: merge.Put, Set: set("note", "x")}); a.Code != "forbidden" {
		t.Errorf("an admin: %+v", a)
	}
	if a := b.write(merge.ServerWrite{Name: "3", Role: merge.System, Collection: "thing", ID: thingID("1"), Op: merge.Put, Set: set("note", "x")}); a.Outcome != merge.Applied {
		t.Errorf("the server: %+v", a)
	}
}

func TestAnEffectOnItsOwnScopeHappensAtOnce(t *testing.T) {
	s := things(t, merge.Keep)
	c, _ := s.Collection("thing")
	c.React = func(ch merge.Change) []merge.Effect {
		if !ch.New || ch.After.Text("note") != "parent" {
			return nil
		}
		return []merge.Effect{{Scope: "box/1", Collection: "thing", ID: thingID("child"), Set: set("note", ch.Author)}}
	}
	b := newBox(t, s)
	b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "parent")))
	if r := b.Row("thing", thingID("child")); r.Text("note") != "uo" || r.Version != b.Applied || len(b.Effects) != 0 {
		t.Errorf("%s, effects %v", r.EncodeFields(), b.Effects)
	}
}
