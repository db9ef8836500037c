// Package storage stands where the SDK of Firebase looks for a client of Cloud Storage,
// which Lumbung does not use (docs/decisions/0075-the-sdk-without-what-is-never-called.md).
// Its names and shapes are those that the SDK needs to compile.
package storage

import (
	"context"
	"errors"
)

// ErrLeftOut is what every call answers.
var ErrLeftOut = errors.New("Cloud Storage is left out of this program")

// Client can do nothing, and nobody gets one.
type Client struct{}

// BucketHandle can do nothing either.
type BucketHandle struct{}

// NewClient answers ErrLeftOut. The options are of any type, so that this module asks for
// none.
func NewClient[O any](context.Context, ...O) (*Client, error) { return nil, ErrLeftOut }

// Bucket is called on a Client only, which nobody gets.
func (*Client) Bucket(string) *BucketHandle { return nil }
