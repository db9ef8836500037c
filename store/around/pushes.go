package around

import (
	"context"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// InsertAddress keeps the promise of store.Pushes.
func (w people) InsertAddress(ctx context.Context, a store.Address) error {
	return w.hook(ctx, Write("InsertAddress"), func(ctx context.Context) error { return w.in.InsertAddress(ctx, a) })
}

// ReplaceAddress keeps the promise of store.Pushes.
func (w people) ReplaceAddress(ctx context.Context, a store.Address) error {
	return w.hook(ctx, Write("ReplaceAddress"), func(ctx context.Context) error { return w.in.ReplaceAddress(ctx, a) })
}

// Address keeps the promise of store.Pushes.
func (w people) Address(ctx context.Context, key string) (store.Address, error) {
	return give(ctx, w.hook, Read("Address"), func(ctx context.Context) (store.Address, error) { return w.in.Address(ctx, key) })
}

// AddressesOf keeps the promise of store.Pushes.
func (w people) AddressesOf(ctx context.Context, user string) ([]store.Address, error) {
	return give(ctx, w.hook, Read("AddressesOf"), func(ctx context.Context) ([]store.Address, error) { return w.in.AddressesOf(ctx, user) })
}

// DropAddress keeps the promise of store.Pushes.
func (w people) DropAddress(ctx context.Context, key string, rev int64) error {
	return w.hook(ctx, Write("DropAddress"), func(ctx context.Context) error { return w.in.DropAddress(ctx, key, rev) })
}

// CountAddresses keeps the promise of store.Pushes.
func (w people) CountAddresses(ctx context.Context, provider string, since time.Time) (store.AddressCount, error) {
	return give(ctx, w.hook, Read("CountAddresses"), func(ctx context.Context) (store.AddressCount, error) {
		return w.in.CountAddresses(ctx, provider, since)
	})
}

// InsertDelivery keeps the promise of store.Pushes.
func (w people) InsertDelivery(ctx context.Context, d store.Delivery) error {
	return w.hook(ctx, Write("InsertDelivery"), func(ctx context.Context) error { return w.in.InsertDelivery(ctx, d) })
}

// ReplaceDelivery keeps the promise of store.Pushes.
func (w people) ReplaceDelivery(ctx context.Context, d store.Delivery) error {
	return w.hook(ctx, Write("ReplaceDelivery"), func(ctx context.Context) error { return w.in.ReplaceDelivery(ctx, d) })
}

// Delivery keeps the promise of store.Pushes.
func (w people) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	return give(ctx, w.hook, Read("Delivery"), func(ctx context.Context) (store.Delivery, error) { return w.in.Delivery(ctx, id) })
}

// DueDeliveries keeps the promise of store.Pushes.
func (w people) DueDeliveries(ctx context.Context, lane string, without []string, now time.Time, limit int) ([]store.Delivery, error) {
	return give(ctx, w.hook, Read("DueDeliveries"), func(ctx context.Context) ([]store.Delivery, error) {
		return w.in.DueDeliveries(ctx, lane, without, now, limit)
	})
}

// DeliveriesAfter keeps the promise of store.Pushes.
func (w people) DeliveriesAfter(ctx context.Context, state store.DeliveryState, id string, limit int) ([]store.Delivery, error) {
	return give(ctx, w.hook, Read("DeliveriesAfter"), func(ctx context.Context) ([]store.Delivery, error) {
		return w.in.DeliveriesAfter(ctx, state, id, limit)
	})
}

// Backlog keeps the promise of store.Pushes.
func (w people) Backlog(ctx context.Context, lane string) (store.Backlog, error) {
	return give(ctx, w.hook, Read("Backlog"), func(ctx context.Context) (store.Backlog, error) { return w.in.Backlog(ctx, lane) })
}

// CountDeliveries keeps the promise of store.Pushes.
func (w people) CountDeliveries(ctx context.Context, states ...store.DeliveryState) (map[store.DeliveryState]int, error) {
	return give(ctx, w.hook, Read("CountDeliveries"), func(ctx context.Context) (map[store.DeliveryState]int, error) {
		return w.in.CountDeliveries(ctx, states...)
	})
}

// Outcomes keeps the promise of store.Pushes.
func (w people) Outcomes(ctx context.Context, batch string) (map[store.DeliveryState]int, error) {
	return give(ctx, w.hook, Read("Outcomes"), func(ctx context.Context) (map[store.DeliveryState]int, error) { return w.in.Outcomes(ctx, batch) })
}
