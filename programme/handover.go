package programme

import (
	"context"
	"errors"
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
}

// Handover begins to give businesses from one mentor to another, each in a
// commit of its own, and gives the job that does it. In each business the old
// window ends at the instant at which the new one begins. What the old mentor did
// offline before it still counts when it arrives within the grace. A repeated
// request gives the same job. Only admins do.
//
// Errors: Forbidden; NotFound for the mentor; Invalid "invalid_value" with the
// field; TooLarge "too_many_items".
func (s *Service) Handover(ctx context.Context, who Caller, mentor string, h Handover) (Job, error) {
	if err := s.mustBeAdmin(ctx, who.User); err != nil {
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
	if err := s.check("job", set); err != nil {
		return Job{}, err
	}
	if _, err := s.Engine.Write(ctx, domain.GeneralQueue, jobWrites(who, jid, domain.JobHandover, set, businesses)...); err != nil {
		return Job{}, err
	}
	return s.job(ctx, jid)
}

// accompanied lists the businesses that a mentor accompanies at an instant, or
// those of them that are asked for.
//
// Errors: Invalid "invalid_value" for one that the mentor does not accompany.
func (s *Service) accompanied(ctx context.Context, mentor string, at merge.Millis, asked []string) ([]string, error) {
	heads, err := s.Engine.Store.HeadsFor(ctx, mentor, nil)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, h := range heads {
		if b, ok := strings.CutPrefix(h.Scope, "business/"); ok && h.MovedTo == "" && slices.ContainsFunc(h.Access, accompanies(mentor, at)) {
			all = append(all, b)
		}
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

func accompanies(mentor string, at merge.Millis) func(merge.Grant) bool {
	return func(g merge.Grant) bool { return g.User == mentor && g.Role == merge.Mentor && g.Holds(at) }
}

// handOver gives one business to the next mentor. Done again it changes nothing.
//
// Errors: NotFound; Conflict "conflict" if the old mentor's window ended
// meanwhile, or one of the next mentor begins later; "business_merged".
func (s *Service) handOver(ctx context.Context, job merge.Row, business string) error {
	head, err := s.Engine.Store.Head(ctx, scopeOf(business))
	if errors.Is(err, store.ErrAbsent) {
		return notFound()
	}
	if err != nil {
		return err
	}
	var keys []merge.Key
	for _, g := range head.Access {
		if g.Role == merge.Mentor {
			keys = append(keys, merge.Key{Collection: "assignment", ID: g.ID})
		}
	}
	rows, err := s.rows(ctx, head.Scope, keys...)
	if err != nil || slices.ContainsFunc(rows, func(r merge.Row) bool { return r.Text("job_id") == job.ID }) {
		return err
	}
	at, err := merge.ParseInstant(job.Text("at"))
	if err != nil {
		return err
	}
	at = max(at, s.now(), head.Time)
	i := slices.IndexFunc(rows, func(r merge.Row) bool {
		return slices.ContainsFunc(head.Access, func(g merge.Grant) bool { return g.ID == r.ID && accompanies(job.Text("from_id"), at)(g) })
	})
	if i < 0 {
		return conflict("conflict", "the window has ended meanwhile")
	}
	_, err = s.Engine.Write(ctx, head.Scope, handOverWrites(job, business, head, rows[i], at)...)
	return err
}

// handOverWrites end the old window and open the next one. A mentor who is there
// already gets no second one.
func handOverWrites(job merge.Row, business string, head store.Head, old merge.Row, at merge.Millis) []merge.ServerWrite {
	who := Caller{User: job.Text("created_by"), Name: "job." + job.ID + "." + business}
	put := func(assignment string, set map[string]merge.Value) merge.ServerWrite {
		set["job_id"] = merge.Str(job.ID)
		return merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: assignment, Op: merge.Put, Set: set}
	}
	end := put(old.ID, map[string]merge.Value{"to_at": at.Value()})
	if note := job.Text("note"); note != "" {
		end.Set["handover_note"] = merge.Str(note)
	}
	end.Must = func(v merge.View, access []merge.Grant) *merge.Reject {
		if r := alive(v); r != nil {
			return r
		}
		if !slices.ContainsFunc(access, func(g merge.Grant) bool { return g.ID == old.ID && g.Holds(at) }) {
			return &merge.Reject{Code: "conflict"}
		}
		return nil
	}
	lead := string(old.Fields["lead"]) == "true"
	there := slices.IndexFunc(head.Access, accompanies(job.Text("to_id"), at))
	if there < 0 {
		reason := job.Text("reason")
		if reason == "" {
			reason = old.Text("reason")
		}
		next := opening(who, business, NewAssignment{Mentor: job.Text("to_id"), Programme: old.Text("programme_id"), Track: old.Text("track"), Reason: reason}, at, lead)
		next.Set["job_id"] = merge.Str(job.ID)
		return []merge.ServerWrite{end, next}
	}
	if lead {
		return []merge.ServerWrite{end, put(head.Access[there].ID, map[string]merge.Value{"lead": merge.Flag(true)})}
	}
	return []merge.ServerWrite{end}
}
