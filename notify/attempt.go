package notify

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// attempt sends one delivery, if it still should be, and could be within its lease: what is asked before
// may take what the sending leaves of that, and behind it the delivery is left to whoever leases it next. One for which
// that fails is put back: its phone has certainly not got it.
func (s *Service) attempt(ctx context.Context, d store.Delivery) (err error) {
	now, leased, made, late := s.Clock.Now(), d, false, false
	reading, cancel := context.WithTimeout(ctx, s.Limits.Lease-s.Limits.Timeout)
	defer cancel()
	defer func() {
		if !made {
			s.gate.spare(d.Provider)
			if err != nil || late {
				err = errors.Join(err, s.putBack(ctx, leased))
			}
		}
	}()
	to, err := s.addressOf(reading, d)
	d.Address = cmp.Or(to.Key, d.Address)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return s.unreached(ctx, d, "address_gone")
	case err != nil:
		return err
	case to.User != d.User:
		return s.unreached(ctx, d, "address_moved")
	case !now.Before(d.Expires) && d.Tried.IsZero() && !d.Ambiguous && !d.Expires.After(d.Due): // it never could ring: no failure
		return s.close(ctx, d, store.DeliverySuppressed, "over_before_due")
	case !now.Before(d.Expires):
		return s.close(ctx, d, store.DeliveryExpired, "expired")
	case s.sender(d.Provider) == nil: // an admin may send it again, once it is set up
		if err := s.writeInstead(reading, d); err != nil {
			return err
		}
		return s.close(ctx, d, store.DeliveryDead, "provider_unknown")
	case d.Lane == LaneHint: // it shows nothing, at whatever hour
		out, err := s.loggedOut(reading, to)
		switch {
		case err != nil:
			return err
		case out:
			return s.close(ctx, d, store.DeliverySuppressed, "logged_out")
		}
		if made = s.inTime(d); !made {
			late = true
			return nil
		}
		return s.settle(ctx, d, to, s.try(ctx, d, to, hintOf(d, now)))
	}
	r, items, err := s.Inbox.Ringing(reading, d.User, d.Items)
	if err != nil {
		return err
	}
	items, off := part(slices.DeleteFunc(items, func(i merge.Row) bool { return isAbout(i, to) }), func(i merge.Row) bool { return s.wanted(r, i.Text("class"), d.Provider) })
	for _, i := range off { // as if they had wanted it this way when it was planned
		if err := s.otherwise(reading, d, r, i); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		return s.close(ctx, d, store.DeliverySuppressed, "no_longer")
	}
	if slices.ContainsFunc(items, usual) {
		out, err := s.loggedOut(reading, to)
		if err != nil {
			return err
		}
		if out {
			items = slices.DeleteFunc(items, usual)
		}
		if len(items) == 0 {
			return s.close(ctx, d, store.DeliverySuppressed, "logged_out")
		}
	}
	if civil := r.civil(now, quietOf(items), d.ID); civil.After(now) { // it was late, or people changed their hours
		d.State, d.Due, d.Next, d.Expires, d.Attempts = store.DeliveryPending, civil, civil, longer(d.Expires, civil, items), d.Attempts-1
		return unlessStale(s.Store.ReplaceDelivery(ctx, d))
	}
	if made = s.inTime(d); !made {
		late = true
		return nil
	}
	return s.settle(ctx, d, to, s.try(ctx, d, to, pushOf(d, items, message.Pick(to.Locale), r.Zone, now)))
}

// putBack leaves a leased delivery to whoever comes next, when the lease would have ended: what fails may fail again at once. Who
// has it by now keeps it.
func (s *Service) putBack(ctx context.Context, d store.Delivery) error {
	d.State, d.Attempts = store.DeliveryRetry, d.Attempts-1
	return unlessStale(s.Store.ReplaceDelivery(context.WithoutCancel(ctx), d))
}

// part parts items into those of which something is so and the others.
func part(items []merge.Row, so func(merge.Row) bool) (are, others []merge.Row) {
	for _, i := range items {
		if so(i) {
			are = append(are, i)
		} else {
			others = append(others, i)
		}
	}
	return are, others
}

// usual reports whether an item is neither a result nor about who gets at what, which a person hears of on
// a phone on which they have to log in again: it may be the only one that would tell them.
func usual(item merge.Row) bool {
	class := item.Text("class")
	return class != "results" && class != "security"
}

// loggedOut reports whether nobody is logged in any more on the device of an address: a session ends by
// time without a word to anybody, and the address stays.
func (s *Service) loggedOut(ctx context.Context, to store.Address) (bool, error) {
	if s.Still == nil || to.Device == "" {
		return false, nil
	}
	err := s.Still(ctx, to.User, to.Device)
	if fault.KindOf(err) == fault.Unauthorized {
		return true, nil
	}
	return false, err
}

// inTime reports whether an attempt that begins now ends before the lease of its delivery does.
func (s *Service) inTime(d store.Delivery) bool {
	return !s.Clock.Now().Add(s.Limits.Timeout).After(d.Next)
}

// try makes the attempt, and learns from it.
func (s *Service) try(ctx context.Context, d store.Delivery, to store.Address, p Push) *Failure {
	bound, cancel := context.WithTimeout(ctx, s.Limits.Timeout)
	defer cancel()
	from := s.Clock.Now()
	err := s.sender(d.Provider).Send(bound, to, p)
	now := s.Clock.Now()
	f := FailureOf(err)
	code := "sent"
	if f != nil {
		code = f.Code
	}
	s.made.count(from, now.Sub(from), f == nil)
	if s.Tally != nil {
		s.Tally.Pushed(d.Provider, d.Type, code, now.Sub(from))
	}
	if ctx.Err() == nil {
		s.gate.learn(d.Provider, d.Address, now, f)
	}
	return f
}

