package domain

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// refuse is why an edit is not taken.
func refuse(code, field string) *merge.Reject { return &merge.Reject{Code: code, Field: field} }

// ignoreTask leaves title and description out of what the owner's side changes:
// a form sends them along, and whether they are unchanged would depend on who
// renamed the task meanwhile.
func ignoreTask(a merge.Attempt) []string {
	if a.Create || a.Role != merge.Owner && a.Role != merge.Staff {
		return nil
	}
	return []string{"title", "description"}
}

// allowTask keeps the owner's side to proposals, and dates behind today.
func allowTask(a merge.Attempt) *merge.Reject {
	owner := a.Role == merge.Owner || a.Role == merge.Staff
	origin := merge.AsString(a.Set["origin"])
	switch {
	case !a.Create && lacks(a, PermSubmitTasks):
		return refuse("forbidden", "")
	case a.Create && owner && origin != OriginOwnerRequest, a.Create && a.Role == merge.Mentor && origin != OriginMentor:
		return refuse("forbidden", "set.origin")
	case !a.Create && a.Set["evidence_required"] != nil && a.Before.Fields["evidence_required"] == nil:
		return refuse("immutable_field", "set.evidence_required") // or a submission under way would miss it
	}
	if a.Set["due_on"] != nil && !a.Create && ended(a, a.Before) {
		return refuse("forbidden_transition", "set.due_on")
	}
	made := a.Corrected
	if !a.Create {
		made = instantOf(a.Before, "created_at")
	}
	if due := Date(merge.AsString(a.Set["due_on"])); due != "" && due < FirstDay(made.Time()) {
		return refuse("due_before_created", "set.due_on")
	}
	return nil
}

// ended reports whether the author has seen that the task came to its end.
func ended(a merge.Attempt, task merge.Row) bool {
	seen := slices.DeleteFunc(a.Operations("task_event", task.ID), func(o merge.Row) bool { return !a.SawRow(o) })
	return final(TaskState(task, seen))
}

// final reports whether nothing but a reopening leads out of a state.
func final(state string) bool { return state == TaskVerified || state == TaskCancelled }

// allowTaskEvent leaves the submission to staff who may; nothing else needs the
// permission.
func allowTaskEvent(a merge.Attempt) *merge.Reject {
	if a.Create && merge.AsString(a.Set["op"]) == "submit" && lacks(a, PermSubmitTasks) {
		return refuse("forbidden", "set.op")
	}
	return nil
}

// lacks reports whether the author is staff without the permission. The rights
// of an online edit were checked before.
func lacks(a merge.Attempt, permission string) bool {
	return a.Role == merge.Staff && !a.Online && !slices.Contains(a.Perms, permission)
}

// sameValue reports whether the edit repeats what its author saw.
func sameValue(a merge.Attempt, field string) bool {
	return string(a.Saw(field)) == string(a.Set[field])
}

// scopeID is the id of what the scope of v belongs to.
func scopeID(v merge.View) string {
	_, id, _ := strings.Cut(v.Scope(), "/")
	return id
}

// judgeTask asks whether an operation is legal from the state its author saw,
// for the role its author had. After a restore, when what was seen is lost, the
// state that the author named stands in for it, unless the author had seen an
// end that is not lost: only a reopening leads out of one, and whether that was
// lost nobody can tell from a phone's word.
func judgeTask(j merge.Judgement) *merge.Reject {
	state := TaskState(j.Parent, j.Seen)
	if j.AfterRestore && !final(state) {
		state = j.From
	}
	if r := taskMachine().legal(j, state); r != nil {
		return r
	}
	if pausedFor(j) {
		return refuse("enrolment_paused", "set.op")
	}
	return judgeTaskMore(j, state)
}

// judgeTaskMore holds the conditions of single operations.
func judgeTaskMore(j merge.Judgement, state string) *merge.Reject {
	mentor := j.Role == merge.Mentor
	switch merge.AsString(j.Set["op"]) {
	case "cancel":
		if mentor && (j.Parent.Text("created_by") != j.Author || j.Parent.Text("origin") != OriginMentor) {
			return refuse("forbidden", "set.op")
		}
	case "reopen":
		own := state == TaskVerified && j.Parent.Text("verified_by") == j.Author
		if mentor && (!own || j.Now()-instantOf(j.Parent, "verified_at") > ReopenDays*day) {
			return refuse("forbidden", "set.op")
		}
	case "submit":
		return judgeEvidence(j)
	}
	return nil
}

// judgeEvidence asks for the least evidence of a submission, in the submission
// itself or in what its author had seen. Records of the files are enough; their
// bytes may follow.
func judgeEvidence(j merge.Judgement) *merge.Reject {
	var least struct {
		Photos int  `json:"photos_min"`
		File   bool `json:"file"`
		Note   bool `json:"note"`
	}
	if v := j.Parent.Fields["evidence_required"]; v == nil || json.Unmarshal(v, &least) != nil {
		return nil
	}
	ids := evidenceOf(j.Seen)
	for _, id := range merge.AsStrings(j.Set["evidence_ids"]) {
		ids[id] = true
	}
	photos, files := 0, 0
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if r, ok := j.Row("attachment", id); ok && strings.HasPrefix(r.Text("mime"), "image/") {
			photos++
		} else if ok {
			files++
		}
	}
	note := strings.TrimSpace(merge.AsString(j.Set["note"])) != "" || slices.ContainsFunc(j.Seen, func(o merge.Row) bool {
		side := merge.Role(o.Text("role"))
		return (side == merge.Owner || side == merge.Staff) && strings.TrimSpace(o.Text("note")) != ""
	})
	if photos < least.Photos || least.File && files == 0 || least.Note && !note {
		return refuse("evidence_missing", "set.evidence_ids")
	}
	return nil
}
