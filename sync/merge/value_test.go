package merge_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestTypes(t *testing.T) {
	const anID = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60"
	short := &merge.Type{Kind: merge.Text, Min: 1, Max: 3}
	decimal := &merge.Type{Kind: merge.Decimal, Min: 1, Max: 10_000}
	count := &merge.Type{Kind: merge.Int, Min: -5, Max: 5}
	list := &merge.Type{Kind: merge.List, Min: 1, Max: 2, Of: short}
	object := &merge.Type{Kind: merge.Object, Members: []merge.Member{{Name: "a", Type: *count, Required: true}, {Name: "b", Type: *list}}}
	tests := []struct {
		name string
		of   *merge.Type
		in   string
		out  string // "": refused
		path string
	}{
		{"text", short, ` "ab" `, `"ab"`, ""},
		{"text in NFC", short, `"e\u0301"`, `"é"`, ""},
		{"escapes are no content", short, `"\u0061"`, `"a"`, ""},
		{"runes are counted, not bytes", short, `"ééé"`, `"ééé"`, ""},
		{"text too long", short, `"abcd"`, "", ""},
		{"text too short", short, `""`, "", ""},
		{"a control character", short, `"\u0000"`, "", ""},
		{"a change of direction", short, `"\u202e"`, "", ""},
		{"a replacement character", short, `"\ufffd"`, "", ""},
		{"lines and tabs are text", &merge.Type{}, `"a\n\tb"`, `"a\n\tb"`, ""},
		{"the limit of text without a limit", &merge.Type{}, `"` + strings.Repeat("x", 4001) + `"`, "", ""},
		{"a number for text", short, `5`, "", ""},
		{"a pattern", &merge.Type{Pattern: regexp.MustCompile(`^a+$`)}, `"b"`, "", ""},
		{"a check", &merge.Type{Valid: func(s string) bool { return s == "b" }}, `"b"`, `"b"`, ""},
		{"a number", count, `5`, `5`, ""},
		{"above", count, `6`, "", ""},
		{"below", count, `-6`, "", ""},
		{"minus zero", count, `-0`, "", ""},
		{"a fraction", count, `1.0`, "", ""},
		{"an exponent", count, `1e0`, "", ""},
		{"more than every reader holds exactly", &merge.Type{Kind: merge.Int}, `9007199254740992`, "", ""},
		{"the greatest number", &merge.Type{Kind: merge.Int}, `9007199254740991`, `9007199254740991`, ""},
		{"truth", &merge.Type{Kind: merge.Bool}, `true`, `true`, ""},
		{"truth in quotes", &merge.Type{Kind: merge.Bool}, `"true"`, "", ""},
		{"a word", &merge.Type{Kind: merge.Enum, Enum: []string{"a"}}, `"a"`, `"a"`, ""},
		{"another word", &merge.Type{Kind: merge.Enum, Enum: []string{"a"}}, `"b"`, "", ""},
		{"a date", &merge.Type{Kind: merge.Date}, `"2024-02-29"`, `"2024-02-29"`, ""},
		{"no such day", &merge.Type{Kind: merge.Date}, `"2023-02-29"`, "", ""},
		{"before all business", &merge.Type{Kind: merge.Date}, `"1899-12-31"`, "", ""},
		{"an instant of elsewhere", &merge.Type{Kind: merge.Instant}, `"2022-05-05T09:11:09.1209+07:00"`, `"2022-05-05T02:11:09.120Z"`, ""},
		{"no instant", &merge.Type{Kind: merge.Instant}, `"2022-05-05"`, "", ""},
		{"an instant before 1970", &merge.Type{Kind: merge.Instant}, `"1969-05-05T00:00:00Z"`, "", ""},
		{"a decimal", decimal, `"1.25"`, `"1.25"`, ""},
		{"too many places", decimal, `"1.2345"`, "", ""},
		{"a leading zero", decimal, `"01"`, "", ""},
		{"nothing", decimal, `"0"`, "", ""},
		{"too much", decimal, `"10.001"`, "", ""},
		{"a reference", &merge.Type{Kind: merge.Reference}, `"` + anID + `"`, `"` + anID + `"`, ""},
		{"no reference", &merge.Type{Kind: merge.Reference}, `"x"`, "", ""},
		{"a list", list, `[ "a", "b" ]`, `["a","b"]`, ""},
		{"a long list", list, `["a","b","c"]`, "", ""},
		{"an empty list", list, `[]`, "", ""},
		{"a bad element", list, `["a",5]`, "", "[1]"},
		{"no list", list, `{}`, "", ""},
		{"an object", object, `{"b":["x"],"a":1}`, `{"a":1,"b":["x"]}`, ""},
		{"null is absent", object, `{"a":1,"b":null}`, `{"a":1}`, ""},
		{"a member missing", object, `{"b":["x"]}`, "", ".a"},
		{"a bad member", object, `{"a":1,"b":["x",""]}`, "", ".b[1]"},
		{"a member nobody knows", object, `{"a":1,"c":2}`, "", ".c"},
		{"no object", object, `[]`, "", ""},
		{"anything", &merge.Type{Kind: merge.Any}, `{"b":1.50,"a":"x"}`, `{"a":"x","b":1.5}`, ""},
		{"too much of anything", &merge.Type{Kind: merge.Any, Max: 3}, `"abc"`, "", ""},
		{"anything but twice", &merge.Type{Kind: merge.Any}, `{"a":1,"a":2}`, "", ""},
		{"a kind of nowhere", &merge.Type{Kind: 99}, `1`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, path, ok := tt.of.Check(merge.Value(tt.in))
			if ok != (tt.out != "") || ok && string(v) != tt.out || path != tt.path {
				t.Errorf("%s at %q, %t; want %s at %q", v, path, ok, tt.out, tt.path)
			}
		})
	}
}

