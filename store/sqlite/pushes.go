package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

func addressDoc(a store.Address) document {
	return document{"addresses", a.Key, a, []column{{"user", a.User}, {"provider", a.Provider}, {"seen", millis(a.Seen)}, {"expires", sweptAt(a.Keep)}}}
}

func addressRev(a *store.Address) *int64 { return &a.Rev }

func (i identity) InsertAddress(ctx context.Context, a store.Address) error {
	return i.insert(ctx, addressDoc(a))
}

func (i identity) ReplaceAddress(ctx context.Context, a store.Address) error {
	return i.replace(ctx, addressDoc(a), a.Rev)
}

func (i identity) Address(ctx context.Context, key string) (store.Address, error) {
	return one(ctx, i, addressRev, "addresses", byKey, key)
}

func (i identity) AddressesOf(ctx context.Context, user string) ([]store.Address, error) {
	return find(ctx, i, addressRev, "addresses", "WHERE user = ? ORDER BY key", user)
}

func (i identity) DropAddress(ctx context.Context, key string, rev int64) error {
	return i.db.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM addresses WHERE key = ? AND rev = ?`, key, rev)
		return err
	})
}

func (i identity) CountAddresses(ctx context.Context, provider string, since time.Time) (n store.AddressCount, err error) {
	row := i.db.read.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE seen >= ?) FROM addresses WHERE provider = ?`, millis(since), provider)
	return n, i.db.broken("count addresses", row.Scan(&n.All, &n.Seen))
}

// never is an instant that nothing is swept at.
const never = math.MaxInt64

// sweptAt is the instant behind which a document may be swept.
func sweptAt(keep time.Time) int64 {
	if keep.IsZero() {
		return never
	}
	return millis(keep)
}

func deliveryDoc(d store.Delivery) document {
	open := 0
	if d.State.Open() {
		open = 1
	}
	return document{"deliveries", d.ID, d, []column{{"lane", d.Lane}, {"open", open}, {"next", millis(d.Next)}, {"due", millis(d.Due)}, {"provider", d.Provider}, {"state", string(d.State)}, {"batch", d.Batch},
		{"expires", sweptAt(d.Keep)}}}
}

func deliveryRev(d *store.Delivery) *int64 { return &d.Rev }

func (i identity) InsertDelivery(ctx context.Context, d store.Delivery) error {
	return i.insert(ctx, deliveryDoc(d))
}

func (i identity) ReplaceDelivery(ctx context.Context, d store.Delivery) error {
	return i.replace(ctx, deliveryDoc(d), d.Rev)
}

func (i identity) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	return one(ctx, i, deliveryRev, "deliveries", byKey, id)
}

func (i identity) DueDeliveries(ctx context.Context, lane string, without []string, now time.Time, limit int) ([]store.Delivery, error) {
	return store.DueByProvider(without, limit, func(name string) (provider string, ok bool, err error) {
		row := i.db.read.QueryRowContext(ctx, `SELECT provider FROM deliveries WHERE lane = ? AND open = 1 AND provider >= ? ORDER BY provider LIMIT 1`, lane, name)
		if err = row.Scan(&provider); errors.Is(err, sql.ErrNoRows) {
			return "", false, nil
		}
		return provider, true, i.db.broken("read deliveries", err)
	}, func(provider string) ([]store.Delivery, error) {
		return find(ctx, i, deliveryRev, "deliveries", "WHERE lane = ? AND open = 1 AND provider = ? AND next <= ? ORDER BY next, key LIMIT ?", lane, provider, millis(now), limit)
	})
}

func (i identity) DeliveriesAfter(ctx context.Context, state store.DeliveryState, id string, limit int) ([]store.Delivery, error) {
	return find(ctx, i, deliveryRev, "deliveries", "WHERE state = ? AND key > ? ORDER BY key LIMIT ?", string(state), id, max(limit, 0))
}

func (i identity) Backlog(ctx context.Context, lane string) (b store.Backlog, err error) {
	var oldest int64
	row := i.db.read.QueryRowContext(ctx, `SELECT count(*), coalesce(min(due), 0) FROM deliveries WHERE lane = ? AND open = 1`, lane)
	err = i.db.broken("count deliveries", row.Scan(&b.Open, &oldest))
	b.Oldest = fromMillis(oldest)
	return b, err
}

func (i identity) CountDeliveries(ctx context.Context, states ...store.DeliveryState) (map[store.DeliveryState]int, error) {
	if len(states) == 0 {
		return map[store.DeliveryState]int{}, nil
	}
	args := make([]any, 0, len(states))
	for _, s := range states {
		args = append(args, string(s))
	}
	return i.byState(ctx, `state IN (?`+strings.Repeat(", ?", len(args)-1)+`)`, args...)
}

func (i identity) Outcomes(ctx context.Context, batch string) (map[store.DeliveryState]int, error) {
	return i.byState(ctx, `batch = ? AND batch <> ''`, batch)
}

// byState counts some deliveries by state.
func (i identity) byState(ctx context.Context, where string, args ...any) (_ map[store.DeliveryState]int, err error) {
	defer func() { err = i.db.broken("count deliveries", err) }()
	rows, err := i.db.read.QueryContext(ctx, `SELECT state, count(*) FROM deliveries WHERE `+where+` GROUP BY state`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[store.DeliveryState]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		out[store.DeliveryState(state)] = n
	}
	return out, rows.Err()
}
