package app

import (
	"context"
	"fmt"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// Database is an embedded store by itself, for programs that need no more of an
// App than its disk.
type Database interface {
	store.Store
	Identity() store.Identity
	// Backup writes a consistent copy to a file, which is replaced once it is whole.
	Backup(ctx context.Context, path string) error
	Close() error
}

// OpenDatabase opens the embedded store at path, and makes it if there is none.
func OpenDatabase(ctx context.Context, path string) (Database, error) {
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return db, nil
}
