package notify

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Waits of a dispatcher that finds nothing to do: for something to become due, and for the
// rate.
const (
	lookEvery = time.Second
	paceEvery = 50 * time.Millisecond
)

// Run sends what is due until ctx ends. Several processes may do so on one database. A
// provider that is slow holds up those who are at it, and nobody else.
func (s *Service) Run(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	for {
		some, wait, err := s.claim(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "pushes", slog.Any("error", err))
		}
		for _, d := range some {
			under.Go(func() {
				if err := s.attempt(ctx, d); err != nil && ctx.Err() == nil {
					s.Log.LogAttrs(ctx, slog.LevelWarn, "push", slog.String("delivery", d.ID), slog.Any("error", err))
				}
				s.crew.end(d.Lane, d.Provider, d.Address)
				s.wake.up()
			})
		}
		if len(some) > 0 {
			continue
		}
		pause := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-s.wake.ch():
			pause.Stop()
		case <-pause.C:
		}
	}
}

// Round sends what is due and may be sent now, and reports how many deliveries it closed
// or tried. Whatever comes into an earlier lane meanwhile goes first.
func (s *Service) Round(ctx context.Context) (n int, err error) {
	for ctx.Err() == nil {
		some, wait, err := s.claim(ctx)
		if err != nil || len(some) == 0 && wait > 0 {
			return n, err
		}
		n += len(some)
		if err := s.sendAll(ctx, some); err != nil {
			return n, err
		}
	}
	return n, ctx.Err()
}

// claim leases deliveries of the first lane in which something is due and somebody is free,
// who is at work from then on; else it says how long to wait. What cannot go now, because its
// provider is left alone or somebody is at its address, is put off and holds up nothing.
func (s *Service) claim(ctx context.Context) (got []store.Delivery, wait time.Duration, err error) {
	now := s.Clock.Now()
	defer func() {
		if err != nil { // nobody will see to them
			for _, d := range got {
				s.crew.end(d.Lane, d.Provider, d.Address)
			}
			got = nil
		}
	}()
	wait = lookEvery
	for _, lane := range Lanes() {
		free := s.crew.free(lane, s.Limits.Workers)
		if free == 0 {
			continue
		}
		due, err := s.Store.DueDeliveries(ctx, lane, now, free)
		if err != nil {
			return nil, lookEvery, fmt.Errorf("read due deliveries: %w", err)
		}
		ready, off, err := s.ready(ctx, lane, due, now)
		if err != nil {
			return nil, lookEvery, err
		}
		if off == free { // there may be more behind them
			wait = 0
		}
		if len(ready) == 0 {
			continue
		}
		may := s.pace.take(now, s.Limits, len(ready))
		if may > 0 {
			took := may
			if may, err = s.shared(ctx, now, may); err != nil {
				return s.drop(ready), lookEvery, err
			}
			s.pace.back(took - may)
		}
		s.drop(ready[may:])
		if may == 0 {
			return nil, paceEvery, nil
		}
		for i, d := range ready[:may] {
			d, ok, err := s.lease(ctx, d, now)
			if err != nil {
				s.drop(ready[i:may])
				return got, lookEvery, err
			}
			if !ok {
				s.drop(ready[i : i+1])
				continue
			}
			got = append(got, d)
		}
		if unused := may - len(got); unused > 0 {
			s.pace.back(unused)
			if err := s.unshare(ctx, now, unused); err != nil {
				return got, lookEvery, err
			}
		}
		if len(got) > 0 {
			return got, 0, nil
		}
	}
	return nil, wait, nil
}

// ready takes a hand for each of the deliveries that can go now, and puts the others off: so
// many.
func (s *Service) ready(ctx context.Context, lane string, due []store.Delivery, now time.Time) (out []store.Delivery, off int, err error) {
	most := s.Limits.Workers
	if len(s.Senders) > 1 || s.Letters != nil {
		most = max(1, most*3/4)
	}
	for _, d := range due {
		until := s.gate.shut(d.Provider, now)
		if until.IsZero() {
			if s.crew.begin(lane, d.Provider, d.Address, most) {
				out = append(out, d)
				continue
			}
			if s.gate.spare(d.Provider); d.State == store.DeliverySending { // whoever is at it may have it
				continue
			}
			d.Next = now.Add(time.Second + jitter(d.ID, 2*time.Second))
		} else {
			d.Next = until.Add(jitter(d.ID, 10*time.Second))
		}
		if err := unlessStale(s.Store.ReplaceDelivery(ctx, d)); err != nil {
			s.drop(out)
			return nil, off, err
		}
		off++
	}
	return out, off, nil
}

// drop gives back the hands of deliveries that nobody attempts after all.
func (s *Service) drop(some []store.Delivery) (none []store.Delivery) {
	for _, d := range some {
		s.gate.spare(d.Provider)
		s.crew.end(d.Lane, d.Provider, d.Address)
	}
	return nil
}

// shared takes pushes out of the rate of this second that all processes share.
func (s *Service) shared(ctx context.Context, now time.Time, want int) (int, error) {
	if s.Counters == nil {
		return want, nil
	}
	key := fmt.Sprintf("pushes/%d", now.Unix())
	if err := s.Counters.Add(ctx, key, int64(want), now.Add(time.Minute)); err != nil {
		return 0, fmt.Errorf("count pushes: %w", err)
	}
	total, err := s.Counters.Totals(ctx, []string{key})
	if err != nil {
		return 0, fmt.Errorf("count pushes: %w", err)
	}
	may := max(0, min(want, s.Limits.PerSecond-int(total[0])+want))
	return may, s.unshare(ctx, now, want-may)
}

