package programme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

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

// result is what one application is told.
type result struct {
	File     string `json:"file"`
	Business string `json:"business"`
	Op       string `json:"op"` // offer, hold or turn_down
	Words    string `json:"words,omitempty"`
	Reserve  int    `json:"reserve,omitempty"` // with hold: place in the reserve, from 1
}

// tellPerStep is how many applications a step of a publication tells.
const tellPerStep = 20

// publish freezes what everybody is told, if the publication has begun. What is told follows
// from who has withdrawn by now, so two processes, or one that begins anew, may have two lists.
// A list is a job whose id follows from all that stands in it, and its steps are frozen: nobody
// does them. The commit that ends this names the one list that counts, and has it told.
func (s *Service) publish(ctx context.Context, programme string) error {
	var all []result
	var unsaid []string
	var told merge.Row
	var until merge.Millis
	err := s.atBoard(ctx, programme, 0, func(b *board) error {
		if b.lags() { // the next look finds it carried out
			return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "the last stage is not carried out yet"}
		}
		words, err := b.words()
		if err != nil {
			return err
		}
		all, unsaid = b.results(words)
		told, until = b.told, confirmBy(b.Programme, s.Clock.Now())
		return nil
	})
	if err != nil || !halfBegun(told) { // withdrawn in the last moment, or another process was faster
		return err
	}
	jid, writes := listOf(programme, all)
	for some := range slices.Chunk(writes, 10) {
		if _, err := s.Engine.Write(ctx, domain.GeneralQueue, some...); fault.CodeOf(err) == "id_reuse" && err != nil {
			return nil // another process was faster with the same list
		} else if err != nil {
			return err
		}
	}
	_, err = s.Engine.Write(ctx, domain.DecisionScope(programme), merge.ServerWrite{Name: "publish." + jid, Role: merge.System, Collection: "publication", ID: publicationKey(programme).ID, Op: merge.Put, Strict: &told.Version,
		Set: map[string]merge.Value{"total": merge.Num(len(all)), "job_id": merge.Str(jid), "confirm_by": until.Value(), "unsaid": merge.Encode(unsaid[:min(len(unsaid), domain.MostUnsaid)])}})
	if err != nil && fasterOther(err) {
		return nil // another process was faster
	}
	return err
}

// listOf gives the job that tells a list, and the writes that make it. The same list is the same
// job, of the same steps.
func listOf(programme string, all []result) (jid string, writes []merge.ServerWrite) {
	jid = id.Derive("job", "publication", programme, string(merge.Encode(all)))
	made := func(collection, record string, set map[string]merge.Value) {
		writes = append(writes, serverWrite("publish."+record, collection, record, true, set))
	}
	made("job", jid, map[string]merge.Value{"kind": merge.Str(domain.JobPublish), "programme_id": merge.Str(programme), "total": merge.Num((len(all) + tellPerStep - 1) / tellPerStep), "rows": merge.Num(len(all))})
	n := 0
	for some := range slices.Chunk(all, tellPerStep) {
		n++
		made("job_step", domain.NumberedStep(jid, n), map[string]merge.Value{"job_id": merge.Str(jid), "kind": merge.Str(domain.JobPublish), "state": merge.Str(domain.StepFrozen), "input": merge.Encode(some)})
	}
	return jid, writes
}

// tellAll has the steps of the list that counts done.
func (s *Service) tellAll(ctx context.Context, eff merge.Effect) error {
	rows, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: eff.ID})
	if err != nil || len(rows) == 0 || halfBegun(rows[0]) {
		return err
	}
	got, err := s.Engine.Store.Load(ctx, domain.GeneralQueue, store.Want{Tags: []string{domain.JobTag(rows[0].Text("job_id"))}})
	if err != nil {
		return fmt.Errorf("load list of results: %w", err)
	}
	var writes []merge.ServerWrite
	for i := range got.Records {
		st, err := rowOf(&got.Records[i])
		if err != nil {
			return err
		}
		if st.Text("state") == domain.StepFrozen {
			writes = append(writes, serverWrite("tell."+st.ID, "job_step", st.ID, false, map[string]merge.Value{"state": merge.Str(domain.StepWaiting)}))
		}
	}
	slices.SortFunc(writes, func(a, b merge.ServerWrite) int { return strings.Compare(a.ID, b.ID) }) // as good as drawn
	for some := range slices.Chunk(writes, 10) {
		if _, err := s.Engine.Write(ctx, domain.GeneralQueue, some...); err != nil {
			return err
		}
	}
	return nil
}

