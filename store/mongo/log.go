package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var _ store.Store = (*DB)(nil)

// entryDoc is a commit in the log.
type entryDoc struct {
	ID         string `bson:"_id"` // scope, generation, seq: sorts as the log does
	Scope      string `bson:"s"`
	Generation int64  `bson:"g"`
	Seq        int64  `bson:"q"`
	Nonce      string `bson:"n"`
	Commit     string `bson:"i"`
	Time       int64  `bson:"t"`
	Chain      string `bson:"c"`
	Body       string `bson:"b"`
	Open       int32  `bson:"o,omitempty"` // 1 until a repairer has seen that it is folded
}

// recordDoc is a record, a page of the verdict book, or the number of a book's
// newest page. They share a collection, so that one command reads what a resolve
// needs and one writes what a commit leaves.
type recordDoc struct {
	ID         string   `bson:"_id"`
	Scope      string   `bson:"s"`
	Generation int64    `bson:"g"`
	Version    int64    `bson:"v,omitempty"` // of a record
	Place      int64    `bson:"p,omitempty"` // in its commit, from 1
	Deleted    bool     `bson:"d,omitempty"`
	Collection string   `bson:"c,omitempty"`
	Record     string   `bson:"i,omitempty"`
	Fields     string   `bson:"f,omitempty"`
	State      string   `bson:"st,omitempty"`
	Tags       []string `bson:"t,omitempty"`

	Written int64  `bson:"w,omitempty"` // version of a page
	Book    string `bson:"b,omitempty"` // that a page is of, or whose newest page this is
	Page    int64  `bson:"n,omitempty"` // number of a page, from 1; or that of the newest
	Entries string `bson:"e,omitempty"`
}

// The kinds of documents in state, in their ids.
const (
	kindRecord = "r"
	kindPage   = "p"
	kindNewest = "n"
)

// idOf joins parts into an id that no other parts give, and that sorts as they do
// as long as none of them holds a space.
func idOf(parts ...string) string {
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "%", "%25"), " ", "%20")
	}
	return strings.Join(parts, " ")
}

func entryID(scope string, generation uint32, seq merge.Seq) string {
	return idOf(scope, fmt.Sprintf("%010d", generation), fmt.Sprintf("%020d", seq))
}

func recordID(scope string, k merge.Key) string { return idOf(scope, kindRecord, k.Collection, k.ID) }

func bookOf(k merge.BookKey) string { return idOf(k.About, k.Device, k.Incarnation) }

func pageID(scope string, k merge.PageKey) string {
	return idOf(scope, kindPage, k.About, k.Device, k.Incarnation, fmt.Sprintf("%010d", k.Page))
}

func newestID(scope string, k merge.BookKey) string {
	return idOf(scope, kindNewest, k.About, k.Device, k.Incarnation)
}

// whole is a seq that BSON can hold: its integers end at 2^63.
func whole(s merge.Seq) int64 { return int64(min(s, math.MaxInt64)) }

// Insert keeps the promise of store.Log.
func (d *DB) Insert(ctx context.Context, c *store.Commit) error {
	body, err := c.Body()
	if err == nil {
		err = fits("a commit of "+c.Scope, len(body))
	}
	if err != nil {
		return broken("encode a commit", err)
	}
	doc := entryDoc{ID: entryID(c.Scope, c.Generation.Count, c.Seq), Scope: c.Scope, Generation: int64(c.Generation.Count), Seq: whole(c.Seq),
		Nonce: c.Generation.Nonce, Commit: c.ID, Time: int64(c.Time), Chain: c.Chain, Body: string(body), Open: 1}
	return d.do(ctx, "insert a commit of "+c.Scope, func(ctx context.Context) error {
		_, err := d.db.Collection(entries).InsertOne(ctx, doc)
		return taken(err)
	})
}

// Withdraw keeps the promise of store.Log.
func (d *DB) Withdraw(ctx context.Context, c *store.Commit) error {
	return d.do(ctx, "withdraw a commit of "+c.Scope, func(ctx context.Context) error {
		_, err := d.db.Collection(entries).DeleteOne(ctx, append(byID(entryID(c.Scope, c.Generation.Count, c.Seq)), bson.E{Key: "s", Value: c.Scope}, bson.E{Key: "i", Value: c.ID}))
		return err
	})
}

