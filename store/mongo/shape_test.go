package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

func TestAnIndexThatDiffersIsReportedAndKept(t *testing.T) {
	created := bson.D{{Key: "user", Value: 1}, {Key: "created", Value: 1}}
	named := func() *options.IndexOptionsBuilder { return options.Index().SetName("user") }
	tests := []struct {
		name    string
		fields  bson.D
		options *options.IndexOptionsBuilder
		want    string // "" for no report
	}{
		{"as it should be", created, named(), ""},
		{"other fields", bson.D{{Key: "user", Value: 1}}, named(), "index user of sessions is user, wanted user created"},
		{"another direction", bson.D{{Key: "user", Value: 1}, {Key: "created", Value: -1}}, named(), "index user of sessions is user -created, wanted user created"},
		{"unique", created, named().SetUnique(true), "is user created unique, wanted user created"},
		{"sparse", created, named().SetSparse(true), "is user created sparse, wanted user created"},
		{"documents that expire", bson.D{{Key: "created", Value: 1}}, named().SetExpireAfterSeconds(3600), "is created expiring after 3600 s, wanted user created"},
		{"a part of the documents", created, named().SetPartialFilterExpression(bson.D{{Key: "user", Value: bson.D{{Key: "$exists", Value: true}}}}), `is user created only {"user":{"$exists":true}}, wanted user created`},
		{"another name", created, options.Index().SetName("user_1_created_1"), "index user of sessions is there under the name user_1_created_1"},
		{"another name, and it expires", created, options.Index().SetName("sweeper").SetExpireAfterSeconds(3600), "index sweeper of sessions is user created expiring after 3600 s, and none of this program's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := mongotest.Address(t)
			must(t, reopen(t, address, mongo.Options{}).Ping(t.Context()))
			view := plain(t, address).Collection("sessions").Indexes()
			must(t, view.DropOne(t.Context(), "user"))
			_, err := view.CreateOne(t.Context(), driver.IndexModel{Keys: tt.fields, Options: tt.options})
			if e, ok := errors.AsType[driver.CommandError](err); ok && e.Code == notImplemented {
				t.Skip("skipped: needs a server that knows such an index")
			}
			must(t, err)
			before := names(t, view)
			var reports []string
			must(t, reopen(t, address, mongo.Options{Report: func(text string) { reports = append(reports, text) }}).Ping(t.Context()))
			all := strings.Join(reports, "\n")
			if (tt.want == "") != (len(reports) == 0) || !strings.Contains(all, tt.want) {
				t.Errorf("%q", reports)
			}
			for _, name := range before {
				if !strings.Contains(strings.Join(names(t, view), " "), name) {
					t.Errorf("%s is gone", name)
				}
			}
		})
	}
}

const notImplemented = 238

func names(t *testing.T, view driver.IndexView) (out []string) {
	t.Helper()
	all, err := view.ListSpecifications(t.Context())
	must(t, err)
	for _, s := range all {
		out = append(out, s.Name)
	}
	return out
}

// TestAWholeIndexInPlaceOfAPartialOne is right where the server knows no others, and
// reported where it does.
func TestAWholeIndexInPlaceOfAPartialOne(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	must(t, reopen(t, address, mongo.Options{}).Ping(t.Context()))
	view := plain(t, address).Collection("log").Indexes()
	fields := bson.D{{Key: "o", Value: 1}, {Key: "s", Value: 1}}
	_, err := view.CreateOne(t.Context(), driver.IndexModel{Keys: bson.D{{Key: "x", Value: 1}}, Options: options.Index().SetName("probe").SetPartialFilterExpression(bson.D{{Key: "x", Value: bson.D{{Key: "$exists", Value: true}}}})})
	e, ok := errors.AsType[driver.CommandError](err)
	partial := !ok || e.Code != notImplemented
	if partial {
		must(t, err)
		must(t, view.DropOne(t.Context(), "open"))
		_, err = view.CreateOne(t.Context(), driver.IndexModel{Keys: fields, Options: options.Index().SetName("open")})
		must(t, err)
	}
	var reports []string
	must(t, reopen(t, address, mongo.Options{Report: func(text string) { reports = append(reports, text) }}).Ping(t.Context()))
	if want := `index open of log is o s, wanted o s only {"o":{"$exists":true}}`; partial != (len(reports) == 1 && strings.Contains(reports[0], want)) || !partial && len(reports) > 0 {
		t.Errorf("%q", reports)
	}
}

