// Package scratch keeps databases on a MongoDB server that live no longer than the
// run of a test or of the simulator: they are copied, cut off from the processes
// that use them, and used again when they are empty.
package scratch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/lumbung-ikm/lumbung/store/mongo"
)

// patience bounds one call: engines for tests may be slow, and machines busy.
const patience = 2 * time.Minute

// Server is where databases come and go. It is safe for concurrent use.
type Server struct {
	address string
	client  *driver.Client

	mu   sync.Mutex
	made int
	free []string // names of empty databases
}

// Connect gives the server at an address, whose database does not matter.
func Connect(ctx context.Context, address string) (*Server, error) {
	if _, err := Named(address, "lumbung"); err != nil {
		return nil, err
	}
	client, err := driver.Connect(options.Client().ApplyURI(address).SetTimeout(patience).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return nil, fmt.Errorf("connect to MongoDB: %w", err)
	}
	if err := client.Ping(ctx, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to MongoDB: %w", err), client.Disconnect(ctx))
	}
	return &Server{address: address, client: client}, nil
}

// Named puts the name of a database into an address.
func Named(address, name string) (string, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return "", errors.New("no address of MongoDB: it has no ://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if _, err := url.ParseQuery(query); err != nil {
		return "", fmt.Errorf("the address of MongoDB: %w", err)
	}
	hosts, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + hosts + "/" + name + "?" + query, nil
}

// Database gives an empty database.
func (s *Server) Database() (*Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		name := s.free[n-1]
		s.free = s.free[:n-1]
		return s.called(name)
	}
	s.made++
	return s.called(fmt.Sprintf("lumbung_scratch_%d_%d", os.Getpid(), s.made))
}

func (s *Server) called(name string) (*Database, error) {
	address, err := Named(s.address, name)
	if err != nil {
		return nil, err
	}
	return &Database{server: s, address: address, db: s.client.Database(name)}, nil
}

// Close drops the databases that were given back and ends the connections.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	var errs []error
	for _, name := range s.free {
		errs = append(errs, s.client.Database(name).Drop(ctx))
	}
	s.free = nil
	return errors.Join(errors.Join(errs...), s.client.Disconnect(ctx))
}

// Database is one database, which outlives the processes that use it.
type Database struct {
	server  *Server
	address string
	db      *driver.Database

	mu        sync.Mutex
	processes []*mongo.DB
}

// Open is what a process does that starts on the database. Each command of it goes
// through around, if that is not nil; see Around.
func (d *Database) Open(ctx context.Context, around Around) (*mongo.DB, error) {
	o := mongo.Options{Timeout: patience, Pool: 4}
	if around != nil {
		o.Dial = wires{around}.DialContext
	}
	db, err := mongo.Open(ctx, d.address, o)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.processes = append(d.processes, db)
	return db, nil
}

// Copy gives a copy of the documents, as a dump that is loaded elsewhere: indexes
// are made by the next process that opens it. It is consistent if nobody writes
// meanwhile.
func (d *Database) Copy(ctx context.Context) (*Database, error) {
	to, err := d.server.Database()
	if err != nil {
		return nil, err
	}
	names, err := d.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return nil, fmt.Errorf("copy a database: %w", err)
	}
	for _, name := range names {
		if err := copyAll(ctx, d.db.Collection(name), to.db.Collection(name)); err != nil {
			return nil, fmt.Errorf("copy collection %s: %w", name, err)
		}
	}
	return to, nil
}

// batch is how many documents are carried at a time.
const batch = 500

func copyAll(ctx context.Context, from, to *driver.Collection) error {
	found, err := from.Find(ctx, bson.D{}, options.Find().SetBatchSize(batch))
	if err != nil {
		return err
	}
	var held []bson.Raw
	put := func() error {
		if len(held) == 0 {
			return nil
		}
		_, err := to.InsertMany(ctx, held)
		held = nil
		return err
	}
	for found.Next(ctx) {
		held = append(held, append(bson.Raw(nil), found.Current...))
		if len(held) == batch {
			if err := put(); err != nil {
				return errors.Join(err, found.Close(ctx))
			}
		}
	}
	return errors.Join(found.Err(), found.Close(ctx), put())
}

// Close ends the processes that are still there, empties the database and gives it
// back to its server. Its indexes stay for the next one.
func (d *Database) Close(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, p := range d.processes {
		errs = append(errs, p.Close())
	}
	d.processes = nil
	names, err := d.db.ListCollectionNames(ctx, bson.D{})
	errs = append(errs, err)
	for _, name := range names {
		_, err := d.db.Collection(name).DeleteMany(ctx, bson.D{})
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return errors.Join(fmt.Errorf("empty a database: %w", err), d.db.Drop(ctx))
	}
	d.server.mu.Lock()
	defer d.server.mu.Unlock()
	d.server.free = append(d.server.free, d.db.Name())
	return nil
}
