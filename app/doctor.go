package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// Finding is something that is not as it should be.
type Finding struct {
	Part  string `json:"part"`  // of the database: file, structure, references, schema, people, heads, books, records, log, move, wal, waiting
	Grave bool   `json:"grave"` // the database must not be used so
	Text  string `json:"text"`
}

// Health is what Doctor saw.
type Health struct {
	Findings []Finding    `json:"findings"`
	Bytes    int64        `json:"bytes,omitempty"`     // of the file
	WAL      int64        `json:"wal_bytes,omitempty"` //
	Scopes   int          `json:"scopes"`              // held against their logs
	Waiting  int          `json:"waiting"`             // scopes with effects that wait, a hundred at the most
	Backups  store.Epochs `json:"backups"`             // the last that began, and the last that is complete
}

// Grave reports whether something is wrong that forbids to use the database.
func (h Health) Grave() bool {
	for _, f := range h.Findings {
		if f.Grave {
			return true
		}
	}
	return false
}

func (h *Health) bad(part, form string, args ...any) {
	h.Findings = append(h.Findings, Finding{part, true, fmt.Sprintf(form, args...)})
}

func (h *Health) note(part, form string, args ...any) {
	h.Findings = append(h.Findings, Finding{part, false, fmt.Sprintf(form, args...)})
}

// looked is a store that was opened to be looked at.
type looked interface {
	store.Store
	store.Portable
	Close() error
}

// largeWAL is where a log of changes is larger than it gets by itself.
const largeWAL = 192 << 20

// Doctor reads the whole database and holds everything in it against everything else. A
// file is only read, also while a server works on it; MongoDB is opened as every process
// does. Only what keeps it from looking is an error.
func Doctor(ctx context.Context, cfg config.Config) (h Health, err error) {
	h.Findings = []Finding{}
	s, err := h.open(ctx, cfg)
	if s == nil || err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if db, ok := s.(*sqlite.DB); ok {
		if err := db.Inspect(ctx, func(part, text string) {
			h.Findings = append(h.Findings, Finding{part, part != "schema", text}) // tables of another version are no damage
		}); err != nil {
			return h, err
		}
	}
	if err := usable(ctx, s); err != nil {
		h.note("move", "%v", err)
	}
	var bad error
	h.Scopes, bad = (&syncer.Engine{Store: s, Clock: clock.System{}}).AuditAll(ctx)
	for _, err := range apart(bad) {
		h.bad("log", "%v", err)
	}
	return h, errors.Join(ctx.Err(), h.rest(ctx, s))
}

// open opens the store; nil if it is too damaged for that, which is a finding.
func (h *Health) open(ctx context.Context, cfg config.Config) (looked, error) {
	if cfg.Mongo() {
		return openPortable(ctx, cfg.Store)
	}
	files, err := sqlite.FilesAt(cfg.StorePath())
	if err != nil {
		return nil, err
	}
	h.Bytes, h.WAL = files.Bytes, files.WAL
	if files.Marked != "" {
		h.note("file", "it was found damaged before: %s", files.Marked)
	}
	if files.WAL > largeWAL {
		h.note("wal", "the log of changes beside the file has %d MiB: something keeps it from being carried over", files.WAL>>20)
	}
	db, err := sqlite.Look(ctx, cfg.StorePath())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		h.bad("file", "%v", err)
		return nil, nil
	}
	return db, nil
}

// rest is what is no mistake by itself.
func (h *Health) rest(ctx context.Context, s looked) (err error) {
	if h.Backups, err = s.Epochs(ctx); err != nil {
		h.note("backups", "%v", err)
	}
	const most = 100
	left, err := s.Unfolded(ctx, most)
	if err != nil {
		h.bad("log", "%v", err)
	}
	if len(left) > 0 {
		h.note("log", "%d scopes have commits that the next start of a server carries over", len(left))
	}
	for after := ""; ; {
		scopes, err := s.Scopes(ctx, after, most)
		if err != nil || len(scopes) == 0 {
			if err != nil {
				h.bad("heads", "%v", err)
			}
			return ctx.Err()
		}
		for _, scope := range scopes {
			if head, err := s.Head(ctx, scope); err == nil && len(head.Todo) > 0 {
				h.Waiting++
			}
		}
		after = scopes[len(scopes)-1]
	}
}

// apart are the errors that were joined.
func apart(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, apart(e)...)
		}
		return out
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
