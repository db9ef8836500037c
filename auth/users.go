package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// The roles that hold everywhere. Owners and staff have none: what they may do
// follows from their memberships.
const (
	RoleMentor   = "mentor"
	RoleAdmin    = "admin"
	RoleRegional = "regional_admin" // reads the enterprises of some provinces
)

// CreateUser makes an active user, such as the first admin.
//
// Errors: Invalid "phone_…", "invalid_value" (roles); Conflict "conflict" if the
// phone has a user.
func (s *Service) CreateUser(ctx context.Context, phone string, roles []string) (store.User, error) {
	c := RightsChange{Op: RightsRoles, Roles: roles}
	if err := c.Check(); err != nil {
		return store.User{}, err
	}
	u, made, err := s.userOf(ctx, phone, store.User{Roles: c.Roles, Status: store.UserActive})
	if err == nil && !made {
		err = &fault.Error{Kind: fault.Conflict, Code: "conflict", Field: "phone", Text: "phone has a user"}
	}
	return u, err
}

// InviteByPhone gives the id of the user of a phone. One that is not there yet
// is made and becomes active at the first login.
//
// Errors: Invalid "phone_…".
func (s *Service) InviteByPhone(ctx context.Context, phone string) (string, error) {
	u, _, err := s.userOf(ctx, phone, store.User{Status: store.UserInvited})
	return u.ID, err
}

// userOf finds the user of a phone, or makes one from a pattern.
func (s *Service) userOf(ctx context.Context, text string, pattern store.User) (u store.User, made bool, err error) {
	phone, err := domain.ParsePhone(text)
	if err != nil {
		return u, false, err
	}
	for range rounds {
		u, err = s.Store.UserByPhone(ctx, string(phone))
		if !errors.Is(err, store.ErrAbsent) {
			return u, false, err
		}
		u = pattern
		u.ID, u.Phone, u.Created, u.Changed, u.Ver = s.IDs.New(), string(phone), s.Clock.Now(), s.Clock.Now(), 1
		if err = s.Store.InsertUser(ctx, u); err == nil {
			u.Rev = 1
			return u, true, nil
		}
		if !errors.Is(err, store.ErrTaken) {
			return u, false, fmt.Errorf("insert user: %w", err)
		}
	}
	return u, false, contended("user")
}

// User gives a user by id.
//
// Errors: NotFound "not_found".
func (s *Service) User(ctx context.Context, user string) (store.User, error) {
	u, err := s.Store.User(ctx, user)
	if errors.Is(err, store.ErrAbsent) {
		return u, refuse(fault.NotFound, "not_found", "no such user")
	}
	return u, err
}

// SetRoles replaces the roles of a user, who has no provinces afterwards. Tokens with the
// old ones are void at once; a refresh brings new ones.
//
// Errors: those of ChangeRights.
func (s *Service) SetRoles(ctx context.Context, user string, roles []string) error {
	_, err := s.ChangeRights(ctx, user, RightsChange{Op: RightsRoles, Roles: roles})
	return err
}

// Suspend refuses every token of a user until Restore. The sessions stay, so
// that nobody has to log in again afterwards.
//
// Errors: NotFound "not_found", Conflict "last_admin".
func (s *Service) Suspend(ctx context.Context, user string) error {
	_, err := s.ChangeRights(ctx, user, RightsChange{Op: RightsSuspend})
	return err
}

// Restore ends a suspension.
//
// Errors: NotFound "not_found".
func (s *Service) Restore(ctx context.Context, user string) error {
	_, err := s.ChangeRights(ctx, user, RightsChange{Op: RightsRestore})
	return err
}

// Erase forgets the phone, the roles and the password of a user and ends the sessions. The
// phone is free for somebody else afterwards.
//
// Errors: NotFound "not_found", Conflict "last_admin".
func (s *Service) Erase(ctx context.Context, user string) error {
	_, err := s.changeRights(ctx, user, "erased", func(u *store.User) (bool, error) {
		*u = store.User{ID: u.ID, Status: store.UserErased, Ver: u.Ver, Created: u.Created, Rev: u.Rev}
		return true, nil
	})
	if err != nil {
		return err
	}
	if c, err := s.credential(ctx, user); err != nil {
		return err
	} else if c.Rev > 0 {
		if _, err := s.editCredential(ctx, user, func(c *store.Credential) error {
			*c = store.Credential{User: c.User, Rev: c.Rev}
			return nil
		}); err != nil {
			return err
		}
	}
	return s.RevokeSessions(ctx, user, "erased")
}

// Attest notes that who, a mentor or a proven admin, vouches that the number is still the
// user's, until an instant. It opens one login from an unknown phone after a
// long silence.
//
// Errors: Forbidden "forbidden"; Forbidden "second_factor_required" for an admin whose
// session did not prove a password and a second factor; NotFound "not_found".
func (s *Service) Attest(ctx context.Context, who Identity, user string, until time.Time) error {
	by, err := s.User(ctx, who.User)
	if err != nil {
		return err
	}
	if by.Status != store.UserActive || by.ID == user || !slices.Contains(by.Roles, RoleMentor) && !slices.Contains(by.Roles, RoleAdmin) {
		return refuse(fault.Forbidden, "forbidden", "only another mentor or admin may vouch")
	}
	if !slices.Contains(by.Roles, RoleMentor) && !who.Proved() {
		return secondFactorRequired()
	}
	_, err = s.editUser(ctx, user, func(u *store.User) bool {
		u.Attested, u.Attester = until.UTC().Truncate(time.Millisecond), by.ID
		return true
	})
	return err
}

// editUser changes a user by edit, which may be called again when somebody else
// was faster; false leaves the user as it is.
func (s *Service) editUser(ctx context.Context, user string, edit func(*store.User) bool) (store.User, error) {
	for range rounds {
		u, err := s.User(ctx, user)
		if err != nil || !edit(&u) {
			return u, err
		}
		if err = s.Store.ReplaceUser(ctx, u); err == nil {
			u.Rev++
			return u, nil
		}
		if !errors.Is(err, store.ErrStale) {
			return u, fmt.Errorf("replace user: %w", err)
		}
	}
	return store.User{}, contended("user")
}

// checkRoles sorts roles and refuses those that do not exist.
func checkRoles(roles []string) ([]string, error) {
	for _, r := range roles {
		if r != RoleMentor && r != RoleAdmin && r != RoleRegional {
			return nil, &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "roles", Text: "no such role"}
		}
	}
	roles = slices.Clone(roles)
	slices.Sort(roles)
	return slices.Compact(roles), nil
}
