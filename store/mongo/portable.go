package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var _ store.Portable = (*DB)(nil)

// shelf says how the items of a shelf lie in their collection.
type shelf struct {
	collection string
	only       bson.D // documents of the collection that lie on it; nil: all
	id         func(key []string) string
	item       func(raw bson.Raw) (store.Item, error)
	doc        func(d *DB, i store.Item) (any, error)
}

func there(name string) bson.D {
	return bson.D{{Key: name, Value: bson.D{{Key: "$gt", Value: int64(0)}}}}
}

func (d *DB) shelf(name store.Shelf) (shelf, error) {
	plain := func(key []string) string { return key[0] }
	switch name {
	case store.ShelfHeads:
		return shelf{heads, there("rev"), plain, itemOf(headItem), headOfItem}, nil
	case store.ShelfBackups:
		return shelf{heads, byID(backupID), func([]string) string { return backupID }, itemOf(backupItem), nil}, nil
	case store.ShelfLog:
		return shelf{entries, nil, func(k []string) string { return idOf(k[0], padded(k[1], 10), padded(k[2], 20)) }, itemOf(entryItem), entryOfItem}, nil
	case store.ShelfRecords:
		return shelf{state, there("v"), func(k []string) string { return recordID(k[0], merge.Key{Collection: k[1], ID: k[2]}) }, itemOf(recordItem), recordOfItem}, nil
	case store.ShelfPages:
		return shelf{state, there("w"), func(k []string) string { return idOf(k[0], kindPage, k[1], k[2], k[3], padded(k[4], 10)) }, itemOf(pageItem), pageOfItem}, nil
	case store.ShelfClaims:
		return shelf{claims, nil, func(k []string) string { return idOf(slices.Clone(k)...) }, itemOf(claimItem), claimOfItem}, nil
	case store.ShelfTotals:
		return shelf{totals, nil, plain, numbered("n", "expires"), numberedDoc("n", "expires")}, nil
	case store.ShelfContacts:
		return shelf{contacts, nil, plain, numbered("at", "oldest", "unsent"), numberedDoc("at", "oldest", "unsent")}, nil
	case store.ShelfUsers:
		return shelf{users, nil, plain, itemOf(storedItem), storedOf(userDoc)}, nil
	case store.ShelfChallenges:
		return shelf{codes, nil, plain, itemOf(storedItem), storedOf(challengeDoc)}, nil
	case store.ShelfTallies:
		return shelf{tallies, nil, plain, itemOf(storedItem), storedOf(tallyDoc)}, nil
	case store.ShelfSessions:
		return shelf{sessions, nil, plain, itemOf(storedItem), storedOf(sessionDoc)}, nil
	case store.ShelfDevices:
		return shelf{devices, nil, plain, itemOf(storedItem), storedOf(deviceDoc)}, nil
	case store.ShelfIncarnations:
		return shelf{names, nil, plain, itemOf(storedItem), storedOf(incarnationDoc)}, nil
	case store.ShelfSigningKeys:
		return shelf{keys, nil, plain, itemOf(storedItem), storedOf(signingKeyDoc)}, nil
	case store.ShelfReplies:
		return shelf{replies, nil, plain, itemOf(storedItem), storedOf(replyDoc)}, nil
	case store.ShelfAddresses:
		return shelf{addresses, nil, plain, itemOf(storedItem), storedOf(addressDoc)}, nil
	case store.ShelfDeliveries:
		return shelf{deliveries, nil, plain, itemOf(storedItem), storedOf(deliveryDoc)}, nil
	case store.ShelfCredentials:
		return shelf{credentials, nil, plain, itemOf(storedItem), storedOf(credentialDoc)}, nil
	}
	return shelf{}, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "no shelf " + string(name)}
}

func incarnationDoc(n store.Incarnation) document {
	return document{collection: names, key: n.Name, shape: n}
}

func padded(number string, width int) string {
	return strings.Repeat("0", max(width-len(number), 0)) + number
}

func decimal[N int | int64 | uint64](n N) string { return fmt.Sprint(n) }

// partsOf takes an id of idOf apart.
func partsOf(id string) []string {
	parts := strings.Split(id, " ")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%20", " "), "%25", "%")
	}
	return parts
}

func itemOf[T any](make func(T) (store.Item, error)) func(bson.Raw) (store.Item, error) {
	return func(raw bson.Raw) (i store.Item, err error) {
		var doc T
		if err := bson.Unmarshal(raw, &doc); err != nil {
			return i, err
		}
		return make(doc)
	}
}

