package merge

import (
	"cmp"
	"slices"
	"strings"
)

// View is what a rule may read of the scope: the state that the commit in the
// making would leave behind.
type View interface {
	// Row finds a record, deleted ones too.
	Row(collection, id string) (Row, bool)
	// Tagged gives the live records that carry the tag, ordered by key.
	Tagged(tag string) []Row
	// Operations gives the stored operations on a record, ordered by id.
	Operations(collection, parent string) []Row
	// Scope is the name of the scope.
	Scope() string
	// Now is the instant of the commit.
	Now() Millis
}

// Attempt is an edit before it is accepted, for Collection.Allow. Whether it is
// accepted must not depend on the order of arrival: a rule may use what the edit
// says, what never changes, and what its author had seen (Saw, SawRow). Before
// is for what never changes.
type Attempt struct {
	View
	Author    string
	Device    string // it was made on; "" online
	Role      Role
	Perms     []string
	Op        Op
	Create    bool
	Before    Row // zero if it creates
	ID        string
	Set       map[string]Value // canonical; null = cleared
	Corrected Millis           // when the edit was made
	Online    bool             // made on the server's own copy, not on a phone's

	w     *work
	c     *Collection
	rec   *Record // nil if it creates
	sees  func(*Write) bool
	below func(*Write) bool // what the base covers
	again *Repeat
	heard Millis // when the phone heard from the server last
}

// Saw is what a Once or a remembered field had shown to the author, nil if
// nothing. Of a remembered field it is what the base covers, own edits behind it
// left out.
func (a Attempt) Saw(field string) (shown Value) {
	if a.rec == nil {
		return nil
	}
	if !a.c.fields[field].Remember {
		for _, h := range a.rec.Slots[field] {
			if a.sees(h.Write) {
				shown = h.Value
			}
		}
		return shown
	}
	for _, h := range a.rec.Slots[history(field)] {
		if a.below(h.Write) {
			shown = h.Value
		}
	}
	return shown
}

// SawRow reports whether the author had seen the creation of another record of
// the scope: below the base, own, or before the phone heard from the server
// last, for a base speaks of one record only.
func (a Attempt) SawRow(r Row) bool {
	rec := a.w.get(r.Key)
	switch {
	case rec == nil:
		return false
	case a.sees(rec.Born):
		return true
	case a.again != nil: // its phone heard from the other scope
		return rec.Born.From == a.again.From && rec.Born.WasTime <= a.heard
	}
	return rec.Born.Time <= a.heard
}

// Judgement is an operation before it is accepted, for Collection.Judge.
type Judgement struct {
	Attempt
	Parent       Row
	Seen         []Row  // accepted operations that the author had seen: the closure of seen
	From         string // the state the author named
	AfterRestore bool   // something it had seen is lost: judge from From
}

// Derived is what a replay computes: server fields of the record itself and of
// its operations.
type Derived struct {
	Fields     map[string]Value
	Operations map[Key]map[string]Value
}

// Change is a record before and after a commit, for Collection.React.
type Change struct {
	View
	Before, After Row  // Before is zero for a new record
	New           bool // it did not exist before
	Access        []Grant
	Author        string // who made the mutation that caused it; "" for a recompute

	w *work
}

// Together gives the changes that this commit makes to records of a collection,
// ordered by key, those left out that were taken over from another scope. A rule
// that tells of many at once reads it, and says the same whichever of them it is
// asked about.
func (c Change) Together(collection string) []Change {
	var out []Change
	for _, k := range c.w.changed() {
		if k.Collection == collection && !c.w.taken[k] {
			out = append(out, c.w.change(k))
		}
	}
	return out
}

