package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// TypeHint is the type of the push that shows nothing: the app has something to fetch.
const TypeHint = domain.HintID

// Bounds of hints.
const (
	mostHinted = 10_000           // people who wait to be hinted; who comes behind hears at the next sync of their app
	hintAfter  = 10 * time.Second // a change is often one of several
)

// Hints has phones told, without a card, that there is something to fetch: those of people
// who hold a scope that has changed, but for phones that are connected or wrote it
// themselves. A phone gets one in Every at the most, and none while one waits for it. It is
// told of commits by Moved, which never waits, and plans in Run or Flush. Nobody relies on a
// hint: what is left out where there is too much, or when the process dies, costs nothing but
// time. Fill the fields and use it; it is safe for concurrent use.
type Hints struct {
	Push      *Service
	Every     time.Duration            // at least between two hints to a phone
	Connected func(device string) bool // whether a phone hears of changes by itself; may be nil
	Log       *slog.Logger

	mu      sync.Mutex
	waiting map[string]map[string]bool // by user: the devices that wrote what there is
}

// Moved notes that people have something to fetch which was written on some devices.
func (h *Hints) Moved(users, devices []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[string]map[string]bool{}
	}
	for _, u := range users {
		was, there := h.waiting[u]
		switch {
		case !there && len(h.waiting) >= mostHinted:
			continue
		case !there: // of several changes a device misses those that it did not write
			was = map[string]bool{}
			for _, d := range devices {
				was[d] = true
			}
			h.waiting[u] = was
		default:
			maps.DeleteFunc(was, func(d string, _ bool) bool { return !slices.Contains(devices, d) })
		}
	}
}

// Run plans hints until ctx ends.
func (h *Hints) Run(ctx context.Context) error {
	tick := time.NewTicker(hintAfter)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := h.Flush(ctx); err != nil && ctx.Err() == nil {
			h.Log.LogAttrs(ctx, slog.LevelWarn, "hints", slog.Any("error", err))
		}
	}
}

// Flush plans the hints to everybody who waits for one. Who could not be looked at is left
// out.
func (h *Hints) Flush(ctx context.Context) error {
	h.mu.Lock()
	all := h.waiting
	h.waiting = nil
	h.mu.Unlock()
	var errs []error
	for _, user := range slices.Sorted(maps.Keys(all)) {
		if ctx.Err() != nil {
			break
		}
		if err := h.hint(ctx, user, all[user]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs[:min(len(errs), 3)], ctx.Err())...) // of many the first ones say enough
}

func (h *Hints) hint(ctx context.Context, user string, wrote map[string]bool) error {
	to, err := h.Push.live(ctx, user)
	if err != nil {
		return err
	}
	for _, a := range to {
		if wrote[a.Device] || h.Connected != nil && h.Connected(a.Device) {
			continue
		}
		if err := h.plan(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// plan plans a hint to a phone, unless one waits for it: at once, or when the last one is long
// enough ago. Their ids follow from stretches of time, so that several processes plan one.
func (h *Hints) plan(ctx context.Context, to store.Address) error {
	due := h.Push.Clock.Now()
	stretch := due.UnixNano() / int64(h.Every)
	for _, at := range []int64{stretch - 1, stretch, stretch + 1} { // the last may be one that had to wait already
		d, err := h.Push.Store.Delivery(ctx, hintID(to, at))
		switch {
		case errors.Is(err, store.ErrAbsent):
			continue
		case err != nil:
			return fmt.Errorf("read a hint before: %w", err)
		case d.State.Open():
			return nil
		}
		if next := d.Due.Add(h.Every); next.After(due) {
			due = next
		}
		stretch = max(stretch, at+1)
	}
	d := store.Delivery{ID: hintID(to, stretch), Type: TypeHint, User: to.User, Address: to.Key, Device: to.Device, Provider: to.Provider, Lane: LaneHint, State: store.DeliveryPending, Due: due, Next: due,
		Expires: due.Add(domain.HintNotice().TTL), Created: due}
	if err := h.Push.Store.InsertDelivery(ctx, d); err != nil && !errors.Is(err, store.ErrTaken) {
		return fmt.Errorf("plan a hint: %w", err)
	}
	h.Push.wake.up()
	return nil
}

func hintID(to store.Address, stretch int64) string {
	return id.Derive("hint", to.User, placeOf(to), fmt.Sprint(stretch))
}

// hintOf is the push of a hint.
func hintOf(d store.Delivery, now time.Time) Push {
	return Push{ID: d.ID, Type: TypeHint, Collapse: string(domain.HintNotice().Collapse), TTL: max(d.Expires.Sub(now), 0)}
}
