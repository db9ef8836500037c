package merge_test

import (
	"slices"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestPendingEditsAreHandedOverTogether: nobody can have edited a version before
// it was committed, but an own pending edit is no such version.
func TestPendingEditsAreHandedOverTogether(t *testing.T) {
	for _, together := range []bool{true, false} {
		b := newBox(t, things(t, merge.Keep))
		k := thingID("1")
		b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "a"))))
		base, end := b.base(), b.now+10_000
		b.Access[2].To = end
		first := b.mentor.Item(b.Name, put(k, base, end-2000, set("note", "b")))
		m := put(k, base, end-1000, set("note", "c"))
		m.After = []merge.Ref{b.mentor.Ref(first)}
		second := b.mentor.Item(b.Name, m)
		b.now = end + day
		var got []merge.Answer
		if together {
			got = b.send(b.mentor, first, second)
		} else {
			got = append(b.send(b.mentor, first), b.send(b.mentor, second)...)
		}
		for i, a := range got {
			if a.Outcome != merge.Applied {
				t.Errorf("together %t: edit %d: %+v", together, i, a)
			}
		}
		if r := b.Row("thing", k); r.Text("note") != "c" || !slices.Contains(r.Strings("review"), "late_handover") {
			t.Errorf("together %t: %s", together, r.EncodeFields())
		}
	}
}
