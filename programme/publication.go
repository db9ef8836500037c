package programme

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Feedback is what owners are told beside a result, by result: selected, reserve,
// not_selected, eliminated. One that is absent is told without words.
type Feedback map[string]string

// Published is the publication of a programme.
type Published struct {
	merge.Row
	Version Version
}

// Publication gives the publication of a programme to an admin.
//
// Errors: Forbidden, NotFound.
func (s *Service) Publication(ctx context.Context, who Caller, programme string) (Published, error) {
	if _, err := s.mySetup(ctx, who, programme); err != nil {
		return Published{}, err
	}
	return s.published(ctx, programme)
}

func (s *Service) published(ctx context.Context, programme string) (Published, error) {
	head, err := s.Engine.Store.Head(ctx, domain.DecisionScope(programme))
	if err != nil {
		return Published{}, err
	}
	rows, err := s.rows(ctx, head.Scope, publicationKey(programme))
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Published{}, err
	}
	return Published{rows[0], Version{head.Generation.Count, rows[0].Version}}, nil
}

// PreparePublication says when the results of a programme are told, and with which words.
// Another admin has to approve it. Before that it may be prepared anew.
//
// Errors: Forbidden, NotFound; Invalid (publish_at in the past, feedback); Conflict
// "stage_not_ready" before the last stage is decided, "publication_approved".
func (s *Service) PreparePublication(ctx context.Context, who Caller, programme string, at time.Time, words Feedback) (Published, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Published{}, err
	}
	b, _, err := s.rulings(ctx, programme, func(p domain.Programme) []int { return []int{len(p.Stages)} })
	if err != nil {
		return Published{}, err
	}
	switch {
	case b.rulings[len(b.Stages)].Text("state") != "decided":
		return Published{}, conflict("stage_not_ready", "the last stage is not decided")
	case b.told.Version > 0 && b.told.Text("state") != "prepared" && b.told.Text("state") != publicationWithdrawn:
		return Published{}, conflict("publication_approved", "approved already")
	case at.Before(s.Clock.Now()):
		return Published{}, invalid("publish_at", "in the past")
	}
	if err := s.sayable(words); err != nil {
		return Published{}, err
	}
	set := map[string]merge.Value{"publish_at": merge.Millis(at.UnixMilli()).Value(), "prepared_by": merge.Str(who.User), "approved_by": null(), "state": merge.Str("prepared"),
		"withdrawn_by": null(), "reason": null(), "feedback": merge.Encode(words)}
	if err := s.check("publication", set); err != nil {
		return Published{}, err
	}
	return s.publication(ctx, who, b, set)
}

// sayable holds words against what an owner can be told: what does not fit would be found
// out at the instant, when nobody can mend it any more.
//
// Errors: Invalid "invalid_value" (feedback).
func (s *Service) sayable(words Feedback) error {
	for kind, text := range words {
		if !slices.Contains([]string{domain.FileSelected, domain.FileReserve, domain.FileNotSelected, domain.FileEliminated}, kind) {
			return invalid("feedback", "no result of that name")
		}
		if s.check("application_event", map[string]merge.Value{"feedback": optional(text)}) != nil {
			return invalid("feedback."+kind, "words that no owner can be told")
		}
	}
	return nil
}

// ApprovePublication has the results told at the instant that another admin said.
//
// Errors: Forbidden "forbidden", "same_person"; NotFound; Conflict "stage_not_ready" if
// nothing is prepared, "publication_approved", "publication_late" if the instant is over.
func (s *Service) ApprovePublication(ctx context.Context, who Caller, programme string, seen Version) (Published, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Published{}, err
	}
	b, e, err := s.rulings(ctx, programme, func(domain.Programme) []int { return nil })
	switch {
	case err != nil:
		return Published{}, err
	case b.told.Version == 0, b.told.Text("state") == publicationWithdrawn:
		return Published{}, conflict("stage_not_ready", "nobody has prepared it")
	case b.told.Text("state") != "prepared":
		return Published{}, conflict("publication_approved", "approved already")
	case b.told.Version != seen.Seq, e.Version.Generation != seen.Generation:
		return Published{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "prepared anew since"}
	case b.told.Text("prepared_by") == who.User:
		return Published{}, &fault.Error{Kind: fault.Forbidden, Code: "same_person", Text: "prepared by the same person"}
	case instant(b.told, "publish_at").Before(s.Clock.Now()):
		return Published{}, conflict("publication_late", "its instant is over")
	}
	return s.publication(ctx, who, b, map[string]merge.Value{"approved_by": merge.Str(who.User), "state": merge.Str("approved")})
}

