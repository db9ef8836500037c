package sim

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
)

// PoorDisk is a Disk in memory that can do next to nothing: what works on it
// works on any store.
func PoorDisk() Disk { return poorDisk{storefault.NewPoor()} }

type poorDisk struct{ poor *storefault.Poor }

func (d poorDisk) Store() store.Store  { return d.poor }
func (d poorDisk) Copy() (Disk, error) { return poorDisk{d.poor.Copy()}, nil }
func (d poorDisk) Close() error        { return nil }

// SQLiteDisk is a Disk on a file of the embedded store, in a folder of its own
// below parent. Close removes it.
func SQLiteDisk(ctx context.Context, parent string) (Disk, error) {
	dir, err := os.MkdirTemp(parent, "lumbung-sim-")
	if err != nil {
		return nil, err
	}
	db, err := app.OpenDatabase(ctx, filepath.Join(dir, "lumbung.db"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &sqliteDisk{ctx: ctx, dir: dir, db: db}, nil
}

type sqliteDisk struct {
	ctx context.Context
	dir string
	db  app.Database
}

func (d *sqliteDisk) Store() store.Store { return d.db }

func (d *sqliteDisk) Copy() (Disk, error) {
	dir, err := os.MkdirTemp(filepath.Dir(d.dir), "lumbung-sim-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lumbung.db")
	err = d.db.Backup(d.ctx, path)
	if err == nil {
		var db app.Database
		if db, err = app.OpenDatabase(d.ctx, path); err == nil {
			return &sqliteDisk{ctx: d.ctx, dir: dir, db: db}, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func (d *sqliteDisk) Close() error { return errors.Join(d.db.Close(), os.RemoveAll(d.dir)) }

// MongoDisk is a Disk on an empty database of a server of MongoDB, to which it is
// given back by Close. Each process has connections of its own, and each command
// that goes over them is a primitive of the store.
func MongoDisk(ctx context.Context, on *scratch.Server) (Disk, error) {
	db, err := on.Database()
	if err != nil {
		return nil, err
	}
	return openMongo(ctx, db)
}

func openMongo(ctx context.Context, db *scratch.Database) (Disk, error) {
	calm, err := db.Open(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close(ctx))
	}
	return &mongoDisk{ctx: ctx, db: db, calm: calm}, nil
}

type mongoDisk struct {
	ctx  context.Context
	db   *scratch.Database
	calm *mongo.DB // nothing happens to it
}

func (d *mongoDisk) Store() store.Store { return mongoStore{d.calm, d} }

func (d *mongoDisk) Copy() (Disk, error) {
	db, err := d.db.Copy(d.ctx)
	if err != nil {
		return nil, err
	}
	return openMongo(d.ctx, db)
}

func (d *mongoDisk) Close() error { return d.db.Close(context.WithoutCancel(d.ctx)) }

type mongoStore struct {
	*mongo.DB
	disk *mongoDisk
}

// Hooked opens the database as a process that starts does, and only then begins to
// look at its commands: nothing is promised to phones before.
func (s mongoStore) Hooked(hook func(storefault.Call, func() error) error) store.Store {
	started := false
	db, err := s.disk.db.Open(s.disk.ctx, func(command string, do func() error) error {
		if !started {
			return do()
		}
		return hook(storefault.Call{Primitive: command}, do)
	})
	if err != nil {
		panic("sim: " + err.Error()) // nothing in it depends on the seed
	}
	started = true
	return db
}