func headItem(h headDoc) (store.Item, error) {
	return store.Item{Key: []string{h.Scope}, Fields: map[string]string{"doc": h.Doc}}, nil
}

func headOfItem(d *DB, i store.Item) (any, error) {
	var h store.Head
	if err := json.Unmarshal([]byte(i.Fields["doc"]), &h); err != nil {
		return nil, err
	}
	doc, err := d.encodeHead(h)
	doc.Doc = i.Fields["doc"]
	return doc, err
}

func backupItem(b backupDoc) (store.Item, error) {
	return store.Item{Key: []string{}, Fields: map[string]string{"began": decimal(b.Began), "done": decimal(b.Done)}}, nil
}

func entryItem(e entryDoc) (store.Item, error) {
	return store.Item{Key: []string{e.Scope, decimal(e.Generation), decimal(e.Seq)},
		Fields: map[string]string{"nonce": e.Nonce, "id": e.Commit, "time": decimal(e.Time), "chain": e.Chain, "body": e.Body}}, nil
}

// entryOfItem leaves it to the repairer to see that the entry is folded.
func entryOfItem(_ *DB, i store.Item) (any, error) {
	n, err := integers(i.Key[1], i.Key[2], i.Fields["time"])
	if err != nil {
		return nil, err
	}
	return entryDoc{ID: idOf(i.Key[0], padded(i.Key[1], 10), padded(i.Key[2], 20)), Scope: i.Key[0], Generation: n[0], Seq: n[1], Nonce: i.Fields["nonce"],
		Commit: i.Fields["id"], Time: n[2], Chain: i.Fields["chain"], Body: i.Fields["body"], Open: 1}, nil
}

func integers(texts ...string) (out []int64, err error) {
	for _, t := range texts {
		n, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func recordItem(r recordDoc) (store.Item, error) {
	tags := "[]"
	if len(r.Tags) > 0 {
		b, err := json.Marshal(r.Tags)
		if err != nil {
			return store.Item{}, err
		}
		tags = string(b)
	}
	deleted := "0"
	if r.Deleted {
		deleted = "1"
	}
	return store.Item{Key: []string{r.Scope, r.Collection, r.Record}, Fields: map[string]string{"generation": decimal(r.Generation), "version": decimal(r.Version),
		"place": decimal(r.Place - 1), "deleted": deleted, "fields": r.Fields, "state": r.State, "tags": tags}}, nil
}

func recordOfItem(_ *DB, i store.Item) (any, error) {
	n, err := integers(i.Fields["generation"], i.Fields["version"], i.Fields["place"])
	if err != nil {
		return nil, err
	}
	r := recordDoc{ID: recordID(i.Key[0], merge.Key{Collection: i.Key[1], ID: i.Key[2]}), Scope: i.Key[0], Generation: n[0], Version: n[1], Place: n[2] + 1,
		Deleted: i.Fields["deleted"] == "1", Collection: i.Key[1], Record: i.Key[2], Fields: i.Fields["fields"], State: i.Fields["state"]}
	return r, json.Unmarshal([]byte(i.Fields["tags"]), &r.Tags)
}

func pageItem(p recordDoc) (store.Item, error) {
	book := partsOf(p.Book)
	return store.Item{Key: append([]string{p.Scope}, append(book, decimal(p.Page-1))...),
		Fields: map[string]string{"generation": decimal(p.Generation), "version": decimal(p.Written), "entries": p.Entries}}, nil
}

func pageOfItem(_ *DB, i store.Item) (any, error) {
	n, err := integers(i.Key[4], i.Fields["generation"], i.Fields["version"])
	if err != nil {
		return nil, err
	}
	k := merge.PageKey{BookKey: merge.BookKey{About: i.Key[1], Device: i.Key[2], Incarnation: i.Key[3]}, Page: uint32(n[0])}
	return recordDoc{ID: pageID(i.Key[0], k), Scope: i.Key[0], Generation: n[1], Written: n[2], Book: bookOf(k.BookKey), Page: n[0] + 1, Entries: i.Fields["entries"]}, nil
}

func claimItem(c claimDoc) (store.Item, error) {
	return store.Item{Key: partsOf(c.ID), Fields: map[string]string{"holder": c.Holder}}, nil
}

func claimOfItem(_ *DB, i store.Item) (any, error) {
	return claimDoc{idOf(slices.Clone(i.Key)...), i.Fields["holder"]}, nil
}

// numbered reads documents of plain numbers.
func numbered(names ...string) func(bson.Raw) (store.Item, error) {
	return func(raw bson.Raw) (store.Item, error) {
		id, _ := raw.Lookup("_id").StringValueOK()
		i := store.Item{Key: []string{id}, Fields: map[string]string{}}
		for _, n := range names {
			v, _ := raw.Lookup(n).AsInt64OK()
			i.Fields[n] = decimal(v)
		}
		return i, nil
	}
}

func numberedDoc(names ...string) func(*DB, store.Item) (any, error) {
	return func(_ *DB, i store.Item) (any, error) {
		doc := byID(i.Key[0])
		for _, name := range names {
			n, err := integers(i.Fields[name])
			if err != nil {
				return nil, err
			}
			doc = append(doc, bson.E{Key: name, Value: n[0]})
		}
		return doc, nil
	}
}

// keyed is a document of package auth with its key.
type keyed struct {
	ID  string `bson:"_id"`
	Rev int64  `bson:"rev"`
	Doc string `bson:"doc"`
}

func storedItem(s keyed) (store.Item, error) {
	return store.Item{Key: []string{s.ID}, Fields: map[string]string{"rev": decimal(s.Rev), "doc": s.Doc}}, nil
}

// storedOf makes a document with what it is found by.
func storedOf[T any](of func(T) document) func(*DB, store.Item) (any, error) {
	return func(_ *DB, i store.Item) (any, error) {
		var v T
		if err := json.Unmarshal([]byte(i.Fields["doc"]), &v); err != nil {
			return nil, err
		}
		n, err := integers(i.Fields["rev"])
		if err != nil {
			return nil, err
		}
		return append(bson.D{{Key: "_id", Value: i.Key[0]}, {Key: "rev", Value: n[0]}, {Key: "doc", Value: i.Fields["doc"]}}, of(v).found...), nil
	}
}

// Items keeps the promise of store.Portable. A place is the id of the last item.
func (d *DB) Items(ctx context.Context, name store.Shelf, place string, limit int) (items []store.Item, next string, err error) {
	s, err := d.shelf(name)
	if err != nil {
		return nil, "", err
	}
	filter := s.only
	if place != "" {
		filter = append(filter[:len(filter):len(filter)], bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: place}}})
	}
	items, last, err := d.itemsOf(ctx, s, nonNilD(filter), options.Find().SetSort(up("_id")).SetLimit(int64(limit)))
	if err != nil || len(items) < limit || name == store.ShelfBackups {
		return items, "", err
	}
	return items, last, nil
}

