package programme

import (
	"cmp"
	"context"
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

// Handover gives businesses of one mentor to another.
type Handover struct {
	To         string     // user id of the mentor who takes over
	At         *time.Time // when; absent or past: now
	Reason     string     // absent: the reason of each old window
	Note       string     // for the successor
	Businesses []string   // absent: all that the mentor accompanies then
	Beyond     bool       // also if the next one has as many as they can; needs a reason
}

// Handover begins to give businesses from one mentor to another, each in a
// commit of its own, and gives the job that does it. In each business every window
// of the old mentor ends at the instant at which the new one begins; a merger may
// have left more than one. What the old mentor did offline before it still counts
// when it arrives within the grace. A repeated request gives the same job. Only
// admins do.
//
// Errors: Forbidden; NotFound for the mentor; Invalid "invalid_value" with the
// field, "businesses" where there is nothing to give, "required" (reason); Conflict
// "mentor_full"; TooLarge "too_many_items".
func (s *Service) Handover(ctx context.Context, who Caller, mentor string, h Handover) (Job, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return Job{}, err
	}
	if _, err := s.People.User(ctx, mentor); err != nil {
		return Job{}, err
	}
	jid := id.Derive("job", who.Name)
	if j, err := s.job(ctx, jid); fault.KindOf(err) != fault.NotFound || err == nil {
		return j, err
	}
	if mentor == h.To {
		return Job{}, invalid("to_id", "the same mentor")
	}
	if err := s.mustBeMentor(ctx, h.To, "to_id"); err != nil {
		return Job{}, err
	}
	at := s.now()
	if h.At != nil {
		at = max(at, merge.Millis(h.At.UnixMilli()))
	}
	businesses, err := s.accompanied(ctx, mentor, at, h.Businesses)
	if err != nil {
		return Job{}, err
	}
	if len(businesses) > domain.MaxJobSteps {
		return Job{}, &fault.Error{Kind: fault.TooLarge, Code: "too_many_items", Field: "businesses", Text: "too many for one job"}
	}
	set := map[string]merge.Value{"kind": merge.Str(domain.JobHandover), "from_id": merge.Str(mentor), "to_id": merge.Str(h.To), "at": at.Value(),
		"reason": optional(h.Reason), "note": optional(h.Note), "total": merge.Num(len(businesses))}
	if h.Beyond {
		set["beyond_capacity"] = merge.Flag(true)
	}
	if err := s.check("job", set); err != nil {
		return Job{}, err
	}
	// Each step asks again, for its track too.
	leave, err := s.takeIn(ctx, taking{who: h.To, field: "to_id", at: at, anyTrack: true, beyond: h.Beyond, reason: h.Reason}, businesses...)
	if err != nil {
		return Job{}, err
	}
	leave()
	if _, err := s.Engine.Write(ctx, domain.GeneralQueue, jobWrites(who, jid, domain.JobHandover, set, businesses)...); err != nil {
		return Job{}, err
	}
	return s.job(ctx, jid)
}

// accompanied lists the businesses that a mentor accompanies at an instant, or
// those of them that are asked for.
//
// Errors: Invalid "invalid_value" for one that the mentor does not accompany, and
// if that is none at all.
func (s *Service) accompanied(ctx context.Context, mentor string, at merge.Millis, asked []string) ([]string, error) {
	heads, err := s.Engine.Store.HeadsFor(ctx, mentor, nil)
	if err != nil {
		return nil, err
	}
	all := accompaniedIn(heads, mentor, at)
	if len(all) == 0 {
		return nil, invalid("businesses", "the mentor accompanies none then")
	}
	if len(asked) == 0 {
		return all, nil
	}
	asked = slices.Compact(slices.Sorted(slices.Values(asked)))
	for _, b := range asked {
		if !slices.Contains(all, b) {
			return nil, invalid("businesses", "not accompanied by the mentor then")
		}
	}
	return asked, nil
}

// accompaniedIn reads from the heads that name a mentor which businesses that is,
// ordered by id.
func accompaniedIn(heads []store.Head, mentor string, at merge.Millis) []string {
	return businessesIn(heads, mentor, accompanies(mentor, at))
}

