package mongo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
)

// A lock that its holder did not renew for lockLife is void. Holders renew it every
// quarter of that, and give up what they do a quarter before it is void.
const (
	lockLife  = 2 * time.Minute
	lockPause = 200 * time.Millisecond
)

// errLost ends what a lock was held for.
var errLost = errors.New("mongo: the lock could not be renewed")

// lock is the one lock of a database, for who brings its shape up to date. That it
// holds among processes rests on their clocks, apart by less than a quarter of life.
type lock struct {
	db   *DB
	by   string
	life time.Duration
}

// locked runs fn while nobody else does, in whatever process. The context of fn ends
// when the lock cannot be renewed, which is Transient "unavailable".
func (d *DB) locked(ctx context.Context, life time.Duration, fn func(ctx context.Context) error) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	l := lock{db: d, by: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), bson.NewObjectID().Hex()), life: life}
	until, err := l.await(ctx)
	if err != nil {
		return err
	}
	held, lose := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.renew(held, until, lose)
	}()
	err = fn(held)
	if err != nil && errors.Is(context.Cause(held), errLost) {
		err = &fault.Error{Kind: fault.Transient, Code: "unavailable", Text: "another process may bring the database up to date now", Cause: errors.Join(errLost, err)}
	}
	lose(nil)
	<-ended
	return errors.Join(err, l.release(context.WithoutCancel(ctx)))
}

// await takes the lock as soon as it is free or its holder is gone, and tells until
// when it holds.
func (l lock) await(ctx context.Context) (until time.Time, err error) {
	for {
		until = clock.Precise{}.Now().Add(l.life)
		if ok, err := l.take(ctx); ok || err != nil {
			return until, err
		}
		if !rest(ctx, lockPause) {
			return until, broken("wait for the migration of another process", ctx.Err())
		}
	}
}

// renew keeps the lock until ctx ends, or loses it.
func (l lock) renew(ctx context.Context, until time.Time, lose context.CancelCauseFunc) {
	quarter := l.life / 4
	for rest(ctx, quarter) {
		began := clock.Precise{}.Now()
		try, stop := context.WithDeadline(ctx, until.Add(-quarter))
		mine, err := l.extend(try)
		stop()
		switch {
		case err == nil && mine:
			until = began.Add(l.life)
		case err == nil || !clock.Precise{}.Now().Before(until.Add(-quarter)):
			lose(errLost)
			return
		}
	}
}

// rest waits, and reports whether ctx goes on.
func rest(ctx context.Context, d time.Duration) bool {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wait.C:
		return true
	}
}

func (l lock) doc() bson.D {
	return bson.D{{Key: "_id", Value: "lock"}, {Key: "by", Value: l.by}, {Key: "until", Value: l.db.clock.Now().Add(l.life).UnixMilli()}}
}

func (l lock) mine() bson.D { return bson.D{{Key: "_id", Value: "lock"}, {Key: "by", Value: l.by}} }

// take takes the lock, if it is free or void.
func (l lock) take(ctx context.Context) (ok bool, err error) {
	err = l.db.do(ctx, "lock", func(ctx context.Context) error {
		doc := l.doc()
		_, err := l.db.db.Collection(meta).InsertOne(ctx, doc)
		if !mongo.IsDuplicateKeyError(err) {
			ok = err == nil
			return err
		}
		void := bson.D{{Key: "_id", Value: "lock"}, {Key: "until", Value: bson.D{{Key: "$lt", Value: l.db.clock.Now().UnixMilli()}}}}
		n, err := l.db.db.Collection(meta).ReplaceOne(ctx, void, doc)
		ok = err == nil && n.MatchedCount == 1
		return err
	})
	return ok, err
}

// extend reports whether the lock is still this one's, and makes it last.
func (l lock) extend(ctx context.Context) (ok bool, err error) {
	err = l.db.do(ctx, "renew the lock", func(ctx context.Context) error {
		n, err := l.db.db.Collection(meta).ReplaceOne(ctx, l.mine(), l.doc())
		ok = err == nil && n.MatchedCount == 1
		return err
	})
	return ok, err
}

func (l lock) release(ctx context.Context) error {
	return l.db.do(ctx, "unlock", func(ctx context.Context) error {
		_, err := l.db.db.Collection(meta).DeleteOne(ctx, l.mine())
		return err
	})
}
