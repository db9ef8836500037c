package mongo

import (
	"context"
	"time"
)

// Locked is locked, for tests of the lock itself.
func (d *DB) Locked(ctx context.Context, life time.Duration, fn func(ctx context.Context) error) error {
	return d.locked(ctx, life, fn)
}
