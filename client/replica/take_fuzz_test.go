package replica_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// resting is a clock that stands still.
type resting struct{}

func (resting) Read() (wall, mono int64, boot string) { return 1_650_000_000_000, 1000, "b" }

// alone is the phone of a user, with these collections and without a server.
func alone(t testing.TB, collections ...*merge.Collection) *replica.Client {
	t.Helper()
	s, err := merge.NewSchema(1, collections...)
	if err != nil {
		t.Fatal(err)
	}
	c := &replica.Client{Local: &replica.Memory{}, Schema: s, Clock: resting{},
		IDs: id.Maker{Clock: clock.At(time.UnixMilli(1_650_000_000_000)), Rand: rand.NewChaCha8([32]byte{1})}}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	if err := c.Become(replica.Identity{User: "u1", Device: "d1", Incarnation: "i1"}); err != nil {
		t.Fatal(err)
	}
	return c
}

// used is a phone with three edits in its outbox: of a record it got from the
// server, and of one that nobody knows yet.
func used(t testing.TB) *replica.Client {
	t.Helper()
	all := []merge.Role{merge.Owner}
	c := alone(t, &merge.Collection{Name: "thing", Scope: "box", Create: all, Fields: []merge.Field{
		{Name: "note", Type: merge.Type{Kind: merge.Text, Max: 200}, Policy: merge.Latest, Write: all}}},
		&merge.Collection{Name: "turn", Scope: "box", Create: all, Immutable: true, Parent: "thing", ParentField: "thing", Fields: []merge.Field{
			{Name: "thing", Type: merge.Type{Kind: merge.Reference, To: "thing"}, Policy: merge.Once, Write: all, Required: true}}})
	take(t, c, start)
	for _, record := range []string{known, "", known} {
		if _, err := c.Do(replica.Edit{Scope: "box/1", Collection: "thing", ID: record, Set: map[string]merge.Value{"note": merge.Str("mine")}}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

const (
	known = "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60"
	start = `{"now":"2022-04-15T05:00:00.000Z","changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":1,"fields":{"note":"theirs"}}],
		"scopes":{"box/1":{"generation":"1.a","seq":1}},"cursor":"1x","poll_after_s":900}`
)

func take(t testing.TB, c *replica.Client, answer string) {
	t.Helper()
	_, ticket, err := c.Ask()
	if err != nil {
		t.Fatal(err)
	}
	var resp protocol.Response
	if err := json.Unmarshal([]byte(answer), &resp); err != nil {
		t.Fatal(err)
	}
	if err := c.Take(ticket, &resp); err != nil {
		t.Fatal(err)
	}
}

// FuzzTake: whatever a server answers, no edit leaves the outbox without a final
// verdict of its own, and the phone goes on working. An answer that cannot be
// applied changes nothing.
func FuzzTake(f *testing.F) {
	for _, s := range []string{start, `{}`, `{"purge":["box/1"]}`, `{"reset":["box/1"]}`,
		`{"verdicts":[{"scope":"box/1","device":"d1","incarnation":"i1","n":1,"verdict":"applied","seq":2}],"backup":{"epoch":1,"done":2}}`,
		`{"verdicts":[{"scope":"box/1","device":"d1","incarnation":"i1","n":1,"verdict":"rejected","code":"forbidden"}]}`,
		`{"verdicts":[{"scope":"box/1","device":"d1","incarnation":"i1","n":1,"verdict":"rekey"},{"scope":"box/1","device":"d1","incarnation":"i1","n":2,"verdict":"again"}]}`,
		`{"scopes":{"box/1":{"generation":"2.b","seq":0,"hash":"0000000000000000"}}}`,
		`{"scopes":{"box/1":{"generation":"no","seq":1}}}`,
		`{"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"deleted":true}],"now":"x"}`,
		`{"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":5}]}`,
		`{"scopes":{"box/1":{"generation":"1.a","seq":2}},"changes":[{"scope":"box/1","collection":"turn","id":"t","version":2,"fields":{"thing":"` + known + `"}}]}`,
		`{"changes":[{"scope":"a|b","collection":"c|d","id":"|","version":2}]}`} {
		f.Add([]byte(s), true)
	}
	for _, members := range unsound {
		f.Add([]byte("{"+members+"}"), true)
	}
	f.Add([]byte(start), false)
	f.Fuzz(func(t *testing.T, answer []byte, fresh bool) {
		var resp protocol.Response
		if json.Unmarshal(answer, &resp) != nil {
			return
		}
		c := used(t)
		before := outbox(t, c)
		_, ticket, err := c.Ask()
		if err != nil {
			t.Fatal(err)
		}
		if !fresh {
			ticket--
		}
		was := dump(t, c)
		failed := c.Take(ticket, &resp)
		if failed != nil && (fault.CodeOf(failed) != "answer_unreadable" || !maps.Equal(was, dump(t, c))) {
			t.Fatalf("%v changes the phone", failed)
		}
		after := map[merge.Hash]replica.Kept{}
		for _, k := range outbox(t, c) {
			after[k.Hash] = k
		}
		for _, k := range before {
			now, kept := after[k.Hash]
			final := failed == nil && finally(&resp, k)
			if !kept && !final || kept && now.Answered && !final {
				t.Fatalf("edit %d is kept %t, answered %t, by %s", k.Mutation.N, kept, now.Answered, answer)
			}
			if kept && (string(now.Mutation.Set["note"]) != `"mine"` || now.User != "u1") {
				t.Fatalf("edit %d became %+v", k.Mutation.N, now)
			}
		}
		works(t, c, answer)
	})
}

func outbox(t *testing.T, c *replica.Client) []replica.Kept {
	t.Helper()
	out, err := c.Outbox()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// finally reports whether the answer holds a final verdict on the edit.
func finally(resp *protocol.Response, k replica.Kept) bool {
	for _, v := range resp.Verdicts {
		if v.Scope == k.Scope && v.Incarnation == k.Incarnation && v.N == k.Mutation.N && v.Verdict.Final() {
			return true
		}
	}
	return false
}

// works says that the phone still takes edits, shows rows and asks.
func works(t *testing.T, c *replica.Client, answer []byte) {
	t.Helper()
	if _, err := c.Do(replica.Edit{Scope: "box/1", Collection: "thing", Set: map[string]merge.Value{"note": merge.Str("next")}}); err != nil {
		t.Fatalf("after %s: %v", answer, err)
	}
	if _, err := c.Do(replica.Edit{Scope: "box/1", Collection: "thing", ID: known, Set: map[string]merge.Value{"note": merge.Str("next")}}); err != nil {
		t.Fatalf("after %s: %v", answer, err)
	}
	if _, err := c.Do(replica.Edit{Scope: "box/1", Collection: "turn", Set: map[string]merge.Value{"thing": merge.Str(known)}}); err != nil {
		t.Fatalf("after %s: %v", answer, err)
	}
	if _, err := c.Rows("box/1", "thing"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Snapshot("box/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Scopes(); err != nil {
		t.Fatal(err)
	}
	req, _, err := c.Ask()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(req); err != nil {
		t.Fatal(err)
	}
	for _, p := range req.Push {
		for i, raw := range p.Mutations {
			if it := merge.ReadItem(p.Scope, p.Device, i, raw); it.Bad != nil {
				t.Fatalf("after %s the phone sends %s: %+v", answer, raw, *it.Bad)
			}
		}
	}
}
