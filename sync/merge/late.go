package merge

import "maps"

// Late is a phone's edit that an admin lets count after its author's right had
// ended. It is made on what is stored now, and asked whatever a phone's edit is
// asked.
type Late struct {
	Right Grant  // the one its author held last
	Made  Millis // when the edit was made, by the corrected clock
}

// ask puts a server's write to the rules that it has to obey, and gives the edit
// that is left of it.
func (w *work) ask(c *Collection, sw ServerWrite, old *Record) (*edit, *Reject) {
	if sw.Late != nil {
		return w.askLate(c, sw, old)
	}
	ch, r := c.parse(sw.Set, sw.Add, sw.Remove, System)
	if r == nil {
		r = strictly(old, sw, ch.list)
	}
	if r == nil {
		r = w.online(c, sw, old, &ch)
	}
	return &edit{w: w, c: c, sees: everything, corrected: w.time, changes: ch.list}, r // the server reads before it writes
}

// askLate is admit for an edit whose author's right is given: rights, types and
// rules, then content, references and the state machine, by the same code.
func (w *work) askLate(c *Collection, sw ServerWrite, old *Record) (*edit, *Reject) {
	m := &Mutation{Collection: sw.Collection, ID: sw.ID, Op: sw.Op, Set: sw.Set, Add: sw.Add, Remove: sw.Remove, At: Reading{Server: w.time}}
	if !sw.Create {
		m.Base = &Base{Generation: w.in.Generation, Version: w.in.Applied}
	}
	ed := &edit{w: w, c: c, part: &Part{Author: sw.Author}, m: m, corrected: min(sw.Late.Made, w.time), sees: everything, upTo: w.seq}
	if r := ed.permit(standing{grant: sw.Late.Right}, old); r != nil {
		return ed, r
	}
	if r := strictly(old, sw, ed.changes); r != nil {
		return ed, r
	}
	return ed, ed.check(old)
}

// unseen takes out of a late operation what its author had on the screen: it is
// made on what is there now.
func (c *Collection) unseen(set map[string]Value) map[string]Value {
	if c.Parent == "" {
		return set
	}
	set = maps.Clone(set)
	delete(set, "seen")
	delete(set, "from")
	return set
}

// decideBook keeps the decisions of Decide. No phone's device has an empty name.
func decideBook(scope, name string) BookKey { return BookKey{About: scope, Incarnation: name} }

// DecisionPage is the page of a scope's verdict book that keeps what was decided
// under a name, for Decision.
func DecisionPage(scope, name string) PageKey { return PageKey{BookKey: decideBook(scope, name)} }

// Decision reads what was decided on a DecisionPage: Applied, Rejected or, as
// long as nothing was, "".
func Decision(p Page) Outcome {
	e, ok := p.Entries[decideEntry]
	if !ok {
		return ""
	}
	return e.verdict().Outcome
}

// decideEntry is the one number of such a book.
const decideEntry = 1

// decide carries out a write of the server's own. One that is the last word on
// its name goes by the book: what was decided stays so, whatever is written over
// it later. A scope that was merged into another one decides nothing any more.
func (w *work) decide(sw ServerWrite) *Reject {
	if sw.Decide == "" {
		return w.server(sw)
	}
	book := decideBook(w.in.Scope, sw.Name)
	e, what := w.look(book, decideEntry)
	switch {
	case what == missing: // it is asked again
		w.unsure = true
		return nil
	case what == known && e.verdict().Outcome == sw.Decide:
		return nil
	case what == known:
		return reject("conflict", "")
	case w.in.MovedTo != "":
		return reject("business_merged", "")
	}
	e = Entry{Stamp: w.time, Seq: w.seq}
	if sw.Decide == Applied {
		if r := w.server(sw); r != nil {
			return r
		}
	} else {
		e.Verdict = &Verdict{Outcome: sw.Decide}
		w.out.Lines = append(w.out.Lines, Line{sw.Name, sw.Author, Hash{}, w.time, *e.Verdict})
	}
	w.note(book, decideEntry, e)
	w.out.Changed = true
	return nil
}
