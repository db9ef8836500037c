package programme

import (
	"context"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The parts that an enterprise may have in a merger, for good: who was merged
// away takes nobody in, and who took somebody in is not merged away, so that no
// two can disappear into each other.
const (
	mergers = "merger"
	gone    = "gone"
	stays   = "stays"
)

func conflict(code, text string) error {
	return &fault.Error{Kind: fault.Conflict, Code: code, Text: text}
}

// Merge makes one enterprise of two records of it: the survivor takes over
// people, mentors, products, tasks, sales and files of the other. Phones may go
// on writing into the old one for as long as they like; what is accepted there
// is made once more in the survivor. Only admins merge. Doing it again changes
// nothing.
//
// Errors: NotFound "not_found", Forbidden "forbidden", Invalid "invalid_value"
// for the survivor, Conflict "business_merged" if one of the two already has
// the other part in a merger.
func (s *Service) Merge(ctx context.Context, who Caller, business, survivor string) (Business, error) {
	st, err := s.enterAsAdmin(ctx, who, business)
	if err != nil {
		return Business{}, err
	}
	if _, err := s.enterAsAdmin(ctx, who, survivor); fault.KindOf(err) == fault.NotFound && err != nil || survivor == business {
		return Business{}, invalid("into", "no other enterprise of that id")
	} else if err != nil {
		return Business{}, err
	}
	if to := st.head.MovedTo; to != "" {
		if to != scopeOf(survivor) {
			return Business{}, conflict("business_merged", "merged into another one already")
		}
		return s.Business(ctx, who, survivor)
	}
	for _, part := range [][2]string{{business, gone}, {survivor, stays}} {
		if has, err := s.Engine.Store.Claim(ctx, mergers, part[0], part[1]); err != nil {
			return Business{}, err
		} else if has != part[1] {
			return Business{}, conflict("business_merged", part[0]+" has another part in a merger")
		}
	}
	if _, err := s.Engine.Write(ctx, st.head.Scope, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "business", ID: business,
		Op: merge.Put, Set: map[string]merge.Value{"status": merge.Str("merged_into"), "merged_into": merge.Str(survivor)}}); err != nil {
		return Business{}, err
	}
	return s.Business(ctx, who, survivor)
}

// alive refuses to change who belongs to an enterprise that is no more.
func (st standing) alive() error {
	if st.head.MovedTo != "" {
		return conflict("business_merged", "merged into "+st.head.MovedTo)
	}
	return nil
}