// Effect is what a commit causes outside its scope: a record that is created in
// another one, once, however often the effect is carried out; or a claim.
type Effect struct {
	Scope      string           `json:"scope"`
	Collection string           `json:"collection"`
	ID         string           `json:"id"`
	Set        map[string]Value `json:"set"`
	// Claim makes the effect one on this scope's own record: what a Unique field
	// shows is claimed, what it showed before is given up. Set is nil then.
	Claim *Claim `json:"claim,omitempty"`
	// Change makes the effect a change of a record that is there; where it is not,
	// nothing happens.
	Change bool `json:"change,omitempty"`
	// Mirror makes the record say what this scope says: it is made where it is
	// absent, and changed unless a newer commit of this scope has had its say. So
	// the effects of several commits may be carried out in any order, and twice.
	// The record keeps in its server field "cause" who spoke last.
	Mirror bool `json:"mirror,omitempty"`
	// Do names what the program does at it: a step of a job, which it may have to do
	// twice. Scope, Collection and ID name the record of the step.
	Do string `json:"do,omitempty"`
	// Introduce brings what the record, a person's profile in their own scope, says
	// of them into every window that names them. It is read when that is done, so
	// order and repetition do not matter.
	Introduce bool `json:"introduce,omitempty"`
	// Take makes Scope take over the records of the scope that causes the effect.
	Take bool `json:"take,omitempty"`
	// Repeat makes an edit once more in Scope, which the scope that judged it was
	// merged into.
	Repeat *Repeat `json:"repeat,omitempty"`
	// Taken makes the effect count only if the scope that this one was merged into
	// took this record over with the change in it. Any other change is made once
	// more there, and causes there what it causes.
	Taken *Key `json:"taken,omitempty"`
	// Key tells apart the effects of one commit for one recipient, where ID is
	// left to the resolver: two with one key are one effect.
	Key string `json:"-"`
}

// Plain reports whether the effect only makes a record, whatever else happens.
func (e Effect) Plain() bool {
	return e.Claim == nil && !e.Change && !e.Mirror && e.Do == "" && !e.Introduce && !e.Take && e.Repeat == nil && e.Taken == nil
}

// Claim is a change of a Unique field. Whoever carries it out looks at the
// record as it is by then: of several changes the last one counts, in whatever
// order and however often they are carried out.
type Claim struct {
	Field string `json:"field"`
	Old   string `json:"old,omitempty"` // what it showed before
}

// Repeat is an accepted edit, to be made once more elsewhere under a name that
// is derived from its own. What its scope found out of its time, its order and
// what it had seen holds there too: only there is the phone's part known.
type Repeat struct {
	Author      string `json:"author"`
	Device      string `json:"device"`
	Incarnation string `json:"incarnation"` // the derived one
	From        string `json:"from"`        // the scope that judged it
	Seq         Seq    `json:"seq"`         // of its commit
	Time        Millis `json:"time"`        // of that commit
	Made        Millis `json:"made"`        // by the corrected clock
	Low         bool   `json:"low,omitempty"`
	Earliest    Millis `json:"earliest"`
	Stamp       Millis `json:"stamp"`
	UpTo        Seq    `json:"up_to,omitempty"`  // what its base covered
	Forked      bool   `json:"forked,omitempty"` // on a time line that is gone
	Raw         Value  `json:"mutation"`         // as it was sent
}

// Refusal is a mutation that was refused, for Schema.Refused.
type Refusal struct {
	View
	Access   []Grant
	Author   string
	Item     Item
	Verdict  Verdict
	Made     Millis // by the corrected clock
	Received Millis
	ID       string // of the quarantine record; unique to this refusal
}

// Need is what a resolve must be given before it can decide. It is the first
// answer to every commit; the caller loads and asks again.
type Need struct {
	Keys  map[Key]bool
	Tags  map[string]bool
	Pages map[PageKey]bool
}

// Empty reports whether nothing is missing.
func (n *Need) Empty() bool { return len(n.Keys)+len(n.Tags)+len(n.Pages) == 0 }

func (n *Need) key(k Key) {
	if n.Keys == nil {
		n.Keys = map[Key]bool{}
	}
	n.Keys[k] = true
}

func (n *Need) tag(t string) {
	if n.Tags == nil {
		n.Tags = map[string]bool{}
	}
	n.Tags[t] = true
}

func (n *Need) page(p PageKey) {
	if n.Pages == nil {
		n.Pages = map[PageKey]bool{}
	}
	n.Pages[p] = true
}

// OperationsTag is the tag under which the operations of a record are found.
func OperationsTag(parent Key) string { return "of:" + parent.String() }

// work is one resolve in the making.
type work struct {
	in     *Input
	seq    Seq
	time   Millis
	need   Need
	unsure bool            // something was left out because of need
	recs   map[Key]*Record // changed, cloned from in.Records
	list   []*Record       // the same, in the order in which they were
	keys   []Key           // of recs, in order, as of the last call of changed
	before map[Key]*Record // what they were; nil = absent
	author map[Key]string
	taken  map[Key]bool // from another scope, where what they cause has happened
	pages  map[PageKey]*Page
	access []Grant
	items  int // judged so far, and their bytes
	bytes  int
	out    *Output
}