func nonNilD(d bson.D) bson.D {
	if d == nil {
		return bson.D{}
	}
	return d
}

// itemsOf reads items, and the id of the last of them.
func (d *DB) itemsOf(ctx context.Context, s shelf, filter bson.D, o *options.FindOptionsBuilder) (items []store.Item, last string, err error) {
	err = d.do(ctx, "read "+s.collection, func(ctx context.Context) error {
		items = nil
		return each(ctx, d.db.Collection(s.collection), filter, o, func(raw *bson.Raw) error {
			i, err := s.item(*raw)
			items, last = append(items, i), raw.Lookup("_id").StringValue()
			return err
		})
	})
	return items, last, err
}

func (s shelf) ids(keys [][]string) (ids []string) {
	for _, k := range keys {
		ids = append(ids, s.id(k))
	}
	return ids
}

// where finds the document of an item; an upsert must name the shard key.
func (s shelf) where(i store.Item) bson.D {
	if s.collection == entries || s.collection == state {
		return append(byID(s.id(i.Key)), bson.E{Key: "s", Value: i.Key[0]})
	}
	return byID(s.id(i.Key))
}

// Pick keeps the promise of store.Portable.
func (d *DB) Pick(ctx context.Context, name store.Shelf, keys [][]string) ([]store.Item, error) {
	s, err := d.shelf(name)
	if err != nil {
		return nil, err
	}
	items, _, err := d.itemsOf(ctx, s, bson.D{among(s.ids(keys))}, options.Find())
	return items, err
}

// Put keeps the promise of store.Portable.
func (d *DB) Put(ctx context.Context, name store.Shelf, items []store.Item) error {
	s, err := d.shelf(name)
	if err != nil || len(items) == 0 {
		return err
	}
	if name == store.ShelfBackups {
		return d.putBackups(ctx, items[0])
	}
	var writes []mongo.WriteModel
	for _, i := range items {
		doc, err := s.doc(d, i)
		if err != nil {
			return broken("encode an item of "+s.collection, err)
		}
		writes = append(writes, mongo.NewReplaceOneModel().SetFilter(s.where(i)).SetReplacement(doc).SetUpsert(true))
		if p, ok := doc.(recordDoc); ok && p.Written > 0 {
			writes = append(writes, newestPage(p))
		}
	}
	return d.do(ctx, "put into "+s.collection, func(ctx context.Context) error {
		_, err := d.db.Collection(s.collection).BulkWrite(ctx, writes)
		for mongo.IsDuplicateKeyError(err) {
			if err = d.makeRoom(ctx, s, items); err == nil {
				_, err = d.db.Collection(s.collection).BulkWrite(ctx, writes)
			}
		}
		return err
	})
}

