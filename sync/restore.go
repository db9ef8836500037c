package syncer

import (
	"context"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Restored must run once on a store that was put back from a backup, while no
// other process uses it. It folds every log to its end and only then gives
// every scope a new generation, so that nothing of the old time line can be
// written over the new one. Phones then send again what they still have.
//
// It gives the number of scopes raised. It may be repeated after a failure.
func (e *Engine) Restored(ctx context.Context) (int, error) {
	if err := e.eachScope(ctx, func(scope string) error {
		_, err := e.foldAll(ctx, scope)
		return err
	}); err != nil {
		return 0, err
	}
	raised := 0
	err := e.eachScope(ctx, func(scope string) error {
		head, err := e.Store.Head(ctx, scope)
		if err != nil {
			return err
		}
		next := merge.Generation{Count: head.Generation.Count + 1, Nonce: e.IDs.New()[24:]}
		raised++
		return e.Store.Raise(ctx, scope, next, merge.Fork{Generation: head.Generation, Seq: head.Applied, At: max(e.millis(), head.Time)})
	})
	return raised, err
}

// Backup numbers a backup that copy makes: the number is raised before the
// first byte is copied and published after the last. copy must copy a
// consistent state of the store.
func (e *Engine) Backup(ctx context.Context, copy func(context.Context) error) error {
	epoch, err := e.Store.Begin(ctx)
	if err != nil {
		return err
	}
	err = copy(ctx)
	if fault.KindOf(err) == fault.Conflict {
		return err // it cannot be copied there
	}
	if err != nil {
		return &fault.Error{Kind: fault.Internal, Code: "backup_failed", Text: "backup", Cause: err}
	}
	if err := e.Store.Complete(ctx, epoch); err != nil {
		return err
	}
	e.knowBackup(epoch)
	return nil
}

// LearnBackups reads which backups are complete, for answers that run no
// statement of their own.
func (e *Engine) LearnBackups(ctx context.Context) error {
	epochs, err := e.Store.Epochs(ctx)
	if err == nil {
		e.knowBackup(epochs.Done)
	}
	return err
}

func (e *Engine) eachScope(ctx context.Context, do func(scope string) error) error {
	const batch = 500
	for after := ""; ; {
		scopes, err := e.Store.Scopes(ctx, after, batch)
		if err != nil {
			return err
		}
		for _, s := range scopes {
			if err := do(s); err != nil {
				return err
			}
			after = s
		}
		if len(scopes) < batch {
			return nil
		}
	}
}