func publicationKey(programme string) merge.Key {
	return merge.Key{Collection: "publication", ID: id.Derive("publication", programme)}
}

func (s *Service) publication(ctx context.Context, who Caller, b *board, set map[string]merge.Value) (Published, error) {
	k := publicationKey(b.ID)
	if _, err := s.Engine.Write(ctx, b.scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
		Create: b.told.Version == 0, Strict: &b.told.Version, Set: set}); err != nil {
		return Published{}, err
	}
	return s.published(ctx, b.ID)
}

// PublishDue begins to tell the results of every programme whose instant has come: one
// commit says so, from which on nobody withdraws it. Then it freezes who is told what, as a
// job whose steps are done in an order that says nothing about the results. A process that
// died between the two is followed by the next that looks. Any number of processes may call
// it at any time.
func (s *Service) PublishDue(ctx context.Context) error {
	return s.everyDecision(ctx, func(programme string) error {
		rows, err := s.rows(ctx, domain.DecisionScope(programme), publicationKey(programme))
		if err != nil || len(rows) == 0 {
			return err
		}
		told := rows[0]
		if told.Text("state") == "approved" && !instant(told, "publish_at").After(s.Clock.Now()) {
			if err := s.beginTelling(ctx, programme, told); err != nil {
				return err
			}
		} else if !halfBegun(told) {
			return nil
		}
		return s.publish(ctx, programme)
	})
}

// everyDecision calls do with the id of every programme that is decided about.
func (s *Service) everyDecision(ctx context.Context, do func(programme string) error) error {
	const prefix = domain.ScopeDecision + "/"
	for after := prefix; ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, 100)
		if err != nil {
			return fmt.Errorf("programmes: %w", err)
		}
		for _, scope := range scopes {
			programme, ours := strings.CutPrefix(scope, prefix)
			if !ours {
				return nil
			}
			if after = scope; !id.Valid(programme) {
				continue // the general queue
			}
			if err := do(programme); err != nil {
				return fmt.Errorf("programme %s: %w", programme, err)
			}
		}
		if len(scopes) < 100 {
			return nil
		}
	}
}

// result is what one application is told.
type result struct {
	File     string `json:"file"`
	Business string `json:"business"`
	Op       string `json:"op"` // offer, hold or turn_down
	Words    string `json:"words,omitempty"`
}

// tellPerStep is how many applications a step of a publication tells.
const tellPerStep = 20

