package programme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Users gives a page of users to an admin: one by phone, or those that a filter picks.
//
// Errors: Forbidden; Invalid "phone_…".
func (s *Service) Users(ctx context.Context, who Caller, phone string, f auth.UserFilter, after string, limit int) (page []store.User, next string, err error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return nil, "", err
	}
	if phone == "" {
		return s.People.Users(ctx, f, after, limit)
	}
	u, err := s.People.UserByPhone(ctx, phone)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return []store.User{}, "", nil
	}
	return []store.User{u}, "", err
}

// Invite finds or makes the user of a phone, and changes their rights. Who has a name is
// called so already.
//
// Errors: as ChangeRights; Invalid "phone_…".
func (s *Service) Invite(ctx context.Context, who Caller, phone, name string, c auth.RightsChange, reason string) (store.User, Approval, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return store.User{}, Approval{}, err
	}
	if err := errors.Join(c.Check(), s.CheckName(name)); err != nil {
		return store.User{}, Approval{}, err
	}
	uid, err := s.People.InviteByPhone(ctx, phone)
	if err != nil {
		return store.User{}, Approval{}, err
	}
	u, err := s.People.User(ctx, uid)
	if err != nil {
		return u, Approval{}, err
	}
	if rows, err := s.rows(ctx, merge.UserScope(uid), merge.Key{Collection: "user", ID: uid}); err != nil {
		return u, Approval{}, err
	} else if len(rows) == 0 || rows[0].Text("full_name") == "" {
		if err := s.NameUser(ctx, u, name); err != nil {
			return u, Approval{}, err
		}
	}
	return s.changeRights(ctx, who, u, c, reason)
}

// ChangeRights changes the rights of a person at once, unless that makes an admin or takes
// the role from one: then it is proposed, and the approval says so. Only admins do.
//
// Errors: Forbidden, NotFound; Invalid "invalid_value"; Conflict "last_admin".
func (s *Service) ChangeRights(ctx context.Context, who Caller, user string, c auth.RightsChange, reason string) (store.User, Approval, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return store.User{}, Approval{}, err
	}
	if err := c.Check(); err != nil {
		return store.User{}, Approval{}, err
	}
	u, err := s.People.User(ctx, user)
	if err != nil {
		return u, Approval{}, err
	}
	return s.changeRights(ctx, who, u, c, reason)
}

func (s *Service) changeRights(ctx context.Context, who Caller, u store.User, c auth.RightsChange, reason string) (store.User, Approval, error) {
	if c.NeedsTwo(u) {
		a, err := s.propose(ctx, who, Proposal{Kind: domain.ApproveRights, Subject: u.ID, Params: rightsParams(c, u), Reason: reason})
		return u, a, err
	}
	// What does not need two now may do so when it is written: then it does not happen.
	c.Base, c.Approval = u.Ver, who.Name
	next, err := s.People.ChangeRights(ctx, u.ID, c)
	return next, Approval{}, err
}

// rightsParams is what the second person is shown of a change. A restore gives back the roles
// and provinces that somebody was left: they are named too.
func rightsParams(c auth.RightsChange, u store.User) map[string]merge.Value {
	if c.Op == auth.RightsRestore {
		c.Roles, c.Regions = u.Roles, u.Regions
	}
	list := func(all []string) merge.Value { return merge.Encode(append([]string{}, all...)) }
	return map[string]merge.Value{"op": merge.Str(c.Op), "roles": list(c.Roles), "regions": list(c.Regions), "base": merge.Num(u.Ver)}
}

// carryRights changes rights as it was approved. The user record keeps whose approval
// changed it last, so that it is done once.
//
// Errors: those of auth.ChangeRights; Stale "stale_version" for a restore that would give other
// roles than those that were shown.
func (s *Service) carryRights(ctx context.Context, a Approval, p Proposal) error {
	params := merge.Row{Fields: p.Params}
	c := auth.RightsChange{Op: params.Text("op"), Roles: merge.AsStrings(p.Params["roles"]), Regions: merge.AsStrings(p.Params["regions"]), Base: params.Int("base"), Approval: a.ID}
	if c.Op == auth.RightsRestore {
		u, err := s.People.User(ctx, p.Subject)
		if err != nil {
			return err
		}
		// Roles that change behind this look raise the version, on which the restore rests.
		if !slices.Equal(u.Roles, c.Roles) || !slices.Equal(u.Regions, c.Regions) {
			return &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "other roles than were approved"}
		}
		c.Roles, c.Regions = nil, nil
	}
	_, err := s.People.ChangeRights(ctx, p.Subject, c)
	return err
}

