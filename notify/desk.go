package notify

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Figures are how the sending stands.
type Figures struct {
	Lanes     map[string]store.Backlog
	States    map[store.DeliveryState]int   // of those that are open or dead
	Addresses map[string]store.AddressCount // by provider
	Made      Effort                        // of this process, as the two that follow
	Arrived   map[string]Arrival            // by lane
	Noted     Receipts
}

// Figures reads how the sending stands now.
func (s *Service) Figures(ctx context.Context) (Figures, error) {
	f := Figures{Lanes: map[string]store.Backlog{}, Addresses: map[string]store.AddressCount{}, Made: s.made.figures(), Arrived: s.made.arrivals()}
	if s.Noted != nil {
		f.Noted = s.Noted()
	}
	var err error
	if f.States, err = s.Store.CountDeliveries(ctx, Waiting()...); err != nil {
		return f, err
	}
	for _, lane := range Lanes() {
		b, err := s.Store.Backlog(ctx, lane)
		if err != nil {
			return f, err
		}
		f.Lanes[lane] = b
	}
	for _, p := range s.Providers() {
		n, err := s.Store.CountAddresses(ctx, p, s.Clock.Now().Add(-s.Limits.Stale))
		if err != nil {
			return f, err
		}
		f.Addresses[p] = n
	}
	return f, nil
}

// Waiting are the states of what is still to be sent, or waits for an admin.
func Waiting() []store.DeliveryState {
	return append(slices.DeleteFunc(store.DeliveryStates(), func(s store.DeliveryState) bool { return !s.Open() }), store.DeliveryDead)
}

// Providers are those to which pushes are sent, by name.
func (s *Service) Providers() []string { return slices.Sorted(maps.Keys(s.Senders)) }

// Subscribable is a sender whose addresses an app asks for with a key.
type Subscribable interface{ PublicKey() string }

// Keys are the public keys with which apps subscribe, of the providers that want one.
func (s *Service) Keys() map[string]string {
	out := map[string]string{}
	for name, sender := range s.Senders {
		if k, ok := sender.(Subscribable); ok {
			out[name] = k.PublicKey()
		}
	}
	return out
}

// Deliveries gives a page of the deliveries of a state, behind an id.
func (s *Service) Deliveries(ctx context.Context, state store.DeliveryState, after string, limit int) ([]store.Delivery, error) {
	return s.Store.DeliveriesAfter(ctx, state, after, limit)
}

// replayLife is how long a push that is sent again is worth something.
const replayLife = 24 * time.Hour

// Replay has a dead delivery sent again, with as many attempts as at first. What it is about
// may be over by then; the check at the moment of sending says so.
//
// Errors: NotFound; Conflict "push_not_dead".
func (s *Service) Replay(ctx context.Context, delivery string) (store.Delivery, error) {
	for {
		d, err := s.Store.Delivery(ctx, delivery)
		switch {
		case errors.Is(err, store.ErrAbsent):
			return d, &fault.Error{Kind: fault.NotFound, Code: "not_found", Text: "no such delivery"}
		case err != nil:
			return d, err
		case d.State != store.DeliveryDead:
			return d, &fault.Error{Kind: fault.Conflict, Code: "push_not_dead", Text: "only a dead push is sent again"}
		}
		now := s.Clock.Now()
		d.State, d.Due, d.Next, d.Expires, d.Attempts, d.Alone, d.Tried, d.Done, d.Keep = store.DeliveryPending, now, now, now.Add(replayLife), 0, 0, time.Time{}, time.Time{}, time.Time{}
		err = s.Store.ReplaceDelivery(ctx, d)
		if errors.Is(err, store.ErrStale) {
			continue
		}
		d.Rev++
		s.wake.up()
		return d, err
	}
}

// Checked is what a provider says of itself.
type Checked struct {
	Provider string
	Code     string // why it would not take a push; "" if it would
}

// Check asks the providers of a person's phones whether they would take a push to them, and
// sends none.
func (s *Service) Check(ctx context.Context, user string) ([]Checked, error) {
	all, err := s.Store.AddressesOf(ctx, user)
	if err != nil {
		return nil, err
	}
	out := []Checked{}
	for _, a := range all {
		sender := s.Senders[a.Provider]
		if sender == nil {
			out = append(out, Checked{a.Provider, "provider_unknown"})
			continue
		}
		bound, cancel := context.WithTimeout(ctx, s.Limits.Timeout)
		err := sender.Check(bound, a)
		cancel()
		c := Checked{Provider: a.Provider}
		if f, is := errors.AsType[*Failure](err); is {
			c.Code = f.Code
		} else if err != nil {
			c.Code = "timeout"
		}
		out = append(out, c)
	}
	return out, nil
}

// Outcomes counts the pushes of an announcement by state.
func (s *Service) Outcomes(ctx context.Context, announcement string) (map[store.DeliveryState]int, error) {
	return s.Store.Outcomes(ctx, "announcement/"+announcement)
}
