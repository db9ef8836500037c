package replica

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// view draws pending edits over base rows, and replays operations by the very
// rules of the server. It implements merge.View.
type view struct {
	c     *Client
	r     Reader
	scope string
	drawn *drawn   // the outbox
	pend  []*entry // pending edits of the scope, in order; read once
	ready bool
	user  string // whose screen it is; read once
	depth int    // a replay in a replay is the base's business
}

// me is whose screen it is.
func (v *view) me() string {
	if v.user == "" {
		v.user = v.c.readMeta(v.r).Me.User
	}
	return v.user
}

func (v *view) pending() []*entry {
	if !v.ready {
		v.ready = true
		me := v.me()
		v.pend = v.drawn.of(func(e *entry) bool { return e.User == me && e.Scope == v.scope })
	}
	return v.pend
}

// Scope implements merge.View.
func (v *view) Scope() string { return v.scope }

// Now implements merge.View: the best guess at server time.
func (v *view) Now() merge.Millis {
	wall, _, _ := v.c.Clock.Read()
	return max(merge.Millis(wall), v.c.readMeta(v.r).Now)
}

// Tagged implements merge.View. What only related records can tell is left to
// the server.
func (v *view) Tagged(string) []merge.Row { return nil }

// Row implements merge.View.
func (v *view) Row(collection, recordID string) (merge.Row, bool) {
	row, ok := v.base(collection, recordID)
	touched := false
	for _, e := range v.pending() {
		if e.Mutation.Collection == collection && e.Mutation.ID == recordID {
			row, ok, touched = v.draw(row, ok, e)
		}
	}
	if !ok {
		return merge.Row{}, false
	}
	col, _ := v.c.Schema.Collection(collection)
	if col != nil && col.Derive != nil && v.depth == 0 && (touched || v.actedOn(col, recordID) || v.partial()) {
		v.depth++
		d := col.Derive(v, row)
		v.depth--
		row.Fields = own(row.Fields)
		assign(row.Fields, d.Fields)
	}
	return row, !row.Deleted
}

// partial reports whether the base rows stop inside a cut. Then the state on a
// record may be older than the operations beside it, and is replayed.
func (v *view) partial() bool {
	s, _ := readJSON[scopeState](v.r, scopeBucket, v.scope)
	return s.Partial
}

// actedOn reports whether an own pending operation acts on the record.
func (v *view) actedOn(col *merge.Collection, recordID string) bool {
	return slices.ContainsFunc(v.pending(), func(e *entry) bool {
		child, ok := v.c.Schema.Collection(e.Mutation.Collection)
		return ok && child.Parent == col.Name && e.Parent == recordID
	})
}

func (v *view) base(collection, recordID string) (merge.Row, bool) {
	k := merge.Key{Collection: collection, ID: recordID}
	s, ok := readJSON[storedRow](v.r, rowBucket, key(v.scope, collection, recordID))
	if !ok {
		return merge.Row{Key: k}, false
	}
	return merge.Row{Key: k, Version: s.Version, Deleted: s.Deleted, Fields: s.Fields}, true
}

// draw applies one pending edit to a row.
func (v *view) draw(row merge.Row, exists bool, e *entry) (merge.Row, bool, bool) {
	m := &e.Mutation
	if m.Op == merge.Delete {
		row.Deleted = true
		return row, exists, true
	}
	row.Deleted = false
	row.Fields = own(row.Fields)
	col, ok := v.c.Schema.Collection(m.Collection)
	if !ok {
		return row, exists, false
	}
	if !exists {
		v.born(row, col, e)
	}
	for name, val := range m.Set {
		if f, ok := col.Field(name); ok && f.Policy == merge.Each {
			row.Fields[name] = drawItems(row.Fields[name], val)
			continue
		}
		if merge.Null(val) {
			delete(row.Fields, name)
			continue
		}
		row.Fields[name] = val
	}
	drawSet(row.Fields, m.Add, true)
	drawSet(row.Fields, m.Remove, false)
	return row, true, true
}

// own copies the fields of a row for drawing on; a deleted row has none.
func own(fields map[string]merge.Value) map[string]merge.Value {
	if fields == nil {
		return map[string]merge.Value{}
	}
	return maps.Clone(fields)
}

// born guesses what the server will write into a new record.
func (v *view) born(row merge.Row, col *merge.Collection, e *entry) {
	made := max(e.Mutation.At.Wall, e.Mutation.At.Server)
	row.Fields["created_by"] = merge.Str(e.User)
	row.Fields["created_device"] = merge.Str(e.Device)
	row.Fields["created_at"] = made.Value()
	if col.Parent != "" {
		row.Fields["role"] = merge.Str(string(v.role(made)))
		// An own operation follows everything on its author's screen.
		row.Fields["stamp"] = merge.Num(max(made, e.Mutation.At.Server) + merge.Millis(e.Pos%1000) + 1)
	}
}

// role is the user's role in the scope at t, by the access windows on the phone.
func (v *view) role(t merge.Millis) merge.Role {
	if v.scope == merge.UserScope(v.me()) {
		return merge.Self
	}
	role := merge.Owner
	for _, col := range v.c.Schema.Collections {
		if col.Grant == nil || col.Scope != merge.ScopeKind(v.scope) {
			continue
		}
		for _, row := range v.rows(col.Name) {
			if g, ok := col.Grant(row); ok && g.User == v.me() && g.Holds(t) {
				role = g.Role
			}
		}
	}
	return role
}

