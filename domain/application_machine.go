package domain

import (
	"cmp"
	"maps"
	"slices"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// States of an application as its business sees it. Where the curation stands is in
// the case file, which no phone has: between a submission and the publication nothing
// here moves.
const (
	ApplicationDraft        = "draft"
	ApplicationSubmitted    = "submitted"
	ApplicationReturned     = "returned" // for completion
	ApplicationWithdrawn    = "withdrawn"
	ApplicationOffered      = "offered" // selected; the owner has to confirm
	ApplicationReserve      = "reserve"
	ApplicationNotSelected  = "not_selected"
	ApplicationConfirmed    = "confirmed"
	ApplicationDeclined     = "declined"
	ApplicationLapsed       = "lapsed" // not confirmed in time
	ApplicationDisqualified = "disqualified"
)

func applicationStates() []string {
	return []string{ApplicationDraft, ApplicationSubmitted, ApplicationReturned, ApplicationWithdrawn, ApplicationOffered, ApplicationReserve, ApplicationNotSelected,
		ApplicationConfirmed, ApplicationDeclined, ApplicationLapsed, ApplicationDisqualified}
}

// ApplicationID is the id of a business's application to a programme: two phones that
// begin one without a network begin the same. attempt counts from 1; after a withdrawal
// there may be another.
func ApplicationID(business, programme string, attempt int) string {
	return id.Derive("application", business, programme, string(rune('0'+attempt)))
}

// MaxAttempts is how often a business may apply to one programme.
const MaxAttempts = 9

// applicationTable lists the operations, highest precedence first: of concurrent ones
// the first in this list is the state, but for what applicationJoin says.
func applicationTable() []opRule {
	owner, office := []merge.Role{merge.Owner}, []merge.Role{merge.Admin}
	ask := []merge.Role{merge.Owner, merge.Admin} // an admin, who has asked the owner: judgeApplication
	open := []string{ApplicationDraft, ApplicationReturned}
	decided := []string{ApplicationSubmitted, ApplicationOffered, ApplicationReserve}
	return []opRule{
		{op: "disqualify", from: append([]string{ApplicationConfirmed, ApplicationDeclined, ApplicationLapsed, ApplicationWithdrawn, ApplicationNotSelected}, append(open, decided...)...),
			to: ApplicationDisqualified, who: office, reason: true, online: true, overrule: true},
		{op: "lapse", from: []string{ApplicationOffered}, to: ApplicationLapsed, who: office, online: true, overrule: true},
		{op: releaseOp, from: []string{ApplicationDeclined, ApplicationWithdrawn, ApplicationLapsed}, who: []merge.Role{merge.System}, overrule: true}, // leaves the state alone
		{op: "withdraw", from: append(open, decided...), to: ApplicationWithdrawn, who: owner},
		{op: "decline", from: []string{ApplicationOffered}, to: ApplicationDeclined, who: ask},
		{op: "confirm", from: []string{ApplicationOffered}, to: ApplicationConfirmed, who: ask},
		{op: "offer", from: []string{ApplicationSubmitted, ApplicationReserve}, to: ApplicationOffered, who: office, online: true},
		{op: "hold", from: []string{ApplicationSubmitted}, to: ApplicationReserve, who: office, online: true},
		{op: "turn_down", from: []string{ApplicationSubmitted, ApplicationReturned, ApplicationReserve}, to: ApplicationNotSelected, who: office, online: true},
		{op: "return", from: []string{ApplicationSubmitted}, to: ApplicationReturned, who: office, reason: true, online: true},
		{op: "submit", from: open, to: ApplicationSubmitted, who: owner},
	}
}

func applicationMachine() machine { return machine{rules: applicationTable(), outlasts: outlasts} }

// answers are the operations that answer an offer.
func answers() []string { return []string{"confirm", "decline"} }

// endings are what the office decides for good: nothing that an owner says leads out of them.
func endings() []string { return []string{"disqualify", "lapse", releaseOp, "turn_down"} }

// outlasts has an ending count whatever an owner names as seen behind it, and an answer behind
// an offer that was told again after a restore: the id of a result is the same both times, so
// that each may have seen the other.
func outlasts(before, after merge.Row) bool {
	owners := append([]string{"submit", "withdraw"}, answers()...)
	return slices.Contains(endings(), before.Text("op")) && slices.Contains(owners, after.Text("op")) ||
		slices.Contains(answers(), before.Text("op")) && after.Text("op") == "offer"
}

// releaseOp gives the place that an owner has left to somebody else, for good. What an owner says
// that had not heard of it finds the place gone. The server says it alone.
const releaseOp = "release"

// Lanes of answers that decide nothing.
const (
	lateAnswers = "late"       // received by the server behind the deadline of the offer
	unprompted  = "unprompted" // there is no offer: a restore took it, or the phone says so. It may be told again
)

// OfferEnds is the first instant at which the offer among operations has lapsed; 0 without one.
func OfferEnds(operations []merge.Row) (until merge.Millis) {
	for _, o := range operations {
		if o.Text("op") == "offer" {
			until = max(until, instantOf(o, "confirm_by"))
		}
	}
	return until
}

// answeringMachine is the machine of an application with these operations. By when an answer
// counts is asked of its receipt, not of whether somebody has written down meanwhile that the
// offer has lapsed.
func answeringMachine(operations []merge.Row) machine {
	m, until := applicationMachine(), OfferEnds(operations)
	prompted := among(operations, "offer")
	m.lane = func(o merge.Row) string {
		switch answer := slices.Contains(answers(), o.Text("op")); {
		case answer && !prompted:
			return unprompted
		case (answer || o.Text("op") == "withdraw") && until > 0 && instantOf(o, "received_at") >= until:
			return lateAnswers
		}
		return ""
	}
	return m
}

// asTold has results not have seen the answers to them. One that is told again after a restore
// says that it saw what had come back of the phones, and is to them what they heard before.
func asTold(operations []merge.Row) []merge.Row {
	byID := map[string]merge.Row{}
	for _, o := range operations {
		if slices.Contains(answers(), o.Text("op")) {
			byID[o.ID] = o
		}
	}
	if len(byID) == 0 {
		return operations
	}
	out := slices.Clone(operations)
	for i, o := range out {
		if !slices.Contains([]string{"offer", "hold", "turn_down"}, o.Text("op")) {
			continue
		}
		var seen []string
		for _, s := range o.Strings("seen") {
			if answer, ok := byID[s]; ok {
				seen = append(seen, slices.DeleteFunc(answer.Strings("seen"), func(s string) bool { return byID[s].ID != "" || s == o.ID })...)
			} else {
				seen = append(seen, s)
			}
		}
		out[i].Fields = maps.Clone(o.Fields)
		out[i].Fields["seen"] = merge.Encode(seen)
	}
	return out
}

// ApplicationState replays operations on an application: where they lead, whether a
// person must look at it, and which of them decided, "" if none did.
func ApplicationState(application merge.Row, operations []merge.Row) (state string, review bool, by string) {
	operations = asTold(operations)
	m := answeringMachine(operations)
	state, review, by = answeredInTime(m, application, operations)
	late := m.heads(operations, lateAnswers)
	switch {
	case among(m.heads(operations, unprompted), "confirm"): // somebody believes that a place is theirs
		open := []string{ApplicationSubmitted, ApplicationReserve, ApplicationNotSelected}
		return state, review || slices.Contains(open, state), by
	case len(late) == 0 || state == ApplicationDisqualified:
	case state == ApplicationOffered: // nobody said anything that counts
		return ApplicationLapsed, review || among(late, "confirm"), by
	default: // somebody believes otherwise
		review = review || state == ApplicationConfirmed || among(late, "confirm")
	}
	return state, review, by
}

// answeredInTime is ApplicationState without the answers that came too late.
func answeredInTime(m machine, application merge.Row, operations []merge.Row) (state string, review bool, by string) {
	heads := m.heads(operations, "")
	top, ok := m.top(operations, "")
	if !ok {
		return cmp.Or(application.Text("opens"), ApplicationDraft), false, ""
	}
	rule, _ := m.rule(top.Text("op"))
	switch {
	case rule.op == "lapse":
		return rule.to, among(heads, "confirm"), top.ID
	case rule.op == releaseOp:
		state, _, _ = ApplicationState(application, seenBy(operations, top))
		return state, among(heads, "confirm"), top.ID
	case among(heads, "confirm") && (rule.op == "decline" || rule.op == "withdraw"):
		return ApplicationOffered, true, "" // neither: an admin asks the owner
	case rule.op == "withdraw" && offeredBeside(operations, heads):
		return ApplicationDeclined, false, top.ID // the offer was on its way already
	}
	return rule.to, false, top.ID
}

func among(operations []merge.Row, op string) bool {
	return slices.ContainsFunc(operations, func(o merge.Row) bool { return o.Text("op") == op })
}

// What an application has of a place in its programme.
const (
	PlaceHeld = "held" // its owner may confirm, or has
	PlaceLeft = "left" // its owner does not want it; another phone of theirs may still say otherwise
	PlaceGone = "gone" // for good
)

func places() []string { return []string{PlaceHeld, PlaceLeft, PlaceGone} }

// ApplicationPlace says what an application has of a place by the operations on it; "" before
// there was an offer. What is gone never comes back, whichever operations arrive.
func ApplicationPlace(application merge.Row, operations []merge.Row) string {
	state, _, _ := ApplicationState(application, operations)
	switch {
	case !among(operations, "offer"):
		return ""
	case state == ApplicationOffered, state == ApplicationConfirmed:
		return PlaceHeld
	case state == ApplicationDisqualified, among(operations, "lapse"), among(operations, releaseOp):
		return PlaceGone
	}
	return PlaceLeft
}

// PlaceOf is what an application has of a place by its copy beside the decisions; "" if it
// never had one. Copies from before that was noted say it by their state.
func PlaceOf(application merge.Row) string {
	switch state := application.Text("state"); {
	case application.Text("place") != "":
		return application.Text("place")
	case state == ApplicationOffered, state == ApplicationConfirmed:
		return PlaceHeld
	case state == ApplicationDeclined, state == ApplicationLapsed:
		return PlaceGone
	}
	return ""
}

// offeredBeside reports whether there was an offer that no withdrawal among the heads
// had seen.
func offeredBeside(operations, heads []merge.Row) bool {
	return slices.ContainsFunc(operations, func(p merge.Row) bool {
		return p.Text("op") == "offer" && !slices.ContainsFunc(heads, func(w merge.Row) bool {
			seen, _ := merge.Closure(operations, w.Strings("seen"))
			return w.Text("op") == "withdraw" && seen[p.ID]
		})
	})
}

// deriveApplication replays an application.
func deriveApplication(v merge.View, r merge.Row) merge.Derived {
	ops := asTold(v.Operations("application_event", r.ID))
	state, review, by := ApplicationState(r, ops)
	d := merge.Derived{Operations: map[merge.Key]map[string]merge.Value{}, Fields: map[string]merge.Value{"state": merge.Str(state), "needs_review": nil,
		"confirm_by": nil, "feedback": nil, "reserve_no": nil, "asked": nil, "returned_for": nil, "complete_by": nil, "incomplete": nil}}
	if review {
		d.Fields["needs_review"] = merge.Flag(true)
	}
	effective := map[string]bool{by: true}
	for _, o := range ops {
		_, _, by := ApplicationState(r, seenBy(ops, o))
		effective[by] = true
	}
	for _, o := range ops {
		rule, _ := applicationMachine().rule(o.Text("op"))
		outcome := Absorbed
		switch {
		case effective[o.ID]:
			outcome = Effective
		case rule.overrule:
			outcome = Superseded
		}
		d.Operations[o.Key] = map[string]merge.Value{"outcome": merge.Str(outcome)}
	}
	slices.SortFunc(ops, merge.EarlierOperation)
	for _, o := range ops {
		if effective[o.ID] {
			sayOf(d.Fields, o)
		}
	}
	if state != ApplicationReserve {
		d.Fields["reserve_no"] = nil
	}
	if state != ApplicationReturned {
		d.Fields["asked"], d.Fields["returned_for"], d.Fields["complete_by"], d.Fields["incomplete"] = nil, nil, nil, nil
	}
	return d
}

// sayOf has an application say what an effective operation told its owner.
func sayOf(fields map[string]merge.Value, o merge.Row) {
	switch o.Text("op") {
	case "offer":
		fields["confirm_by"], fields["feedback"] = o.Fields["confirm_by"], o.Fields["feedback"]
	case "hold", "turn_down":
		fields["feedback"], fields["reserve_no"] = o.Fields["feedback"], o.Fields["reserve_no"]
	case "return":
		fields["asked"], fields["returned_for"], fields["complete_by"] = o.Fields["asked"], o.Fields["reason_code"], o.Fields["complete_by"]
		fields["incomplete"] = o.Fields["incomplete"]
	}
}

// judgeApplication asks what the author saw. Owners answer an offer; an admin writes their
// answer down where somebody had to ask them, because their phones said different things: until
// the offer ends, and while the place is theirs. After a restore the named state stands in for
// what is lost, unless the author had seen an end that is not; where that leads without the
// offer, ApplicationState says.
func judgeApplication(j merge.Judgement) *merge.Reject {
	state, review, _ := ApplicationState(j.Parent, j.Seen)
	ended := slices.ContainsFunc(endings(), func(op string) bool { return among(j.Seen, op) })
	if j.AfterRestore && j.From != "" && !ended {
		state = j.From
	}
	op := merge.AsString(j.Set["op"])
	noted := j.Role == merge.Admin && (op == "confirm" || op == "decline")
	ends := OfferEnds(j.Seen)
	switch {
	case noted && j.Online && ends > 0 && j.Now() >= ends && (state == ApplicationOffered || state == ApplicationLapsed):
		return refuse("offer_lapsed", "set.op")
	case noted && op == "confirm" && among(j.Seen, releaseOp):
		return refuse("place_taken", "set.op")
	}
	if r := applicationMachine().legal(j, state); r != nil {
		return r
	}
	if noted && !review {
		return refuse("forbidden_transition", "set.op")
	}
	return nil
}
