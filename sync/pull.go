package syncer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// pull compares what the phone has with what it may see, and sends the
// difference: purges, resets and pages.
func (x *exchange) pull(ctx context.Context) error {
	had, readable := parseCursor(x.req.Cursor)
	heads, err := x.heads(ctx, had)
	if err != nil {
		return err
	}
	granted := x.granted(heads)
	x.purge(had, granted)
	next := cursor{}
	changed := len(x.resp.Purge) > 0
	if x.req.Cursor != "" && !readable { // nobody can tell what the phone holds
		x.resp.Fresh, x.resp.Granted, changed = true, slices.Sorted(maps.Keys(granted)), true
	}
	for scope, h := range granted {
		p, fresh, err := x.stand(ctx, had, h)
		if err != nil {
			return err
		}
		next[scope] = p
		changed = changed || fresh || !p.Complete || p.Head != h.Applied
	}
	slices.Sort(x.resp.Reset)
	if !changed {
		return nil
	}
	if err := x.inTurn(ctx, next, func() error { return x.pages(ctx, next, granted) }); err != nil {
		return err
	}
	x.resp.Cursor = next.encode()
	return nil
}

// firstWaiting is how many may wait for each that reads whole scopes. They hold places of
// requests meanwhile, which who brings edits needs too.
const firstWaiting = 3

// firstAgain is when a first sync that was sent away should come back.
const firstAgain = 3 * time.Second

// inTurn lets few read whole scopes at the same time: more of them are no faster, and each
// has a megabyte of rows in memory. Some wait; who comes then is sent away. Who has
// everything does not wait.
//
// Errors: Transient "overloaded".
func (x *exchange) inTurn(ctx context.Context, next cursor, read func() error) error {
	if !slices.ContainsFunc(slices.Collect(maps.Values(next)), func(p place) bool { return !p.Complete }) {
		return read()
	}
	x.mu.Lock()
	if x.first == nil {
		x.first = make(chan struct{}, x.limits.FirstSyncs)
	}
	places := x.first
	if x.firsts >= (1+firstWaiting)*cap(places) {
		x.mu.Unlock()
		return &fault.Error{Kind: fault.Transient, Code: "overloaded", Text: "more first syncs than the server can answer", After: firstAgain}
	}
	x.firsts++
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		x.firsts--
		x.mu.Unlock()
	}()
	x.firstWait.Add(1)
	select {
	case places <- struct{}{}:
		x.firstWait.Add(-1)
	case <-ctx.Done():
		x.firstWait.Add(-1)
		return ctx.Err()
	}
	defer func() { <-places }()
	return read()
}

// heads reads the heads of all that a phone has or may see. A phone that is ahead of
// one was told by another process what this one does not see yet, for some seconds
// after an election in the database, and must lose neither its place nor its rows
// for that. One that is ahead all the same was told what is lost: somebody put an
// old copy back.
func (x *exchange) heads(ctx context.Context, had cursor) ([]store.Head, error) {
	named := x.alongWith(had, x.who.User)
	heads, err := x.Store.HeadsFor(ctx, x.who.User, named)
	if err != nil {
		return nil, err
	}
	scope, ok := ahead(had, heads)
	if !ok {
		return heads, nil
	}
	if err := x.Store.CatchUp(ctx, scope); err != nil {
		return nil, err
	}
	return x.Store.HeadsFor(ctx, x.who.User, named)
}

// ahead names a scope of which a phone has seen more than its head holds.
func ahead(had cursor, heads []store.Head) (scope string, ok bool) {
	applied := map[string]merge.Seq{}
	for _, h := range heads {
		applied[h.Scope] = h.Applied
	}
	for _, scope := range slices.Sorted(maps.Keys(had)) {
		if had[scope].Head > applied[scope] {
			return scope, true
		}
	}
	return "", false
}

// granted picks the scopes that the caller may read, at one instant for all of
// them: that of the answer, which no commit of theirs lies above.
func (x *exchange) granted(heads []store.Head) map[string]store.Head {
	for _, h := range heads {
		if x.always(h.Scope) || h.Names(x.who.User) {
			x.now = max(x.now, h.Time)
		}
	}
	out := map[string]store.Head{}
	for _, h := range heads {
		if x.may(h, x.now) {
			out[h.Scope] = h
		}
	}
	for scope, h := range out {
		if !x.backed(h, out) {
			delete(out, scope)
		}
	}
	return out
}