// TestAnIndexThatAnotherIsInTheWayOf is reported, and the program starts.
func TestAnIndexThatAnotherIsInTheWayOf(t *testing.T) {
	for _, code := range []int{85, 86} {
		s := replica(t)
		s.fail(t, 2, []string{"createIndexes"}, bson.E{Key: "errorCode", Value: code}) // of several at once, and of the first of them alone
		var reports []string
		db := reopen(t, s.address, mongo.Options{Report: func(text string) { reports = append(reports, text) }})
		s.heal(t)
		must(t, db.Ping(t.Context()))
		if len(reports) != 1 || !strings.Contains(reports[0], "index users of heads is missing, another stands in its way") {
			t.Errorf("%q", reports)
		}
		if all := strings.Join(names(t, s.db.Collection("heads").Indexes()), " "); !strings.Contains(all, "marks") || !strings.Contains(all, "moved") || strings.Contains(all, "users") {
			t.Errorf("there are %s", all)
		}
	}
}

// slow holds the first command of a name back for longer than a call may take.
type slow struct {
	net.Conn
	command string
	after   time.Duration
	held    *atomic.Bool
}

func (s slow) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(s.command)) && s.held.CompareAndSwap(false, true) {
		<-time.After(s.after)
	}
	return s.Conn.Write(b)
}

// TestAnIndexMayTakeLongerThanACall: on a large collection it takes minutes.
func TestAnIndexMayTakeLongerThanACall(t *testing.T) {
	t.Parallel()
	const call = 3 * time.Second
	held := &atomic.Bool{}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return slow{c, "createIndexes", call + call/2, held}, err
	}
	must(t, fresh(t, mongo.Options{Timeout: call, Dial: dial}).Ping(t.Context()))
	if !held.Load() {
		t.Error("no index was made")
	}
}

// TestALockIsRenewedWhileItIsHeld, so that nobody else begins.
func TestALockIsRenewedWhileItIsHeld(t *testing.T) {
	t.Parallel()
	address := mongotest.Address(t)
	here, there, db := reopen(t, address, mongo.Options{}), reopen(t, address, mongo.Options{}), plain(t, address)
	const life = 4 * time.Second
	var free atomic.Bool
	began := time.Now()
	second := make(chan error, 1)
	must(t, here.Locked(t.Context(), life, func(ctx context.Context) error {
		go func() {
			second <- there.Locked(t.Context(), life, func(context.Context) error {
				if !free.Load() {
					t.Error("two hold the lock")
				}
				return nil
			})
		}()
		look := time.NewTicker(life / 20)
		defer look.Stop()
		for first := lockedUntil(t, db); lockedUntil(t, db).Before(first.Add(life)); <-look.C { // renewed for as long again
			if time.Since(began) > time.Minute || ctx.Err() != nil {
				t.Errorf("it was not renewed: %v", context.Cause(ctx))
				break
			}
		}
		free.Store(true)
		return ctx.Err()
	}))
	must(t, <-second)
}

func lockedUntil(t *testing.T, db *driver.Database) time.Time {
	t.Helper()
	var doc struct {
		Until int64 `bson:"until"`
	}
	must(t, db.Collection("meta").FindOne(t.Context(), bson.D{{Key: "_id", Value: "lock"}}).Decode(&doc))
	return time.UnixMilli(doc.Until)
}

// TestWhoseLockIsLostStops: another process has taken it, or the database is out of
// reach for as long as it lasts.
func TestWhoseLockIsLostStops(t *testing.T) {
	for _, name := range []string{"taken by another", "out of reach"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := mongotest.Address(t)
			var away atomic.Bool
			dial := func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := (&net.Dialer{}).DialContext(ctx, network, address)
				return cut{c, &away}, err
			}
			db := reopen(t, address, mongo.Options{Timeout: time.Second, Dial: dial})
			locks := plain(t, address).Collection("meta")
			err := db.Locked(t.Context(), 4*time.Second, func(ctx context.Context) error {
				if name == "out of reach" {
					away.Store(true)
				} else {
					_, err := locks.UpdateByID(ctx, "lock", bson.D{{Key: "$set", Value: bson.D{{Key: "by", Value: "another"}}}})
					must(t, err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(30 * time.Second):
					t.Error("it goes on")
				}
				away.Store(false)
				return ctx.Err()
			})
			if fault.KindOf(err) != fault.Transient {
				t.Errorf("%v", err)
			}
		})
	}
}

// cut is a connection that breaks as soon as it is used while away.
type cut struct {
	net.Conn
	away *atomic.Bool
}

func (c cut) Write(b []byte) (int, error) {
	if c.away.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}
