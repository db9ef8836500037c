package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// index is an index that a collection should have.
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
		{collection: addresses, name: "user", fields: up("user")},
		{collection: addresses, name: "provider", fields: up("provider", "seen")},
		{collection: deliveries, name: "due_of", fields: up("lane", "provider", "next", "_id"), has: "open"},
		{collection: addresses, name: "expires", fields: up("expires")},
		{collection: deliveries, name: "oldest", fields: up("lane", "due", "_id"), has: "open"},
		{collection: deliveries, name: "state", fields: up("state", "_id")},
		{collection: deliveries, name: "batch", fields: up("batch", "state"), has: "batch"},
		{collection: deliveries, name: "expires", fields: up("expires")},
	}
}

func (i index) model() mongo.IndexModel {
	o := options.Index().SetName(i.name)
	if i.unique {
		o.SetUnique(true)
	}
	if i.has != "" {
		o.SetPartialFilterExpression(i.filter())
	}
	return mongo.IndexModel{Keys: i.fields, Options: o}
}

// filter is what a document must be for the index to hold it, nil for any.
func (i index) filter() bson.D {
	if i.has == "" {
		return nil
	}
	return bson.D{{Key: i.has, Value: bson.D{{Key: "$exists", Value: true}}}}
}

// indexDoc is an index as a server lists it.
type indexDoc struct {
	Name      string   `bson:"name"`
	Fields    bson.D   `bson:"key"`
	Unique    bool     `bson:"unique"`
	Sparse    bool     `bson:"sparse"`
	Hidden    bool     `bson:"hidden"`
	Expires   *float64 `bson:"expireAfterSeconds"`
	Filter    bson.D   `bson:"partialFilterExpression"`
	Collation bson.D   `bson:"collation"`
}

func (i index) doc() indexDoc {
	return indexDoc{Name: i.name, Fields: i.fields, Unique: i.unique, Filter: i.filter()}
}

// describe writes an index as "s -v p unique": all but its name.
func (i indexDoc) describe() string {
	var parts []string
	for _, f := range i.Fields {
		parts = append(parts, field(f))
	}
	for _, is := range []struct {
		so   bool
		word string
	}{{i.Unique, "unique"}, {i.Sparse, "sparse"}, {i.Hidden, "hidden"}} {
		if is.so {
			parts = append(parts, is.word)
		}
	}
	if i.Expires != nil {
		parts = append(parts, "expiring after "+strconv.FormatFloat(*i.Expires, 'f', -1, 64)+" s")
	}
	if i.Filter != nil {
		parts = append(parts, "only "+written(i.Filter))
	}
	if i.Collation != nil {
		parts = append(parts, "collated "+written(i.Collation))
	}
	return strings.Join(parts, " ")
}

// field writes a field of an index with its direction, or with its kind if it has
// none: "v", "-v", "v:hashed".
func field(f bson.E) string {
	text := fmt.Sprint(f.Value)
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return f.Key + ":" + text
	case n < 0:
		return "-" + f.Key
	}
	return f.Key
}

