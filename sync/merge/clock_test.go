package merge_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func readings() *rapid.Generator[merge.Reading] {
	return rapid.Custom(func(t *rapid.T) merge.Reading {
		return merge.Reading{Wall: merge.Millis(rapid.Int64Range(-1<<50, 1<<50).Draw(t, "wall")), Mono: rapid.Int64Range(0, 1<<45).Draw(t, "mono"),
			Boot: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "boot"), Server: merge.Millis(rapid.Int64Range(0, 1<<45).Draw(t, "server"))}
	})
}

func TestCorrectedTimeIsBetweenLastAnswerAndNow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, current, now := readings().Draw(t, "at"), readings().Draw(t, "current"), merge.Millis(rapid.Int64Range(0, 1<<45).Draw(t, "now"))
		got, low := merge.Correct(at, current, now)
		if got < 0 || got > now {
			t.Fatalf("%d, now %d", got, now)
		}
		if low && got < min(at.Server, now) {
			t.Fatalf("%d is before the last answer %d", got, at.Server)
		}
		if low == (at.Boot != "" && at.Boot == current.Boot && at.Mono <= current.Mono) {
			t.Fatalf("low %t", low)
		}
	})
}

// TestWrongClocksAreExact: with one boot the wall clock does not matter at all.
func TestWrongClocksAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := merge.Millis(rapid.Int64Range(1<<40, 1<<45).Draw(t, "now"))
		ago := merge.Millis(rapid.Int64Range(0, 1<<39).Draw(t, "ago"))
		wall := func(name string) merge.Millis { return merge.Millis(rapid.Int64().Draw(t, name)) }
		at := merge.Reading{Wall: wall("at"), Mono: 5, Boot: "b"}
		got, low := merge.Correct(at, merge.Reading{Wall: wall("current"), Mono: 5 + int64(ago), Boot: "b"}, now)
		if got != now-ago || low {
			t.Fatalf("%d, want %d, low %t", got, now-ago, low)
		}
	})
}

// TestOrderOfOneRebootedPhone: what the clocks cannot say, the numbers do.
func TestOrderOfOneRebootedPhone(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "0"))))
	base := b.base()
	var items []merge.Item
	for _, wall := range []merge.Millis{b.now - 10, b.now - 5000, b.now - 9000} { // each boot further back
		m := put(k, base, wall, set("color", merge.FormatInstant(wall)))
		m.At = merge.Reading{Wall: wall, Mono: 1, Boot: merge.FormatInstant(wall), Server: b.now - 20_000}
		items = append(items, b.owner.Item(b.Name, m))
	}
	b.send(b.owner, items...)
	r := b.Row("thing", k)
	if got := merge.AsString(items[2].Mutation.Set["color"]); r.Text("color") != got {
		t.Errorf("color %s, want the last one made %s", r.Text("color"), got)
	}
	if got := r.Strings("review"); got != nil {
		t.Errorf("review %v: the right was never in doubt", got)
	}
}

func TestStampsRiseAboveAfterOnly(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	k := thingID("1")
	b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, set("note", "0"))))
	base := b.base()
	stamp := func(slot string) merge.Millis {
		return b.Records[merge.Key{Collection: "thing", ID: k}].Slots[slot][0].Write.Stamp
	}
	late := b.staff.Item(b.Name, put(k, base, b.now+900, set("note", "a")))
	b.send(b.staff, late)
	theirs := stamp("note")
	early := merge.Mutation{Collection: "thing", ID: k, Base: b.base(), At: at(b.now - 900), Set: set("note", "b")}
	first := b.owner.Item(b.Name, early)
	b.send(b.owner, first)
	if got := stamp("note"); got > theirs {
		t.Errorf("the stamp %d was lifted above the head %d that it replaced", got, theirs)
	}
	m := early
	m.At, m.After, m.Set = at(b.now-5000), []merge.Ref{b.owner.Ref(first)}, set("color", "c")
	mine := stamp("note")
	b.send(b.owner, b.owner.Item(b.Name, m))
	if got := stamp("color"); got != mine+1 {
		t.Errorf("stamp %d, want one above the own %d before it", got, mine)
	}
	m.After, m.Set = []merge.Ref{{Incarnation: "io", N: first.Mutation.N, Hash: merge.Hash{9}}}, set("code", "d")
	b.send(b.owner, b.owner.Item(b.Name, m))
	if got := stamp("code"); got > mine {
		t.Errorf("stamp %d was lifted by a name with another content", got)
	}
	m.Set, m.After, m.At.Server = set("title", "e"), nil, b.now+1_000_000
	b.send(b.owner, b.owner.Item(b.Name, m))
	if got := stamp("title"); got != b.Time+1 {
		t.Errorf("stamp %d, want one above the commit %d: a server time ahead is capped", got, b.Time)
	}
}
