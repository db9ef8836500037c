package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The tests of this file need a replica set, and a server that makes faults when it
// is asked to. They do not run beside others: the faults are the server's.

const commandNotFound, unauthorized = 59, 13

// set is a database on a replica set.
type set struct {
	address string // of whom the faults hit
	app     string // how that one calls itself
	plain   string // the same database, without faults
	db      *driver.Database
	admin   *driver.Database
}

// replica is an empty database on a replica set; without one the test is skipped.
func replica(t *testing.T) set {
	t.Helper()
	address := mongotest.Address(t)
	s := set{app: "faulty " + strings.ReplaceAll(t.Name(), "/", " "), plain: address, db: plain(t, address)}
	s.admin = s.db.Client().Database("admin")
	s.address = strings.TrimSuffix(address, "?")
	sign := "&"
	if !strings.Contains(s.address, "?") {
		sign = "?"
	}
	// A server whose fault was made up has no news for a driver that waits for some: so
	// this one asks, and soon.
	s.address += sign + "serverMonitoringMode=poll&heartbeatFrequencyMS=500&appName=" + strings.ReplaceAll(s.app, " ", "%20")
	var hello struct {
		Set string `bson:"setName"`
	}
	err := s.admin.RunCommand(t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&hello)
	if e, ok := errors.AsType[driver.CommandError](err); !ok || e.Code != commandNotFound {
		must(t, err)
	}
	if hello.Set == "" {
		t.Skip("skipped: needs a replica set")
	}
	return s
}

// fail makes the next commands of some names fail. Without a server that does so the
// test is skipped.
func (s set) fail(t *testing.T, times int, commands []string, how ...bson.E) {
	t.Helper()
	data := append(bson.D{{Key: "failCommands", Value: commands}, {Key: "appName", Value: s.app}}, how...)
	err := s.admin.RunCommand(t.Context(), bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: times}}}, {Key: "data", Value: data}}).Err()
	if e, ok := errors.AsType[driver.CommandError](err); ok && (e.Code == commandNotFound || e.Code == unauthorized) {
		t.Skip("skipped: needs a replica set with test commands")
	}
	must(t, err)
}

func (s set) heal(t *testing.T) {
	t.Helper()
	must(t, s.admin.RunCommand(context.WithoutCancel(t.Context()), bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}}).Err())
}

// remembers reports whether the server knows a write again that a driver sends twice
// because the answer was lost.
func (s set) remembers(t *testing.T) bool {
	t.Helper()
	session, err := s.admin.Client().StartSession()
	must(t, err)
	defer session.EndSession(t.Context())
	for n := range 2 {
		insert := bson.D{{Key: "insert", Value: "probe"}, {Key: "documents", Value: bson.A{bson.D{{Key: "_id", Value: 1}}}}, {Key: "txnNumber", Value: int64(1)}, {Key: "maxTimeMS", Value: 9000 - n}}
		var answer struct {
			N      int             `bson:"n"`
			Errors []bson.RawValue `bson:"writeErrors"`
		}
		err := s.db.RunCommand(driver.NewSessionContext(t.Context(), session), insert).Decode(&answer)
		if err != nil || answer.N != 1 || len(answer.Errors) > 0 {
			return false
		}
	}
	return true
}

// trouble is a way in which a write fails.
type trouble struct {
	name  string
	times int
	how   []bson.E
	lasts bool // longer than a call does
	done  bool // the write is; the driver sends it again all the same
}

func troubles() []trouble {
	retry := bson.E{Key: "errorLabels", Value: bson.A{"RetryableWriteError"}}
	return []trouble{
		{name: "the primary steps down", times: 1, how: []bson.E{{Key: "errorCode", Value: 189}, retry}},
		{name: "the server hangs up", times: 1, how: []bson.E{{Key: "closeConnection", Value: true}}},
		{name: "it is written, and whether a majority has it is unknown", times: 1,
			how: []bson.E{{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: 91}, {Key: "errmsg", Value: "shutdown in progress"}}}, retry}, done: true},
		{name: "the server shuts down, and the next one too", times: 2, how: []bson.E{{Key: "errorCode", Value: 91}, retry}},
		{name: "there is no primary for long", times: 1000, how: []bson.E{{Key: "errorCode", Value: 10107}, retry}, lasts: true},
	}
}

