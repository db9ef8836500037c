package around

import (
	"context"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Store gives s with a hook around every call. It can append if s can.
func Store(s store.Store, hook Hook) store.Store {
	if a, ok := s.(store.Appender); ok {
		return appender{around{s, hook}, a}
	}
	return around{s, hook}
}

type around struct {
	in   store.Store
	hook Hook
}

type appender struct {
	around
	a store.Appender
}

// Append keeps the promise of store.Appender.
func (s appender) Append(ctx context.Context, c *store.Commit) (store.Head, error) {
	return give(ctx, s.hook, Write("Append"), func(ctx context.Context) (store.Head, error) { return s.a.Append(ctx, c) })
}

// Create keeps the promise of store.Log.
func (s around) Create(ctx context.Context, h store.Head) error {
	return s.hook(ctx, Write("Create"), func(ctx context.Context) error { return s.in.Create(ctx, h) })
}

// Head keeps the promise of store.Log.
func (s around) Head(ctx context.Context, scope string) (store.Head, error) {
	return give(ctx, s.hook, Read("Head"), func(ctx context.Context) (store.Head, error) { return s.in.Head(ctx, scope) })
}

// Look keeps the promise of store.Log.
func (s around) Look(ctx context.Context, scope string) (store.Head, store.Epochs, error) {
	type seen struct {
		head   store.Head
		epochs store.Epochs
	}
	got, err := give(ctx, s.hook, Read("Look"), func(ctx context.Context) (got seen, err error) {
		got.head, got.epochs, err = s.in.Look(ctx, scope)
		return got, err
	})
	return got.head, got.epochs, err
}

// Expect keeps the promise of store.Log.
func (s around) Expect(ctx context.Context, scope string) error {
	return s.hook(ctx, Write("Expect"), func(ctx context.Context) error { return s.in.Expect(ctx, scope) })
}

// HeadsFor keeps the promise of store.Log.
func (s around) HeadsFor(ctx context.Context, user string, scopes []string) ([]store.Head, error) {
	return give(ctx, s.hook, Read("HeadsFor"), func(ctx context.Context) ([]store.Head, error) { return s.in.HeadsFor(ctx, user, scopes) })
}

// CatchUp keeps the promise of store.Log.
func (s around) CatchUp(ctx context.Context, scope string) error {
	return s.hook(ctx, Write("CatchUp"), func(ctx context.Context) error { return s.in.CatchUp(ctx, scope) })
}

// Load keeps the promise of store.Log.
func (s around) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	return give(ctx, s.hook, Read("Load"), func(ctx context.Context) (store.Loaded, error) { return s.in.Load(ctx, scope, want) })
}

// Insert keeps the promise of store.Log.
func (s around) Insert(ctx context.Context, c *store.Commit) error {
	return s.hook(ctx, Write("Insert"), func(ctx context.Context) error { return s.in.Insert(ctx, c) })
}

// Withdraw keeps the promise of store.Log.
func (s around) Withdraw(ctx context.Context, c *store.Commit) error {
	return s.hook(ctx, Write("Withdraw"), func(ctx context.Context) error { return s.in.Withdraw(ctx, c) })
}

// Entry keeps the promise of store.Log.
func (s around) Entry(ctx context.Context, scope string, generation uint32, seq merge.Seq) (*store.Commit, error) {
	return give(ctx, s.hook, Read("Entry"), func(ctx context.Context) (*store.Commit, error) { return s.in.Entry(ctx, scope, generation, seq) })
}

// Chain keeps the promise of store.Log.
func (s around) Chain(ctx context.Context, scope string, generation uint32, seq merge.Seq) (string, error) {
	return give(ctx, s.hook, Read("Chain"), func(ctx context.Context) (string, error) { return s.in.Chain(ctx, scope, generation, seq) })
}

// Fold keeps the promise of store.Log.
func (s around) Fold(ctx context.Context, c *store.Commit, from store.Head) (store.Head, error) {
	return give(ctx, s.hook, Write("Fold"), func(ctx context.Context) (store.Head, error) { return s.in.Fold(ctx, c, from) })
}

