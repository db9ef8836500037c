package app

import (
	"context"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Backup writes a consistent copy of the database to path while the server may
// go on; a file that is there is replaced once the copy is whole. When it is complete, phones may let go of
// what it holds.
//
// Errors: Conflict "backup_unsupported" if the store makes its copies by its own
// tools; Internal "backup_failed".
func (a *App) Backup(ctx context.Context, path string) error {
	db, ok := a.Store.(Database)
	if !ok {
		return &fault.Error{Kind: fault.Conflict, Code: "backup_unsupported", Text: "this store makes its copies by its own tools"}
	}
	return a.Engine.Backup(ctx, func(ctx context.Context) error { return db.Backup(ctx, path) })
}

// Restored starts a new generation of every scope. It must run once after the
// database was put back from a backup, before any server uses it: phones then
// send again what the backup may lack. It gives the number of scopes.
func (a *App) Restored(ctx context.Context) (int, error) { return a.Engine.Restored(ctx) }
