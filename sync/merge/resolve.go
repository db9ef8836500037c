package merge

import (
	"maps"
	"slices"
	"strconv"

	"github.com/lumbung-ikm/lumbung/id"
)

// Part is what one incarnation sends for one scope.
type Part struct {
	Author      string
	Device      string
	Incarnation string
	Clock       Reading // current readings, taken when the push was sent
	Items       []Item

	// About is set in a commit of the author's own scope that records the
	// refusal of mutations meant for a scope that never named the author.
	About string

	// Writes are the server's own edits: effects and online edits. A part has
	// either items or writes.
	Writes []ServerWrite

	// Take are records of a scope that is merged into this one. Each is taken as
	// it is, unless a record of that key is there already. From is that scope.
	Take []*Record
	From string
}

func (p *Part) book(scope string) BookKey {
	if p.About != "" {
		scope = p.About
	}
	return BookKey{scope, p.Device, p.Incarnation}
}

// Input is everything a commit is made from.
type Input struct {
	Schema     *Schema
	Scope      string
	Generation Generation
	Forks      []Fork
	Applied    Seq
	Time       Millis // of the last commit
	Sum        uint64 // additive hash
	Access     []Grant
	Now        Millis
	Grace      Millis // how long after a right ended an edit made under it is accepted
	Self       string // the user whose own scope this is; "" for others
	MovedTo    string // the scope that this one was merged into; "" for most

	Pushes [][]*Part // pushes that share the commit, in order; parts of one push lie together

	// MaxItems and MaxBytes bound what one commit judges; 0 = no bound. Items
	// beyond it get no answer and belong into the next commit.
	MaxItems, MaxBytes int

	Records map[Key]*Record  // nil = known to be absent
	Tagged  map[string][]Key // by tag, deleted ones too
	Books   map[BookKey]*Book
	// Elsewhere looks into the book that the author's own scope keeps about this
	// scope. May be nil.
	Elsewhere func(BookKey, uint64) (Entry, bool)
}

// Answer is what becomes of one item.
type Answer struct {
	Verdict
	Seq      Seq
	N        uint64
	HasN     bool
	Index    int
	Repeated bool
	Key      Key // of the record, if one was named
	erased   bool
}

func (a *Answer) repeat(e Entry) {
	a.Verdict, a.Seq, a.Repeated = e.verdict(), e.Seq, true
}

// Output is what a commit would do.
type Output struct {
	Need    Need         // if it is not empty, nothing else counts, but: see Unsure
	Unsure  bool         // the rest would not be what it is even if all of Need turned out to be absent
	Answers [][][]Answer // by push, part and item
	Changed bool         // whether there is anything to commit
	Cut     bool         // items were left for the next commit
	Seq     Seq
	Time    Millis
	Sum     uint64
	Records []*Record // changed ones, parents first
	Pages   []*Page
	Access  []Grant
	Effects []Effect
	MovedTo string // set by the commit that merges the scope into another one
	Lines   []Line
}

// Line is what the log keeps of one mutation.
type Line struct {
	Mutation string  `json:"m"`
	Author   string  `json:"a"`
	Hash     Hash    `json:"h"`
	Stamp    Millis  `json:"s"`
	Verdict  Verdict `json:"v"`
}

// Resolve decides a commit. It changes nothing of its input.
func Resolve(in *Input) *Output {
	w := &work{in: in, seq: in.Applied + 1, time: max(in.Now, in.Time+1), recs: map[Key]*Record{}, before: map[Key]*Record{},
		author: map[Key]string{}, pages: map[PageKey]*Page{}, access: slices.Clone(in.Access), out: &Output{}}
	items := 0
	for _, push := range in.Pushes {
		for _, p := range push {
			items += len(p.Items)
		}
	}
	w.out.Lines = slices.Grow(w.out.Lines, items)
	for _, push := range in.Pushes {
		w.out.Answers = append(w.out.Answers, w.push(push))
	}
	w.derive()
	w.move()
	if w.need.Empty() {
		w.react()
	} else {
		w.guess()
	}
	w.handOver()
	w.finish()
	w.out.Need, w.out.Unsure = w.need, w.unsure
	return w.out
}

func (w *work) push(parts []*Part) [][]Answer {
	answers := make([][]Answer, len(parts))
	said := map[BookKey]map[uint64]Hash{}
	for i, p := range parts {
		var clash bool
		if answers[i], clash = w.identify(p, said); clash {
			rekeyed(answers[i])
		}
	}
	rekeyFollowers(parts, answers)
	for i, p := range parts {
		answers[i] = w.part(p, answers[i])
	}
	return answers
}

