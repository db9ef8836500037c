package api_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/apitest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

func spec(t testing.TB) *apitest.Spec {
	t.Helper()
	s, err := apitest.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoutesAndSpecificationAreTheSame(t *testing.T) {
	var promised, answered []string
	for _, op := range spec(t).Operations() {
		promised = append(promised, op.Method+" "+op.Path)
	}
	for _, op := range open(t).Operations() {
		answered = append(answered, op.Method+" "+op.Path)
	}
	for _, p := range promised {
		if !slices.Contains(answered, p) {
			t.Errorf("%s is in openapi.yaml and has no route", p)
		}
	}
	for _, a := range answered {
		if !slices.Contains(promised, a) {
			t.Errorf("%s has a route and is not in openapi.yaml", a)
		}
	}
}

// TestTheMessagesOfSyncAreThoseOfTheSpecification holds the hand-written Go
// shapes and the specification together, member by member.
func TestTheMessagesOfSyncAreThoseOfTheSpecification(t *testing.T) {
	s := spec(t)
	for schema, shape := range map[string]any{
		"SyncRequest": protocol.Request{}, "ClockReading": protocol.Reading{}, "OutboxState": protocol.Outbox{}, "PushPart": protocol.Part{},
		"SyncResponse": protocol.Response{}, "ScopeState": protocol.Scope{}, "BackupMark": protocol.BackupMark{}, "Upgrade": protocol.Upgrade{},
		"Verdict": protocol.Verdict{}, "Message": protocol.Message{}, "Row": protocol.Row{},
		"LiveHello": protocol.Hello{}, "ScopeNews": protocol.News{}, "LiveBye": protocol.Bye{}, "Waited": protocol.Waited{},
	} {
		var have []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(shape)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			have = append(have, name)
		}
		want := s.Members(schema)
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s: Go has %q, openapi.yaml has %q", schema, have, want)
		}
	}
	index := 2
	row := &protocol.Row{Scope: "user/x", Collection: "notes", ID: "018099a2-f7c0-7d3e-8f0a-1b2c3d4e5f60", Version: 3, Fields: json.RawMessage(`{"a":1}`), Deleted: true}
	full := protocol.Response{Now: "2022-05-05T02:11:10.004Z", Verdicts: []protocol.Verdict{{Scope: "user/x", Device: "d", Incarnation: "x", N: 1, Index: &index,
		Verdict: merge.Merged, Seq: 1, Repeated: true, Lost: []string{"a"}, Ignored: []string{"b"}, Journal: []string{"c"}, Code: "c", Field: "f",
		Message: &protocol.Message{ID: "a", EN: "b"}, Quarantine: "q", Record: row}}, Purge: []string{"user/x"}, Reset: []string{"user/x"}, Changes: []protocol.Row{*row},
		Scopes: map[string]protocol.Scope{"user/x": {Generation: "1.a", Seq: 1, Hash: protocol.FormatHash(1)}}, Cursor: "1x", More: true, PollIn: 1,
		Backup: &protocol.BackupMark{Epoch: 1, Done: 1}, Upgrade: &protocol.Upgrade{Min: "1.0"}}
	mutation := (&merge.Mutation{N: 1, Schema: 1, Collection: "notes", ID: row.ID, Op: merge.Put, Base: &merge.Base{Generation: merge.Generation{Count: 1, Nonce: "a"}, Version: 1},
		After: []merge.Ref{{Incarnation: "x", N: 1}}, At: merge.Reading{Wall: 1, Mono: 1, Boot: "b", Server: 1}, Set: map[string]merge.Value{"a": merge.Str("b")},
		Add: map[string][]string{"c": {"d"}}, Remove: map[string][]string{"c": {"e"}}}).WireMutation()
	request := protocol.Request{App: "1", Cursor: "1x", LimitBytes: 1, Outbox: &protocol.Outbox{Oldest: "2022-05-05T02:11:10.004Z", Count: 1}, Reset: []string{"user/x"}, Backup: 1,
		Push: []protocol.Part{{Scope: "user/x", Device: "d", Incarnation: "x", Generation: "1.a", Mutations: []json.RawMessage{mutation}}}}
	for schema, v := range map[string]any{"SyncResponse": full, "SyncRequest": request} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(schema, b); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(mutation, &m); err != nil {
		t.Fatal(err)
	}
	for _, name := range s.Members("Mutation") {
		if _, ok := m[name]; !ok {
			t.Errorf("a full mutation lacks %s of openapi.yaml", name)
		}
	}
}