func TestValuesReadBack(t *testing.T) {
	if merge.Thousandths(merge.Str("1.25")) != 1250 || merge.Thousandths(merge.Str("x")) != -1 {
		t.Error("thousandths")
	}
	if merge.AsString(merge.Num(1)) != "" || merge.AsInt(merge.Str("x")) != 0 || merge.AsStrings(merge.Num(1)) != nil || !merge.Null(nil) || !merge.Null(merge.Value("null")) {
		t.Error("a value of another kind is nothing")
	}
	if got := string(merge.Str("a\xffb")); got != `"a`+"\uFFFD"+`b"` {
		t.Errorf("broken text is %s", got)
	}
	for name, broken := range map[string]func(){"a channel": func() { merge.Encode(make(chan int)) }, "no JSON": func() { merge.Encode(merge.Value("{")) }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s encodes", name)
				}
			}()
			broken()
		}()
	}
}

// anyValue draws JSON.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0:
			return rapid.String().Draw(t, "text")
		case kind == 1:
			return rapid.Int64Range(-merge.MaxInt, merge.MaxInt).Draw(t, "number")
		case kind == 2:
			return rapid.Bool().Draw(t, "truth")
		case kind == 3 && depth > 0:
			return rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(t, "list")
		case kind == 4 && depth > 0:
			return rapid.MapOfN(rapid.String(), anyValue(depth-1), 0, 3).Draw(t, "object")
		}
		return nil
	})
}

// TestCanonicalIsCanonical: canonical once is canonical, and says the same.
func TestCanonicalIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := anyValue(3).Draw(t, "value")
		indented, err := json.MarshalIndent(x, " ", "\t")
		if err != nil {
			t.Fatal(err) // every drawn value encodes
		}
		once, err := merge.Canonical(indented)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := merge.Canonical(once); err != nil || string(twice) != string(once) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
		if string(once) != string(merge.Encode(x)) {
			t.Fatalf("%s, encoded %s", once, merge.Encode(x))
		}
	})
}

