package merge_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAGapIsClosedByItsOwnCommit: a number below a page that the same commit writes is
// judged as it would be behind that commit, also where nothing of the book was read yet.
func TestAGapIsClosedByItsOwnCommit(t *testing.T) {
	b := newBox(t, things(t, merge.Keep))
	high := numbered(b, b.owner, 2*merge.PageSize+88, note(b, "600", "x"))
	low := numbered(b, b.owner, merge.PageSize+44, note(b, "300", "x"))
	out := b.Commit(b.now, b.owner.Part(at(b.now), high), b.owner.Part(at(b.now), low))
	if one, two := out.Answers[0][0][0], out.Answers[1][0][0]; one.Outcome != merge.Applied || two.Outcome != merge.Rejected || two.Code != "unidentifiable" {
		t.Errorf("%+v, %+v", one, two)
	}
}

// TestWhatLivesAgainIsFoundWhateverItHolds: a value that lost and is the value again is
// known as such, also one of several members and of any text, and whether its record
// was kept in memory or written down.
func TestWhatLivesAgainIsFoundWhateverItHolds(t *testing.T) {
	for _, codec := range []bool{false, true} {
		for _, unit := range []string{"plain", "a & b", "<a>", "a\u2028b", `\u0026`, "a\"\\b"} {
			b := newBox(t, things(t, merge.Keep))
			b.Codec = codec
			k := thingID("1")
			money := func(n int, unit string) map[string]merge.Value {
				return map[string]merge.Value{"amount": merge.Num(n), "unit": merge.Str(unit)}
			}
			b.send(b.owner, b.owner.Item(b.Name, put(k, nil, b.now, money(1, "start"))))
			base := b.base()
			b.send(b.mentor, b.mentor.Item(b.Name, put(k, base, b.now+900, money(2, "mentor"))))
			seen := b.base()
			b.send(b.owner, b.owner.Item(b.Name, put(k, base, b.now-500, money(3, unit)))) // loses by its time
			b.send(b.staff, b.staff.Item(b.Name, put(k, seen, b.now-100_000, money(4, "staff"))))
			returned := 0
			for _, j := range b.Rows("journal") {
				if string(j.Fields["returned"]) == "true" {
					returned++
				}
			}
			if got := b.Row("thing", k).Text("unit"); got != unit || returned != 1 {
				t.Errorf("written down %t: %q is the value, %d entries say that %q lives again", codec, got, returned, unit)
			}
		}
	}
}

// TestStatesOfAnEarlierVersionRead: it wrote some characters of values as escapes.
func TestStatesOfAnEarlierVersionRead(t *testing.T) {
	const state = `{"b":0,"t":1,"w":[{"m":"d/i/1","q":1,"t":1,"s":1,"h":"0102030405060708"}],"s":{"note":[{"w":0,"v":"a \u0026 \u003cb\u003e"}]},"l":[{"Slot":"note","Mutation":"d/i/0","Journal":"j","Value":{"unit":"\u0026"}}]}`
	r, err := merge.DecodeRecord(merge.Row{}, []byte(`{"note":"a & <b>"}`), []byte(state), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(r.Slots["note"][0].Value); got != `"a & <b>"` {
		t.Errorf("a head reads as %s", got)
	}
	if got := string(r.Lost[0].Value); got != `{"unit":"&"}` {
		t.Errorf("a lost value reads as %s", got)
	}
}
