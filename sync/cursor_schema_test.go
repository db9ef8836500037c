package syncer

import (
	"fmt"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func TestACursorSaysForWhichSchemaItsRowsWereCast(t *testing.T) {
	for _, scopes := range []int{1, 200} { // plain, and packed
		c := cursor{}
		for i := range scopes {
			c[fmt.Sprint("box/", i)] = place{Generation: merge.Generation{Count: 1, Nonce: "n"}, Head: 5, Chain: "c", Complete: true, Schema: 1 + i%3}
		}
		got, ok := parseCursor(c.encode())
		if !ok || len(got) != scopes {
			t.Fatalf("%d places, %t", len(got), ok)
		}
		for name, p := range c {
			if got[name].Schema != p.Schema {
				t.Errorf("%s: schema %d, want %d", name, got[name].Schema, p.Schema)
			}
		}
	}
}
