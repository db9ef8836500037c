package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// The application to a programme is not in the catalogue yet. Its machine stands
// here, so that its rules are known to agree before anybody builds on them: the
// owner's operations come from phones, everything else is decided online.

// applicationRule is one operation on an application.
type applicationRule struct {
	op     string
	from   string // states in which its author may have seen the application
	to     string
	online bool // by an admin or the server itself
}

const undecided = "stage_1 stage_2 stage_3 selected reserve not_selected eliminated"

// applicationTable lists the operations, highest precedence first: of concurrent
// ones the first in this list is the state, but for joined.
func applicationTable() []applicationRule {
	return []applicationRule{
		{"disqualify", "draft submitted returned offered confirmed declined lapsed withdrawn " + undecided, "disqualified", true},
		{"lapse", "offered", "lapsed", true},
		{"withdraw", "draft submitted returned offered " + undecided, "withdrawn", false},
		{"decline", "offered", "declined", false},
		{"confirm", "offered", "confirmed", false},
		{"publish", "selected", "offered", true},
		{"select", "stage_3", "selected", true},
		{"reserve", "stage_3", "reserve", true},
		{"fail", "stage_1 stage_2 stage_3", "eliminated", true},
		{"start", "submitted", "stage_1", true},
		{"return", "submitted", "returned", true},
		{"submit", "draft returned", "submitted", false},
		{"answer", "draft returned", "", false}, // no state: an edit of the draft
	}
}

func applicationRuleOf(op string) (applicationRule, int) {
	table := applicationTable()
	i := slices.IndexFunc(table, func(r applicationRule) bool { return r.op == op })
	return table[i], i
}

// applicationJoin is the state that operations lead to from where the application
// opened, whether a person must look at it, and the operation that decided; "" if
// none did.
func applicationJoin(opens string, ops []merge.Row) (state string, review bool, by string) {
	ops = slices.DeleteFunc(slices.Clone(ops), func(o merge.Row) bool { return o.Text("op") == "answer" })
	heads := merge.Undominated(ops)
	if len(heads) == 0 {
		return opens, false, ""
	}
	has := func(op string) bool {
		return slices.ContainsFunc(heads, func(o merge.Row) bool { return o.Text("op") == op })
	}
	top := slices.MinFunc(heads, func(a, b merge.Row) int { // the earlier of equals
		_, x := applicationRuleOf(a.Text("op"))
		_, y := applicationRuleOf(b.Text("op"))
		return x - y
	})
	rule, _ := applicationRuleOf(top.Text("op"))
	switch {
	case rule.op == "lapse":
		return rule.to, has("confirm"), top.ID
	case has("confirm") && (rule.op == "decline" || rule.op == "withdraw"):
		return "offered", true, "" // neither: an admin asks the owner
	case rule.op == "withdraw" && publishedBeside(ops, heads):
		return "declined", false, top.ID // the result was on its way already
	}
	return rule.to, false, top.ID
}

// publishedBeside reports whether there was a publication that no withdrawal
// among the heads had seen.
func publishedBeside(ops, heads []merge.Row) bool {
	return slices.ContainsFunc(ops, func(p merge.Row) bool {
		return p.Text("op") == "publish" && !slices.ContainsFunc(heads, func(w merge.Row) bool {
			seen, _ := merge.Closure(ops, w.Strings("seen"))
			return w.Text("op") == "withdraw" && seen[p.ID]
		})
	})
}

func deriveApplication(v merge.View, r merge.Row) merge.Derived {
	ops := v.Operations("application_event", r.ID)
	state, review, by := applicationJoin(r.Text("opens"), ops)
	d := merge.Derived{Fields: map[string]merge.Value{"state": merge.Str(state), "needs_review": merge.Flag(review)}, Operations: map[merge.Key]map[string]merge.Value{}}
	effective := map[string]bool{by: true}
	for _, o := range ops {
		seen, _ := merge.Closure(ops, o.Strings("seen"))
		_, _, by := applicationJoin(r.Text("opens"), slices.DeleteFunc(slices.Clone(ops), func(s merge.Row) bool { return !seen[s.ID] }))
		effective[by] = true
	}
	for _, o := range ops {
		outcome := "absorbed"
		if effective[o.ID] || o.Text("op") == "answer" {
			outcome = "effective"
		}
		d.Operations[o.Key] = map[string]merge.Value{"outcome": merge.Str(outcome)}
	}
	return d
}

// judgeApplication asks what the author saw; but whether the draft is open, and
// the window, only the server can say.
func judgeApplication(closes merge.Millis) func(merge.Judgement) *merge.Reject {
	return func(j merge.Judgement) *merge.Reject {
		rule, _ := applicationRuleOf(merge.AsString(j.Set["op"]))
		opens := j.Parent.Text("opens")
		state, _, _ := applicationJoin(opens, j.Seen)
		now, _, _ := applicationJoin(opens, j.Operations("application_event", j.Parent.ID))
		switch {
		case rule.online != j.Online:
			return &merge.Reject{Code: "forbidden"}
		case !slices.Contains(strings.Fields(rule.from), state):
			return &merge.Reject{Code: "forbidden_transition"}
		case rule.op == "answer" && now != "draft" && now != "returned":
			return &merge.Reject{Code: "locked"}
		case rule.op == "submit" && closes > 0 && j.Now() >= closes:
			return &merge.Reject{Code: "window_closed"}
		}
		return nil
	}
}

