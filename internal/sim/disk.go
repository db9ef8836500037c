package sim

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
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
