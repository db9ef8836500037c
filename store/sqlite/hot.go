package sqlite

import "context"

// hot holds the statements of the paths that every request takes.
type hot struct{}

func (d *DB) prepare(ctx context.Context) error { return nil }
