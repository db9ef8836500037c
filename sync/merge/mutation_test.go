package merge_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAnItemMeansOneThing: what two readers of JSON may understand differently
// is unreadable, and its number counts only if it is beyond doubt.
func TestAnItemMeansOneThing(t *testing.T) {
	const rest = `"schema":1,"collection":"notes","id":"018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60","op":"put","at":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}`
	tests := []struct {
		name, raw, field string
		ok, n            bool
	}{
		{"a plain one", `{"n":4,` + rest + `,"set":{"a":"x"}}`, "", true, true},
		{"two numbers", `{"n":4,"n":5,` + rest + `}`, "", false, false},
		{"two numbers in two cases", `{"n":4,"N":5,` + rest + `}`, "n", false, false},
		{"a number in capitals", `{"N":4,` + rest + `}`, "n", false, false},
		{"two operations", `{"n":4,` + rest + `,"op":"delete"}`, "", false, true},
		{"an operation in capitals", `{"n":4,` + rest + `,"Op":"delete"}`, "Op", false, true},
		{"one field twice", `{"n":4,` + rest + `,"set":{"a":"x","a":"y"}}`, "", false, true},
		{"broken UTF-8", `{"n":4,` + rest + `,"set":{"a":"` + "\xff" + `"}}`, "", false, true},
		{"half a surrogate", `{"n":4,` + rest + `,"set":{"a":"\ud800"}}`, "", false, true},
		{"a member nobody knows", `{"n":4,` + rest + `,"__proto__":{}}`, "__proto__", false, true},
		{"too deep", `{"n":4,` + rest + `,"set":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}`, "", false, true},
		{"brackets in a text", `{"n":4,` + rest + `,"set":{"a":"` + strings.Repeat("[", 40) + `\\"}}`, "", true, true},
		{"no object", `[1]`, "", false, false},
		{"no number", `{` + rest + `}`, "n", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			it := merge.ReadItem("user/x", "d", 3, json.RawMessage(tt.raw))
			if (it.Bad == nil) != tt.ok || it.HasN != tt.n || it.Index != 3 || it.Hash == (merge.Hash{}) {
				t.Errorf("bad %v, has a number %t, hash %s", it.Bad, it.HasN, it.Hash)
			}
			if it.Bad != nil && (it.Bad.Code != "unreadable" || it.Bad.Field != tt.field) {
				t.Errorf("refused as %q of %q, want %q", it.Bad.Code, it.Bad.Field, tt.field)
			}
			if again := merge.ReadItem("user/x", "d", 0, json.RawMessage(tt.raw)); again.Hash != it.Hash {
				t.Error("the hash depends on the place")
			}
		})
	}
}
