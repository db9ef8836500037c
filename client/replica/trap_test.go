package replica_test

import (
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestAnOperationNamesEveryOwnPendingOne: should one in the middle be refused, the
// ones before it are still seen.
func TestAnOperationNamesEveryOwnPendingOne(t *testing.T) {
	all := []merge.Role{merge.Owner}
	c := alone(t, &merge.Collection{Name: "door", Scope: "box", Create: all},
		&merge.Collection{Name: "turn", Scope: "box", Create: all, Immutable: true, Parent: "door", ParentField: "door", Fields: []merge.Field{
			{Name: "door", Type: merge.Type{Kind: merge.Reference, To: "door"}, Policy: merge.Once, Write: all, Required: true}}})
	door, err := c.Do(replica.Edit{Scope: "box/1", Collection: "door"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := c.Do(replica.Edit{Scope: "box/1", Collection: "turn", Set: map[string]merge.Value{"door": merge.Str(door)}}); err != nil {
			t.Fatal(err)
		}
	}
	for i, k := range outbox(t, c)[1:] {
		if seen := merge.AsStrings(k.Mutation.Set["seen"]); len(seen) != i {
			t.Errorf("operation %d has seen %v", i, seen)
		}
	}
}

// TestARefusedEditIsNotSentAgain: after a restore the server may think otherwise
// of it, but its author was told.
func TestARefusedEditIsNotSentAgain(t *testing.T) {
	c := used(t)
	take(t, c, `{"now":"2022-04-15T06:00:00.000Z","verdicts":[
		{"scope":"box/1","device":"d1","incarnation":"i1","n":1,"verdict":"applied","seq":2},
		{"scope":"box/1","device":"d1","incarnation":"i1","n":2,"verdict":"rejected","code":"forbidden"},
		{"scope":"box/1","device":"d1","incarnation":"i1","n":3,"verdict":"applied","seq":3}]}`)
	take(t, c, `{"now":"2022-04-15T06:01:00.000Z","reset":["box/1"],"scopes":{"box/1":{"generation":"2.b","seq":1}}}`)
	req, _, err := c.Ask()
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, p := range req.Push {
		sent += len(p.Mutations)
	}
	if sent != 2 {
		t.Errorf("%d edits are sent again, want the two that were taken", sent)
	}
}