// ProposeFactor proposes that somebody with a role gets a new password and second factor:
// for who lost a phone, and for an admin who was just made.
//
// Errors: Forbidden, NotFound; Conflict "conflict" for somebody who has no role or is not
// active.
func (s *Service) ProposeFactor(ctx context.Context, who Caller, user, reason string) (store.User, Approval, error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return store.User{}, Approval{}, err
	}
	u, err := s.People.User(ctx, user)
	if err != nil {
		return u, Approval{}, err
	}
	if u.Status != store.UserActive || len(u.Roles) == 0 {
		return u, Approval{}, conflict("conflict", "only active people with a role log in with a password")
	}
	a, err := s.propose(ctx, who, Proposal{Kind: domain.ApproveFactor, Subject: user, Params: map[string]merge.Value{"base": merge.Num(u.Ver)}, Reason: reason})
	return u, a, err
}

// Token gives who proposed it the set-up token that an approval brings: of a new admin, or
// of a new factor. It is shown once. Who loses it, or dies in between, proposes a new
// factor.
//
// Errors: Forbidden, NotFound; Forbidden "approval_own" for anybody else; Conflict
// "approval_closed" if it is not done, too old, or was shown.
func (s *Service) Token(ctx context.Context, who Caller, approval string) (user, token string, expires time.Time, err error) {
	if err := s.mustBeAdmin(ctx, who); err != nil {
		return "", "", expires, err
	}
	a, err := s.approval(ctx, approval)
	if err != nil {
		return "", "", expires, err
	}
	if a.Text("proposed_by") != who.User {
		return "", "", expires, forbidden()
	}
	u, err := s.tokenFor(ctx, a)
	if err != nil {
		return "", "", expires, err
	}
	shown := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if r, ok := v.Row("approval", approval); !ok || r.Text("shown_to") != "" {
			return &merge.Reject{Code: "approval_closed"}
		}
		return nil
	}
	// Before it is made: rather lost than shown twice.
	if _, err := s.Engine.Write(ctx, domain.GeneralQueue, merge.ServerWrite{Name: who.Name + ".shown", Author: who.User, Role: merge.Admin, Collection: "approval", ID: approval,
		Op: merge.Put, Set: map[string]merge.Value{"shown_to": merge.Str(who.User)}, Must: shown}); err != nil {
		return "", "", expires, err
	}
	token, expires, err = s.People.ResetFactor(ctx, u.ID)
	return u.ID, token, expires, err
}

// tokenFor gives whose token an approval brings.
func (s *Service) tokenFor(ctx context.Context, a Approval) (u store.User, err error) {
	p, err := a.proposal()
	if err != nil {
		return u, err
	}
	age := s.Clock.Now().Sub(instant(a.Row, "approved_at"))
	if a.Text("state") != domain.ApprovalDone || a.Text("shown_to") != "" || age >= domain.ApprovalLife || p.Kind != domain.ApproveRights && p.Kind != domain.ApproveFactor {
		return u, approvalClosed("it brings no token")
	}
	if u, err = s.People.User(ctx, p.Subject); err != nil {
		return u, err
	}
	params := merge.Row{Fields: p.Params}
	if p.Kind == domain.ApproveRights {
		if u.Approval != a.ID || params.Text("op") != auth.RightsRoles {
			return u, approvalClosed("rights have changed since")
		}
		if there, err := s.People.Equipped(ctx, u.ID); err != nil || there {
			return u, errors.Join(err, approvalClosed("this admin has a password and a factor"))
		}
		return u, nil
	}
	if u.Ver != params.Int("base") {
		return u, approvalClosed("rights have changed since")
	}
	return u, nil
}

// MayVouch is the fence of who says that a number is still the same person's: admins of
// anybody's, a mentor of that of an owner or of staff of a business that they accompany now.
//
// Errors: as mustBeAdmin; NotFound for whom a mentor does not accompany, whether there is
// such a person or not.
func (s *Service) MayVouch(ctx context.Context, who Caller, user string) error {
	is, err := s.authority(ctx, who)
	switch {
	case err != nil:
		return err
	case is.admin:
		return who.acts(ctx, auth.RoleAdmin)
	case !is.mentor:
		return is.forbidden()
	}
	heads, err := s.Engine.Store.HeadsFor(ctx, who.User, nil)
	if err != nil {
		return fmt.Errorf("heads of a mentor: %w", err)
	}
	for _, h := range heads {
		now := max(s.now(), h.Time)
		theirs := func(g merge.Grant) bool {
			return g.User == user && (g.Role == merge.Owner || g.Role == merge.Staff) && g.Holds(now)
		}
		if merge.ScopeKind(h.Scope) == domain.ScopeBusiness && slices.ContainsFunc(h.Access, accompanies(who.User, now)) && slices.ContainsFunc(h.Access, theirs) {
			return who.acts(ctx, auth.RoleMentor)
		}
	}
	return notFound()
}
