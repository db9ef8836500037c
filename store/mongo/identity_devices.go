package mongo

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

func tallyDoc(t store.Tally) document {
	return document{tallies, t.Key, t, bson.D{{Key: "expires", Value: millis(t.Expires)}}}
}

func tallyRev(t *store.Tally) *int64 { return &t.Rev }

func (i identity) InsertTally(ctx context.Context, t store.Tally) error {
	return i.insert(ctx, tallyDoc(t))
}

func (i identity) ReplaceTally(ctx context.Context, t store.Tally) error {
	return i.replace(ctx, tallyDoc(t), t.Rev)
}

func (i identity) Tally(ctx context.Context, key string) (store.Tally, error) {
	return one(ctx, i, tallyRev, tallies, byID(key), nil)
}

func (i identity) Add(ctx context.Context, key string, n int64, expires time.Time) error {
	return i.d.do(ctx, "add to a total", func(ctx context.Context) error {
		_, err := i.d.db.Collection(totals).UpdateOne(ctx, byID(key), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: n}}},
			{Key: "$set", Value: bson.D{{Key: "expires", Value: millis(expires)}}}}, options.UpdateOne().SetUpsert(true))
		return err
	})
}

func (i identity) Totals(ctx context.Context, keys []string) (out []int64, err error) {
	err = i.d.do(ctx, "read totals", func(ctx context.Context) error {
		found := map[string]int64{}
		err := each(ctx, i.d.db.Collection(totals), bson.D{among(keys)}, options.Find(), func(doc *struct {
			Key string `bson:"_id"`
			N   int64  `bson:"n"`
		}) error {
			found[doc.Key] = doc.N
			return nil
		})
		out = make([]int64, len(keys))
		for n, k := range keys {
			out[n] = found[k]
		}
		return err
	})
	return out, err
}

func deviceDoc(d store.Device) document {
	return document{devices, d.ID, d, bson.D{{Key: "user", Value: d.User}, {Key: "created", Value: millis(d.Created)}}}
}

func deviceRev(d *store.Device) *int64 { return &d.Rev }

func (i identity) InsertDevice(ctx context.Context, d store.Device) error {
	return i.insert(ctx, deviceDoc(d))
}

func (i identity) ReplaceDevice(ctx context.Context, d store.Device) error {
	return i.replace(ctx, deviceDoc(d), d.Rev)
}

func (i identity) Device(ctx context.Context, id string) (store.Device, error) {
	return one(ctx, i, deviceRev, devices, byID(id), nil)
}

func (i identity) DevicesOf(ctx context.Context, user string) ([]store.Device, error) {
	return find(ctx, i, deviceRev, devices, bson.D{{Key: "user", Value: user}}, options.Find().SetSort(down("created", "_id")))
}

func (i identity) InsertIncarnation(ctx context.Context, n store.Incarnation) error {
	return i.insert(ctx, document{collection: names, key: n.Name, shape: n})
}

func (i identity) Incarnation(ctx context.Context, name string) (store.Incarnation, error) {
	return one[store.Incarnation](ctx, i, nil, names, byID(name), nil)
}

// contactDoc is a contact as it is kept.
type contactDoc struct {
	Device string `bson:"_id"`
	At     int64  `bson:"at"`
	Oldest int64  `bson:"oldest"`
	Unsent int64  `bson:"unsent"`
}

func (i identity) SaveContacts(ctx context.Context, all []store.Contact) error {
	if len(all) == 0 {
		return nil
	}
	var writes []mongo.WriteModel
	for _, c := range all {
		doc := contactDoc{c.Device, millis(c.At), millis(c.OldestUnsent), int64(c.Unsent)}
		earlier := append(byID(c.Device), bson.E{Key: "at", Value: bson.D{{Key: "$lt", Value: doc.At}}})
		writes = append(writes, mongo.NewReplaceOneModel().SetFilter(earlier).SetReplacement(doc).SetUpsert(true))
	}
	return i.d.do(ctx, "save contacts", func(ctx context.Context) error {
		return putUnlessNewer(ctx, i.d.db.Collection(contacts), writes)
	})
}

func (i identity) Contacts(ctx context.Context, ids []string) (out []store.Contact, err error) {
	err = i.d.do(ctx, "read contacts", func(ctx context.Context) error {
		out = nil
		return each(ctx, i.d.db.Collection(contacts), bson.D{among(ids)}, options.Find(), func(doc *contactDoc) error {
			out = append(out, store.Contact{Device: doc.Device, At: instant(doc.At), OldestUnsent: instant(doc.Oldest), Unsent: int(doc.Unsent)})
			return nil
		})
	})
	return out, err
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func signingKeyDoc(k store.SigningKey) document {
	return document{keys, k.KID, k, bson.D{{Key: "number", Value: k.Number}}}
}

func (i identity) InsertSigningKey(ctx context.Context, k store.SigningKey) error {
	return i.insert(ctx, signingKeyDoc(k))
}

func (i identity) ReplaceSigningKey(ctx context.Context, k store.SigningKey) error {
	return i.replace(ctx, signingKeyDoc(k), k.Rev)
}

func (i identity) SigningKeys(ctx context.Context) ([]store.SigningKey, error) {
	return find(ctx, i, func(k *store.SigningKey) *int64 { return &k.Rev }, keys, bson.D{}, options.Find().SetSort(up("number")))
}

func (i identity) DropSigningKey(ctx context.Context, kid string) error {
	return i.d.do(ctx, "drop a signing key", func(ctx context.Context) error {
		if _, err := i.d.db.Collection(keys).DeleteOne(ctx, byID(kid)); err != nil {
			return err
		}
		return i.d.inUse(ctx)
	})
}

func replyDoc(r store.Reply) document {
	return document{replies, r.Key, r, bson.D{{Key: "expires", Value: millis(r.Expires)}}}
}

func replyRev(r *store.Reply) *int64 { return &r.Rev }

func (i identity) InsertReply(ctx context.Context, r store.Reply) error {
	return i.insert(ctx, replyDoc(r))
}

func (i identity) ReplaceReply(ctx context.Context, r store.Reply) error {
	return i.replace(ctx, replyDoc(r), r.Rev)
}

func (i identity) Reply(ctx context.Context, key string) (store.Reply, error) {
	return one(ctx, i, replyRev, replies, byID(key), nil)
}

func (i identity) DropReply(ctx context.Context, key string, rev int64) error {
	return i.d.do(ctx, "drop a reply", func(ctx context.Context) error {
		_, err := i.d.db.Collection(replies).DeleteOne(ctx, append(byID(key), bson.E{Key: "rev", Value: rev}))
		return err
	})
}

// Sweep keeps the promise of store.Identity. Nothing else takes away what expired:
// an index that did so by itself would go by the server's clock, not by the
// house's. What cannot be swept of one kind does not keep the others.
func (i identity) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	gone := bson.D{{Key: "expires", Value: bson.D{{Key: "$lt", Value: millis(before)}}}}
	var failed []error
	for _, c := range []string{codes, tallies, totals, replies, addresses, deliveries} {
		failed = append(failed, i.d.sweep(ctx, "sweep "+c, c, gone, up("expires"), func(ctx context.Context, ids []string) error {
			n, err := i.d.db.Collection(c).DeleteMany(ctx, append(gone[:len(gone):len(gone)], among(ids))) // one may live longer by now
			if err == nil {
				swept += int(n.DeletedCount)
			}
			return err
		}))
	}
	return swept, errors.Join(failed...)
}
