package merge_test

import (
	"strconv"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// TestALostValueReturns: when the value that won is taken back by somebody who
// had seen only that one, the other lives again, and its entry says so.
func TestALostValueReturns(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("title", "start"))))
	base := b.base()
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, base, b.now, set("title", "mentor"))))
	seen := b.base()
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now, set("title", "owner")))) // loses by rank
	b.send(b.staff, b.staff.Item(b.Name, put(k, seen, b.now-100_000, set("title", "staff"))))
	if got := b.Row("thing", k).Text("title"); got != "owner" {
		t.Fatalf("title %s", got)
	}
	for _, j := range b.Rows("journal") {
		if lost := j.Text("lost"); lost == "owner" && string(j.Fields["returned"]) != "true" || lost == "staff" && j.Fields["returned"] != nil {
			t.Errorf("%s", j.EncodeFields())
		}
	}
}

func TestGroupsAndItemsAreJournalledWhole(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	base := b.base()
	money := func(n int, unit string) map[string]merge.Value {
		return map[string]merge.Value{"amount": merge.Num(n), "unit": merge.Str(unit), "list": merge.Value(`{"one":{"label":"` + unit + `"}}`)}
	}
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now, money(1, "kg"))))
	b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now+10, money(2, "pack"))))
	lost := map[string]string{}
	for _, j := range b.Rows("journal") {
		lost[j.Text("field")] = string(j.Fields["lost"])
	}
	if len(lost) != 2 || lost["money"] != `{"amount":1,"unit":"kg"}` || lost["list/one/label"] != `"kg"` {
		t.Errorf("%v", lost)
	}
	b.send(b.owner, b.owner.Item(b.Name, put(k, b.base(), b.now, map[string]merge.Value{"amount": merge.Num(1), "unit": merge.Str("kg")})))
	restored := 0
	for _, j := range b.Rows("journal") {
		if j.Text("restored_by") == "uo" {
			restored++
		}
	}
	if restored != 1 {
		t.Errorf("%d entries restored", restored)
	}
}

func TestWhiteSpaceIsNoLoss(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	base := b.base()
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now, set("note", "one two"))))
	if a := b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now-10_000, set("note", " one  two "))))[0]; a.Outcome != merge.Applied || len(b.Rows("journal")) != 0 {
		t.Errorf("%+v, journal %v", a, b.Rows("journal"))
	}
}

// TestEqualValueIsAWrite: who writes what is there already replaces the head, with
// an own stamp.
func TestEqualValueIsAWrite(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	base := b.base()
	b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now+500, set("note", "a"))))
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now-500, set("note", "b"))))
	if got := b.Row("thing", k).Text("note"); got != "a" {
		t.Errorf("note %s: the later edit kept the stamp of the first", got)
	}
}

// TestAnOldTimeLineReplacesLoudly: a base from before a restore covers what the
// restore kept, and what it replaces that way is journalled.
func TestAnOldTimeLineReplacesLoudly(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "kept"))))
	backup := b.Scope.Clone()
	b.send(b.staff, b.staff.Item(b.Name, put(k, b.base(), b.now, set("note", "lost"))))
	base := b.base()
	b.Scope = backup
	b.Raise(b.now)
	b.send(b.staff, b.staff.Item(b.Name, put(k, b.base(), b.now, set("note", "new"))))
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now, set("note", "owner"))))
	if heads := b.Records[merge.Key{Collection: "thing", ID: k}].Slots["note"]; len(heads) != 2 {
		t.Errorf("%d heads: a version of the lost time line covered a commit of the new one", len(heads))
	}
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, &merge.Base{Generation: base.Generation, Version: 1}, b.now, set("color", "x"))))
	rules := map[string]int{}
	for _, j := range b.Rows("journal") {
		rules[j.Text("rule")]++
	}
	if rules["latest"] != 1 || rules["after_restore"] != 0 {
		t.Errorf("%v", rules)
	}
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, &merge.Base{Generation: base.Generation, Version: 1}, b.now, set("note", "mentor"))))
	b.Scope.Forks[0].Seq = b.Applied
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, &merge.Base{Generation: base.Generation, Version: b.Applied}, b.now, set("note", "all"))))
	replaced := 0
	for _, j := range b.Rows("journal") {
		if j.Text("rule") == "after_restore" {
			replaced++
		}
	}
	if replaced == 0 {
		t.Error("what an old base replaced is not in the journal")
	}
}

