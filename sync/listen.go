package syncer

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// Listener hears which scopes of one user have moved. It keeps one small entry
// per scope, however many commits there are and however slowly it is asked.
// Close it.
type Listener struct {
	engine  *Engine
	user    string
	wake    func()
	most    int // scopes
	watches map[string]*watch
	due     []*watch
	edge    merge.Millis // of the next window of any watch
	floor   merge.Millis // time of the newest commit seen: grants are asked for no earlier instant
	hushed  bool         // its first heads are still being read
	full    bool         // has more scopes than it may; it is of no use any more
	closed  bool
}

// watch is what a listener knows of one scope. It stays when the right to the
// scope ends, so that an older head cannot bring it back.
type watch struct {
	by         *Listener
	scope      string
	generation merge.Generation
	seq        merge.Seq
	chain      string
	seen       bool
	windows    []window // the user's own
	granted    bool
	edge       merge.Millis // of the next window that begins or ends; 0: none
	due        bool
}

// window is a stretch of time in which a right holds.
type window struct {
	id       string // of the grant
	from, to merge.Millis
}

func (w window) holds(at merge.Millis) bool { return w.from <= at && (w.to == 0 || at < w.to) }

// Listen begins to listen to everything that the caller may read, now or later.
// News of all that differs from the cursor is there at once; a cursor that is
// empty or unreadable differs from everything. The listener is registered before
// the heads are read, so a commit is either in what was read or comes after it.
//
// wake is called when there is something to take. It must neither block nor call
// back.
//
// Errors: Conflict "live_too_many_scopes"; Transient and Internal of the store.
func (e *Engine) Listen(ctx context.Context, who Caller, token string, wake func()) (*Listener, error) {
	had := readCursor(token)
	l := &Listener{engine: e, user: who.User, wake: wake, most: e.limits().LiveScopes, watches: map[string]*watch{}, hushed: true}
	e.hub.enter(l)
	heads, err := e.Store.HeadsFor(ctx, who.User, e.alongWith(had, who.User))
	if err == nil {
		err = l.begin(had, heads)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (b *hub) enter(l *Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users == nil {
		b.users, b.scopes = map[string][]*Listener{}, map[string][]*watch{}
	}
	b.users[l.user] = append(b.users[l.user], l)
}

// begin takes the heads that were read, and compares everything with where the
// phone stands.
func (l *Listener) begin(had cursor, heads []store.Head) error {
	now := l.engine.millis()
	b := &l.engine.hub
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range heads {
		if w := l.watch(h.Scope); w != nil {
			w.see(h, now)
		}
	}
	for scope := range had { // of those that are not there, or not for this user
		l.watch(scope)
	}
	if l.full {
		return tooManyScopes()
	}
	l.due = nil
	for _, scope := range slices.Sorted(maps.Keys(l.watches)) {
		w := l.watches[scope]
		p, has := had[scope]
		current := has && p.Complete && p.Head == w.seq && p.check() == checkOf(w.generation, w.chain)
		if w.due = w.granted && !current || !w.granted && has; w.due {
			l.due = append(l.due, w)
		}
	}
	if l.hushed = false; len(l.due) > 0 {
		l.wake()
	}
	return nil
}

func tooManyScopes() error {
	return &fault.Error{Kind: fault.Conflict, Code: "live_too_many_scopes", Text: "more scopes than a listener may have"}
}

// Take gives what is new since the last Take, each scope once, as the reader may
// see it at this instant.
//
// Errors: Conflict "live_too_many_scopes": the listener missed something and must
// be closed.
func (l *Listener) Take() ([]protocol.News, error) {
	now := l.engine.millis()
	b := &l.engine.hub
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.full {
		return nil, tooManyScopes()
	}
	if l.turn(now); len(l.due) == 0 {
		return nil, nil
	}
	out := make([]protocol.News, len(l.due))
	for i, w := range l.due {
		w.due = false
		out[i] = protocol.News{Scope: w.scope, Gone: !w.granted}
		if w.granted {
			out[i].Generation, out[i].Seq = w.generation.String(), w.seq
		}
	}
	l.due = nil
	return out, nil
}

// Close ends listening; nothing is told afterwards. It may be called twice.
func (l *Listener) Close() {
	b := &l.engine.hub
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	if b.users[l.user] = without(b.users[l.user], l); len(b.users[l.user]) == 0 {
		delete(b.users, l.user)
	}
	for scope, w := range l.watches {
		if b.scopes[scope] = without(b.scopes[scope], w); len(b.scopes[scope]) == 0 {
			delete(b.scopes, scope)
		}
	}
	l.watches, l.due, l.edge = nil, nil, 0
}

// The rest is called under the lock of the hub.

// watch finds the entry of a scope or makes it; nil if there are too many.
func (l *Listener) watch(scope string) *watch {
	if w := l.watches[scope]; w != nil {
		return w
	}
	if len(l.watches) >= l.most {
		if l.full = true; !l.hushed {
			l.wake()
		}
		return nil
	}
	w := &watch{by: l, scope: scope}
	l.watches[scope] = w
	b := &l.engine.hub
	b.scopes[scope] = append(b.scopes[scope], w)
	return w
}

// see takes a head, unless a newer one was seen.
func (w *watch) see(h store.Head, now merge.Millis) {
	if w.seen && (h.Generation.Count < w.generation.Count || h.Generation.Count == w.generation.Count && h.Applied <= w.seq) {
		return
	}
	l := w.by
	w.seen, w.generation, w.seq, w.chain, w.windows = true, h.Generation, h.Applied, h.Chain, l.windowsOf(h)
	if len(w.windows) > 0 {
		l.floor = max(l.floor, h.Time)
	}
	was := w.granted
	w.judge(now)
	if w.granted || was {
		w.mark()
	}
	if l.edge != 0 && l.edge <= l.floor { // a commit ahead of our clock has passed the edge of another window
		l.turn(now)
	}
}

// windowsOf are the user's own windows of a scope.
func (l *Listener) windowsOf(h store.Head) []window {
	if l.engine.everRead(l.user, h.Scope) {
		return []window{{}}
	}
	var out []window
	for _, g := range h.Access {
		if g.User == l.user {
			out = append(out, window{g.ID, g.From, g.To})
		}
	}
	return out
}

// judge says whether the right holds, by the instant that a pull would ask for,
// and when to ask again, by the clock: a pull may yet come to see it otherwise.
func (w *watch) judge(now merge.Millis) {
	at := max(now, w.by.floor)
	w.granted, w.edge = false, 0
	for _, x := range w.windows {
		w.granted = w.granted || x.holds(at)
		for _, edge := range []merge.Millis{x.from, x.to} {
			if edge > now {
				w.edge = sooner(w.edge, edge)
			}
		}
	}
	w.granted = w.granted && w.backed(at)
	w.by.edge = sooner(w.by.edge, w.edge)
	w.by.engine.hub.approach(w.edge)
	w.carry(now)
}

// backed reports whether the scope whose windows this one repeats, if there is
// one, still grants them.
func (w *watch) backed(at merge.Millis) bool {
	kind, rest, _ := strings.Cut(w.scope, "/")
	source := w.by.engine.Schema.Sources[kind]
	if source == "" {
		return true
	}
	s := w.by.watches[source+"/"+rest]
	return s != nil && slices.ContainsFunc(s.windows, func(x window) bool {
		return x.holds(at) && slices.ContainsFunc(w.windows, func(own window) bool { return own.id == x.id })
	})
}

// carry judges the scopes that repeat the windows of this one.
func (w *watch) carry(now merge.Millis) {
	source, rest, _ := strings.Cut(w.scope, "/")
	for kind, of := range w.by.engine.Schema.Sources {
		d := w.by.watches[kind+"/"+rest]
		if of != source || d == nil {
			continue
		}
		was := d.granted
		if d.judge(now); d.granted != was {
			d.mark()
		}
	}
}

// turn tells of every window that began or ended. Two edges that passed
// together are told too: the phone may have been purged between them.
func (l *Listener) turn(now merge.Millis) {
	at := max(now, l.floor)
	if l.edge == 0 || l.edge > at {
		return
	}
	l.edge = 0
	for _, w := range l.watches {
		was, edge := w.granted, w.edge
		if edge == 0 || edge > at {
			l.edge = sooner(l.edge, edge)
			continue
		}
		w.judge(now)
		if w.granted != was || w.granted && edge <= now {
			w.mark()
		}
	}
}

func (w *watch) mark() {
	if w.due {
		return
	}
	l := w.by
	w.due = true
	l.due = append(l.due, w)
	if !l.hushed {
		l.wake()
	}
}
