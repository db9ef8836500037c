package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// doors is a schema with a record that is replayed from operations: the value
// is the number of operations, and "jam" is refused unless made online.
func doors(t testing.TB) *merge.Schema {
	admin := append([]merge.Role{merge.Admin}, everyone...)
	s, err := merge.NewSchema(1, journal(),
		&merge.Collection{Name: "door", Scope: "box", Create: admin,
			Fields: []merge.Field{{Name: "count", Type: merge.Type{Kind: merge.Int}}, {Name: "note", Type: merge.Type{Kind: merge.Any, Max: 100}}},
			Derive: func(v merge.View, r merge.Row) merge.Derived {
				return merge.Derived{Fields: map[string]merge.Value{"count": merge.Num(len(v.Operations("turn", r.ID)))}}
			},
			React: func(c merge.Change) []merge.Effect {
				e := merge.Effect{Scope: "user/uo", Collection: "inbox", Key: "turned", Set: map[string]merge.Value{}}
				return []merge.Effect{e, e}
			}},
		&merge.Collection{Name: "turn", Scope: "box", Create: admin, Immutable: true, Parent: "door", ParentField: "door",
			Fields: []merge.Field{
				{Name: "door", Type: merge.Type{Kind: merge.Reference, To: "door"}, Policy: merge.Once, Write: admin, Required: true},
				{Name: "how", Type: merge.Type{Kind: merge.Text}, Policy: merge.Once, Write: admin}},
			Judge: func(j merge.Judgement) *merge.Reject {
				if merge.AsString(j.Set["how"]) == "jam" && !j.Online {
					return &merge.Reject{Code: "forbidden_transition"}
				}
				return nil
			}})
	if err != nil {
		t.Fatal(err)
	}
	s.Refused = func(r merge.Refusal) []merge.Effect {
		return []merge.Effect{{Scope: "decision/x", Collection: "review_item", Set: map[string]merge.Value{"author": merge.Str(r.Author), "code": merge.Str(r.Verdict.Code)}}}
	}
	return s
}

func turn(how string, seen ...string) map[string]merge.Value {
	return map[string]merge.Value{"door": merge.Str(thingID("d")), "how": merge.Str(how), "seen": merge.Encode(append([]string{}, seen...))}
}

func newDoor(t testing.TB) *box {
	b := newBox(t, doors(t))
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "door", ID: thingID("d"), At: at(b.now)}))
	return b
}

func TestAnOperationIsReplayedInItsOwnCommit(t *testing.T) {
	b := newDoor(t)
	first := b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: turn("left")})
	second := b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t2"), At: at(b.now), Set: turn("right", thingID("t1"))})
	b.send(b.owner, first, second)
	if n := b.Row("door", thingID("d")).Int("count"); n != 2 {
		t.Errorf("count %d after two operations in one commit", n)
	}
	b.send(b.staff, b.staff.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t3"), At: at(b.now), Set: turn("left")}))
	if n := b.Row("door", thingID("d")).Int("count"); n != 3 {
		t.Errorf("count %d after a third", n)
	}
}

func TestWhatACreateLeftOutStaysOut(t *testing.T) {
	b := newDoor(t)
	set := turn("")
	delete(set, "how")
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: set}))
	v := b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), Base: b.base(), At: at(b.now), Set: map[string]merge.Value{"how": merge.Str("left")}}))[0]
	if v.Outcome != merge.Rejected || v.Code != "immutable_field" {
		t.Errorf("%+v", v)
	}
}

func TestOnlineOperationsAreJudgedAndComplete(t *testing.T) {
	b := newDoor(t)
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t1"), At: at(b.now), Set: turn("left")}))
	set := turn("jam")
	delete(set, "seen")
	write := merge.ServerWrite{Name: "rest.1", Author: "ua", Role: merge.Admin, Collection: "turn", ID: thingID("t2"), Op: merge.Put, Set: set, Create: true}
	out := b.Commit(b.now, []*merge.Part{{Author: "ua", Writes: []merge.ServerWrite{write}}})
	if a := out.Answers[0][0][0]; a.Outcome != merge.Applied {
		t.Fatalf("%+v", a)
	}
	r := b.Row("turn", thingID("t2"))
	if r.Text("role") != "admin" || r.Int("stamp") == 0 || len(r.Strings("seen")) != 1 || r.Strings("seen")[0] != thingID("t1") {
		t.Errorf("%s", r.EncodeFields())
	}
	if v := b.send(b.staff, b.staff.Item(b.Name, merge.Mutation{Collection: "turn", ID: thingID("t3"), At: at(b.now), Set: turn("jam")}))[0]; v.Code != "forbidden_transition" {
		t.Errorf("the same from a phone: %+v", v)
	}
}

func TestEffectsWithOneKeyAreOne(t *testing.T) {
	b := newDoor(t)
	if n := len(b.Effects); n != 1 {
		t.Errorf("%d effects", n)
	}
}

func TestRefusalsMayCauseEffects(t *testing.T) {
	b := newDoor(t)
	stranger := &mergetest.Phone{User: "ux", Device: "dx", Incarnation: "ix"}
	b.send(stranger, stranger.Item(b.Name, merge.Mutation{Collection: "door", ID: thingID("x"), At: at(b.now)}))
	last := b.Effects[len(b.Effects)-1]
	if last.Collection != "review_item" || merge.AsString(last.Set["author"]) != "ux" || merge.AsString(last.Set["code"]) != "not_assigned" {
		t.Errorf("%+v", last)
	}
}