// TestADeleteThatAnEditOutlived is journalled, and over when somebody deletes
// again.
func TestADeleteThatAnEditOutlived(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	base := b.base()
	del := func(base *merge.Base) merge.Mutation {
		return merge.Mutation{Collection: "thing", ID: k, Op: merge.Delete, Base: base, At: at(b.now)}
	}
	b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now, set("note", "b"))))
	if a := b.send(b.owner, b.owner.Item(b.Name, del(base)))[0]; a.Outcome != merge.Superseded {
		t.Errorf("%+v", a)
	}
	b.send(b.owner, b.owner.Item(b.Name, del(b.base())))
	j := b.Rows("journal")
	if !b.Row("thing", k).Deleted || len(j) != 1 || j[0].Text("restored_by") != "uo" {
		t.Errorf("deleted %t, journal %v", b.Row("thing", k).Deleted, j)
	}
	m := put(k, b.base(), b.now, set("note", "c")) // a put on what its author saw deleted is an undelete
	b.send(b.staff, b.staff.Item(b.Name, m))
	if r := b.Row("thing", k); r.Deleted || r.Text("note") != "c" {
		t.Errorf("%+v", r)
	}
}

// TestARecordRemembersFewOfItsLosses: two phones fight over a field for long, each time
// with what was there before them on their screens. Every value that loses is in the
// journal once, and the record does not grow with them.
func TestARecordRemembersFewOfItsLosses(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
	size := 0
	for n := range 120 {
		base := b.base()
		for _, p := range []*mergetest.Phone{b.owner, b.staff} {
			b.send(p, p.Item(b.Name, put(k, base, b.now, set("note", p.User+strconv.Itoa(n)))))
		}
		now := len(b.Records[merge.Key{Collection: "thing", ID: k}].EncodeState())
		if n == 40 {
			size = now
		} else if n > 40 && now > size+size/10 {
			t.Fatalf("after %d losses the record has %d bytes, and had %d", n+1, now, size)
		}
		if j := b.Rows("journal"); len(j) != n+1 {
			t.Fatalf("%d values lost, and the journal has %d", n+1, len(j))
		}
	}
	// What was remembered last lives again, and its entry says so.
	last := b.Records[merge.Key{Collection: "thing", ID: k}].Lost
	newest := last[len(last)-1]
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, b.base(), b.now, map[string]merge.Value{"note": newest.Value})))
	if j := b.Row("journal", newest.Journal); j.Text("restored_by") != "um" {
		t.Errorf("%v", j.Fields)
	}
}

// TestALossThatStillStandsIsNotForgotten: whoever has not been seen by anybody stays a
// head, and is journalled once however many losses come after it.
func TestALossThatStillStandsIsNotForgotten(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a", "color", "red"))))
	old := b.base()
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, old, b.now, set("color", "green"))))
	b.send(b.owner, b.owner.Item(b.Name, put(k, old, b.now+1, set("color", "blue")))) // green loses, and nobody has seen it
	for n := range 60 {
		base := &merge.Base{Generation: old.Generation, Version: old.Version} // the color on the screen is still red
		for _, p := range []*mergetest.Phone{b.owner, b.staff} {
			b.send(p, p.Item(b.Name, put(k, base, b.now, set("note", p.User+strconv.Itoa(n)))))
		}
	}
	greens := 0
	for _, j := range b.Rows("journal") {
		if j.Text("lost") == "green" {
			greens++
		}
	}
	if greens != 1 {
		t.Errorf("the green color is in the journal %d times", greens)
	}
}