func written(d bson.D) string {
	text, err := bson.MarshalExtJSON(d, false, false)
	if err != nil {
		return fmt.Sprint(d)
	}
	return string(text)
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
	view := d.db.Collection(collection).Indexes()
	var missing []index
	err := d.do(ctx, "look at the indexes of "+collection, func(ctx context.Context) error {
		have, err := listed(ctx, view)
		if err != nil {
			return err
		}
		missing, err = d.compare(ctx, view, wanted, have)
		d.tellStrangers(collection, wanted, have)
		return err
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	return d.within(ctx, longest, "index "+collection, func(ctx context.Context) error { return d.makeIndexes(ctx, view, missing) })
}

// listed are the indexes that a collection has.
func listed(ctx context.Context, view mongo.IndexView) (out []indexDoc, err error) {
	found, err := view.List(ctx)
	if hasCode(err, namespaceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return out, found.All(ctx, &out)
}

// compare gives the indexes that are missing and reports those that are there and
// differ, in what they are or in their names.
func (d *DB) compare(ctx context.Context, view mongo.IndexView, wanted []index, have []indexDoc) (missing []index, err error) {
	for _, i := range wanted {
		want := i.doc()
		at := slices.IndexFunc(have, func(h indexDoc) bool { return h.Name == i.name })
		twin := slices.IndexFunc(have, func(h indexDoc) bool { return h.describe() == want.describe() })
		switch {
		case at < 0 && twin < 0:
			missing = append(missing, i)
		case at < 0:
			d.tell("index %s of %s is there under the name %s: drop that one and start again, or leave it", i.name, i.collection, have[twin].Name)
		case have[at].describe() != want.describe():
			ours, err := ourWhole(ctx, view, i, have[at])
			if err != nil {
				return nil, err
			}
			if !ours {
				d.tell("index %s of %s is %s, wanted %s: drop it and start again, or leave it", i.name, i.collection, have[at].describe(), want.describe())
			}
		}
	}
	return missing, nil
}

// ourWhole reports whether an index differs in holding all documents only, on a server
// that knows no others: makeIndexes has made it so. A server that does know them
// answers that this one is in the way, and changes nothing.
func ourWhole(ctx context.Context, view mongo.IndexView, want index, is indexDoc) (bool, error) {
	if is.Filter = want.filter(); is.describe() != want.doc().describe() {
		return false, nil
	}
	_, err := view.CreateOne(ctx, want.model())
	if hasCode(err, notImplemented) {
		return true, nil
	}
	if hasCode(err, conflicts()...) {
		err = nil
	}
	return false, err
}

// tellStrangers reports indexes of somebody else that may refuse or delete what this
// program writes.
func (d *DB) tellStrangers(collection string, wanted []index, have []indexDoc) {
	for _, h := range have {
		ours := slices.ContainsFunc(wanted, func(i index) bool { return h.Name == i.name || h.describe() == i.doc().describe() })
		if !ours && (h.Unique || h.Expires != nil) {
			d.tell("index %s of %s is %s, and none of this program's: it may refuse or delete what the program writes", h.Name, collection, h.describe())
		}
	}
}

func (d *DB) tell(format string, args ...any) {
	if d.report != nil {
		d.report(fmt.Sprintf(format, args...))
	}
}

// makeIndexes makes indexes, whole ones where a server knows no others: none that
// leaves documents out is unique, so that a whole one is larger and no stricter. One
// that cannot stand beside what is there is reported.
func (d *DB) makeIndexes(ctx context.Context, view mongo.IndexView, missing []index) error {
	_, err := view.CreateMany(ctx, models(missing))
	switch {
	case hasCode(err, notImplemented) && slices.ContainsFunc(missing, func(i index) bool { return i.has != "" }):
		for i := range missing {
			missing[i].has = ""
		}
		return d.makeIndexes(ctx, view, missing)
	case hasCode(err, conflicts()...) && len(missing) == 1:
		d.tell("index %s of %s is missing, another stands in its way: %v", missing[0].name, missing[0].collection, err)
		return nil
	case hasCode(err, conflicts()...):
		for i := range missing {
			if err := d.makeIndexes(ctx, view, missing[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	return err
}

func models(all []index) (out []mongo.IndexModel) {
	for _, i := range all {
		out = append(out, i.model())
	}
	return out
}

const namespaceNotFound, notImplemented = 26, 238

// conflicts are the answers that an index cannot stand beside another: the same keys
// under another name, or the same name for something else.
func conflicts() []int {
	const indexOptionsConflict, indexKeySpecsConflict = 85, 86
	return []int{indexOptionsConflict, indexKeySpecsConflict}
}

// hasCode reports whether a server refused a command with one of some codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[mongo.CommandError](err)
	return ok && slices.Contains(codes, int(e.Code))
}
