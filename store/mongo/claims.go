package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

// claimDoc is a name that somebody holds.
type claimDoc struct {
	ID     string `bson:"_id"`
	Holder string `bson:"h"`
}

// Claim keeps the promise of store.Claims.
func (d *DB) Claim(ctx context.Context, space, key, holder string) (now string, err error) {
	id := idOf(space, key)
	err = d.do(ctx, "claim in "+space, func(ctx context.Context) error {
		for { // until the claim is mine, or somebody's whom a read finds
			_, err := d.db.Collection(claims).InsertOne(ctx, claimDoc{id, holder})
			if err == nil {
				now = holder
				return nil
			}
			if !mongo.IsDuplicateKeyError(err) {
				return err
			}
			if now, err = d.holder(ctx, id); err != nil || now != "" {
				return err
			}
		}
	})
	return now, err
}

// Holder keeps the promise of store.Claims.
func (d *DB) Holder(ctx context.Context, space, key string) (now string, err error) {
	err = d.do(ctx, "read a claim in "+space, func(ctx context.Context) error {
		now, err = d.holder(ctx, idOf(space, key))
		return err
	})
	return now, err
}

func (d *DB) holder(ctx context.Context, id string) (string, error) {
	var doc claimDoc
	err := d.db.Collection(claims).FindOne(ctx, byID(id)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return "", nil
	}
	return doc.Holder, err
}

// Release keeps the promise of store.Claims.
func (d *DB) Release(ctx context.Context, space, key, holder string) error {
	return d.do(ctx, "release a claim in "+space, func(ctx context.Context) error {
		_, err := d.db.Collection(claims).DeleteOne(ctx, append(byID(idOf(space, key)), bson.E{Key: "h", Value: holder}))
		return err
	})
}

// backupDoc numbers the backups. It also says what may be done with the database, so
// that every read of a head sees that.
type backupDoc struct {
	Began int64 `bson:"began"`
	Done  int64 `bson:"done"`
	State int64 `bson:"condition"` // and move and try: store.Condition
	Move  int64 `bson:"move"`
	Try   int64 `bson:"try"`
}

// backupID is where they are, among the heads, so that one command reads a head and
// them: no scope has an empty name.
const backupID = ""

// Epochs keeps the promise of store.Backups.
func (d *DB) Epochs(ctx context.Context) (e store.Epochs, err error) {
	err = d.do(ctx, "read the numbers of backups", func(ctx context.Context) (err error) {
		e, err = d.epochs(ctx)
		return err
	})
	return e, err
}

// epochs reads the numbers of the backups, unless the database is retired.
func (d *DB) epochs(ctx context.Context) (store.Epochs, error) {
	var doc backupDoc
	err := d.db.Collection(heads).FindOne(ctx, byID(backupID)).Decode(&doc)
	if err == nil {
		err = doc.fence()
	}
	return doc.epochs(), err
}

// inUse refuses a retired database to whoever has just written.
func (d *DB) inUse(ctx context.Context) error {
	_, err := d.epochs(ctx)
	return err
}

// fence refuses a retired database.
func (d backupDoc) fence() error {
	if d.condition().State == store.Retired {
		return store.Moved()
	}
	return nil
}

func (d backupDoc) condition() store.Condition {
	return store.Condition{State: store.State(d.State), Move: d.Move, Try: d.Try}
}

func (d backupDoc) epochs() store.Epochs {
	return store.Epochs{Began: uint64(d.Began), Done: uint64(d.Done)}
}

// Begin keeps the promise of store.Backups.
func (d *DB) Begin(ctx context.Context) (epoch uint64, err error) {
	err = d.do(ctx, "begin a backup", func(ctx context.Context) error {
		var doc backupDoc
		err := d.db.Collection(heads).FindOneAndUpdate(ctx, byID(backupID), bson.D{{Key: "$inc", Value: bson.D{{Key: "began", Value: int64(1)}}}},
			options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&doc)
		epoch = uint64(doc.Began)
		return err
	})
	return epoch, err
}

// Complete keeps the promise of store.Backups.
func (d *DB) Complete(ctx context.Context, epoch uint64) error {
	return d.do(ctx, "complete a backup", func(ctx context.Context) error {
		_, err := d.db.Collection(heads).UpdateOne(ctx, byID(backupID), bson.D{{Key: "$max", Value: bson.D{{Key: "done", Value: int64(epoch)}}}})
		return err
	})
}
