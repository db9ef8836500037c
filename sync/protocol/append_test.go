package protocol_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

func texts(t *rapid.T) []string { return rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "texts") }

func row(t *rapid.T) *protocol.Row {
	r := &protocol.Row{Scope: rapid.String().Draw(t, "scope"), Collection: "sales", ID: rapid.String().Draw(t, "id"), Version: merge.Seq(rapid.Uint64().Draw(t, "version")), Deleted: rapid.Bool().Draw(t, "deleted")}
	if !r.Deleted {
		r.Fields = merge.Encode(map[string]string{"note": rapid.String().Draw(t, "note")})
	}
	return r
}

func verdict(t *rapid.T) protocol.Verdict {
	v := protocol.Verdict{Scope: rapid.String().Draw(t, "scope"), Device: "d", Incarnation: "i", N: rapid.Uint64().Draw(t, "n"), Verdict: merge.Merged, Seq: merge.Seq(rapid.Uint64().Draw(t, "seq")),
		Repeated: rapid.Bool().Draw(t, "repeated"), Lost: texts(t), Ignored: texts(t), Journal: texts(t), Code: rapid.String().Draw(t, "code"), Field: rapid.String().Draw(t, "field"), Quarantine: rapid.String().Draw(t, "quarantine")}
	if rapid.Bool().Draw(t, "more") {
		n := rapid.Int().Draw(t, "index")
		v.Index, v.Message, v.Record = &n, &protocol.Message{ID: "salah <", EN: rapid.String().Draw(t, "en")}, row(t)
	}
	return v
}

// TestAnswersAreWrittenAsEncodingJSONDoes: with every member, and with none.
func TestAnswersAreWrittenAsEncodingJSONDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &protocol.Response{Now: rapid.String().Draw(t, "now"), Purge: texts(t), Reset: texts(t), Granted: texts(t), Fresh: rapid.Bool().Draw(t, "fresh"), Cursor: rapid.String().Draw(t, "cursor"),
			More: rapid.Bool().Draw(t, "more"), PollIn: rapid.Int().Draw(t, "poll")}
		for range rapid.IntRange(0, 3).Draw(t, "verdicts") {
			r.Verdicts = append(r.Verdicts, verdict(t))
		}
		for range rapid.IntRange(0, 3).Draw(t, "rows") {
			r.Changes = append(r.Changes, *row(t))
		}
		for _, s := range texts(t) {
			if r.Scopes == nil {
				r.Scopes = map[string]protocol.Scope{}
			}
			r.Scopes[s] = protocol.Scope{Generation: "1.a", Seq: merge.Seq(rapid.Uint64().Draw(t, "seq")), Hash: rapid.String().Draw(t, "hash")}
		}
		if rapid.Bool().Draw(t, "backup") {
			r.Backup, r.Upgrade = &protocol.BackupMark{Epoch: rapid.Uint64().Draw(t, "epoch"), Done: 3}, &protocol.Upgrade{Min: rapid.String().Draw(t, "min")}
		}
		var slow bytes.Buffer
		e := json.NewEncoder(&slow)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
		quick := r.AppendJSON(nil)
		// encoding/json spells a few characters in another way, and means the same.
		if plain := strings.TrimSpace(slow.String()); !strings.Contains(plain, `\u`) && !strings.ContainsAny(plain, "\u2028\u2029\ufffd") && string(quick) != plain {
			t.Fatalf("%s\nby encoding/json\n%s", quick, plain)
		}
		var a, b any
		if err := json.Unmarshal(quick, &a); err != nil {
			t.Fatalf("%v: %s", err, quick)
		}
		if err := json.Unmarshal(slow.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("%s\nby encoding/json\n%s", quick, slow.Bytes())
		}
	})
}
