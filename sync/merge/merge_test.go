package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// everyone may do everything in the tables of these tests; rights have tests of
// their own.
var everyone = []merge.Role{merge.Owner, merge.Staff, merge.Mentor}

func text(name string, p merge.Policy) merge.Field {
	return merge.Field{Name: name, Type: merge.Type{Kind: merge.Text, Max: 100}, Policy: p, Write: everyone}
}

func journal() *merge.Collection { return &merge.Collection{Name: "journal", Scope: "box"} }

func things(t testing.TB, onDelete merge.DeletePolicy) *merge.Schema {
	authority := text("title", merge.Authority)
	authority.Ranks = merge.Rank("mentor > owner = staff")
	amount := merge.Field{Name: "amount", Type: merge.Type{Kind: merge.Int, Max: 1 << 40}, Policy: merge.Latest, Write: everyone, Group: "money"}
	unit := text("unit", merge.Latest)
	unit.Group = "money"
	s, err := merge.NewSchema(1, journal(), &merge.Collection{
		Name: "thing", Scope: "box", Create: everyone, Delete: everyone, OnDelete: onDelete,
		Fields: []merge.Field{
			text("note", merge.Latest), text("color", merge.Latest), text("code", merge.Once), authority, text("labels", merge.Set), amount, unit,
			{Name: "list", Policy: merge.Each, Max: 20, Item: []merge.Field{text("label", merge.Latest), text("done", merge.Latest)}},
			{Name: "first", Type: merge.Type{Kind: merge.Int, Max: 1 << 40}, Policy: merge.Earliest, Write: everyone},
			{Name: "last", Type: merge.Type{Kind: merge.Int, Max: 1 << 40}, Policy: merge.LatestOf, Write: everyone},
			{Name: "total", Type: merge.Type{Kind: merge.Int}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const day = 24 * 3600 * 1000

// box is a scope with an owner, a shop keeper and a mentor, each with a phone.
type box struct {
	*mergetest.Scope
	t                    testing.TB
	owner, staff, mentor *mergetest.Phone
	now                  merge.Millis
}

func newBox(t testing.TB, schema *merge.Schema) *box {
	b := &box{Scope: mergetest.New(schema, "box/1"), t: t, now: 1000 * day,
		owner:  &mergetest.Phone{User: "uo", Device: "do", Incarnation: "io"},
		staff:  &mergetest.Phone{User: "us", Device: "ds", Incarnation: "is"},
		mentor: &mergetest.Phone{User: "um", Device: "dm", Incarnation: "im"}}
	b.Codec = true
	b.Access = []merge.Grant{{ID: "1", User: "uo", Role: merge.Owner}, {ID: "2", User: "us", Role: merge.Staff}, {ID: "3", User: "um", Role: merge.Mentor}}
	return b
}

// at is a clock reading taken at t by a phone that booted at 0.
func at(t merge.Millis) merge.Reading { return merge.Reading{Wall: t, Mono: int64(t), Boot: "b"} }

// send pushes items of one phone and gives their answers.
func (b *box) send(p *mergetest.Phone, items ...merge.Item) []merge.Answer {
	b.now += 1000
	out := b.Commit(b.now, p.Part(at(b.now), items...))
	if got, want := b.Sum, b.TrueSum(); got != want {
		b.t.Fatalf("sum %x, want %x", got, want)
	}
	return out.Answers[0][0]
}

func (b *box) base() *merge.Base { return &merge.Base{Generation: b.Generation, Version: b.Applied} }

func put(key string, base *merge.Base, when merge.Millis, set map[string]merge.Value) merge.Mutation {
	return merge.Mutation{Collection: "thing", ID: key, Base: base, At: at(when), Set: set}
}

func set(kv ...string) map[string]merge.Value {
	m := map[string]merge.Value{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = merge.Str(kv[i+1])
	}
	return m
}

func thingID(n string) string { return id.Derive("thing", n) }

func TestConcurrentEditsMergeByField(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a", "color", "red"))))
	base := b.base()
	first := b.owner.Item(b.Name, put(k, base, b.now+100, set("note", "owner")))
	second := b.staff.Item(b.Name, put(k, base, b.now+200, set("note", "staff", "color", "blue")))
	if v := b.send(b.staff, second)[0]; v.Outcome != merge.Applied {
		t.Errorf("staff: %+v", v)
	}
	v := b.send(b.owner, first)[0]
	if v.Outcome != merge.Superseded || len(v.Lost) != 1 || v.Lost[0] != "note" || len(v.Journal) != 1 {
		t.Errorf("owner: %+v", v)
	}
	row := b.Row("thing", k)
	if row.Text("note") != "staff" || row.Text("color") != "blue" {
		t.Errorf("row %v", row.Fields)
	}
	j := b.Rows("journal")
	if len(j) != 1 || j[0].Text("lost") != "owner" || j[0].Text("kept") != "staff" || j[0].Text("lost_by") != "uo" {
		t.Errorf("journal %+v", j)
	}
	// Restore mine: an ordinary edit that has seen everything.
	if v := b.send(b.owner, b.owner.Item(b.Name, put(k, b.base(), b.now, set("note", "owner"))))[0]; v.Outcome != merge.Applied {
		t.Errorf("restore: %+v", v)
	}
	if j := b.Rows("journal"); len(j) != 1 || j[0].Text("restored_by") != "uo" {
		t.Errorf("journal after the restore %+v", j)
	}
}

func TestSendingThriceChangesNothing(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	it := b.owner.Item(b.Name, put(thingID("1"), nil, b.now, set("note", "a")))
	first := b.send(b.owner, it)[0]
	applied := b.Applied
	for range 2 {
		again := b.send(b.owner, it)[0]
		if !again.Repeated || again.Outcome != first.Outcome || again.Seq != first.Seq {
			t.Errorf("repeated answer %+v, first %+v", again, first)
		}
	}
	if b.Applied != applied {
		t.Errorf("%d commits for one mutation", b.Applied)
	}
}

func TestAuthorityIsNotOverwrittenByAConcurrentLowerRole(t *testing.T) {
	for _, mentorFirst := range []bool{true, false} {
		b := newBox(t, things(t, merge.Keep))
		k := thingID("1")
		b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("title", "start"))))
		base := b.base()
		mine := b.mentor.Item(b.Name, put(k, base, b.now+1, set("title", "mentor")))
		theirs := b.owner.Item(b.Name, put(k, base, b.now+500, set("title", "owner")))
		if mentorFirst {
			b.send(b.mentor, mine)
			b.send(b.owner, theirs)
		} else {
			b.send(b.owner, theirs)
			b.send(b.mentor, mine)
		}
		if got := b.Row("thing", k).Text("title"); got != "mentor" {
			t.Errorf("mentor first %t: title %q", mentorFirst, got)
		}
		if v := b.send(b.owner, b.owner.Item(b.Name, put(k, b.base(), b.now, set("title", "seen"))))[0]; v.Outcome != merge.Applied {
			t.Errorf("an owner who has seen the mentor's title: %+v", v)
		}
	}
}

func TestOnce(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "x"))))
	base := b.base()
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now, set("code", "first"))))
	if v := b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now, set("code", "second"))))[0]; v.Outcome != merge.Superseded || len(v.Journal) != 1 {
		t.Errorf("concurrent: %+v", v)
	}
	if v := b.send(b.staff, b.staff.Item(b.Name, put(k, b.base(), b.now, set("code", "third"))))[0]; v.Outcome != merge.Rejected || v.Code != "immutable_field" || v.Quarantine == "" {
		t.Errorf("later: %+v", v)
	}
	if got := b.Row("thing", k).Text("code"); got != "first" {
		t.Errorf("code %q", got)
	}
}

