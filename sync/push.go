package syncer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/message"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// push judges every part of the request, scope by scope: the author's own first, because what
// people say of themselves, such as what they agree to, is asked about what they do elsewhere,
// and a process may die between two scopes.
func (x *exchange) push(ctx context.Context) error {
	var scopes []string
	parts := map[string][]*protocol.Part{}
	for i := range x.req.Push {
		p := &x.req.Push[i]
		if parts[p.Scope] == nil {
			scopes = append(scopes, p.Scope)
		}
		parts[p.Scope] = append(parts[p.Scope], p)
	}
	if own := slices.Index(scopes, merge.UserScope(x.who.User)); own > 0 {
		scopes = slices.Insert(slices.Delete(scopes, own, own+1), 0, merge.UserScope(x.who.User))
	}
	heads, err := x.headsOf(ctx, scopes)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if err := x.pushScope(ctx, scope, parts[scope], heads); err != nil {
			return err
		}
	}
	return nil
}

// headsOf reads the heads of the scopes of a push, and that of the author's own, in
// one go.
func (x *exchange) headsOf(ctx context.Context, scopes []string) (map[string]store.Head, error) {
	out := map[string]store.Head{}
	if len(scopes) == 0 {
		return out, nil
	}
	found, err := x.Store.HeadsFor(ctx, "", append([]string{merge.UserScope(x.who.User)}, scopes...))
	for _, h := range found {
		out[h.Scope] = h
	}
	return out, err
}

// pushScope judges the parts for one scope: in its own log if its access list
// ever named the author, else in the author's.
func (x *exchange) pushScope(ctx context.Context, scope string, sent []*protocol.Part, heads map[string]store.Head) error {
	parts, err := x.readParts(ctx, scope, sent)
	if err != nil || len(parts) == 0 {
		return err
	}
	if slices.Contains(x.Schema.Shared, scope) {
		return x.refuse(ctx, scope, parts)
	}
	head, there := heads[scope]
	own := scope == merge.UserScope(x.who.User)
	if own && !there {
		if head, err = x.ensure(ctx, scope); err != nil {
			return err
		}
	}
	if !own && (!there || !merge.Ever(head.Access, x.who.User)) {
		return x.refuse(ctx, scope, parts)
	}
	granted := own || merge.Granted(head.Access, x.who.User, x.now)
	var current []*merge.Part
	for _, p := range parts {
		if granted && p.generation != head.Generation.String() {
			x.againAll(scope, p)
			x.reset[scope] = true
			continue
		}
		current = append(current, p.Part)
	}
	if len(current) == 0 {
		return nil
	}
	j := &job{parts: current, read: &head}
	if !own && heads[merge.UserScope(x.who.User)].Foreign {
		if j.elsewhere, err = x.ownBook(ctx, scope, current); err != nil {
			return err
		}
	}
	return x.commit(ctx, scope, scope, j)
}

// readPart is a part with the generation it names.
type readPart struct {
	*merge.Part
	generation string
}

