package domain

import "github.com/lumbung-ikm/lumbung/sync/merge"

// GeneralQueue is the scope of what admins decide outside of any programme.
const GeneralQueue = ScopeDecision + "/general"

// JobHandover gives the businesses of one mentor to another.
const JobHandover = "handover"

// MaxJobSteps bounds the scopes that one action of an admin reaches.
const MaxJobSteps = 1000

// States of a step of a job.
const (
	StepWaiting = "waiting"
	StepDone    = "done"
	StepFailed  = "failed"
)

func jobKinds() []string { return []string{JobHandover} }

// job is one action of an admin on many scopes. Its steps are effects, one per
// scope, which a crash does not lose.
func job() *merge.Collection {
	return &merge.Collection{
		Name: "job", Scope: ScopeDecision, Doc: "one action on many scopes; never on a phone", Fields: fields(
			server("kind", enum(jobKinds()...), ""),
			server("from_id", ref(""), "the mentor who gives"),
			server("to_id", ref(""), "the mentor who takes"),
			server("at", instant(), "when the windows change; later where a step comes later"),
			server("reason", text(0, 300), ""),
			server("note", text(0, 2000), "for the successor"),
			server("total", whole(0, MaxJobSteps, "steps"), ""),
		),
	}
}

// jobStep is what a job does in one scope.
func jobStep() *merge.Collection {
	return &merge.Collection{
		Name: "job_step", Scope: ScopeDecision, Doc: "what a job does in one scope", React: reactJobStep, Tags: tagJobStep, Fields: fields(
			server("job_id", ref("job"), ""),
			server("kind", enum(jobKinds()...), "of the job"),
			server("business_id", ref(""), "where"),
			server("state", enum(StepWaiting, StepDone, StepFailed), ""),
			server("code", text(0, 60), "why it failed; key of the message catalogue"),
		),
	}
}

// reactJobStep has a new step done.
func reactJobStep(c merge.Change) []merge.Effect {
	if !c.New || c.After.Text("state") != StepWaiting {
		return nil
	}
	return []merge.Effect{{Scope: c.Scope(), Collection: "job_step", ID: c.After.ID, Do: c.After.Text("kind")}}
}

// JobTag is the tag under which the steps of a job are found.
func JobTag(job string) string { return "job=" + job }

func tagJobStep(r merge.Row) []string { return []string{JobTag(r.Text("job_id"))} }
