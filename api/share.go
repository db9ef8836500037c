package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strconv"
	"time"
)

// Several processes share a budget in the background: each counts by itself, and
// what it counted of a loud name it adds to a total of the database, from which it
// learns what others counted and charges that too. Who asks little never costs the
// database anything.
//
// A name is loud once a process has let through an eighth of its budget within one
// window. So of p processes together at most (1 + p/8) times the budget get through
// in its first window, and beside the budget no more than arrives between two
// settlements afterwards.

const (
	settleEvery = 2 * time.Second
	loudShare   = 8
)

// use is what one name used in one window, as far as this process knows.
type use struct {
	window int64
	mine   int64 // let through by this process
	sent   int64 // of that, in the total of the database
	others int64 // let through by others, and charged here
	loud   bool
}

func (m *meter) window(at time.Time) int64 { return at.UnixNano() / int64(m.rate.Per) }

// heed counts n requests that were let through. Who was loud in the window before
// is so from the first one on.
func (m *meter) heed(who string, u *use, now time.Time, n int64) {
	if m.loud == nil {
		return
	}
	if w := m.window(now); w != u.window {
		*u = use{window: w, loud: u.loud && w == u.window+1}
	}
	u.mine += n
	u.loud = u.loud || u.mine*loudShare >= int64(m.rate.Max)
	if u.loud {
		m.loud[who] = struct{}{}
	}
}

// owed is what the others have not heard of yet.
type owed struct {
	who string
	n   int64 // may be 0, and below it if something was given back: then the next ones owe less
}

// debts lists the loud names of this window, and forgets those of earlier ones.
func (m *meter) debts(now time.Time) (out []owed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for who := range m.loud {
		b := m.of(who, now)
		if b.window != m.window(now) {
			delete(m.loud, who)
			continue
		}
		out = append(out, owed{who, b.mine - b.sent})
	}
	return out
}

// paid notes what the database has heard.
func (m *meter) paid(d owed, window int64) {
	m.change(d.who, window, func(b *budget) { b.sent += d.n })
}

// learn charges what others let through: the total of a window, less what this
// process added to it.
func (m *meter) learn(who string, window, total int64) {
	m.change(who, window, func(b *budget) {
		if others := total - b.sent; others > b.others {
			b.left = max(b.left-float64(others-b.others), -float64(m.rate.Max))
			b.others = others
		}
	})
}

func (m *meter) change(who string, window int64, how func(*budget)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.young[who]
	if !ok {
		b, ok = m.old[who]
	}
	if !ok || b.window != window {
		return
	}
	how(&b)
	m.young[who] = b
}

// totalKey names the total of a name in a window. Names are addresses too; nobody
// needs to read them there.
func (m *meter) totalKey(who string, window int64) string {
	sum := sha256.Sum256([]byte(who))
	return "rate/" + m.name + "/" + hex.EncodeToString(sum[:16]) + "/" + strconv.FormatInt(window, 10)
}

// Settle tells other processes what loud names used here and charges what they used
// there. Without Parts.Counters it does nothing.
func (s *Server) Settle(ctx context.Context) error {
	if s.Counters == nil {
		return nil
	}
	var errs []error
	for _, m := range s.meters() {
		errs = append(errs, s.settle(ctx, m))
	}
	return errors.Join(errs...)
}

func (s *Server) settle(ctx context.Context, m *meter) error {
	now := s.Clock.Now()
	window, debts := m.window(now), m.debts(now)
	var keys []string
	for _, d := range debts {
		key := m.totalKey(d.who, window)
		if d.n > 0 {
			if err := s.Counters.Add(ctx, key, d.n, now.Add(2*m.rate.Per)); err != nil {
				return err
			}
			m.paid(d, window)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	totals, err := s.Counters.Totals(ctx, keys)
	for n := range totals {
		m.learn(debts[n].who, window, totals[n])
	}
	return err
}

// ShareRates settles again and again until ctx ends. A database that cannot be
// reached leaves each process with what it knows.
func (s *Server) ShareRates(ctx context.Context) error {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.Settle(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "rates are not shared", slog.Any("error", err))
		}
		failing = err != nil
	}
}