func (w *work) part(p *Part, answers []Answer) []Answer {
	tooNew := false
	for i := range p.Items {
		it, a := &p.Items[i], &answers[i]
		a.Key = Key{it.Mutation.Collection, it.Mutation.ID}
		if a.Outcome != "" {
			continue
		}
		if !tooNew && it.Bad == nil && !a.erased && it.Mutation.Schema > w.in.Schema.Version {
			tooNew = true // and so is everything behind it, or an edit would overtake its own predecessor
		}
		if tooNew && !a.erased {
			a.Verdict = Verdict{Outcome: Again, Code: "schema_too_new"}
			continue
		}
		if it.HasN && !a.erased {
			if e, what := w.look(p.book(w.in.Scope), it.Mutation.N); what == known { // twice in one part
				a.repeat(e)
				continue
			}
		}
		if w.full(it) {
			w.out.Cut = true
			break
		}
		w.item(p, it, a)
	}
	for _, r := range p.Take {
		w.take(p.From, r)
	}
	for _, sw := range p.Writes {
		a := Answer{Seq: w.seq, Key: Key{sw.Collection, sw.ID}}
		if r := w.decide(sw); r != nil {
			a.Verdict = Verdict{Outcome: Rejected, Code: r.Code, Field: r.Field}
		} else {
			a.Verdict = Verdict{Outcome: Applied}
		}
		answers = append(answers, a)
	}
	return answers
}

// full reports whether the commit has no room for one more item. The first
// item always has.
func (w *work) full(it *Item) bool {
	in := w.in
	w.items, w.bytes = w.items+1, w.bytes+len(it.Raw)
	return w.out.Cut || w.items > 1 && (in.MaxItems > 0 && w.items > in.MaxItems || in.MaxBytes > 0 && w.bytes > in.MaxBytes)
}

// item judges one fresh item and writes it into the book.
func (w *work) item(p *Part, it *Item, a *Answer) {
	w.out.Changed = true
	v, ed := w.judge(p, it, a)
	a.Verdict, a.Seq = v, w.seq
	if v.Outcome == Rejected {
		a.Quarantine = w.quarantine(p, it, v, ed.corrected)
	}
	name := MutationName(p.Device, p.Incarnation, it.Mutation.N)
	w.out.Lines = append(w.out.Lines, Line{name, p.Author, it.Hash, ed.stamp, a.Verdict})
	if !it.HasN || a.erased {
		return
	}
	w.repeat(ed, it, v)
	e := Entry{Hash: it.Hash, Stamp: ed.stamp, Seq: w.seq}
	if v.Outcome != Applied || len(v.Ignored) > 0 {
		final := a.Verdict
		e.Verdict = &final
	}
	w.note(p.book(w.in.Scope), it.Mutation.N, e)
}

// judge decides one item. A panic in a rule refuses the one mutation that
// caused it and nothing else; its content goes to quarantine like any other.
func (w *work) judge(p *Part, it *Item, a *Answer) (v Verdict, ed *edit) {
	ed = &edit{w: w, part: p, m: &it.Mutation, hash: it.Hash, again: it.Again}
	if ed.again != nil {
		ed.corrected, ed.low = min(ed.again.Made, w.time), ed.again.Low
	} else {
		ed.corrected, ed.low = Correct(it.Mutation.At, p.Clock, w.time)
	}
	ed.stamp = ed.corrected + 1
	refuse := func(r *Reject) (Verdict, *edit) {
		return Verdict{Outcome: Rejected, Code: r.Code, Field: r.Field}, ed
	}
	switch {
	case a.erased:
		return refuse(reject("unidentifiable", ""))
	case slices.Contains(w.in.Schema.Shared, p.About):
		return refuse(reject("forbidden", ""))
	case p.About != "":
		return refuse(reject("not_found", ""))
	case it.Bad != nil:
		return refuse(it.Bad)
	}
	defer func() {
		if problem := recover(); problem != nil {
			v, ed = refuse(reject("internal", ""))
		}
	}()
	w.foresee(&it.Mutation)
	ed.lift()
	if w.contains(ed) {
		return Verdict{Outcome: Applied}, ed
	}
	if r := ed.admit(); r != nil {
		return refuse(r)
	}
	return ed.apply(), ed
}

// foresee asks at once for what the edit of a record that is not loaded yet will need
// as soon as it is: what hangs on it, what it hangs on, and the record of the scope.
func (w *work) foresee(m *Mutation) {
	k := Key{m.Collection, m.ID}
	c, ok := w.in.Schema.Collection(m.Collection)
	if _, loaded := w.in.Records[k]; loaded || !ok {
		return
	}
	if len(w.in.Schema.Children(c)) > 0 {
		w.tagged(OperationsTag(k))
	}
	if parent := AsString(m.Set[c.ParentField]); c.Parent != "" && parent != "" {
		w.get(Key{c.Parent, parent})
		w.tagged(OperationsTag(Key{c.Parent, parent}))
	}
	if root, ok := w.in.Schema.Root(w.in.Scope); ok {
		w.get(root)
	}
}

