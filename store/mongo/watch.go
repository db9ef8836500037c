package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/store"
)

var _ store.Watcher = (*DB)(nil)

const (
	pollEvery  = 250 * time.Millisecond // heads, where the server tells of no changes
	apart      = 5 * time.Second        // how far the clock of who asks may be ahead of that of who writes
	watchPause = time.Second            // after an error
	awaitTime  = time.Second            // how long the server waits for a change before it says that there is none
)

// Watch keeps the promise of store.Watcher: by a change stream where the server
// has one, else by asking which heads were written since.
func (d *DB) Watch(ctx context.Context, see func(store.Head)) error {
	w := watch{db: d, since: d.clock.Now().UnixMilli(), see: see}
	for {
		err := w.stream(ctx)
		pause := watchPause
		if unsupported(err) {
			err, pause = w.moved(ctx), pollEvery
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && d.report != nil {
			d.report(fmt.Sprintf("watch heads: %v", err))
		}
		if !rest(ctx, pause) {
			return nil
		}
	}
}

// watch is what one call of Watch has told of.
type watch struct {
	db    *DB
	see   func(store.Head)
	since int64             // when the last head was written that it told of, by the clock of who wrote it or its own, whichever is less
	told  map[string]stroke // of the heads that moved found last time: it will find them again
}

// stroke is one writing of a head.
type stroke struct{ revision, moved int64 }

// stream tells of changes until there is an error. It begins with those that came
// between the last one it told of and the beginning of the stream.
func (w *watch) stream(ctx context.Context) (err error) {
	if w.db.polls {
		return errPolls
	}
	written := mongo.Pipeline{{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{{Key: "$in", Value: bson.A{"insert", "replace", "update"}}}}}}}}
	s, err := w.db.db.Collection(heads).Watch(ctx, written, options.ChangeStream().SetMaxAwaitTime(awaitTime).SetFullDocument(options.UpdateLookup))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err := w.moved(ctx); err != nil {
		return err
	}
	for s.Next(ctx) {
		var change struct {
			Doc *headDoc `bson:"fullDocument"`
		}
		if err := s.Decode(&change); err != nil {
			return err
		}
		if change.Doc == nil || change.Doc.Scope == backupID {
			continue // gone again: no head ever is, but a database may be dropped
		}
		if err := w.tell(change.Doc); err != nil {
			return err
		}
	}
	return s.Err()
}

// tell tells of a head. That a clock elsewhere is ahead must not hide what others write
// until then.
func (w *watch) tell(doc *headDoc) error {
	h, err := doc.head()
	if err != nil {
		return err
	}
	w.since = max(w.since, min(doc.Moved, w.db.clock.Now().UnixMilli()))
	w.see(h)
	return nil
}

// moved tells of the heads that were written since, by the clocks of those who
// wrote them.
func (w *watch) moved(ctx context.Context) error {
	from, found := w.since-apart.Milliseconds(), map[string]stroke{}
	err := w.db.do(ctx, "look for heads that moved", func(ctx context.Context) error {
		return each(ctx, w.db.db.Collection(heads), bson.D{{Key: "m", Value: bson.D{{Key: "$gte", Value: from}}}}, options.Find().SetSort(up("m")), func(doc *headDoc) error {
			s := stroke{doc.Revision, doc.Moved}
			if found[doc.Scope] = s; w.told[doc.Scope] == s {
				return nil
			}
			return w.tell(doc)
		})
	})
	if err == nil {
		w.told = found
	}
	return err
}

// errPolls stands for a server without change streams.
var errPolls = errors.New("mongo: asked to poll")

// unsupported reports whether a server has no change streams: it stands alone, or
// is no MongoDB.
func unsupported(err error) bool {
	if errors.Is(err, errPolls) {
		return true
	}
	const onlyOnReplicaSets, unknownStage, commandNotFound, commandNotSupported = 40573, 40324, 59, 115
	e, ok := errors.AsType[mongo.CommandError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case onlyOnReplicaSets, unknownStage, commandNotFound, commandNotSupported, notImplemented:
		return true
	}
	return false
}
