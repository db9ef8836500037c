package programme

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/domain"
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

// NameUser writes a profile with a name, before the person was ever there. Doing it again
// changes nothing.
//
// Errors: Invalid "invalid_value".
func (s *Service) NameUser(ctx context.Context, u store.User, name string) error {
	if err := s.CheckName(name); err != nil {
		return err
	}
	if err := s.Welcome(ctx, u); err != nil {
		return err
	}
	_, err := s.Engine.Write(ctx, merge.UserScope(u.ID), merge.ServerWrite{Name: "name." + u.ID, Role: merge.System, Collection: "user", ID: u.ID,
		Op: merge.Put, Set: map[string]merge.Value{"full_name": merge.Str(name)}})
	return err
}

// CheckName refuses what is no name of a person.
//
// Errors: Invalid "invalid_value".
func (s *Service) CheckName(name string) error {
	return s.check("user", map[string]merge.Value{"full_name": merge.Str(name)})
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

// Health is how a business stands from afar.
type Health struct {
	Devices   []DeviceHealth // longest silent first
	LastEntry time.Time      // when its newest sales entry was made; zero if it has none
}

// Health tells how the phones of a business's people stand: who has not been
// heard of, who has edits that did not arrive, and when the last sale was logged.
// Owners, mentors and admins
// may ask.
//
// Errors: NotFound "not_found", Forbidden "forbidden".
func (s *Service) Health(ctx context.Context, who Caller, business string) (Health, error) {
	st, err := s.enter(ctx, who, business)
	if err != nil {
		return Health{}, err
	}
	if !st.admin && !st.regional && !st.is(merge.Owner) && !st.is(merge.Mentor) {
		return Health{}, st.forbidden()
	}
	entries, err := s.collection(ctx, st.head, "sales")
	if err != nil {
		return Health{}, err
	}
	devices, err := s.devices(ctx, st)
	return Health{Devices: devices, LastEntry: domain.LastEntry(entries)}, err
}

// devices lists the active devices of everybody who has a right to a business now.
// It asks for all of them at once: each question goes to the store.
func (s *Service) devices(ctx context.Context, st standing) ([]DeviceHealth, error) {
	var users []string
	roles := map[string]merge.Role{}
	for _, g := range st.head.Access {
		if _, asked := roles[g.User]; !asked && g.Holds(st.now) {
			users, roles[g.User] = append(users, g.User), g.Role
		}
	}
	all, err := s.People.Health(ctx, users...)
	if err != nil {
		return nil, err
	}
	out := []DeviceHealth{}
	for _, d := range all {
		if d.Device.Status == store.DeviceActive {
			out = append(out, DeviceHealth{d, roles[d.Device.User]})
		}
	}
	slices.SortFunc(out, func(a, b DeviceHealth) int {
		return a.Seen().Compare(b.Seen())
	})
	return out, nil
}

// introduce adds to a new window what the profile says of its person, which an
// effect would bring later: whoever made the window may go on with the version
// that they were given.
func (s *Service) introduce(ctx context.Context, collection, user string, set map[string]merge.Value) error {
	c, ok := s.Engine.Schema.Collection(collection)
	if !ok || c.Introduce == nil {
		return nil
	}
	rows, err := s.rows(ctx, merge.UserScope(user), merge.Key{Collection: "user", ID: user})
	if err != nil || len(rows) == 0 {
		return err // nobody has logged in there yet
	}
	for name, v := range c.Introduce(merge.Row{Fields: set}, rows[0]) {
		if !merge.Null(v) {
			set[name] = v
		}
	}
	return nil
}

// PhoneNews tells a person of a phone that is about to be let in, or to be shut out, while
// they have another one. Told again of one login it changes nothing. It fits
// auth.Service.OnDevice.
func (s *Service) PhoneNews(ctx context.Context, d store.Device, session string) error {
	all, err := s.heard(ctx, d.User)
	if err != nil || !slices.ContainsFunc(all, func(h domain.Heard) bool { return h.Device != d.ID }) {
		return err
	}
	login := cmp.Or(session, merge.FormatInstant(merge.Millis(d.Login.UnixMilli())))
	_, err = s.remind(ctx, []domain.Letter{domain.PhoneLetter(d.User, d.ID, d.Model, d.Status != store.DeviceActive, login)})
	return err
}
