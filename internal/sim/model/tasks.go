package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

const owner, staff, mentor = 0, 1, 2

// people are the three phones of the games of the catalogue.
func people() [Phones]merge.Grant {
	return [Phones]merge.Grant{{ID: "1", User: "u1", Role: merge.Owner},
		{ID: "2", User: "u2", Role: merge.Staff, Perms: []string{domain.PermLogSales, domain.PermSubmitTasks, domain.PermEditProfile}},
		{ID: "3", User: "u3", Role: merge.Mentor}}
}

// taskMove is one operation on a task: by whom, and in which states the screen
// offers it. The table is written down here once more, so that the domain's own
// is held against it.
type taskMove struct {
	op   string
	who  []int
	from string
}

func taskMoves() []taskMove {
	return []taskMove{
		{"start", []int{owner, staff}, "assigned returned"},
		{"submit", []int{owner, staff}, "assigned in_progress blocked returned"},
		{"block", []int{owner, mentor}, "assigned in_progress returned"},
		{"unblock", []int{owner, mentor}, "blocked"},
		{"accept", []int{mentor}, "proposed"},
		{"refuse", []int{mentor}, "proposed"},
		{"return", []int{mentor}, "submitted"},
		{"verify", []int{mentor}, "assigned in_progress blocked returned submitted"},
		{"cancel", []int{mentor}, "proposed assigned in_progress blocked returned submitted"},
	}
}

// onlineMoves are the operations at the server. A mentor reopens what the mentor
// checked off, an admin everything.
func onlineMoves() []taskMove {
	return []taskMove{
		{"return", []int{Admin}, "submitted"},
		{"verify", []int{Admin}, "assigned in_progress blocked returned submitted"},
		{"cancel", []int{Admin}, "proposed assigned in_progress blocked returned submitted"},
		{"reopen", []int{Admin, mentor}, "verified cancelled"},
	}
}

// online gives the named moves at the server.
func online(names ...string) (out []Move) {
	for _, m := range onlineMoves() {
		if slices.Contains(names, m.op) {
			out = append(out, Move{Name: m.op + " online", Who: m.who, Make: event(m.op), Online: true, Offered: func(v *Screen) bool {
				own := v.State == domain.TaskVerified && v.Row.Text("verified_by") == "u3"
				return slices.Contains(strings.Fields(m.from), v.State) && (v.Phone != mentor || own)
			}})
		}
	}
	return out
}

// operation makes a move that acts on the record.
func operation(collection, parentField string, set func(v *Screen) map[string]merge.Value) func(*Screen) merge.Mutation {
	return func(v *Screen) merge.Mutation {
		fields := set(v)
		fields[parentField] = merge.Str(record())
		fields["seen"] = merge.Encode(append([]string{}, v.Seen...))
		fields["from"] = merge.Str(v.State)
		return merge.Mutation{Collection: collection, ID: v.ID, Set: fields}
	}
}

func event(op string) func(*Screen) merge.Mutation {
	return operation("task_event", "task_id", func(*Screen) map[string]merge.Value {
		return map[string]merge.Value{"op": merge.Str(op), "note": merge.Str("because")}
	})
}

// offered gives the moves that a screen shows, those named only if any are.
func offered(names ...string) (out []Move) {
	for _, m := range taskMoves() {
		if len(names) == 0 || slices.Contains(names, m.op) {
			out = append(out, Move{Name: m.op, Who: m.who, Make: event(m.op),
				Offered: func(v *Screen) bool { return slices.Contains(strings.Fields(m.from), v.State) }})
		}
	}
	return out
}

// anyway gives moves that a screen shows whatever the state is, to everybody.
func anyway(names ...string) (out []Move) {
	for _, n := range names {
		out = append(out, Move{Name: n, Make: event(n)})
	}
	return out
}

// Tasks gives the games of the task machine.
func Tasks(schema *merge.Schema) []*Game {
	games := []*Game{
		{Name: "task, assigned", Few: map[string][]int{"start": {staff}, "submit": {owner, staff}, "block": {owner}, "unblock": {owner, mentor}, "return": {mentor}, "verify": {mentor}, "cancel": {mentor}, "accept": {mentor}, "refuse": {mentor}}, Moves: offered(), Law: Taken},
		{Name: "task, proposed", Moves: offered("accept", "refuse", "start", "submit", "verify"), Law: Taken, Start: startTask("u1", domain.OriginOwnerRequest)},
		{Name: "task, broken app", Few: map[string][]int{"submit": {owner, staff}, "return": {staff, mentor}, "verify": {mentor, owner}}, Moves: anyway("submit", "return", "verify"), Law: nothingHidden(taskMoves())},
		{Name: "task, restored", Few: map[string][]int{"submit": {owner}, "return": {mentor}, "verify": {mentor}}, Moves: offered("submit", "return", "verify"), Law: Taken, Restores: true},
		{Name: "task, an admin decides", Moves: append(by(offered("submit", "return", "verify"), []int{owner}, []int{mentor}, []int{mentor}), online("return", "verify", "cancel")...), Law: final},
		{Name: "task, verified and reopened", Moves: append(by(offered("submit", "verify"), []int{owner, staff}, []int{mentor}), online("verify", "reopen")...), Law: final},
		{Name: "task, cancelled and reopened", Moves: append(by(offered("start", "verify", "cancel"), []int{owner}, []int{mentor}, []int{mentor}), online("cancel", "reopen")...), Law: final},
		{Name: "task, refused and reopened", Moves: append(by(offered("start", "accept", "refuse"), []int{owner}, []int{mentor}, []int{mentor}), online("cancel", "reopen")...), Law: final,
			Start: startTask("u1", domain.OriginOwnerRequest)},
		{Name: "task, a window ends", Moves: offered("submit", "block", "return", "verify"), Law: handover},
	}
	for _, g := range games {
		g.Schema, g.Scope, g.Access, g.Parent, g.Alike = schema, "business/"+id.Derive("business"), people(), "task", [Phones]int{0, 1, 2}
		g.Loss, g.Step, g.Show = Kept, neverBack, showMachine("task", "task_event")
		if g.Start == nil {
			g.Start = startTask("u3", domain.OriginMentor)
		}
		if strings.HasSuffix(g.Name, "a window ends") {
			windows(g)
		}
	}
	return games
}

