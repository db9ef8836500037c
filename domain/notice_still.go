package domain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Standing is what is known, when a push is to be sent, of an item of a scope, of what it is
// about and of whose it is.
type Standing struct {
	Item   merge.Row
	User   string
	Access []merge.Grant // of the scope; who is an admin has a window of that role
	Object merge.Row     // zero if it is not there, or not any more
	Now    merge.Millis
	// Operations gives the operations of a collection on the object.
	Operations func(collection string) []merge.Row
}

// holds reports whether its person has one of these roles now.
func (s Standing) holds(roles ...merge.Role) bool {
	return slices.ContainsFunc(s.Access, func(g merge.Grant) bool {
		return g.User == s.User && slices.Contains(roles, g.Role) && g.Holds(s.Now)
	})
}

// While says as long as what an item is worth being heard of.
type While struct {
	Words string              // for people
	so    func(Standing) bool // of an object that is there; nil: the object is not asked about
}

// asked is of what something else than the table is asked about at the moment of sending.
func asked(words string) While { return While{Words: words} }

// always is of what rings whatever became of its person and its object.
func always(why string) While { return While{Words: "always: " + why} }

// stateIs holds while the object is in one of some states.
func stateIs(states ...string) While {
	return While{strings.Join(states, " or "), func(s Standing) bool { return slices.Contains(states, s.Object.Text("state")) }}
}

// stateIsNot holds while the object is there and in none of some states.
func stateIsNot(states ...string) While {
	return While{"not " + strings.Join(states, " or "), func(s Standing) bool { return !slices.Contains(states, s.Object.Text("state")) }}
}

// isThere holds while the object is.
func isThere() While { return While{"it is there", func(Standing) bool { return true }} }

// ofAssignee narrows what owners are told of a task, and the one of the staff who does it, to
// that one by now.
func ofAssignee(w While) While {
	return While{w.Words + ", of staff while they are its assignee", func(s Standing) bool {
		return w.so(s) && (s.holds(merge.Owner, merge.Mentor) || s.Object.Text("assignee_id") == s.User)
	}}
}

// flag holds while a mark of the object is set.
func flag(words, field string) While {
	return While{words, func(s Standing) bool { return string(s.Object.Fields[field]) == "true" }}
}

// windowLasts holds while a window is not over, also before it begins.
func windowLasts() While {
	return While{"the window is not over", func(s Standing) bool {
		to := instantOf(s.Object, "to_at")
		return to == 0 || to > s.Now
	}}
}

func windowEnds() While {
	return While{"the window still has an end", func(s Standing) bool { return instantOf(s.Object, "to_at") != 0 }}
}

// submitted holds while a task waits for a mentor's check: also where it was sent back by
// somebody who had not seen what was submitted.
func submitted() While {
	return While{"submitted, or returned beside evidence that nobody has answered", func(s Standing) bool {
		switch s.Object.Text("state") {
		case TaskSubmitted:
			return true
		case TaskReturned:
			return slices.ContainsFunc(taskMachine().heads(s.Operations("task_event"), ""), func(o merge.Row) bool { return o.Text("op") == "submit" })
		}
		return false
	}}
}

// visitAhead holds while a visit is planned for the hour that the item says, which lies ahead.
func visitAhead() While {
	return While{"planned for that hour, which lies ahead", func(s Standing) bool {
		at, _ := saysOf(s.Item)["at"].(string)
		return s.Object.Text("state") == VisitPlanned && s.Object.Text("planned_at") == at && instantOf(s.Object, "planned_at") > s.Now
	}}
}

// caseGoesOn are the states of a case that was approved and has not ended.
func caseGoesOn() []string {
	return []string{CasePreparing, CaseSubmitted, CaseAssessment, CaseCorrective}
}

// documentWanted holds while a case goes on in which a document has to be replaced.
func documentWanted() While {
	return While{"the case goes on, and a document is still to be replaced", func(s Standing) bool {
		var documents []struct {
			State string `json:"state"`
		}
		if v := s.Object.Fields["documents"]; v != nil && json.Unmarshal(v, &documents) != nil {
			return false
		}
		return slices.Contains(caseGoesOn(), s.Object.Text("state")) && slices.ContainsFunc(documents, func(d struct {
			State string `json:"state"`
		}) bool {
			return d.State == DocumentReturned
		})
	}}
}

// saleQuestioned holds while an entry has a mark for a person, and for who wrote an
// adjustment of it that does not count.
func saleQuestioned() While {
	return While{"the entry is marked, or their adjustment does not count", func(s Standing) bool {
		return len(saleMarks(s.Object)) > 0 || slices.ContainsFunc(s.Operations("sale_adjustment"), func(o merge.Row) bool {
			return o.Text("created_by") == s.User && o.Text("outcome") == Superseded
		})
	}}
}

func saleProposed() While {
	return While{"an adjustment waits", func(s Standing) bool { return len(s.Object.Strings("proposed")) > 0 }}
}

// AsksSender reports whether the table wants something asked at the moment of sending about
// items of a type.
func (t NoticeType) AsksSender() bool { return t.In != nil || t.While.so != nil }

// StillSo reports whether somebody should still hear of an item: they have one of the roles
// that its type wants, and what it says of its object holds. An object that is not there is
// nothing to hear of: every item is written by the commit that made it, or behind. Of several
// objects, which an item does not name, one is given by whoever asks.
func (t NoticeType) StillSo(s Standing) bool {
	switch {
	case t.In != nil && !s.holds(t.In...):
		return false
	case t.While.so == nil:
		return true
	}
	return s.Object.ID != "" && t.While.so(s)
}
