package store_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// rewritten is the body of a commit as it is, whatever it was read from.
func rewritten(c store.Commit) ([]byte, error) {
	return (&store.Commit{Lines: c.Lines, Records: c.Records, Pages: c.Pages, Access: c.Access, Sum: c.Sum, Effects: c.Effects, MovedTo: c.MovedTo,
		Todo: c.Todo, Before: c.Before}).Body()
}

// plainly is what encoding/json makes of it.
func plainly(c store.Commit) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(c)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// FuzzReadBody: a body that reads is written again, and then stays what it is, to
// the byte: everybody who folds an entry must write the same.
func FuzzReadBody(f *testing.F) {
	full := store.Commit{Lines: []merge.Line{{Mutation: "d/i/1", Author: "u", Hash: merge.Hash{1}, Stamp: 5, Verdict: merge.Verdict{Outcome: merge.Merged, Lost: []string{"note"}}}},
		Records: []store.Record{{Collection: "thing", ID: "1", Version: 3, Fields: []byte(`{"note":"<a> & b"}`), State: []byte(`{"b":0,"t":1,"w":[]}`), Tags: []string{"x"}}},
		Pages:   []merge.Page{{PageKey: merge.PageKey{BookKey: merge.BookKey{About: "box/1", Device: "d", Incarnation: "i"}}, Version: 3, Entries: map[uint64]merge.Entry{1: {Hash: merge.Hash{1}, Stamp: 5, Seq: 3}}}},
		Access:  []merge.Grant{{ID: "1", User: "u", Role: merge.Owner, From: 1}}, Sum: 1 << 63,
		Effects: []merge.Effect{{Scope: "user/u", Collection: "inbox", ID: "2", Set: map[string]merge.Value{"a": merge.Str("<")}}}, Todo: map[string]merge.Seq{"effects": 3}, Before: 2}
	body, err := full.Body()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(body))
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"sum":"0","records":[{"f":null,"s":{}}]}`))
	f.Add([]byte(`{"pages":[{"Entries":{"1":{"h":"00"}}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c store.Commit
		if c.ReadBody(raw) != nil {
			return
		}
		once, err := rewritten(c)
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := plainly(c); err != nil || !sameJSON(plain, once) {
			t.Fatalf("%s, by encoding/json %s, %v", once, plain, err)
		}
		var again store.Commit
		if err := again.ReadBody(once); err != nil {
			t.Fatalf("%v of %s", err, once)
		}
		if twice, err := rewritten(again); err != nil || !bytes.Equal(twice, once) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
	})
}

// sameJSON reports whether two texts say the same.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// TestABodyReadsBack: nothing of a commit's content is left out or rewritten.
func TestABodyReadsBack(t *testing.T) {
	fields := []byte(`{"note":"<a> & b\u2028"}`)
	c := store.Commit{Records: []store.Record{{Fields: fields, State: []byte(`{"x":"<"}`)}}, Sum: 1<<64 - 1}
	body, err := c.Body()
	if err != nil {
		t.Fatal(err)
	}
	var back store.Commit
	if err := back.ReadBody(body); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Records[0].Fields, fields) || back.Sum != c.Sum {
		t.Errorf("%s and %d", back.Records[0].Fields, back.Sum)
	}
}
