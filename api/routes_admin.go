package api

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/api/wire"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// limit reads how long a page may be.
func (x *call) limit() (int, error) {
	n, err := strconv.Atoi(x.Query("limit", "100"))
	if err != nil || n < 1 {
		return 0, badQuery("limit")
	}
	return min(n, 500), nil
}

// oneOf reads a word of the query; empty if there is none.
func (x *call) oneOf(name string, words ...string) (string, error) {
	got := x.Query(name)
	for _, w := range append(words, "") {
		if got == w {
			return got, nil
		}
	}
	return "", badQuery(name)
}

func (s *Server) people(x *call) error {
	limit, err := x.limit()
	if err != nil {
		return err
	}
	role, err := x.oneOf("role", auth.RoleMentor, auth.RoleAdmin, auth.RoleRegional)
	if err != nil {
		return err
	}
	status, err := x.oneOf("status", string(store.UserInvited), string(store.UserActive), string(store.UserSuspended), string(store.UserErased))
	if err != nil {
		return err
	}
	after := x.Query("after")
	if after != "" && !id.Valid(after) {
		return badQuery("after")
	}
	page, next, err := s.Programme.Users(x.ctx, x.caller(), x.Query("phone"), auth.UserFilter{Role: role, Status: store.UserStatus(status)}, after, limit)
	if err != nil {
		return err
	}
	for _, u := range page {
		x.saw(u.ID)
	}
	return x.json(fiber.StatusOK, wire.UserList{Users: each(page, userOf), Next: next})
}

func (s *Server) inviteUser(x *call) error {
	var in wire.Invitation
	if err := x.read(&in); err != nil {
		return err
	}
	u, a, err := s.Programme.Invite(x.ctx, x.caller(), in.Phone, in.Name, auth.RightsChange{Op: auth.RightsRoles, Roles: in.Roles, Regions: in.Regions}, in.Reason)
	if err != nil {
		return err
	}
	return x.rights(fiber.StatusCreated, u, a)
}

func (s *Server) changeRights(x *call) error {
	var in wire.RightsChange
	if err := x.read(&in); err != nil {
		return err
	}
	u, a, err := s.Programme.ChangeRights(x.ctx, x.caller(), x.Params("user"), auth.RightsChange{Op: in.Op, Roles: in.Roles, Regions: in.Regions}, in.Reason)
	if err != nil {
		return err
	}
	return x.rights(fiber.StatusOK, u, a)
}

func (s *Server) proposeFactor(x *call) error {
	var in wire.Reason
	if err := x.read(&in); err != nil {
		return err
	}
	u, a, err := s.Programme.ProposeFactor(x.ctx, x.caller(), x.Params("user"), in.Reason)
	if err != nil {
		return err
	}
	return x.rights(fiber.StatusOK, u, a)
}

// rights answers what became of a change of rights.
func (x *call) rights(status int, u store.User, a programme.Approval) error {
	x.saw(u.ID)
	out := wire.RightsAnswer{User: userOf(u)}
	if a.ID != "" {
		x.saw(a.ID)
		out.Approval = approvalOf(a)
	}
	return x.json(status, out)
}

func approvalOf(a programme.Approval) wire.Approval {
	out := wire.Approval{Id: a.ID, State: a.Text("state"), What: a.Text("what"), Fields: a.Fields}
	if a.Expired {
		out.State = "expired"
	}
	return out
}

func (s *Server) approvals(x *call) error {
	page, err := x.page()
	if err != nil {
		return err
	}
	state, err := x.oneOf("state", "proposed", "approved", "done", "failed", "declined")
	if err != nil {
		return err
	}
	all, next, err := s.Programme.Approvals(x.ctx, x.caller(), state, page)
	if err != nil {
		return err
	}
	for _, a := range all {
		x.saw(a.Text("subject"))
	}
	return x.json(fiber.StatusOK, wire.ApprovalList{Approvals: each(all, approvalOf), Next: nextText(next)})
}

func (s *Server) decideApproval(x *call) error {
	var in wire.ApprovalDecision
	if err := x.read(&in); err != nil {
		return err
	}
	a, err := s.Programme.DecideApproval(x.ctx, x.caller(), x.Params("approval"), in.What, in.Approve)
	if err != nil {
		return err
	}
	x.saw(a.Text("subject"))
	return x.json(fiber.StatusOK, approvalOf(a))
}

func (s *Server) approvedToken(x *call) error {
	user, token, expires, err := s.Programme.Token(x.ctx, x.caller(), x.Params("approval"))
	if err != nil {
		return err
	}
	x.saw(user)
	return x.json(fiber.StatusOK, wire.SetupToken{UserId: user, Token: token, ExpiresAt: expires})
}

func (s *Server) audit(x *call) error {
	limit, err := x.limit()
	if err != nil {
		return err
	}
	q := programme.AuditQuery{Subject: x.Query("subject"), Actor: x.Query("actor"), Session: x.Query("session")}
	for name, of := range map[string]string{"subject": q.Subject, "actor": q.Actor, "session": q.Session} {
		if of != "" && !id.Valid(of) {
			return badQuery(name)
		}
	}
	for _, p := range []struct {
		name string
		to   *time.Time
	}{{"from", &q.From}, {"to", &q.To}} {
		if text := x.Query(p.name); text != "" {
			if *p.to, err = time.Parse(time.RFC3339, text); err != nil {
				return badQuery(p.name)
			}
		}
	}
	after, err := auditPlaceOf(x.Query("after"))
	if err != nil {
		return badQuery("after")
	}
	page, next, err := s.Programme.Audit(x.ctx, x.caller(), q, after, limit)
	if err != nil {
		return err
	}
	out := wire.AuditPage{Entries: each(page, func(r merge.Row) wire.AuditEntry { return wire.AuditEntry{Id: r.ID, Fields: r.Fields} })}
	if next != nil {
		out.Next = auditPlaceText(*next)
	}
	return x.json(fiber.StatusOK, out)
}
