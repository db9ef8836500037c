package store

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Pushes keeps the addresses under which phones are rung, and every push on its way to one.
// Its records stand alone like those of Identity: an insert, and a replace at a revision.
type Pushes interface {
	// InsertAddress answers ErrTaken if the key is taken, by whomever.
	InsertAddress(ctx context.Context, a Address) error
	// ReplaceAddress also moves an address to another user.
	ReplaceAddress(ctx context.Context, a Address) error
	Address(ctx context.Context, key string) (Address, error)
	// AddressesOf gives every address of the user, ordered by key.
	AddressesOf(ctx context.Context, user string) ([]Address, error)
	// DropAddress forgets the address if it has the revision; another revision and an
	// absent address are no errors.
	DropAddress(ctx context.Context, key string, rev int64) error
	// CountAddresses counts the addresses of a provider: all, and those that were seen at
	// or after the instant.
	CountAddresses(ctx context.Context, provider string, since time.Time) (AddressCount, error)

	// InsertDelivery answers ErrTaken if the id was ever used and is still kept.
	InsertDelivery(ctx context.Context, d Delivery) error
	ReplaceDelivery(ctx context.Context, d Delivery) error
	Delivery(ctx context.Context, id string) (Delivery, error)
	// DueDeliveries gives up to limit open deliveries of a lane whose Next is at or before
	// the instant, those with the earliest Next first, then by id. Those of some providers are
	// left out, and cost nothing however many they are.
	DueDeliveries(ctx context.Context, lane string, without []string, now time.Time, limit int) ([]Delivery, error)
	// DeliveriesAfter gives up to limit deliveries of a state whose id comes behind the one
	// given, by id.
	DeliveriesAfter(ctx context.Context, state DeliveryState, id string, limit int) ([]Delivery, error)
	// Backlog tells what is open in a lane.
	Backlog(ctx context.Context, lane string) (Backlog, error)
	// CountDeliveries counts the deliveries of all lanes by state: of the states asked for
	// those of which there is one.
	CountDeliveries(ctx context.Context, states ...DeliveryState) (map[DeliveryState]int, error)
	// Outcomes counts the deliveries of a batch by state.
	Outcomes(ctx context.Context, batch string) (map[DeliveryState]int, error)
}

// Address is where a provider of pushes reaches an installation of the app.
type Address struct {
	Key      string    `json:"key,omitzero"`      // digest of provider, kind and value: an address has one owner
	Provider string    `json:"provider,omitzero"` // fcm, webpush
	Kind     string    `json:"kind,omitzero"`     // such as token, fid or subscription
	Value    string    `json:"value,omitzero"`    // what the provider knows it by; a secret
	User     string    `json:"user,omitzero"`
	Device   string    `json:"device,omitzero"`
	Locale   string    `json:"locale,omitzero"` // of the app: id or en
	Created  time.Time `json:"created,omitzero"`
	Seen     time.Time `json:"seen,omitzero"` // when the app named it last
	Keep     time.Time `json:"keep,omitzero"` // may be swept from then on; zero: never
	Rev      int64     `json:"-"`
}

// AddressCount is how many addresses there are.
type AddressCount struct{ All, Seen int }

// DeliveryState is how far a push is.
type DeliveryState string

// The states of a delivery. The first three are open.
const (
	DeliveryPending    DeliveryState = "pending" // waits for its time
	DeliverySending    DeliveryState = "sending" // leased; Next is when the lease ends
	DeliveryRetry      DeliveryState = "retry"   // failed, and is tried again
	DeliverySent       DeliveryState = "sent"    // the provider took it
	DeliveryDead       DeliveryState = "dead"    // refused, or failed too often; an admin may send it again
	DeliveryExpired    DeliveryState = "expired" // nobody needs it any more
	DeliverySuppressed DeliveryState = "suppressed"
)

// DeliveryStates are all states, open ones first.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryPending, DeliverySending, DeliveryRetry, DeliverySent, DeliveryDead, DeliveryExpired, DeliverySuppressed}
}

// Open reports whether a delivery of the state is still to be sent.
func (s DeliveryState) Open() bool {
	return s == DeliveryPending || s == DeliverySending || s == DeliveryRetry
}

// Delivery is one push to one address, about one item of an inbox or several.
type Delivery struct {
	ID        string        `json:"id,omitzero"`
	Type      string        `json:"type,omitzero"`  // of the notice; of several types that of the digest
	Batch     string        `json:"batch,omitzero"` // what many share, such as an announcement; may be empty
	Items     []string      `json:"items,omitzero"` // of the inbox; none for a hint that there is something new
	User      string        `json:"user,omitzero"`
	Address   string        `json:"address,omitzero"` // key of the one that it was planned for, or that was tried last
	Device    string        `json:"device,omitzero"`  // of the address: where its app names another one, the push follows; "" if it has none
	Provider  string        `json:"provider,omitzero"`
	Lane      string        `json:"lane,omitzero"`
	State     DeliveryState `json:"state,omitzero"`
	Due       time.Time     `json:"due,omitzero"`     // when it should go, whatever came of attempts
	Next      time.Time     `json:"next,omitzero"`    // not before; of a leased one the end of the lease
	Expires   time.Time     `json:"expires,omitzero"` // worthless from then on
	Attempts  int           `json:"attempts,omitzero"`
	Alone     int           `json:"alone,omitzero"`     // attempts in a row that failed while the provider took those to others
	Tried     time.Time     `json:"tried,omitzero"`     // when an attempt failed last
	Code      string        `json:"code,omitzero"`      // of the last failure, or why it was suppressed
	Ambiguous bool          `json:"ambiguous,omitzero"` // an attempt may have reached the phone although it failed
	Created   time.Time     `json:"created,omitzero"`
	Done      time.Time     `json:"done,omitzero"` // when it was closed
	Keep      time.Time     `json:"keep,omitzero"` // may be swept from then on; zero while it is open
	Rev       int64         `json:"-"`
}

// DueByProvider is DueDeliveries for a store that finds deliveries by provider: behind gives
// the first provider at or behind a name of which something is open, "" and false for none, and
// due up to limit deliveries of one in their order.
func DueByProvider(without []string, limit int, behind func(name string) (string, bool, error), due func(provider string) ([]Delivery, error)) ([]Delivery, error) {
	var out []Delivery
	if limit <= 0 {
		return nil, nil
	}
	for name := ""; ; {
		provider, ok, err := behind(name)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if name = provider + "\x00"; slices.Contains(without, provider) {
			continue
		}
		some, err := due(provider)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.SortFunc(out, func(a, b Delivery) int { return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.ID, b.ID)) })
	return out[:min(len(out), limit)], nil
}

// Backlog is what is open in a lane.
type Backlog struct {
	Open   int
	Oldest time.Time // earliest Due; zero if nothing is open
}