// results are what everybody who applied is told. The places of those who withdrew since
// the decision are filled from the ranking of the last stage. Words for one owner are told
// with the result that they were written for; with another one, those for all of that are,
// and the file is among unsaid. The order is drawn by hash: it says nothing
// about who was selected, and is the same whoever works it out.
func (b *board) results(words Feedback) (out []result, unsaid []string) {
	selected, reserve := b.places()
	ranked := slices.DeleteFunc(slices.Clone(b.files), func(f file) bool { return !f.ranked || b.withdrawn(f) })
	slices.SortFunc(ranked, byRank)
	becomes, place := map[string]string{}, map[string]int{}
	for i, f := range ranked {
		switch {
		case i < selected:
			becomes[f.id] = domain.FileSelected
		case i < selected+reserve:
			becomes[f.id], place[f.id] = domain.FileReserve, i-selected+1
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
		if !f.decided() { // nothing was decided about it, such as one that was not completed in time: whoever has a number hears something
			state = domain.FileNotSelected
		}
		said, own := f.told(state, words)
		if !own && f.feedback != "" {
			unsaid = append(unsaid, f.id)
		}
		out = append(out, result{f.id, f.business, ops[state], said, place[f.id]})
	}
	slices.SortFunc(out, func(x, y result) int { return strings.Compare(b.drawn(x), b.drawn(y)) })
	return out, unsaid
}

// drawn is the place of a result in the order in which results are told.
func (b *board) drawn(r result) string { return id.Derive("order", b.told.ID, r.File) }

// tell does one step of a publication: each application hears its result, in a commit of
// its own scope. Done again it changes nothing.
//
// Errors: Conflict "conflict" for a list that does not count.
func (s *Service) tell(ctx context.Context, job, step merge.Row) (map[string]merge.Value, error) {
	var some []result
	if err := json.Unmarshal(step.Fields["input"], &some); err != nil {
		return nil, err
	}
	e, err := s.setup(ctx, job.Text("programme_id"))
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, domain.DecisionScope(e.ID), publicationKey(e.ID))
	if err != nil {
		return nil, err
	}
	told := first(rows)
	if halfBegun(told) || told.Text("job_id") != job.ID {
		return nil, conflict("conflict", "another list of results counts")
	}
	p := domain.ProgrammeOf(e.Row)
	until := deadlineOf(p, told, s.Clock.Now())
	for _, r := range some {
		if err := s.tellOne(ctx, r, until); err != nil {
			return nil, fmt.Errorf("application %s: %w", r.File, err)
		}
	}
	return map[string]merge.Value{"rows": merge.Num(len(some))}, nil
}

// confirmBy is until when an offer of an instant is to be confirmed.
func confirmBy(p domain.Programme, at time.Time) merge.Millis {
	return merge.Millis(domain.BusinessDay(at, p.Zone).AddDays(p.ConfirmDays).End(p.Zone).UnixMilli())
}

// deadlineOf is the one deadline of all offers of a publication, which it says. Who is told
// behind the day after its beginning, because a server stood still, has the days from then.
func deadlineOf(p domain.Programme, told merge.Row, now time.Time) merge.Millis {
	one := merge.Millis(instant(told, "confirm_by").UnixMilli())
	if own := confirmBy(p, now); merge.Null(told.Fields["confirm_by"]) || confirmBy(p, now.AddDate(0, 0, -1)) > one {
		return own
	}
	return one
}

// tellOne tells one application; an offer is to be confirmed until an instant.
func (s *Service) tellOne(ctx context.Context, r result, until merge.Millis) error {
	set := map[string]merge.Value{"application_id": merge.Str(r.File), "op": merge.Str(r.Op), "feedback": optional(r.Words)}
	if r.Op == "offer" {
		set["confirm_by"] = until.Value()
	}
	if r.Reserve > 0 {
		set["reserve_no"] = merge.Num(r.Reserve)
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
	return s.sayWhile(ctx, business, event, name, set, func(v merge.View) bool {
		r, ok := v.Row("application", application)
		return ok && slices.Contains(states, r.Text("state"))
	})
}

// sayWhile is say for another question, asked inside the commit.
func (s *Service) sayWhile(ctx context.Context, business, event, name string, set map[string]merge.Value, still func(merge.View) bool) error {
	must := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if !still(v) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	for {
		head, err := s.home(ctx, business)
		if err != nil {
			return fmt.Errorf("head of business: %w", err)
		}
		_, err = s.Engine.Write(ctx, head.Scope, merge.ServerWrite{Name: name, Role: merge.System, Collection: "application_event", ID: event, Op: merge.Put, Create: true, Must: inAlive(must), Set: set})
		switch fault.CodeOf(err) {
		case "conflict":
			rows, err := s.rows(ctx, head.Scope, merge.Key{Collection: "application", ID: merge.AsString(set["application_id"])})
			if err == nil {
				err = broughtAlong(rows, business, head.Scope)
			}
			return err
		case "id_reuse":
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

// broughtAlong makes sure that an application was found where its business lives now: what is
// said between a merger and what it brings along would be said to nobody.
//
// Errors: Transient "busy" while it is not.
func broughtAlong(found []merge.Row, business, lives string) error {
	if len(found) == 0 && lives != scopeOf(business) {
		return underMerger()
	}
	return nil
}

// moved makes sure that a scope whose business was merged has said where it has gone.
//
// Errors: Transient "busy" while it has not.
func (s *Service) moved(ctx context.Context, scope string) error {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err == nil && head.MovedTo == "" {
		err = underMerger()
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

// Due does what the calendars of the programmes ask for now. Any number of processes may
// call it at any time.
func (s *Service) Due(ctx context.Context) error {
	return errors.Join(s.PublishDue(ctx), s.Told(ctx), s.LapseDue(ctx))
}
