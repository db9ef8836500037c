package domain

import (
	"strconv"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// GeneralQueue is the scope of what admins decide outside of any programme.
const GeneralQueue = ScopeDecision + "/general"

// Kinds of jobs.
const (
	JobHandover = "handover" // gives the businesses of one mentor to another
	JobImport   = "import"   // brings in who registered elsewhere
	JobAnnounce = "announce" // brings an announcement as it is to pages of its audience
	JobAsk      = "ask"      // reminds pages of an audience to confirm an announcement
	JobPublish  = "publish"  // tells everybody their result
)

// MaxJobSteps bounds the scopes that one action of an admin reaches.
const MaxJobSteps = 1000

// States of a step of a job.
const (
	StepFrozen  = "frozen" // nobody does it before it waits
	StepWaiting = "waiting"
	StepDone    = "done"
	StepFailed  = "failed"
)

func jobKinds() []string { return []string{JobHandover, JobImport, JobPublish, JobAnnounce, JobAsk} }

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
			server("beyond_capacity", truth(), "of a hand-over: also if the next mentor has as many as they can"),
			server("total", whole(0, MaxJobSteps, "steps"), ""),
			server("programme_id", ref(""), "of an import"),
			server("rows", whole(0, 1_000_000, "rows"), "of an import; of an announcement: people"),
			server("announcement_id", ref("announcement"), "that is brought to its audience"),
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
			server("no", whole(1, MaxJobSteps, ""), "of an import or an announcement: they go in order"),
			server("input", anything(512<<10), "registrants of an import until they are in; results of a publication"),
			server("page_id", ref(""), "of an announcement: whom it is brought to"),
			server("rows", whole(0, 1_000_000, "rows"), "that it brought in; of an announcement: people"),
			server("unchanged", whole(0, 1_000_000, "rows"), "of an import: that another one had brought in, as they are"),
			server("left", whole(0, 1_000_000, "rows"), "of an import: that it did not bring in"),
			server("left_out", anything(32<<10), "of an import: which these are, by line, and why"),
			server("state", enum(StepFrozen, StepWaiting, StepDone, StepFailed), "frozen = of a list of results that may never count"),
			server("code", text(0, 60), "why it failed; key of the message catalogue"),
		),
	}
}

// reactJobStep has a step done once it waits, and behind a step that has a number the next one: those
// are done in their order.
func reactJobStep(c merge.Change) []merge.Effect {
	step := func(id string) []merge.Effect {
		return []merge.Effect{{Scope: c.Scope(), Collection: "job_step", ID: id, Do: c.After.Text("kind")}}
	}
	no, waits := int(c.After.Int("no")), c.After.Text("state") == StepWaiting
	switch {
	case waits && c.Before.Text("state") != StepWaiting:
		return step(c.After.ID)
	case no > 0 && !waits && c.Before.Text("state") == StepWaiting:
		return step(NumberedStep(c.After.Text("job_id"), no+1))
	}
	return nil
}

// NumberedStep is the id of a step of a job by its number.
func NumberedStep(job string, no int) string { return id.Derive("job_step", job, strconv.Itoa(no)) }

// JobTag is the tag under which the steps of a job are found.
func JobTag(job string) string { return "job=" + job }

func tagJobStep(r merge.Row) []string { return []string{JobTag(r.Text("job_id"))} }