// get finds a record in the working set; what was never loaded is noted.
func (w *work) get(k Key) *Record {
	if r, ok := w.recs[k]; ok {
		return r
	}
	r, ok := w.in.Records[k]
	if !ok {
		w.need.key(k)
	}
	return r
}

// edit gives a record that may be changed.
func (w *work) edit(k Key) *Record {
	if r, ok := w.recs[k]; ok {
		return r
	}
	old := w.get(k)
	if old == nil {
		return nil
	}
	r := old.Clone()
	w.keep(r, old)
	return r
}

func (w *work) keep(r, old *Record) {
	if _, ok := w.before[r.Key]; !ok {
		w.before[r.Key] = old
	}
	w.hold(r)
}

func (w *work) hold(r *Record) {
	if _, ok := w.recs[r.Key]; ok {
		w.list = slices.DeleteFunc(w.list, func(o *Record) bool { return o.Key == r.Key })
	}
	w.recs[r.Key] = r
	w.list = append(w.list, r)
}

// Row implements View.
func (w *work) Row(collection, id string) (Row, bool) {
	r := w.get(Key{collection, id})
	if r == nil {
		return Row{}, false
	}
	return r.Row, true
}

// Tagged implements View.
func (w *work) Tagged(tag string) []Row {
	var out []Row
	for _, r := range w.tagged(tag) {
		if !r.Deleted {
			out = append(out, r.Row)
		}
	}
	return out
}

func (w *work) tagged(tag string) []*Record {
	stored, ok := w.in.Tagged[tag]
	if !ok {
		w.need.tag(tag)
	}
	var found []*Record
	for _, k := range stored {
		if r := w.get(k); r != nil && slices.Contains(r.Tags, tag) {
			found = append(found, r)
		}
	}
	for _, r := range w.list {
		if slices.Contains(r.Tags, tag) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *Record) int { return a.Key.Compare(b.Key) })
	return slices.CompactFunc(found, func(a, b *Record) bool { return a.Key == b.Key }) // one that is stored and changed is one record: get says which
}

// Operations implements View.
func (w *work) Operations(collection, parent string) []Row {
	c, ok := w.in.Schema.Collection(collection)
	if !ok {
		return nil
	}
	var out []Row
	for _, r := range w.tagged(OperationsTag(Key{c.Parent, parent})) {
		if r.Collection == collection {
			out = append(out, r.Row)
		}
	}
	return out
}

// Scope implements View.
func (w *work) Scope() string { return w.in.Scope }

// Now implements View.
func (w *work) Now() Millis { return w.time }

// Closure gives the ids of every operation among ops that is covered by one who
// had seen these: the operations named and, through their own seen, all before
// them. unknown lists the named ids that are not among ops.
func Closure(ops []Row, seen []string) (covered map[string]bool, unknown []string) {
	byID := make(map[string]Row, len(ops))
	for _, o := range ops {
		byID[o.ID] = o
	}
	covered = map[string]bool{}
	queue := slices.Clone(seen)
	for i, s := range seen {
		if _, ok := byID[s]; !ok {
			unknown = append(unknown, seen[i])
		}
	}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		o, ok := byID[next]
		if !ok || covered[next] {
			continue
		}
		covered[next] = true
		queue = append(queue, o.Strings("seen")...)
	}
	return covered, unknown
}

// Undominated gives the operations that no other among ops has seen, ordered by
// (stamp, id). Two that have seen each other, as after a restore one that the server
// said again under its id and one of a phone that had seen it before, hide neither.
func Undominated(ops []Row) []Row {
	saw := map[string]map[string]bool{}
	for _, o := range ops {
		saw[o.ID], _ = Closure(ops, o.Strings("seen"))
	}
	var out []Row
	for _, o := range ops {
		if !slices.ContainsFunc(ops, func(by Row) bool { return saw[by.ID][o.ID] && !saw[o.ID][by.ID] }) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, EarlierOperation)
	return out
}

// EarlierOperation orders operations by (stamp, id).
func EarlierOperation(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Int("stamp"), b.Int("stamp")), strings.Compare(a.ID, b.ID))
}
