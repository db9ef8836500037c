package mongo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/fault"
)

// The collections. Those of a scope carry it in "s", which is the shard key; what
// is unique in them begins with it.
const (
	heads    = "heads"    // one document for every scope
	entries  = "log"      // the commits
	state    = "state"    // records, pages of the verdict book, and what the book's newest page is
	claims   = "claims"   // names that are unique across scopes
	meta     = "meta"     // the version of this shape, the numbers of backups
	users    = "users"    // the directory, and what follows are of package auth
	codes    = "codes"    // one-time codes
	tallies  = "tallies"  //
	totals   = "totals"   //
	sessions = "sessions" //
	devices  = "devices"  //
	names    = "names"    // under which phones push
	contacts = "contacts" // when a phone was heard of last
	keys     = "keys"     // that sign access tokens
	replies  = "replies"  // answers by idempotency key
)

// index is an index that a collection has.
type index struct {
	collection string
	name       string
	fields     bson.D
	unique     bool
	has        string // documents without this field are left out; "" for none
}

// indexes are all but those of _id.
func indexes() []index {
	up := func(names ...string) (d bson.D) {
		for _, n := range names {
			d = append(d, bson.E{Key: n, Value: int32(1)})
		}
		return d
	}
	return []index{
		{collection: heads, name: "users", fields: up("users")},
		{collection: heads, name: "marks", fields: up("marks", "_id"), has: "marks"},
		{collection: heads, name: "moved", fields: up("m")},
		{collection: entries, name: "open", fields: up("o", "s"), has: "o"},
		{collection: entries, name: "place", fields: up("s", "g", "q")},
		{collection: state, name: "changed", fields: up("s", "v", "p", "_id")},
		{collection: state, name: "tags", fields: up("s", "t"), has: "t"},
		{collection: state, name: "pages", fields: up("s", "w"), has: "w"},
		{collection: users, name: "phone", fields: up("phone"), unique: true},
		{collection: users, name: "changed", fields: up("changed")},
		{collection: codes, name: "asked", fields: up("phone", "purpose", "install", "created")},
		{collection: codes, name: "unsent", fields: up("unsent", "created"), has: "unsent"},
		{collection: codes, name: "expires", fields: up("expires")},
		{collection: tallies, name: "expires", fields: up("expires")},
		{collection: totals, name: "expires", fields: up("expires")},
		{collection: sessions, name: "user", fields: up("user", "created")},
		{collection: sessions, name: "revoked", fields: up("revoked")},
		{collection: devices, name: "user", fields: up("user", "created")},
		{collection: keys, name: "number", fields: up("number"), unique: true},
		{collection: replies, name: "expires", fields: up("expires")},
	}
}

func (i index) model() mongo.IndexModel {
	o := options.Index().SetName(i.name)
	if i.unique {
		o.SetUnique(true)
	}
	if i.has != "" {
		o.SetPartialFilterExpression(bson.D{{Key: i.has, Value: bson.D{{Key: "$exists", Value: true}}}})
	}
	return mongo.IndexModel{Keys: i.fields, Options: o}
}

