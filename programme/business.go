package programme

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Business is an enterprise as one person sees it.
type Business struct {
	merge.Row
	Scope      string
	Generation uint32
	Roles      []merge.Role // of the caller; none for an admin from outside
}

// NewBusiness is what its first owner says about an enterprise. ID is made by
// the caller, so that asking twice makes one.
type NewBusiness struct {
	ID              string
	Name            string
	RegionCode      string // regency or city, such as 18.71
	DistrictCode    string // may be empty
	VillageCode     string // may be empty
	Address         string // may be empty
	PrimaryCategory string
	NIB             string // may be empty
	SizeClass       string // may be empty
}

func (n NewBusiness) fields() map[string]merge.Value {
	return map[string]merge.Value{
		"name": merge.Str(strings.TrimSpace(n.Name)), "region_code": optional(n.RegionCode), "district_code": optional(n.DistrictCode),
		"village_code": optional(n.VillageCode), "address": optional(n.Address), "primary_category": optional(n.PrimaryCategory),
		"nib": optional(n.NIB), "size_class": optional(n.SizeClass),
	}
}

// CreateBusiness makes an enterprise whose owner is the caller: the record and
// the membership are the first commit of its scope. The same request of the
// same person makes nothing twice.
//
// Errors: Invalid with the field; Conflict "id_reuse" if the id is taken.
func (s *Service) CreateBusiness(ctx context.Context, who Caller, n NewBusiness) (Business, error) {
	if !id.Valid(n.ID) || n.ID[14] != '7' {
		return Business{}, invalid("id", "want a UUID of version 7")
	}
	set := n.fields()
	if err := s.check("business", set); err != nil {
		return Business{}, err
	}
	set["status"] = merge.Str("active")
	fresh := func(v merge.View, access []merge.Grant) *merge.Reject {
		if row, ok := v.Row("business", n.ID); ok && row.Text("created_by") != who.User {
			return &merge.Reject{Code: "id_reuse", Field: "id"}
		}
		return nil
	}
	member := id.Derive("membership", n.ID, who.User, "founder")
	window := map[string]merge.Value{"user_id": merge.Str(who.User), "role": merge.Str(string(merge.Owner)), "from": s.now().Value()}
	if err := s.introduce(ctx, "membership", who.User, window); err != nil {
		return Business{}, err
	}
	_, err := s.Engine.Write(ctx, scopeOf(n.ID),
		merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Owner, Collection: "business", ID: n.ID, Op: merge.Put, Create: true, Must: fresh, Set: set},
		merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Owner, Collection: "membership", ID: member, Op: merge.Put, Create: true, Set: window})
	if fault.CodeOf(err) == "id_reuse" {
		if b, again := s.made(ctx, who, n.ID, set); again {
			return b, nil
		}
	}
	if err != nil {
		return Business{}, err
	}
	return s.Business(ctx, who, n.ID)
}

// made finds the business that an earlier request of the same content made.
func (s *Service) made(ctx context.Context, who Caller, business string, set map[string]merge.Value) (Business, bool) {
	b, err := s.Business(ctx, who, business)
	if err != nil || b.Text("created_by") != who.User {
		return b, false
	}
	for name, v := range set {
		if have := b.Fields[name]; !bytes.Equal(have, v) && !(merge.Null(have) && merge.Null(v)) {
			return b, false
		}
	}
	return b, true
}

// Business gives one enterprise to its people and to admins.
//
// Errors: NotFound "not_found".
func (s *Service) Business(ctx context.Context, who Caller, business string) (Business, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Business{}, err
	}
	rows, err := s.rows(ctx, st.head.Scope, merge.Key{Collection: "business", ID: business})
	if err == nil && len(rows) == 0 {
		err = notFound()
	}
	if err != nil {
		return Business{}, err
	}
	return Business{Row: rows[0], Scope: st.head.Scope, Generation: st.head.Generation.Count, Roles: st.roles}, nil
}

// Businesses gives the enterprises that the caller belongs to or accompanies
// now, ordered by id.
func (s *Service) Businesses(ctx context.Context, who Caller) ([]Business, error) {
	heads, err := s.Engine.Store.HeadsFor(ctx, who.User, nil)
	if err != nil {
		return nil, fmt.Errorf("heads of a user: %w", err)
	}
	out := []Business{}
	for _, h := range heads {
		business, ours := strings.CutPrefix(h.Scope, "business/")
		now := max(s.now(), h.Time)
		if !ours || !merge.Granted(h.Access, who.User, now) {
			continue
		}
		rows, err := s.rows(ctx, h.Scope, merge.Key{Collection: "business", ID: business})
		if err != nil {
			return nil, err
		}
		b := Business{Scope: h.Scope, Generation: h.Generation.Count}
		for _, g := range h.Access {
			if g.User == who.User && g.Holds(now) && !slices.Contains(b.Roles, g.Role) {
				b.Roles = append(b.Roles, g.Role)
			}
		}
		if len(rows) > 0 {
			b.Row = rows[0]
			out = append(out, b)
		}
	}
	if slices.ContainsFunc(out, func(b Business) bool { return standing{roles: b.Roles}.accompanies() }) {
		return out, who.acts(ctx, auth.RoleMentor)
	}
	return out, nil
}
