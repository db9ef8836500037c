package syncer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// hub tells those who listen which scopes have moved. It knows no record: only
// heads go through it, and of each scope only the newest counts. The zero value
// is ready.
//
// One lock guards it and everybody who listens. What is done under it is a few
// look-ups per listener, and never waits.
type hub struct {
	mu     sync.Mutex
	users  map[string][]*Listener // by user
	scopes map[string][]*watch    // by scope
	edge   merge.Millis           // no window of anybody begins or ends before; 0: none ever does
	nearer chan struct{}          // told when edge came nearer; made by the first who asks
}

// Observe tells those who listen of a head. Every commit of this process passes
// here once it is durable and folded. Heads that other processes moved may come
// from anywhere, in any order and as often as they like: an older one says
// nothing.
func (e *Engine) Observe(h store.Head) {
	now := e.millis()
	b := &e.hub
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.users) == 0 {
		return
	}
	for _, w := range b.scopes[h.Scope] { // also those who are not named any more
		w.see(h, now)
	}
	for _, g := range h.Access {
		b.tell(g.User, h, now)
	}
	if own := selfOf(h.Scope); own != "" {
		b.tell(own, h, now)
	}
	if slices.Contains(e.Schema.Shared, h.Scope) {
		for user := range b.users {
			b.tell(user, h, now)
		}
	}
}

// tell shows a head to the listeners of a user who have not seen the scope yet.
func (b *hub) tell(user string, h store.Head, now merge.Millis) {
	for _, l := range b.users[user] {
		if _, ok := l.watches[h.Scope]; ok {
			continue
		}
		if w := l.watch(h.Scope); w != nil {
			w.see(h, now)
		}
	}
}

// lookAgain bounds how long KeepWindows trusts that clocks run evenly.
const lookAgain = 30 * time.Second

// KeepWindows tells listeners of access windows that begin and end, which no
// commit does, until ctx ends. It returns nil then.
func (e *Engine) KeepWindows(ctx context.Context) error {
	nearer := e.hub.signal()
	for {
		timer := time.NewTimer(e.TurnWindows())
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-nearer:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// TurnWindows tells listeners of every window that began or ended until now, and
// gives how long it may take until the next one does, at most half a minute.
func (e *Engine) TurnWindows() time.Duration {
	now := e.millis()
	b := &e.hub
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.edge != 0 && b.edge <= now {
		b.edge = 0
		for _, all := range b.users {
			for _, l := range all {
				l.turn(now)
				b.edge = sooner(b.edge, l.edge)
			}
		}
	}
	if b.edge == 0 {
		return lookAgain
	}
	return min(time.Duration(b.edge-now)*time.Millisecond, lookAgain)
}

func (b *hub) signal() chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nearer == nil {
		b.nearer = make(chan struct{}, 1)
	}
	return b.nearer
}

// approach notes that somebody's window has an edge at the instant.
func (b *hub) approach(at merge.Millis) {
	if at == 0 || b.edge != 0 && b.edge <= at {
		return
	}
	b.edge = at
	select {
	case b.nearer <- struct{}{}: // blocks for ever while it is nil, so the default is taken
	default:
	}
}

// sooner is the earlier of two edges, of which 0 is none.
func sooner(a, b merge.Millis) merge.Millis {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// without removes x from a list whose order means nothing.
func without[T comparable](list []T, x T) []T {
	i := slices.Index(list, x)
	if i < 0 {
		return list
	}
	last := len(list) - 1
	list[i] = list[last]
	var none T
	list[last] = none
	return list[:last]
}
