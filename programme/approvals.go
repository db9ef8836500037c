package programme

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Proposal is something that two admins must want.
type Proposal struct {
	Kind    string // of domain.Approve…
	Subject string // id of what it is done to
	Params  map[string]merge.Value
	Reason  string // may be empty
}

// What is the hash of what exactly is approved. Whoever approves says it, so that nobody
// approves what they have not seen.
func (p Proposal) What() string {
	params := p.Params
	if params == nil {
		params = map[string]merge.Value{}
	}
	sum := sha256.Sum256(merge.Encode([]any{p.Kind, p.Subject, params}))
	return hex.EncodeToString(sum[:])
}

// Approval is a proposal and what became of it.
type Approval struct {
	merge.Row
	Expired bool // it was not approved in time
}

// proposal is what was proposed, as it is stored.
func (a Approval) proposal() (p Proposal, err error) {
	p = Proposal{Kind: a.Text("kind"), Subject: a.Text("subject"), Reason: a.Text("reason")}
	if err := json.Unmarshal(a.Fields["params"], &p.Params); err != nil {
		return p, fmt.Errorf("params of approval %s: %w", a.ID, err)
	}
	return p, nil
}

// carriers say, by kind, how what was approved is carried out. Each may be called again
// after a crash, and must do its work once all the same: by naming its write after the
// approval, or by keeping the approval's id beside what it changed. An error that would be
// the same the next time ends the approval as failed, with its code.
func (s *Service) carriers() map[string]func(context.Context, Approval, Proposal) error {
	return map[string]func(context.Context, Approval, Proposal) error{
		domain.ApproveRights:     s.carryRights,
		domain.ApproveFactor:     func(context.Context, Approval, Proposal) error { return nil }, // the token is made when it is shown
		domain.ApproveDisqualify: s.carryDisqualification,
		domain.ApproveCorrection: s.carryCorrection,
	}
}

// propose notes what an admin wants to be done. Rights are asked before.
func (s *Service) propose(ctx context.Context, who Caller, p Proposal) (Approval, error) {
	aid := id.Derive("approval", who.Name)
	now := s.now()
	set := map[string]merge.Value{"kind": merge.Str(p.Kind), "subject": merge.Str(p.Subject), "params": merge.Encode(p.Params), "what": merge.Str(p.What()),
		"reason": optional(p.Reason), "proposed_by": merge.Str(who.User), "proposed_at": now.Value(), "expires_at": (now + merge.Millis(domain.ApprovalLife.Milliseconds())).Value(),
		"state": merge.Str(domain.ApprovalProposed)}
	if _, err := s.approval(ctx, aid); err == nil {
		return s.approval(ctx, aid) // the same request again
	}
	if err := s.check("approval", set); err != nil {
		return Approval{}, err
	}
	if _, err := s.Engine.Write(ctx, domain.GeneralQueue, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "approval", ID: aid, Op: merge.Put,
		Create: true, Set: set}); err != nil && fault.CodeOf(err) != "id_reuse" {
		return Approval{}, err
	}
	return s.approval(ctx, aid)
}

func (s *Service) approval(ctx context.Context, approval string) (Approval, error) {
	if !id.Valid(approval) {
		return Approval{}, notFound()
	}
	rows, err := s.rows(ctx, domain.GeneralQueue, merge.Key{Collection: "approval", ID: approval})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Approval{}, err
	}
	return s.judged(rows[0]), nil
}

func (s *Service) judged(r merge.Row) Approval {
	return Approval{r, r.Text("state") == domain.ApprovalProposed && !s.Clock.Now().Before(instant(r, "expires_at"))}
}

