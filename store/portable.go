package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// Shelf is one kind of what a store keeps.
type Shelf string

// The shelves of a store.
const (
	ShelfHeads        Shelf = "heads"
	ShelfLog          Shelf = "log"
	ShelfRecords      Shelf = "records"
	ShelfPages        Shelf = "pages"
	ShelfClaims       Shelf = "claims"
	ShelfBackups      Shelf = "backups"
	ShelfUsers        Shelf = "users"
	ShelfChallenges   Shelf = "challenges"
	ShelfTallies      Shelf = "tallies"
	ShelfTotals       Shelf = "totals"
	ShelfSessions     Shelf = "sessions"
	ShelfDevices      Shelf = "devices"
	ShelfIncarnations Shelf = "incarnations"
	ShelfContacts     Shelf = "contacts"
	ShelfSigningKeys  Shelf = "signing_keys"
	ShelfReplies      Shelf = "replies"
	ShelfCredentials  Shelf = "credentials"
	ShelfAddresses    Shelf = "addresses"
	ShelfDeliveries   Shelf = "deliveries"
)

// Shelves lists every shelf, in an order in which they can be filled.
func Shelves() []Shelf {
	return []Shelf{ShelfHeads, ShelfLog, ShelfRecords, ShelfPages, ShelfClaims, ShelfBackups, ShelfUsers, ShelfChallenges, ShelfTallies, ShelfTotals,
		ShelfSessions, ShelfDevices, ShelfIncarnations, ShelfContacts, ShelfSigningKeys, ShelfReplies, ShelfCredentials, ShelfAddresses, ShelfDeliveries}
}

// Item is one thing on a shelf, spelled the same in every store: texts as they are,
// numbers in decimal, lists as JSON.
type Item struct {
	Key    []string // tells it apart on its shelf
	Fields map[string]string
}

// Name is the key as one word.
func (i Item) Name() string { return ItemName(i.Key...) }

// ItemName is the name of the item with that key.
func ItemName(key ...string) string {
	b, err := json.Marshal(key)
	if err != nil {
		panic("store: " + err.Error()) // texts always encode
	}
	return string(b)
}

// Equal reports whether two items say the same.
func (i Item) Equal(o Item) bool {
	return slices.Equal(i.Key, o.Key) && maps.Equal(i.Fields, o.Fields)
}

// State says what may be done with a database.
type State uint8

// The states.
const (
	Ready   State = iota // it is used
	Filling              // it is filled from another one, and not whole yet
	Retired              // what it held lives in another one: nothing is taken or answered any more
)

// Condition is the state of a database, and why it is in it.
type Condition struct {
	State State
	// Move names the move that the database is the target of, or was retired for; 0
	// if there was none.
	Move int64
	// Try counts who tried to end that move. Whoever has a lower one was overtaken.
	Try int64
}

// Portable is offered by stores whose contents can be carried to another store.
type Portable interface {
	// Items reads up to limit items of a shelf, in an order of the store's own,
	// behind a place: "" is the beginning. next is the place behind them, "" at the
	// end.
	Items(ctx context.Context, shelf Shelf, place string, limit int) (items []Item, next string, err error)

	// Pick gives those items of a shelf that have one of the keys, in no order.
	Pick(ctx context.Context, shelf Shelf, keys [][]string) ([]Item, error)

	// Put writes items as they are, over whatever is there. One that is unique by
	// more than its key drives out who is in its way.
	Put(ctx context.Context, shelf Shelf, items []Item) error

	// Drop takes items away; what is absent is no error.
	Drop(ctx context.Context, shelf Shelf, keys [][]string) error

	// Condition reads the condition.
	Condition(ctx context.Context) (Condition, error)

	// SetCondition changes the condition from one to another, durably; ErrStale, and
	// nothing is changed, if it is not that one. Of many who change it from the same
	// one, one wins.
	//
	// A commit that was folded, or behind which Look gave a head, by whatever process,
	// was in the log before Retired was set. From then on Look, Head, HeadsFor of heads
	// that exist, Epochs, Fold with the zero Head, and Append are refused with a fault
	// of kind Transient, "database_moved". A store may refuse more, but not the methods
	// of Portable.
	SetCondition(ctx context.Context, from, to Condition) error
}

// Moved is the answer of a retired store to whoever wants to use it.
func Moved() error {
	return &fault.Error{Kind: fault.Transient, Code: "database_moved", Text: "the database has moved to another store", After: movedAfter}
}

// movedAfter is when a phone should ask again that came while its database moved.
const movedAfter = 30 * time.Second
