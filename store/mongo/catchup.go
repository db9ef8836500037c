package mongo

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

const notAReplicaSet = 123 // it has one copy only

// CatchUp keeps the promise of store.Log. What a majority has is all there for a new
// primary, but until it has committed something of its own it shows a majority's
// state of before; and an old one that is cut off shows its own. A linearizable read
// waits until a majority has confirmed the primary, and tells the time of that: what
// this process reads next is no older.
func (d *DB) CatchUp(ctx context.Context, scope string) error {
	ctx, stop := context.WithTimeout(ctx, d.timeout)
	defer stop()
	// No causal session: a read that is after something cannot be linearizable too.
	s, err := d.client.StartSession(options.Session().SetCausalConsistency(false))
	if err != nil {
		return broken("catch up with "+scope, err)
	}
	defer s.EndSession(context.WithoutCancel(ctx))
	now := d.db.Collection(heads, options.Collection().SetReadConcern(readconcern.Linearizable()))
	err = now.FindOne(mongo.NewSessionContext(ctx, s), byID(scope)).Err()
	d.note(s)
	if e, ok := errors.AsType[mongo.CommandError](err); errors.Is(err, mongo.ErrNoDocuments) || ok && e.Code == notAReplicaSet {
		err = nil
	}
	return broken("catch up with "+scope, err)
}
