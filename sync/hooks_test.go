package syncer_test

import (
	"context"
	"fmt"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// hooked is a poor store: it offers no Append, and what a test wants to happen
// before or instead of a call happens there. Nil hooks do nothing.
type hooked struct {
	store.Store
	head    func(scope string)
	load    func(scope string)
	insert  func(*store.Commit) error
	changed func(call int, scope string)
	done    func(scope string)
	write   func(*store.Commit) error // before Fold
	release func()                    // before a claim is given up

	pages int
}

func (h *hooked) Head(ctx context.Context, scope string) (store.Head, error) {
	if h.head != nil {
		h.head(scope)
	}
	return h.Store.Head(ctx, scope)
}

func (h *hooked) Load(ctx context.Context, scope string, want store.Want) (store.Loaded, error) {
	if h.load != nil {
		h.load(scope)
	}
	return h.Store.Load(ctx, scope, want)
}

func (h *hooked) Insert(ctx context.Context, c *store.Commit) error {
	if h.insert != nil {
		if err := h.insert(c); err != nil {
			return err
		}
	}
	return h.Store.Insert(ctx, c)
}

func (h *hooked) Fold(ctx context.Context, c *store.Commit, from store.Head) (store.Head, error) {
	if h.write != nil {
		if err := h.write(c); err != nil {
			return store.Head{}, err
		}
	}
	return h.Store.Fold(ctx, c, from)
}

func (h *hooked) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	h.pages++
	if h.changed != nil {
		h.changed(h.pages, scope)
	}
	return h.Store.Changed(ctx, scope, after, upTo, skipDead, limit)
}

func (h *hooked) Done(ctx context.Context, scope, follower string, seq merge.Seq) error {
	if h.done != nil {
		h.done(scope)
	}
	return h.Store.Done(ctx, scope, follower, seq)
}

func (h *hooked) Release(ctx context.Context, space, key, holder string) error {
	if h.release != nil {
		h.release()
	}
	return h.Store.Release(ctx, space, key, holder)
}

// sending makes requests by hand, for what no phone would send.
type sending struct {
	w    *world
	user string
}

func (w *world) as(user string) sending { return sending{w, user} }

// create is the n-th mutation of somebody: a new thing with a note.
func (w *world) create(n uint64, note string) *merge.Mutation {
	return &merge.Mutation{N: n, Schema: 1, Collection: "thing", ID: id.Derive("thing", note), Op: merge.Put,
		At:  merge.Reading{Wall: merge.Millis(w.clock.Now().UnixMilli()), Mono: 1, Boot: "b"},
		Set: map[string]merge.Value{"note": merge.Str(note)}}
}

// part holds mutations for the box, under its current generation.
func (w *world) part(incarnation string, ms ...*merge.Mutation) protocol.Part {
	w.t.Helper()
	return w.partFor(box, incarnation, ms...)
}

func (w *world) partFor(scope, incarnation string, ms ...*merge.Mutation) protocol.Part {
	p := protocol.Part{Scope: scope, Device: "d", Incarnation: incarnation}
	if h, err := w.Store.Head(w.t.Context(), scope); err == nil {
		p.Generation = h.Generation.String()
	}
	for _, m := range ms {
		p.Mutations = append(p.Mutations, m.WireMutation())
	}
	return p
}

func (w *world) request(parts ...protocol.Part) protocol.Request {
	return protocol.Request{Clock: protocol.Reading{Wall: merge.FormatInstant(merge.Millis(w.clock.Now().UnixMilli())), Mono: 2, Boot: "b"}, Push: parts}
}

func (s sending) sync(req protocol.Request) *protocol.Response {
	s.w.t.Helper()
	resp, err := s.w.Engine.Sync(s.w.t.Context(), syncer.Caller{User: s.user}, req)
	if err != nil {
		s.w.t.Fatal(err)
	}
	return resp
}

func (s sending) push(parts ...protocol.Part) *protocol.Response {
	s.w.t.Helper()
	resp, err := s.w.Push(s.w.t.Context(), syncer.Caller{User: s.user}, s.w.request(parts...))
	if err != nil {
		s.w.t.Fatal(err)
	}
	return resp
}

// said is a verdict in a few words.
func said(v protocol.Verdict) string {
	s := fmt.Sprint(v.N, " ", v.Verdict)
	if v.Code != "" {
		s += " " + v.Code
	}
	if v.Repeated {
		s += " repeated"
	}
	return s
}

func words(vs []protocol.Verdict) (out []string) {
	for _, v := range vs {
		out = append(out, said(v))
	}
	return out
}
