package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/fixture"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// campaign is a programme full of files that two curators each have scored, and the admin
// who looks after it.
type campaign struct {
	admin     *phone // logged in with a password and a second factor; it has no enterprise
	programme string
	list      []byte // of registrants, in XLSX
}

const (
	adminNumber   = "+628117990001"
	adminPassword = "tujuh kapal di teluk"
)

// openCampaign makes a campaign on the database that the server will open.
func openCampaign(ctx context.Context, storeAt string, files int, tell func(string, ...any)) (c *campaign, err error) {
	cfg := config.Default()
	cfg.Store, cfg.PublicURL = storeAt, publicURL
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	tell("making a programme of %d files", files)
	return campaignOn(ctx, a, files)
}

func campaignOn(ctx context.Context, a *app.App, files int) (*campaign, error) {
	c := &campaign{admin: newPhone(0)}
	var err error
	if c.admin.user.login, err = loggedInAdmin(ctx, a); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	var list bytes.Buffer
	l := fixture.Campaign(1)
	if err := l.WriteXLSX(&list); err != nil {
		return nil, err
	}
	c.list = list.Bytes()
	var fields map[string]merge.Value
	first, last := domain.BusinessDay(l.Rules.From, l.Rules.Zone), domain.BusinessDay(l.Rules.To, l.Rules.Zone)
	if err := json.Unmarshal(fmt.Appendf(nil, `{"name":"Lagawi Fest","kind":"campaign","region_codes":["18"],"quota":30,"reserve_size":10,"number_prefix":"LGW22","confirm_days":3,
		"phases":[{"code":"registration","starts_on":%q,"ends_on":%q}],
		"stages":[{"no":1,"kind":"checklist","items":[{"code":"in_region","label_id":"Domisili","required":true},{"code":"consent","label_id":"Setuju","required":true}]},
			{"no":2,"kind":"rubric","curators_per_file":2,"items":[{"code":"product","label_id":"Produk","weight_bp":10000,"max":100}]}]}`, first, last), &fields); err != nil {
		return nil, err
	}
	who := programme.Caller{User: c.admin.user.login.User.ID, Name: "load.programme", Proved: true}
	e, err := a.Programme.CreateProgramme(ctx, who, "lagawi-fest", fields)
	if err != nil {
		return nil, fmt.Errorf("programme: %w", err)
	}
	who.Name = "load.open"
	if _, err := a.Programme.AdvanceProgramme(ctx, who, e.ID, e.Version, domain.ProgrammeOpen); err != nil {
		return nil, fmt.Errorf("open the programme: %w", err)
	}
	c.programme = e.ID
	return c, c.fill(ctx, a, files)
}

// loggedInAdmin makes an admin and sets password and factor as a new one does.
func loggedInAdmin(ctx context.Context, a *app.App) (l auth.Login, err error) {
	u, err := a.Auth.CreateUser(ctx, adminNumber, []string{auth.RoleAdmin})
	if err != nil {
		return l, err
	}
	token, _, err := a.Auth.ResetFactor(ctx, u.ID)
	if err != nil {
		return l, err
	}
	set, err := a.Auth.SetUp(ctx, auth.SetupRequest{Token: token, Password: adminPassword})
	if err != nil {
		return l, err
	}
	now := clock.System{}.Now()
	earlier, err := auth.FactorCode(set.Secret, now.Add(-30*time.Second)) // a code counts once
	if err != nil {
		return l, err
	}
	if err := a.Auth.ConfirmSetup(ctx, token, earlier, netip.Addr{}); err != nil {
		return l, err
	}
	code, err := auth.FactorCode(set.Secret, now)
	if err != nil {
		return l, err
	}
	return a.Auth.LogIn(ctx, auth.PasswordRequest{Phone: adminNumber, Password: adminPassword, Code: code,
		Device: auth.DeviceInfo{Install: id.Maker{Clock: clock.System{}, Rand: rand.Reader}.New(), Platform: "web"}})
}

// fill puts files into the stage of marks, with two scores each, some in a commit.
func (c *campaign) fill(ctx context.Context, a *app.App, files int) error {
	ids := id.Maker{Clock: clock.System{}, Rand: rand.Reader}
	curators := []string{ids.New(), ids.New(), ids.New(), ids.New()}
	var writes []merge.ServerWrite
	add := func(collection string, set map[string]merge.Value) string {
		name := ids.New()
		writes = append(writes, merge.ServerWrite{Name: "load." + name, Role: merge.System, Collection: collection, ID: name, Op: merge.Put, Create: true, Set: set})
		return name
	}
	rows := fixture.Campaign(1).Rows
	for n := range files {
		r := rows[n%len(rows)].Registrant
		answers, survey := map[string]any{}, map[string]any{}
		for code, yes := range r.Checks {
			answers[code] = map[string]string{"value": map[bool]string{true: "yes", false: "no"}[yes]}
		}
		for item, level := range r.Survey {
			survey[item] = map[string]int{"level": level}
		}
		f := add("case_file", map[string]merge.Value{"business_id": merge.Str(ids.New()), "source": merge.Str("import"), "number": merge.Str(fmt.Sprintf("LGW22-%05d", n+1)),
			"business_name": merge.Str(fmt.Sprintf("Kopi Lampung %d", n)), "owner_id": merge.Str(ids.New()), "owner_name": merge.Str("Ibu Kopi"), "owner_phone": merge.Str(fmt.Sprintf("+62812%08d", n)),
			"region_code": merge.Str("18.72"), "address": merge.Str("Jl. Teuku Umar No. 12, Kedaton, Bandar Lampung"), "answers": merge.Encode(answers), "survey": merge.Encode(survey),
			"state": merge.Str(domain.FileStage), "stage": merge.Num(2)})
		for k := range 2 {
			add("score", map[string]merge.Value{"application_id": merge.Str(f), "stage": merge.Num(2), "curator_id": merge.Str(curators[(n+k)%len(curators)]),
				"state": merge.Str(domain.SheetSubmitted), "total_bp": merge.Num((n*37 + k) % 10_000), "seen": merge.Num(1)})
		}
		if len(writes) >= 300 || n == files-1 {
			if _, err := a.Engine.Write(ctx, domain.DecisionScope(c.programme), writes...); err != nil {
				return fmt.Errorf("files: %w", err)
			}
			writes = nil
		}
	}
	return nil
}

// path is one of the programme's.
func (c *campaign) path(rest string) string { return "/v1/programmes/" + c.programme + rest }