func startTask(author, origin string) func(*mergetest.Scope) {
	return func(s *mergetest.Scope) {
		create(s, author, "task", map[string]merge.Value{"title": merge.Str("label"), "origin": merge.Str(origin)})
	}
}

// create makes the record of a game on a phone of its author's.
func create(s *mergetest.Scope, author, collection string, set map[string]merge.Value) {
	createAs(s, author, collection, record(), set)
}

// createAs makes another one.
func createAs(s *mergetest.Scope, author, collection, record string, set map[string]merge.Value) {
	p := &mergetest.Phone{User: author, Device: "start", Incarnation: "start " + record} // a number of its own
	clock := merge.Reading{Wall: s.Time, Mono: 1, Boot: "b"}
	out := s.Commit(s.Time, p.Part(clock, p.Item(s.Name, merge.Mutation{Collection: collection, ID: record, At: clock, Set: set})))
	if a := out.Answers[0][0][0]; a.Outcome != merge.Applied {
		panic(fmt.Sprintf("model: the record of a game is refused: %+v", a))
	}
}

// neverBack is I5: what is verified stays verified, and what is cancelled stays
// so or turns out to be verified, but for the commit in which somebody reopens.
func neverBack(before, after *mergetest.Scope) string {
	was, is := before.Row("task", record()).Text("state"), after.Row("task", record()).Text("state")
	ended := was == domain.TaskVerified && is != was || was == domain.TaskCancelled && is != was && is != domain.TaskVerified
	reopens := func(s *mergetest.Scope) (n int) {
		for _, o := range s.Rows("task_event") {
			if o.Text("op") == "reopen" {
				n++
			}
		}
		return n
	}
	if ended && reopens(before) == reopens(after) {
		return "I5 monotone: from " + was + " to " + is
	}
	return ""
}

// final is I5 for whole histories: what no reopen has seen is the end.
func final(h *History) string {
	state := h.Scope.Row("task", record()).Text("state")
	for l := range h.Edits {
		op, reopened := merge.AsString(h.Edits[l].item.Mutation.Set["op"]), false
		for o := range h.Edits {
			reopened = reopened || merge.AsString(h.Edits[o].item.Mutation.Set["op"]) == "reopen" && slices.Contains(h.covers(o), l)
		}
		cancels := op == "cancel" || op == "refuse"
		if !reopened && (op == "verify" && state != domain.TaskVerified || cancels && state != domain.TaskVerified && state != domain.TaskCancelled) {
			return fmt.Sprintf("I5 monotone: nobody who saw edit %d reopened the task, and it is %s", l, state)
		}
	}
	return Taken(h)
}

// nothingHidden says that an operation that was legal on its author's screen is
// taken, although others before it were refused, and one that was not is not.
func nothingHidden(table []taskMove) func(*History) string {
	return func(h *History) string {
		for l := range h.Edits {
			e := &h.Edits[l]
			name, from := h.Game.Moves[e.Move].Name, merge.AsString(e.row.Fields["from"])
			m := table[slices.IndexFunc(table, func(m taskMove) bool { return m.op == name })]
			legal := slices.Contains(m.who, e.Phone) && slices.Contains(strings.Fields(m.from), from)
			switch refused := e.Outcome == merge.Rejected; {
			case dependsOnRefused(h, l):
			case legal && refused:
				return fmt.Sprintf("edit %d was legal from %s and is refused: %s", l, from, e.Code)
			case !legal && !refused:
				return fmt.Sprintf("edit %d was illegal from %s and is taken", l, from)
			}
		}
		return ""
	}
}

// dependsOnRefused reports whether the screen of an edit showed an own pending
// operation that was refused: then the state on it never was.
func dependsOnRefused(h *History, l int) bool {
	return slices.ContainsFunc(h.Edits[l].Own, func(o int) bool { return h.Edits[o].Outcome == merge.Rejected })
}

// showMachine is a record and its operations, without what their authors sent
// and without what tells of the server's clock or of a restore.
func showMachine(parent, child string) func(*mergetest.Scope) string {
	return func(s *mergetest.Scope) string {
		var b strings.Builder
		show := func(r merge.Row, skip ...string) {
			for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
				if name != "received_at" && name != "review" && name != "seen" && name != "from" && !slices.Contains(skip, name) {
					b.WriteString(name + "=" + string(r.Fields[name]) + " ")
				}
			}
		}
		show(s.Row(parent, record()), "verified_offline")
		for _, r := range s.Rows(child) {
			b.WriteString("\n  " + r.ID[24:] + " ")
			show(r)
		}
		return b.String()
	}
}
