package merge

import (
	"bytes"
	"slices"
	"strings"
)

// edit is one mutation on its way into one record.
type edit struct {
	w         *work
	part      *Part
	m         *Mutation
	hash      Hash
	corrected Millis
	low       bool    // corrected is uncertain
	again     *Repeat // another scope has judged it before

	stamp   Millis
	refused []Ref // entries of after that were rejected
	unheard []Ref // entries of after that the book does not know
	c       *Collection
	rec     *Record // in the working set; nil until it is created
	stand   standing
	changes []change
	set     map[string]Value
	ignored []string
	marks   []string // for a person to look at
	wr      *Write
	sees    func(*Write) bool
	upTo    Seq    // what the base covers, on the time line of now
	early   Millis // nobody can have made it before

	lost     []string
	journals []string
	same     bool // the record exists with this very content
}

// lift computes the stamp: above the corrected time, above the server time that
// the phone had seen, above every own earlier edit it builds on.
func (ed *edit) lift() {
	w, m := ed.w, ed.m
	if ed.again != nil { // the books that it was lifted over are elsewhere
		ed.stamp = ed.again.Stamp
		for _, r := range m.After {
			if e, what := w.look(BookKey{w.in.Scope, ed.part.Device, again(ed.again.From, r.Incarnation)}, r.N); what == known && e.verdict().Outcome == Rejected {
				ed.refused = append(ed.refused, r)
			}
		}
		return
	}
	ed.stamp = max(ed.corrected, min(m.At.Server, w.time))
	for _, r := range m.After {
		e, what := w.look(BookKey{w.in.Scope, ed.part.Device, r.Incarnation}, r.N)
		switch {
		case what != known || e.Hash != r.Hash:
			ed.unheard = append(ed.unheard, r)
		case e.verdict().Outcome == Rejected:
			ed.refused = append(ed.refused, r)
		default:
			ed.stamp = max(ed.stamp, e.Stamp)
		}
	}
	if ed.low && m.N > 1 { // order kept by n: the clock cannot say more
		if e, what := w.look(ed.part.book(w.in.Scope), m.N-1); what == known {
			ed.stamp = max(ed.stamp, e.Stamp)
		}
	}
	ed.stamp++
}

// admit decides whether the edit may happen at all.
func (ed *edit) admit() *Reject {
	w, m := ed.w, ed.m
	c, ok := w.in.Schema.Collection(m.Collection)
	if !ok || c.Scope != ScopeKind(w.in.Scope) {
		return reject("unknown_collection", "collection")
	}
	ed.c = c
	old := w.get(Key{m.Collection, m.ID})
	ed.sees = ed.coverage()
	stands := ed.standings(old)
	if len(stands) == 0 {
		return reject("not_assigned", "")
	}
	if old == nil && !m.Create() {
		return ed.orphan()
	}
	if old != nil && old.Gone {
		return reject("record_gone", "id")
	}
	var first *Reject
	for _, s := range stands {
		r := ed.permit(s, old)
		if r == nil {
			return ed.check(old)
		}
		if first == nil {
			first = r
		}
	}
	return first
}

// standings finds the author's rights at the time of the edit. Nobody can have
// edited a version before it was committed.
func (ed *edit) standings(old *Record) []standing {
	w, m := ed.w, ed.m
	access := w.access
	if w.in.Self != "" && ed.part.Author == w.in.Self {
		access = append(slices.Clone(access), Grant{User: w.in.Self, Role: Self})
	}
	earliest, now := min(m.At.Server, w.time), w.time
	if ed.again != nil { // as mercifully as where it was judged first
		earliest, now = ed.again.Earliest, min(ed.again.Time, w.time)
	} else if old != nil && m.Base != nil {
		for _, heads := range old.Slots {
			for _, h := range heads {
				if h.Write.Seq <= ed.upTo && h.Write.Mutation != "" { // an own pending edit was not committed yet
					earliest = max(earliest, min(h.Write.Time, w.time))
				}
			}
		}
		if m.Base.Generation == w.in.Generation && m.Base.Version == old.Version {
			earliest = max(earliest, min(old.Time, w.time))
		}
	}
	ed.early = earliest
	at := max(ed.corrected, earliest)
	from := at
	if ed.low {
		from = earliest
	}
	return standings(access, ed.part.Author, at, from, now, w.in.Grace)
}

