package replica_test

import (
	"encoding/json"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// TestInsideACutTheStateIsReplayed: a page may bring an operation before the new
// state of its record; an edit made then must not name the old state.
func TestInsideACutTheStateIsReplayed(t *testing.T) {
	h := phone(t, &replica.Memory{})
	task, event := id.Derive("task"), id.Derive("event")
	h.have(5, protocol.Row{Scope: shop, Collection: "task", ID: task, Version: 5,
		Fields: json.RawMessage(`{"title":"Foto","origin":"mentor","state":"assigned"}`)})
	h.ask()
	h.take(protocol.Response{More: true, Scopes: map[string]protocol.Scope{shop: {Generation: "1.a", Seq: 7}},
		Changes: []protocol.Row{{Scope: shop, Collection: "task_event", ID: event, Version: 6, Fields: json.RawMessage(
			`{"task_id":"` + task + `","op":"verify","seen":[],"role":"mentor","stamp":1650000000000,"created_by":"m","created_at":"2022-04-15T05:20:00.000Z"}`)}}})
	row, ok, err := h.Row(shop, "task", task)
	h.ok(err)
	if !ok || row.Text("state") != "verified" {
		t.Errorf("the task reads %q", row.Text("state"))
	}
}