// TestAMutationReadsBack: what a phone writes is what the server reads, and its
// hash leaves out number and after.
func TestAMutationReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := merge.Mutation{N: rapid.Uint64Range(1, merge.MaxInt).Draw(t, "n"), Schema: rapid.IntRange(1, 9).Draw(t, "schema"), Collection: "thing", ID: thingID("1"),
			Op: merge.Put, At: merge.Reading{Wall: merge.Millis(rapid.Int64Range(0, 1<<45).Draw(t, "wall")), Mono: rapid.Int64Range(0, 1<<45).Draw(t, "mono"), Boot: "b"},
			Set: map[string]merge.Value{"note": merge.Encode(anyValue(2).Draw(t, "note"))}}
		if rapid.Bool().Draw(t, "based") {
			m.Base = &merge.Base{Generation: merge.Generation{Count: rapid.Uint32Range(1, 9).Draw(t, "count"), Nonce: "ab"}, Version: merge.Seq(rapid.Uint32().Draw(t, "version"))}
		}
		it := merge.ReadItem("box/1", "d", 0, m.WireMutation())
		if it.Bad != nil {
			t.Fatalf("%+v", *it.Bad)
		}
		if got := it.Mutation.WireMutation(); string(got) != string(m.WireMutation()) {
			t.Fatalf("%s, want %s", got, m.WireMutation())
		}
		again := m
		again.N, again.After = m.N%7+1, []merge.Ref{{Incarnation: "x", N: 1, Hash: merge.Hash{1}}}
		if it2 := merge.ReadItem("box/1", "d", 0, again.WireMutation()); it2.Hash != it.Hash {
			t.Fatal("the hash is not that of the content")
		}
		if it2 := merge.ReadItem("box/2", "d", 0, m.WireMutation()); it2.Hash == it.Hash {
			t.Fatal("the hash does not know the scope")
		}
	})
}

func TestNamesOnTheWire(t *testing.T) {
	for _, bad := range []string{"", "3", "3.", ".x", "x.y", "-1.a", "4294967296.a", "1." + strings.Repeat("a", 33)} {
		if g := new(merge.Generation); g.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is a generation", bad)
		}
	}
	for _, bad := range []string{"", "00", strings.Repeat("g", 16), strings.Repeat("0", 18)} {
		if h := new(merge.Hash); h.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is a hash", bad)
		}
	}
	if !(merge.Generation{}).Zero() || (merge.Generation{Count: 1, Nonce: "a"}).Zero() {
		t.Error("zero")
	}
	for o, final := range map[merge.Outcome]bool{merge.Applied: true, merge.Merged: true, merge.Superseded: true, merge.Rejected: true, merge.Again: false, merge.Rekey: false, merge.OwnerMismatch: false} {
		if o.Final() != final {
			t.Errorf("%s final: %t", o, o.Final())
		}
	}
}

// TestPickReadsWhatAllWouldRead: some members of an object, in any spelling of it.
func TestPickReadsWhatAllWouldRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.SampledFrom([]string{"state", "stage", "total_bp"}), rapid.String())
		raw, err := json.Marshal(rapid.MapOfN(name, anyValue(3), 0, 6).Draw(t, "object"))
		if err != nil {
			t.Fatal(err) // every drawn value encodes
		}
		if rapid.Bool().Draw(t, "spaced") {
			var b bytes.Buffer
			if err := json.Indent(&b, raw, " ", "\t"); err != nil {
				t.Fatal(err)
			}
			raw = b.Bytes()
		}
		if cut := rapid.IntRange(0, 3).Draw(t, "cut"); cut > 0 { // not JSON any more
			raw = raw[:len(raw)-min(cut, len(raw))]
		}
		names := []string{"state", "total_bp", rapid.String().Draw(t, "name")}
		got := map[string]merge.Value{"left over": nil}
		var all map[string]merge.Value
		failed := json.Unmarshal(raw, &all)
		if err := merge.Pick(raw, got, names); (err == nil) != (failed == nil) {
			t.Fatalf("%s: %v, want %v", raw, err, failed)
		}
		want := map[string]merge.Value{}
		for _, n := range names {
			if v, ok := all[n]; ok && failed == nil {
				want[n] = v
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %s, want %s", raw, got, want)
		}
		for n, v := range want {
			if string(got[n]) != string(v) {
				t.Fatalf("%s: %s is %s, want %s", raw, n, got[n], v)
			}
		}
	})
}
