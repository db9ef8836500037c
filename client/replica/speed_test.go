package replica_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// BenchmarkEditWithALongOutbox keeps edits on a phone that was offline for weeks:
// a new entry, and an operation on one, which wants to know what was seen.
func BenchmarkEditWithALongOutbox(b *testing.B) {
	for _, unsent := range []int{100, 2000} {
		b.Run(fmt.Sprintf("memory, %d unsent", unsent), func(b *testing.B) { benchEdits(b, &replica.Memory{}, unsent) })
		b.Run(fmt.Sprintf("sqlite, %d unsent", unsent), func(b *testing.B) {
			l, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "phone.db"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := l.Close(); err != nil {
					b.Error(err)
				}
			})
			benchEdits(b, l, unsent)
		})
	}
}

func benchEdits(b *testing.B, local replica.Local, unsent int) {
	h := &hand{clock: clock.At(time.Date(2022, 5, 5, 2, 0, 0, 0, time.UTC))}
	c := &replica.Client{Local: local, Schema: domain.MustCatalogue(), Clock: h, IDs: id.Maker{Clock: h.clock, Rand: rand.NewChaCha8([32]byte{1})}}
	if err := c.Open(); err != nil {
		b.Fatal(err)
	}
	if err := c.Become(replica.Identity{User: me, Device: "device-1", Incarnation: "incarnation-1"}); err != nil {
		b.Fatal(err)
	}
	do := func(collection string, set map[string]merge.Value) string {
		h.clock.Advance(time.Second)
		made, err := c.Do(replica.Edit{Scope: shop, Collection: collection, Set: set})
		if err != nil {
			b.Fatal(err)
		}
		return made
	}
	sale := func() string {
		return do("sales", map[string]merge.Value{"sold_on": merge.Str("2022-05-05"), "channel": merge.Str("store"), "payment": merge.Str("cash"),
			"amount_idr": merge.Num(25_000), "granularity": merge.Str("single")})
	}
	for range unsent {
		sale()
	}
	for i := 0; b.Loop(); i++ {
		if entry := sale(); i%2 == 0 {
			do("sale_adjustment", map[string]merge.Value{"entry_id": merge.Str(entry), "kind": merge.Str("void"), "note": merge.Str("twice")})
		}
	}
}

// TestTheOutboxInMemoryIsTheOneOnDisk edits by two apps on one database, with
// edits that are undone and answers in between: each sees what one sees that was
// just started.
func TestTheOutboxInMemoryIsTheOneOnDisk(t *testing.T) {
	each(t, func(t *testing.T, local replica.Local) {
		flaky := &undoing{Local: local}
		one := phone(t, flaky)
		one.have(5, row(item, 5, 10))
		two := wake(t, local)
		for price := 11; price < 40; price += 4 {
			one.edit(item, price)
			two.edit(item, price+1)
			flaky.undo = true
			if _, err := one.Do(replica.Edit{Scope: shop, Collection: "product", ID: item, Set: map[string]merge.Value{"price_idr": merge.Encode(99)}}); err == nil {
				t.Fatal("nothing was undone")
			}
			flaky.undo = false
			last := one.shows(item)
			if price%3 == 0 {
				one.edit(item, price+2)
				one.ask()
				one.take(one.told(merge.Rejected, 0))
				last = 10
			} else if last != int64(price+1) {
				t.Errorf("after the edit of the other app the screen shows %d, want %d", last, price+1)
			}
			fresh := wake(t, local)
			for name, h := range map[string]*hand{"one": one, "the other": two, "a fresh one": fresh} {
				if got := h.shows(item); got != last {
					t.Errorf("at %d %s shows %d, want %d", price, name, got, last)
				}
			}
		}
	})
}

// undoing is a database that undoes updates at their end.
type undoing struct {
	replica.Local
	undo bool
}

func (u *undoing) Update(do func(replica.Writer) error) error {
	return u.Local.Update(func(w replica.Writer) error {
		err := do(w)
		if err == nil && u.undo {
			err = errors.New("disk full")
		}
		return err
	})
}