// quarantine keeps what was refused, for its author.
func (w *work) quarantine(p *Part, it *Item, v Verdict, made Millis) string {
	qid := ""
	if it.HasN && v.Code != "unidentifiable" { // that one may come again and again, and the book does not say so
		qid = w.effectID("quarantine", MutationName(p.Device, p.Incarnation, it.Mutation.N), p.Author)
	} else { // the only name it has is its content
		qid = id.Derive("quarantine", w.in.Scope, p.Author, p.Device, it.Hash.String())
	}
	about := p.About
	if about == "" {
		about = w.in.Scope
	}
	raw := it.Raw
	if len(raw) > MaxMutation {
		raw = raw[:MaxMutation]
	}
	w.effect(Effect{Scope: UserScope(p.Author), Collection: "quarantine", ID: qid, Set: map[string]Value{
		"scope": Str(about), "collection": Str(it.Mutation.Collection), "record": Str(it.Mutation.ID),
		"code": Str(v.Code), "field": Str(v.Field), "device": Str(p.Device), "incarnation": Str(p.Incarnation), "n": Num(it.Mutation.N),
		"refused_at": w.time.Value(), "mutation": Str(string(raw)),
	}})
	if refused := w.in.Schema.Refused; refused != nil {
		for i, e := range refused(Refusal{View: w, Access: w.access, Author: p.Author, Item: *it, Verdict: v, Made: made, Received: w.time, ID: qid}) {
			w.effect(w.named(e, "refused "+qid+" "+string(Num(i))))
		}
	}
	return qid
}

// UserScope is the scope that belongs to one user alone.
func UserScope(user string) string { return "user/" + user }

// effectID derives the id of something this commit causes: from scope,
// generation, seq, a number or name inside the commit, and the recipient.
func (w *work) effectID(kind, what, recipient string) string {
	return id.Derive(kind, w.in.Scope, w.in.Generation.String(), strconv.FormatUint(uint64(w.seq), 10), what, recipient)
}

// named gives an effect its id, unless it has one.
func (w *work) named(e Effect, what string) Effect {
	if e.Key != "" {
		what = "key " + e.Key
	}
	if e.ID == "" {
		e.ID = w.effectID("effect", what, e.Scope)
	}
	return e
}

// effect notes an effect, once. One whose scope is this scope happens at once.
func (w *work) effect(e Effect) {
	if slices.ContainsFunc(w.out.Effects, func(o Effect) bool { return o.ID == e.ID && o.Collection == e.Collection && o.Scope == e.Scope }) {
		return
	}
	if e.Scope != w.in.Scope || e.Do != "" || e.Introduce {
		w.out.Effects = append(w.out.Effects, e)
		return
	}
	w.server(ServerWrite{Name: "effect." + e.ID, Role: System, Collection: e.Collection, ID: e.ID, Op: Put, Set: e.Set, Create: true})
}

func (w *work) create(c *Collection, k Key, wr *Write, device string, made Millis) *Record {
	rec := newRecord(k, wr)
	rec.Fields["created_by"] = Str(wr.Author)
	if device != "" {
		rec.Fields["created_device"] = Str(device)
	}
	rec.Fields["created_at"] = made.Value()
	rec.Fields["received_at"] = w.time.Value()
	if wr.From != "" { // that is when it arrived
		rec.Fields["received_at"] = wr.WasTime.Value()
	}
	if c.Parent != "" {
		rec.Fields["role"] = Str(string(wr.Role))
		rec.Fields["stamp"] = Num(wr.Stamp)
	}
	w.keep(rec, nil)
	return rec
}

// finish gives versions, the hash and the access list.
func (w *work) finish() {
	o := w.out
	o.Seq, o.Time, o.Sum = w.seq, w.time, w.in.Sum
	keys := w.changed()
	o.Records = slices.Grow(o.Records, len(keys))
	for _, operations := range []bool{false, true} { // behind what they act on
		for _, k := range keys {
			if (w.collection(k).Parent != "") == operations {
				o.Records = append(o.Records, w.number(k))
			}
		}
	}
	o.Access = w.access
	pages := slices.SortedFunc(maps.Keys(w.pages), comparePages)
	for _, k := range pages {
		o.Pages = append(o.Pages, w.pages[k])
	}
	o.Changed = o.Changed || len(o.Records) > 0
}

// number gives a record its version and its share of the hash.
func (w *work) number(k Key) *Record {
	r, old := w.recs[k], w.before[k]
	if old != nil && !old.Deleted {
		w.out.Sum -= Sum(k, old.Version)
	}
	r.Version, r.Time = w.seq, w.time
	if !r.Deleted {
		w.out.Sum += Sum(k, r.Version)
	}
	return r
}
