package play

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
)

// Person is somebody of the cast.
type Person struct {
	Name      string
	Part      string   // who that is, in a word
	Number    string   // E.164
	User      string   // id; empty before the first login
	role      string   // of mentors and admins
	provinces []string // of regional admins
	secret    string   // of an admin's authenticator app; empty before it is set up
	step      int64    // of the newest code that the app was asked for
}

// Password is that of every admin in the stories. It is worth nothing without a code of
// the second factor.
const Password = "tujuh kapal di teluk semaka"

// Equip gives an admin Password and a second factor, as "lumbung admin reset-factor" and
// the app do, at an instant. It gives the secret of the second factor.
func Equip(ctx context.Context, people *auth.Service, user string, at time.Time) (secret string, err error) {
	token, _, err := people.ResetFactor(ctx, user)
	if err != nil {
		return "", err
	}
	set, err := people.SetUp(ctx, auth.SetupRequest{Token: token, Password: Password})
	if err != nil {
		return "", err
	}
	code, err := auth.FactorCode(set.Secret, at)
	if err != nil {
		return "", err
	}
	return set.Secret, people.ConfirmSetup(ctx, token, code, netip.Addr{})
}

// factorStep is how long a code of the app is shown.
const factorStep = 30 * time.Second

// nextCode is what the authenticator app shows next that it has not shown. It waits for
// the next code if need be, which moves the clock of the world.
func (w *World) nextCode(p *Person) (string, error) {
	now := w.Clock.Now().Unix() / int64(factorStep/time.Second)
	if p.step >= now {
		w.Clock.Set(time.Unix(0, 0).Add(time.Duration(p.step+1) * factorStep))
	}
	p.step = max(now, p.step+1)
	return auth.FactorCode(p.secret, w.Clock.Now())
}

// cast lists everybody. Names and numbers are invented.
func cast() []Person {
	return []Person{
		{Name: "Bu Rafika", Part: "owner of Rafins Snack", Number: "+628117000001"},
		{Name: "Dimas", Part: "staff of Rafins Snack", Number: "+628117000002"},
		{Name: "Pak Yusuf", Part: "owner of Panda Alami", Number: "+628117000003"},
		{Name: "Pak Hendra", Part: "mentor A", Number: "+628117000004", role: auth.RoleMentor},
		{Name: "Bu Sinta", Part: "mentor B", Number: "+628117000005", role: auth.RoleMentor},
		{Name: "Bu Ratna", Part: "admin", Number: "+628117000006", role: auth.RoleAdmin},
		{Name: "Pak Guntur", Part: "second admin", Number: "+628117000007", role: auth.RoleAdmin},
	}
}

// Cast lists everybody in the stories.
func Cast() []Person { return cast() }

// Person finds somebody by name; a name that is not in the cast is a defect and
// panics.
func (w *World) Person(name string) *Person {
	if p := w.people[name]; p != nil {
		return p
	}
	for _, p := range cast() {
		if p.Name == name {
			w.people[name] = &p
			return &p
		}
	}
	panic("play: nobody is called " + name)
}

// Neighbour is owner number n of the crowd, counted from 0.
func (w *World) Neighbour(n int) *Person {
	number := crowdNumber(n)
	if w.people[number] == nil {
		w.people[number] = &Person{Name: fmt.Sprintf("Ibu Warga %d", n+1), Part: "owner", Number: number}
	}
	return w.people[number]
}

// Colleague is an admin besides the one of the cast, under the number of a neighbour.
func (w *World) Colleague(n int) *Person {
	p := w.Neighbour(n)
	p.role, p.Part = auth.RoleAdmin, "admin"
	return p
}

// Regional is an admin of some provinces, under the number of a neighbour.
func (w *World) Regional(n int, provinces ...string) *Person {
	p := w.Neighbour(n)
	p.role, p.Part, p.provinces = auth.RoleRegional, "regional admin", provinces
	return p
}

func crowdNumber(n int) string { return fmt.Sprintf("+62811701%04d", n) }

// Enter gives somebody a phone, logs them in and has the phone name its push address.
func (w *World) Enter(ctx context.Context, who *Person, phone string) (*Phone, error) {
	p, err := w.EnterSilent(ctx, who, phone)
	if err != nil {
		return nil, err
	}
	return p, p.Rings(ctx)
}