// unshare gives back what was taken out of the rate of a second and is not used.
func (s *Service) unshare(ctx context.Context, now time.Time, n int) error {
	if s.Counters == nil || n == 0 {
		return nil
	}
	if err := s.Counters.Add(ctx, fmt.Sprintf("pushes/%d", now.Unix()), int64(-n), now.Add(time.Minute)); err != nil {
		return fmt.Errorf("count pushes: %w", err)
	}
	return nil
}

// lease takes a delivery for the time of an attempt. Another process may have been faster.
func (s *Service) lease(ctx context.Context, d store.Delivery, now time.Time) (_ store.Delivery, ok bool, err error) {
	if d.State == store.DeliverySending { // whoever had it died, or takes too long: it may have been sent
		d.Ambiguous = true
	}
	d.State, d.Next, d.Attempts = store.DeliverySending, now.Add(s.Limits.Lease), d.Attempts+1
	if err := s.Store.ReplaceDelivery(ctx, d); err != nil {
		return d, false, unlessStale(err)
	}
	d.Rev++
	return d, true, nil
}

func unlessStale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}

// sendAll makes an attempt for each delivery. The first error of the store is given back;
// what it left behind is found again behind its lease.
func (s *Service) sendAll(ctx context.Context, some []store.Delivery) error {
	errs := make([]error, len(some))
	var all sync.WaitGroup
	for i, d := range some {
		all.Go(func() {
			defer s.crew.end(d.Lane, d.Provider, d.Address)
			errs[i] = s.attempt(ctx, d)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// attempt sends one delivery, if it still should be.
func (s *Service) attempt(ctx context.Context, d store.Delivery) error {
	now, made := s.Clock.Now(), false
	defer func() {
		if !made {
			s.gate.spare(d.Provider)
		}
	}()
	to, err := s.addressOf(ctx, d)
	d.Address = cmp.Or(to.Key, d.Address)
	switch {
	case errors.Is(err, store.ErrAbsent):
		return s.unreached(ctx, d, "address_gone")
	case err != nil:
		return err
	case to.User != d.User:
		return s.unreached(ctx, d, "address_moved")
	case !now.Before(d.Expires):
		return s.close(ctx, d, store.DeliveryExpired, "expired")
	case s.sender(d.Provider) == nil:
		return s.close(ctx, d, store.DeliveryDead, "provider_unknown")
	case d.Lane == LaneHint: // it shows nothing, at whatever hour
		made = true
		return s.settle(ctx, d, to, s.try(ctx, d, to, hintOf(d, now)))
	}
	r, items, err := s.Inbox.Ringing(ctx, d.User, d.Items)
	if err != nil {
		return err
	}
	items = slices.DeleteFunc(items, func(i merge.Row) bool { return !s.wanted(r, i.Text("class"), d.Provider) || isAbout(i, to) })
	if len(items) == 0 {
		return s.close(ctx, d, store.DeliverySuppressed, "no_longer")
	}
	if civil := r.civil(now, quietOf(items), d.ID); civil.After(now) { // it was late, or people changed their hours
		d.State, d.Due, d.Next, d.Expires, d.Attempts = store.DeliveryPending, civil, civil, longer(d.Expires, civil, items), d.Attempts-1
		return unlessStale(s.Store.ReplaceDelivery(ctx, d))
	}
	made = true
	return s.settle(ctx, d, to, s.try(ctx, d, to, pushOf(d, items, message.Pick(to.Locale), r.Zone, now)))
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
		s.gate.learn(d.Provider, now, f)
	}
	return f
}

// settle writes down how an attempt ended.
func (s *Service) settle(ctx context.Context, d store.Delivery, to store.Address, f *Failure) error {
	ctx = context.WithoutCancel(ctx) // what was sent is sent, also where the server stops
	if f == nil {
		return s.close(ctx, d, store.DeliverySent, "")
	}
	now := s.Clock.Now()
	d.Code, d.Ambiguous = f.Code, d.Ambiguous || f.Ambiguous
	switch {
	case f.Class == Gone:
		return s.gone(ctx, d, to, f.Code)
	case f.Code == codeCap: // an admin may send it again, on another day or with another bound
		return s.close(ctx, d, store.DeliveryDead, f.Code)
	case f.Class == Refused:
		s.Log.LogAttrs(ctx, slog.LevelError, "a push was refused", slog.String("delivery", d.ID), slog.String("type", d.Type), slog.String("code", f.Code))
		return s.close(ctx, d, store.DeliveryDead, f.Code)
	case f.Ambiguous && d.Lane == LaneHint: // the next sync says as much
		return s.close(ctx, d, store.DeliverySent, f.Code)
	case f.Local && d.Attempts >= s.Limits.Attempts: // of others it is tried as long as it is worth it
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

// unreached closes a delivery whose address is there no more.
func (s *Service) unreached(ctx context.Context, d store.Delivery, code string) error {
	if err := s.writeInstead(ctx, d); err != nil {
		return err
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
