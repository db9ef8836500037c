package mongo

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

func addressDoc(a store.Address) document {
	return document{addresses, a.Key, a, bson.D{{Key: "user", Value: a.User}, {Key: "provider", Value: a.Provider}, {Key: "seen", Value: millis(a.Seen)}, {Key: "expires", Value: sweptAt(a.Keep)}}}
}

func addressRev(a *store.Address) *int64 { return &a.Rev }

func (i identity) InsertAddress(ctx context.Context, a store.Address) error {
	return i.insert(ctx, addressDoc(a))
}

func (i identity) ReplaceAddress(ctx context.Context, a store.Address) error {
	return i.replace(ctx, addressDoc(a), a.Rev)
}

func (i identity) Address(ctx context.Context, key string) (store.Address, error) {
	return one(ctx, i, addressRev, addresses, byID(key), nil)
}

func (i identity) AddressesOf(ctx context.Context, user string) ([]store.Address, error) {
	return find(ctx, i, addressRev, addresses, bson.D{{Key: "user", Value: user}}, options.Find().SetSort(up("_id")))
}

func (i identity) DropAddress(ctx context.Context, key string, rev int64) error {
	return i.d.do(ctx, "drop an address", func(ctx context.Context) error {
		_, err := i.d.db.Collection(addresses).DeleteOne(ctx, append(byID(key), bson.E{Key: "rev", Value: rev}))
		return err
	})
}

func (i identity) CountAddresses(ctx context.Context, provider string, since time.Time) (n store.AddressCount, err error) {
	of := bson.D{{Key: "provider", Value: provider}}
	all, err := i.count(ctx, addresses, of)
	if err != nil {
		return n, err
	}
	seen, err := i.count(ctx, addresses, append(of, bson.E{Key: "seen", Value: bson.D{{Key: "$gte", Value: millis(since)}}}))
	return store.AddressCount{All: all, Seen: seen}, err
}

func (i identity) count(ctx context.Context, collection string, filter bson.D) (n int, err error) {
	err = i.d.do(ctx, "count "+collection, func(ctx context.Context) error {
		all, err := i.d.db.Collection(collection).CountDocuments(ctx, filter)
		n = int(all)
		return err
	})
	return n, err
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

// deliveryDoc marks what is open with a field that the others lack, so that the index of
// what is due holds nothing else.
func deliveryDoc(d store.Delivery) document {
	found := bson.D{{Key: "lane", Value: d.Lane}, {Key: "provider", Value: d.Provider}, {Key: "next", Value: millis(d.Next)}, {Key: "due", Value: millis(d.Due)}, {Key: "state", Value: string(d.State)}, {Key: "expires", Value: sweptAt(d.Keep)}}
	if d.State.Open() {
		found = append(found, bson.E{Key: "open", Value: int32(1)})
	}
	if d.Batch != "" {
		found = append(found, bson.E{Key: "batch", Value: d.Batch})
	}
	return document{deliveries, d.ID, d, found}
}

func deliveryRev(d *store.Delivery) *int64 { return &d.Rev }

func (i identity) InsertDelivery(ctx context.Context, d store.Delivery) error {
	return i.insert(ctx, deliveryDoc(d))
}

func (i identity) ReplaceDelivery(ctx context.Context, d store.Delivery) error {
	return i.replace(ctx, deliveryDoc(d), d.Rev)
}

func (i identity) Delivery(ctx context.Context, id string) (store.Delivery, error) {
	return one(ctx, i, deliveryRev, deliveries, byID(id), nil)
}

func openIn(lane string) bson.D {
	return bson.D{{Key: "lane", Value: lane}, {Key: "open", Value: int32(1)}}
}

func (i identity) DueDeliveries(ctx context.Context, lane string, without []string, now time.Time, limit int) ([]store.Delivery, error) {
	return store.DueByProvider(without, limit, func(name string) (string, bool, error) {
		first, err := one(ctx, i, deliveryRev, deliveries, append(openIn(lane), bson.E{Key: "provider", Value: bson.D{{Key: "$gte", Value: name}}}), options.FindOne().SetSort(up("provider", "next")))
		if errors.Is(err, store.ErrAbsent) {
			return "", false, nil
		}
		return first.Provider, err == nil, err
	}, func(provider string) ([]store.Delivery, error) {
		return find(ctx, i, deliveryRev, deliveries, append(openIn(lane), bson.E{Key: "provider", Value: provider}, bson.E{Key: "next", Value: bson.D{{Key: "$lte", Value: millis(now)}}}),
			options.Find().SetSort(up("next", "_id")).SetLimit(int64(limit)))
	})
}

func (i identity) DeliveriesAfter(ctx context.Context, state store.DeliveryState, id string, limit int) ([]store.Delivery, error) {
	if limit <= 0 {
		return nil, nil
	}
	return find(ctx, i, deliveryRev, deliveries, bson.D{{Key: "state", Value: string(state)}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: id}}}},
		options.Find().SetSort(up("_id")).SetLimit(int64(limit)))
}

func (i identity) Backlog(ctx context.Context, lane string) (b store.Backlog, err error) {
	if b.Open, err = i.count(ctx, deliveries, openIn(lane)); err != nil {
		return b, err
	}
	first, err := one(ctx, i, deliveryRev, deliveries, openIn(lane), options.FindOne().SetSort(up("due", "_id")))
	if errors.Is(err, store.ErrAbsent) { // or sent in between
		return b, nil
	}
	b.Oldest = first.Due
	return b, err
}

func (i identity) CountDeliveries(ctx context.Context, states ...store.DeliveryState) (map[store.DeliveryState]int, error) {
	return i.byState(ctx, nil, states)
}

func (i identity) Outcomes(ctx context.Context, batch string) (map[store.DeliveryState]int, error) {
	if batch == "" {
		return map[store.DeliveryState]int{}, nil
	}
	return i.byState(ctx, bson.D{{Key: "batch", Value: batch}}, store.DeliveryStates())
}

// byState counts those deliveries that a filter lets through, by state.
func (i identity) byState(ctx context.Context, filter bson.D, states []store.DeliveryState) (map[store.DeliveryState]int, error) {
	out := map[store.DeliveryState]int{}
	for _, s := range states {
		n, err := i.count(ctx, deliveries, append(slices.Clone(filter), bson.E{Key: "state", Value: string(s)}))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out[s] = n
		}
	}
	return out, nil
}
