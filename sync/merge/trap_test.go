package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestRankIsNotInherited: who replaced a mentor's value, having seen it, wrote as
// what they are.
func TestRankIsNotInherited(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, nil, b.now, set("title", "mentor"))))
	base := b.base()
	b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now+100, set("title", "owner"))))
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, base, b.now-5000, set("title", "mentor again"))))
	if got := b.Row("thing", k).Text("title"); got != "mentor again" {
		t.Errorf("title %q", got)
	}
}

// TestALoserRaisesTheVersion: a row whose heads changed is another row, although
// its fields are the same; else nobody who looks at it could have seen the loser.
func TestALoserRaisesTheVersion(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("title", "start"))))
	base := b.base()
	b.send(b.mentor, b.mentor.Item(b.Name, put(k, base, b.now, set("title", "mentor"))))
	a := b.send(b.staff, b.staff.Item(b.Name, put(k, base, b.now, set("title", "staff"))))[0]
	if v := b.Row("thing", k).Version; a.Outcome != merge.Superseded || v != a.Seq {
		t.Errorf("%+v, version %d", a, v)
	}
}

// TestIdsKnowTheGeneration: what a commit causes has another id on every time
// line, for another commit may stand at its place.
func TestIdsKnowTheGeneration(t *testing.T) {
	ids := map[string]bool{}
	for _, raised := range []bool{false, true} {
		b := newBox(t, things(t, merge.Keep))
		if raised {
			b.Raise(b.now)
		}
		ids[b.send(b.owner, b.owner.Item(b.Name, put(thingID("1"), nil, 1, set("colour", "x"))))[0].Quarantine] = true
	}
	if len(ids) != 2 {
		t.Errorf("one id on two time lines: %v", ids)
	}
}
