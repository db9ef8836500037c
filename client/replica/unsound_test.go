package replica_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// unsound are members of answers that read as JSON and are none that a server
// makes. Those without a cut of their own are sent beside a good one.
var unsound = map[string]string{
	"fields are a number":          `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":5}]`,
	"fields are a list":            `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":[]}]`,
	"fields are null":              `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":null}]`,
	"fields are absent":            `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2}]`,
	"a member comes twice":         `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":{"a":1,"a":2}}]`,
	"the second row is bad":        `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":2,"fields":{"note":"new"}},{"scope":"box/1","collection":"thing","id":"x","version":3,"fields":"y"}]`,
	"a version beyond all readers": `"changes":[{"scope":"box/1","collection":"thing","id":"` + known + `","version":9007199254740992,"fields":{}}]`,
	"a scope with the separator":   `"changes":[{"scope":"box|1","collection":"thing","id":"x","version":2,"fields":{}}]`,
	"a table with the separator":   `"changes":[{"scope":"box/1","collection":"a|b","id":"x","version":2,"deleted":true}]`,
	"a record with the separator":  `"changes":[{"scope":"box/1","collection":"thing","id":"x|y","version":2,"fields":{}}]`,
	"a record without an id":       `"changes":[{"scope":"box/1","collection":"thing","id":"","version":2,"fields":{}}]`,
	"a parent with the separator":  `"changes":[{"scope":"box/1","collection":"turn","id":"x","version":2,"fields":{"thing":"x|y"}}]`,
	"a row of a scope not named":   `"changes":[{"scope":"box/2","collection":"thing","id":"x","version":2,"fields":{}}]`,
	"a purge of part of a scope":   `"purge":["box/1|thing"]`,
	"a purge of no scope":          `"purge":[""]`,
	"a reset of part of a scope":   `"reset":["box/1|thing"]`,
	"granted with the separator":   `"fresh":true,"granted":["box/1","a|b"]`,
	"a cut beyond all readers":     `"scopes":{"box/1":{"generation":"1.a","seq":9007199254740992}}`,
	"a generation unreadable":      `"scopes":{"box/1":{"generation":"no","seq":2}}`,
	"no generation":                `"scopes":{"box/1":{"seq":2}}`,
	"generation zero":              `"scopes":{"box/1":{"generation":"0.a","seq":2}}`,
	"a cut of part of a scope":     `"scopes":{"box/1|thing":{"generation":"1.a","seq":2}}`,
	"purged, and a row of it":      `"scopes":{},"purge":["box/1"],"changes":[{"scope":"box/1","collection":"thing","id":"x","version":2,"fields":{}}]`,
	"fresh, and a row not granted": `"scopes":{},"fresh":true,"changes":[{"scope":"box/1","collection":"thing","id":"x","version":2,"fields":{}}]`,
}

// TestAnUnsoundAnswerChangesNothing: it is an error with a code, no part of it
// is believed, and the phone goes on with the next answer.
func TestAnUnsoundAnswerChangesNothing(t *testing.T) {
	const accepted = `{"now":"2022-04-15T06:00:00.000Z","cursor":"2x","verdicts":[
		{"scope":"box/1","device":"d1","incarnation":"i1","n":1,"verdict":"applied","seq":2},{"scope":"box/1","device":"d1","incarnation":"i1","n":3,"verdict":"applied","seq":2}],`
	const cut = `"scopes":{"box/1":{"generation":"1.a","seq":2}},`
	for name, members := range unsound {
		t.Run(name, func(t *testing.T) {
			c := used(t)
			answer := accepted + members + "}"
			if !strings.Contains(members, `"scopes"`) {
				answer = accepted + cut + members + "}"
			}
			var resp protocol.Response
			if err := json.Unmarshal([]byte(answer), &resp); err != nil {
				t.Fatal(err)
			}
			_, ticket, err := c.Ask()
			if err != nil {
				t.Fatal(err)
			}
			before, me := dump(t, c), c.Me()
			if err := c.Take(ticket, &resp); fault.CodeOf(err) != "answer_unreadable" || fault.KindOf(err) != fault.Transient {
				t.Errorf("taken: %v", err)
			}
			if after := dump(t, c); !maps.Equal(before, after) || c.Me() != me || c.Mismatches() != 0 {
				t.Errorf("before\n%v\nafter\n%v", before, after)
			}
			take(t, c, accepted+cut+`"changes":[{"scope":"box/1","collection":"thing","id":"`+known+`","version":2,"fields":{"note":"newer"}}]}`)
			if row, ok, err := c.Row("box/1", "thing", known); err != nil || !ok || row.Text("note") != "newer" {
				t.Errorf("the next answer shows %q, %v", row.Text("note"), err)
			}
			works(t, c, []byte(answer))
		})
	}
}

