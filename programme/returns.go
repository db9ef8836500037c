package programme

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

const (
	// completionDays is how many local days an owner has at least to complete a file, where
	// the admin who returned it named no instant.
	completionDays = 3
	// longestCompletion is how far ahead an admin may put it: nobody begins before.
	longestCompletion = 30 * 24 * time.Hour
)

// returnFile sends an application back to its owner for completion. Whether that may be is
// decided where its file is, which alone knows how far the curation has got; the owner
// hears of it when it is decided. The same request again gives the same outcome.
//
// Errors: those of Operate; Conflict "forbidden_transition" also for a file that is in a
// stage or behind one; Invalid "invalid_value" (set.complete_by).
func (s *Service) returnFile(ctx context.Context, who Caller, st standing, v Version, o Operation) (Outcome, error) {
	business := scopeTail(st.head.Scope)
	parent, event := merge.Key{Collection: "application", ID: o.Parent}, merge.Key{Collection: o.Collection, ID: id.Derive(o.Collection, business, o.Parent, who.Name)}
	app, err := s.record(ctx, st, parent)
	if err == nil {
		err = st.current(v)
	}
	if err == nil && st.head.MovedTo != "" {
		err = conflict("business_merged", "it lives in another enterprise now")
	}
	if err != nil {
		return Outcome{}, err
	}
	if again, err := s.rows(ctx, st.head.Scope, event); err != nil || len(again) > 0 {
		return s.returned(ctx, st, event, parent, err)
	}
	c, _ := s.Engine.Schema.Collection(o.Collection)
	o.Set[c.ParentField] = merge.Str(o.Parent)
	switch {
	case app.Version != v:
		return Outcome{}, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "somebody operated on it since"}
	case app.Text("state") != domain.ApplicationSubmitted:
		return Outcome{}, notReturned()
	case merge.Null(o.Set["reason_code"]) && merge.Null(o.Set["note"]):
		return Outcome{}, &fault.Error{Kind: fault.Invalid, Code: "reason_required", Field: "set.reason_code", Text: "a reason or a note"}
	}
	if err := s.wellFormed(c, merge.Admin, o); err != nil {
		return Outcome{}, err
	}
	programme := app.Text("programme_id")
	e, err := s.setup(ctx, programme)
	if err != nil {
		return Outcome{}, err
	}
	until, err := s.completeBy(domain.ProgrammeOf(e.Row), o.Set["complete_by"])
	if err != nil {
		return Outcome{}, err
	}
	set := map[string]merge.Value{"state": merge.Str(domain.FileReturned), "return_id": merge.Str(event.ID), "returned_by": merge.Str(who.User), "complete_by": until.Value(),
		"returned_for": orNull(o.Set["reason_code"]), "asked": orNull(o.Set["asked"])}
	if err := s.takeOut(ctx, who, domain.DecisionScope(programme), st.head.Scope, o.Parent, set); err != nil {
		return Outcome{}, err
	}
	err = s.carryReturn(ctx, merge.Effect{Scope: domain.DecisionScope(programme), Collection: "case_file", ID: o.Parent})
	return s.returned(ctx, st, event, parent, err)
}

// returned is the outcome of a return, once it was carried out.
func (s *Service) returned(ctx context.Context, st standing, event, parent merge.Key, err error) (Outcome, error) {
	if err != nil {
		return Outcome{}, err
	}
	out, err := s.outcome(ctx, st, event, parent)
	if err != nil && fault.KindOf(err) == fault.NotFound { // its owner withdrew in that moment
		err = &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "somebody operated on it since"}
	}
	return out, err
}

func notReturned() error {
	return &fault.Error{Kind: fault.Conflict, Code: "forbidden_transition", Field: "set.op", Text: "not from this state, or not any more"}
}

// completeBy is until when a file may be completed: what the admin said, or the end of the
// window, or of some days if that is near or over.
//
// Errors: Invalid "invalid_value" (set.complete_by).
func (s *Service) completeBy(p domain.Programme, said merge.Value) (merge.Millis, error) {
	if merge.Null(said) {
		return s.completion(p), nil
	}
	now := s.Clock.Now()
	_, to, _ := p.Registration()
	until, err := merge.ParseInstant(merge.AsString(said))
	if longest := now.Add(longestCompletion); err != nil || !until.Time().After(now) || until.Time().After(to) && until.Time().After(longest) {
		return 0, invalid("set.complete_by", "behind us, or too far ahead")
	}
	return until, nil
}