// publish freezes what everybody is told and begins the job, if the publication has begun.
func (s *Service) publish(ctx context.Context, programme string) error {
	var all []result
	var told merge.Row
	err := s.atBoard(ctx, programme, 0, func(b *board) error {
		if b.lags() { // the next look finds it carried out
			return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "the last stage is not carried out yet"}
		}
		var words Feedback
		if v := b.told.Fields["feedback"]; !merge.Null(v) {
			if err := json.Unmarshal(v, &words); err != nil {
				return err
			}
		}
		told, all = b.told, b.results(words)
		return nil
	})
	if err != nil || !halfBegun(told) { // withdrawn in the last moment, or another process was faster
		return err
	}
	jid := publicationJob(programme)
	name := "publish." + programme
	set := map[string]merge.Value{"kind": merge.Str(domain.JobPublish), "programme_id": merge.Str(programme), "total": merge.Num((len(all) + tellPerStep - 1) / tellPerStep), "rows": merge.Num(len(all))}
	writes := []merge.ServerWrite{{Name: name, Role: merge.System, Collection: "job", ID: jid, Op: merge.Put, Create: true, Set: set}}
	n := 0
	for some := range slices.Chunk(all, tellPerStep) {
		n++
		writes = append(writes, merge.ServerWrite{Name: name + "." + strconv.Itoa(n), Role: merge.System, Collection: "job_step", ID: id.Derive("job_step", jid, "tell", strconv.Itoa(n)),
			Op: merge.Put, Create: true, Set: map[string]merge.Value{"job_id": merge.Str(jid), "kind": merge.Str(domain.JobPublish), "state": merge.Str(domain.StepWaiting), "input": merge.Encode(some)}})
	}
	// The steps are frozen before the publication says how many there are: a process that dies
	// in between begins anew, and what another one froze stays.
	for some := range slices.Chunk(writes, 10) {
		if _, err := s.Engine.Write(ctx, domain.GeneralQueue, some...); err != nil && fault.CodeOf(err) != "id_reuse" {
			return err
		}
	}
	_, err = s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: name, Role: merge.System, Collection: "publication", ID: publicationKey(programme).ID, Op: merge.Put, Strict: &told.Version,
		Set: map[string]merge.Value{"total": merge.Num(len(all))}})
	if err != nil && fasterOther(err) {
		return nil // another process was faster
	}
	return err
}

// results are what everybody who applied is told. The places of those who withdrew since
// the decision are filled from the ranking. The order is drawn by hash: it says nothing
// about who was selected, and is the same whoever works it out.
func (b *board) results(words Feedback) (out []result) {
	selected, reserve := b.places()
	ranked := slices.DeleteFunc(slices.Clone(b.files), func(f file) bool { return !f.ranked || b.withdrawn(f) })
	slices.SortFunc(ranked, byRank)
	becomes := map[string]string{}
	for i, f := range ranked {
		switch {
		case i < selected:
			becomes[f.id] = domain.FileSelected
		case i < selected+reserve:
			becomes[f.id] = domain.FileReserve
		default:
			becomes[f.id] = domain.FileNotSelected
		}
	}
	ops := map[string]string{domain.FileSelected: "offer", domain.FileReserve: "hold", domain.FileNotSelected: "turn_down", domain.FileEliminated: "turn_down"}
	for _, f := range b.files {
		state := f.state
		if becomes[f.id] != "" {
			state = becomes[f.id]
		}
		if b.withdrawn(f) {
			continue
		}
		if ops[state] == "" { // nothing was decided about it, such as one that was not completed in time: whoever has a number hears something
			state = domain.FileNotSelected
		}
		said := f.feedback
		if said == "" {
			said = words[state]
		}
		out = append(out, result{f.id, f.business, ops[state], said})
	}
	slices.SortFunc(out, func(x, y result) int { return strings.Compare(b.drawn(x), b.drawn(y)) })
	return out
}

// places are how many are selected and stand in reserve: as was decided, whatever the
// programme says by now.
func (b *board) places() (selected, reserve int) {
	if d := b.rulings[len(b.Stages)]; d.Text("state") == "decided" {
		return int(d.Int("passed")), int(d.Int("reserve"))
	}
	return b.Quota, b.Reserve
}

// drawn is the place of a result in the order in which results are told.
func (b *board) drawn(r result) string { return id.Derive("order", b.told.ID, r.File) }

// tell does one step of a publication: each application hears its result, in a commit of
// its own scope. Done again it changes nothing.
func (s *Service) tell(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
	var some []result
	if err := json.Unmarshal(step.Fields["input"], &some); err != nil {
		return nil, err
	}
	e, err := s.setup(ctx, job.Text("programme_id"))
	if err != nil {
		return nil, err
	}
	p := domain.ProgrammeOf(e.Row)
	for _, r := range some {
		if err := s.tellOne(ctx, p, r); err != nil {
			return nil, fmt.Errorf("application %s: %w", r.File, err)
		}
	}
	return map[string]merge.Value{"rows": merge.Num(len(some))}, nil
}

