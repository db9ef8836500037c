package domain

import (
	"cmp"
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What an application may hold at most.
const (
	maxAnswers   = 60
	maxSurvey    = 20
	maxDocuments = 30
)

// Reasons for which the server itself returns a submission. It is a draft again then, and
// nothing of it is lost.
const (
	ReturnWindowClosed  = "window_closed"
	ReturnWindowNotOpen = "window_not_open"
	ReturnNotCovered    = "region_not_covered"
	ReturnIncomplete    = "answers_missing"
	ReturnNoConsent     = "consent_required"
	ReturnUnknown       = "programme_unknown"
	ReturnRegistered    = "already_registered" // another application of the enterprise stands, or an import could not file it any more
)

// application is what a business says to take part in a programme.
func application() *merge.Collection {
	makers := []merge.Role{merge.Owner, merge.Admin}
	return &merge.Collection{
		Name: "application", Scope: ScopeBusiness, Doc: "application of a business to a programme; its id follows from both, so that two phones begin one; locked while it is submitted",
		Create: makers, Allow: allowApplication, Derive: deriveApplication, React: reactApplication, Tags: tagApplication, Fields: fields(
			required(once("programme_id", ref(""), makers, "")),
			once("attempt", whole(1, MaxAttempts, ""), makers, "absent = 1; more after a withdrawal"),
			merge.Field{Name: "answers", Policy: merge.Each, Max: maxAnswers + len(RegistrantChecks()), Doc: "by the codes of the programme's questions", Item: fields(
				latest("value", text(0, maxAnswer), makers, "as the kind of the question says: a number, yes or no, one of the choices"))},
			merge.Field{Name: "survey", Policy: merge.Each, Max: maxSurvey, Doc: "digital readiness, by its items", Item: fields(
				latest("level", whole(0, 4, "level"), makers, ""))},
			set("documents", ref("attachment"), maxDocuments, makers, ""),
			server("opens", enum(ApplicationDraft, ApplicationSubmitted), "the state without any operation; submitted = imported"),
			server("external_ref", text(1, 60), "of the registration elsewhere that it was imported from"),
			server("state", enum(applicationStates()...), "replayed; while the programme curates, submitted reads as in process"),
			server("needs_review", truth(), "two phones of the owner said different things; an admin asks"),
			server("number", form(`^[A-Z0-9]{2,10}-[0-9]{5,7}$`, 20), "receipt number"),
			server("counted_at", instant(), "when the server received the submission that counts"),
			server("grace", truth(), "finished offline before the close and received within the grace"),
			server("returned_for", text(0, 40), "why it was sent back: a code"),
			server("incomplete", codes(), "with answers_missing: the questions that have no answer, or one of another kind"),
			server("asked", text(0, 2000), "what an admin sent it back for, in words"),
			server("complete_by", instant(), "first instant at which it is too late to complete what an admin sent back"),
			server("confirm_by", instant(), "first instant at which an offer has lapsed"),
			server("feedback", text(0, 2000), "for the owner, with the result"),
			server("reserve_no", whole(1, 100_000, ""), "of who stands in reserve: the place there when the results were told; those before may have moved up since"),
		),
	}
}

// applicationEvent is one operation on an application.
func applicationEvent() *merge.Collection {
	people, office := []merge.Role{merge.Owner, merge.Admin}, []merge.Role{merge.Admin}
	return &merge.Collection{
		Name: "application_event", Scope: ScopeBusiness, Doc: "operations on applications", Create: people, Immutable: true,
		Parent: "application", ParentField: "application_id", Judge: judgeApplication, Fields: fields(
			required(once("application_id", ref("application"), people, "")),
			required(once("op", enum(applicationMachine().ops()...), people, "")),
			once("reason_code", form(`^[a-z0-9_]{1,40}$`, 40), people, "with return and disqualify: this or a note"),
			once("note", text(1, 2000), people, ""),
			once("confirm_by", instant(), office, "with offer"),
			once("feedback", text(1, 2000), office, "with offer, hold and turn_down"),
			once("reserve_no", whole(1, 100_000, ""), office, "with hold: the place in the reserve, 1 moves up first"),
			once("asked", text(1, 2000), office, "with return"),
			once("complete_by", instant(), office, "with return: until when its owner may complete it"),
			once("incomplete", codes(), office, "with return: the questions that it is about"),
		),
	}
}

// codes are those of questions of a programme.
func codes() merge.Type { return list(form(`^[a-z0-9_]{1,40}$`, 40), maxAnswers) }

// AppliedTag is the tag of the applications of a business to a programme, those that came
// with a merger too.
func AppliedTag(programme string) string { return tag("applied", programme) }

func tagApplication(r merge.Row) []string { return []string{AppliedTag(r.Text("programme_id"))} }

// Stands reports whether an application has the one place that its business has in a programme,
// against another one: it was counted and not withdrawn, or both are only submitted and it is the
// earlier attempt. A draft stands for nothing, so that a phone that is ahead of the withdrawal
// on another one loses nothing.
func Stands(application merge.Row, counted bool, against merge.Row) bool {
	switch application.Text("state") {
	case ApplicationWithdrawn:
		return false
	case ApplicationSubmitted:
		return counted || cmp.Or(cmp.Compare(max(1, application.Int("attempt")), max(1, against.Int("attempt"))), cmp.Compare(application.ID, against.ID)) < 0
	}
	return counted
}

// HoldsPlace reports whether an application may come to a place in its programme, or has one.
func HoldsPlace(application merge.Row) bool {
	switch application.Text("state") {
	case ApplicationSubmitted, ApplicationOffered, ApplicationReserve, ApplicationConfirmed:
		return true
	case ApplicationReturned:
		return application.Text("number") != ""
	}
	return false
}

// allowApplication keeps one application for a business, a programme and an attempt, and
// locks it while it is submitted. What a draft says counts until somebody has submitted
// it: an edit that arrives behind that is returned to its author, who keeps it.
func allowApplication(a merge.Attempt) *merge.Reject {
	if a.Create {
		attempt := max(1, int(merge.AsInt(a.Set["attempt"])))
		if a.ID != ApplicationID(scopeID(a.View), merge.AsString(a.Set["programme_id"]), attempt) {
			return refuse("invalid_value", "id")
		}
		return nil
	}
	state, _, _ := ApplicationState(a.Before, a.Operations("application_event", a.ID))
	if state != ApplicationDraft && state != ApplicationReturned {
		return refuse("locked", "")
	}
	return nil
}

// StepFollow has the place where a programme is decided follow an application: what was
// submitted is counted, or goes back to its owner.
const StepFollow = "follow_application"

// StepTellApplication tells owners what the office has made of a submission, with what its
// programme says of days.
const StepTellApplication = "tell_application"

// reactApplication has what happens to an application known where the programme is
// decided, and owners told of it.
func reactApplication(c merge.Change) []merge.Effect {
	var out []merge.Effect
	step := func(do string) {
		out = append(out, merge.Effect{Scope: c.Scope(), Collection: "application", ID: c.After.ID, Do: do})
	}
	switch { // one step of a record in a commit: who follows tells, too
	case c.Before.Text("state") != c.After.Text("state"), string(c.Before.Fields["needs_review"]) != string(c.After.Fields["needs_review"]):
		step(StepFollow)
	case numbered(c.After) && !numbered(c.Before):
		step(StepTellApplication)
	}
	if string(c.After.Fields["needs_review"]) == "true" && string(c.Before.Fields["needs_review"]) != "true" { // somebody has to phone the owner
		out = append(out, merge.Effect{Scope: DecisionScope(c.After.Text("programme_id")), Collection: "review_item", ID: id.Derive("review", c.Scope(), "offer_unclear", c.After.ID, c.After.Text("state")),
			Set: map[string]merge.Value{"what": merge.Str("offer_unclear"), "scope": merge.Str(c.Scope()), "object": merge.Encode(map[string]string{"collection": "application", "id": c.After.ID}), "at": c.Now().Value()}})
	}
	return append(out, applicationNotices(c)...)
}

// numbered reports whether an application that was made here has its receipt number.
func numbered(a merge.Row) bool { return a.Text("number") != "" && a.Text("opens") == "" }

// applicationNotices tell the owners what was decided about their application.
func applicationNotices(c merge.Change) []merge.Effect {
	was, is := c.Before.Text("state"), c.After.Text("state")
	says := params{"programme": c.After.Text("programme_id")}
	owners := present(c, merge.Owner)
	switch {
	case was == is:
		return nil
	case was == ApplicationReserve && is == ApplicationOffered:
		return notice(c, NoticePlace, c.After.Key, says, owners)
	case was == ApplicationSubmitted && (is == ApplicationOffered || is == ApplicationReserve), (was == ApplicationSubmitted || was == ApplicationReturned) && is == ApplicationNotSelected:
		return notice(c, NoticeResults, c.After.Key, says, owners)
	}
	return nil
}

// ApplicationLetters tell the owners of a business that a submission was received, with its
// number, and that it came back, with the hour by which it must be complete: that of the return, or the end of the registration while that lies ahead. p
// may be a zero programme. Made again of the same application they are the same.
func ApplicationLetters(scope string, a merge.Row, operations []merge.Row, p Programme, access []merge.Grant, now time.Time) (out []Letter) {
	give := func(kind, cause string, says params) {
		for _, g := range access {
			if g.Role == merge.Owner && g.Holds(merge.Millis(now.UnixMilli())) {
				out = append(out, Letter{g.User, id.Derive("application", kind, cause, g.User), inboxItem(kind, scope, a.Key, says)})
			}
		}
	}
	if numbered(a) {
		says := params{"number": a.Text("number")}
		if told, ok := p.Phase(PhasePublication); ok {
			says["on"] = string(told.From)
		}
		give(NoticeApplicationIn, a.ID, says)
	}
	if state, _, by := ApplicationState(a, operations); state == ApplicationReturned {
		says := params{}
		if until := a.Text("complete_by"); until != "" {
			says["until"] = until
		} else if _, end, ok := p.Registration(); ok && now.Before(end) {
			says["until"] = lastMinute(end)
		}
		give(NoticeApplicationBack, by, says)
	}
	return out
}
