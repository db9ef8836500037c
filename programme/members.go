package programme

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Member is one window of an owner or a staff member.
type Member struct {
	ID          string
	User        string
	Role        merge.Role
	Permissions []string
	From        time.Time
	To          time.Time // zero: open
	Version     Version
}

// NewMember invites a person by phone. One who has never logged in becomes
// active at the first login.
type NewMember struct {
	Phone       string // in any spelling
	Role        merge.Role
	Permissions []string // of staff; owners may do everything
}

// MemberChange is what a change of a member says; nil leaves a part alone.
type MemberChange struct {
	Permissions *[]string
	To          *time.Time // end of the window; not in the past
}

// AddMember opens a window for a person.
//
// Errors: NotFound "not_found", Forbidden "forbidden"; Invalid with the field;
// Conflict "conflict" if the person has an open window.
func (s *Service) AddMember(ctx context.Context, who Caller, business string, n NewMember) (Member, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Member{}, err
	}
	if !st.admin && !st.is(merge.Owner) { // before anybody is invited
		return Member{}, st.forbidden()
	}
	set := map[string]merge.Value{"role": merge.Str(string(n.Role)), "from": st.now.Value()}
	if n.Role == merge.Staff {
		set["permissions"] = merge.Encode(sorted(n.Permissions))
	}
	if err := s.check("membership", set); err != nil {
		return Member{}, err
	}
	user, err := s.People.InviteByPhone(ctx, n.Phone)
	if err != nil {
		return Member{}, err
	}
	set["user_id"] = merge.Str(user)
	if err := s.introduce(ctx, "membership", user, set); err != nil {
		return Member{}, err
	}
	member := id.Derive("membership", business, user, who.Name)
	must := func(v merge.View, access []merge.Grant) *merge.Reject {
		if r := cmp.Or(manages(who.User, st)(v, access), alive(v)); r != nil {
			return r
		}
		if slices.ContainsFunc(access, func(g merge.Grant) bool {
			return g.User == user && g.ID != member && g.Role != merge.Mentor && (g.To == 0 || g.To > v.Now())
		}) {
			return &merge.Reject{Code: "conflict", Field: "phone"}
		}
		return nil
	}
	if _, err := s.Engine.Write(ctx, st.head.Scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: roleOf(st.admin), Collection: "membership",
		ID: member, Op: merge.Put, Create: true, Must: must, Set: set}); err != nil {
		return Member{}, err
	}
	return s.member(ctx, st, member)
}

// Members gives every window of owners and staff, ended ones too.
//
// Errors: NotFound "not_found".
func (s *Service) Members(ctx context.Context, who Caller, business string) ([]Member, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return nil, err
	}
	var keys []merge.Key
	for _, g := range st.head.Access {
		if g.Role == merge.Owner || g.Role == merge.Staff {
			keys = append(keys, merge.Key{Collection: "membership", ID: g.ID})
		}
	}
	rows, err := s.rows(ctx, st.head.Scope, keys...)
	out := []Member{}
	for _, r := range rows {
		out = append(out, memberOf(st, r))
	}
	return out, err
}

// ChangeMember changes permissions or ends a window that the caller saw at
// version v. A business never loses its last owner.
//
// Errors: NotFound, Forbidden; Stale "stale_version"; Invalid with the field;
// Conflict "conflict" for a window that has ended, "last_owner".
func (s *Service) ChangeMember(ctx context.Context, who Caller, business, member string, v Version, c MemberChange) (Member, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Member{}, err
	}
	if err := st.current(v); err != nil {
		return Member{}, err
	}
	set := map[string]merge.Value{}
	if c.Permissions != nil {
		set["permissions"] = merge.Encode(sorted(*c.Permissions))
	}
	to := merge.Millis(0)
	if c.To != nil {
		if to = merge.Millis(c.To.UnixMilli()); to < st.now {
			to = st.now
		}
		set["to"] = to.Value()
	}
	if len(set) == 0 {
		return Member{}, &fault.Error{Kind: fault.Invalid, Code: "required", Field: "permissions", Text: "nothing to change"}
	}
	if err := s.check("membership", set); err != nil {
		return Member{}, err
	}
	must := func(v merge.View, access []merge.Grant) *merge.Reject {
		if r := manages(who.User, st)(v, access); r != nil {
			return r
		}
		if r := alive(v); r != nil && c.Permissions != nil {
			return r // an end is carried over to where the others went; permissions are theirs to give there
		}
		return mayEnd(v, access, member, to)
	}
	if _, err := s.Engine.Write(ctx, st.head.Scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: roleOf(st.admin), Collection: "membership",
		ID: member, Op: merge.Put, Strict: &v.Seq, Must: must, Set: set}); err != nil {
		return Member{}, err
	}
	return s.member(ctx, st, member)
}

// mayEnd refuses a change of a window that has ended, and the end of the last
// owner's; to is 0 if the change ends nothing.
func mayEnd(v merge.View, access []merge.Grant, member string, to merge.Millis) *merge.Reject {
	i := slices.IndexFunc(access, func(g merge.Grant) bool { return g.ID == member && g.Role != merge.Mentor })
	if i < 0 {
		return &merge.Reject{Code: "not_found"}
	}
	g := access[i]
	if g.To != 0 && g.To <= v.Now() {
		return &merge.Reject{Code: "conflict"}
	}
	if to == 0 || g.Role != merge.Owner {
		return nil
	}
	if !slices.ContainsFunc(access, func(o merge.Grant) bool { return o.ID != member && o.Role == merge.Owner && o.To == 0 && o.From <= to }) {
		return &merge.Reject{Code: "last_owner", Field: "to"}
	}
	return nil
}

func (s *Service) member(ctx context.Context, st standing, member string) (Member, error) {
	rows, err := s.rows(ctx, st.head.Scope, merge.Key{Collection: "membership", ID: member})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Member{}, err
	}
	return memberOf(st, rows[0]), nil
}

func memberOf(st standing, r merge.Row) Member {
	return Member{ID: r.ID, User: r.Text("user_id"), Role: merge.Role(r.Text("role")), Permissions: r.Strings("permissions"),
		From: instant(r, "from"), To: instant(r, "to"), Version: Version{st.head.Generation.Count, r.Version}}
}

// sorted gives the words once each, in order; never nil.
func sorted(words []string) []string {
	out := append([]string{}, words...)
	slices.Sort(out)
	return slices.Compact(out)
}
