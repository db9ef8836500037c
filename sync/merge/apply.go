package merge

import (
	"encoding/json"
	"slices"
	"strings"
)

// apply writes the edit into the record and says what became of it.
func (ed *edit) apply() Verdict {
	w, m := ed.w, ed.m
	k := Key{m.Collection, m.ID}
	ed.wr = &Write{Mutation: MutationName(ed.part.Device, ed.part.Incarnation, m.N), Author: ed.part.Author, Role: ed.stand.grant.Role,
		Seq: w.seq, Time: w.time, Stamp: ed.stamp, Hash: ed.hash}
	if ed.again != nil {
		ed.wr.From, ed.wr.Was, ed.wr.WasTime = ed.again.From, ed.again.Seq, ed.again.Time
	}
	if ed.stand.late {
		ed.marks = append(ed.marks, "late_handover")
	}
	if ed.stand.low {
		ed.marks = append(ed.marks, "time_low")
	}
	ed.rec = w.edit(k)
	if ed.same {
		return Verdict{Outcome: Applied, Ignored: ed.ignored}
	}
	if ed.rec == nil {
		ed.rec = w.create(ed.c, k, ed.wr, ed.part.Device, ed.corrected)
	}
	ed.mark()
	w.author[k] = ed.part.Author
	ed.carryOut(m.Op)
	v := Verdict{Outcome: Applied, Lost: ed.lost, Ignored: ed.ignored, Journal: ed.journals}
	wrote := max(len(ed.changes), 1)
	switch {
	case len(ed.lost) >= wrote:
		v.Outcome = Superseded
	case len(ed.lost) > 0:
		v.Outcome = Merged
	}
	return v
}

func (ed *edit) mark() {
	if len(ed.marks) == 0 {
		return
	}
	marks := append(AsStrings(ed.rec.Fields["review"]), ed.marks...)
	slices.Sort(marks)
	ed.rec.Fields["review"] = Encode(slices.Compact(marks))
}

// carryOut writes liveness and fields, then journals what lost and what lives
// again.
func (ed *edit) carryOut(op Op) {
	wasDead := ed.rec.Deleted
	ed.liveness(op != Delete)
	for _, ch := range ed.changes {
		ed.field(ch)
	}
	if ed.rec.Deleted && ed.c.OnDelete == DeleteWins {
		ed.bury(op, wasDead)
	}
	ed.settle()
	if ed.c.Parent != "" { // the replay of this very commit must find it
		ed.rec.Tags = []string{OperationsTag(Key{ed.c.Parent, ed.rec.Text(ed.c.ParentField)})}
	}
}

func (ed *edit) liveness(living bool) {
	if ed.c.OnDelete == Never {
		return // such a record has no liveness to fight over
	}
	f := &Field{Name: "deleted", Policy: Latest}
	heads, _ := place(f, ed.rec.Slots[alive], Head{ed.wr, Flag(living)}, ed.sees)
	ed.rec.Slots[alive] = heads
	win, _ := aliveWinner(ed.c.OnDelete, heads)
	ed.rec.Deleted = string(win.Value) == "false"
	if !ed.rec.Deleted && ed.c.OnDelete == Keep { // a delete that an edit outlived
		for _, h := range heads {
			if string(h.Value) == "false" {
				ed.lose("deleted", Head{h.Write, Flag(true)}, win, "delete")
			}
		}
	}
}

// bury journals the values that die with a record under DeleteWins although
// the delete had not seen them.
func (ed *edit) bury(op Op, wasDead bool) {
	win, _ := aliveWinner(ed.c.OnDelete, ed.rec.Slots[alive])
	if op == Delete {
		for _, slot := range sortedKeys(ed.rec.Slots) {
			for _, h := range ed.rec.Slots[slot] {
				if slot[0] != '/' && h.Write != ed.wr && !ed.sees(h.Write) {
					ed.lose(slot, h, Head{win.Write, nullValue}, "delete")
				}
			}
		}
		return
	}
	if !wasDead {
		return
	}
	for _, ch := range ed.changes {
		ed.lose(ch.slot, Head{ed.wr, ch.value}, Head{win.Write, nullValue}, "delete")
	}
	if len(ed.changes) == 0 {
		ed.lost = append(ed.lost, "deleted")
	}
}

// field writes one slot and makes its value anew.
func (ed *edit) field(ch change) {
	rec, f := ed.rec, ch.field
	if f.Policy == Server {
		setField(rec.Fields, ch.slot, ch.value)
		rec.Slots[served] = []Head{{ed.wr, nullValue}}
		rec.remember(f, ed.wr, ch.value)
		return
	}
	h := Head{ed.wr, ch.value}
	rec.chronicle(f, h)
	before := rec.Slots[ch.slot]
	after, kept := place(f, before, h, ed.sees)
	rec.Slots[ch.slot] = after
	win, _ := winner(f, after)
	ed.show(ch, win.Value)
	rec.remember(f, ed.wr, win.Value)
	if !kept && !sameText(win.Value, h.Value) {
		ed.lose(ch.slot, h, win, f.Policy.String())
	}
	for _, old := range before { // a register drops what is no extremum, seen or not
		if (f.Policy == Earliest || f.Policy == LatestOf) && old.Write != win.Write && !ed.sees(old.Write) && !sameText(old.Value, win.Value) {
			ed.lose(ch.slot, old, win, f.Policy.String())
		}
	}
	for _, other := range after {
		if other.Write != win.Write && !sameText(other.Value, win.Value) {
			ed.lose(ch.slot, other, win, f.Policy.String())
		}
	}
	ed.journalForked(ch, before, after, win)
}

// journalForked keeps what a base of an older generation replaced: its author
// saw it on a time line that is gone.
func (ed *edit) journalForked(ch change, before, after []Head, win Head) {
	if !ed.onGoneLine() {
		return
	}
	for _, old := range before {
		gone := !slices.ContainsFunc(after, func(h Head) bool { return h.Write == old.Write })
		if gone && !sameText(old.Value, win.Value) {
			ed.lose(ch.slot, old, win, "after_restore")
		}
	}
}

// show makes the public value of a slot.
func (ed *edit) show(ch change, v Value) {
	fields := ed.rec.Fields
	switch {
	case ch.path != nil:
		items := map[string]map[string]Value{}
		if old := fields[ch.path[0]]; old != nil {
			if json.Unmarshal(old, &items) != nil {
				panic("merge: a keyed list does not decode")
			}
		}
		if items[ch.path[1]] == nil {
			items[ch.path[1]] = map[string]Value{}
		}
		setField(items[ch.path[1]], ch.path[2], v)
		fields[ch.path[0]] = Encode(items)
	case ch.field.Policy == Set:
		var present []string
		for slot, heads := range ed.rec.Slots {
			if element, ok := strings.CutPrefix(slot, ch.field.Name+"/"); ok {
				if win, _ := winner(ch.field, heads); string(win.Value) == "true" {
					present = append(present, element)
				}
			}
		}
		slices.Sort(present)
		setField(fields, ch.field.Name, Encode(present))
	case ch.field.Group != "":
		var members map[string]Value
		if json.Unmarshal(v, &members) != nil {
			panic("merge: a group does not decode")
		}
		for name, m := range members {
			setField(fields, name, m)
		}
	default:
		setField(fields, ch.slot, v)
	}
}

func setField(fields map[string]Value, name string, v Value) {
	if Null(v) {
		delete(fields, name)
		return
	}
	fields[name] = v
}