// source names the scope whose windows another one repeats.
func (x *exchange) source(scope string) (string, bool) {
	kind, rest, _ := strings.Cut(scope, "/")
	of, ok := x.Schema.Sources[kind]
	return of + "/" + rest, ok
}

// withSources adds to scopes those that decide on their windows.
func (x *exchange) withSources(scopes []string) []string {
	for _, scope := range slices.Clone(scopes) {
		if source, ok := x.source(scope); ok && !slices.Contains(scopes, source) {
			scopes = append(scopes, source)
		}
	}
	return scopes
}

// backed reports whether the scope that another one repeats the windows of still
// grants them. The repetition is made by effect: until it is, this is what keeps
// a right from outliving its source.
func (x *exchange) backed(h store.Head, granted map[string]store.Head) bool {
	source, ok := x.source(h.Scope)
	if !ok {
		return true
	}
	return slices.ContainsFunc(granted[source].Access, func(g merge.Grant) bool {
		return g.User == x.who.User && g.Holds(x.now) && slices.ContainsFunc(h.Access, func(m merge.Grant) bool { return m.ID == g.ID })
	})
}

func (x *exchange) may(h store.Head, at merge.Millis) bool {
	return x.always(h.Scope) || merge.Granted(h.Access, x.who.User, at)
}

func (x *exchange) always(scope string) bool { return x.everRead(x.who.User, scope) }

// everRead reports whether a user needs no window to read a scope: the own one,
// and those that are everybody's.
func (e *Engine) everRead(user, scope string) bool {
	return scope == merge.UserScope(user) || slices.Contains(e.Schema.Shared, scope)
}

// alongWith adds to the scopes of a cursor those that a user always reads.
func (e *Engine) alongWith(had cursor, user string) []string {
	named := slices.Sorted(maps.Keys(had))
	for _, scope := range append([]string{merge.UserScope(user)}, e.Schema.Shared...) {
		if !slices.Contains(named, scope) {
			named = append(named, scope)
		}
	}
	return named
}

// advance lets the answer show a scope under a newer head than the one it began
// with. It refuses if that head, or the instant that the answer then belongs to,
// ends any right that the answer rests on: the next answer says so.
func (x *exchange) advance(granted map[string]store.Head, h store.Head) bool {
	now := max(x.now, h.Time)
	if !x.may(h, now) {
		return false
	}
	for _, g := range granted {
		if g.Scope != h.Scope && !x.may(g, now) {
			return false
		}
	}
	x.now, granted[h.Scope] = now, h
	return true
}

// purge orders every scope away that the phone has and may not see, and takes
// what only members may know out of the verdicts of such scopes.
func (x *exchange) purge(had cursor, granted map[string]store.Head) {
	for _, scope := range slices.Sorted(maps.Keys(had)) {
		if _, ok := granted[scope]; !ok {
			x.resp.Purge = append(x.resp.Purge, scope)
		}
	}
	x.conceal(func(scope string) bool {
		_, ok := granted[scope]
		return !ok
	})
}

// schema is the version that rows are cast for: what the app reads, as far as
// this server knows it.
func (x *exchange) schema() int { return min(max(x.req.Schema, 1), x.Schema.Version) }

// stand says where the phone stands in a granted scope: where its cursor says,
// or at the start if that cannot be true any more, or if the app has been updated
// (or put back) and rows of such a scope look different to it now.
func (x *exchange) stand(ctx context.Context, had cursor, h store.Head) (p place, fresh bool, err error) {
	p, ok := had[h.Scope]
	start := place{Generation: h.Generation, Head: h.Applied, Chain: h.Chain, First: h.Applied, Schema: x.schema()}
	if !ok {
		return start, true, nil
	}
	valid := p.Head <= h.Applied && p.At.Version <= h.Applied && !slices.Contains(x.req.Reset, h.Scope) &&
		!x.Schema.Differs(merge.ScopeKind(h.Scope), p.Schema, x.schema())
	if valid {
		chain := h.Chain
		if p.Head < h.Applied {
			if chain, err = x.chainAt(ctx, h, p.Head); err != nil {
				return p, false, err
			}
		}
		valid = p.check() == checkOf(h.Generation, chain)
		p.Generation, p.Chain, p.Check = h.Generation, chain, ""
	}
	if valid {
		return p, false, nil
	}
	x.resp.Reset = append(x.resp.Reset, h.Scope)
	return start, true, nil
}

