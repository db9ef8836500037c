package replica

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// schemaVersion is the version of the catalogue this client was built with.
func (c *Client) schemaVersion() int { return c.Schema.Version }

// schemaOfRows is the version that a request says; the first goes without saying.
func (c *Client) schemaOfRows() int {
	if c.Schema.Version == 1 {
		return 0
	}
	return c.Schema.Version
}

// Edit is what a user did to one record.
type Edit struct {
	Scope      string
	Collection string
	ID         string // empty: a new record
	Op         merge.Op
	Set        map[string]merge.Value
	Add        map[string][]string
	Remove     map[string][]string
}

// Do keeps an edit: it is on disk, and on the screen, when Do returns. A new
// record gets its id here. An operation (a record of a collection that has a
// parent) is told by the client what its author saw.
//
// Errors: Unauthorized "login_required"; Invalid "unknown_collection" or
// "record_unknown" for an edit of what is not on the phone; errors of the local
// database. The rules of the domain are asked by the server.
func (c *Client) Do(ed Edit) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.me.User == "" {
		return "", errNobody
	}
	col, ok := c.Schema.Collection(ed.Collection)
	if !ok {
		return "", &fault.Error{Kind: fault.Invalid, Code: "unknown_collection", Field: "collection"}
	}
	if ed.Op == "" {
		ed.Op = merge.Put
	}
	create := ed.ID == ""
	if create {
		ed.ID = c.IDs.New()
	}
	var then *drawn
	err := c.Local.Update(func(w Writer) error {
		before := c.draws(w)
		e, err := c.keep(w, col, ed, before)
		if err == nil { // a copy, of which the caller holds no part
			then = &drawn{revision(w), append(before.pending, readEntry(w.Get(outBucket, position(e.Pos))))}
		}
		return err
	})
	if err == nil {
		c.out.Store(then)
	}
	return ed.ID, wrap("keep edit", err)
}

// keep writes an edit into the outbox. pending is what the outbox draws before.
func (c *Client) keep(w Writer, col *merge.Collection, ed Edit, pending *drawn) (*entry, error) {
	m := c.readMeta(w)
	e := &entry{User: m.Me.User, Scope: ed.Scope, Device: m.Me.Device, Incarnation: m.Me.Incarnation, State: unsent}
	wall, mono, boot := c.Clock.Read()
	e.Mutation = merge.Mutation{N: c.count(w, e), Schema: c.schemaVersion(), Collection: ed.Collection, ID: ed.ID, Op: ed.Op,
		At:  merge.Reading{Wall: merge.Millis(max(wall, 0)), Mono: max(mono, 0), Boot: boot, Server: m.Now},
		Set: ed.Set, Add: ed.Add, Remove: ed.Remove}
	if err := base(w, pending, e); err != nil {
		return nil, err
	}
	e.Forked = forked(w, pending, e.Scope)
	if col.Parent != "" && e.Mutation.Create() {
		c.watch(w, pending, col, e)
	}
	m.Out++
	e.Pos = m.Out
	hash, err := merge.ContentHash(e.Scope, e.Device, e.Mutation.WireMutation())
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Text: "edit does not encode", Cause: err}
	}
	e.Hash = hash
	e.write(w)
	writeMeta(w, m)
	return e, nil
}

// count gives the next number of an incarnation in a scope.
func (c *Client) count(w Writer, e *entry) uint64 {
	k := key(e.Incarnation, e.Scope)
	var n uint64
	if b := w.Get(countBucket, k); b != nil {
		n = binary.BigEndian.Uint64(b)
	}
	n++
	w.Put(countBucket, k, binary.BigEndian.AppendUint64(nil, n))
	return n
}

// base says what the author saw: the base row; or, while own edits of the
// record are pending, the base of the oldest of them, and in after all of them
// and everything they list, so that a refused one in the middle hides nothing.
func base(r Reader, pending *drawn, e *entry) error {
	pend := pending.of(func(o *entry) bool {
		return o.User == e.User && o.Scope == e.Scope && o.record() == e.record()
	})
	if len(pend) > 0 {
		e.Mutation.Base = pend[0].Mutation.Base
		e.Mutation.After = after(pend)
		return nil
	}
	row, ok := readJSON[storedRow](r, rowBucket, key(e.Scope, e.Mutation.Collection, e.Mutation.ID))
	if !ok {
		if e.Mutation.Op != merge.Put {
			return &fault.Error{Kind: fault.Invalid, Code: "record_unknown", Field: "id", Text: "not on this phone"}
		}
		return nil // a create
	}
	sc, _ := readJSON[scopeState](r, scopeBucket, e.Scope)
	var g merge.Generation
	must(g.UnmarshalText([]byte(cmp.Or(sc.Ended, sc.Generation))))
	e.Mutation.Base = &merge.Base{Generation: g, Version: row.Version}
	return nil
}

// forked reports whether a record on the screen may be one that a restore took:
// a row of the time line that ended, or what an own edit made before draws.
func forked(r Reader, pending *drawn, scope string) bool {
	s, _ := readJSON[scopeState](r, scopeBucket, scope)
	return s.Ended != "" || slices.ContainsFunc(pending.pending, func(o *entry) bool { return o.Scope == scope && o.Forked })
}

// after lists entries and everything they list, each once.
func after(pend []*entry) []merge.Ref {
	var out []merge.Ref
	add := func(r merge.Ref) {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	for _, p := range pend {
		for _, r := range p.Mutation.After {
			add(r)
		}
		add(merge.Ref{Incarnation: p.Incarnation, N: p.Mutation.N, Hash: p.Hash})
	}
	return out
}

// watch writes into an operation what its author saw: the stored operations
// that nobody had seen yet, every own pending one, and the state on the screen.
func (c *Client) watch(w Writer, pending *drawn, col *merge.Collection, e *entry) {
	parent := merge.AsString(e.Mutation.Set[col.ParentField])
	e.Parent = parent
	v := &view{c: c, r: w, scope: e.Scope, drawn: pending}
	seen := []string{}
	for _, op := range merge.Undominated(v.stored(col, parent)) {
		seen = append(seen, op.ID)
	}
	for _, p := range pending.of(func(o *entry) bool {
		return o.User == e.User && o.Scope == e.Scope && o.Mutation.Collection == col.Name && o.Parent == parent
	}) {
		if !slices.Contains(seen, p.Mutation.ID) {
			seen = append(seen, p.Mutation.ID)
		}
	}
	set := map[string]merge.Value{}
	for k, val := range e.Mutation.Set {
		set[k] = val
	}
	set["seen"] = merge.Encode(seen)
	if row, ok := v.Row(col.Parent, parent); ok && row.Text("state") != "" {
		set["from"] = merge.Str(row.Text("state"))
	}
	e.Mutation.Set = set
}