// Entry keeps the promise of store.Log.
func (d *DB) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	c := &store.Commit{}
	err := d.do(ctx, "read a commit of "+scope, func(ctx context.Context) error {
		var doc entryDoc
		err := d.db.Collection(entries).FindOne(ctx, append(byID(entryID(scope, generation, seq)), bson.E{Key: "s", Value: scope})).Decode(&doc)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return store.ErrAbsent
		}
		if err != nil {
			return err
		}
		*c = store.Commit{Scope: scope, Generation: merge.Generation{Count: generation, Nonce: doc.Nonce}, Seq: seq, ID: doc.Commit, Time: merge.Millis(doc.Time), Chain: doc.Chain}
		return c.ReadBody(json.RawMessage(doc.Body))
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Chain keeps the promise of store.Log.
func (d *DB) Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (chain string, err error) {
	err = d.do(ctx, "read a chain hash of "+scope, func(ctx context.Context) error {
		var doc struct {
			Chain string `bson:"c"`
		}
		err := d.db.Collection(entries).FindOne(ctx, append(byID(entryID(scope, generation, seq)), bson.E{Key: "s", Value: scope}),
			options.FindOne().SetProjection(bson.D{{Key: "c", Value: 1}})).Decode(&doc)
		if errors.Is(err, mongo.ErrNoDocuments) {
			return store.ErrAbsent
		}
		chain = doc.Chain
		return err
	})
	return chain, err
}

// Fold keeps the promise of store.Log: records and pages in one command, each
// guarded by itself, then the head.
func (d *DB) Fold(ctx context.Context, c *store.Commit, from store.Head) (h store.Head, err error) {
	writes, err := carried(c)
	if err != nil {
		return h, broken("encode what a commit leaves", err)
	}
	err = d.do(ctx, "fold a commit of "+c.Scope, func(ctx context.Context) error {
		old := from
		if h, err = old.Folded(c); from.Scope != c.Scope || errors.Is(err, store.ErrStale) { // an old head cannot know
			if old, err = d.head(ctx, c.Scope); err != nil {
				return err
			}
			h, err = old.Folded(c)
		}
		if err != nil || h.Revision == old.Revision {
			return err
		}
		if len(writes) > 0 {
			if err := putUnlessNewer(ctx, d.db.Collection(state), writes); err != nil {
				return err
			}
		}
		h, err = d.replaceHead(ctx, old, func(h store.Head) (store.Head, error) { return h.Folded(c) })
		return err
	})
	return h, err
}

// carried are the writes that bring a commit into state.
func carried(c *store.Commit) ([]mongo.WriteModel, error) {
	var out []mongo.WriteModel
	g := int64(c.Generation.Count)
	for i := range c.Records {
		r := &c.Records[i]
		doc := recordDoc{ID: recordID(c.Scope, r.Key()), Scope: c.Scope, Generation: g, Version: whole(r.Version), Place: int64(i + 1), Deleted: r.Deleted,
			Collection: r.Collection, Record: r.ID, Fields: string(r.Fields), State: string(r.State), Tags: r.Tags}
		if err := fits("record "+r.Key().String(), len(doc.Fields)+len(doc.State)); err != nil {
			return nil, err
		}
		out = append(out, unlessNewer(doc, "v", doc.Version))
	}
	for i := range c.Pages {
		p := &c.Pages[i]
		text, err := json.Marshal(p.Entries)
		if err != nil {
			return nil, err
		}
		if err := fits("a page of the verdict book", len(text)); err != nil {
			return nil, err
		}
		doc := recordDoc{ID: pageID(c.Scope, p.PageKey), Scope: c.Scope, Generation: g, Written: whole(p.Version), Book: bookOf(p.BookKey), Page: int64(p.PageKey.Page) + 1, Entries: string(text)}
		out = append(out, unlessNewer(doc, "w", doc.Written),
			newestPage(doc))
	}
	return out, nil
}

// newestPage notes that a page may be the newest of its book.
func newestPage(p recordDoc) mongo.WriteModel {
	id := idOf(append([]string{p.Scope, kindNewest}, partsOf(p.Book)...)...)
	return mongo.NewUpdateOneModel().SetFilter(append(byID(id), bson.E{Key: "s", Value: p.Scope})).
		SetUpdate(bson.D{{Key: "$max", Value: bson.D{{Key: "n", Value: p.Page}}}, {Key: "$setOnInsert", Value: bson.D{{Key: "b", Value: p.Book}, {Key: "g", Value: int64(0)}}}}).SetUpsert(true)
}

// unlessNewer puts a document over one of a lower generation and version, or where
// none is. Where a newer one is, the filter misses it and the insert is refused:
// see putUnlessNewer.
func unlessNewer(doc recordDoc, field string, version int64) mongo.WriteModel {
	older := bson.A{bson.D{{Key: "g", Value: bson.D{{Key: "$lt", Value: doc.Generation}}}},
		bson.D{{Key: "g", Value: doc.Generation}, {Key: field, Value: bson.D{{Key: "$lt", Value: version}}}}}
	return mongo.NewReplaceOneModel().SetFilter(append(byID(doc.ID), bson.E{Key: "s", Value: doc.Scope}, bson.E{Key: "$or", Value: older})).SetReplacement(doc).SetUpsert(true)
}

// atOnce is how many documents one command of a sweep touches, so that none takes
// long.
const atOnce = 500

// Prune keeps the promise of store.Log: the mark first, then the entries, lowest
// first.
func (d *DB) Prune(ctx context.Context, scope string, upTo merge.Seq) error {
	h, err := d.change(ctx, "prune", scope, func(h store.Head) (store.Head, error) { return h.Prunable(upTo), nil })
	if err != nil {
		return err
	}
	gone := bson.D{{Key: "s", Value: scope}, {Key: "g", Value: bson.D{{Key: "$lte", Value: int64(h.Generation.Count)}}}, {Key: "q", Value: bson.D{{Key: "$lte", Value: whole(h.Pruned)}}}}
	return d.sweep(ctx, "prune "+scope, entries, gone, bson.D{{Key: "g", Value: 1}, {Key: "q", Value: 1}}, func(ctx context.Context, ids []string) error {
		_, err := d.db.Collection(entries).DeleteMany(ctx, bson.D{{Key: "s", Value: scope}, among(ids)})
		return err
	})
}

// sweep calls do for the ids of all documents that a filter finds, in an order, some
// at a time, until it finds none. do must take away what makes the filter find
// them.
func (d *DB) sweep(ctx context.Context, doing, collection string, filter, order bson.D, do func(ctx context.Context, ids []string) error) error {
	for {
		var ids []string
		err := d.do(ctx, doing, func(ctx context.Context) error {
			ids = nil
			o := options.Find().SetSort(order).SetLimit(atOnce).SetProjection(bson.D{{Key: "_id", Value: 1}})
			if err := each(ctx, d.db.Collection(collection), filter, o, func(doc *struct {
				ID string `bson:"_id"`
			}) error {
				ids = append(ids, doc.ID)
				return nil
			}); err != nil || len(ids) == 0 {
				return err
			}
			return do(ctx, ids)
		})
		if err != nil || len(ids) < atOnce {
			return err
		}
	}
}

// Erase keeps the promise of store.Log.
func (d *DB) Erase(ctx context.Context, scope string, from, upTo merge.Seq) error {
	dead := bson.D{{Key: "s", Value: scope}, {Key: "v", Value: bson.D{{Key: "$gt", Value: whole(from)}, {Key: "$lte", Value: whole(upTo)}}}, {Key: "d", Value: true},
		{Key: "st", Value: bson.D{{Key: "$ne", Value: merge.GoneState}}}}
	empty := bson.D{{Key: "$set", Value: bson.D{{Key: "f", Value: "{}"}, {Key: "st", Value: merge.GoneState}}}, {Key: "$unset", Value: bson.D{{Key: "t", Value: ""}}}}
	if err := d.sweep(ctx, "erase in "+scope, state, dead, bson.D{{Key: "v", Value: 1}}, func(ctx context.Context, ids []string) error {
		// The whole filter again: what lives again, or has a newer version, stays.
		_, err := d.db.Collection(state).UpdateMany(ctx, append(dead[:len(dead):len(dead)], among(ids)), empty)
		return err
	}); err != nil {
		return err
	}
	return d.erasePages(ctx, scope, upTo)
}

// erasePages empties old pages that are not the newest of their book.
func (d *DB) erasePages(ctx context.Context, scope string, upTo merge.Seq) error {
	newest, err := d.newestPages(ctx, scope)
	if err != nil {
		return err
	}
	old := bson.D{{Key: "s", Value: scope}, {Key: "w", Value: bson.D{{Key: "$gt", Value: int64(0)}, {Key: "$lte", Value: whole(upTo)}}}}
	return d.do(ctx, "erase pages of "+scope, func(ctx context.Context) error {
		var ids []string
		o := options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}, {Key: "b", Value: 1}, {Key: "n", Value: 1}})
		full := append(old[:len(old):len(old)], bson.E{Key: "e", Value: bson.D{{Key: "$ne", Value: "{}"}}})
		if err := each(ctx, d.db.Collection(state), full, o, func(doc *recordDoc) error {
			if doc.Page < newest[doc.Book] {
				ids = append(ids, doc.ID)
			}
			return nil
		}); err != nil {
			return err
		}
		for len(ids) > 0 {
			n := min(len(ids), atOnce)
			if _, err := d.db.Collection(state).UpdateMany(ctx, append(old[:len(old):len(old)], among(ids[:n])), bson.D{{Key: "$set", Value: bson.D{{Key: "e", Value: "{}"}}}}); err != nil {
				return err
			}
			ids = ids[n:]
		}
		return nil
	})
}

