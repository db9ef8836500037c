package auth

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// Limit allows Max events in any stretch of length Window.
type Limit struct {
	Max    int
	Window time.Duration
}

// grains is into how many parts a window is cut at most: marks closer together
// than that are kept as one, at the later instant, so that a limit is never
// exceeded and a tally stays small.
const grains = 60

// wait is how long t must wait before one more event keeps every limit; 0
// means not at all. A limit with Max 0 never allows anything.
func wait(t store.Tally, limits []Limit, now time.Time) time.Duration {
	longest := max(0, t.Locked.Sub(now))
	for _, l := range limits {
		longest = max(longest, waitOne(t.Marks, l, now))
	}
	return longest
}

func waitOne(marks []store.Mark, l Limit, now time.Time) time.Duration {
	if l.Max <= 0 {
		return l.Window
	}
	room := l.Max
	for i := len(marks) - 1; i >= 0; i-- {
		free := marks[i].At.Add(l.Window).Sub(now)
		if free <= 0 {
			return 0
		}
		if room -= marks[i].N; room <= 0 {
			return free
		}
	}
	return 0
}

// mark notes one event at now and forgets what no limit looks at any more.
func mark(t *store.Tally, limits []Limit, now time.Time) {
	longest, grain := scale(limits)
	for len(t.Marks) > 0 && !t.Marks[0].At.Add(longest).After(now) {
		t.Marks = t.Marks[1:]
	}
	t.Expires = now.Add(longest)
	if t.Locked.After(t.Expires) {
		t.Expires = t.Locked
	}
	if n := len(t.Marks); n > 0 {
		last := &t.Marks[n-1]
		if last.At.After(now) { // the clock went back
			now = last.At
		}
		if grain > 0 && !last.At.Before(now.Truncate(grain)) {
			last.At, last.N = now, last.N+1
			return
		}
	}
	t.Marks = append(t.Marks, store.Mark{At: now, N: 1})
}

// scale is the longest window, and the grain of the marks: none while the
// limits are so low that every mark may be kept.
func scale(limits []Limit) (longest, grain time.Duration) {
	many, shortest := false, time.Duration(0)
	for i, l := range limits {
		many = many || l.Max > grains
		longest = max(longest, l.Window)
		if i == 0 || l.Window < shortest {
			shortest = l.Window
		}
	}
	if many {
		grain = shortest / grains
	}
	return longest, grain
}

// unmark takes the newest event back.
func unmark(t *store.Tally) {
	n := len(t.Marks)
	if n == 0 {
		return
	}
	if t.Marks[n-1].N--; t.Marks[n-1].N <= 0 {
		t.Marks = t.Marks[:n-1]
	}
}

// take uses one event of the budget called key. It gives how long to wait if
// the budget is used up; then nothing was taken.
func (s *Service) take(ctx context.Context, key string, limits []Limit) (time.Duration, error) {
	var after time.Duration
	err := s.tally(ctx, key, func(t *store.Tally) bool {
		now := s.Clock.Now()
		if after = wait(*t, limits, now); after > 0 {
			return false
		}
		mark(t, limits, now)
		return true
	})
	return after, err
}

// tally changes the tally called key by edit, which may be called again when
// somebody else was faster; false leaves the tally as it is.
func (s *Service) tally(ctx context.Context, key string, edit func(*store.Tally) bool) error {
	for range rounds {
		t, err := s.Store.Tally(ctx, key)
		absent := errors.Is(err, store.ErrAbsent)
		if err != nil && !absent {
			return err
		}
		t.Key = key
		if !edit(&t) {
			return nil
		}
		if absent {
			err = s.Store.InsertTally(ctx, t)
		} else {
			err = s.Store.ReplaceTally(ctx, t)
		}
		if !errors.Is(err, store.ErrTaken) && !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return contended("tally")
}

// takeSource charges a request for a code to where it comes from.
//
// Errors: TooMany "rate_limited".
func (s *Service) takeSource(ctx context.Context, ip netip.Addr, install string) error {
	sources := []struct {
		key    string
		limits []Limit
	}{{"", s.Limits.PerAddress}, {"", s.Limits.PerNet}, {"", s.Limits.PerInstall}}
	if ip.IsValid() {
		sources[0].key, sources[1].key = "ip/"+address(ip), "net/"+network(ip)
	}
	if install != "" {
		sources[2].key = "install/" + install
	}
	for _, src := range sources {
		if src.key == "" {
			continue
		}
		switch after, err := s.take(ctx, src.key, src.limits); {
		case err != nil:
			return err
		case after > 0:
			return tooMany("rate_limited", after)
		}
	}
	return nil
}

// address is one customer: an IPv4 address, or an IPv6 /64.
func address(ip netip.Addr) string {
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	return cut(ip, 64)
}

// network is the neighbourhood of an address.
func network(ip netip.Addr) string {
	if ip = ip.Unmap(); ip.Is4() {
		return cut(ip, 24)
	}
	return cut(ip, 48)
}

func cut(ip netip.Addr, bits int) string {
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return ip.String()
	}
	return p.String()
}
