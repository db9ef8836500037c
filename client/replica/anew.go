package replica

import (
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// forWant lists the codes of edits that were refused because something was not
// there. After a restore it may only not be there yet: it is on another phone,
// which sends it again when it is switched on.
func forWant() []string {
	return []string{"depends_on_lost", "depends_on_rejected", "invalid_reference", "record_unknown", "not_found"}
}

// anew makes the edits again that a restore refused, once what they need is
// back, and marks what the server's quarantine keeps of the refused ones.
func (t *taking) anew() {
	if t.late {
		return
	}
	renamed := map[merge.Ref]merge.Ref{}
	for _, e := range scanEntries(t.w, lostBucket, func(e *entry) bool { return e.User == t.m.Me.User }) {
		if e.State == lost && t.back(e) {
			old, now := t.again(e)
			renamed[old] = now
		}
		if e.State == anew {
			t.resolve(e)
		}
	}
	if len(renamed) == 0 {
		return
	}
	for _, e := range everyEntry(t.w, func(*entry) bool { return true }) {
		e.follow(renamed)
		e.write(t.w)
	}
}

// back reports whether everything that a refused edit needs is there: its
// record, unless it makes it, and whatever it refers to.
func (t *taking) back(e *entry) bool {
	col, ok := t.c.Schema.Collection(e.Mutation.Collection)
	if s := t.scope(e.Scope); !ok || s.Cut == 0 || s.Resetting {
		return false // the rows are those of the time line that ended, or none
	}
	need := col.References(&e.Mutation)
	if !e.Mutation.Create() {
		need = append(need, e.record())
	}
	return !slices.ContainsFunc(need, func(k merge.Key) bool { return !t.there(e, k) })
}

// there reports whether a record is alive, or will be when what stands before e
// in the outbox is sent.
func (t *taking) there(e *entry, k merge.Key) bool {
	if row, ok := readJSON[storedRow](t.w, rowBucket, key(e.Scope, k.Collection, k.ID)); ok {
		return !row.Deleted
	}
	return len(entries(t.w, func(o *entry) bool {
		return o.State == unsent && o.User == e.User && o.Scope == e.Scope && o.record() == k && o.Mutation.Create()
	})) > 0
}

// again puts the content of a refused edit into the outbox once more: as it was
// made, under a name that two copies of one phone both arrive at.
func (t *taking) again(e *entry) (old, now merge.Ref) {
	old = merge.Ref{Incarnation: e.Incarnation, N: e.Mutation.N, Hash: e.Hash}
	now = merge.Ref{Incarnation: derivedIncarnation(old), N: 1, Hash: e.Hash}
	t.m.Out++
	o := &entry{Pos: t.m.Out, User: e.User, Scope: e.Scope, Device: e.Device, Incarnation: now.Incarnation, Mutation: e.Mutation, Hash: e.Hash, Parent: e.Parent, State: unsent}
	o.Mutation.N = now.N
	o.write(t.w)
	e.State = anew
	e.write(t.w)
	return old, now
}

// resolve marks the quarantine record of an edit that was made anew, once it is
// on the phone: the server writes it after its verdict.
func (t *taking) resolve(e *entry) {
	ed := Edit{Scope: merge.UserScope(e.User), Collection: "quarantine", ID: e.Quarantine, Op: merge.Put, Set: map[string]merge.Value{"resolved": merge.Flag(true)}}
	col, ok := t.c.Schema.Collection(ed.Collection)
	if row, there := readJSON[storedRow](t.w, rowBucket, key(ed.Scope, ed.Collection, ed.ID)); ok && e.Quarantine != "" {
		if !there {
			return
		}
		if !row.Deleted && string(row.Fields["resolved"]) != "true" {
			writeMeta(t.w, t.m)
			_, err := t.c.keep(t.w, col, ed, t.c.draws(t.w))
			must(err)
			t.m = t.c.readMeta(t.w)
		}
	}
	e.remove(t.w)
}
