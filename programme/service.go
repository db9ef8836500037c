// Package programme holds the use cases above the engine that are done online:
// enterprises and their people, mentors and their assignments, and what admins
// look after. Every change is a commit of the engine, so that phones hear of it
// without further code; rights are asked inside that commit.
package programme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Directory is what the service asks about people; auth.Service knows it.
type Directory interface {
	// User gives a user by id, or NotFound "not_found".
	User(ctx context.Context, user string) (store.User, error)
	// InviteByPhone gives the id of the user of a phone, made if there is none.
	InviteByPhone(ctx context.Context, phone string) (string, error)
	// Health gives the devices of users and how they stand.
	Health(ctx context.Context, users ...string) ([]auth.DeviceHealth, error)

	// UserByPhone gives the user of a phone, or NotFound "not_found".
	UserByPhone(ctx context.Context, phone string) (store.User, error)
	// Users gives a page of people behind an id, and where the next one begins.
	Users(ctx context.Context, f auth.UserFilter, after string, limit int) (page []store.User, next string, err error)
	// ChangeRights changes what a person may do.
	ChangeRights(ctx context.Context, user string, c auth.RightsChange) (store.User, error)
	// Equipped reports whether somebody has a password and a second factor in use.
	Equipped(ctx context.Context, user string) (bool, error)
	// ResetFactor gives somebody a token with which password and factor are set anew.
	ResetFactor(ctx context.Context, user string) (token string, expires time.Time, err error)
}

// Witness hears in which role somebody is about to see or do something, before they do. Its
// error is the answer then: what cannot be noted does not happen.
type Witness interface {
	Acts(ctx context.Context, role string) error
}

// Service carries out the use cases. Fill the fields and use it; it is safe for
// concurrent use.
type Service struct {
	Engine *syncer.Engine
	People Directory
	Clock  clock.Clock
	Bell   Rings // nil: no phone is rung

	joiners looked
	wholes  wholes
	giving  turn // of who gives businesses to mentors
}

// Caller is who asks.
type Caller struct {
	User string
	// Name is what the writes of this request are called, the same for each
	// repetition of the request: "rest.<person>.<hash>" with a key, else of the session. Reads need none.
	Name string
	// Proved says that the session began with a password and a second factor. Without
	// it an admin has no more rights than anybody else.
	Proved bool
	// Fresh says that the second factor was shown just now.
	Fresh bool
	// Witness hears of a caller who acts as an admin or as a mentor. May be nil.
	Witness Witness
}

// StepUpRequired refuses what wants a second factor that was shown just now.
func StepUpRequired() error {
	return &fault.Error{Kind: fault.Forbidden, Code: "step_up_required", Text: "the proof of identity is too old for this"}
}

// acts tells the witness of a caller.
func (c Caller) acts(ctx context.Context, role string) error {
	if c.Witness == nil {
		return nil
	}
	return c.Witness.Acts(ctx, role)
}

// Version is a record as somebody read it.
type Version struct {
	Generation uint32 // count of the scope's generation
	Seq        merge.Seq
}

// scopeOf is the scope of a business.
func scopeOf(business string) string { return "business/" + business }

func notFound() error {
	return &fault.Error{Kind: fault.NotFound, Code: "not_found", Text: "absent, or not the caller's"}
}

func forbidden() error {
	return &fault.Error{Kind: fault.Forbidden, Code: "forbidden", Text: "not the caller's to do"}
}

// secondFactorRequired refuses an admin whose session has not proved enough.
func secondFactorRequired() error {
	return &fault.Error{Kind: fault.Forbidden, Code: "second_factor_required", Text: "an admin who did not prove a password and a second factor"}
}

func invalid(field, text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: field, Text: text}
}

// standing is what a caller is in one business at one instant.
type standing struct {
	head     store.Head
	now      merge.Millis
	admin    bool
	regional bool         // an admin of its province
	unproved bool         // an admin, who has not proved enough to be one here
	roles    []merge.Role // in the access list
}

// sees reports whether somebody has a right to the whole business: its people, and admins of
// all of them.
func (st standing) sees() bool { return st.admin || len(st.roles) > 0 }

