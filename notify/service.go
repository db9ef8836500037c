package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Inbox is what the service asks about people. programme.Service knows it.
type Inbox interface {
	// Ringing gives those of some items of a user's inbox that still want to ring: they are
	// there, unread and not taken back, and what they are about is still so. Also how the
	// person wants to be told.
	Ringing(ctx context.Context, user string, items []string) (Recipient, []merge.Row, error)
}

// Tally counts what becomes of attempts, for whoever runs the server.
type Tally interface {
	// Pushed counts an attempt: with which provider, of which type, how it ended ("sent" or
	// the code of a failure), and how long the provider took.
	Pushed(provider, kind, code string, took time.Duration)
	// Arrived counts a push that a provider took: of which lane, and how long behind the time
	// at which it was due.
	Arrived(lane string, waited time.Duration)
}

// Limits bound the sending of one process.
type Limits struct {
	PerSecond int           // pushes, once warm
	Ramp      time.Duration // from nothing to PerSecond, after a rest
	Workers   int           // attempts at once
	Timeout   time.Duration // of an attempt
	Lease     time.Duration // longer than an attempt takes
	Attempts  int           // of a delivery that alone is to blame, or its address, before it is dead
	FirstWait time.Duration // before the second attempt; doubles
	LastWait  time.Duration // at most
	Stale     time.Duration // no push to an address that its app has not named for so long
	Forget    time.Duration // and then it is dropped
	Keep      time.Duration // how long a closed delivery is kept
	PerUser   int           // addresses of a person
}

// DefaultLimits are those of a server in production.
func DefaultLimits() Limits {
	const day = 24 * time.Hour
	return Limits{PerSecond: 100, Ramp: time.Minute, Workers: 32, Timeout: 15 * time.Second, Lease: time.Minute, Attempts: 12, FirstWait: time.Second, LastWait: 10 * time.Minute,
		Stale: 60 * day, Forget: 270 * day, Keep: 30 * day, PerUser: 5}
}

// Service plans pushes and sends them. Fill the fields and use it; it is safe for
// concurrent use.
type Service struct {
	Store    store.Pushes
	Counters store.Counters // what several processes share of the rate; nil: this one sends alone
	Inbox    Inbox
	Senders  map[string]Sender // by provider
	Clock    clock.Clock
	Rand     io.Reader
	Log      *slog.Logger
	Tally    Tally           // may be nil
	Noted    func() Receipts // what phones have noted about announcements; nil: nobody counts
	Limits   Limits
	// Still, if set, refuses who is not logged in on a device any more (Unauthorized). An address that was
	// named meanwhile goes, and one whose session ran out since rings for results and security alone.
	Still   func(ctx context.Context, user, device string) error
	Letters *Letters // for people whose phones cannot be rung; nil: they find it in their inbox

	made effort
	pace pace
	crew crew
	gate gates
	wake waker
}

// Ring plans the pushes of an item: one to each address of its owner, unless they want
// none. Who has no address, or wants no pushes, is written to if they want that (Letters).
// Done again it changes nothing.
func (s *Service) Ring(ctx context.Context, user, item string) error {
	all, err := s.live(ctx, user)
	if err != nil || len(all) == 0 && s.Letters == nil {
		return err
	}
	r, items, err := s.Inbox.Ringing(ctx, user, []string{item})
	if err != nil || len(items) == 0 {
		return err
	}
	t, ok := domain.NoticeTypeOf(items[0].Text("type"))
	if !ok {
		return nil
	}
	all = slices.DeleteFunc(all, func(a store.Address) bool { return isAbout(items[0], a) })
	if len(all) == 0 || !r.rings(t.Class) {
		return s.write(ctx, user, r, t, items[0])
	}
	rung := writtenAt(items[0], s.Clock.Now())
	p := plan{notice: t, gather: gathers(t, r.digests(), items[0], rung), other: gathers(t, !r.digests(), items[0], rung), item: items[0], who: r, rung: rung}
	for _, p.to = range all {
		if err := s.enqueue(ctx, p); err != nil {
			return err
		}
	}
	s.wake.up()
	return nil
}

// otherwise plans again how somebody hears of an item, because they do not want a delivery of it any more as it was
// planned. What the delivery has told them already, or may have, is not told again in another way, nor written if it
// rang on another phone.
func (s *Service) otherwise(ctx context.Context, d store.Delivery, r Recipient, item merge.Row) error {
	told := d.Ambiguous
	if !told && !s.writes(d.Provider) {
		var err error
		if told, err = s.rang(ctx, d.User, r, item); err != nil {
			return err
		}
	}
	if told {
		return nil
	}
	return s.Ring(ctx, d.User, item.ID)
}

// rang reports whether a push about an item went to one of its user's phones, or may have. One that took the item along and went
// without it counts too: whoever left it out has planned what is told instead.
func (s *Service) rang(ctx context.Context, user string, r Recipient, item merge.Row) (bool, error) {
	t, ok := domain.NoticeTypeOf(item.Text("type"))
	all, err := s.Store.AddressesOf(ctx, user)
	if err != nil || !ok {
		return false, err
	}
	rung := writtenAt(item, s.Clock.Now())
	p := plan{notice: t, item: item, who: r, rung: rung}
	ways := slices.Compact([]gathering{gathers(t, false, item, rung), gathers(t, true, item, rung)})
	for _, p.to = range all {
		for _, p.gather = range ways {
			there, err := s.planned(ctx, p)
			if err != nil || there.State == store.DeliverySent || there.Ambiguous {
				return err == nil, err
			}
		}
	}
	return false, nil
}

