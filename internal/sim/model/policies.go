package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// everyone may do everything in these games; rights have tests of their own.
func everyone() []merge.Role { return []merge.Role{merge.Owner, merge.Staff, merge.Mentor} }

func text(name string, p merge.Policy) merge.Field {
	return merge.Field{Name: name, Type: merge.Type{Kind: merge.Text, Max: 20}, Policy: p, Write: everyone()}
}

// thing is the collection of the policy games: one field of every policy.
func thing(onDelete merge.DeletePolicy) (*merge.Schema, error) {
	number := merge.Type{Kind: merge.Int, Max: 1000}
	title := text("title", merge.Authority)
	title.Ranks = merge.Rank("mentor > owner = staff")
	amount, unit := text("amount", merge.Latest), text("unit", merge.Latest)
	amount.Group, unit.Group = "money", "money"
	return merge.NewSchema(1, &merge.Collection{Name: "journal", Scope: "box"}, &merge.Collection{
		Name: "thing", Scope: "box", Create: everyone(), Delete: everyone(), OnDelete: onDelete,
		Fields: []merge.Field{text("note", merge.Latest), text("code", merge.Once), title, text("labels", merge.Set), amount, unit,
			{Name: "list", Policy: merge.Each, Max: 20, Item: []merge.Field{text("label", merge.Latest), text("done", merge.Latest)}},
			{Name: "first", Type: number, Policy: merge.Earliest, Write: everyone()},
			{Name: "last", Type: number, Policy: merge.LatestOf, Write: everyone()}},
	})
}

func record() string { return id.Derive("record") }

func set(make func(v *Screen) map[string]merge.Value) func(*Screen) merge.Mutation {
	return func(v *Screen) merge.Mutation {
		return merge.Mutation{Collection: "thing", ID: record(), Base: v.Base, Set: make(v)}
	}
}

// own gives every edit a value of its own.
func own(field string) func(*Screen) merge.Mutation {
	return set(func(v *Screen) map[string]merge.Value {
		return map[string]merge.Value{field: merge.Str(fmt.Sprintf("v%d", v.Label))}
	})
}

func same(field string, value merge.Value) func(*Screen) merge.Mutation {
	return set(func(*Screen) map[string]merge.Value { return map[string]merge.Value{field: value} })
}

func elements(add, remove []string) func(*Screen) merge.Mutation {
	return func(v *Screen) merge.Mutation {
		m := merge.Mutation{Collection: "thing", ID: record(), Base: v.Base}
		if add != nil {
			m.Add = map[string][]string{"labels": add}
		}
		if remove != nil {
			m.Remove = map[string][]string{"labels": remove}
		}
		return m
	}
}

func op(what merge.Op) func(*Screen) merge.Mutation {
	return func(v *Screen) merge.Mutation {
		return merge.Mutation{Collection: "thing", ID: record(), Base: v.Base, Op: what}
	}
}

// there and gone are moves that a screen shows for a record that lives, and for
// one that was deleted.
func there(v *Screen) bool { return !v.Gone }
func gone(v *Screen) bool  { return v.Gone }

func item(key, field string) func(*Screen) merge.Mutation {
	return set(func(v *Screen) map[string]merge.Value {
		return map[string]merge.Value{"list": merge.Encode(map[string]map[string]string{key: {field: fmt.Sprintf("v%d", v.Label)}})}
	})
}

func group() func(*Screen) merge.Mutation {
	return set(func(v *Screen) map[string]merge.Value {
		s := merge.Str(fmt.Sprintf("v%d", v.Label))
		return map[string]merge.Value{"amount": s, "unit": s}
	})
}

func number(field string, of func(label int) int) func(*Screen) merge.Mutation {
	return set(func(v *Screen) map[string]merge.Value { return map[string]merge.Value{field: merge.Num(of(v.Label))} })
}

// Games gives every game there is.
func Games(catalogue *merge.Schema) ([]*Game, error) {
	games, err := Policies()
	if err != nil {
		return nil, err
	}
	games = append(games, Times(games)...)
	games = append(games, Tasks(catalogue)...)
	games = append(games, Cases(catalogue)...)
	games = append(games, Ledgers(catalogue)...)
	games = append(games, Visits(catalogue)...)
	games = append(games, Targets(catalogue)...)
	games = append(games, Consents(catalogue)...)
	return append(games, Applications(catalogue)...), nil
}

