package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func (b *box) refused(name string, a merge.Answer, code string) {
	b.t.Helper()
	if a.Outcome != merge.Rejected || a.Code != code || a.Quarantine == "" {
		b.t.Errorf("%s: %+v, want %s", name, a, code)
	}
}

func TestEditsOfWhatNeverCame(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	bad := b.owner.Item(b.Name, put(thingID("1"), nil, b.now, set("colour", "x")))
	m := put(thingID("1"), nil, b.now, set("note", "a"))
	m.After = []merge.Ref{b.owner.Ref(bad)}
	next := b.owner.Item(b.Name, m)
	got := b.send(b.owner, bad, next)
	b.refused("the create", got[0], "unknown_field")
	b.refused("what depends on it", got[1], "depends_on_rejected")

	m.After = []merge.Ref{{Incarnation: "io", N: 99}}
	b.refused("after a name nobody knows, no create", b.send(b.owner, b.owner.Item(b.Name, m))[0], "record_unknown")
	b.refused("a base, no create", b.send(b.owner, b.owner.Item(b.Name, put(thingID("1"), b.base(), b.now, set("note", "a"))))[0], "record_unknown")

	old := b.base()
	b.Raise(b.now)
	b.refused("a base of the lost time line", b.send(b.owner, b.owner.Item(b.Name, put(thingID("1"), old, b.now, set("note", "a"))))[0], "depends_on_lost")
	b.refused("after what a restore lost", b.send(b.owner, b.owner.Item(b.Name, m))[0], "depends_on_lost")
	if n := len(b.Rows("thing")); n != 0 {
		t.Errorf("%d records live that nobody made", n)
	}
}

// TestARefusedMiddleIsNoHole: an edit after a refused one is judged without it.
func TestARefusedMiddleIsNoHole(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	first := b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a")))
	m := put(k, nil, b.now+1, set("colour", "x"))
	m.After = []merge.Ref{b.owner.Ref(first)}
	middle := b.owner.Item(b.Name, m)
	m = put(k, nil, b.now+2, set("note", "c"))
	m.After = []merge.Ref{b.owner.Ref(first), b.owner.Ref(middle)}
	got := b.send(b.owner, first, middle, b.owner.Item(b.Name, m))
	b.refused("the middle", got[1], "unknown_field")
	if got[2].Outcome != merge.Applied || b.Row("thing", k).Text("note") != "c" || len(b.Rows("journal")) != 0 {
		t.Errorf("the last: %+v, journal %v", got[2], b.Rows("journal"))
	}
}

// TestAfterCoversItsOwnContentOnly: a name with another content covers nothing.
func TestAfterCoversItsOwnContentOnly(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	base := b.base()
	second := b.owner.Item(b.Name, put(k, base, b.now, set("note", "b")))
	b.send(b.owner, second)
	m := put(k, base, b.now+100, set("note", "c"))
	ref := b.owner.Ref(second)
	ref.Hash[0]++
	m.After = []merge.Ref{ref}
	b.send(b.owner, b.owner.Item(b.Name, m))
	if j := b.Rows("journal"); len(j) != 1 || j[0].Text("lost") != "b" {
		t.Errorf("journal %v", j)
	}
	theirs := b.staff.Item(b.Name, put(k, b.base(), b.now+200, set("color", "x")))
	b.send(b.staff, theirs)
	m = put(k, base, b.now+300, set("color", "y"))
	m.After = []merge.Ref{{Incarnation: "is", N: theirs.Mutation.N, Hash: theirs.Hash}}
	b.send(b.owner, b.owner.Item(b.Name, m))
	if j := b.Rows("journal"); len(j) != 2 {
		t.Errorf("another device's edit was covered by its name: %d journal entries", len(j))
	}
}

func TestImmutableRecords(t *testing.T) {
	b := newDoor(t)
	create := func(set map[string]merge.Value) merge.Mutation {
		return merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: set}
	}
	b.send(b.owner, b.owner.Item(b.Name, create(turn("left"))))
	applied := b.Row("turn", thingID("t1")).Version
	if a := b.send(b.staff, b.staff.Item(b.Name, create(turn("left"))))[0]; a.Outcome != merge.Applied {
		t.Errorf("the same content: %+v", a)
	}
	b.refused("the same id with other content", b.send(b.staff, b.staff.Item(b.Name, create(turn("right"))))[0], "id_reuse")
	m := create(map[string]merge.Value{"how": merge.Str("right")})
	m.Base = b.base()
	b.refused("a change", b.send(b.owner, b.owner.Item(b.Name, m))[0], "immutable_field")
	b.refused("a delete", b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), Op: merge.Delete, Base: b.base(), At: at(b.now)}))[0], "forbidden")
	if r := b.Row("turn", thingID("t1")); r.Text("how") != "left" || r.Version < applied {
		t.Errorf("%s", r.EncodeFields())
	}
}

func TestReferencesAreInTheScope(t *testing.T) {
	b := newDoor(t)
	m := merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: turn("left")}
	m.Set["door"] = merge.Str(thingID("no door"))
	b.refused("a door that is not there", b.send(b.owner, b.owner.Item(b.Name, m))[0], "invalid_reference")
	m.Set = turn("left")
	delete(m.Set, "door")
	b.refused("no door", b.send(b.owner, b.owner.Item(b.Name, m))[0], "required")
}

// TestAPanicRefusesOneEdit: a defect in a rule costs the edit that met it, and
// nothing else.
func TestAPanicRefusesOneEdit(t *testing.T) {
	s := things(t, merge.Keep)
	c, _ := s.Collection("thing")
	c.Allow = func(a merge.Attempt) *merge.Reject {
		if merge.AsString(a.Set["note"]) == "boom" {
			panic("boom")
		}
		return nil
	}
	b := newBox(t, s)
	got := b.send(b.owner, b.owner.Item(b.Name, note(b, "1", "a")), b.owner.Item(b.Name, note(b, "2", "boom")), b.owner.Item(b.Name, note(b, "3", "c")))
	b.refused("the edit", got[1], "internal")
	if got[0].Outcome != merge.Applied || got[2].Outcome != merge.Applied || len(b.Rows("thing")) != 2 {
		t.Errorf("%+v", got)
	}
}