// dump is everything in the phone's database.
func dump(t *testing.T, c *replica.Client) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := c.Local.View(func(r replica.Reader) error {
		for _, bucket := range []string{"meta", "row", "child", "shadow", "scope", "outbox", "kept", "count"} {
			r.Scan(bucket, "", func(k string, b []byte) bool {
				out[bucket+" "+k] = string(b)
				return true
			})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSyncSaysThatAnAnswerIsUnsound and keeps everything; no answer at all is
// none either.
func TestSyncSaysThatAnAnswerIsUnsound(t *testing.T) {
	for name, answer := range map[string]*protocol.Response{"none": nil,
		"purge": {Now: "2022-05-05T02:30:00.000Z", Purge: []string{shop + "|product"}}} {
		h := phone(t, &replica.Memory{})
		h.have(5, row(item, 5, 10))
		h.edit(item, 11)
		h.Server = server(func(protocol.Request) (*protocol.Response, error) { return answer, nil })
		if err := h.Sync(t.Context()); fault.CodeOf(err) != "answer_unreadable" {
			t.Errorf("%s: %v", name, err)
		}
		if h.unsent() != 1 || h.shows(item) != 11 {
			t.Errorf("%s: %d unsent, shows %d", name, h.unsent(), h.shows(item))
		}
	}
}

// TestOddRowsAreShown: a server of another day may write a field otherwise. The
// screen shows what it can, under own edits too.
func TestOddRowsAreShown(t *testing.T) {
	odd := []string{`null`, `5`, `-1.5e300`, `"x"`, `""`, `true`, `[]`, `[null]`, `[5,{"a":null}]`, `{}`, `{"a":null}`, `{"a":5}`, `{"a":{"b":[]}}`, `"2022-13-99"`}
	gone, above := id.Derive("gone"), id.Derive("above")
	catalogue := schema(t).Collections
	for i, value := range odd {
		for j, col := range catalogue {
			if (i+j)%stride != 0 {
				continue
			}
			h := phone(t, &replica.Memory{})
			scope := col.Scope + strings.TrimPrefix(shop, "business")
			fields := map[string]json.RawMessage{}
			for _, f := range col.Fields {
				fields[f.Name] = json.RawMessage(value)
			}
			if col.Parent != "" {
				fields[col.ParentField] = merge.Str(above)
			}
			body, err := json.Marshal(fields)
			h.ok(err)
			rows := []protocol.Row{{Scope: scope, Collection: col.Name, ID: item, Version: 1, Fields: body}, {Scope: scope, Collection: col.Name, ID: gone, Version: 1, Deleted: true}}
			if col.Parent != "" {
				rows = append(rows, protocol.Row{Scope: scope, Collection: col.Parent, ID: above, Version: 1, Fields: body})
			}
			h.ask()
			h.take(protocol.Response{Changes: rows, Scopes: map[string]protocol.Scope{scope: {Generation: gen, Seq: 1}}})
			h.showsAll(scope)
			for _, f := range col.Fields {
				mine := map[string]merge.Value{f.Name: merge.Value(odd[(i+8)%len(odd)])}
				_, err := h.Do(replica.Edit{Scope: scope, Collection: col.Name, ID: item, Set: mine})
				h.ok(err)
			}
			for _, child := range catalogue {
				for _, parent := range []string{item, gone} {
					if child.Parent == col.Name {
						_, err := h.Do(replica.Edit{Scope: scope, Collection: child.Name, Set: map[string]merge.Value{child.ParentField: merge.Str(parent), "op": merge.Str("verify")}})
						h.ok(err)
					}
				}
			}
			h.showsAll(scope)
			_, _, err = h.Row(scope, col.Name, gone)
			h.ok(err)
		}
	}
}

// showsAll reads every record of a scope as the user sees it.
func (h *hand) showsAll(scope string) {
	h.Helper()
	for _, c := range h.Schema.Collections {
		_, err := h.Rows(scope, c.Name)
		h.ok(err)
	}
}