// orphan says why an edit of an unknown record is refused. It is never taken
// for a create: that would bring back what somebody deleted for good.
func (ed *edit) orphan() *Reject {
	m, in := ed.m, ed.w.in
	switch {
	case len(ed.refused) > 0:
		return reject("depends_on_rejected", "after")
	case ed.again == nil && m.Base != nil && m.Base.Generation != in.Generation, len(ed.unheard) > 0 && len(in.Forks) > 0:
		return reject("depends_on_lost", "base")
	}
	return reject("record_unknown", "id")
}

// coverage says which earlier writes the author had seen: those at or below the
// base in its generation, and the own ones named in after, and no others. An
// edit that is made once more had seen nothing of this scope, but of what came
// here from its own it had seen what it had seen there.
func (ed *edit) coverage() func(*Write) bool {
	m, in := ed.m, ed.w.in
	if m.Base != nil && ed.again == nil {
		ed.upTo = min(m.Base.Version, in.Applied)
		if m.Base.Generation != in.Generation {
			ed.upTo = min(ed.upTo, in.forkPoint(m.Base.Generation))
		}
	}
	var own map[string]Hash // nil: none, as for most
	if len(m.After) > 0 {
		own = make(map[string]Hash, len(m.After))
	}
	for _, r := range m.After {
		own[MutationName(ed.part.Device, r.Incarnation, r.N)] = r.Hash
		if ed.again != nil { // taken over, or made once more like this one
			own[MutationName(ed.part.Device, again(ed.again.From, r.Incarnation), r.N)] = r.Hash
		}
	}
	return func(h *Write) bool {
		if ed.below(h) {
			return true
		}
		hash, ok := own[h.Mutation]
		return ok && hash == h.Hash
	}
}

// below reports whether the base covers a write.
func (ed *edit) below(h *Write) bool {
	if ed.again != nil {
		return h.From == ed.again.From && h.Was <= ed.again.UpTo
	}
	return h.Seq <= ed.upTo
}

// onGoneLine reports whether the base speaks of a time line that is gone.
func (ed *edit) onGoneLine() bool {
	switch {
	case ed.again != nil:
		return ed.again.Forked
	case ed.m == nil || ed.m.Base == nil:
		return false
	}
	return ed.m.Base.Generation != ed.w.in.Generation
}

// forkPoint is the last commit that generation g shares with the current one,
// or 0 if g is unknown.
func (in *Input) forkPoint(g Generation) Seq {
	i := slices.IndexFunc(in.Forks, func(f Fork) bool { return f.Generation == g })
	if i < 0 {
		return 0
	}
	low := in.Forks[i].Seq
	for _, f := range in.Forks[i:] {
		low = min(low, f.Seq)
	}
	return low
}

// permit asks for the rights of one standing, and reads the changes.
func (ed *edit) permit(s standing, old *Record) *Reject {
	c, m, role := ed.c, ed.m, s.grant.Role
	create := old == nil
	allowed := c.Create
	if m.Op != Put {
		allowed = c.Delete
	}
	switch {
	case (create || m.Op != Put) && !slices.Contains(allowed, role):
		return reject("forbidden", "")
	case m.Op != Put && c.OnDelete == Never:
		return reject("not_deletable", "op")
	case role == Staff && c.Needs != "" && !slices.Contains(s.grant.Perms, c.Needs):
		return reject("forbidden", "")
	}
	ch, r := c.parse(m.Set, m.Add, m.Remove, role)
	if r != nil {
		return r
	}
	if create {
		for i := range c.Fields {
			if f := &c.Fields[i]; f.Required && f.Policy != Server && f.Policy != Set && f.Policy != Each && Null(ch.set[f.Name]) {
				return reject("required", "set."+f.Name)
			}
		}
	}
	ed.stand, ed.set = s, ch.set
	if c.Ignore != nil {
		ch.leave(c.Ignore(ed.attempt(old)))
	}
	ed.changes, ed.ignored = ch.list, ch.ignored
	if c.Allow != nil {
		return c.Allow(ed.attempt(old))
	}
	return nil
}

