package programme

import (
	"context"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// disqualify is the one operation on an application that two admins must want.
const disqualify = "disqualify"

// officeOps are what an admin does to an application: send it back, write down what its
// owner told them, and take it out. Results are told by the publication alone.
func officeOps() []string { return []string{"return", "confirm", "decline", disqualify} }

// OperateApplication carries out what an admin does to an application that they saw at
// version v. To disqualify is proposed, and done when another admin approves; then the
// approval is given, and otherwise the outcome.
//
// Errors: those of Operate and returnFile; Invalid "invalid_value" (op) for what admins do not do here.
func (s *Service) OperateApplication(ctx context.Context, who Caller, business string, v Version, o Operation) (Outcome, Approval, error) {
	op := merge.AsString(o.Set["op"])
	if !slices.Contains(officeOps(), op) {
		return Outcome{}, Approval{}, invalid("op", "not done here")
	}
	st, err := s.enterAsAdmin(ctx, who, business)
	if err != nil {
		return Outcome{}, Approval{}, err
	}
	o.Collection = "application_event"
	if op == "return" && !merge.Null(o.Set["note"]) {
		o.Set["asked"] = o.Set["note"] // the owner reads it on the application
	}
	if op == "return" {
		out, err := s.returnFile(ctx, who, st, v, o)
		return out, Approval{}, err
	}
	if !merge.Null(o.Set["complete_by"]) {
		return Outcome{}, Approval{}, invalid("set.complete_by", "of a return only")
	}
	if op != disqualify {
		out, err := s.Operate(ctx, who, business, v, o)
		return out, Approval{}, err
	}
	r, err := s.record(ctx, st, merge.Key{Collection: "application", ID: o.Parent})
	if err == nil {
		err = st.current(v)
	}
	if err == nil && r.Version != v {
		err = &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "somebody operated on it since"}
	}
	if err != nil {
		return Outcome{}, Approval{}, err
	}
	if merge.Null(o.Set["reason_code"]) && merge.Null(o.Set["note"]) {
		return Outcome{}, Approval{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "note", Text: "a reason or a note"}
	}
	if err := s.check("application_event", o.Set); err != nil {
		return Outcome{}, Approval{}, err
	}
	a, err := s.propose(ctx, who, Proposal{Kind: domain.ApproveDisqualify, Subject: o.Parent,
		Params: map[string]merge.Value{"business": merge.Str(business), "reason_code": orNull(o.Set["reason_code"]), "note": orNull(o.Set["note"])}})
	return Outcome{}, a, err
}

// carryDisqualification takes an application out as it was approved, in the name of who
// proposed it, where its business lives by now. The operation is named after the approval, so
// that it is done once.
//
// Errors: Transient "busy" while a merger is under way.
func (s *Service) carryDisqualification(ctx context.Context, a Approval, p Proposal) error {
	set := map[string]merge.Value{"application_id": merge.Str(p.Subject), "op": merge.Str(disqualify)}
	for _, name := range []string{"reason_code", "note"} {
		if !merge.Null(p.Params[name]) {
			set[name] = p.Params[name]
		}
	}
	business := merge.AsString(p.Params["business"])
	head, err := s.home(ctx, business)
	if err != nil {
		return fmt.Errorf("head of business: %w", err)
	}
	there := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if _, ok := v.Row("application", p.Subject); !ok && head.Scope != scopeOf(business) {
			return &merge.Reject{Code: "business_merged"} // and not taken over yet
		}
		return nil
	}
	_, err = s.Engine.Write(ctx, head.Scope, merge.ServerWrite{Name: "approved." + a.ID, Author: a.Text("proposed_by"), Role: merge.Admin,
		Collection: "application_event", ID: id.Derive("application_event", a.ID), Op: merge.Put, Create: true, Must: inAlive(there), Set: set})
	switch fault.CodeOf(err) {
	case "id_reuse":
		return nil
	case "business_merged": // the next try finds it where it has gone
		return underMerger()
	}
	return err
}