// makeRoom drives out whoever holds what is unique by more than its key.
func (d *DB) makeRoom(ctx context.Context, s shelf, items []store.Item) error {
	for _, x := range indexes() {
		if x.collection != s.collection || !x.unique {
			continue
		}
		for _, i := range items {
			doc, err := s.doc(d, i)
			if err != nil {
				return err
			}
			held := doc.(bson.D)
			at := slices.IndexFunc(held, func(e bson.E) bool { return e.Key == x.fields[0].Key })
			other := bson.D{held[at], {Key: "_id", Value: bson.D{{Key: "$ne", Value: s.id(i.Key)}}}}
			if _, err := d.db.Collection(s.collection).DeleteMany(ctx, other); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DB) putBackups(ctx context.Context, i store.Item) error {
	n, err := integers(i.Fields["began"], i.Fields["done"])
	if err != nil {
		return broken("read the numbers of backups", err)
	}
	return d.do(ctx, "put the numbers of backups", func(ctx context.Context) error {
		_, err := d.db.Collection(heads).UpdateOne(ctx, byID(backupID), bson.D{{Key: "$set", Value: bson.D{{Key: "began", Value: n[0]}, {Key: "done", Value: n[1]}}}}, options.UpdateOne().SetUpsert(true))
		return err
	})
}

// Drop keeps the promise of store.Portable.
func (d *DB) Drop(ctx context.Context, name store.Shelf, keys [][]string) error {
	s, err := d.shelf(name)
	if err != nil || len(keys) == 0 || name == store.ShelfBackups {
		return err
	}
	return d.do(ctx, "drop from "+s.collection, func(ctx context.Context) error {
		if _, err := d.db.Collection(s.collection).DeleteMany(ctx, bson.D{among(s.ids(keys))}); err != nil || name != store.ShelfPages {
			return err
		}
		for _, k := range keys {
			if err := d.renewNewest(ctx, k[0], merge.BookKey{About: k[1], Device: k[2], Incarnation: k[3]}); err != nil {
				return err
			}
		}
		return nil
	})
}

// renewNewest finds the newest page of a book anew.
func (d *DB) renewNewest(ctx context.Context, scope string, k merge.BookKey) error {
	if _, err := d.db.Collection(state).DeleteOne(ctx, byID(newestID(scope, k))); err != nil {
		return err
	}
	var p recordDoc
	err := d.db.Collection(state).FindOne(ctx, append(bson.D{{Key: "s", Value: scope}, {Key: "b", Value: bookOf(k)}}, there("w")...), options.FindOne().SetSort(down("n"))).Decode(&p)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	if err == nil {
		_, err = d.db.Collection(state).BulkWrite(ctx, []mongo.WriteModel{newestPage(p)})
	}
	return err
}

// Condition keeps the promise of store.Portable.
func (d *DB) Condition(ctx context.Context) (c store.Condition, err error) {
	err = d.do(ctx, "read the condition", func(ctx context.Context) error {
		var doc backupDoc
		err := d.db.Collection(heads).FindOne(ctx, byID(backupID)).Decode(&doc)
		c = doc.condition()
		return err
	})
	return c, err
}

// SetCondition keeps the promise of store.Portable: every read of a head sees it, and
// one stands behind every insert and before every fold.
func (d *DB) SetCondition(ctx context.Context, from, to store.Condition) error {
	return d.do(ctx, "change the condition", func(ctx context.Context) error {
		is := append(byID(backupID), number("condition", int64(from.State)), number("move", from.Move), number("try", from.Try))
		n, err := d.db.Collection(heads).UpdateOne(ctx, is, bson.D{{Key: "$set", Value: bson.D{
			{Key: "condition", Value: int64(to.State)}, {Key: "move", Value: to.Move}, {Key: "try", Value: to.Try}}}})
		if err != nil || n.MatchedCount == 1 {
			return err
		}
		return store.ErrStale
	})
}

// number finds documents by a number that is 0 where it is absent.
func number(field string, n int64) bson.E {
	if n == 0 {
		return bson.E{Key: field, Value: bson.D{{Key: "$in", Value: bson.A{n, nil}}}}
	}
	return bson.E{Key: field, Value: n}
}