// tellOne tells one application.
func (s *Service) tellOne(ctx context.Context, p domain.Programme, r result) error {
	set := map[string]merge.Value{"application_id": merge.Str(r.File), "op": merge.Str(r.Op), "feedback": optional(r.Words)}
	if r.Op == "offer" {
		until := domain.BusinessDay(s.Clock.Now(), p.Zone).AddDays(p.ConfirmDays).End(p.Zone)
		set["confirm_by"] = merge.Millis(until.UnixMilli()).Value()
	}
	k := merge.Key{Collection: "application_event", ID: id.Derive("application_event", r.File, "result", r.Op)}
	head, err := s.home(ctx, r.Business)
	if err != nil {
		return fmt.Errorf("head of business: %w", err)
	}
	there, err := s.rows(ctx, head.Scope, k)
	if err != nil || len(there) > 0 { // told, perhaps on another day
		return err
	}
	from := []string{domain.ApplicationSubmitted, domain.ApplicationReserve}
	if r.Op == "turn_down" {
		from = append(from, domain.ApplicationReturned) // and not completed
	}
	return s.say(ctx, r.Business, k.ID, "tell."+r.File+"."+r.Op, set, from...)
}

// say writes an operation of the server's own on an application, while that is in one of
// some states. In another one it was overtaken, which is no error. A business that was
// merged into another one hears it there.
func (s *Service) say(ctx context.Context, business, event, name string, set map[string]merge.Value, states ...string) error {
	application := merge.AsString(set["application_id"])
	still := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := v.Row("application", application); !ok || !slices.Contains(states, r.Text("state")) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	for {
		head, err := s.home(ctx, business)
		if err != nil {
			return fmt.Errorf("head of business: %w", err)
		}
		_, err = s.Engine.Write(ctx, head.Scope, merge.ServerWrite{Name: name, Role: merge.System, Collection: "application_event", ID: event, Op: merge.Put, Create: true, Must: inAlive(still), Set: set})
		switch fault.CodeOf(err) {
		case "conflict", "id_reuse":
			return nil
		case "business_merged": // in between; its head says so by the next look
			if err := s.moved(ctx, head.Scope); err != nil {
				return err
			}
			continue
		}
		return err
	}
}

// moved makes sure that a scope whose business was merged has said where it has gone.
//
// Errors: Transient "busy" while it has not.
func (s *Service) moved(ctx context.Context, scope string) error {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err == nil && head.MovedTo == "" {
		err = &fault.Error{Kind: fault.Transient, Code: "busy", Text: "a merger is under way"}
	}
	return err
}

// Told marks the publications whose last step is done.
func (s *Service) Told(ctx context.Context) error {
	return s.everyDecision(ctx, func(programme string) error {
		k := publicationKey(programme)
		rows, err := s.rows(ctx, domain.DecisionScope(programme), k)
		if err != nil || len(rows) == 0 || rows[0].Text("state") != "telling" || halfBegun(rows[0]) {
			return err
		}
		j, err := s.job(ctx, rows[0].Text("job_id"))
		if err != nil || int64(len(j.Steps)) < j.Int("total") || j.Count(domain.StepDone) < len(j.Steps) {
			return err
		}
		_, err = s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: "told." + programme, Role: merge.System, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Strict: &rows[0].Version, Set: map[string]merge.Value{"state": merge.Str("told"), "told_at": s.now().Value()}})
		if err != nil && fasterOther(err) {
			return nil
		}
		return err
	})
}

// answered does what follows from the answer of an owner: who confirms takes part, and
// whoever gives a place up leaves it to the next of the reserve.
func (s *Service) answered(ctx context.Context, app applied) error {
	switch app.Text("state") {
	case domain.ApplicationConfirmed:
		return s.enrol(ctx, app)
	case domain.ApplicationDisqualified:
		if err := s.endEnrolment(ctx, app); err != nil {
			return err
		}
		return s.promote(ctx, app.Text("programme_id"))
	case domain.ApplicationDeclined, domain.ApplicationLapsed, domain.ApplicationWithdrawn, domain.ApplicationOffered:
		return s.promote(ctx, app.Text("programme_id"))
	}
	return nil
}

