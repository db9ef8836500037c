package programme

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Job is one action on many businesses and how far it has got.
type Job struct {
	merge.Row
	Steps []JobStep // by business
}

// JobStep is what a job does in one business.
type JobStep struct {
	Business string // where; empty where a step is about many
	No       int    // of the step, where it has no business
	Rows     int    // that it brought in
	State    string // domain.StepWaiting, StepDone, StepFailed
	Code     string // why it failed

	Unchanged int               // rows of an import that are there by another one, as they are
	Left      int               // rows of an import that are not in
	Out       []domain.RowError // which, and why, by line; not those of a step that failed whole
}

// Count is how many steps are in a state.
func (j Job) Count(state string) (n int) {
	for _, st := range j.Steps {
		if st.State == state {
			n++
		}
	}
	return n
}

// Job gives a job to an admin.
//
// Errors: Forbidden, NotFound.
func (s *Service) Job(ctx context.Context, who Caller, job string) (Job, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Job{}, err
	}
	if !id.Valid(job) {
		return Job{}, notFound()
	}
	return s.job(ctx, job)
}

func (s *Service) job(ctx context.Context, job string) (Job, error) {
	k := merge.Key{Collection: "job", ID: job}
	got, err := s.Engine.Store.Load(ctx, domain.GeneralQueue, store.Want{Keys: []merge.Key{k}, Tags: []string{domain.JobTag(job)}})
	if err != nil {
		return Job{}, fmt.Errorf("load job: %w", err)
	}
	var j Job
	for i := range got.Records {
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return j, err
		}
		if row.Key == k {
			j.Row = row
			continue
		}
		st := JobStep{Business: row.Text("business_id"), No: int(row.Int("no")), Rows: int(row.Int("rows")), State: row.Text("state"), Code: row.Text("code"),
			Unchanged: int(row.Int("unchanged")), Left: int(row.Int("left"))}
		if st.State == domain.StepFrozen { // a moment more
			st.State = domain.StepWaiting
		}
		if st.Out, err = leftOf(row); err != nil {
			return j, err
		}
		j.Steps = append(j.Steps, st)
	}
	if j.Version == 0 {
		return j, notFound()
	}
	slices.SortFunc(j.Steps, func(a, b JobStep) int { return cmp.Or(a.No-b.No, strings.Compare(a.Business, b.Business)) })
	return j, nil
}

// jobWrites make a job and its steps, which are effects of the commit.
func jobWrites(who Caller, job, kind string, set map[string]merge.Value, businesses []string) []merge.ServerWrite {
	made := func(collection, record string, set map[string]merge.Value) merge.ServerWrite {
		return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: collection, ID: record, Op: merge.Put, Create: true, Set: set}
	}
	writes := []merge.ServerWrite{made("job", job, set)}
	for _, b := range businesses {
		writes = append(writes, made("job_step", id.Derive("job_step", job, b), map[string]merge.Value{"job_id": merge.Str(job), "kind": merge.Str(kind),
			"business_id": merge.Str(b), "state": merge.Str(domain.StepWaiting)}))
	}
	return writes
}

// Steps are what the engine's followers do for jobs, by kind.
func (s *Service) Steps() map[string]func(context.Context, merge.Effect) error {
	return map[string]func(context.Context, merge.Effect) error{domain.JobHandover: s.stepOf(inBusiness(s.handOver)), domain.JobImport: s.stepOf(s.bringIn), domain.JobPublish: s.stepOf(s.tell), domain.StepFollow: s.followApplication,
		domain.JobAnnounce: s.stepOf(s.tellPage), domain.JobAsk: s.stepOf(s.askPage), domain.StepTellApplication: s.tellApplication, domain.StepScore: s.followSheet, domain.StepApart: s.keepApart, domain.StepMerged: s.followMerger, domain.StepDecide: s.carryOutDecision, domain.StepReturn: s.carryReturn, domain.StepTell: s.tellAll, domain.StepFill: s.fill, domain.StepApproved: s.carryOut, domain.StepRing: s.ringFor}
}

// stepOf does one step of a job and notes how it ended. A crash between the two
// has it done again, which changes nothing. What can be tried again is.
// What do gives is noted with the step, also if that has failed.
func (s *Service) stepOf(do func(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error)) func(context.Context, merge.Effect) error {
	return func(ctx context.Context, eff merge.Effect) error {
		steps, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: eff.ID})
		if err != nil || len(steps) == 0 || steps[0].Text("state") != domain.StepWaiting {
			return err
		}
		if before := int(steps[0].Int("no")) - 1; before > 0 {
			last, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: domain.NumberedStep(steps[0].Text("job_id"), before)})
			if err != nil || len(last) == 0 || last[0].Text("state") == domain.StepWaiting {
				return err // its end has this one done
			}
		}
		jobs, err := s.rows(ctx, eff.Scope, merge.Key{Collection: "job", ID: steps[0].Text("job_id")})
		if err != nil || len(jobs) == 0 {
			return err
		}
		set, err := do(ctx, jobs[0], steps[0])
		if passing(err) {
			return err
		}
		if set == nil {
			set = map[string]merge.Value{}
		}
		set["state"] = merge.Str(domain.StepDone)
		if err != nil {
			set["state"], set["code"] = merge.Str(domain.StepFailed), merge.Str(fault.CodeOf(err))
		}
		_, err = s.Engine.Write(ctx, eff.Scope, merge.ServerWrite{Name: "step." + eff.ID, Role: merge.System, Collection: eff.Collection, ID: eff.ID,
			Op: merge.Put, Set: set})
		return err
	}
}

// inBusiness is a step that is about one business.
func inBusiness(do func(ctx context.Context, job merge.Row, business string) error) func(context.Context, merge.Row, merge.Row) (map[string]merge.Value, error) {
	return func(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
		return nil, do(ctx, job, step.Text("business_id"))
	}
}

// passing reports whether an error may be another one at the next try.
func passing(err error) bool {
	var f *fault.Error
	return err != nil && (!errors.As(err, &f) || f.Kind == fault.Transient || f.Kind == fault.Internal)
}