func TestSetsKeepAddsThatARemoveHadNotSeen(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	m := put(k, nil, b.now, nil)
	m.Add = map[string][]string{"labels": {"a", "b"}}
	b.send(b.owner, b.owner.Item(b.Name, m))
	base := b.base()
	add, remove := put(k, base, b.now, nil), put(k, base, b.now, nil)
	add.Add = map[string][]string{"labels": {"a"}}
	remove.Remove = map[string][]string{"labels": {"a", "b"}}
	b.send(b.staff, b.staff.Item(b.Name, add))
	v := b.send(b.owner, b.owner.Item(b.Name, remove))[0]
	if got := b.Row("thing", k).Strings("labels"); len(got) != 1 || got[0] != "a" {
		t.Errorf("labels %v", got)
	}
	if v.Outcome != merge.Merged || len(v.Lost) != 1 || v.Lost[0] != "labels/a" {
		t.Errorf("remove: %+v", v)
	}
}

func TestDeleteAgainstAConcurrentEdit(t *testing.T) {
	for _, tt := range []struct {
		policy  merge.DeletePolicy
		deleted bool
	}{{merge.Keep, false}, {merge.DeleteWins, true}} {
		for _, deleteFirst := range []bool{true, false} {
			b := newBox(t, things(t, tt.policy))
			k := thingID("1")
			b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
			base := b.base()
			del := b.owner.Item(b.Name, merge.Mutation{Collection: "thing", ID: k, Op: merge.Delete, Base: base, At: at(b.now)})
			edit := b.staff.Item(b.Name, put(k, base, b.now, set("note", "b")))
			if deleteFirst {
				b.send(b.owner, del)
				b.send(b.staff, edit)
			} else {
				b.send(b.staff, edit)
				b.send(b.owner, del)
			}
			row := b.Row("thing", k)
			if row.Deleted != tt.deleted {
				t.Errorf("%v, delete first %t: deleted %t", tt.policy, deleteFirst, row.Deleted)
			}
			if n := len(b.Rows("journal")); n != 1 {
				t.Errorf("%v, delete first %t: %d journal entries", tt.policy, deleteFirst, n)
			}
		}
	}
}

