package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Load keeps the promise of store.Log, in one command.
func (d *DB) Load(ctx context.Context, scope string, want store.Want) (out store.Loaded, err error) {
	ids := wanted(scope, want)
	some := bson.A{bson.D{among(ids)}}
	if len(want.Tags) > 0 {
		some = append(some, bson.D{{Key: "t", Value: bson.D{{Key: "$in", Value: want.Tags}}}})
	}
	err = d.do(ctx, "load from "+scope, func(ctx context.Context) error {
		out = emptyLoaded(want)
		if len(ids) == 0 && len(want.Tags) == 0 {
			return nil
		}
		books := map[string]merge.BookKey{}
		for _, p := range want.Pages {
			books[bookOf(p.BookKey)] = p.BookKey
		}
		filter := bson.D{{Key: "s", Value: scope}, {Key: "$or", Value: some}}
		return each(ctx, d.db.Collection(state), filter, options.Find(), func(doc *recordDoc) error {
			switch {
			case doc.Version > 0:
				out.Records = append(out.Records, doc.record())
				return nil
			case doc.Written > 0:
				return addPage(&out, doc, books)
			}
			out.Newest[books[doc.Book]] = int(doc.Page) - 1
			return nil
		})
	})
	sortLoaded(&out)
	return out, err
}

// wanted are the ids of what a Want names.
func wanted(scope string, want store.Want) (ids []string) {
	for _, k := range want.Keys {
		ids = append(ids, recordID(scope, k))
	}
	for _, p := range want.Pages {
		ids = append(ids, pageID(scope, p), newestID(scope, p.BookKey))
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func emptyLoaded(want store.Want) store.Loaded {
	out := store.Loaded{Tagged: map[string][]merge.Key{}, Newest: map[merge.BookKey]int{}}
	for _, t := range want.Tags {
		out.Tagged[t] = nil
	}
	for _, p := range want.Pages {
		out.Newest[p.BookKey] = -1
	}
	return out
}

func (doc *recordDoc) record() store.Record {
	return store.Record{Collection: doc.Collection, ID: doc.Record, Version: merge.Seq(doc.Version), Deleted: doc.Deleted,
		Fields: json.RawMessage(doc.Fields), State: json.RawMessage(doc.State), Tags: doc.Tags}
}

func addPage(out *store.Loaded, doc *recordDoc, books map[string]merge.BookKey) error {
	p := merge.Page{PageKey: merge.PageKey{BookKey: books[doc.Book], Page: uint32(doc.Page - 1)}, Version: merge.Seq(doc.Written)}
	out.Pages = append(out.Pages, p)
	return json.Unmarshal([]byte(doc.Entries), &out.Pages[len(out.Pages)-1].Entries)
}

// sortLoaded orders what was found and lists it by tag.
func sortLoaded(out *store.Loaded) {
	slices.SortFunc(out.Records, func(a, b store.Record) int { return a.Key().Compare(b.Key()) })
	for i := range out.Records {
		r := &out.Records[i]
		for _, t := range slices.Compact(slices.Sorted(slices.Values(r.Tags))) {
			if keys, asked := out.Tagged[t]; asked {
				out.Tagged[t] = append(keys, r.Key())
			}
		}
	}
}

// Changed keeps the promise of store.Log. Versions only rise; therefore the
// highest, read after the rows, tells whether one of them has left the range.
func (d *DB) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (p store.Page, err error) {
	err = d.do(ctx, "read changes of "+scope, func(ctx context.Context) error {
		p = store.Page{}
		behind, err := d.placeOf(ctx, scope, after)
		if err != nil {
			return err
		}
		size := 0
		if err := each(ctx, d.db.Collection(state), changedBehind(scope, after.Version, behind, upTo, skipDead), options.Find().
			SetSort(bson.D{{Key: "v", Value: 1}, {Key: "p", Value: 1}, {Key: "_id", Value: 1}}).
			SetProjection(bson.D{{Key: "st", Value: 0}, {Key: "t", Value: 0}}), func(doc *recordDoc) error {
			if len(p.Records) > 0 && size >= limit {
				p.More = true
				return errEnough
			}
			r := doc.record()
			r.State = nil
			size += r.Size()
			p.Records = append(p.Records, r)
			return nil
		}); err != nil {
			return err
		}
		p.Torn, err = d.above(ctx, scope, upTo)
		return err
	})
	return p, err
}

// placeOf is the place behind which a page begins, in the version of its position.
func (d *DB) placeOf(ctx context.Context, scope string, after store.Position) (int64, error) {
	if after.Key == (merge.Key{}) {
		return math.MaxInt64, nil
	}
	var doc recordDoc
	err := d.db.Collection(state).FindOne(ctx, append(byID(recordID(scope, after.Key)), bson.E{Key: "s", Value: scope}, bson.E{Key: "v", Value: whole(after.Version)}),
		options.FindOne().SetProjection(bson.D{{Key: "p", Value: 1}})).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return 0, nil // it has moved on: before all of its version
	}
	return doc.Place, err
}

func changedBehind(scope string, version merge.Seq, place int64, upTo, skipDead merge.Seq) bson.D {
	later := bson.D{{Key: "v", Value: bson.D{{Key: "$gt", Value: whole(version)}, {Key: "$lte", Value: whole(upTo)}}}}
	from := bson.A{later}
	if place < math.MaxInt64 && version <= upTo {
		from = append(from, bson.D{{Key: "v", Value: whole(version)}, {Key: "p", Value: bson.D{{Key: "$gt", Value: place}}}})
	}
	alive := bson.A{bson.D{{Key: "d", Value: bson.D{{Key: "$ne", Value: true}}}}, bson.D{{Key: "v", Value: bson.D{{Key: "$gt", Value: whole(skipDead)}}}}}
	return bson.D{{Key: "s", Value: scope}, {Key: "$and", Value: bson.A{bson.D{{Key: "$or", Value: from}}, bson.D{{Key: "$or", Value: alive}}}}}
}

// above reports whether a record of the scope has a version above one.
func (d *DB) above(ctx context.Context, scope string, version merge.Seq) (bool, error) {
	err := d.db.Collection(state).FindOne(ctx, bson.D{{Key: "s", Value: scope}, {Key: "v", Value: bson.D{{Key: "$gt", Value: whole(version)}}}},
		options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, err
}