func applicationSchema(closes merge.Millis) (*merge.Schema, error) {
	all := []merge.Role{merge.Owner, merge.Admin}
	once := func(name string, t merge.Type) merge.Field {
		return merge.Field{Name: name, Type: t, Policy: merge.Once, Write: all, Required: true}
	}
	return merge.NewSchema(1,
		&merge.Collection{Name: "application", Scope: "box", Create: all, Derive: deriveApplication, Fields: []merge.Field{
			once("opens", merge.Type{Kind: merge.Text}), {Name: "state", Type: merge.Type{Kind: merge.Text}}, {Name: "needs_review", Type: merge.Type{Kind: merge.Bool}}}},
		&merge.Collection{Name: "application_event", Scope: "box", Create: all, Immutable: true, Parent: "application", ParentField: "application_id",
			Judge: judgeApplication(closes), Fields: []merge.Field{once("application_id", merge.Type{Kind: merge.Reference, To: "application"}), once("op", merge.Type{Kind: merge.Text})}})
}

func applies(names ...string) (out []Move) {
	for _, name := range names {
		rule, _ := applicationRuleOf(name)
		m := Move{Name: name, Online: rule.online,
			Make:    operation("application_event", "application_id", func(*Screen) map[string]merge.Value { return map[string]merge.Value{"op": merge.Str(name)} }),
			Offered: func(v *Screen) bool { return slices.Contains(strings.Fields(rule.from), v.State) }}
		if m.Online {
			m.Who = []int{Admin}
		}
		out = append(out, m)
	}
	return out
}

// Applications gives the games of the application. All three phones are those of
// one owner.
func Applications() ([]*Game, error) {
	open, err := applicationSchema(0)
	if err != nil {
		return nil, err
	}
	closing, err := applicationSchema(windowEnd)
	if err != nil {
		return nil, err
	}
	joins := both(Taken, joined)
	games := []*Game{
		{Name: "application, submitted", Schema: open, Start: opens("draft"), Law: joins, Moves: applies("submit", "withdraw", "return", "start", "fail")},
		{Name: "application, decided", Schema: open, Start: opens("stage_3"), Law: joins, Moves: applies("withdraw", "confirm", "decline", "select", "reserve", "publish")},
		{Name: "application, offered", Schema: open, Start: opens("offered"), Law: joins, Moves: applies("confirm", "decline", "withdraw", "lapse", "disqualify")},
		{Name: "application, a draft is locked", Schema: open, Start: opens("draft"), Law: locked, Moves: applies("answer", "submit", "return"), Ordered: true},
		{Name: "application, the window closes", Schema: closing, Start: opens("draft"), Law: closed, Moves: applies("submit", "withdraw", "return"), Timed: true, Phase: arrivedLate},
	}
	for _, g := range games {
		g.Scope, g.Parent, g.Loss, g.Show = "box/1", "application", Kept, showMachine("application", "application_event")
		g.Step = forward
		for p := range Phones {
			g.Access[p] = merge.Grant{ID: fmt.Sprint(p), User: "u1", Role: merge.Owner}
		}
	}
	return games, nil
}

func opens(state string) func(*mergetest.Scope) {
	return func(s *mergetest.Scope) {
		create(s, "u1", "application", map[string]merge.Value{"opens": merge.Str(state)})
	}
}

// forward is I5: an application goes on from phase to phase. Back it goes from an
// answer to the offer, when the owner's phones disagree; and what an admin ended
// stays ended.
func forward(before, after *mergetest.Scope) string {
	phase := func(state string) int {
		return slices.IndexFunc([]string{"draft submitted returned", undecided, "offered", "confirmed declined withdrawn", "lapsed", "disqualified"},
			func(states string) bool { return slices.Contains(strings.Fields(states), state) })
	}
	is := after.Row("application", record())
	was, now := before.Row("application", record()).Text("state"), is.Text("state")
	asked := now == "offered" && string(is.Fields["needs_review"]) == "true"
	if phase(now) < phase(was) && !(phase(was) == 3 && asked) {
		return "I5 monotone: from " + was + " to " + now
	}
	return ""
}

// pairs says what two concurrent operations come to; with a "!" somebody is asked
// to look.
func pairs() map[string]string {
	return map[string]string{
		"submit submit": "submitted", "return submit": "returned", "start submit": "stage_1", "fail submit": "eliminated",
		"submit withdraw": "withdrawn", "return withdraw": "withdrawn", "start withdraw": "withdrawn", "fail withdraw": "withdrawn",
		"select withdraw": "withdrawn", "reserve withdraw": "withdrawn", "publish withdraw": "declined",
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

// locked says that an edit of the draft is refused if a submission came first and
// was not returned, for no other reason, and that nothing else is refused.
func locked(h *History) string {
	open, returned := true, -1
	for _, l := range h.Order {
		e := &h.Edits[l]
		switch name := h.Game.Moves[e.Move].Name; {
		case name == "return":
			open, returned = true, l
		case name == "submit" && (returned < 0 || slices.Contains(h.covers(l), returned)):
			open = false
		}
		want := ""
		if h.Game.Moves[e.Move].Name == "answer" && !open {
			want = "locked"
		}
		if e.Code != want {
			return fmt.Sprintf("edit %d is %s %q, want %q", l, e.Outcome, e.Code, want)
		}
	}
	return ""
}

// arrivedLate is "late" for a submission that the server heard of after the close.
func arrivedLate(h *History, l int) string {
	e := &h.Edits[l]
	if h.Game.Moves[e.Move].Name == "submit" && start+minute*merge.Millis(e.At)-minute/2 >= windowEnd {
		return "late"
	}
	return ""
}

// closed says that submissions count at their receipt, and that nothing else is
// refused.
func closed(h *History) string {
	for l := range h.Edits {
		if late := arrivedLate(h, l) != ""; late != (h.Edits[l].Code == "window_closed") || !late && h.Edits[l].Outcome == merge.Rejected {
			return fmt.Sprintf("edit %d is %s %s", l, h.Edits[l].Outcome, h.Edits[l].Code)
		}
	}
	return ""
}
