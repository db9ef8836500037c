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

// applicationMove is one operation on an application: in which states it is offered, and
// whether it is the office's, which decides online. The table is written down here once
// more, so that the domain's own is held against it.
type applicationMove struct {
	op     string
	from   string
	office bool
}

func applicationMoves() []applicationMove {
	return []applicationMove{
		{"submit", "draft returned", false},
		{"withdraw", "draft submitted returned offered reserve", false},
		{"confirm", "offered", false},
		{"decline", "offered", false},
		{"return", "submitted", true},
		{"offer", "submitted reserve", true},
		{"hold", "submitted", true},
		{"turn_down", "submitted returned reserve", true},
		{"lapse", "offered", true},
		{"disqualify", "draft submitted returned offered reserve not_selected confirmed declined lapsed withdrawn", true},
	}
}

func applies(names ...string) (out []Move) {
	for _, m := range applicationMoves() {
		if !slices.Contains(names, m.op) {
			continue
		}
		move := Move{Name: m.op, Online: m.office,
			Make: operation("application_event", "application_id", func(*Screen) map[string]merge.Value {
				return map[string]merge.Value{"op": merge.Str(m.op), "note": merge.Str("because")}
			}),
			Offered: func(v *Screen) bool { return slices.Contains(strings.Fields(m.from), v.State) }}
		if m.office {
			move.Who = []int{Admin}
		}
		out = append(out, move)
	}
	return out
}

// Applications gives the games of the application. All three phones are those of one
// owner.
func Applications(schema *merge.Schema) []*Game {
	games := []*Game{
		{Name: "application, submitted", Start: applied(), Moves: applies("submit", "withdraw", "return", "turn_down")},
		{Name: "application, decided", Start: applied("submit"), Moves: applies("withdraw", "confirm", "decline", "offer", "hold")},
		{Name: "application, offered", Start: applied("submit", "offer"), Moves: applies("confirm", "decline", "withdraw", "lapse", "disqualify")},
		{Name: "application, reserve", Start: applied("submit", "hold"), Moves: applies("withdraw", "offer", "confirm", "turn_down")},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Parent, g.Loss = schema, "business/"+id.Derive("business"), "application", Kept
		g.Show, g.Law, g.Step = showMachine("application", "application_event"), both(Taken, joined), forward
		for p := range Phones {
			g.Access[p] = merge.Grant{ID: fmt.Sprint(p), User: "u1", Role: merge.Owner}
		}
	}
	return games
}

// applied makes an application to which some operations have happened.
func applied(ops ...string) func(*mergetest.Scope) {
	return func(s *mergetest.Scope) {
		write := func(collection, record string, set map[string]merge.Value) {
			out := s.Commit(s.Time, []*merge.Part{{Author: "system", Writes: []merge.ServerWrite{{Name: "start." + record, Author: "system", Role: merge.System,
				Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}}}})
			if a := out.Answers[0][0][0]; a.Outcome == merge.Rejected {
				panic(fmt.Sprintf("model: the start of a game is refused: %+v", a))
			}
		}
		write("application", record(), map[string]merge.Value{"programme_id": merge.Str(id.Derive("programme"))})
		for _, op := range ops {
			write("application_event", id.Derive("start", op), map[string]merge.Value{"application_id": merge.Str(record()), "op": merge.Str(op)})
		}
	}
}

// forward is I5: an application goes on from phase to phase. Back it goes from an
// answer to the offer, when the owner's phones disagree; and what an admin ended
// stays ended.
func forward(before, after *mergetest.Scope) string {
	phase := func(state string) int {
		return slices.IndexFunc([]string{"draft submitted returned", "reserve", "offered", "confirmed declined withdrawn not_selected", "lapsed", "disqualified"},
			func(states string) bool { return slices.Contains(strings.Fields(states), state) })
	}
	is := after.Row("application", record())
	was, now := before.Row("application", record()).Text("state"), is.Text("state")
	asked := now == domain.ApplicationOffered && string(is.Fields["needs_review"]) == "true"
	if phase(now) < phase(was) && !(phase(was) == 3 && asked) {
		return "I5 monotone: from " + was + " to " + now
	}
	return ""
}

// pairs says what two concurrent operations come to; with a "!" somebody is asked
// to look.
func pairs() map[string]string {
	return map[string]string{
		"submit submit": "submitted", "return submit": "returned", "submit turn_down": "not_selected",
		"submit withdraw": "withdrawn", "return withdraw": "withdrawn", "turn_down withdraw": "withdrawn",
		"hold withdraw": "withdrawn", "offer withdraw": "declined",
		"confirm confirm": "confirmed", "decline decline": "declined", "confirm decline": "offered !", "confirm withdraw": "offered !",
		"confirm lapse": "lapsed !", "decline lapse": "lapsed", "lapse withdraw": "lapsed",
		"confirm disqualify": "disqualified", "decline disqualify": "disqualified", "disqualify withdraw": "disqualified", "disqualify lapse": "disqualified",
	}
}

// joined holds the pairs against every history that ends in two operations that
// nobody has seen.
func joined(h *History) string {
	all := make([]int, len(h.Edits))
	for l := range all {
		all[l] = l
	}
	var ops []string
	for _, l := range h.unseen(all, all) {
		ops = append(ops, h.Game.Moves[h.Edits[l].Move].Name)
	}
	slices.Sort(ops)
	want, ok := pairs()[strings.Join(ops, " ")]
	if !ok {
		return ""
	}
	r := h.Scope.Row("application", record())
	got := r.Text("state")
	if string(r.Fields["needs_review"]) == "true" {
		got += " !"
	}
	if got != want {
		return fmt.Sprintf("%v is %s, want %s", ops, got, want)
	}
	return ""
}
