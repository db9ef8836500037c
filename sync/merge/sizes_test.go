package merge_test

import (
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

func TestAFieldHoldsNoMoreThanItsAuthorCouldCount(t *testing.T) {
	label := text("labels", merge.Set)
	label.Max = 2
	s, err := merge.NewSchema(1, journal(), &merge.Collection{Name: "thing", Scope: "box", Create: everyone, Fields: []merge.Field{label,
		{Name: "list", Policy: merge.Each, Max: 2, Item: []merge.Field{text("label", merge.Latest)}}}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, s)
	k := thingID("1")
	add := func(p *mergetest.Phone, base *merge.Base, add, remove []string) merge.Answer {
		m := put(k, base, b.now, nil)
		m.Add, m.Remove = map[string][]string{"labels": add}, map[string][]string{"labels": remove}
		return b.send(p, p.Item(b.Name, m))[0]
	}
	if a := add(b.owner, nil, []string{"a"}, nil); a.Outcome != merge.Applied {
		t.Fatalf("first: %+v", a)
	}
	base := b.base()
	if a := add(b.owner, base, []string{"b", "c"}, nil); a.Code != "too_many_items" {
		t.Errorf("three on one screen: %+v", a)
	}
	if a := add(b.owner, base, []string{"b"}, nil); a.Outcome != merge.Applied {
		t.Errorf("two: %+v", a)
	}
	if a := add(b.staff, base, []string{"c"}, nil); a.Outcome != merge.Applied {
		t.Errorf("a third, by somebody who saw one: %+v", a)
	}
	if a := add(b.staff, b.base(), []string{"d"}, nil); a.Code != "too_many_items" {
		t.Errorf("a fourth, by somebody who saw three: %+v", a)
	}
	if a := add(b.staff, b.base(), nil, []string{"c"}); a.Outcome != merge.Applied {
		t.Errorf("taking one away: %+v", a)
	}
	items := map[string]map[string]string{}
	for i := range 3 {
		items[fmt.Sprint("k", i)] = map[string]string{"label": "x"}
	}
	one := put(k, b.base(), b.now, map[string]merge.Value{"list": merge.Encode(map[string]map[string]string{"k0": {"label": "x"}})})
	if a := b.send(b.owner, b.owner.Item(b.Name, one))[0]; a.Outcome != merge.Applied {
		t.Errorf("one item: %+v", a)
	}
	two := put(k, b.base(), b.now, map[string]merge.Value{"list": merge.Encode(map[string]map[string]string{"k1": {"label": "x"}, "k2": {"label": "x"}})})
	if a := b.send(b.owner, b.owner.Item(b.Name, two))[0]; a.Code != "too_many_items" {
		t.Errorf("three items: %+v", a)
	}
}

// A phone that never shows what was written, not even by itself, lays each of its edits
// beside the others; those of a phone that does are never too many.
func TestAnEditBesideTooManyUnseenIsRefused(t *testing.T) {
	s, err := merge.NewSchema(1, journal(), &merge.Collection{Name: "thing", Scope: "box", Create: everyone, Delete: everyone, OnDelete: merge.Keep,
		Fields: []merge.Field{text("name", merge.Latest), text("color", merge.Latest)}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, s)
	k := thingID("1")
	send := func(p *mergetest.Phone, op merge.Op, base *merge.Base, set map[string]merge.Value) merge.Answer {
		m := put(k, base, b.now, set)
		m.Op = op
		return b.send(p, p.Item(b.Name, m))[0]
	}
	name := func(n int) map[string]merge.Value {
		return map[string]merge.Value{"name": merge.Str(fmt.Sprint("n", n))}
	}
	if a := send(b.owner, merge.Put, nil, name(0)); a.Outcome != merge.Applied {
		t.Fatalf("first: %+v", a)
	}
	blind := b.base()
	for n := range 256 {
		if a := send(b.owner, merge.Put, blind, name(n)); a.Outcome == merge.Rejected {
			t.Fatalf("%d beside the others: %+v", n, a)
		}
	}
	for _, late := range []struct {
		says string
		a    merge.Answer
	}{
		{"one more", send(b.owner, merge.Put, blind, name(256))},
		{"somebody else who saw none", send(b.staff, merge.Put, blind, name(257))},
		{"another field, since each says too that the record lives", send(b.owner, merge.Put, blind, map[string]merge.Value{"color": merge.Str("red")})},
		{"a delete", send(b.owner, merge.Delete, blind, nil)},
	} {
		if late.a.Code != "too_many_unseen" {
			t.Errorf("%s: %+v", late.says, late.a)
		}
	}
	if a := send(b.staff, merge.Put, b.base(), name(258)); a.Outcome != merge.Applied {
		t.Errorf("who saw them all: %+v", a)
	}
	if a := send(b.owner, merge.Put, blind, name(259)); a.Outcome == merge.Rejected {
		t.Errorf("beside one: %+v", a)
	}
}