// EnterSilent gives somebody a phone that no push reaches, and logs them in.
func (w *World) EnterSilent(ctx context.Context, who *Person, phone string) (*Phone, error) {
	if who.role != "" && who.User == "" {
		if err := w.admit(ctx, who); err != nil {
			return nil, fmt.Errorf("admit %s: %w", who.Name, err)
		}
	}
	p, err := w.NewPhone(who, phone)
	if err != nil {
		return nil, err
	}
	return p, p.Login(ctx)
}

// admit makes the user of somebody with a role, and equips admins.
func (w *World) admit(ctx context.Context, who *Person) error {
	roles := []string{who.role}
	if len(who.provinces) > 0 {
		roles = nil
	}
	u, err := w.App.Auth.CreateUser(ctx, who.Number, roles)
	if err == nil && len(who.provinces) > 0 {
		_, err = w.App.Auth.ChangeRights(ctx, u.ID, auth.RightsChange{Op: auth.RightsRoles, Roles: []string{who.role}, Regions: who.provinces})
	}
	if err != nil {
		return err
	}
	if who.User = u.ID; who.role == auth.RoleMentor {
		return nil
	}
	// With the code before the present one, so that nobody waits for the next.
	who.secret, err = Equip(ctx, w.App.Auth, u.ID, w.Clock.Now().Add(-factorStep))
	return err
}

// Found makes an enterprise whose owner holds the phone and gives its id.
func (w *World) Found(ctx context.Context, owner *Phone, name, region string) (string, error) {
	business := owner.IDs.New()
	err := owner.Send(ctx, http.MethodPost, "/v1/businesses", "",
		map[string]any{"id": business, "name": name, "region_code": region, "primary_category": "food_beverage"}, nil)
	return business, err
}

// Hire makes somebody staff of a business, with every permission.
func (w *World) Hire(ctx context.Context, owner *Phone, business string, who *Person) error {
	return owner.Send(ctx, http.MethodPost, "/v1/businesses/"+business+"/members", "",
		map[string]any{"phone": who.Number, "role": "staff", "permissions": []string{"log_sales", "edit_profile", "submit_tasks", "see_totals"}}, nil)
}

// Window is a mentor's window, as the API tells it.
type Window struct {
	ID   string `json:"id"`
	Etag string `json:"etag"`
}

// Assign sends a mentor to a business, for everything.
func (w *World) Assign(ctx context.Context, admin *Phone, business string, mentor *Person) (Window, error) {
	return w.AssignFor(ctx, admin, business, mentor, "")
}

// AssignFor sends a mentor to a business for one track, of which there is one mentor; empty
// for everything.
func (w *World) AssignFor(ctx context.Context, admin *Phone, business string, mentor *Person, track string) (Window, error) {
	var out Window
	body := map[string]any{"mentor_id": mentor.User}
	if track != "" {
		body["track"] = track
	}
	err := admin.Send(ctx, http.MethodPost, "/v1/businesses/"+business+"/assignments", "", body, &out)
	return out, err
}

// Profile writes the profile of a mentor, whole.
func (w *World) Profile(ctx context.Context, admin *Phone, mentor *Person, profile map[string]any) error {
	path := "/v1/mentors/" + mentor.User + "/profile"
	var now struct {
		Etag string `json:"etag"`
	}
	if err := admin.Send(ctx, http.MethodGet, path, "", nil, &now); err != nil {
		return err
	}
	return admin.Send(ctx, http.MethodPut, path, now.Etag, profile, nil)
}

// Reassign hands a business over to the next mentor, now.
func (w *World) Reassign(ctx context.Context, admin *Phone, business string, old Window, next *Person) error {
	return admin.Send(ctx, http.MethodPatch, "/v1/businesses/"+business+"/assignments/"+old.ID, old.Etag,
		map[string]any{"to": w.Clock.Now(), "successor_id": next.User, "handover_note": "Pindah wilayah"}, nil)
}

// The channels that the stories sell in.
const (
	channelStore    = "store"
	channelReseller = "reseller"
	channelMarket   = "marketplace"
	channelChat     = "social_chat"
)
