// Package mongo keeps everything in MongoDB: the store for several processes side
// by side, on a replica set or a sharded cluster.
//
// It needs no transaction. Every method is a sequence of writes to single
// documents, each a unique insert or guarded by what the document holds, in the
// order that store.Log promises. Writes wait for the majority and its journal;
// reads come from the primary, see what a majority holds, and never less than this
// process has seen or written before.
//
// Documents keep what is found by something in fields of their own and the rest as
// JSON text, the very bytes that go on the wire. So no name that a phone sends
// becomes a key of a document, and no value a filter.
package mongo

import (
	"context"
	"net"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
)

// Options are the rare wishes of who opens a database. The zero value is right
// for production.
type Options struct {
	// Timeout bounds every call of the driver; 0 means 10 s.
	Timeout time.Duration
	// Pool is how many connections to one server are open at most; 0 means 100.
	Pool uint64
	// Clock tells when a head was written, for those who poll, and when a lock is
	// void; nil means that of the machine.
	Clock clock.Clock
	// OnCommand, if set, is told the name of every command that goes to a server,
	// such as "find", and may be called by several goroutines at once. It is meant
	// for tests that count.
	OnCommand func(name string)
	// Dial, if set, makes the connections to servers. It is meant for tests that stand
	// between.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Report, if set, is told what an operator should look at: an index that is
	// not as this program wants it, a watch that broke.
	Report func(text string)
	// Poll looks for changes of other processes even where the server could tell of
	// them.
	Poll bool
}

// DB is one open database. It is safe for concurrent use.
type DB struct {
	client  *mongo.Client
	db      *mongo.Database
	timeout time.Duration
	clock   clock.Clock
	report  func(string) // may be nil
	polls   bool

	mu      sync.Mutex
	seen    bson.Timestamp // the latest operation that this process knows of
	cluster bson.Raw       // the cluster time that proves it
}

const (
	defaultTimeout = 10 * time.Second
	// A server from which nothing comes any more, though its connections stand, is
	// noticed after a heartbeat and the time to connect, and its pool is thrown away:
	// half of the driver's 20 s. A server that came back is found after a heartbeat.
	connectTimeout = 5 * time.Second
	heartbeat      = 5 * time.Second

	defaultPool = 100
	defaultName = "lumbung"
)

// Open connects to the database that a mongodb:// or mongodb+srv:// address names,
// "lumbung" if it names none, brings its shape up to date and makes the indexes
// that it lacks.
//
// Errors: Invalid "database_address_invalid" for an address that cannot be read, Conflict
// "database_too_new" if a newer program has written it, Transient "unavailable" if
// no primary answers in time.
func Open(ctx context.Context, uri string, o Options) (*DB, error) {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Pool == 0 {
		o.Pool = defaultPool
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	name, err := databaseOf(uri)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(settings(uri, o))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "database_address_invalid", Text: "the address of MongoDB", Cause: err}
	}
	d := &DB{client: client, db: client.Database(name), timeout: o.Timeout, clock: o.Clock, report: o.Report, polls: o.Poll}
	if err := d.prepare(ctx); err != nil {
		_ = d.Close() // the first error says more
		return nil, err
	}
	return d, nil
}

// settings are those of the address, and over them what Lumbung relies on.
func settings(uri string, o Options) *options.ClientOptions {
	c := options.Client().SetAppName("lumbung").SetConnectTimeout(min(o.Timeout, connectTimeout)).SetHeartbeatInterval(heartbeat).
		ApplyURI(uri). // may say otherwise of these
		SetTimeout(o.Timeout).SetServerSelectionTimeout(o.Timeout).
		SetMaxPoolSize(o.Pool).
		SetRetryReads(true).SetRetryWrites(true).
		SetReadPreference(readpref.Primary()).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: new(true)})
	if o.OnCommand != nil {
		c.SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) { o.OnCommand(e.CommandName) }})
	}
	if o.Dial != nil {
		c.SetDialer(dialer(o.Dial))
	}
	return c
}

// dialer gives a function the form that the driver wants.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// DialContext implements options.ContextDialer.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// Ping reports whether a primary answers, and a majority behind it.
func (d *DB) Ping(ctx context.Context) error {
	return d.do(ctx, "ping", func(ctx context.Context) error {
		_, err := d.version(ctx)
		return err
	})
}

// Close ends every connection; what is under way fails.
func (d *DB) Close() error {
	ctx, stop := context.WithTimeout(context.Background(), d.timeout)
	defer stop()
	return broken("close", d.client.Disconnect(ctx))
}

// do runs one call of a method: within its time, in a session of its own that sees
// at least what this process has seen before, and with the error of the house.
func (d *DB) do(ctx context.Context, doing string, fn func(ctx context.Context) error) error {
	return d.within(ctx, d.timeout, doing, fn)
}

// within is do with a time of its own.
func (d *DB) within(ctx context.Context, limit time.Duration, doing string, fn func(ctx context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	s, err := d.client.StartSession(options.Session().SetCausalConsistency(true))
	if err != nil {
		return broken(doing, err)
	}
	defer s.EndSession(context.WithoutCancel(ctx))
	d.bring(s)
	err = fn(mongo.NewSessionContext(ctx, s))
	d.note(s)
	return broken(doing, err)
}

// bring tells a session what this process has seen.
func (d *DB) bring(s *mongo.Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cluster != nil {
		_ = s.AdvanceClusterTime(d.cluster) // fails on an ended session only
		_ = s.AdvanceOperationTime(&d.seen) // likewise
	}
}

// note remembers what a session has seen.
func (d *DB) note(s *mongo.Session) {
	at, cluster := s.OperationTime(), s.ClusterTime()
	if at == nil || cluster == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cluster == nil || at.After(d.seen) {
		d.seen, d.cluster = *at, cluster
	}
}
