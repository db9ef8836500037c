package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// The phones of the games of visits and targets: an owner's and two mentors'.
const host, lead, second = 0, 1, 2

// visitMoves is the table of who may say what of a visit, once more.
func visitMoves() []taskMove {
	mentors := []int{lead, second}
	return []taskMove{
		{"done", mentors, "planned missed cancelled"},
		{"missed", mentors, "planned cancelled"},
		{"cancel", mentors, "planned"},
		{"plan_again", mentors, "missed cancelled"},
	}
}

// visits gives moves by name. shown says that a screen offers them in the states
// of the table alone, and to those of it.
func visits(shown bool, names ...string) (out []Move) {
	for _, m := range visitMoves() {
		if !slices.Contains(names, m.op) {
			continue
		}
		move := Move{Name: m.op, Make: operation("visit_event", "visit_id", func(*Screen) map[string]merge.Value {
			return map[string]merge.Value{"op": merge.Str(m.op), "note": merge.Str("because")}
		})}
		if shown {
			move.Who = m.who
			move.Offered = func(v *Screen) bool { return slices.Contains(strings.Fields(m.from), v.State) }
		}
		out = append(out, move)
	}
	return out
}

// Visits gives the games of a visit.
func Visits(schema *merge.Schema) []*Game {
	games := []*Game{
		{Name: "visit, planned", Moves: visits(true, "done", "missed", "cancel", "plan_again"), Law: both(Taken, over)},
		{Name: "visit, restored", Moves: by(visits(true, "done", "cancel", "plan_again"), []int{lead}, []int{lead, second}, []int{second}), Law: both(Taken, over), Restores: true},
		{Name: "visit, broken app", Moves: visits(false, "done", "cancel", "plan_again"), Law: both(nothingHidden(visitMoves()), over)},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Parent, g.Alike = schema, "business/"+id.Derive("business"), "visit", [Phones]int{0, 1, 1}
		if g.Restores {
			g.Alike = [Phones]int{0, 1, 2}
		}
		g.Access = [Phones]merge.Grant{{ID: "1", User: "u1", Role: merge.Owner}, {ID: "2", User: "u2", Role: merge.Mentor}, {ID: "3", User: "u3", Role: merge.Mentor}}
		g.Loss, g.Step, g.Show = Kept, staysOver, showMachine("visit", "visit_event")
		g.Start = func(s *mergetest.Scope) {
			create(s, "u2", "visit", map[string]merge.Value{"kind": merge.Str("visit"), "planned_at": merge.Str("2022-04-20T03:00:00.000Z")})
		}
	}
	return games
}

// staysOver is I5: a visit that took place took place.
func staysOver(before, after *mergetest.Scope) string {
	was, is := before.Row("visit", record()).Text("state"), after.Row("visit", record()).Text("state")
	if was == domain.VisitDone && is != was && after.Generation == before.Generation {
		return "I5 monotone: from " + was + " to " + is
	}
	return ""
}

// over says that a visit took place if somebody who was there says so, and that
// without such a word it is what the last that nobody has seen say: that it was
// missed, before that it was called off, before that it is planned anew.
func over(h *History) string {
	all := make([]int, len(h.Edits))
	for l := range all {
		all[l] = l
	}
	heads := h.unseen(h.made("done", "missed", "cancel", "plan_again"), h.made("done", "missed", "cancel", "plan_again"))
	want := domain.VisitPlanned
	for _, m := range visitMoves() {
		if slices.ContainsFunc(heads, func(l int) bool { return h.Game.Moves[h.Edits[l].Move].Name == m.op }) {
			want = map[string]string{"done": domain.VisitDone, "missed": domain.VisitMissed, "cancel": domain.VisitCancelled, "plan_again": domain.VisitPlanned}[m.op]
			break
		}
	}
	if len(h.made("done")) > 0 {
		want = domain.VisitDone
	}
	if got := h.Scope.Row("visit", record()).Text("state"); got != want {
		return fmt.Sprintf("the visit is %s, want %s", got, want)
	}
	return ""
}
