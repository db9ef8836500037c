package programme

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// The parts that an enterprise may have in mergers: who was merged away takes
// nobody in, and who took somebody in is not merged away, so that no two can
// disappear into each other. Who goes says into whom.
const (
	mergers = "merger"
	stays   = "stays"
)

func into(survivor string) string { return "into " + survivor }

func conflict(code, text string) error {
	return &fault.Error{Kind: fault.Conflict, Code: code, Text: text}
}

// underMerger has somebody come back when a merger has brought along what they look for.
func underMerger() error {
	return &fault.Error{Kind: fault.Transient, Code: "busy", Text: "a merger is under way"}
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
	if err := s.parts(ctx, business, survivor); err != nil {
		return Business{}, err
	}
	for {
		writes, err := s.goodbye(ctx, who, st, survivor)
		if err != nil {
			return Business{}, err
		}
		if _, err := s.Engine.Write(ctx, st.head.Scope, writes...); err == nil {
			return s.Business(ctx, who, survivor)
		} else if fault.CodeOf(err) != "stale_version" { // else another mentor leads by now
			return Business{}, err
		}
	}
}

// parts gives both their part in the merger, or neither.
func (s *Service) parts(ctx context.Context, business, survivor string) error {
	claims := s.Engine.Store
	switch has, err := claims.Claim(ctx, mergers, business, into(survivor)); {
	case err != nil:
		return err
	case has != into(survivor):
		return conflict("business_merged", business+" has another part in a merger")
	}
	switch has, err := claims.Claim(ctx, mergers, survivor, stays); {
	case err != nil:
		return err
	case has != stays:
		return errors.Join(conflict("business_merged", survivor+" has another part in a merger"), claims.Release(ctx, mergers, business, into(survivor)))
	}
	return nil
}

// goodbye is the write that merges a business away. Where somebody leads in the survivor, or
// is named to follow, those of the other one are named no more: who leads there goes on.
func (s *Service) goodbye(ctx context.Context, who Caller, st standing, survivor string) ([]merge.ServerWrite, error) {
	_, business, _ := strings.Cut(st.head.Scope, "/")
	once := func(v merge.View, _ []merge.Grant) *merge.Reject {
		if row, ok := v.Row("business", business); ok && row.Text("merged_into") != "" && row.Text("merged_into") != survivor {
			return &merge.Reject{Code: "business_merged", Field: "into"}
		}
		return nil
	}
	writes := []merge.ServerWrite{{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "business", ID: business, Op: merge.Put, Must: once,
		Set: map[string]merge.Value{"status": merge.Str("merged_into"), "merged_into": merge.Str(survivor)}}}
	there, at, err := s.mentorsOf(ctx, survivor)
	lead, in := domain.LeadAt(there, at)
	if err != nil || !in && len(named(there, at)) == 0 {
		return writes, err
	}
	if in && !lead.Named { // else one who comes, and was in longer, would lead
		if _, err := s.Engine.Write(ctx, scopeOf(survivor), merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: lead.ID,
			Op: merge.Put, Set: map[string]merge.Value{"lead": merge.Flag(true)}}); err != nil {
			return nil, err
		}
	}
	others, at, err := s.mentorsOf(ctx, business)
	led := named(others, at)
	for _, a := range led {
		writes = append(writes, merge.ServerWrite{Name: who.Name, Author: who.User, Role: merge.Admin, Collection: "assignment", ID: a, Op: merge.Put,
			Set: map[string]merge.Value{"lead": merge.Flag(false)}})
	}
	writes[0].Must = both(once, onlyLeads(led))
	return writes, err
}

// mentorsOf reads the windows of mentors in a business, and the instant of now there. The head
// says which windows there are; its commits may be ahead in the records.
func (s *Service) mentorsOf(ctx context.Context, business string) ([]domain.MentorWindow, merge.Millis, error) {
	head, err := s.Engine.Store.Head(ctx, scopeOf(business))
	if err != nil {
		return nil, 0, err
	}
	rows, err := s.mentorRows(ctx, head)
	return domain.MentorWindowsOf(rows), max(s.now(), head.Time), err
}

// named lists the windows whose mentors are named as who leads, at an instant or from a later
// one on.
func named(windows []domain.MentorWindow, at merge.Millis) (ids []string) {
	for _, w := range windows {
		if w.Named && w.Lasts(at) {
			ids = append(ids, w.ID)
		}
	}
	return ids
}

// onlyLeads refuses where the mentor of another window than these is named by now.
func onlyLeads(led []string) func(merge.View, []merge.Grant) *merge.Reject {
	return func(v merge.View, access []merge.Grant) *merge.Reject {
		for _, g := range access {
			if g.Role != merge.Mentor || slices.Contains(led, g.ID) {
				continue
			}
			if row, ok := v.Row("assignment", g.ID); ok && domain.MentorWindowOf(row).Named && domain.MentorWindowOf(row).Lasts(v.Now()) {
				return &merge.Reject{Code: "stale_version"}
			}
		}
		return nil
	}
}

// alive refuses to let anybody into a business that was merged away. It is
// asked inside the commit, which a merger may be faster than.
func alive(v merge.View) *merge.Reject {
	_, business, _ := strings.Cut(v.Scope(), "/")
	if row, ok := v.Row("business", business); ok && row.Text("merged_into") != "" {
		return &merge.Reject{Code: "business_merged"}
	}
	return nil
}

// inAlive is alive, asked before another question inside the commit.
func inAlive(then func(merge.View, []merge.Grant) *merge.Reject) func(merge.View, []merge.Grant) *merge.Reject {
	return both(func(v merge.View, _ []merge.Grant) *merge.Reject { return alive(v) }, then)
}
