package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/carry"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	"github.com/lumbung-ikm/lumbung/sync"
)

// Move carries everything from one store to another, each named as LUMBUNG_STORE
// names it.
type Move struct {
	From, To string
	Tell     func(carry.Progress) // may be nil

	from, to portable
}

type portable interface {
	store.Store
	store.Portable
	Close() error
}

// Open opens both stores. The source must be there; a target that is a file is made.
//
// Errors: NotFound "database_missing"; those of opening.
func (m *Move) Open(ctx context.Context) (err error) {
	if c := (config.Config{Store: m.From}); !c.Mongo() {
		if _, err := os.Stat(c.StorePath()); err != nil {
			return &fault.Error{Kind: fault.NotFound, Code: "database_missing", Text: "no database at " + c.StorePath(), Cause: err}
		}
	}
	if m.from, err = openPortable(ctx, m.From); err != nil {
		return fmt.Errorf("open the source: %w", err)
	}
	if m.to, err = openPortable(ctx, m.To); err != nil {
		return fmt.Errorf("open the target: %w", err)
	}
	return nil
}

func openPortable(ctx context.Context, at string) (portable, error) {
	c := config.Config{Store: at}
	if c.Mongo() {
		return mongo.Open(ctx, at, mongo.Options{Timeout: time.Minute}) // a call carries many records, which may be large
	}
	if err := os.MkdirAll(filepath.Dir(c.StorePath()), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the database: %w", err)
	}
	return sqlite.Open(ctx, c.StorePath(), sqlite.Options{})
}

// Close closes what Open has opened.
func (m *Move) Close() error {
	var errs []error
	for _, p := range []portable{m.from, m.to} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// Copy fills the target while the source goes on being used: carry.Copy.
func (m *Move) Copy(ctx context.Context) (carry.Result, error) {
	return carry.Copy(ctx, m.from, m.to, m.Tell)
}

// Finish retires the source and makes the target usable, once every scope of it is
// the fold of its log and has the hash that phones compare: carry.Finish. It also
// gives the number of scopes.
func (m *Move) Finish(ctx context.Context) (r carry.Result, scopes int, err error) {
	r, err = carry.Finish(ctx, m.from, m.to, m.Tell, func(ctx context.Context) error {
		e := &syncer.Engine{Store: m.to, Clock: clock.System{}}
		if _, err := e.Repair(ctx); err != nil { // what its process died over is finished here
			return err
		}
		scopes, err = e.AuditAll(ctx)
		return err
	})
	return r, scopes, err
}

// Cancel gives the source back: carry.Cancel.
func (m *Move) Cancel(ctx context.Context) error { return carry.Cancel(ctx, m.from, m.to) }

// usable refuses a database that is being filled, or that has moved elsewhere.
//
// Errors: Conflict "database_filling", "database_retired".
func usable(ctx context.Context, s store.Store) error {
	p, ok := s.(store.Portable)
	if !ok {
		return nil
	}
	now, err := p.Condition(ctx)
	switch {
	case err != nil:
		return err
	case now.State == store.Filling:
		return &fault.Error{Kind: fault.Conflict, Code: "database_filling", Text: "the database is being filled by lumbung copy"}
	case now.State == store.Retired:
		return &fault.Error{Kind: fault.Conflict, Code: "database_retired", Text: "what the database held has moved elsewhere by lumbung copy"}
	}
	return nil
}