// businessesIn reads from the heads that name a mentor in which businesses there is a window
// of which is is true, ordered by id. What was merged away counts as the one that lives on,
// from the merger on.
func businessesIn(heads []store.Head, mentor string, is func(merge.Grant) bool) (all []string) {
	for _, h := range heads {
		if h.MovedTo == "" && slices.ContainsFunc(h.Access, is) {
			all = append(all, h.Scope)
		}
		if slices.ContainsFunc(onTheWay(h, heads, mentor), is) {
			all = append(all, h.MovedTo)
		}
	}
	all = slices.DeleteFunc(all, func(scope string) bool { return !strings.HasPrefix(scope, "business/") })
	for i, scope := range all {
		all[i] = strings.TrimPrefix(scope, "business/")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// handOver gives one business to the next mentor. Done again it changes nothing.
// One that was merged away meanwhile is told as such; if the job gives the
// survivor too, that one is given once more, with what came by the merger.
//
// Errors: NotFound; Conflict "conflict" if the old mentor's windows ended
// meanwhile, or one of the next mentor begins later; "track_taken", "mentor_full",
// "business_merged"; Invalid "invalid_value" if the track is none of the next mentor's.
func (s *Service) handOver(ctx context.Context, job merge.Row, business string) error {
	err := s.handOverIn(ctx, job, business)
	if fault.CodeOf(err) != "business_merged" {
		return err
	}
	head, bad := s.Engine.Store.Head(ctx, scopeOf(business))
	if bad != nil {
		return bad
	}
	_, survivor, _ := strings.Cut(head.MovedTo, "/")
	steps, bad := s.rows(ctx, domain.GeneralQueue, merge.Key{Collection: "job_step", ID: id.Derive("job_step", job.ID, survivor)})
	if bad == nil && len(steps) > 0 {
		bad = s.handOverIn(ctx, job, survivor)
	}
	if passing(bad) {
		return bad
	}
	return err
}

// handOverIn tries until nobody is faster.
func (s *Service) handOverIn(ctx context.Context, job merge.Row, business string) error {
	for {
		writes, leave, err := s.handOverWrites(ctx, job, business)
		if err != nil || len(writes) == 0 {
			return err
		}
		_, err = s.Engine.Write(ctx, scopeOf(business), writes...)
		if leave(); fault.CodeOf(err) != "stale_version" {
			return err
		}
	}
}

// handOverWrites end every window of the old mentor and open the next one. None
// are left to do if the job has done it before: what an admin opened after that
// stays. leave must be called once they are done.
func (s *Service) handOverWrites(ctx context.Context, job merge.Row, business string) (writes []merge.ServerWrite, leave func(), err error) {
	from, to, scope := job.Text("from_id"), job.Text("to_id"), scopeOf(business)
	for _, mentor := range []string{from, to} {
		if err := s.arrive(ctx, scope, mentor); err != nil {
			return nil, nil, err
		}
	}
	head, err := s.Engine.Store.Head(ctx, scope)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil, notFound()
	}
	if err != nil {
		return nil, nil, err
	}
	at, err := merge.ParseInstant(job.Text("at"))
	if err != nil {
		return nil, nil, err
	}
	at = max(at, s.now(), head.Time)
	done, until, err := s.doneBy(ctx, job, head)
	if err != nil {
		return nil, nil, err
	}
	old, err := s.leave(ctx, head, func(g merge.Grant) bool { return lasts(from, at)(g) && (!done || g.From < until) })
	switch {
	case err != nil || done && len(old.rows) == 0:
		return nil, nil, err
	case head.MovedTo != "":
		return nil, nil, conflict("business_merged", "merged into another one meanwhile")
	case !done && !slices.ContainsFunc(old.access, accompanies(from, at)):
		return nil, nil, conflict("conflict", "the window has ended meanwhile")
	}
	who := Caller{User: job.Text("created_by"), Name: "job." + job.ID + "." + business}
	if done { // and a merger brought more
		who.Name = fmt.Sprintf("%s.%d", who.Name, until)
	}
	leave = func() {}
	if !done && !slices.ContainsFunc(head.Access, accompanies(to, at)) {
		t := taking{who: to, field: "to_id", at: at, track: old.heir(to, at).Track, beyond: string(job.Fields["beyond_capacity"]) == "true", reason: job.Text("reason")}
		if leave, err = s.takeIn(ctx, t, business); err != nil {
			return nil, nil, err
		}
	}
	return handing(who, job, business, head, old, at, done), leave, nil
}

// doneBy reports whether the job has been in a business already, and until when
// it left the old mentor there.
func (s *Service) doneBy(ctx context.Context, job merge.Row, head store.Head) (done bool, until merge.Millis, err error) {
	mentors, err := s.leave(ctx, head, func(g merge.Grant) bool { return g.Role == merge.Mentor })
	for i, r := range mentors.rows {
		if r.Text("job_id") != job.ID {
			continue
		}
		if done = true; mentors.access[i].User == job.Text("from_id") {
			until = max(until, mentors.access[i].To)
		}
	}
	return done, until, err
}

// handing are the writes of one step. A mentor who is there already gets no
// second window, nor does one whom the job let in before.
func handing(who Caller, job merge.Row, business string, head store.Head, old leaving, at merge.Millis, done bool) []merge.ServerWrite {
	to, writes := job.Text("to_id"), old.ends(who, at, job.Text("note"))
	there := slices.IndexFunc(head.Access, accompanies(to, at))
	switch {
	case there < 0 && !done:
		next := old.heir(to, at)
		next.Reason = cmp.Or(job.Text("reason"), next.Reason)
		open := opening(who, business, next, at, old.leads(at))
		open.Must = both(open.Must, old.place(open.ID, next, at))
		writes = append(writes, open)
	case there >= 0 && old.leads(at):
		writes = append(writes, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: head.Access[there].ID,
			Op: merge.Put, Set: map[string]merge.Value{"lead": merge.Flag(true)}})
	}
	for i := range writes {
		writes[i].Set["job_id"] = merge.Str(job.ID)
	}
	writes[0].Must = inAlive(writes[0].Must)
	return writes
}
