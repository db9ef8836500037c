package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

// steps lead from an empty database to the shape that this program reads. One is
// never changed once it was released.
func steps() []step {
	return []step{
		{"number the backups from nothing", numberBackups},
		{"number them among the heads, and let heads know of foreign refusals", func(ctx context.Context, d *DB) error {
			if err := moveNumbers(ctx, d); err != nil {
				return err
			}
			return markForeign(ctx, d)
		}},
		{"pages of verdict books are packed, which an earlier program cannot read", func(context.Context, *DB) error { return nil }},
		{"open deliveries are found by their provider", markProviders},
	}
}

// markProviders puts the provider of what is still to be sent where it is found by it.
func markProviders(ctx context.Context, d *DB) error {
	i := identity{d}
	open := bson.D{{Key: "open", Value: int32(1)}, {Key: "provider", Value: bson.D{{Key: "$exists", Value: false}}}}
	for {
		some, err := find(ctx, i, deliveryRev, deliveries, open, options.Find().SetLimit(1000))
		if err != nil || len(some) == 0 {
			return err
		}
		for _, v := range some {
			set := bson.D{{Key: "$set", Value: bson.D{{Key: "provider", Value: v.Provider}}}}
			if _, err := d.db.Collection(deliveries).UpdateByID(ctx, v.ID, set); err != nil {
				return err
			}
		}
	}
}

func numberBackups(ctx context.Context, d *DB) error {
	none := bson.D{{Key: "began", Value: int64(0)}, {Key: "done", Value: int64(0)}}
	_, err := d.db.Collection(heads).UpdateOne(ctx, byID(backupID), bson.D{{Key: "$setOnInsert", Value: none}}, options.UpdateOne().SetUpsert(true))
	return err
}

// moveNumbers brings the numbers of backups from where they were first.
func moveNumbers(ctx context.Context, d *DB) error {
	if err := numberBackups(ctx, d); err != nil {
		return err
	}
	var old backupDoc
	err := d.db.Collection(meta).FindOne(ctx, byID("backup")).Decode(&old)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	if err == nil {
		_, err = d.db.Collection(heads).UpdateOne(ctx, byID(backupID), bson.D{{Key: "$max", Value: bson.D{{Key: "began", Value: old.Began}, {Key: "done", Value: old.Done}}}})
	}
	return err
}

// markForeign looks for refusals of edits that were meant for other scopes, in the
// books and in entries that may not be folded.
func markForeign(ctx context.Context, d *DB) error {
	scopes := map[string]bool{}
	pages := append(there("w"), bson.E{Key: "s", Value: bson.D{{Key: "$gte", Value: "user/"}, {Key: "$lt", Value: "user0"}}})
	if err := each(ctx, d.db.Collection(state), pages, options.Find().SetProjection(bson.D{{Key: "s", Value: 1}, {Key: "b", Value: 1}}), func(doc *recordDoc) error {
		if partsOf(doc.Book)[0] != doc.Scope {
			scopes[doc.Scope] = true
		}
		return nil
	}); err != nil {
		return err
	}
	if err := each(ctx, d.db.Collection(entries), bson.D{{Key: "o", Value: int32(1)}}, options.Find().SetProjection(bson.D{{Key: "s", Value: 1}}), func(doc *entryDoc) error {
		scopes[doc.Scope] = true
		return nil
	}); err != nil {
		return err
	}
	for scope := range scopes {
		if err := d.Expect(ctx, scope); err != nil && !errors.Is(err, store.ErrAbsent) {
			return err
		}
	}
	return nil
}
