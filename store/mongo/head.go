package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// headDoc is a head as it is kept.
type headDoc struct {
	Scope    string   `bson:"_id"`
	Revision int64    `bson:"rev"`
	Users    []string `bson:"users,omitempty"` // whom the access list names
	Marks    []string `bson:"marks,omitempty"` // followers with work
	Moved    int64    `bson:"m"`               // when somebody wrote it last, by their clock: for those who poll
	Doc      string   `bson:"doc"`
}

func (d *DB) encodeHead(h store.Head) (headDoc, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return headDoc{}, err
	}
	doc := headDoc{Scope: h.Scope, Revision: int64(h.Revision), Marks: slices.Sorted(maps.Keys(h.Todo)), Moved: d.clock.Now().UnixMilli(), Doc: string(text)}
	for _, g := range h.Access {
		doc.Users = append(doc.Users, g.User)
	}
	slices.Sort(doc.Users)
	doc.Users = slices.Compact(doc.Users)
	return doc, fits("the head of "+h.Scope, doc.size())
}

// size is how many bytes the document has, or a few more.
func (d headDoc) size() int {
	const element = 1 + 8 + 4 + 1 // its type, its number as text, and around its text a length and an end
	n := len(d.Scope) + len(d.Doc)
	for _, s := range append(slices.Clip(d.Users), d.Marks...) {
		n += element + len(s)
	}
	return n
}

func (d headDoc) head() (h store.Head, err error) { return h, json.Unmarshal([]byte(d.Doc), &h) }

func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }

// among finds documents by their ids.
func among(ids []string) bson.E {
	return bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: nonNil(ids)}}}
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Create keeps the promise of store.Log.
func (d *DB) Create(ctx context.Context, h store.Head) error {
	h.Revision = 1
	doc, err := d.encodeHead(h)
	if err != nil {
		return broken("encode the head of "+h.Scope, err)
	}
	return d.do(ctx, "create "+h.Scope, func(ctx context.Context) error {
		_, err := d.db.Collection(heads).InsertOne(ctx, doc)
		return taken(err)
	})
}

// Head keeps the promise of store.Log.
func (d *DB) Head(ctx context.Context, scope string) (h store.Head, err error) {
	err = d.do(ctx, "read the head of "+scope, func(ctx context.Context) error {
		h, err = d.head(ctx, scope)
		return err
	})
	return h, err
}

func (d *DB) head(ctx context.Context, scope string) (store.Head, error) {
	h, _, err := d.look(ctx, scope)
	return h, err
}

func (d *DB) look(ctx context.Context, scope string) (h store.Head, b backupDoc, err error) {
	found := false
	b, err = d.fenced(ctx, bson.D{amongFenced(scope)}, options.Find(), func(doc *headDoc) (err error) {
		found = true
		h, err = doc.head()
		return err
	})
	if err == nil && !found {
		err = store.ErrAbsent
	}
	return h, b, err
}

// amongFenced finds heads by their scopes, and what fenced wants beside them.
func amongFenced(scopes ...string) bson.E {
	return among(append([]string{backupID}, scopes...))
}

// fenced calls see for every head that a filter finds, unless the database is
// retired: the filter must find that document too. So who reads a head has looked at
// the fence, in the same command.
func (d *DB) fenced(ctx context.Context, filter bson.D, o *options.FindOptionsBuilder, see func(*headDoc) error) (b backupDoc, err error) {
	err = each(ctx, d.db.Collection(heads), filter, o, func(doc *struct {
		Head   headDoc   `bson:",inline"`
		Backup backupDoc `bson:",inline"`
	}) error {
		if doc.Head.Scope == backupID {
			b = doc.Backup
			return b.fence()
		}
		return see(&doc.Head)
	})
	return b, err
}

// Look keeps the promise of store.Log, in one command.
func (d *DB) Look(ctx context.Context, scope string) (h store.Head, e store.Epochs, err error) {
	err = d.do(ctx, "look at "+scope, func(ctx context.Context) error {
		var b backupDoc
		h, b, err = d.look(ctx, scope)
		e = b.epochs()
		return err
	})
	return h, e, err
}