// Policies gives one game per policy of the resolver.
func Policies() ([]*Game, error) {
	keep, err := thing(merge.Keep)
	if err != nil {
		return nil, err
	}
	wins, err := thing(merge.DeleteWins)
	if err != nil {
		return nil, err
	}
	zigzag := func(label int) int { return []int{5, 2, 8, 1}[label%4] }
	games := []*Game{
		{Name: "latest", Schema: keep, Moves: []Move{{Name: "own value", Make: own("note")}, {Name: "same value", Make: same("note", merge.Str("same"))}}},
		{Name: "once", Schema: keep, Ordered: true, Loss: onceLoss, Moves: []Move{{Name: "own code", Make: own("code")}, {Name: "same code", Make: same("code", merge.Str("same"))}}},
		{Name: "authority", Schema: keep, Moves: []Move{{Name: "own title", Make: own("title")}, {Name: "same title", Make: same("title", merge.Str("same"))}}},
		{Name: "set", Schema: keep, Moves: []Move{{Name: "add", Make: elements([]string{"a"}, nil)}, {Name: "remove", Make: elements(nil, []string{"a"})}, {Name: "swap", Make: elements([]string{"b"}, []string{"a"})}}},
		{Name: "each", Schema: keep, Moves: []Move{{Name: "label", Make: item("one", "label")}, {Name: "done", Make: item("one", "done")}}},
		{Name: "group", Schema: keep, Moves: []Move{{Name: "group", Make: group()}, {Name: "note", Make: own("note")}}},
		{Name: "earliest", Schema: keep, Moves: []Move{{Name: "number", Make: number("first", zigzag)}, {Name: "four", Make: number("first", func(int) int { return 4 })}}},
		{Name: "latest-of", Schema: keep, Moves: []Move{{Name: "number", Make: number("last", zigzag)}, {Name: "four", Make: number("last", func(int) int { return 4 })}}},
		{Name: "delete keep", Schema: keep, Law: notFromTheDead(merge.Keep, merge.Undelete), Moves: deletes()},
		{Name: "delete wins", Schema: wins, Law: notFromTheDead(merge.DeleteWins, merge.Undelete), Moves: deletes()},
		{Name: "delete keep, broken app", Schema: keep, Law: notFromTheDead(merge.Keep, merge.Undelete, merge.Put), Moves: anyScreen(deletes())},
		{Name: "delete wins, broken app", Schema: wins, Law: notFromTheDead(merge.DeleteWins, merge.Undelete, merge.Put), Moves: anyScreen(deletes())},
	}
	for _, g := range games {
		g.Scope = "box/1"
		g.Access = [Phones]merge.Grant{{ID: "1", User: "u1", Role: merge.Owner}, {ID: "2", User: "u2", Role: merge.Staff}, {ID: "3", User: "u3", Role: merge.Mentor}}
		g.Start = func(s *mergetest.Scope) {
			p := &mergetest.Phone{User: "u1", Device: "start", Incarnation: "start"}
			m := merge.Mutation{Collection: "thing", ID: record(), At: merge.Reading{Wall: s.Time, Mono: 1, Boot: "b"}}
			s.Commit(s.Time, p.Part(merge.Reading{Wall: s.Time, Mono: 1, Boot: "b"}, p.Item(s.Name, m)))
		}
		g.Show = showThing
		if g.Name != "authority" { // roles make no difference
			g.Alike = [Phones]int{0, 0, 0}
		} else {
			g.Alike = [Phones]int{0, 0, 1}
		}
	}
	return games, nil
}

// showThing is the public row, without what tells of the server's clock, and
// who holds each value.
func showThing(s *mergetest.Scope) string {
	r := s.Records[merge.Key{Collection: "thing", ID: record()}]
	if r == nil {
		return "absent"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "deleted %t", r.Deleted)
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if name != "received_at" {
			fmt.Fprintf(&b, " %s=%s", name, r.Fields[name])
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(r.Slots)) {
		var who []string
		for _, h := range r.Slots[slot] {
			who = append(who, fmt.Sprintf("%s@%d", h.Write.Mutation, h.Write.Stamp))
		}
		slices.Sort(who)
		fmt.Fprintf(&b, " %s:%v", slot, who)
	}
	return b.String()
}

// onceLoss: the first code stays; every other accepted code is journalled.
func onceLoss(h *History) string {
	row := h.Scope.Row("thing", record())
	for l, e := range h.Edits {
		v := e.item.Mutation.Set["code"]
		if e.Outcome != merge.Rejected && string(row.Fields["code"]) != string(v) && !h.journalled(e.item.Mutation, "code", v) {
			return fmt.Sprintf("code %s of edit %d", v, l)
		}
	}
	return ""
}

func deletes() []Move {
	return []Move{{Name: "edit", Make: own("note"), Offered: there}, {Name: "delete", Make: op(merge.Delete), Offered: there},
		{Name: "undelete", Make: op(merge.Undelete), Offered: gone}}
}

// anyScreen makes moves that an app shows whatever the screen says.
func anyScreen(moves []Move) []Move {
	for i := range moves {
		moves[i].Offered = nil
	}
	return moves
}

// notFromTheDead is I9: what was deleted lives again only by an undelete of
// somebody who had seen the delete, or with Keep by an edit that had not seen it.
// undeletes are the operations that count as one: a put too, where apps edit what
// their screens show as deleted.
func notFromTheDead(d merge.DeletePolicy, undeletes ...merge.Op) func(*History) string {
	return func(h *History) string {
		if h.Scope.Row("thing", record()).Deleted {
			return ""
		}
		for l := range h.Edits {
			if h.Edits[l].item.Mutation.Op != merge.Delete || h.Edits[l].Outcome == merge.Rejected {
				continue
			}
			if !slices.ContainsFunc(h.lives(), func(o int) bool {
				if slices.Contains(h.covers(o), l) {
					return slices.Contains(undeletes, h.Edits[o].item.Mutation.Op) || h.sawUndeleted(o, l)
				}
				return d == merge.Keep && !slices.Contains(h.covers(l), o)
			}) {
				return fmt.Sprintf("I9 no-resurrection: nobody took delete %d back, and the record lives", l)
			}
		}
		return ""
	}
}

// sawUndeleted reports whether edit o was made on a screen where somebody had
// taken delete l back, be it on a time line that a restore ended.
func (h *History) sawUndeleted(o, l int) bool {
	return slices.ContainsFunc(h.Edits[o].Read, func(u int) bool {
		e := &h.Edits[u]
		return e.item.Mutation.Op == merge.Undelete && (slices.Contains(e.Read, l) || slices.Contains(e.Own, l))
	})
}

// lives gives the accepted edits that want the record alive.
func (h *History) lives() (out []int) {
	for l := range h.Edits {
		if h.Edits[l].item.Mutation.Op != merge.Delete && h.Edits[l].Outcome != merge.Rejected {
			out = append(out, l)
		}
	}
	return out
}
