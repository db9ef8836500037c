// Package firestore stands where the SDK of Firebase looks for a client of Cloud Firestore,
// which Lumbung does not use (docs/decisions/0075-the-sdk-without-what-is-never-called.md).
// Its names and shapes are those that the SDK needs to compile.
package firestore

import (
	"context"
	"errors"
)

// DefaultDatabaseID is the name that the SDK asks for when it is given none.
const DefaultDatabaseID = "(default)"

// ErrLeftOut is what every call answers.
var ErrLeftOut = errors.New("Cloud Firestore is left out of this program")

// Client can do nothing, and nobody gets one.
type Client struct{}

// NewClientWithDatabase answers ErrLeftOut. The options are of any type, so that this module
// asks for none.
func NewClientWithDatabase[O any](context.Context, string, string, ...O) (*Client, error) {
	return nil, ErrLeftOut
}
