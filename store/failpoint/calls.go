package failpoint

import (
	"context"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Append keeps the promise of store.Appender, as all methods below keep theirs.
func (d *doomed) Append(ctx context.Context, c *store.Commit) (store.Head, error) {
	return pass(d, "append", func() (store.Head, error) { return d.DB.Append(ctx, c) })
}

// Backup copies the database.
func (d *doomed) Backup(ctx context.Context, path string) error {
	return try(d, "backup", func() error { return d.DB.Backup(ctx, path) })
}

// Create makes a head.
func (d *doomed) Create(ctx context.Context, h store.Head) error {
	return try(d, "create", func() error { return d.DB.Create(ctx, h) })
}

// Head reads one head.
func (d *doomed) Head(ctx context.Context, scope string) (store.Head, error) {
	return pass(d, "head", func() (store.Head, error) { return d.DB.Head(ctx, scope) })
}

// Look reads a head and the numbers of backups.
func (d *doomed) Look(ctx context.Context, scope string) (store.Head, store.Epochs, error) {
	type seen struct {
		head   store.Head
		epochs store.Epochs
	}
	got, err := pass(d, "look", func() (s seen, err error) {
		s.head, s.epochs, err = d.DB.Look(ctx, scope)
		return s, err
	})
	return got.head, got.epochs, err
}

// Expect notes that foreign refusals may come.
func (d *doomed) Expect(ctx context.Context, scope string) error {
	return try(d, "expect", func() error { return d.DB.Expect(ctx, scope) })
}

// HeadsFor reads the heads of a user and of named scopes.
func (d *doomed) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	return pass(d, "headsfor", func() ([]store.Head, error) { return d.DB.HeadsFor(ctx, user, scopes) })
}

// CatchUp makes what is told elsewhere visible.
func (d *doomed) CatchUp(ctx context.Context, scope string) error {
	return try(d, "catchup", func() error { return d.DB.CatchUp(ctx, scope) })
}

// Load reads what a resolve needs.
func (d *doomed) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	return pass(d, "load", func() (store.Loaded, error) { return d.DB.Load(ctx, scope, want) })
}

// Insert puts a commit into the log.
func (d *doomed) Insert(ctx context.Context, c *store.Commit) error {
	return try(d, "insert", func() error { return d.DB.Insert(ctx, c) })
}

// Withdraw removes an own entry.
func (d *doomed) Withdraw(ctx context.Context, c *store.Commit) error {
	return try(d, "withdraw", func() error { return d.DB.Withdraw(ctx, c) })
}

// Entry reads a log entry.
func (d *doomed) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	return pass(d, "entry", func() (*store.Commit, error) { return d.DB.Entry(ctx, scope, generation, seq) })
}

// Chain reads the chain hash of a log entry.
func (d *doomed) Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (string, error) {
	return pass(d, "chain", func() (string, error) { return d.DB.Chain(ctx, scope, generation, seq) })
}

// Fold carries a commit into records, pages and head.
func (d *doomed) Fold(ctx context.Context, c *store.Commit, from store.Head) (store.Head, error) {
	return pass(d, "fold", func() (store.Head, error) { return d.DB.Fold(ctx, c, from) })
}

// Changed reads a page of records.
func (d *doomed) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	return pass(d, "changed", func() (store.Page, error) { return d.DB.Changed(ctx, scope, after, upTo, skipDead, limit) })
}

// Unfolded finds scopes with entries above applied.
func (d *doomed) Unfolded(ctx context.Context, limit int) ([]string, error) {
	return pass(d, "unfolded", func() ([]string, error) { return d.DB.Unfolded(ctx, limit) })
}

// Waiting finds heads with a mark.
func (d *doomed) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	return pass(d, "waiting", func() ([]store.Head, error) { return d.DB.Waiting(ctx, follower, limit) })
}

// Done clears a mark.
func (d *doomed) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	return try(d, "done", func() error { return d.DB.Done(ctx, scope, follower, seq) })
}

// Prune deletes old log entries.
func (d *doomed) Prune(ctx context.Context, scope string, upTo merge.Seq) error {
	return try(d, "prune", func() error { return d.DB.Prune(ctx, scope, upTo) })
}

// Erase empties old tombstones and pages.
func (d *doomed) Erase(ctx context.Context, scope string, from, upTo merge.Seq) error {
	return try(d, "erase", func() error { return d.DB.Erase(ctx, scope, from, upTo) })
}

// Scopes lists scopes.
func (d *doomed) Scopes(ctx context.Context, after string, limit int) ([]string, error) {
	return pass(d, "scopes", func() ([]string, error) { return d.DB.Scopes(ctx, after, limit) })
}

// Raise begins a generation.
func (d *doomed) Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	return try(d, "raise", func() error { return d.DB.Raise(ctx, scope, next, fork) })
}

// Claim takes a name.
func (d *doomed) Claim(ctx context.Context, space, key, holder string) (string, error) {
	return pass(d, "claim", func() (string, error) { return d.DB.Claim(ctx, space, key, holder) })
}

// Holder reads who has a name.
func (d *doomed) Holder(ctx context.Context, space, key string) (string, error) {
	return pass(d, "holder", func() (string, error) { return d.DB.Holder(ctx, space, key) })
}

// Release gives a name up.
func (d *doomed) Release(ctx context.Context, space, key, holder string) error {
	return try(d, "release", func() error { return d.DB.Release(ctx, space, key, holder) })
}

// Epochs reads the numbers of backups.
func (d *doomed) Epochs(ctx context.Context) (store.Epochs, error) {
	return pass(d, "epochs", func() (store.Epochs, error) { return d.DB.Epochs(ctx) })
}

// Begin numbers a backup.
func (d *doomed) Begin(ctx context.Context) (uint64, error) {
	return pass(d, "begin", func() (uint64, error) { return d.DB.Begin(ctx) })
}

// Complete says that a backup is whole.
func (d *doomed) Complete(ctx context.Context, epoch uint64) error {
	return try(d, "complete", func() error { return d.DB.Complete(ctx, epoch) })
}

// Ping reports whether the store can answer.
func (d *doomed) Ping(ctx context.Context) error {
	return try(d, "ping", func() error { return d.DB.Ping(ctx) })
}
