package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/fault"
)

// The collections. Those of a scope carry it in "s", which is the shard key; what
// is unique in them begins with it.
const (
	heads       = "heads"       // one document for every scope
	entries     = "log"         // the commits
	state       = "state"       // records, pages of the verdict book, and what the book's newest page is
	claims      = "claims"      // names that are unique across scopes
	meta        = "meta"        // the version of this shape, the numbers of backups
	users       = "users"       // the directory, and what follows are of package auth
	codes       = "codes"       // one-time codes
	tallies     = "tallies"     //
	totals      = "totals"      //
	sessions    = "sessions"    //
	devices     = "devices"     //
	names       = "names"       // under which phones push
	contacts    = "contacts"    // when a phone was heard of last
	keys        = "keys"        // that sign access tokens
	replies     = "replies"     // answers by idempotency key
	credentials = "credentials" // passwords and second factors
	addresses   = "addresses"   // where phones are rung
	deliveries  = "deliveries"  // pushes on their way
)

// step is one step from one shape of the documents to the next. It works in a session,
// may take as long as longest, and ends with its context: another process may do it
// then, from whatever this one has done.
type step struct {
	name string
	do   func(ctx context.Context, d *DB) error
}

// longest is how long an index or a step may take: a large collection is read whole.
const longest = time.Hour

// prepare makes indexes and takes the steps that the database lacks, one process
// at a time.
func (d *DB) prepare(ctx context.Context) error {
	all := steps()
	have, err := d.known(ctx)
	if err != nil {
		return err
	}
	if have > len(all) {
		return &fault.Error{Kind: fault.Conflict, Code: "database_too_new",
			Text: fmt.Sprintf("the database has version %d, this program knows %d: start a newer program", have, len(all)),
			Info: map[string]any{"database": have, "program": len(all)}}
	}
	if err := d.ensureIndexes(ctx); err != nil || have == len(all) {
		return err
	}
	return d.locked(ctx, lockLife, func(ctx context.Context) error { return d.migrate(ctx, all) })
}

func (d *DB) migrate(ctx context.Context, all []step) error {
	have, err := d.known(ctx)
	if err != nil {
		return err
	}
	for n := have; n < len(all); n++ {
		doing := fmt.Sprintf("migrate to %d (%s)", n+1, all[n].name)
		if err := d.within(ctx, longest, doing, func(ctx context.Context) error { return all[n].do(ctx, d) }); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if err := d.do(ctx, "note version", func(ctx context.Context) error {
			_, err := d.db.Collection(meta).UpdateOne(ctx, bson.D{{Key: "_id", Value: "shape"}}, bson.D{{Key: "$max", Value: bson.D{{Key: "version", Value: n + 1}}}}, options.UpdateOne().SetUpsert(true))
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// known is the version of the shape, 0 for a new database.
func (d *DB) known(ctx context.Context) (version int, err error) {
	err = d.do(ctx, "read version", func(ctx context.Context) error {
		version, err = d.version(ctx)
		return err
	})
	return version, err
}

func (d *DB) version(ctx context.Context) (int, error) {
	var doc struct {
		Version int `bson:"version"`
	}
	err := d.db.Collection(meta).FindOne(ctx, bson.D{{Key: "_id", Value: "shape"}}).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil
	}
	return doc.Version, err
}
