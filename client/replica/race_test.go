package replica_test

import (
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/client/replica"
)

// TestManyHandsOnOnePhone edits, reads, syncs and logs in at once; the race
// detector looks on.
func TestManyHandsOnOnePhone(t *testing.T) {
	h := phone(t, &replica.Memory{})
	h.have(5, row(item, 5, 10))
	var sizes []int
	h.Server = picky(1000, -1, &sizes)
	var all sync.WaitGroup
	for _, do := range []func(){
		func() { h.ok(h.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-2"})) },
		func() { _, err := h.Do(replica.Edit{Scope: shop, Collection: "product"}); h.ok(err) },
		func() { h.ok(h.Sync(t.Context())) },
		func() { _ = h.Me() },
		func() { h.unsent() },
		func() { h.shows(item) },
		func() { _, err := h.Rows(shop, "membership"); h.ok(err) },
		func() { _, err := h.Refused(); h.ok(err) },
		func() { _, err := h.Status(shop, "product", item); h.ok(err) },
		func() { _, err := h.Session(); h.ok(err); h.ok(h.KeepSession(replica.Session{Access: "a"})) },
		func() { h.ok(h.Forget()) },
	} {
		all.Go(func() {
			for range 20 {
				do()
			}
		})
	}
	all.Wait()
}
