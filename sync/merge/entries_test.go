package merge_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// entries draws a page, mostly of applied edits.
func entries(t *rapid.T) merge.Entries {
	out := merge.Entries{}
	for range rapid.IntRange(0, 20).Draw(t, "many") {
		e := merge.Entry{Seq: merge.Seq(rapid.Uint64Range(0, 1<<53).Draw(t, "seq")), Stamp: merge.Millis(rapid.Int64().Draw(t, "stamp"))}
		copy(e.Hash[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "hash"))
		if rapid.IntRange(0, 4).Draw(t, "other") == 0 {
			e.Verdict = &merge.Verdict{Outcome: merge.Merged, Lost: []string{"note"}}
		}
		out[rapid.Uint64().Draw(t, "n")] = e
	}
	return out
}

// TestEntriesReadBack: what is written of a page is read, whoever wrote it; and equal
// pages are equal bytes, for everybody who folds a commit must write the same.
func TestEntriesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entries(t)
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		earlier, err := json.Marshal(map[uint64]merge.Entry(e))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{b, earlier} {
			var got merge.Entries
			if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, e) {
				t.Fatalf("%s reads as %+v, %v", text, got, err)
			}
		}
		if again, err := json.Marshal(maps.Clone(e)); err != nil || string(again) != string(b) {
			t.Fatalf("%s, then %s, %v", b, again, err)
		}
	})
}

func TestAFullPageIsShort(t *testing.T) {
	e := merge.Entries{}
	for n := range uint64(merge.PageSize) {
		e[n] = merge.Entry{Hash: merge.Hash{byte(n), 1, 2, 3, 4, 5, 6, 7}, Seq: merge.Seq(n / 20), Stamp: 1_700_000_000_000 + merge.Millis(n*600_000)}
	}
	b, err := json.Marshal(e)
	if err != nil || len(b) > 5000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	t.Logf("%d bytes", len(b))
}

func TestWhatIsNoPageIsRefused(t *testing.T) {
	for _, text := range []string{`{"a":"!"}`, `{"a":"AQ"}`, `{"x":{}}`, `{"v":[]}`, `[]`, `{"a":"AQEBAQEBAQEBAQ"}`, `{"a":5}`, `{"a":null}`,
		`{"a":"AQECAwQFBgcIAgI","v":{"1":{"h":"0102030405060708","s":1,"q":1,"v":{"o":"merged"}}}}`, `{"a":"AAECAwQFBgcIAgIAAQIDBAUGBwgCAg"}`} {
		var e merge.Entries
		if err := json.Unmarshal([]byte(text), &e); err == nil {
			t.Errorf("%s reads as %+v", text, e)
		}
	}
	var e merge.Entries
	if err := json.Unmarshal([]byte(`{}`), &e); err != nil || len(e) != 0 {
		t.Errorf("an empty page: %+v, %v", e, err)
	}
}