// isAbout reports whether an item is about the very device of an address, which is not rung.
func isAbout(item merge.Row, to store.Address) bool {
	return to.Device != "" && to.Device == domain.Unasked(item)
}

// live are the addresses of somebody that are in use, and of providers that are set up.
func (s *Service) live(ctx context.Context, user string) ([]store.Address, error) {
	all, err := s.Store.AddressesOf(ctx, user)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	return slices.DeleteFunc(all, func(a store.Address) bool { return s.Senders[a.Provider] == nil || now.Sub(a.Seen) > s.Limits.Stale }), nil
}

// writtenAt is when an item was written, and never later than now.
func writtenAt(item merge.Row, now time.Time) time.Time {
	at, err := merge.ParseInstant(item.Text("received_at"))
	if err != nil || at.Time().After(now) {
		return now
	}
	return at.Time()
}

// enqueue plans a push, alone or with others of its key, unless it was planned the other way before its
// person chose about digests.
func (s *Service) enqueue(ctx context.Context, p plan) error {
	if p.other.key != p.gather.key {
		before := p
		before.gather = p.other
		if there, err := s.planned(ctx, before); err != nil || there.ID != "" {
			return err
		}
	}
	if p.gather.key == "" {
		err := s.Store.InsertDelivery(ctx, p.alone())
		if errors.Is(err, store.ErrTaken) {
			return nil
		}
		return err
	}
	if there, err := s.planned(ctx, p); err != nil || there.ID != "" {
		return err
	}
	due, _ := p.meant()
	slot := p.gather.slot(due)
	before, joined, err := s.join(ctx, p.slotID(slot-1), p)
	if err != nil || joined || p.told(before) {
		return err
	}
	if next := p.behind(before); before.ID != "" && next.After(due) {
		due = next
		slot = max(slot, p.gather.slot(due))
	}
	for range mostSlots {
		err := s.Store.InsertDelivery(ctx, p.delivery(p.slotID(slot), due))
		if !errors.Is(err, store.ErrTaken) {
			return err
		}
		there, joined, err := s.join(ctx, p.slotID(slot), p)
		switch {
		case err != nil || joined || p.told(there):
			return err
		case there.ID != "": // else it was swept in between
			due = p.behind(there)
			slot = max(slot+1, p.gather.slot(due))
		}
	}
	return fmt.Errorf("plan a push of item %s: no window takes it", p.item.ID)
}

// planned gives the push in which an item is already, in the way of its plan; the zero one if there is none.
func (s *Service) planned(ctx context.Context, p plan) (store.Delivery, error) {
	if p.gather.key != "" {
		_, slots := p.meant()
		return s.lies(ctx, p, slots)
	}
	d, err := s.Store.Delivery(ctx, p.aloneID())
	if errors.Is(err, store.ErrAbsent) {
		return store.Delivery{}, nil
	}
	return d, err
}

// lies gives the push of its key in which an item is already: that of one of some slots, or one
// behind them. There lies what was planned while the push before was under way; that one may wait
// again by now, to be tried once more or for the morning, and would take it a second time.
func (s *Service) lies(ctx context.Context, p plan, slots []int64) (store.Delivery, error) {
	for n := 0; n < len(slots) && n < mostSlots; n++ {
		d, err := s.Store.Delivery(ctx, p.slotID(slots[n]))
		switch {
		case errors.Is(err, store.ErrAbsent):
			continue
		case err != nil:
			return store.Delivery{}, err
		case slices.Contains(d.Items, p.item.ID):
			return d, nil
		}
		for _, next := range append(p.following(slots[n]), p.gather.slot(p.behind(d))) {
			if next > slots[n] && !slices.Contains(slots, next) {
				slots = append(slots, next)
			}
		}
	}
	return store.Delivery{}, nil
}

// mostSlots bounds how many pushes of a key are looked through for one that waits.
const mostSlots = 50

// join puts an item to the others of a delivery that waits, if it is not among them. Else it
// gives the delivery: it is closed, under way, or may have rung already.
func (s *Service) join(ctx context.Context, delivery string, p plan) (there store.Delivery, joined bool, err error) {
	for {
		d, err := s.Store.Delivery(ctx, delivery)
		switch {
		case errors.Is(err, store.ErrAbsent):
			return store.Delivery{}, false, nil
		case err != nil:
			return d, false, err
		case slices.Contains(d.Items, p.item.ID):
			return d, true, nil
		case d.Ambiguous, d.State != store.DeliveryPending && d.State != store.DeliveryRetry:
			return d, false, nil
		}
		d.Items = append(d.Items, p.item.ID)
		if end := p.expires(d.Due); end.After(d.Expires) {
			d.Expires = end
		}
		if err := s.Store.ReplaceDelivery(ctx, d); !errors.Is(err, store.ErrStale) {
			return d, err == nil, err
		}
	}
}
