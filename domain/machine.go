package domain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Outcomes of an operation. An absorbed operation wanted what another reached
// further; a superseded one was overruled; a proposed one waits for a mentor.
const (
	Effective  = "effective"
	Absorbed   = "absorbed"
	Proposed   = "proposed"
	Superseded = "superseded"
)

// opRule is one operation of a state machine.
type opRule struct {
	op       string
	from     []string // states in which its author may have seen the record
	to       string   // "" = leaves the state alone
	who      []merge.Role
	reason   bool // needs a reason code or a note
	online   bool // decides with public effect: not from a phone's own copy
	overrule bool // when it loses it was overruled, not overtaken
}

// machine replays operations. Its rules stand in the order of precedence, the
// highest first: of concurrent operations the first in the list is the state.
type machine struct {
	rules []opRule
	// lane names what an operation is about, where that is not the state: those
	// of two lanes do not compete. May be nil.
	lane func(o merge.Row) string
	// prefer orders those that compete in a lane of its own; the first counts.
	prefer func(a, b merge.Row) int
	// outlasts reports that before counts beside after all the same, where after says that
	// its author had seen it: no rule leads from the one to the other, and what an author
	// names as seen is the author's word. May be nil.
	outlasts func(before, after merge.Row) bool
}

// ops lists the operations, in the order of precedence.
func (m machine) ops() []string {
	var out []string
	for _, r := range m.rules {
		out = append(out, r.op)
	}
	return out
}

// rule finds the rule of an operation and its precedence, 0 the highest.
func (m machine) rule(op string) (opRule, int) {
	i := slices.IndexFunc(m.rules, func(r opRule) bool { return r.op == op })
	if i < 0 {
		return opRule{}, len(m.rules)
	}
	return m.rules[i], i
}

func (m machine) laneOf(o merge.Row) string {
	if m.lane == nil {
		return ""
	}
	return m.lane(o)
}

// heads gives the operations of a lane that no other of it covers, ordered by (stamp, id). What an author saw goes
// through the operations of every lane.
func (m machine) heads(operations []merge.Row, lane string) []merge.Row {
	mine := slices.DeleteFunc(slices.Clone(operations), func(o merge.Row) bool { return m.laneOf(o) != lane })
	saw := map[string]map[string]bool{}
	for _, o := range mine {
		saw[o.ID], _ = merge.Closure(operations, o.Strings("seen"))
	}
	heads := slices.DeleteFunc(slices.Clone(mine), func(p merge.Row) bool {
		return slices.ContainsFunc(mine, func(o merge.Row) bool { return o.ID != p.ID && m.covers(o, p, saw) })
	})
	slices.SortFunc(heads, merge.EarlierOperation)
	return heads
}

// covers reports whether an operation hides another one that it has seen: not one that outlasts it, nor one that has
// seen it too, as after a restore what the server said again under its id and what a phone had made behind it.
func (m machine) covers(by, o merge.Row, saw map[string]map[string]bool) bool {
	outlasts := func(before, after merge.Row) bool { return m.outlasts != nil && m.outlasts(before, after) }
	return saw[by.ID][o.ID] && !outlasts(o, by) && (!saw[o.ID][by.ID] || outlasts(by, o))
}

// top is the effective one among the heads of a lane; "" is the lane of the
// state.
func (m machine) top(operations []merge.Row, lane string) (merge.Row, bool) {
	heads := m.heads(operations, lane)
	if len(heads) == 0 {
		return merge.Row{}, false
	}
	return slices.MinFunc(heads, func(a, b merge.Row) int {
		if lane != "" {
			return m.prefer(a, b)
		}
		_, x := m.rule(a.Text("op"))
		_, y := m.rule(b.Text("op"))
		return cmp.Or(cmp.Compare(x, y), merge.EarlierOperation(a, b))
	}), true
}

// state is where the operations lead; opens is the state without any.
func (m machine) state(operations []merge.Row, opens string) string {
	if top, ok := m.top(operations, ""); ok {
		rule, _ := m.rule(top.Text("op"))
		return rule.to
	}
	return opens
}

// outcomes says what became of every operation. One is effective if it decides
// its lane now, or did so on the screen of somebody who went on from it.
func (m machine) outcomes(operations []merge.Row) map[string]string {
	effective := map[string]bool{}
	decides := func(seen []merge.Row, lanes ...string) {
		for _, lane := range lanes {
			if top, ok := m.top(seen, lane); ok {
				effective[top.ID] = true
			}
		}
	}
	for _, o := range operations {
		decides(operations, m.laneOf(o))
		decides(seenBy(operations, o), "", m.laneOf(o))
	}
	out := make(map[string]string, len(operations))
	for _, o := range operations {
		rule, _ := m.rule(o.Text("op"))
		switch {
		case effective[o.ID]:
			out[o.ID] = Effective
		case rule.overrule:
			out[o.ID] = Superseded
		default:
			out[o.ID] = Absorbed
		}
	}
	return out
}

// derived is the outcomes as a replay writes them.
func (m machine) derived(collection string, operations []merge.Row) map[merge.Key]map[string]merge.Value {
	out := map[merge.Key]map[string]merge.Value{}
	for id, outcome := range m.outcomes(operations) {
		out[merge.Key{Collection: collection, ID: id}] = map[string]merge.Value{"outcome": merge.Str(outcome)}
	}
	return out
}

// legal asks whether the table lets the author do this from a state.
func (m machine) legal(j merge.Judgement, state string) *merge.Reject {
	rule, _ := m.rule(merge.AsString(j.Set["op"]))
	switch {
	case !slices.Contains(rule.who, j.Role):
		return refuse("forbidden", "set.op")
	case rule.online && !j.Online:
		return refuse("online_only", "set.op")
	case !slices.Contains(rule.from, state):
		return refuse("forbidden_transition", "set.op")
	case rule.reason && noReason(j.Set):
		return refuse("reason_required", "set.reason_code")
	}
	return nil
}

func noReason(set map[string]merge.Value) bool {
	return merge.AsString(set["reason_code"]) == "" && strings.TrimSpace(merge.AsString(set["note"])) == ""
}

// seenBy gives the operations that the author of o had seen.
func seenBy(operations []merge.Row, o merge.Row) []merge.Row {
	covered, _ := merge.Closure(operations, o.Strings("seen"))
	return slices.DeleteFunc(slices.Clone(operations), func(r merge.Row) bool { return !covered[r.ID] || r.ID == o.ID })
}

// concurrent reports whether neither author had seen the other's operation.
func concurrent(operations []merge.Row, a, b merge.Row) bool {
	byA, _ := merge.Closure(operations, a.Strings("seen"))
	byB, _ := merge.Closure(operations, b.Strings("seen"))
	return a.ID != b.ID && !byA[b.ID] && !byB[a.ID]
}