// fill offers the places that came free while results were being told.
func (s *Service) fill(ctx context.Context, eff merge.Effect) error {
	programme, ok := strings.CutPrefix(eff.Scope, domain.DecisionScope(""))
	if !ok {
		return nil
	}
	return s.promote(ctx, programme)
}

// promote offers free places to the reserve, the best first. It looks at what is known
// when it is called, and offers no more than are free by that; each offer that becomes
// known has it look again.
func (s *Service) promote(ctx context.Context, programme string) error {
	var p domain.Programme
	var next, unheard []file
	if err := s.atBoard(ctx, programme, 0, func(b *board) error {
		p = b.Programme
		next, unheard = b.next()
		return nil
	}); err != nil {
		return err
	}
	if known, err := s.overtaken(ctx, unheard); err != nil || !known {
		return err // not everybody has heard yet; the last one has it look again
	}
	for _, f := range next {
		if err := s.tellOne(ctx, p, result{File: f.id, Business: f.business, Op: "offer"}); err != nil {
			return err
		}
	}
	return nil
}

// overtaken reports whether the results of files reached none of their applications, though
// all were told: such a one holds no place, and would wait for ever. Where one did, it is
// only not known here yet.
func (s *Service) overtaken(ctx context.Context, unheard []file) (bool, error) {
	for _, f := range unheard {
		head, err := s.home(ctx, f.business)
		if err != nil {
			return false, fmt.Errorf("head of business: %w", err)
		}
		rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "application", ID: f.id})
		if state := first(rows).Text("state"); err != nil || state != domain.ApplicationSubmitted && state != "" {
			return false, err
		}
	}
	return true, nil
}

// next are the files of the reserve that there are free places for, by what is known, and
// those with a place in the ranking that seem not to have heard of it though all were told.
// While results are still being told there are none.
func (b *board) next() (next, unheard []file) {
	state := b.told.Text("state")
	if state != "telling" && state != "told" {
		return nil, nil
	}
	held := 0
	var reserve []file
	for _, f := range b.files {
		switch b.states[f.id] {
		case domain.ApplicationOffered, domain.ApplicationConfirmed:
			held++
		case domain.ApplicationReserve:
			reserve = append(reserve, f)
		case domain.ApplicationSubmitted, "":
			if f.ranked && state == "telling" {
				return nil, nil // not everybody has heard yet; the last one has it look again
			}
			if f.ranked {
				unheard = append(unheard, f)
			}
		}
	}
	slices.SortFunc(reserve, byRank)
	selected, _ := b.places()
	return reserve[:min(len(reserve), max(0, selected-held))], unheard
}

func byRank(x, y file) int { return cmp.Compare(x.rank, y.rank) }

// LapseDue ends the offers that nobody confirmed in time.
func (s *Service) LapseDue(ctx context.Context) error {
	return s.everyDecision(ctx, func(programme string) error {
		got, err := s.Engine.Store.Load(ctx, domain.DecisionScope(programme), store.Want{Tags: []string{domain.OpenOfferTag}})
		if err != nil {
			return err
		}
		for i := range got.Records {
			r, err := rowOf(&got.Records[i])
			if err != nil {
				return err
			}
			if until := instant(r, "confirm_by"); until.IsZero() || until.After(s.Clock.Now()) {
				continue
			}
			if err := s.say(ctx, r.Text("business_id"), id.Derive("application_event", r.ID, "lapse"), "lapse."+r.ID,
				map[string]merge.Value{"application_id": merge.Str(r.ID), "op": merge.Str("lapse")}, domain.ApplicationOffered); err != nil {
				return err
			}
		}
		return nil
	})
}

// Due does what the calendars of the programmes ask for now. Any number of processes may
// call it at any time.
func (s *Service) Due(ctx context.Context) error {
	return errors.Join(s.PublishDue(ctx), s.Told(ctx), s.LapseDue(ctx))
}