func TestAnyKeepsForeignText(t *testing.T) {
	b := newDoor(t)
	odd := "a\u202eb\u007f\ufffd"
	write := merge.ServerWrite{Name: "effect.1", Role: merge.System, Collection: "door", ID: thingID("d"), Op: merge.Put, Set: map[string]merge.Value{"note": merge.Str(odd)}}
	out := b.Commit(b.now, []*merge.Part{{Writes: []merge.ServerWrite{write}}})
	if a := out.Answers[0][0][0]; a.Outcome != merge.Applied {
		t.Errorf("%+v", a)
	}
	if got := b.Row("door", thingID("d")).Text("note"); got != odd {
		t.Errorf("note %q", got)
	}
}

// TestWhatWasSeenMayBeLostFurtherDown: an operation is judged by the state it
// names when anything of what its author saw is lost, not only what it names
// itself.
func TestWhatWasSeenMayBeLostFurtherDown(t *testing.T) {
	b := newBox(t, gates(t))
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "gate", ID: thingID("g"), At: at(b.now)}))
	backup := b.Scope.Clone()
	now := b.now
	pass := func(name, how, from string, seen ...string) merge.Mutation {
		now += 10
		return merge.Mutation{Collection: "pass", ID: thingID(name), At: at(now), Set: map[string]merge.Value{"gate": merge.Str(thingID("g")),
			"how": merge.Str(how), "from": merge.Str(from), "seen": merge.Encode(append([]string{}, seen...))}}
	}
	open := b.owner.Item(b.Name, pass("open", "open", "shut"))
	wave := b.staff.Item(b.Name, pass("wave", "wave", "open", thingID("open")))
	shut := b.mentor.Item(b.Name, pass("shut", "shut", "open", thingID("wave")))
	b.send(b.owner, open)
	b.send(b.staff, wave)
	b.Scope = backup
	b.Raise(b.now + 1)
	b.send(b.staff, wave)
	if a := b.send(b.mentor, shut)[0]; a.Outcome != merge.Applied {
		t.Fatalf("%+v", a)
	}
	if got := b.Row("pass", thingID("shut")).Strings("review"); len(got) != 1 || got[0] != "after_restore" {
		t.Errorf("review %v", got)
	}
	b.send(b.owner, open)
	if got := b.Row("gate", thingID("g")).Text("state"); got != "shut" {
		t.Errorf("state %s", got)
	}
}

// gates is a schema with a gate that is shut, opened by "open" and shut again by
// "shut", both only from the other state; "wave" changes nothing.
func gates(t testing.TB) *merge.Schema {
	state := func(ops []merge.Row) string {
		now := "shut"
		for _, o := range merge.Undominated(ops) {
			for _, p := range ops {
				if covered, _ := merge.Closure(ops, []string{o.ID}); covered[p.ID] && p.Text("how") == "open" {
					now = "open"
				}
			}
		}
		for _, o := range ops {
			if o.Text("how") == "shut" {
				now = "shut"
			}
		}
		return now
	}
	s, err := merge.NewSchema(1, journal(),
		&merge.Collection{Name: "gate", Scope: "box", Create: everyone, Fields: []merge.Field{{Name: "state", Type: merge.Type{Kind: merge.Text}}},
			Derive: func(v merge.View, r merge.Row) merge.Derived {
				return merge.Derived{Fields: map[string]merge.Value{"state": merge.Str(state(v.Operations("pass", r.ID)))}}
			}},
		&merge.Collection{Name: "pass", Scope: "box", Create: everyone, Immutable: true, Parent: "gate", ParentField: "gate",
			Fields: []merge.Field{
				{Name: "gate", Type: merge.Type{Kind: merge.Reference, To: "gate"}, Policy: merge.Once, Write: everyone, Required: true},
				{Name: "how", Type: merge.Type{Kind: merge.Text}, Policy: merge.Once, Write: everyone}},
			Judge: func(j merge.Judgement) *merge.Reject {
				seen := state(j.Seen)
				if j.AfterRestore {
					seen = j.From
				}
				if how := merge.AsString(j.Set["how"]); how == "open" && seen != "shut" || how == "shut" && seen != "open" {
					return &merge.Reject{Code: "forbidden_transition"}
				}
				return nil
			}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestWhatCameBackAfterARestoreWasNotOnTheScreen: an operation that its author
// saw before a restore, and that came back after the author's phone had looked
// last, does not count against what the author did in between.
func TestWhatCameBackAfterARestoreWasNotOnTheScreen(t *testing.T) {
	b := newBox(t, gates(t))
	b.send(b.owner, b.owner.Item(b.Name, merge.Mutation{Collection: "gate", ID: thingID("g"), At: at(b.now)}))
	backup := b.Scope.Clone()
	pass := func(p *mergetest.Phone, name, how, from string, seen ...string) merge.Item {
		when := at(b.now)
		when.Server = b.Time
		return p.Item(b.Name, merge.Mutation{Collection: "pass", ID: thingID(name), At: when, Set: map[string]merge.Value{"gate": merge.Str(thingID("g")),
			"how": merge.Str(how), "from": merge.Str(from), "seen": merge.Encode(append([]string{}, seen...))}})
	}
	open := pass(b.owner, "open", "open", "shut")
	b.send(b.owner, open)
	wave := pass(b.staff, "wave", "wave", "open", thingID("open"))
	b.send(b.staff, wave)
	b.Scope = backup
	b.Raise(b.now + 1)
	b.send(b.staff, wave)
	again := pass(b.staff, "again", "open", "shut", thingID("wave"))
	b.send(b.owner, open)
	if a := b.send(b.staff, again)[0]; a.Outcome != merge.Applied {
		t.Errorf("%+v", a)
	}
}