// newestPages gives the number of the newest page of every book, from 1.
func (d *DB) newestPages(ctx context.Context, scope string) (out map[string]int64, err error) {
	err = d.do(ctx, "find the newest pages of "+scope, func(ctx context.Context) error {
		out = map[string]int64{}
		return each(ctx, d.db.Collection(state), bson.D{{Key: "s", Value: scope}, {Key: "w", Value: bson.D{{Key: "$gt", Value: int64(0)}}}},
			options.Find().SetProjection(bson.D{{Key: "b", Value: 1}, {Key: "n", Value: 1}}), func(doc *recordDoc) error {
				out[doc.Book] = max(out[doc.Book], doc.Page)
				return nil
			})
	})
	return out, err
}

// Unfolded keeps the promise of store.Log. Entries that are folded lose the sign by
// which they are found, so that the next look is short.
func (d *DB) Unfolded(ctx context.Context, limit int) (out []string, err error) {
	after := ""
	for len(out) < limit {
		open, err := d.open(ctx, after)
		if err != nil || len(open) == 0 {
			return out, err
		}
		unfolded, err := d.settle(ctx, open)
		if err != nil {
			return out, err
		}
		out = append(out, unfolded...)
		after = open[len(open)-1].Scope
	}
	return out[:min(len(out), limit)], nil
}