func TestRejections(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	group := put(k, b.base(), b.now, nil)
	group.Set = map[string]merge.Value{"amount": merge.Num(5)}
	stranger := &mergetest.Phone{User: "ux", Device: "dx", Incarnation: "ix"}
	tests := []struct {
		name  string
		phone *mergetest.Phone
		m     merge.Mutation
		code  string
	}{
		{"half a group", b.owner, group, "group_incomplete"},
		{"a field nobody knows", b.owner, put(k, b.base(), b.now, set("colour", "x")), "unknown_field"},
		{"a number where text belongs", b.owner, put(k, b.base(), b.now, map[string]merge.Value{"note": merge.Num(1)}), "invalid_value"},
		{"an edit of what nobody made", b.owner, put(thingID("2"), b.base(), b.now, set("note", "x")), "record_unknown"},
		{"somebody who was never let in", stranger, put(k, b.base(), b.now, set("note", "x")), "not_assigned"},
		{"a collection of nowhere", b.owner, merge.Mutation{Collection: "nothing", ID: k, At: at(b.now)}, "unknown_collection"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			effects := len(b.Effects)
			v := b.send(tt.phone, tt.phone.Item(b.Name, tt.m))[0]
			if v.Outcome != merge.Rejected || v.Code != tt.code {
				t.Errorf("%+v, want %s", v, tt.code)
			}
			if len(b.Effects) != effects+1 || b.Effects[effects].Collection != "quarantine" || b.Effects[effects].ID != v.Quarantine {
				t.Errorf("effects %+v", b.Effects[effects:])
			}
		})
	}
	v := b.send(b.owner, b.owner.Item(b.Name, put(k, b.base(), b.now, map[string]merge.Value{"total": merge.Num(9), "note": merge.Str("n")})))[0]
	if v.Outcome != merge.Applied || len(v.Ignored) != 1 || v.Ignored[0] != "total" {
		t.Errorf("a server field: %+v", v)
	}
}

func TestClonedOutboxIsRekeyed(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	clone := *b.owner
	one := b.owner.Item(b.Name, put(thingID("1"), nil, b.now, set("note", "a")))
	other := clone.Item(b.Name, put(thingID("2"), nil, b.now, set("note", "b")))
	m := put(thingID("2"), nil, b.now, set("note", "c"))
	m.After = []merge.Ref{clone.Ref(other)}
	next := clone.Item(b.Name, m)
	b.send(b.owner, one)
	applied := b.Applied
	for i, a := range b.send(&clone, other, next) {
		if a.Outcome != merge.Rekey {
			t.Errorf("item %d: %+v", i, a)
		}
	}
	if b.Applied != applied {
		t.Error("a rekey made a commit")
	}
}