func assign(fields, set map[string]merge.Value) {
	for name, val := range set {
		if merge.Null(val) {
			delete(fields, name)
		} else {
			fields[name] = val
		}
	}
}

func drawItems(old, set merge.Value) merge.Value {
	var items map[string]map[string]merge.Value
	if json.Unmarshal(old, &items) != nil || items == nil { // nothing, or no keyed list as this app knows them
		items = map[string]map[string]merge.Value{}
	}
	var changed map[string]map[string]merge.Value
	if json.Unmarshal(set, &changed) != nil {
		return old
	}
	for k, item := range changed {
		if items[k] == nil {
			items[k] = map[string]merge.Value{}
		}
		assign(items[k], item)
	}
	return merge.Encode(items)
}

func drawSet(fields map[string]merge.Value, elements map[string][]string, present bool) {
	for name, list := range elements {
		have := merge.AsStrings(fields[name])
		for _, e := range list {
			have = slices.DeleteFunc(have, func(h string) bool { return h == e })
			if present {
				have = append(have, e)
			}
		}
		slices.Sort(have)
		fields[name] = merge.Encode(slices.Clip(append([]string{}, have...)))
	}
}

// stored gives the operations on a record that the server knows.
func (v *view) stored(col *merge.Collection, parent string) []merge.Row {
	var out []merge.Row
	v.r.Scan(childBucket, key(v.scope, col.Name, parent)+separator, func(k string, _ []byte) bool {
		if row, ok := v.base(col.Name, k[strings.LastIndexByte(k, '|')+1:]); ok {
			out = append(out, row)
		}
		return true
	})
	return out
}

// Operations implements merge.View.
func (v *view) Operations(collection, parent string) []merge.Row {
	col, ok := v.c.Schema.Collection(collection)
	if !ok {
		return nil
	}
	out := v.stored(col, parent)
	for _, e := range v.pending() {
		if e.Mutation.Collection != collection || e.Parent != parent {
			continue
		}
		if !slices.ContainsFunc(out, func(r merge.Row) bool { return r.ID == e.Mutation.ID }) {
			row, _, _ := v.draw(merge.Row{Key: e.record()}, false, e)
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b merge.Row) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// rows gives the base rows of a collection.
func (v *view) rows(collection string) []merge.Row {
	var out []merge.Row
	v.r.Scan(rowBucket, key(v.scope, collection)+separator, func(k string, _ []byte) bool {
		if row, ok := v.base(collection, k[strings.LastIndexByte(k, '|')+1:]); ok && !row.Deleted {
			out = append(out, row)
		}
		return true
	})
	return out
}

// Row gives one record as the user sees it. ok is false if it is not there, or
// deleted.
func (c *Client) Row(scope, collection, recordID string) (row merge.Row, ok bool, err error) {
	err = c.Local.View(func(r Reader) error {
		v := &view{c: c, r: r, scope: scope, drawn: c.onDisk(r)}
		row, ok = v.Row(collection, recordID)
		return nil
	})
	return row, ok, err
}

// Rows gives every live record of a collection as the user sees it, ordered by
// id, which is by the time they were made.
func (c *Client) Rows(scope, collection string) ([]merge.Row, error) {
	var out []merge.Row
	err := c.Local.View(func(r Reader) error {
		v := &view{c: c, r: r, scope: scope, drawn: c.onDisk(r)}
		ids := map[string]bool{}
		r.Scan(rowBucket, key(scope, collection)+separator, func(k string, _ []byte) bool {
			ids[k[strings.LastIndex(k, separator)+1:]] = true
			return true
		})
		for _, e := range v.pending() {
			if e.Mutation.Collection == collection {
				ids[e.Mutation.ID] = true
			}
		}
		for _, recordID := range slices.Sorted(maps.Keys(ids)) {
			if row, ok := v.Row(collection, recordID); ok {
				out = append(out, row)
			}
		}
		return nil
	})
	return out, err
}

// Base gives a record as the server said it, without own pending edits.
func (c *Client) Base(scope, collection, recordID string) (row merge.Row, ok bool, err error) {
	err = c.Local.View(func(r Reader) error {
		v := &view{c: c, r: r, scope: scope, drawn: c.onDisk(r)}
		row, ok = v.base(collection, recordID)
		return nil
	})
	return row, ok, err
}

// Scopes lists the scopes on the phone and whether each is complete.
func (c *Client) Scopes() (map[string]bool, error) {
	out := map[string]bool{}
	err := c.Local.View(func(r Reader) error {
		r.Scan(scopeBucket, "", func(k string, b []byte) bool {
			var s scopeState
			must(json.Unmarshal(b, &s))
			out[k] = s.Cut > 0
			return true
		})
		return nil
	})
	return out, err
}

// Snapshot gives the base rows of a scope: what the server said, live ones only,
// in no order.
func (c *Client) Snapshot(scope string) ([]merge.Row, error) {
	var out []merge.Row
	err := c.Local.View(func(r Reader) error {
		v := &view{c: c, r: r, scope: scope, drawn: c.onDisk(r)}
		r.Scan(rowBucket, scope+separator, func(k string, _ []byte) bool {
			parts := strings.Split(k, separator)
			if row, ok := v.base(parts[1], parts[2]); ok && !row.Deleted {
				out = append(out, row)
			}
			return true
		})
		return nil
	})
	return out, err
}

// Cursor is how far this phone has read, as the server wrote it.
func (c *Client) Cursor() (string, error) {
	var cursor string
	err := c.Local.View(func(r Reader) error {
		cursor = c.readMeta(r).Cursor
		return nil
	})
	return cursor, err
}
