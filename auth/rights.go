package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// What is done to the rights of a person.
const (
	RightsRoles   = "roles"   // replaces roles and provinces
	RightsSuspend = "suspend" // refuses every token until restored
	RightsRestore = "restore" //
)

// RightsChange is a change of somebody's rights.
type RightsChange struct {
	Op      string
	Roles   []string // of RightsRoles
	Regions []string // of RightsRoles: the provinces of a regional admin, and of nobody else
	// Approval is the id of what approved it; empty if nothing had to. A change whose
	// approval has been carried out changes nothing.
	Approval string
	Base     int64 // Ver of the user that it was approved for; 0 without an approval
}

// Check refuses a change that nobody can be given, and sorts its lists.
//
// Errors: Invalid "invalid_value".
func (c *RightsChange) Check() (err error) {
	switch c.Op {
	case RightsRoles:
	case RightsSuspend, RightsRestore:
		if len(c.Roles)+len(c.Regions) > 0 {
			return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "roles", Text: "roles only where they are replaced"}
		}
		return nil
	default:
		return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "op", Text: "no such change"}
	}
	if c.Roles, err = checkRoles(c.Roles); err != nil {
		return err
	}
	c.Regions = slices.Clone(c.Regions)
	slices.Sort(c.Regions)
	c.Regions = slices.Compact(c.Regions)
	for _, r := range c.Regions {
		if code, err := domain.ParseRegion(r); err != nil || code.Province() != code {
			return badRegions("no province")
		}
	}
	if slices.Contains(c.Roles, RoleRegional) != (len(c.Regions) > 0) {
		return badRegions("a regional admin has provinces, and nobody else has")
	}
	return nil
}

func badRegions(text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "regions", Text: text}
}

// To is the user after the change.
func (c RightsChange) To(u store.User) store.User {
	switch {
	case u.Status == store.UserErased:
	case c.Op == RightsSuspend:
		u.Status = store.UserSuspended
	case c.Op == RightsRestore && u.Status == store.UserSuspended:
		u.Status = store.UserActive
	case c.Op == RightsRoles:
		u.Roles, u.Regions = c.Roles, c.Regions
		if power(u.Roles, u.Regions) != "" && u.Status == store.UserInvited { // an admin proves more than a number
			u.Status = store.UserActive
		}
	}
	return u
}

// NeedsTwo reports whether a change makes an admin, of whatever region, or takes that from
// one: then two people have to want it. Roles are written to the suspended too, who have
// them when they are restored, so it asks whatever the status is.
func (c RightsChange) NeedsTwo(u store.User) bool {
	next := c.To(u)
	was, is := power(u.Roles, u.Regions), power(next.Roles, next.Regions)
	return was != is || is != "" && u.Status != next.Status && (u.Status == store.UserSuspended || next.Status == store.UserSuspended)
}

