package replica_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// TestRekeyGivesTwoCopiesTheSameNames re-keys what the server named and
// everything behind it, and rewrites what points there.
func TestRekeyGivesTwoCopiesTheSameNames(t *testing.T) {
	local := &replica.Memory{}
	h := phone(t, local)
	h.have(5, row(item, 5, 10))
	h.edit(item, 11) // 1: accepted before the copy
	h.ask()
	h.take(h.told(merge.Applied, 6))
	h.edit(item, 12) // 2
	h.edit(item, 13) // 3, after 1 and 2
	h.edit("", 14)   // 4

	twin := wake(t, local.Clone())
	twin.edit("", 99) // 5, on the copy only
	var names [2]map[string]bool
	for i, p := range []*hand{h, twin} {
		before := p.ask()
		resp := p.told(merge.Rekey, 0)
		resp.Verdicts = resp.Verdicts[:1] // n 2; the rest of the part is behind it
		p.take(resp)
		names[i] = map[string]bool{}
		after := p.ask()
		if len(after) != len(before) {
			t.Fatalf("%d edits became %d", len(before), len(after))
		}
		for n, it := range after {
			part := p.asked.Push[n].Incarnation
			sum := sha256.Sum256(fmt.Appendf(nil, "incarnation-1\n%016x\n%s", before[n].Mutation.N, before[n].Hash))
			if want := "k" + hex.EncodeToString(sum[:16]); part != want || it.Mutation.N != 1 || it.Hash != before[n].Hash {
				t.Errorf("n %d is now %s/%d, want %s/1", before[n].Mutation.N, part, it.Mutation.N, want)
			}
			names[i][part] = true
		}
		third := after[1].Mutation.After
		if len(third) != 2 || third[0] != (merge.Ref{Incarnation: "incarnation-1", N: 1, Hash: third[0].Hash}) || third[1].Incarnation != p.asked.Push[0].Incarnation || third[1].N != 1 {
			t.Errorf("the third edit is after %v", third)
		}
		if p.Me().Incarnation == "incarnation-1" {
			t.Error("new edits go on under the old name")
		}
	}
	for name := range names[0] {
		if !names[1][name] {
			t.Errorf("the copy does not arrive at %s", name)
		}
	}
	if h.Me().Incarnation == twin.Me().Incarnation {
		t.Log("both copies drew the same fresh name: their random sources are the same in this test")
	}
}