// settle writes down how an attempt ended.
func (s *Service) settle(ctx context.Context, d store.Delivery, to store.Address, f *Failure) error {
	ctx = context.WithoutCancel(ctx) // what was sent is sent, also where the server stops
	now := s.Clock.Now()
	if f == nil {
		s.made.arrived(d.Lane, now.Sub(d.Due))
		if s.Tally != nil {
			s.Tally.Arrived(d.Lane, now.Sub(d.Due))
		}
		return s.close(ctx, d, store.DeliverySent, "")
	}
	switch {
	case d.Tried.IsZero() || f.Class != Later:
	case s.gate.takesOthers(d.Provider, d.Address, d.Tried, now):
		d.Alone++
	case s.gate.failsOthers(d.Provider, d.Address): // a provider that takes one in ten fails anybody a few times
		d.Alone = 0
	}
	d.Code, d.Ambiguous, d.Tried = f.Code, d.Ambiguous || f.Ambiguous, now
	switch {
	case f.Class == Gone:
		return s.gone(ctx, d, to, f.Code)
	case f.Code == codeCap: // an admin may send it again, on another day or with another bound
		return s.close(ctx, d, store.DeliveryDead, f.Code)
	case f.Class == Refused:
		s.Log.LogAttrs(ctx, slog.LevelError, "a push was refused", slog.String("delivery", d.ID), slog.String("type", d.Type), slog.String("code", f.Code))
		write := s.writeAnyway
		if f.Local { // others of theirs may ring
			write = s.writeInstead
		}
		if err := write(ctx, d); err != nil {
			return err
		}
		return s.close(ctx, d, store.DeliveryDead, f.Code)
	case f.Ambiguous && d.Lane == LaneHint: // the next sync says as much
		return s.close(ctx, d, store.DeliverySent, f.Code)
	case f.Local && d.Attempts >= s.Limits.Attempts || d.Alone >= s.Limits.Attempts: // in an outage it is tried as long as it is worth it
		if err := s.writeInstead(ctx, d); err != nil {
			return err
		}
		return s.close(ctx, d, store.DeliveryDead, f.Code)
	case f.Class == SlowDown || f.Class == Broken:
		d.Next = now.Add(max(f.RetryAfter, time.Minute) + jitter(d.ID, 10*time.Second))
		if f.Local { // until somebody mends it
			d.Next = now.Add(max(f.RetryAfter, s.backoff(d.Attempts)))
		} else { // not the fault of this one
			d.Attempts--
		}
	default:
		d.Next = now.Add(max(f.RetryAfter, s.backoff(d.Attempts)))
	}
	d.State = store.DeliveryRetry
	if !d.Next.Before(d.Expires) {
		return s.close(ctx, d, store.DeliveryExpired, f.Code)
	}
	return unlessStale(s.Store.ReplaceDelivery(ctx, d))
}

// gone drops an address behind which nobody is any more, and closes its delivery, unless the
// app has named another one meanwhile: that is tried next.
func (s *Service) gone(ctx context.Context, d store.Delivery, to store.Address, code string) error {
	next, ok, err := s.successor(ctx, d)
	if err != nil {
		return err
	}
	if ok {
		if err := s.Store.DropAddress(ctx, to.Key, to.Rev); err != nil {
			return err
		}
		d.Address, d.State, d.Next = next.Key, store.DeliveryRetry, s.Clock.Now()
		return unlessStale(s.Store.ReplaceDelivery(ctx, d))
	}
	if err := s.writeInstead(ctx, d); err != nil {
		return err
	}
	if !s.writes(d.Provider) {
		if err := s.Store.DropAddress(ctx, to.Key, to.Rev); err != nil {
			return err
		}
	}
	return s.close(ctx, d, store.DeliverySuppressed, code)
}

// unreached closes a delivery whose address is there no more. Who is not to be written to any more is rung, if
// they want that by now.
func (s *Service) unreached(ctx context.Context, d store.Delivery, code string) error {
	if err := s.writeInstead(ctx, d); err != nil {
		return err
	}
	if s.writes(d.Provider) && !d.Ambiguous {
		for _, item := range d.Items {
			if err := s.Ring(ctx, d.User, item); err != nil {
				return err
			}
		}
	}
	return s.close(ctx, d, store.DeliverySuppressed, code)
}

// close ends a delivery. Whoever lost the lease in between changes nothing.
func (s *Service) close(ctx context.Context, d store.Delivery, state store.DeliveryState, code string) error {
	now := s.Clock.Now()
	d.State, d.Code, d.Done, d.Keep = state, code, now, now.Add(s.Limits.Keep)
	return unlessStale(s.Store.ReplaceDelivery(ctx, d))
}

// backoff is how long to wait behind an attempt: anything up to a bound that doubles, and
// at least the first wait.
func (s *Service) backoff(attempts int) time.Duration {
	most := s.Limits.FirstWait
	for range attempts - 1 {
		if most *= 2; most >= s.Limits.LastWait {
			most = s.Limits.LastWait
			break
		}
	}
	var b [8]byte
	if _, err := io.ReadFull(s.Rand, b[:]); err != nil {
		return most
	}
	return s.Limits.FirstWait + time.Duration(binary.BigEndian.Uint64(b[:])%uint64(most))
}