// power is what roles let an admin do that others may not, as text; empty for nothing.
func power(roles, regions []string) string {
	var all []string
	for _, r := range roles {
		if r == RoleAdmin || r == RoleRegional {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprint(all, regions)
}

// isAdmin reports whether somebody can act as an admin.
func isAdmin(u store.User) bool {
	return u.Status == store.UserActive && slices.Contains(u.Roles, RoleAdmin)
}

// ChangeRights changes the rights of a person. Older tokens are void at once; a refresh
// brings new ones.
//
// Errors: Invalid "invalid_value"; NotFound "not_found"; Conflict "last_admin" if nobody
// would be left; Stale "stale_version" if the rights are not those that it was approved for.
func (s *Service) ChangeRights(ctx context.Context, user string, c RightsChange) (store.User, error) {
	if err := c.Check(); err != nil {
		return store.User{}, err
	}
	return s.changeRights(ctx, user, c.Op, func(u *store.User) (bool, error) {
		if c.Approval != "" {
			if u.Approval == c.Approval {
				return false, nil // it was carried out, and its end was not noted
			}
			if u.Ver != c.Base {
				return false, refuse(fault.Stale, "stale_version", "rights have changed since it was proposed")
			}
			u.Approval = c.Approval
		}
		*u = c.To(*u)
		return true, nil
	})
}

// changeRights edits a user, makes older tokens void and says so. edit may be called again
// when somebody else was faster; false leaves the user as it is.
//
// Who stops being an admin must leave one behind. That one is written too, unchanged, after
// both were read: of two admins who lose their role at the same time one finds the other's
// write, and looks again.
func (s *Service) changeRights(ctx context.Context, user, reason string, edit func(*store.User) (bool, error)) (store.User, error) {
	for range rounds {
		was, err := s.User(ctx, user)
		if err != nil {
			return was, err
		}
		u := was
		if change, err := edit(&u); err != nil || !change {
			return was, err
		}
		u.Ver, u.Changed = u.Ver+1, s.Clock.Now()
		if isAdmin(was) && !isAdmin(u) {
			err = s.holdAnotherAdmin(ctx, user)
		}
		if err == nil {
			err = s.Store.ReplaceUser(ctx, u)
		}
		if errors.Is(err, store.ErrStale) {
			continue
		}
		if err != nil {
			return was, err
		}
		u.Rev++
		s.denyUser(u)
		s.tell(ctx, Event{Kind: UserChanged, User: user, Reason: reason})
		return u, nil
	}
	return store.User{}, contended("user")
}

// userPage is how many people are read at a time where all are looked at.
const userPage = 500

// holdAnotherAdmin makes sure of an admin beside user, whose record it raises.
//
// Errors: Conflict "last_admin"; store.ErrStale if that one changed.
func (s *Service) holdAnotherAdmin(ctx context.Context, user string) error {
	for after := ""; ; {
		page, err := s.Store.UsersAfter(ctx, after, userPage)
		if err != nil {
			return err
		}
		for _, u := range page {
			if u.ID != user && isAdmin(u) {
				return s.Store.ReplaceUser(ctx, u)
			}
		}
		if len(page) < userPage {
			return refuse(fault.Conflict, "last_admin", "nobody else is an admin")
		}
		after = page[len(page)-1].ID
	}
}

// UserFilter picks people; an empty field picks all.
type UserFilter struct {
	Role   string
	Status store.UserStatus
}

// Users gives up to limit people behind an id, by id, and whether there are more. It reads
// no more than a few thousand: then the page may be short, or empty, and next says where to
// go on. next is empty at the end.
func (s *Service) Users(ctx context.Context, f UserFilter, after string, limit int) (out []store.User, next string, err error) {
	const mostPages = 10
	out = []store.User{}
	for range mostPages {
		page, err := s.Store.UsersAfter(ctx, after, userPage)
		if err != nil {
			return nil, "", err
		}
		for _, u := range page {
			if (f.Role == "" || slices.Contains(u.Roles, f.Role)) && (f.Status == "" || u.Status == f.Status) {
				if len(out) == limit {
					return out, after, nil
				}
				out = append(out, u)
			}
			after = u.ID
		}
		if len(page) < userPage {
			return out, "", nil
		}
	}
	return out, after, nil
}

// Equipped reports whether somebody has a password and a second factor in use.
func (s *Service) Equipped(ctx context.Context, user string) (bool, error) {
	c, err := s.credential(ctx, user)
	return !c.Confirmed.IsZero(), err
}

// UserByPhone gives the user of a phone in any spelling.
//
// Errors: Invalid "phone_…", NotFound "not_found".
func (s *Service) UserByPhone(ctx context.Context, phone string) (store.User, error) {
	p, err := domain.ParsePhone(phone)
	if err != nil {
		return store.User{}, err
	}
	u, err := s.Store.UserByPhone(ctx, string(p))
	if errors.Is(err, store.ErrAbsent) {
		return u, refuse(fault.NotFound, "not_found", "no user of that phone")
	}
	return u, err
}