// ensureIndexes makes the indexes that a collection lacks and reports those that
// are not as they should be. It changes none: an operator may have had a reason,
// and making one anew can take hours.
func (d *DB) ensureIndexes(ctx context.Context) error {
	var order []string
	wanted := map[string][]index{}
	for _, i := range indexes() {
		if wanted[i.collection] == nil {
			order = append(order, i.collection)
		}
		wanted[i.collection] = append(wanted[i.collection], i)
	}
	for _, c := range order {
		if err := d.ensureIn(ctx, c, wanted[c]); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) ensureIn(ctx context.Context, collection string, wanted []index) error {
	return d.do(ctx, "index "+collection, func(ctx context.Context) error {
		view := d.db.Collection(collection).Indexes()
		have, err := listed(ctx, view)
		if err != nil {
			return err
		}
		var missing []index
		for _, i := range wanted {
			is, there := have[i.name]
			switch {
			case !there:
				missing = append(missing, i)
			case is != i.describe() && d.report != nil:
				d.report(fmt.Sprintf("index %s of %s is %s, wanted %s: drop it and start again, or leave it", i.name, collection, is, i.describe()))
			}
		}
		return makeIndexes(ctx, view, missing)
	})
}

// makeIndexes makes indexes, whole ones where a server knows no others: none that
// leaves documents out is unique, so that a whole one is larger and no stricter.
func makeIndexes(ctx context.Context, view mongo.IndexView, missing []index) error {
	if len(missing) == 0 {
		return nil
	}
	_, err := view.CreateMany(ctx, models(missing))
	if e, ok := errors.AsType[mongo.CommandError](err); !ok || e.Code != notImplemented {
		return err
	}
	for i := range missing {
		missing[i].has = ""
	}
	_, err = view.CreateMany(ctx, models(missing))
	return err
}

func models(all []index) (out []mongo.IndexModel) {
	for _, i := range all {
		out = append(out, i.model())
	}
	return out
}

// listed describes the indexes that a collection has, by name.
func listed(ctx context.Context, view mongo.IndexView) (map[string]string, error) {
	specs, err := view.ListSpecifications(ctx)
	if e, ok := errors.AsType[mongo.CommandError](err); ok && e.Code == namespaceNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, s := range specs {
		var fields bson.D
		if err := bson.Unmarshal(s.KeysDocument, &fields); err != nil {
			return nil, err
		}
		i := index{fields: fields, unique: s.Unique != nil && *s.Unique}
		out[s.Name] = i.describe()
	}
	return out, nil
}

const namespaceNotFound, notImplemented = 26, 238

// describe writes an index as "s v p unique".
func (i index) describe() string {
	var parts []string
	for _, f := range i.fields {
		parts = append(parts, f.Key)
	}
	if i.unique {
		parts = append(parts, "unique")
	}
	return strings.Join(parts, " ")
}

// step is one step from one shape of the documents to the next.
type step struct {
	name string
	do   func(ctx context.Context, d *DB) error
}

// steps lead from an empty database to the shape that this program reads. One is
// never changed once it was released.
func steps() []step {
	return []step{{"number the backups from nothing", func(ctx context.Context, d *DB) error {
		return d.do(ctx, "make the numbers of backups", func(ctx context.Context) error {
			_, err := d.db.Collection(heads).UpdateOne(ctx, byID(backupID), bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "began", Value: int64(0)}, {Key: "done", Value: int64(0)}}}}, options.UpdateOne().SetUpsert(true))
			return err
		})
	}}}
}

// A lock that its holder did not come back to is void after lockLife.
const (
	lockLife  = 2 * time.Minute
	lockPause = 200 * time.Millisecond
)

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
	return d.locked(ctx, func() error { return d.migrate(ctx, all) })
}

func (d *DB) migrate(ctx context.Context, all []step) error {
	have, err := d.known(ctx)
	if err != nil {
		return err
	}
	for n := have; n < len(all); n++ {
		if err := all[n].do(ctx, d); err != nil {
			return fmt.Errorf("migrate to %d (%s): %w", n+1, all[n].name, err)
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

// locked runs fn while nobody else does, in whatever process.
func (d *DB) locked(ctx context.Context, fn func() error) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	me := fmt.Sprintf("%s/%d/%d", host, os.Getpid(), d.clock.Now().UnixMilli())
	for {
		ok, err := d.lock(ctx, me)
		if err != nil {
			return err
		}
		if ok {
			break
		}
		wait := time.NewTimer(lockPause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return broken("wait for the migration of another process", ctx.Err())
		case <-wait.C:
		}
	}
	err = fn()
	return errors.Join(err, d.do(context.WithoutCancel(ctx), "unlock", func(ctx context.Context) error {
		_, err := d.db.Collection(meta).DeleteOne(ctx, bson.D{{Key: "_id", Value: "lock"}, {Key: "by", Value: me}})
		return err
	}))
}

// lock takes the lock, if it is free or its holder is gone.
func (d *DB) lock(ctx context.Context, me string) (ok bool, err error) {
	err = d.do(ctx, "lock", func(ctx context.Context) error {
		now := d.clock.Now()
		doc := bson.D{{Key: "_id", Value: "lock"}, {Key: "by", Value: me}, {Key: "until", Value: now.Add(lockLife).UnixMilli()}}
		_, err := d.db.Collection(meta).InsertOne(ctx, doc)
		if !mongo.IsDuplicateKeyError(err) {
			ok = err == nil
			return err
		}
		n, err := d.db.Collection(meta).ReplaceOne(ctx, bson.D{{Key: "_id", Value: "lock"}, {Key: "until", Value: bson.D{{Key: "$lt", Value: now.UnixMilli()}}}}, doc)
		ok = err == nil && n.MatchedCount == 1
		return err
	})
	return ok, err
}