// open gives entries that may not be folded yet, of whole scopes, by scope.
func (d *DB) open(ctx context.Context, after string) (out []entryDoc, err error) {
	err = d.do(ctx, "find open commits", func(ctx context.Context) error {
		out = nil
		o := options.Find().SetSort(bson.D{{Key: "o", Value: 1}, {Key: "s", Value: 1}}).SetProjection(bson.D{{Key: "s", Value: 1}, {Key: "g", Value: 1}, {Key: "q", Value: 1}})
		return each(ctx, d.db.Collection(entries), bson.D{{Key: "o", Value: int32(1)}, {Key: "s", Value: bson.D{{Key: "$gt", Value: after}}}}, o, func(doc *entryDoc) error {
			if len(out) >= atOnce && doc.Scope != out[len(out)-1].Scope {
				return errEnough
			}
			out = append(out, *doc)
			return nil
		})
	})
	return out, err
}

// settle tells which scopes of open entries have one above their head, and takes the
// sign off those that are folded.
func (d *DB) settle(ctx context.Context, open []entryDoc) (unfolded []string, err error) {
	var scopes []string
	for _, e := range open {
		if len(scopes) == 0 || scopes[len(scopes)-1] != e.Scope {
			scopes = append(scopes, e.Scope)
		}
	}
	found, err := d.HeadsFor(ctx, "", scopes)
	if err != nil {
		return nil, err
	}
	byScope := map[string]store.Head{}
	for _, h := range found {
		byScope[h.Scope] = h
	}
	var folded []string
	for _, e := range open {
		h, ok := byScope[e.Scope]
		switch g := int64(h.Generation.Count); {
		case !ok || e.Generation > g:
		case e.Generation < g || e.Seq <= whole(h.Applied):
			folded = append(folded, e.ID)
		case len(unfolded) == 0 || unfolded[len(unfolded)-1] != e.Scope:
			unfolded = append(unfolded, e.Scope)
		}
	}
	if len(folded) == 0 {
		return unfolded, nil
	}
	return unfolded, d.do(ctx, "close commits", func(ctx context.Context) error {
		_, err := d.db.Collection(entries).UpdateMany(ctx, bson.D{among(folded)}, bson.D{{Key: "$unset", Value: bson.D{{Key: "o", Value: ""}}}})
		return err
	})
}
