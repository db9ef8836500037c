package programme

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
)

// Looks of one process at the calendar.
const (
	scanEvery  = time.Minute // how often at most it looks
	againFirst = time.Minute // how long at least what failed is left alone; doubles
	againLast  = 15 * time.Minute
	againMost  = 100 // businesses that failed are looked at again at a time
)

// Reminding is what one process remembers of its looks at the calendar: up to when it looked,
// and which businesses failed. Forgetting costs a look. Several processes may look at one
// database, each by itself: an item that is there was given.
type Reminding struct {
	Service *Service

	tried, done time.Time // when it looked, and when it came to all businesses
	whole       trouble   // of a look that did not come to all
	failed      map[string]trouble
	seed        string // so that processes do not come back at one moment
}

// trouble is a look that failed.
type trouble struct {
	since, from time.Time // since when it looked, and when an hour was missed last
	times       int
	next        time.Time
}

// Look gives what the calendar tells, if it is time: everywhere, where it has struck an hour
// of reminders in a zone of the country since the last look; of businesses that failed, again
// soon, later each time, until the next hour of theirs or for as long as a reminder is given. A
// clock that was put back begins anew.
//
// Errors: of all businesses that failed, joined.
func (r *Reminding) Look(ctx context.Context) (given int, err error) {
	now := r.Service.Clock.Now()
	if now.Before(r.tried) || now.Before(r.done) {
		*r = Reminding{Service: r.Service}
	}
	if now.Sub(r.tried) < scanEvery {
		return 0, nil
	}
	if r.failed == nil {
		r.failed, r.seed = map[string]trouble{}, r.Service.Engine.IDs.New()
	}
	if domain.RemindersBetween(r.done, now) && !now.Before(r.whole.next) {
		r.tried = now
		return r.everywhere(ctx, now)
	}
	return r.again(ctx, now)
}

// everywhere looks at all businesses: at one that failed since its own last look.
func (r *Reminding) everywhere(ctx context.Context, now time.Time) (given int, err error) {
	given, failed, err := r.Service.remindAll(ctx, func(scope string) time.Time {
		if t, ok := r.failed[scope]; ok {
			return t.since
		}
		return r.done
	})
	before := r.failed
	r.failed = map[string]trouble{}
	var all []error
	for scope, why := range failed {
		t, ok := before[scope]
		if !ok {
			t = trouble{since: r.done}
		}
		t.from = now // one more hour was missed
		r.failed[scope], all = r.later(t, scope, now), append(all, why)
	}
	if err != nil { // it did not come to all: they have their turn again, with all the others
		for scope, t := range before {
			if _, ok := r.failed[scope]; !ok {
				r.failed[scope] = t
			}
		}
		r.whole = r.later(r.whole, "", now)
		return given, errors.Join(append(all, err)...)
	}
	r.done, r.whole = now, trouble{}
	return given, errors.Join(all...)
}

// again looks at businesses that failed, whose time has come.
func (r *Reminding) again(ctx context.Context, now time.Time) (given int, err error) {
	var due []string
	for scope, t := range r.failed {
		switch {
		case now.Sub(t.from) >= domain.ReminderLife: // what it had to tell is over
			delete(r.failed, scope)
		case !now.Before(t.next):
			due = append(due, scope)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return cmp.Or(r.failed[a].next.Compare(r.failed[b].next), cmp.Compare(a, b)) })
	look := r.Service.look()
	var all []error
	for _, scope := range due[:min(len(due), againMost)] {
		n, err := look.remindIn(ctx, scope, r.failed[scope].since)
		if given += n; err != nil {
			r.failed[scope], all = r.later(r.failed[scope], scope, now), append(all, err)
			continue
		}
		delete(r.failed, scope)
	}
	return given, errors.Join(all...)
}

// later is when a look that failed once more is made again: behind a pause that doubles, and
// up to half of it more, which follows from the business and the process.
func (r *Reminding) later(t trouble, scope string, now time.Time) trouble {
	pause := againLast
	if t.times < 4 {
		pause = againFirst << t.times
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.seed + scope + strconv.Itoa(t.times))) // never fails
	t.times++
	t.next = now.Add(pause + time.Duration(h.Sum64()%uint64(pause/2/time.Second))*time.Second)
	return t
}