// chainAt is the chain hash of an earlier commit of the current generation. An
// entry that is not in the log has none that any cursor could carry.
func (x *exchange) chainAt(ctx context.Context, h store.Head, at merge.Seq) (string, error) {
	if at == 0 {
		return "", nil
	}
	for i := len(h.Forks) - 1; i >= -1; i-- {
		count := h.Generation.Count
		if i < len(h.Forks)-1 {
			count = h.Forks[i+1].Generation.Count
		}
		chain, err := x.Store.Chain(ctx, h.Scope, count, at)
		if !errors.Is(err, store.ErrAbsent) {
			return chain, err
		}
		if i < 0 || at > h.Forks[i].Seq {
			break // not shared with the generation before
		}
	}
	return "gone", nil
}

// pages fills the answer with rows, scope after scope, and moves the cursor.
func (x *exchange) pages(ctx context.Context, next cursor, granted map[string]store.Head) error {
	left := x.req.LimitBytes
	if left <= 0 || left > x.limits.PageBytes {
		left = min(200_000, x.limits.PageBytes)
	}
	for _, scope := range x.order(granted) {
		p, h := next[scope], granted[scope]
		if left <= 0 {
			x.resp.More = x.resp.More || !p.Complete || p.Head != h.Applied
			continue
		}
		if p.Complete && p.Head == h.Applied {
			continue
		}
		used, err := x.page(ctx, &p, granted, h, left)
		if err != nil {
			return err
		}
		left -= used
		next[scope] = p
	}
	return nil
}

// order puts the scopes in the order of their pages: the own user scope, what is
// everybody's, for other rows are read with it, then the scopes where the caller
// is at home, then the rest.
func (x *exchange) order(granted map[string]store.Head) []string {
	rank := func(scope string) string {
		switch {
		case scope == merge.UserScope(x.who.User):
			return "0" + scope
		case x.always(scope):
			return "1" + scope
		case slices.ContainsFunc(granted[scope].Access, func(g merge.Grant) bool {
			return g.User == x.who.User && g.Holds(x.now) && (g.Role == merge.Owner || g.Role == merge.Staff)
		}):
			return "2" + scope
		}
		return "3" + scope
	}
	return slices.SortedFunc(maps.Keys(granted), func(a, b string) int { return strings.Compare(rank(a), rank(b)) })
}

// tornRetries is how often a page that meets a commit being folded is tried
// again; after that the phone asks again.
const tornRetries = 5

// page adds rows of one scope, at most about limit bytes, and moves its place.
func (x *exchange) page(ctx context.Context, p *place, granted map[string]store.Head, h store.Head, limit int) (used int, err error) {
	var skip merge.Seq
	if !p.Complete {
		skip = p.First
	}
	got, err := x.Store.Changed(ctx, h.Scope, p.At, h.Applied, skip, limit)
	for i := 0; err == nil && got.Torn && i < tornRetries; i++ {
		if h, err = x.foldNext(ctx, h); err != nil {
			return 0, err
		}
		if !x.advance(granted, h) {
			x.resp.More = true
			return 0, nil
		}
		got, err = x.Store.Changed(ctx, h.Scope, p.At, h.Applied, skip, limit)
	}
	if err != nil {
		return 0, err
	}
	for i := range got.Records {
		r := &got.Records[i]
		x.resp.Changes = append(x.resp.Changes, *x.wireRow(h.Scope, r))
		used += len(r.Fields) + 120
		p.At = store.Position{Version: r.Version, Key: r.Key()}
	}
	p.Generation, p.Head, p.Chain, p.Schema = h.Generation, h.Applied, h.Chain, x.schema()
	if got.More || got.Torn {
		if p.Complete { // it was whole before, so it has every row that a tombstone could be about
			p.Complete, p.First = false, 0
		}
		x.resp.More = true
		x.reached(h, "")
		return used, nil
	}
	p.At, p.Complete, p.First = store.Position{Version: h.Applied}, true, 0
	x.reached(h, protocol.FormatHash(h.Sum))
	return used, nil
}

// reached tells the phone where the rows of this answer bring a scope.
func (x *exchange) reached(h store.Head, hash string) {
	if x.resp.Scopes == nil {
		x.resp.Scopes = map[string]protocol.Scope{}
	}
	x.resp.Scopes[h.Scope] = protocol.Scope{Generation: h.Generation.String(), Seq: h.Applied, Hash: hash}
}