// Expect keeps the promise of store.Log.
func (d *DB) Expect(ctx context.Context, scope string) error {
	_, err := d.change(ctx, "expect refusals in", scope, func(h store.Head) (store.Head, error) { return h.Expecting(), nil })
	return err
}

// HeadsFor keeps the promise of store.Log.
func (d *DB) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	named := bson.D{amongFenced(scopes...)}
	if user != "" {
		named = bson.D{{Key: "$or", Value: bson.A{bson.D{{Key: "users", Value: user}}, named}}}
	}
	return d.heads(ctx, named, 0)
}

// Waiting keeps the promise of store.Log.
func (d *DB) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	if limit <= 0 {
		return nil, nil
	}
	return d.heads(ctx, bson.D{{Key: "marks", Value: follower}}, limit)
}

// heads gives the heads that a filter finds, by scope; a limit of 0 is none. A filter
// that does not find the fence leaves it to whoever reads one of them again.
func (d *DB) heads(ctx context.Context, filter bson.D, limit int) (out []store.Head, err error) {
	err = d.do(ctx, "read heads", func(ctx context.Context) error {
		out = nil
		_, err := d.fenced(ctx, filter, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)), func(doc *headDoc) error {
			h, err := doc.head()
			out = append(out, h)
			return err
		})
		return err
	})
	return out, err
}

// errEnough ends each.
var errEnough = errors.New("mongo: enough")

// each calls see for every document that a filter finds, until it has enough.
func each[T any](ctx context.Context, c *mongo.Collection, filter bson.D, o *options.FindOptionsBuilder, see func(*T) error) (err error) {
	found, err := c.Find(ctx, filter, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close(context.WithoutCancel(ctx))) }()
	for found.Next(ctx) {
		var doc T
		if err := found.Decode(&doc); err != nil {
			return err
		}
		if err := see(&doc); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return found.Err()
}

// Scopes keeps the promise of store.Log.
func (d *DB) Scopes(ctx context.Context, after string, limit int) (out []string, err error) {
	if limit <= 0 {
		return nil, nil
	}
	err = d.do(ctx, "list scopes", func(ctx context.Context) error {
		out = nil
		o := options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}).SetLimit(int64(limit)).SetProjection(bson.D{{Key: "_id", Value: 1}})
		return each(ctx, d.db.Collection(heads), bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, o, func(doc *headDoc) error {
			out = append(out, doc.Scope)
			return nil
		})
	})
	return out, err
}

// change replaces a head by what how makes of it and gives the result. How often it
// tries is bounded by the time of the call.
func (d *DB) change(ctx context.Context, doing, scope string, how func(store.Head) (store.Head, error)) (h store.Head, err error) {
	err = d.do(ctx, doing+" "+scope, func(ctx context.Context) error {
		old, err := d.head(ctx, scope)
		if err != nil {
			return err
		}
		h, err = d.replaceHead(ctx, old, how)
		return err
	})
	return h, err
}

// replaceHead begins with a head that was read before.
func (d *DB) replaceHead(ctx context.Context, old store.Head, how func(store.Head) (store.Head, error)) (store.Head, error) {
	for {
		h, err := how(old)
		if err != nil || h.Revision == old.Revision {
			return h, err
		}
		doc, err := d.encodeHead(h)
		if err != nil {
			return h, err
		}
		n, err := d.db.Collection(heads).ReplaceOne(ctx, bson.D{{Key: "_id", Value: h.Scope}, {Key: "rev", Value: int64(old.Revision)}}, doc)
		if err != nil || n.MatchedCount == 1 {
			return h, err
		}
		if old, err = d.head(ctx, h.Scope); err != nil { // somebody was faster
			return h, err
		}
	}
}

// Done keeps the promise of store.Log.
func (d *DB) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	_, err := d.change(ctx, "clear a mark of", scope, func(h store.Head) (store.Head, error) { return h.Cleared(follower, seq), nil })
	return err
}

// Raise keeps the promise of store.Log.
func (d *DB) Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	_, err := d.change(ctx, "raise", scope, func(h store.Head) (store.Head, error) { return h.Raised(next, fork) })
	return err
}
