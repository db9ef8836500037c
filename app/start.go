package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

const (
	// aheadAtMost is how far the newest entry may be ahead of the clock of this machine:
	// times of commits never go back, so a clock that was set back is noticed by them.
	aheadAtMost = 5 * time.Minute
	// littleSpace is where a disk is nearly full.
	littleSpace = 1 << 30
)

// startCheck looks at what must be right before the first phone is answered, cheaply: New
// has refused a file that is no database, is cut short or damaged, was written by a newer
// program, or is half of a move. It reads the heads and writes one row.
//
// Errors: Transient "database_unwritable".
func (a *App) startCheck(ctx context.Context) error {
	s, ok := a.Store.(interface {
		Probe(ctx context.Context) error
		Newest(ctx context.Context) (time.Time, error)
	})
	if !ok {
		return nil // a database elsewhere looks after itself
	}
	switch err := s.Probe(ctx); {
	case err == nil, fault.CodeOf(err) == "storage_full": // it is told of, what is there can be read, and room may be made while it runs
	case a.damaged() != nil:
		return err
	default:
		return &fault.Error{Kind: fault.Transient, Code: "database_unwritable", Cause: err,
			Text: "nothing can be written to " + a.Config.StorePath() + ": look whether the disk is full, and whether this user may write to the file and its folder"}
	}
	newest, err := s.Newest(ctx)
	if err != nil {
		return err
	}
	if ahead := newest.Sub(a.Clock.Now()); ahead > aheadAtMost {
		a.Log.LogAttrs(ctx, slog.LevelWarn, "the newest commit is ahead of the clock of this machine: set the clock", slog.Duration("ahead", ahead), slog.Time("newest", newest))
	}
	if free, ok := freeSpace(filepath.Dir(a.Config.StorePath())); ok && free < littleSpace {
		a.Log.LogAttrs(ctx, slog.LevelWarn, "the disk of the database is nearly full", slog.Int64("free_bytes", free))
	}
	return nil
}