// write is a write of ours on things of its own, which n names.
type write struct {
	name  string
	many  bool // of many documents: no driver sends that again by itself
	again error
	setup func(ctx context.Context, db *mongo.DB, n string) error
	do    func(ctx context.Context, db *mongo.DB, n string) error
	check func(ctx context.Context, db *mongo.DB, n string) error
}

func first(n string) *store.Commit {
	return &store.Commit{Scope: n, Generation: merge.Generation{Count: 1, Nonce: "n"}, Seq: 1, ID: "c " + n, Chain: "x",
		Records: []store.Record{{Collection: "product", ID: "p", Version: 1, Fields: []byte(`{"name":"Keripik"}`), State: []byte(`{}`)}}}
}

func created(ctx context.Context, db *mongo.DB, n string) error {
	return db.Create(ctx, store.Head{Scope: n, Generation: merge.Generation{Count: 1, Nonce: "n"}})
}

func inserted(ctx context.Context, db *mongo.DB, n string) error {
	return errors.Join(created(ctx, db, n), db.Insert(ctx, first(n)))
}

func folded(ctx context.Context, db *mongo.DB, n string) error {
	_, err := db.Fold(ctx, first(n), store.Head{})
	return err
}

// want is an error if got is not what was wanted.
func want[T comparable](got T, err error, want T) error {
	if err == nil && got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return err
}

func writes() []write {
	soon := time.Date(2022, time.April, 1, 9, 0, 0, 0, time.UTC)
	return []write{
		{name: "create a head", again: store.ErrTaken, do: created, check: func(ctx context.Context, db *mongo.DB, n string) error {
			h, err := db.Head(ctx, n)
			return want(h.Revision, err, 1)
		}},
		{name: "insert a commit", again: store.ErrTaken, setup: created, do: func(ctx context.Context, db *mongo.DB, n string) error { return db.Insert(ctx, first(n)) },
			check: func(ctx context.Context, db *mongo.DB, n string) error {
				c, err := db.Entry(ctx, n, 1, 1)
				if err != nil {
					return err
				}
				return want(c.ID, nil, "c "+n)
			}},
		{name: "fold a commit", setup: inserted, do: folded, check: func(ctx context.Context, db *mongo.DB, n string) error {
			h, err := db.Head(ctx, n)
			if err := want(h.Applied, err, 1); err != nil {
				return err
			}
			l, err := db.Load(ctx, n, store.Want{Keys: []merge.Key{{Collection: "product", ID: "p"}}})
			return want(len(l.Records), err, 1)
		}},
		{name: "withdraw a commit", setup: inserted, do: func(ctx context.Context, db *mongo.DB, n string) error { return db.Withdraw(ctx, first(n)) },
			check: func(ctx context.Context, db *mongo.DB, n string) error {
				_, err := db.Entry(ctx, n, 1, 1)
				return want(errors.Is(err, store.ErrAbsent), nil, true)
			}},
		{name: "claim", do: func(ctx context.Context, db *mongo.DB, n string) error {
			now, err := db.Claim(ctx, "space", n, "me")
			return want(now, err, "me")
		}, check: func(ctx context.Context, db *mongo.DB, n string) error {
			now, err := db.Holder(ctx, "space", n)
			return want(now, err, "me")
		}},
		{name: "begin a backup", do: func(ctx context.Context, db *mongo.DB, _ string) error {
			before, err := db.Epochs(ctx)
			if err != nil {
				return err
			}
			epoch, err := db.Begin(ctx)
			return want(epoch, err, before.Began+1) // once, although it was sent twice
		}, check: func(context.Context, *mongo.DB, string) error { return nil }},
		{name: "add to a total", do: func(ctx context.Context, db *mongo.DB, n string) error { return db.Identity().Add(ctx, n, 3, soon) },
			check: func(ctx context.Context, db *mongo.DB, n string) error {
				all, err := db.Identity().Totals(ctx, []string{n})
				if err != nil {
					return err
				}
				return want(all[0], nil, 3) // likewise
			}},
		{name: "replace a user", again: store.ErrStale, setup: func(ctx context.Context, db *mongo.DB, n string) error {
			return db.Identity().InsertUser(ctx, store.User{ID: n})
		}, do: func(ctx context.Context, db *mongo.DB, n string) error {
			return db.Identity().ReplaceUser(ctx, store.User{ID: n, Phone: "+" + n, Rev: 1})
		}, check: func(ctx context.Context, db *mongo.DB, n string) error {
			u, err := db.Identity().UserByPhone(ctx, "+"+n)
			return want(u.Rev, err, 2)
		}},
		{name: "sweep", many: true, setup: func(ctx context.Context, db *mongo.DB, n string) error {
			return db.Identity().InsertTally(ctx, store.Tally{Key: n, Expires: soon})
		}, do: func(ctx context.Context, db *mongo.DB, _ string) error {
			_, err := db.Identity().Sweep(ctx, soon.Add(time.Hour))
			return err
		}, check: func(ctx context.Context, db *mongo.DB, n string) error {
			_, err := db.Identity().Tally(ctx, n)
			return want(errors.Is(err, store.ErrAbsent), nil, true)
		}},
	}
}