func (st standing) is(r merge.Role) bool { return slices.Contains(st.roles, r) }

// forbidden is what somebody hears who may see the business, and not do this.
func (st standing) forbidden() error {
	if st.unproved {
		return secondFactorRequired()
	}
	return forbidden()
}

// enter reads the head of a business for somebody who may see it. A regional admin sees
// those of their provinces, and hears of no others.
//
// Errors: NotFound "not_found", also if it is not the caller's; Forbidden
// "second_factor_required" for an admin who has not proved enough, and has no right of
// their own there; those of the caller's witness.
func (s *Service) enter(ctx context.Context, who Caller, business string) (st standing, err error) {
	st.now = s.now()
	is, err := s.authority(ctx, who)
	if err != nil {
		return st, err
	}
	st.admin, st.unproved = is.admin, is.unproved
	outside := notFound() // the same whether there is such a business or not
	if st.unproved {
		outside = secondFactorRequired()
	}
	if !id.Valid(business) {
		return st, outside
	}
	head, err := s.Engine.Store.Head(ctx, scopeOf(business))
	if errors.Is(err, store.ErrAbsent) {
		return st, outside
	}
	if err != nil {
		return st, fmt.Errorf("head of business: %w", err)
	}
	st.head, st.now = head, max(st.now, head.Time)
	for _, g := range head.Access {
		if g.User == who.User && g.Holds(st.now) {
			st.roles = append(st.roles, g.Role)
		}
	}
	if !st.sees() && len(is.provinces) > 0 {
		if st.regional, err = s.liesIn(ctx, head.Scope, business, is.provinces); err != nil {
			return st, err
		}
	}
	if !st.sees() && !st.regional {
		return st, outside
	}
	return st, st.witnessed(ctx, who)
}

// liesIn reports whether a business is of one of the provinces.
func (s *Service) liesIn(ctx context.Context, scope, business string, provinces []string) (bool, error) {
	rows, err := s.rows(ctx, scope, merge.Key{Collection: "business", ID: business})
	return err == nil && len(rows) > 0 && slices.Contains(provinces, string(domain.Region(rows[0].Text("region_code")).Province())), err
}

// witnessed tells of somebody who is here as an admin or a mentor. Owners and staff are at
// home.
func (st standing) witnessed(ctx context.Context, who Caller) error {
	switch {
	case st.admin:
		return who.acts(ctx, auth.RoleAdmin)
	case st.regional:
		return who.acts(ctx, auth.RoleRegional)
	case st.accompanies():
		return who.acts(ctx, auth.RoleMentor)
	}
	return nil
}

// accompanies reports whether somebody is here as a mentor, and not at home.
func (st standing) accompanies() bool {
	return st.is(merge.Mentor) && !st.is(merge.Owner) && !st.is(merge.Staff)
}

// authority is what somebody may do beside what they own or accompany.
type authority struct {
	admin     bool
	provinces []string // of a regional admin; sorted
	unproved  bool     // an admin, of whatever region, whose session did not prove it
	mentor    bool     // whatever the session proved
}

// authority asks the directory, not the token: a role that was taken away is gone. The
// session must have proved that it is the admin who asks.
func (s *Service) authority(ctx context.Context, who Caller) (authority, error) {
	u, err := s.People.User(ctx, who.User)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return authority{}, nil
	}
	if err != nil || u.Status != store.UserActive {
		return authority{}, err
	}
	is := authority{admin: slices.Contains(u.Roles, auth.RoleAdmin), mentor: slices.Contains(u.Roles, auth.RoleMentor)}
	if slices.Contains(u.Roles, auth.RoleRegional) {
		is.provinces = u.Regions
	}
	if !who.Proved && (is.admin || len(is.provinces) > 0) {
		return authority{unproved: true, mentor: is.mentor}, nil
	}
	return is, nil
}

// forbidden is what somebody hears of what admins do, who is none.
func (a authority) forbidden() error {
	if a.unproved {
		return secondFactorRequired()
	}
	return forbidden()
}

