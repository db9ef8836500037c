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
