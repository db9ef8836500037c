package mongo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// broken is store.Broken for errors of this driver.
func broken(doing string, err error) error { return store.Broken(doing, err, passing) }

// passing reports whether an error says nothing about the call itself: the server
// was not reached, did not answer in time, was no primary, or could not say that a
// majority has the write.
func passing(err error) bool {
	if mongo.IsNetworkError(err) || mongo.IsTimeout(err) || errors.Is(err, context.Canceled) || errors.Is(err, mongo.ErrClientDisconnected) {
		return true
	}
	if e, ok := errors.AsType[poolError](err); ok && e.Retryable() {
		return true
	}
	if e, ok := errors.AsType[mongo.ServerError](err); ok {
		for _, label := range []string{"RetryableWriteError", "RetryableReadError", "TransientTransactionError", "SystemOverloadedError", "RetryableError"} {
			if e.HasErrorLabel(label) {
				return true
			}
		}
		for _, code := range passingCodes() {
			if e.HasErrorCode(code) {
				return true
			}
		}
	}
	return strings.Contains(err.Error(), "server selection error")
}

// poolError is what the driver says to who waited for a connection while somebody else
// found the server gone. It has no label.
type poolError interface {
	error
	Retryable() bool
}

// passingCodes are the answers of a server that is stopping, stepping down, has
// just been elected, or waits in vain for the majority.
func passingCodes() []int {
	const (
		hostUnreachable, hostNotFound, networkTimeout, maxTimeExpired, shutdown = 6, 7, 89, 50, 91
		writeConcernTimeout, primarySteppedDown, exceededTimeLimit              = 64, 189, 262
		interruptedAtShutdown, interruptedByReplChange                          = 11600, 11602
		notWritablePrimary, notPrimaryNoSecondaryOK, notPrimaryOrSecondary      = 10107, 13435, 13436
		socketException, readConcernMajorityNotAvailable, snapshotUnavailable   = 9001, 134, 246
		unsatisfiableWriteConcern, staleConfig, interrupted, cursorNotFound     = 100, 13388, 11601, 43
	)
	return []int{hostUnreachable, hostNotFound, networkTimeout, maxTimeExpired, shutdown, writeConcernTimeout, primarySteppedDown, exceededTimeLimit,
		interruptedAtShutdown, interruptedByReplChange, notWritablePrimary, notPrimaryNoSecondaryOK, notPrimaryOrSecondary, socketException,
		readConcernMajorityNotAvailable, snapshotUnavailable, unsatisfiableWriteConcern, staleConfig, interrupted, cursorNotFound}
}

// taken turns the answer that a unique place is occupied into ErrTaken.
func taken(err error) error {
	if mongo.IsDuplicateKeyError(err) {
		return store.ErrTaken
	}
	return err
}

// putUnlessNewer carries guarded upserts out in one command, in any order. A server
// that gives up behind the first one whose place is occupied gets them again, one by
// one: none does harm twice.
func putUnlessNewer(ctx context.Context, c *mongo.Collection, writes []mongo.WriteModel) error {
	done, err := c.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
	e, ok := errors.AsType[mongo.BulkWriteException](err)
	if err := newerIsDone(err); err != nil || !ok {
		return err
	}
	if done.MatchedCount+done.UpsertedCount+int64(len(e.WriteErrors)) >= int64(len(writes)) {
		return nil
	}
	for _, w := range writes {
		_, err := c.BulkWrite(ctx, []mongo.WriteModel{w})
		if err := newerIsDone(err); err != nil {
			return err
		}
	}
	return nil
}

// newerIsDone drops from the answer of guarded upserts that a document was newer
// already: its filter missed it, and the insert found its place occupied.
func newerIsDone(err error) error {
	e, ok := errors.AsType[mongo.BulkWriteException](err)
	if !ok || e.WriteConcernError != nil {
		return err
	}
	for _, w := range e.WriteErrors {
		if !mongo.IsDuplicateKeyError(w.WriteError) {
			return err
		}
	}
	return nil
}

// databaseOf is the name of the database in an address.
func databaseOf(uri string) (string, error) {
	c, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return "", &fault.Error{Kind: fault.Invalid, Code: "database_address_invalid", Text: "the address of MongoDB", Cause: err}
	}
	return cmp.Or(c.Database, defaultName), nil
}

// maxDocument is the largest document that MongoDB keeps, less what it may add.
const maxDocument = 16<<20 - 16<<10

// fits refuses a document that MongoDB would not take, before anything of a call
// is written.
func fits(what string, bytes int) error {
	if bytes <= maxDocument {
		return nil
	}
	return &fault.Error{Kind: fault.TooLarge, Code: "too_large", Text: fmt.Sprintf("%s of %d bytes", what, bytes)}
}
