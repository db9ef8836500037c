package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
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
// who is at work from then on; else it says how long to wait. What cannot go now holds up
// nothing: where somebody is at its address it is put off, and while its provider is left alone or
// has no hand free it is not looked at, and stays as it is.
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
		due, err := s.Store.DueDeliveries(ctx, lane, append(s.gate.closed(now), s.crew.full(lane, s.handsEach())...), now, free)
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

// handsEach is how many hands a provider has.
func (s *Service) handsEach() int {
	if len(s.Senders) > 1 || s.Letters != nil {
		return max(1, s.Limits.Workers*3/4)
	}
	return s.Limits.Workers
}

// ready takes a hand for each of the deliveries that can go now, and puts those off at whose
// address somebody is: so many. What found its provider shut or without a hand stays as it is.
func (s *Service) ready(ctx context.Context, lane string, due []store.Delivery, now time.Time) (out []store.Delivery, off int, err error) {
	for _, d := range due {
		if s.gate.shut(d.Provider, now) {
			continue
		}
		ok, attended := s.crew.begin(lane, d.Provider, d.Address, s.handsEach())
		if ok {
			out = append(out, d)
			continue
		}
		if s.gate.spare(d.Provider); !attended || d.State == store.DeliverySending { // whoever is at it may have it
			continue
		}
		d.Next = now.Add(time.Second + jitter(d.ID, 2*time.Second))
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
