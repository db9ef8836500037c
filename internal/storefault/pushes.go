package storefault

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// InsertAddress keeps the promise of store.Pushes.
func (m *MemoryIdentity) InsertAddress(_ context.Context, a store.Address) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a.Rev = 1
	return m.addresses.insert(a.Key, a)
}

// ReplaceAddress keeps the promise of store.Pushes.
func (m *MemoryIdentity) ReplaceAddress(_ context.Context, a store.Address) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := a.Rev
	a.Rev++
	return m.addresses.replace(a.Key, func(a store.Address) int64 { return a.Rev }, rev, a)
}

// Address keeps the promise of store.Pushes.
func (m *MemoryIdentity) Address(_ context.Context, key string) (store.Address, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addresses.read(key)
}

// AddressesOf keeps the promise of store.Pushes.
func (m *MemoryIdentity) AddressesOf(_ context.Context, user string) ([]store.Address, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addresses.find(func(a store.Address) bool { return a.User == user }, func(a, b store.Address) int { return strings.Compare(a.Key, b.Key) }), nil
}

// DropAddress keeps the promise of store.Pushes.
func (m *MemoryIdentity) DropAddress(_ context.Context, key string, rev int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.addresses[key].Rev == rev {
		delete(m.addresses, key)
	}
	return nil
}

// CountAddresses keeps the promise of store.Pushes.
func (m *MemoryIdentity) CountAddresses(_ context.Context, provider string, since time.Time) (n store.AddressCount, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.addresses {
		if a.Provider == provider {
			n.All++
			if !a.Seen.Before(since) {
				n.Seen++
			}
		}
	}
	return n, nil
}

// InsertDelivery keeps the promise of store.Pushes.
func (m *MemoryIdentity) InsertDelivery(_ context.Context, d store.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d.Rev, d.Items = 1, slices.Clone(d.Items)
	return m.deliveries.insert(d.ID, d)
}

// ReplaceDelivery keeps the promise of store.Pushes.
func (m *MemoryIdentity) ReplaceDelivery(_ context.Context, d store.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := d.Rev
	d.Rev, d.Items = d.Rev+1, slices.Clone(d.Items)
	return m.deliveries.replace(d.ID, func(d store.Delivery) int64 { return d.Rev }, rev, d)
}

// Delivery keeps the promise of store.Pushes.
func (m *MemoryIdentity) Delivery(_ context.Context, id string) (store.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, err := m.deliveries.read(id)
	d.Items = slices.Clone(d.Items)
	return d, err
}

// DueDeliveries keeps the promise of store.Pushes.
func (m *MemoryIdentity) DueDeliveries(_ context.Context, lane string, without []string, now time.Time, limit int) ([]store.Delivery, error) {
	return m.some(limit, func(d store.Delivery) bool {
		return d.Lane == lane && d.State.Open() && !d.Next.After(now) && !slices.Contains(without, d.Provider)
	},
		func(a, b store.Delivery) int { return cmp.Or(a.Next.Compare(b.Next), strings.Compare(a.ID, b.ID)) }), nil
}

// DeliveriesAfter keeps the promise of store.Pushes.
func (m *MemoryIdentity) DeliveriesAfter(_ context.Context, state store.DeliveryState, id string, limit int) ([]store.Delivery, error) {
	return m.some(limit, func(d store.Delivery) bool { return d.State == state && d.ID > id }, func(a, b store.Delivery) int { return strings.Compare(a.ID, b.ID) }), nil
}

func (m *MemoryIdentity) some(limit int, pass func(store.Delivery) bool, less func(a, b store.Delivery) int) []store.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []store.Delivery
	for _, d := range m.deliveries {
		if !pass(d) || len(out) >= limit && (limit <= 0 || less(d, out[limit-1]) >= 0) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, d, less)
		out = slices.Insert(out[:min(len(out), limit-1)], at, d) // most are behind what is there already
	}
	for i := range out {
		out[i].Items = slices.Clone(out[i].Items)
	}
	return out
}

// Backlog keeps the promise of store.Pushes.
func (m *MemoryIdentity) Backlog(_ context.Context, lane string) (b store.Backlog, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.deliveries {
		if d.Lane == lane && d.State.Open() {
			if b.Open++; b.Oldest.IsZero() || d.Due.Before(b.Oldest) {
				b.Oldest = d.Due
			}
		}
	}
	return b, nil
}

// CountDeliveries keeps the promise of store.Pushes.
func (m *MemoryIdentity) CountDeliveries(_ context.Context, states ...store.DeliveryState) (map[store.DeliveryState]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[store.DeliveryState]int{}
	for _, d := range m.deliveries {
		if slices.Contains(states, d.State) {
			out[d.State]++
		}
	}
	return out, nil
}

// Outcomes keeps the promise of store.Pushes.
func (m *MemoryIdentity) Outcomes(_ context.Context, batch string) (map[store.DeliveryState]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[store.DeliveryState]int{}
	for _, d := range m.deliveries {
		if d.Batch == batch && batch != "" {
			out[d.State]++
		}
	}
	return out, nil
}
