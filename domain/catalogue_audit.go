package domain

import (
	"time"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// What an entry of the audit trail is about.
const (
	AuditRead   = "read"   // personal data was told over REST
	AuditPulled = "pulled" // a mentor's phone has a business; once for a session, a business and a day
	AuditPushed = "pushed" // a mentor's phone changed something of a business; once for a push and a scope
	AuditChange = "change" // an admin or a mentor is about to change something; written before it happens
	AuditResult = "result" // what became of a change, by its request
	AuditEvent  = "event"  // about a login, a factor or the rights of a person
)

// AuditScope is where the trail of a month (UTC) is kept.
func AuditScope(at time.Time) string { return ScopeAudit + "/" + at.UTC().Format("2006-01") }

// EventScopeRefused is the event that a phone sent edits into a scope of somebody else's.
const EventScopeRefused = "scope_refused"

// Bounds of what one entry names.
const (
	MaxAuditSubjects = 500
	MaxAuditFields   = 100
)

// auditEntry is one line of the trail. It holds names of fields and never what is in them.
func auditEntry() *merge.Collection {
	return &merge.Collection{
		Name: "audit_entry", Scope: ScopeAudit, Doc: "who saw or changed what; names of fields, never what is in them; its log is never shortened", Fields: fields(
			server("at", instant(), ""),
			server("what", enum(AuditRead, AuditPulled, AuditChange, AuditResult, AuditEvent, AuditPushed), ""),
			server("actor", text(0, 40), "user id"),
			server("session", text(0, 60), ""),
			server("role", text(0, 20), "by which it was allowed"),
			server("route", text(0, 120), "method and template"),
			server("scope", text(0, 100), ""),
			server("device", text(0, 60), "phone that pushed"),
			server("edits", whole(1, 1<<20, ""), "accepted ones of a push"),
			server("first_seq", whole(1, 1<<53-1, "commits"), "of the scope, in which they stand"),
			server("last_seq", whole(1, 1<<53-1, "commits"), ""),
			server("subjects", list(text(1, 60), MaxAuditSubjects), "ids of the people, enterprises and records it is about"),
			server("fields", list(text(1, 60), MaxAuditFields), "classes of what was read, names of what was written, collections of what was pushed"),
			server("status", whole(0, 599, ""), "of the answer"),
			server("request", text(0, 64), "ties a result to its change"),
			server("event", text(0, 40), ""),
			server("reason", text(0, 60), ""),
		),
	}
}

// Kinds of approvals.
const (
	ApproveRights = "rights" // makes an admin, or takes the role from one
	ApproveFactor = "factor" // gives an admin a new password and factor

	ApproveDisqualify = "disqualify" // takes an application out of its programme
	ApproveCorrection = "correction" // other words in an announcement that was reviewed
)

// States of an approval. One that is proposed and too old is none of them: it has expired.
const (
	ApprovalProposed = "proposed"
	ApprovalApproved = "approved" // and about to be carried out
	ApprovalDone     = "done"
	ApprovalFailed   = "failed"
	ApprovalDeclined = "declined"
)

// ApprovalLife is how long a proposal waits.
const ApprovalLife = 24 * time.Hour

// StepApproved carries out what was approved.
const StepApproved = "approved"

// approval is something that two people must want.
func approval() *merge.Collection {
	return &merge.Collection{
		Name: "approval", Scope: ScopeDecision, Doc: "something that one admin proposed and another one has to approve", React: reactApproval, Fields: fields(
			server("kind", enum(ApproveRights, ApproveFactor, ApproveDisqualify, ApproveCorrection), "what is done when it is approved"),
			server("subject", text(0, 60), "id of what it is done to"),
			server("params", anything(64<<10), "how, by kind"),
			server("what", form(`^[0-9a-f]{64}$`, 64), "SHA-256 over kind, subject and params: what exactly is approved"),
			server("reason", text(0, 300), ""),
			server("proposed_by", ref(""), "user"),
			server("proposed_at", instant(), ""),
			server("expires_at", instant(), "not approved from then on"),
			server("approved_by", ref(""), "user; somebody else"),
			server("approved_at", instant(), ""),
			server("declined_by", ref(""), "user; may be who proposed it"),
			server("state", enum(ApprovalProposed, ApprovalApproved, ApprovalDone, ApprovalFailed, ApprovalDeclined), ""),
			server("code", text(0, 60), "why it failed; key of the message catalogue"),
			server("shown_to", ref(""), "user who was shown the token that it gave"),
		),
	}
}

// reactApproval has what was approved carried out.
func reactApproval(c merge.Change) []merge.Effect {
	if c.After.Text("state") != ApprovalApproved || c.Before.Text("state") == ApprovalApproved {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "approval", ID: c.After.ID, Do: StepApproved}}
}