// mustBeAdmin is the fence of what only admins do.
//
// Errors: Forbidden "forbidden", "second_factor_required"; those of the caller's witness.
func (s *Service) mustBeAdmin(ctx context.Context, who Caller) error {
	is, err := s.authority(ctx, who)
	if err == nil && !is.admin {
		err = is.forbidden()
	}
	if err != nil {
		return err
	}
	return who.acts(ctx, auth.RoleAdmin)
}

// mustLookAfter is the fence of what admins and regional admins read. provinces are nil for
// an admin, who reads of all.
//
// Errors: as mustBeAdmin.
func (s *Service) mustLookAfter(ctx context.Context, who Caller) (provinces []string, err error) {
	is, err := s.authority(ctx, who)
	switch {
	case err != nil:
		return nil, err
	case is.admin:
		return nil, who.acts(ctx, auth.RoleAdmin)
	case len(is.provinces) > 0:
		return is.provinces, who.acts(ctx, auth.RoleRegional)
	}
	return nil, is.forbidden()
}

func (s *Service) now() merge.Millis { return merge.Millis(s.Clock.Now().UnixMilli()) }

// current refuses an edit of a record as it was before a restore.
//
// Errors: Stale "stale_version".
func (st standing) current(v Version) error {
	if v.Generation != st.head.Generation.Count {
		return &fault.Error{Kind: fault.Stale, Code: "stale_version", Text: "read in another generation"}
	}
	return nil
}

// rows reads records of one scope, in the order of keys; absent and deleted
// ones are left out.
func (s *Service) rows(ctx context.Context, scope string, keys ...merge.Key) ([]merge.Row, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	got, err := s.Engine.Store.Load(ctx, scope, store.Want{Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("load records: %w", err)
	}
	var out []merge.Row
	for _, k := range keys {
		i := slices.IndexFunc(got.Records, func(r store.Record) bool { return r.Key() == k })
		if i < 0 || got.Records[i].Deleted {
			continue
		}
		row, err := rowOf(&got.Records[i])
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

func rowOf(r *store.Record) (merge.Row, error) {
	row := merge.Row{Key: r.Key(), Version: r.Version, Deleted: r.Deleted}
	if err := json.Unmarshal(r.Fields, &row.Fields); err != nil {
		return row, fmt.Errorf("record %s: %w", r.Key(), err)
	}
	return row, nil
}

// manages is the right to change who belongs to a business, asked in the
// commit: its owners, and admins.
func manages(user string, st standing) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, access []merge.Grant) *merge.Reject {
		if st.admin || slices.ContainsFunc(access, func(g merge.Grant) bool { return g.User == user && g.Role == merge.Owner && g.Holds(v.Now()) }) {
			return nil
		}
		if st.unproved {
			return &merge.Reject{Code: "second_factor_required"}
		}
		if st.regional || merge.Granted(access, user, v.Now()) {
			return &merge.Reject{Code: "forbidden"}
		}
		return &merge.Reject{Code: "not_found"}
	}
}

// check holds what a request says against the tables of the catalogue. The
// engine does so for what people write; fields of the server it takes as they
// are.
//
// Errors: Invalid "invalid_value" with the field.
func (s *Service) check(collection string, set map[string]merge.Value) error {
	c, ok := s.Engine.Schema.Collection(collection)
	if !ok {
		return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "no collection " + collection}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		f, ok := c.Field(name)
		if !ok {
			return &fault.Error{Kind: fault.Internal, Code: "internal", Text: "no field " + name + " in " + collection}
		}
		if merge.Null(set[name]) {
			continue
		}
		v, path, ok := f.Type.Check(set[name])
		if !ok {
			return invalid(name+path, "not what the catalogue allows")
		}
		set[name] = v
	}
	return nil
}

// roleOf is the role under which a manager's writes are ranked.
func roleOf(admin bool) merge.Role {
	if admin {
		return merge.Admin
	}
	return merge.Owner
}

// instant reads an instant of a row; zero if there is none.
func instant(r merge.Row, field string) time.Time {
	m, err := merge.ParseInstant(r.Text(field))
	if err != nil {
		return time.Time{}
	}
	return m.Time()
}

// null clears a field.
func null() merge.Value { return merge.Value("null") }

// optional is a text, or nothing.
func optional(text string) merge.Value {
	if text == "" {
		return null()
	}
	return merge.Str(text)
}
