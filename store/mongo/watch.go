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
	apart      = 5 * time.Second        // how far the clocks of two processes may lie apart
	watchPause = time.Second            // after an error
	awaitTime  = time.Second            // how long the server waits for a change before it says that there is none
)

// Watch keeps the promise of store.Watcher: by a change stream where the server
// has one, else by asking which heads were written since.
func (d *DB) Watch(ctx context.Context, see func(store.Head)) error {
	since := d.clock.Now().UnixMilli()
	for {
		err := d.stream(ctx, &since, see)
		pause := watchPause
		if unsupported(err) {
			err, pause = d.moved(ctx, &since, see), pollEvery
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && d.report != nil {
			d.report(fmt.Sprintf("watch heads: %v", err))
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// stream tells of changes until there is an error. It begins with those that came
// between the last one it told of and the beginning of the stream.
func (d *DB) stream(ctx context.Context, since *int64, see func(store.Head)) (err error) {
	if d.polls {
		return errPolls
	}
	written := mongo.Pipeline{{{Key: "$match", Value: bson.D{{Key: "operationType", Value: bson.D{{Key: "$in", Value: bson.A{"insert", "replace", "update"}}}}}}}}
	s, err := d.db.Collection(heads).Watch(ctx, written, options.ChangeStream().SetMaxAwaitTime(awaitTime).SetFullDocument(options.UpdateLookup))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	if err := d.moved(ctx, since, see); err != nil {
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
		if err := tell(change.Doc, since, see); err != nil {
			return err
		}
	}
	return s.Err()
}

func tell(doc *headDoc, since *int64, see func(store.Head)) error {
	h, err := doc.head()
	if err != nil {
		return err
	}
	*since = max(*since, doc.Moved)
	see(h)
	return nil
}

// moved tells of the heads that were written since, by the clocks of those who
// wrote them.
func (d *DB) moved(ctx context.Context, since *int64, see func(store.Head)) error {
	from := *since - apart.Milliseconds()
	return d.do(ctx, "look for heads that moved", func(ctx context.Context) error {
		return each(ctx, d.db.Collection(heads), bson.D{{Key: "m", Value: bson.D{{Key: "$gte", Value: from}}}}, options.Find().SetSort(up("m")), func(doc *headDoc) error {
			return tell(doc, since, see)
		})
	})
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