// Approvals gives a page of those in a state, or of all, newest first. Only admins see them,
// and regional admins corrections of announcements of theirs. It walks through the queue, and
// keeps a page.
//
// Errors: Forbidden.
func (s *Service) Approvals(ctx context.Context, who Caller, state string, page Page) ([]Approval, *Place, error) {
	by, err := s.newsdesk(ctx, who)
	if err != nil {
		return nil, nil, err
	}
	head, err := s.Engine.Store.Head(ctx, domain.GeneralQueue)
	if errors.Is(err, store.ErrAbsent) {
		return []Approval{}, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	rows, err := s.collection(ctx, head, "approval")
	if err != nil {
		return nil, nil, err
	}
	theirs, err := s.oversees(ctx, by, rows...)
	list := pager[Approval]{Page: page, newest: true, of: func(a Approval) Place { return Place{a.Text("proposed_at"), a.ID} }}
	for _, r := range rows {
		if a := s.judged(r); theirs[r.ID] && (state == "" || state == r.Text("state") && !a.Expired) {
			list.add(a)
		}
	}
	out, next := list.page()
	return out, next, err
}

// DecideApproval approves a proposal, which is carried out then, or declines it. Whoever approves
// is an admin and did not propose it, in a session that has just shown a second factor;
// what is the hash of what they saw. To decline one's own takes it back. Regional admins decide
// on corrections of announcements of theirs.
//
// Errors: Forbidden, NotFound; Forbidden "approval_own"; Conflict "approval_closed" if it
// was decided otherwise before, has expired, or who proposed it is no admin any more; Stale
// "stale_version" for another hash.
func (s *Service) DecideApproval(ctx context.Context, who Caller, approval, what string, approve bool) (Approval, error) {
	a, err := s.theirApproval(ctx, who, approval)
	if err != nil {
		return a, err
	}
	set := map[string]merge.Value{"state": merge.Str(domain.ApprovalDeclined), "declined_by": merge.Str(who.User)}
	if approve {
		if a.Text("proposed_by") == who.User {
			return a, &fault.Error{Kind: fault.Forbidden, Code: "approval_own", Text: "nobody approves what they proposed"}
		}
		if err := s.stillMay(ctx, a); err != nil {
			return a, err
		}
		set = map[string]merge.Value{"state": merge.Str(domain.ApprovalApproved), "approved_by": merge.Str(who.User), "approved_at": s.now().Value()}
	}
	if a.Text("what") != what {
		return a, &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "not what was proposed"}
	}
	open := func(v merge.View, _ []merge.Grant) *merge.Reject {
		r, ok := v.Row("approval", approval)
		ends, err := merge.ParseInstant(r.Text("expires_at"))
		switch {
		case !ok:
			return &merge.Reject{Code: "not_found"}
		case approve && r.Text("approved_by") == who.User, !approve && r.Text("declined_by") == who.User:
			return nil // the same word again
		case r.Text("state") != domain.ApprovalProposed || err != nil || v.Now() >= ends:
			return &merge.Reject{Code: "approval_closed"}
		}
		return nil
	}
	if repeated(a, who.User, approve) {
		return a, nil
	}
	if _, err := s.Engine.Write(ctx, domain.GeneralQueue, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "approval", ID: approval, Op: merge.Put,
		Set: set, Strict: &a.Version, Must: open}); err != nil {
		return a, closedIfStale(err)
	}
	return s.approval(ctx, approval)
}

// repeated reports whether somebody has said the same of an approval before.
func repeated(a Approval, user string, approve bool) bool {
	return approve && a.Text("approved_by") == user || !approve && a.Text("declined_by") == user
}

// closedIfStale: who was overtaken between looking and deciding is told that it is decided.
func closedIfStale(err error) error {
	if fault.CodeOf(err) == "stale_version" {
		return approvalClosed("somebody was faster")
	}
	return err
}

func approvalClosed(text string) error { return conflict("approval_closed", text) }

// stillMay refuses the proposal of somebody who may not propose it any more.
func (s *Service) stillMay(ctx context.Context, a Approval) error {
	is, err := s.authority(ctx, Caller{User: a.Text("proposed_by"), Proved: true}) // the session of then proved it
	if err != nil || is.admin {
		return err
	}
	if len(is.provinces) > 0 {
		if ok, err := s.oversees(ctx, newsdesk{is.provinces}, a.Row); err != nil || ok[a.ID] {
			return err
		}
	}
	return noProposer()
}

func noProposer() error { return approvalClosed("who proposed it is no admin any more") }

// stillAdmin refuses to be the second beside somebody who is no admin any more.
//
// Errors: Conflict "approval_closed".
func (s *Service) stillAdmin(ctx context.Context, user string) error {
	is, err := s.authority(ctx, Caller{User: user, Proved: true})
	if err == nil && !is.admin {
		err = noProposer()
	}
	return err
}

// theirApproval gives an approval to who may decide on it.
//
// Errors: Forbidden, NotFound.
func (s *Service) theirApproval(ctx context.Context, who Caller, approval string) (Approval, error) {
	by, err := s.newsdesk(ctx, who)
	if err != nil {
		return Approval{}, err
	}
	a, err := s.approval(ctx, approval)
	if err != nil {
		return a, err
	}
	ok, err := s.oversees(ctx, by, a.Row)
	if err == nil && !ok[approval] {
		err = notFound()
	}
	return a, err
}

// carryOut does what was approved, once, and notes how it ended. A crash between the two
// has it done again, which its kind must bear.
func (s *Service) carryOut(ctx context.Context, eff merge.Effect) error {
	a, err := s.approval(ctx, eff.ID)
	if err != nil || a.Text("state") != domain.ApprovalApproved {
		return err
	}
	p, err := a.proposal()
	if err != nil {
		return err
	}
	if p.What() != a.Text("what") {
		err = &fault.Error{Kind: fault.Conflict, Code: "approval_closed", Text: "it is not what was approved"}
	} else if do, ok := s.carriers()[p.Kind]; ok {
		err = do(ctx, a, p)
	} else {
		err = &fault.Error{Kind: fault.Conflict, Code: "approval_closed", Text: "nobody carries out " + p.Kind}
	}
	if passing(err) {
		return err
	}
	set := map[string]merge.Value{"state": merge.Str(domain.ApprovalDone)}
	if err != nil {
		set = map[string]merge.Value{"state": merge.Str(domain.ApprovalFailed), "code": merge.Str(fault.CodeOf(err))}
	}
	_, err = s.Engine.Write(ctx, eff.Scope, merge.ServerWrite{Name: "approved." + eff.ID, Role: merge.System, Collection: "approval", ID: eff.ID, Op: merge.Put, Set: set})
	return err
}