func (ed *edit) attempt(old *Record) Attempt {
	a := Attempt{View: ed.w, Author: ed.part.Author, Device: ed.part.Device, Role: ed.stand.grant.Role, Perms: ed.stand.grant.Perms, Op: ed.m.Op,
		Create: old == nil, ID: ed.m.ID, Set: ed.set, Corrected: ed.corrected,
		w: ed.w, c: ed.c, rec: old, sees: ed.sees, below: ed.below, again: ed.again, heard: min(ed.m.At.Server, ed.w.time)}
	if old != nil {
		a.Before = old.Row
	}
	return a
}

// check asks what types and rights cannot: content of what may not change,
// references, and the state machine.
func (ed *edit) check(old *Record) *Reject {
	if old != nil && ed.m.Op == Put {
		if ed.c.Immutable && ed.m.Create() {
			for _, name := range sortedKeys(ed.set) {
				v := ed.set[name]
				if f := ed.c.fields[name]; f.Policy == Once && !bytes.Equal(old.Fields[name], v) && !(Null(v) && old.Fields[name] == nil) {
					return reject("id_reuse", "set."+name)
				}
			}
			ed.same = true
			return nil
		}
	}
	if r := ed.fixed(old); r != nil {
		return r
	}
	if r := ed.checkReferences(); r != nil {
		return r
	}
	if r := ed.crowded(old); r != nil {
		return r
	}
	if r := ed.checkSizes(old); r != nil {
		return r
	}
	if ed.c.Parent != "" && old == nil {
		return ed.judge()
	}
	return nil
}

// mostHeads bounds the writes that lie side by side in one slot. Phones that show what
// others wrote make as many as there are phones away at once; a phone that never does
// would have each of its edits carried in all later commits of the record.
const mostHeads = 256

// crowded refuses an edit that would lie beside too many that its author has not seen.
// What another scope has judged is not judged again.
func (ed *edit) crowded(old *Record) *Reject {
	if old == nil || ed.again != nil {
		return nil
	}
	full := func(slot string) bool {
		heads := old.Slots[slot]
		if len(heads) < mostHeads {
			return false
		}
		unseen := 0
		for _, h := range heads {
			if !ed.sees(h.Write) {
				unseen++
			}
		}
		return unseen >= mostHeads
	}
	if full(alive) || slices.ContainsFunc(ed.changes, func(ch change) bool { return full(ch.slot) }) {
		return reject("too_many_unseen", "")
	}
	return nil
}

// fixed refuses another value for what is written once and has been seen.
func (ed *edit) fixed(old *Record) *Reject {
	if old == nil || ed.m.Op != Put {
		return nil
	}
	for _, ch := range ed.changes {
		heads := old.Slots[ch.slot]
		if ch.field.Policy == Once && ed.c.Immutable && len(heads) == 0 && !Null(ch.value) {
			return reject("immutable_field", "set."+ch.slot) // left out at the create, and so for ever
		}
		if ch.field.Policy == Once && len(heads) > 0 && ed.sees(heads[0].Write) && !bytes.Equal(heads[0].Value, ch.value) {
			return reject("immutable_field", "set."+ch.slot)
		}
	}
	return nil
}