// Changed keeps the promise of store.Log.
func (s around) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	return give(ctx, s.hook, Read("Changed"), func(ctx context.Context) (store.Page, error) {
		return s.in.Changed(ctx, scope, after, upTo, skipDead, limit)
	})
}

// Unfolded keeps the promise of store.Log.
func (s around) Unfolded(ctx context.Context, limit int) ([]string, error) {
	return give(ctx, s.hook, Read("Unfolded"), func(ctx context.Context) ([]string, error) { return s.in.Unfolded(ctx, limit) })
}

// Waiting keeps the promise of store.Log.
func (s around) Waiting(ctx context.Context, follower string, limit int) ([]store.Head, error) {
	return give(ctx, s.hook, Read("Waiting"), func(ctx context.Context) ([]store.Head, error) { return s.in.Waiting(ctx, follower, limit) })
}

// Done keeps the promise of store.Log.
func (s around) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	return s.hook(ctx, Write("Done"), func(ctx context.Context) error { return s.in.Done(ctx, scope, follower, seq) })
}

// Prune keeps the promise of store.Log.
func (s around) Prune(ctx context.Context, scope string, upTo merge.Seq) error {
	return s.hook(ctx, Write("Prune"), func(ctx context.Context) error { return s.in.Prune(ctx, scope, upTo) })
}

// Erase keeps the promise of store.Log.
func (s around) Erase(ctx context.Context, scope string, from, upTo merge.Seq) error {
	return s.hook(ctx, Write("Erase"), func(ctx context.Context) error { return s.in.Erase(ctx, scope, from, upTo) })
}

// Scopes keeps the promise of store.Log.
func (s around) Scopes(ctx context.Context, after string, limit int) ([]string, error) {
	return give(ctx, s.hook, Read("Scopes"), func(ctx context.Context) ([]string, error) { return s.in.Scopes(ctx, after, limit) })
}

// Raise keeps the promise of store.Log.
func (s around) Raise(ctx context.Context, scope string, next merge.Generation, fork merge.Fork) error {
	return s.hook(ctx, Write("Raise"), func(ctx context.Context) error { return s.in.Raise(ctx, scope, next, fork) })
}

// Claim keeps the promise of store.Claims.
func (s around) Claim(ctx context.Context, space, key, holder string) (string, error) {
	return give(ctx, s.hook, Write("Claim"), func(ctx context.Context) (string, error) { return s.in.Claim(ctx, space, key, holder) })
}

// Holder keeps the promise of store.Claims.
func (s around) Holder(ctx context.Context, space, key string) (string, error) {
	return give(ctx, s.hook, Read("Holder"), func(ctx context.Context) (string, error) { return s.in.Holder(ctx, space, key) })
}

// Release keeps the promise of store.Claims.
func (s around) Release(ctx context.Context, space, key, holder string) error {
	return s.hook(ctx, Write("Release"), func(ctx context.Context) error { return s.in.Release(ctx, space, key, holder) })
}

// Epochs keeps the promise of store.Backups.
func (s around) Epochs(ctx context.Context) (store.Epochs, error) {
	return give(ctx, s.hook, Read("Epochs"), func(ctx context.Context) (store.Epochs, error) { return s.in.Epochs(ctx) })
}

// Begin keeps the promise of store.Backups.
func (s around) Begin(ctx context.Context) (uint64, error) {
	return give(ctx, s.hook, Write("Begin"), func(ctx context.Context) (uint64, error) { return s.in.Begin(ctx) })
}

// Complete keeps the promise of store.Backups.
func (s around) Complete(ctx context.Context, epoch uint64) error {
	return s.hook(ctx, Write("Complete"), func(ctx context.Context) error { return s.in.Complete(ctx, epoch) })
}

// Ping keeps the promise of store.Store.
func (s around) Ping(ctx context.Context) error {
	return s.hook(ctx, Write("Ping"), func(ctx context.Context) error { return s.in.Ping(ctx) })
}