// readParts reads the items of every part and answers those that use another
// user's incarnation.
func (x *exchange) readParts(ctx context.Context, scope string, sent []*protocol.Part) ([]readPart, error) {
	var out []readPart
	for _, p := range sent {
		r := readPart{&merge.Part{Author: x.who.User, Device: p.Device, Incarnation: p.Incarnation, Clock: x.reading()}, p.Generation}
		for i, raw := range p.Mutations {
			r.Items = append(r.Items, merge.ReadItem(scope, p.Device, i, raw))
		}
		owner, err := x.claim(ctx, p.Device, p.Incarnation)
		if err != nil {
			return nil, err
		}
		if owner != x.who.User {
			x.epochs = nil // whoever told of the claim may have been retired since
			x.answerAll(scope, r, merge.Verdict{Outcome: merge.OwnerMismatch, Code: "owner_mismatch"})
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

func (x *exchange) reading() merge.Reading {
	c := x.req.Clock
	wall, err := merge.ParseInstant(c.Wall)
	if err != nil {
		wall = 0 // an absurd clock is no reason to refuse a push
	}
	return merge.Reading{Wall: wall, Mono: c.Mono, Boot: c.Boot}
}

// claim binds an incarnation to the first user who uses it.
func (x *exchange) claim(ctx context.Context, device, incarnation string) (string, error) {
	name := device + "/" + incarnation
	x.mu.Lock()
	owner, ok := x.owners[name]
	x.mu.Unlock()
	if ok {
		return owner, nil
	}
	owner, err := x.Store.Claim(ctx, "incarnation", name, x.who.User)
	if err != nil {
		return "", err
	}
	x.remember(name, owner)
	return owner, nil
}

// mostRemembered bounds what the engine remembers of each kind; it is only there
// to spare the store a question.
const mostRemembered = 100_000

func (e *Engine) remember(incarnation, owner string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.owners == nil || len(e.owners) >= mostRemembered {
		e.owners = map[string]string{}
	}
	e.owners[incarnation] = owner
}

func (x *exchange) againAll(scope string, p readPart) {
	x.answerAll(scope, p, merge.Verdict{Outcome: merge.Again, Code: "generation_changed"})
}

func (x *exchange) answerAll(scope string, p readPart, v merge.Verdict) {
	for _, it := range p.Items {
		x.answer(scope, p.Part, merge.Answer{Verdict: v, HasN: it.HasN, N: it.Mutation.N, Index: it.Index})
	}
}

// refuse records in the author's own scope that a scope which never named the
// author was written to, or one that no phone writes. It says nothing of whether
// that scope exists.
func (x *exchange) refuse(ctx context.Context, scope string, parts []readPart) error {
	n := 0
	for _, p := range parts {
		n += len(p.Items)
	}
	allowed, err := x.allow(ctx, x.who.User, n)
	if err != nil {
		return err
	}
	if !allowed {
		for _, p := range parts {
			x.answerAll(scope, p, merge.Verdict{Outcome: merge.Again, Code: "rate_limited"})
		}
		return nil
	}
	own := merge.UserScope(x.who.User)
	head, err := x.ensure(ctx, own)
	if err == nil && !head.Foreign {
		err = x.Store.Expect(ctx, own)
	}
	if err != nil {
		return err
	}
	j := &job{}
	for _, p := range parts {
		p.About = scope
		j.parts = append(j.parts, p.Part)
	}
	return x.commit(ctx, own, scope, j)
}

// allowance is what one user may still write to foreign scopes.
type allowance struct {
	left  int
	since time.Time
}

// allow reports whether a user may write n mutations to foreign scopes now. Processes
// that share counters ask them: who does this is no honest phone, or one that does it
// once.
func (e *Engine) allow(ctx context.Context, user string, n int) (bool, error) {
	if e.Counters == nil {
		return e.allowHere(user, n), nil
	}
	now := e.Clock.Now()
	key := "strangers/" + user + "/" + strconv.FormatInt(now.Unix()/int64(time.Hour/time.Second), 10)
	totals, err := e.Counters.Totals(ctx, []string{key})
	if err != nil || totals[0] >= int64(e.limits().Refusals) {
		return false, err
	}
	return true, e.Counters.Add(ctx, key, int64(n), now.Add(2*time.Hour))
}

func (e *Engine) allowHere(user string, n int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refusals == nil || len(e.refusals) >= mostRemembered {
		e.refusals = map[string]*allowance{}
	}
	now := e.Clock.Now()
	a := e.refusals[user]
	if a == nil || now.Sub(a.since) >= time.Hour || now.Before(a.since) {
		a = &allowance{left: e.limits().Refusals, since: now}
		e.refusals[user] = a
	}
	some := a.left > 0 // a push that is larger than what is left passes, or it never would
	a.left -= n
	return some
}

// ownBook gives a look into what the author's own scope recorded about this
// scope, before the author was let in.
func (x *exchange) ownBook(ctx context.Context, scope string, parts []*merge.Part) (func(merge.BookKey, uint64) (merge.Entry, bool), error) {
	own := merge.UserScope(x.who.User)
	// A refusal that was decided before a crash counts, folded or not.
	if _, err := x.foldAll(ctx, own); err != nil {
		return nil, err
	}
	var want store.Want
	for _, p := range parts {
		for _, it := range p.Items {
			k := merge.PageKey{BookKey: merge.BookKey{About: scope, Device: p.Device, Incarnation: p.Incarnation}, Page: merge.PageOf(it.Mutation.N)}
			if it.HasN && !slices.Contains(want.Pages, k) {
				want.Pages = append(want.Pages, k)
			}
		}
	}
	got, err := x.Store.Load(ctx, own, want)
	if err != nil || len(got.Pages) == 0 {
		return nil, err
	}
	pages := map[merge.PageKey]merge.Page{}
	for _, p := range got.Pages {
		pages[p.PageKey] = p
	}
	return func(k merge.BookKey, n uint64) (merge.Entry, bool) {
		en, ok := pages[merge.PageKey{BookKey: k, Page: merge.PageOf(n)}].Entries[n]
		return en, ok
	}, nil
}

// commit submits a job to the log of scope and answers its items; about is the
// scope that the phone meant.
func (x *exchange) commit(ctx context.Context, scope, about string, j *job) error {
	if err := x.submit(ctx, scope, j); err != nil {
		return err
	}
	x.now, x.epochs, x.last = max(x.now, j.head.Time), j.epochs, scope
	if scope == about {
		x.keep(scope, j.left)
	}
	for i, p := range j.parts {
		for k, a := range j.answers[i] {
			if !a.Repeated && (a.Outcome == merge.Applied || a.Outcome == merge.Merged) && k < len(p.Items) {
				x.tally().Took(&p.Items[k].Mutation)
			}
			if p.About != "" {
				a.Seq = 0 // it counts commits of another log
			}
			x.answer(about, p, a)
		}
	}
	return nil
}

func (x *exchange) answer(scope string, p *merge.Part, a merge.Answer) {
	v := protocol.Verdict{Scope: scope, Device: p.Device, Incarnation: p.Incarnation, N: a.N, Verdict: a.Outcome, Seq: a.Seq, Repeated: a.Repeated,
		Lost: a.Lost, Ignored: a.Ignored, Journal: a.Journal, Code: a.Code, Field: a.Field, Quarantine: a.Quarantine}
	if !a.HasN {
		v.N, v.Index = 0, &a.Index
	}
	x.tally().Decided(a.Outcome, a.Code, a.Repeated)
	if a.Code != "" {
		holes := map[string]any{"field": a.Field, "limit": "64 KiB"}
		id, en := message.Text(a.Code, message.ID, holes), message.Text(a.Code, message.EN, holes)
		v.Message = &protocol.Message{ID: id.String(), EN: en.String()}
	}
	if x.answers == nil {
		x.answers = make([]outcome, 0, x.expected)
	}
	x.answers = append(x.answers, outcome{v, a.Key})
}

// attach gives each verdict of a granted scope the record as it is now.
func (x *exchange) attach(ctx context.Context) error {
	wanted := map[string][]merge.Key{}
	for _, a := range x.answers {
		if a.key.ID != "" && a.Verdict.Verdict.Final() && !slices.Contains(wanted[a.Scope], a.key) {
			wanted[a.Scope] = append(wanted[a.Scope], a.key)
		}
	}
	heads, err := x.headsNow(ctx, wanted)
	if err != nil {
		return err
	}
	granted := x.granted(heads)
	for scope, keys := range wanted {
		h, ok := granted[scope]
		switch {
		case ok && x.left[scope] != nil:
			x.attachLeft(scope, keys)
		case ok:
			if ok, err = x.attachScope(ctx, granted, h, keys); err != nil {
				return err
			}
		}
		if !ok {
			x.conceal(func(s string) bool { return s == scope })
		}
	}
	for scope := range x.reset {
		x.resp.Reset = append(x.resp.Reset, scope)
	}
	slices.Sort(x.resp.Reset)
	return nil
}

// keep notes what a commit left behind in a scope.
func (x *exchange) keep(scope string, l *left) {
	if x.left == nil {
		x.left = map[string]*left{}
	}
	x.left[scope] = l
}

// headsNow gives the heads of scopes and of those that decide on their windows. Only
// the scope of the last commit need not be read: in the others rights may have ended
// meanwhile. What a commit left is forgotten if there was another one, or if not all
// that is wanted is in it.
func (x *exchange) headsNow(ctx context.Context, wanted map[string][]merge.Key) (heads []store.Head, err error) {
	var unread []string
	for _, scope := range x.withSources(slices.Sorted(maps.Keys(wanted))) {
		l := x.left[scope]
		if l == nil || slices.ContainsFunc(wanted[scope], func(k merge.Key) bool { _, known := l.record(k); return !known }) {
			delete(x.left, scope)
		} else if scope == x.last {
			heads = append(heads, l.head)
			continue
		}
		unread = append(unread, scope)
	}
	if len(unread) == 0 {
		return heads, nil
	}
	read, err := x.Store.HeadsFor(ctx, "", unread)
	for _, h := range read {
		if l := x.left[h.Scope]; l != nil && (l.head.Applied != h.Applied || l.head.Generation != h.Generation) {
			delete(x.left, h.Scope)
		}
	}
	return append(heads, read...), err
}

// attachLeft gives the verdicts of one scope the records that its commit left.
func (x *exchange) attachLeft(scope string, keys []merge.Key) {
	rows := map[merge.Key]*protocol.Row{}
	for _, k := range keys {
		if r, _ := x.left[scope].record(k); r != nil {
			rows[k] = x.wireRow(scope, r)
		}
	}
	x.show(scope, rows)
}

// show gives the final verdicts of a scope their rows.
func (x *exchange) show(scope string, rows map[merge.Key]*protocol.Row) {
	for i := range x.answers {
		if a := &x.answers[i]; a.Scope == scope && a.Verdict.Verdict.Final() {
			a.Record = rows[a.key]
		}
	}
}

// attachScope gives the verdicts of one scope their records. It gives false if
// the right to see them ended meanwhile, or commits come too fast to tell.
func (x *exchange) attachScope(ctx context.Context, granted map[string]store.Head, h store.Head, keys []merge.Key) (bool, error) {
	got, err := x.Store.Load(ctx, h.Scope, store.Want{Keys: keys})
	for i := 0; err == nil && newer(got, h.Applied); i++ { // rights and records must be of one cut
		if h, err = x.foldNext(ctx, h); err != nil {
			return false, err
		}
		if i == tornRetries || !x.advance(granted, h) {
			return false, nil
		}
		got, err = x.Store.Load(ctx, h.Scope, store.Want{Keys: keys})
	}
	if err != nil {
		return false, err
	}
	rows := map[merge.Key]*protocol.Row{}
	for i := range got.Records {
		rows[got.Records[i].Key()] = x.wireRow(h.Scope, &got.Records[i])
	}
	x.show(h.Scope, rows)
	return true, nil
}

func newer(got store.Loaded, applied merge.Seq) bool {
	return slices.ContainsFunc(got.Records, func(r store.Record) bool { return r.Version > applied })
}

// conceal takes out of the verdicts of hidden scopes what only members may know.
func (x *exchange) conceal(hidden func(scope string) bool) {
	for i := range x.answers {
		if a := &x.answers[i]; hidden(a.Scope) {
			a.Journal, a.Record = nil, nil
		}
	}
}

// wireRow is a record as the app that asks reads it.
func (x *exchange) wireRow(scope string, r *store.Record) *protocol.Row {
	row := &protocol.Row{Scope: scope, Collection: r.Collection, ID: r.ID, Version: r.Version, Deleted: r.Deleted}
	if !r.Deleted {
		row.Fields = x.Schema.Cast(x.schema(), r.Collection, r.Fields)
	}
	return row
}

// ensure makes the head of a scope if it has none.
func (e *Engine) ensure(ctx context.Context, scope string) (store.Head, error) {
	head, err := e.Store.Head(ctx, scope)
	if !errors.Is(err, store.ErrAbsent) {
		return head, err
	}
	g := merge.Generation{Count: 1, Nonce: e.IDs.New()[24:]}
	if err := e.Store.Create(ctx, store.Head{Scope: scope, Generation: g}); err != nil && !errors.Is(err, store.ErrTaken) {
		return store.Head{}, err
	}
	head, err = e.Store.Head(ctx, scope)
	if errors.Is(err, store.ErrAbsent) {
		return head, &fault.Error{Kind: fault.Internal, Code: "internal", Text: "a new scope has no head"}
	}
	return head, err
}