// checkSizes refuses more elements or items than a field may hold, counted on the
// author's screen: what others added meanwhile is nobody's mistake, and the
// order of arrival must not decide.
func (ed *edit) checkSizes(old *Record) *Reject {
	if !slices.ContainsFunc(ed.changes, func(ch change) bool { return ch.path != nil || ch.field.Policy == Set }) {
		return nil // nothing that has many
	}
	seen := map[string]map[string]bool{} // by field: elements or item keys
	note := func(slot string) {
		field, rest, _ := cut(slot)
		element, _, _ := cut(rest)
		if f := ed.c.fields[field]; f == nil || f.Max == 0 {
			return
		} else if f.Policy == Set {
			element = rest
		}
		if seen[field] == nil {
			seen[field] = map[string]bool{}
		}
		seen[field][element] = true
	}
	if old != nil {
		for slot, heads := range old.Slots {
			if slices.ContainsFunc(heads, func(h Head) bool { return string(h.Value) != "false" && ed.sees(h.Write) }) {
				note(slot)
			}
		}
	}
	for _, ch := range ed.changes {
		if string(ch.value) != "false" {
			note(ch.slot)
		} else if field, element, _ := cut(ch.slot); ch.field.Policy == Set {
			delete(seen[field], element)
		}
	}
	for _, field := range sortedKeys(seen) {
		elements := seen[field]
		touched := slices.ContainsFunc(ed.changes, func(ch change) bool {
			return strings.HasPrefix(ch.slot, field+"/") && string(ch.value) != "false"
		})
		if touched && len(elements) > ed.c.fields[field].Max {
			return reject("too_many_items", field)
		}
	}
	return nil
}

func (ed *edit) checkReferences() (bad *Reject) {
	for _, name := range sortedKeys(ed.set) {
		ed.c.fields[name].Type.references(ed.set[name], func(collection, target string) {
			if ed.w.get(Key{collection, target}) == nil && bad == nil {
				bad = reject("invalid_reference", "set."+name)
			}
		})
	}
	for _, ch := range ed.changes {
		if ch.field.Policy == Set && ch.field.Type.To != "" {
			_, element, _ := strings.Cut(ch.slot, "/")
			if ed.w.get(Key{ch.field.Type.To, element}) == nil && bad == nil {
				bad = reject("invalid_reference", "add."+ch.field.Name)
			}
		}
	}
	return bad
}

// judge asks whether the operation is legal from the state its author saw.
func (ed *edit) judge() *Reject {
	afterRestore, r := ed.w.legal(ed.c, ed.attempt(nil), ed.forked)
	if afterRestore {
		ed.marks = append(ed.marks, "after_restore")
	}
	return r
}

// forked reports whether a restore stands between what the author saw and what is
// stored: something it saw then is gone; or something it saw long ago was gone
// from its screen, and came back after its phone heard from the server last.
func (ed *edit) forked(seen []Row, unknown []string) bool {
	forks, last := ed.w.in.Forks, ed.m.At.Server
	if len(forks) == 0 {
		return false
	}
	if last <= forks[len(forks)-1].At && len(unknown) > 0 {
		return true
	}
	return slices.ContainsFunc(seen, func(o Row) bool {
		came, err := ParseInstant(o.Text("received_at"))
		return err == nil && came > last && o.Text("created_device") != ed.part.Device
	})
}

// legal puts an operation to the state machine of its collection. forked says of
// the operations its author had seen whether a restore changed them since; it
// may be nil.
func (w *work) legal(c *Collection, a Attempt, forked func(seen []Row, unknown []string) bool) (afterRestore bool, r *Reject) {
	parent := w.get(Key{c.Parent, AsString(a.Set[c.ParentField])})
	if parent == nil {
		return false, reject("invalid_reference", "set."+c.ParentField)
	}
	if parent.Gone {
		return false, reject("record_gone", "set."+c.ParentField)
	}
	ops := w.Operations(c.Name, parent.ID)
	covered, unknown := Closure(ops, AsStrings(a.Set["seen"]))
	j := Judgement{Attempt: a, Parent: parent.Row, From: AsString(a.Set["from"])}
	for _, o := range ops {
		if covered[o.ID] {
			j.Seen = append(j.Seen, o)
			_, more := Closure(ops, o.Strings("seen")) // one that came back may have seen one that did not
			unknown = append(unknown, more...)
		}
	}
	j.AfterRestore = j.From != "" && forked != nil && forked(j.Seen, unknown)
	if c.Judge == nil {
		return j.AfterRestore, nil
	}
	return j.AfterRestore, c.Judge(j)
}
