package programme

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Welcome writes the profile of a user into the user's own scope, at the first
// login. Doing it again changes nothing. It fits auth.Service.OnUser.
func (s *Service) Welcome(ctx context.Context, u store.User) error {
	_, err := s.Engine.Write(ctx, merge.UserScope(u.ID), merge.ServerWrite{Name: "welcome." + u.ID, Role: merge.System, Collection: "user", ID: u.ID,
		Op: merge.Put, Create: true, Set: map[string]merge.Value{"phone": merge.Str(u.Phone), "phone_verified_at": s.now().Value(), "status": merge.Str(string(store.UserActive))}})
	return err
}

// NoteDevice writes what is known of an installation into the scope of its
// user, where it differs from what is there.
func (s *Service) NoteDevice(ctx context.Context, d store.Device) error {
	set := map[string]merge.Value{"install_id": optional(d.Install), "platform": optional(d.Platform), "model": optional(d.Model),
		"os_version": optional(d.OSVersion), "app_version": optional(d.AppVersion), "status": merge.Str(string(d.Status))}
	scope := merge.UserScope(d.User)
	rows, err := s.rows(ctx, scope, merge.Key{Collection: "device", ID: d.ID})
	if err != nil {
		return err
	}
	w := merge.ServerWrite{Role: merge.System, Collection: "device", ID: d.ID, Op: merge.Put, Set: set, Create: len(rows) == 0}
	seen := merge.Seq(0)
	if !w.Create {
		seen = rows[0].Version
		for name, v := range set {
			if have := rows[0].Fields[name]; bytes.Equal(have, v) || merge.Null(have) && merge.Null(v) {
				delete(set, name)
			}
		}
		if len(set) == 0 {
			return nil
		}
	}
	w.Name = id.Derive("device", d.ID, fmt.Sprint(seen), string(merge.Encode(set)))
	_, err = s.Engine.Write(ctx, scope, w)
	return err
}

// DeviceHealth is how a phone of one person of a business stands.
type DeviceHealth struct {
	auth.DeviceHealth
	Role merge.Role
}

// Health tells how the phones of a business's people stand: who has not been
// heard of, and who has edits that did not arrive. Owners, mentors and admins
// may ask.
//
// Errors: NotFound "not_found", Forbidden "forbidden".
func (s *Service) Health(ctx context.Context, who Caller, business string) ([]DeviceHealth, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return nil, err
	}
	if !st.admin && !st.is(merge.Owner) && !st.is(merge.Mentor) {
		return nil, forbidden()
	}
	out := []DeviceHealth{}
	asked := map[string]bool{}
	for _, g := range st.head.Access {
		if asked[g.User] || !g.Holds(st.now) {
			continue
		}
		asked[g.User] = true
		devices, err := s.People.Health(ctx, g.User)
		if err != nil {
			return nil, err
		}
		for _, d := range devices {
			if d.Device.Status == store.DeviceActive {
				out = append(out, DeviceHealth{d, g.Role})
			}
		}
	}
	slices.SortFunc(out, func(a, b DeviceHealth) int {
		return a.Seen().Compare(b.Seen())
	})
	return out, nil
}

// Review is something that an admin must look at.
type Review struct {
	merge.Row
	Queue string // scope of the queue it stands in
}

// reviewPage is how much of a queue is read at a time, in bytes.
const reviewPage = 1 << 20

// Reviews gives the open items of every queue, oldest first, up to limit. Only
// admins see them.
//
// Errors: Forbidden "forbidden".
func (s *Service) Reviews(ctx context.Context, who Caller, limit int) ([]Review, error) {
	if err := s.mustBeAdmin(ctx, who.User); err != nil {
		return nil, err
	}
	const prefix = "decision/"
	out := []Review{}
	for after := prefix; ; {
		scopes, err := s.Engine.Store.Scopes(ctx, after, 100)
		if err != nil {
			return nil, fmt.Errorf("queues: %w", err)
		}
		for _, scope := range scopes {
			if !strings.HasPrefix(scope, prefix) {
				return oldestFirst(out, limit), nil
			}
			if out, err = s.open(ctx, scope, out); err != nil {
				return nil, err
			}
			after = scope
		}
		if len(scopes) < 100 {
			return oldestFirst(out, limit), nil
		}
	}
}

// open adds the open items of one queue.
func (s *Service) open(ctx context.Context, scope string, out []Review) ([]Review, error) {
	head, err := s.Engine.Store.Head(ctx, scope)
	if err != nil {
		return out, fmt.Errorf("head of queue: %w", err)
	}
	var at store.Position
	for {
		page, err := s.Engine.Store.Changed(ctx, scope, at, head.Applied, head.Applied, reviewPage)
		if err != nil {
			return out, fmt.Errorf("read queue: %w", err)
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Collection != "review_item" || r.Deleted {
				continue
			}
			row, err := rowOf(r)
			if err != nil {
				return out, err
			}
			if row.Text("resolved_at") == "" {
				out = append(out, Review{row, scope})
			}
		}
		if !page.More {
			return out, nil
		}
	}
}

func oldestFirst(items []Review, limit int) []Review {
	slices.SortFunc(items, func(a, b Review) int { return strings.Compare(a.Text("at")+a.ID, b.Text("at")+b.ID) })
	return items[:min(limit, len(items))]
}