// TestAWriteOutlivesAFault: it is done, once, or its error says that it may be tried
// again, and then it is done.
func TestAWriteOutlivesAFault(t *testing.T) {
	s := replica(t)
	patient, hasty, number := reopen(t, s.address, mongo.Options{}), reopen(t, s.address, mongo.Options{Timeout: time.Second}), 0
	remembers := s.remembers(t)
	for _, w := range writes() {
		for _, f := range troubles() {
			t.Run(w.name+", and "+f.name, func(t *testing.T) {
				if f.done && !remembers {
					t.Skip("skipped: needs a replica set that remembers a write that is sent again")
				}
				db, meets := patient, patient
				if f.lasts {
					meets = hasty
				}
				number++
				n := fmt.Sprintf("business/%d", number)
				if w.setup != nil {
					must(t, w.setup(t.Context(), db, n))
				}
				s.fail(t, f.times, []string{"insert", "update", "delete", "findAndModify"}, f.how...)
				err := w.do(t.Context(), meets, n)
				s.heal(t)
				switch {
				case f.lasts && fault.KindOf(err) != fault.Transient, w.many && err != nil && fault.KindOf(err) != fault.Transient:
					t.Errorf("a fault that lasted gave %v", err)
				case !f.lasts && !w.many && err != nil:
					t.Errorf("a fault that passed gave %v", err)
				}
				if err != nil {
					if err := w.do(t.Context(), db, n); err != nil && (w.again == nil || !errors.Is(err, w.again)) {
						t.Errorf("tried again: %v", err)
					}
				}
				if err := w.check(t.Context(), db, n); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}

// TestAWatchOutlivesAFault: whatever ends a stream, no change is lost.
func TestAWatchOutlivesAFault(t *testing.T) {
	tests := []struct {
		name string
		how  []bson.E
	}{
		{"an error behind which the stream can go on", []bson.E{{Key: "errorCode", Value: 91}, {Key: "errorLabels", Value: bson.A{"ResumableChangeStreamError"}}}},
		{"an error behind which it cannot", []bson.E{{Key: "errorCode", Value: 280}}},
		{"the server hangs up", []bson.E{{Key: "closeConnection", Value: true}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := replica(t)
			c := &counter{}
			here := reopen(t, s.address, mongo.Options{OnCommand: c.see, Report: func(text string) { t.Log(text) }})
			there := reopen(t, s.plain, mongo.Options{})
			heard := make(chan store.Head, 100)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- here.Watch(ctx, func(h store.Head) { heard <- h }) }()
			defer func() { stop(); must(t, <-ended) }()

			must(t, created(t.Context(), there, "business/a"))
			step(t, there, 1)
			awaitScope(t, heard, "business/a", 1)
			c.take()
			s.fail(t, 1, []string{"getMore"}, test.how...)
			defer s.heal(t)
			step(t, there, 2)
			step(t, there, 3)
			awaitScope(t, heard, "business/a", 3)
			step(t, there, 4)
			awaitScope(t, heard, "business/a", 4)
			if all := strings.Join(c.take(), " "); !strings.Contains(all, "aggregate") {
				t.Errorf("the stream did not break: %s", all)
			}
		})
	}
}

// step commits to business/a.
func step(t *testing.T, db *mongo.DB, seq merge.Seq) {
	t.Helper()
	c := &store.Commit{Scope: "business/a", Generation: merge.Generation{Count: 1, Nonce: "n"}, Seq: seq, ID: fmt.Sprint("c", seq), Chain: "x"}
	must(t, db.Insert(t.Context(), c))
	_, err := db.Fold(t.Context(), c, store.Head{})
	must(t, err)
}

// TestAStepDownLosesNothing: while the primary steps down, commits fail or are there
// for good, and go on when there is a primary again, without a restart.
func TestAStepDownLosesNothing(t *testing.T) {
	s := replica(t)
	db := reopen(t, s.address, mongo.Options{})
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	var writers []*writer
	var all, begun sync.WaitGroup
	over := make(chan struct{})
	for i := range 4 {
		w := &writer{db: db, scope: fmt.Sprintf("business/%d", i)}
		must(t, created(ctx, db, w.scope))
		writers = append(writers, w)
		begun.Add(1)
		all.Go(func() {
			w.commit(ctx, 3, nil)
			begun.Done()
			w.commit(ctx, 0, over) // through the step-down
			w.commit(ctx, 3, nil)
		})
	}
	begun.Wait()
	err := s.admin.RunCommand(ctx, bson.D{{Key: "replSetStepDown", Value: 2}, {Key: "force", Value: true}}).Err()
	if e, ok := errors.AsType[driver.CommandError](err); ok && e.Code == commandNotFound {
		close(over)
		all.Wait()
		t.Skip("skipped: needs a replica set that steps down")
	}
	select {
	case <-ctx.Done():
	case <-time.After(3 * time.Second): // the step-down is over, and an election is likely to be
	}
	close(over)
	all.Wait()
	refused := 0
	for _, w := range writers {
		must(t, w.err)
		refused += w.refused
		for seq := merge.Seq(1); seq <= w.acked; seq++ {
			c, err := db.Entry(t.Context(), w.scope, 1, seq)
			if err != nil || c.ID != w.id(seq) {
				t.Errorf("commit %d of %s was acknowledged, and is %v, %v", seq, w.scope, c, err)
			}
		}
		h, err := db.Head(t.Context(), w.scope)
		must(t, want(h.Applied, err, w.acked))
	}
	if refused == 0 {
		t.Error("nobody noticed the step-down")
	}
}

// writer commits to a scope that nobody else writes to.
type writer struct {
	db      *mongo.DB
	scope   string
	acked   merge.Seq
	refused int
	err     error // that may not be
}

func (w *writer) id(seq merge.Seq) string { return fmt.Sprintf("%s %d", w.scope, seq) }

// commit makes n commits, or as many as it can until over is closed.
func (w *writer) commit(ctx context.Context, n int, over <-chan struct{}) {
	for made := 0; w.err == nil && ctx.Err() == nil; {
		select {
		case <-over:
			return
		default:
		}
		if over == nil && made == n {
			return
		}
		c := &store.Commit{Scope: w.scope, Generation: merge.Generation{Count: 1, Nonce: "n"}, Seq: w.acked + 1, ID: w.id(w.acked + 1), Chain: "x"}
		err := w.db.Insert(ctx, c)
		if err == nil || errors.Is(err, store.ErrTaken) { // taken by itself: an answer was lost
			_, err = w.db.Fold(ctx, c, store.Head{})
		}
		switch {
		case err == nil:
			w.acked++
			made++
		case fault.KindOf(err) == fault.Transient:
			w.refused++
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		default:
			w.err = err
		}
	}
	if w.err == nil {
		w.err = ctx.Err()
	}
}
