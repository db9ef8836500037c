package main

import (
	"errors"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

var printed = regexp.MustCompile(`^(\S+) (\+62\d+)\ntoken (s1\.\S+)\nuntil (\S+)\n$`)

// TestTheFirstAdminIsMadeByCommand sets up what the command printed, as the API does, and
// takes it away again.
func TestTheFirstAdminIsMadeByCommand(t *testing.T) {
	db := filepath.Join(t.TempDir(), "l.db")
	out, _, err := lumbung(t, db, "admin", "create", "--phone", "0811-7000-006", "--name", "Bu Ratna")
	got := printed.FindStringSubmatch(out)
	if err != nil || got == nil || got[2] != "+628117000006" {
		t.Fatalf("%q, %v", out, err)
	}
	if _, _, err := lumbung(t, db, "admin", "create", "--phone", "0811-7000-006", "--name", "Bu Ratna"); err == nil {
		t.Error("the same phone was added twice")
	}
	cfg := config.Default()
	cfg.Store = db
	a, err := app.New(t.Context(), cfg, app.Options{Stderr: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	const password = "tujuh kapal di teluk"
	set, err := a.Auth.SetUp(t.Context(), auth.SetupRequest{Token: got[3], Password: password})
	if err != nil {
		t.Fatal(err)
	}
	code := func(at time.Time) string {
		c, err := auth.FactorCode(set.Secret, at)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := time.Now()
	if err := a.Auth.ConfirmSetup(t.Context(), got[3], code(now), netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	in := auth.PasswordRequest{Phone: got[2], Password: password, Code: code(now.Add(30 * time.Second)), Device: auth.DeviceInfo{Install: "0190aaaa-0000-4000-8000-000000000001"}}
	l, err := a.Auth.LogIn(t.Context(), in)
	if err != nil || l.User.ID != got[1] {
		t.Fatalf("%+v, %v", l.User, err)
	}
	profile := merge.Key{Collection: "user", ID: got[1]}
	rows, err := a.Store.Load(t.Context(), merge.UserScope(got[1]), store.Want{Keys: []merge.Key{profile}})
	if err != nil || len(rows.Records) != 1 || !strings.Contains(string(rows.Records[0].Fields), `"full_name":"Bu Ratna"`) {
		t.Errorf("the profile is %+v, %v", rows.Records, err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	out, _, err = lumbung(t, db, "admin", "reset-factor", "+62 811 7000 006")
	again := printed.FindStringSubmatch(out)
	if err != nil || again == nil || again[1] != got[1] || again[3] == got[3] {
		t.Fatalf("%q, %v", out, err)
	}
	if a, err = app.New(t.Context(), cfg, app.Options{Stderr: t.Output()}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Auth.Refresh(t.Context(), l.Refresh); err == nil {
		t.Error("a session outlived the reset")
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"admin"}, {"admin", "dance"}, {"admin", "create"}, {"admin", "create", "--phone", "08117000007"}, {"admin", "reset-factor"}} {
		if _, _, err := lumbung(t, db, args...); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, _, err := lumbung(t, db, "admin", "create", "--phone", "08117000007", "--name", "x"); err == nil {
		t.Error("somebody is called x")
	}
	if out, _, err := lumbung(t, db, "user", "list"); err != nil || strings.Contains(out, "+628117000007") {
		t.Errorf("%q, %v: a name that is none made an admin", out, err)
	}
}