// completion is until when what is returned now may be completed where nobody says so.
func (s *Service) completion(p domain.Programme) merge.Millis {
	_, to, _ := p.Registration()
	if days := domain.BusinessDay(s.Clock.Now(), p.Zone).AddDays(completionDays).End(p.Zone); days.After(to) {
		to = days
	}
	return merge.Millis(to.UnixMilli())
}

// takeOut has a file be returned, if nobody has begun to look at it. One that was submitted
// a moment ago is counted first.
//
// Errors: Conflict "forbidden_transition".
func (s *Service) takeOut(ctx context.Context, who Caller, decisions, business, application string, set map[string]merge.Value) error {
	k := merge.Key{Collection: "case_file", ID: application}
	first := decisionKey(scopeTail(decisions), 1)
	for counted := false; ; {
		rows, err := s.rows(ctx, decisions, k, first)
		if err != nil {
			return err
		}
		if len(rows) == 0 && !counted {
			counted = true
			if err := s.followApplication(ctx, merge.Effect{Scope: business, Collection: "application", ID: application}); err != nil {
				return err
			}
			continue
		}
		if len(rows) == 1 && rows[0].Key == k && rows[0].Text("return_id") == merge.AsString(set["return_id"]) {
			return nil // by this request, which died before it said so
		}
		if len(rows) != 1 || rows[0].Key != k || rows[0].Text("state") != domain.FileOpen {
			return notReturned()
		}
		if _, err := s.Engine.Write(ctx, decisions, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: k.Collection, ID: k.ID, Op: merge.Put,
			Strict: &rows[0].Version, Set: set}); err == nil || !fasterOther(err) {
			return err
		}
	}
}

// carryReturn tells the owner of a file that it was returned, in the name of who did. Done
// again it changes nothing; what was withdrawn meanwhile stays so.
func (s *Service) carryReturn(ctx context.Context, eff merge.Effect) error {
	rows, err := s.rows(ctx, eff.Scope, merge.Key{Collection: eff.Collection, ID: eff.ID})
	if err != nil || len(rows) == 0 || rows[0].Text("state") != domain.FileReturned {
		return err
	}
	f := rows[0]
	head, err := s.home(ctx, f.Text("business_id"))
	if err != nil {
		return fmt.Errorf("head of business: %w", err)
	}
	business, event := head.Scope, merge.Key{Collection: "application_event", ID: f.Text("return_id")}
	if there, err := s.rows(ctx, business, event); err != nil || len(there) > 0 {
		return err
	}
	set := map[string]merge.Value{"application_id": merge.Str(f.ID), "op": merge.Str("return"), "complete_by": f.Fields["complete_by"]}
	for name, from := range map[string]string{"reason_code": "returned_for", "note": "asked", "asked": "asked"} {
		if v := f.Fields[from]; !merge.Null(v) {
			set[name] = v
		}
	}
	_, err = s.Engine.Write(ctx, business, merge.ServerWrite{Name: "return." + event.ID, Author: f.Text("returned_by"), Role: merge.Admin, Collection: event.Collection, ID: event.ID,
		Op: merge.Put, Create: true, Set: set, Must: func(v merge.View, _ []merge.Grant) *merge.Reject { return alive(v) }})
	switch fault.CodeOf(err) {
	case "forbidden_transition", "id_reuse":
		return nil
	case "business_merged": // in between; the next try finds it where it has gone
		return errors.Join(underMerger(), s.moved(ctx, business))
	}
	return err
}

// scopeTail is what a scope is of: the id behind its kind.
func scopeTail(scope string) string {
	_, of, _ := strings.Cut(scope, "/")
	return of
}

// completes reports whether a submission is one that brings a returned file back: made by
// somebody who had seen the return. Another one is that which was returned.
func (a applied) completes(sub, file merge.Row) bool {
	seen, _ := merge.Closure(a.events, sub.Strings("seen"))
	return file.Text("state") == domain.FileReturned && seen[file.Text("return_id")]
}

// grown has a case file keep what it said where the new reading of it says nothing: an
// imported one knows more than the business does. Its return is over.
func grown(old merge.Row, set map[string]merge.Value) {
	for name, v := range set {
		if merge.Null(v) {
			delete(set, name)
		}
	}
	for _, name := range []string{"counted_at", "source"} {
		if !merge.Null(old.Fields[name]) {
			delete(set, name)
		}
	}
	for _, name := range []string{"return_id", "returned_by", "returned_for", "asked", "complete_by"} {
		set[name] = null()
	}
}
