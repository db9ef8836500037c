package merge

import "slices"

// lose journals a value that lost, once for as long as it stays lost.
func (ed *edit) lose(slot string, loser, keeper Head, rule string) {
	if loser.Write == ed.wr && !slices.Contains(ed.lost, slot) {
		ed.lost = append(ed.lost, slot)
	}
	known := func(l Lost) bool { return l.Slot == slot && l.Mutation == loser.Write.Mutation }
	if slices.ContainsFunc(ed.rec.Lost, known) {
		return
	}
	w := ed.w
	name := loser.Write.Mutation + " " + ed.rec.Key.String() + " " + slot
	entry := w.effectID("journal", name, "")
	ed.rec.Lost = append(ed.rec.Lost, Lost{slot, loser.Write.Mutation, entry, loser.Value})
	k := Key{"journal", entry}
	j := &Record{Row: Row{Key: k}, Slots: map[string][]Head{}, Born: &Write{Mutation: "journal." + entry, Role: System, Seq: w.seq, Time: w.time, Stamp: w.time}}
	j.Fields = map[string]Value{
		"collection": Str(ed.rec.Collection), "record": Str(ed.rec.ID), "field": Str(slot), "rule": Str(rule),
		"lost": loser.Value, "lost_by": Str(loser.Write.Author), "lost_role": Str(string(loser.Write.Role)), "lost_at": loser.Write.Stamp.Value(),
		"kept": keeper.Value, "kept_by": Str(keeper.Write.Author), "kept_role": Str(string(keeper.Write.Role)), "kept_at": keeper.Write.Stamp.Value(),
		"created_at": w.time.Value(), "received_at": w.time.Value(),
	}
	w.keep(j, nil)
	if loser.Write == ed.wr {
		ed.journals = append(ed.journals, entry)
	}
}

// settle answers the journal entries whose value lives again: returned if the
// very write that lost is the value now, restored if somebody wrote it anew.
func (ed *edit) settle() {
	rec := ed.rec
	if len(rec.Lost) == 0 {
		return
	}
	var open []Lost
	for _, l := range rec.Lost {
		win, ok := ed.shown(l.Slot)
		if !ok || !sameText(win.Value, l.Value) {
			open = append(open, l)
			continue
		}
		j := ed.w.edit(Key{"journal", l.Journal})
		switch {
		case j == nil: // compacted, or still to be loaded
		case win.Write.Mutation == l.Mutation:
			j.Fields["returned"] = Flag(true)
		default:
			j.Fields["restored_by"] = Str(win.Write.Author)
		}
	}
	rec.Lost = ed.remembered(open)
}

// mostLost bounds what a record remembers of values that lost and that nobody can bring
// back but by writing them anew: whoever writes next has seen that they lost.
const mostLost = 30

// remembered leaves out the oldest losses that are too many. Those whose write is still
// undominated stay: it may win again, and would be journalled anew.
func (ed *edit) remembered(open []Lost) []Lost {
	spare := len(open) - mostLost
	if spare <= 0 {
		return open
	}
	return slices.DeleteFunc(open, func(l Lost) bool {
		if spare == 0 || ed.stands(l) {
			return false
		}
		spare--
		return true
	})
}

// stands reports whether the write of a value that lost is still a head of its slot.
func (ed *edit) stands(l Lost) bool {
	slot := l.Slot
	if slot == "deleted" {
		slot = alive
	}
	return slices.ContainsFunc(ed.rec.Slots[slot], func(h Head) bool { return h.Write.Mutation == l.Mutation })
}

// shown is the head whose value people see in a slot; nobody sees a slot of a
// deleted record.
func (ed *edit) shown(slot string) (Head, bool) {
	rec := ed.rec
	if slot == "deleted" {
		win, ok := aliveWinner(ed.c.OnDelete, rec.Slots[alive])
		return Head{win.Write, Flag(rec.Deleted)}, ok
	}
	if rec.Deleted {
		return Head{}, false
	}
	f := ed.c.slotField(slot)
	if f == nil {
		return Head{}, false
	}
	return winner(f, rec.Slots[slot])
}

// slotField finds the field that rules a slot: the field itself, a member of
// the group, the set, or the field of an item.
func (c *Collection) slotField(slot string) *Field {
	if f, ok := c.fields[slot]; ok {
		return f
	}
	if g := c.groups[slot]; len(g) > 0 {
		return g[0]
	}
	name, rest, _ := cut(slot)
	f, ok := c.fields[name]
	if !ok || f.Policy != Each {
		return f
	}
	_, sub, _ := cut(rest)
	return f.item(sub)
}
