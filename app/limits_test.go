package app_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/fault"
)

// TestCodesAndLoginsOfAnAddressAreBoundAsTheConfigurationSays: and as package auth does
// where it says nothing.
func TestCodesAndLoginsOfAnAddressAreBoundAsTheConfigurationSays(t *testing.T) {
	d := auth.DefaultLimits()
	for _, tt := range []struct {
		codes, logins         config.Rate
		wantCodes, wantLogins int
	}{
		{config.Default().CodesPerAddress, config.Default().LoginsPerAddress, d.PerAddress[0].Max, d.TriesAddress[0].Max},
		{config.Rate{Max: 3, Per: time.Hour}, config.Rate{Max: 5, Per: time.Hour}, 3, 5},
	} {
		cfg := settings(t)
		cfg.CodesPerAddress, cfg.LoginsPerAddress = tt.codes, tt.logins
		a, err := app.New(t.Context(), cfg, app.Options{Log: quiet(), Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close(t.Context())
		if l := a.Auth.Limits; l.PerAddress[0] != (auth.Limit{Max: tt.wantCodes, Window: time.Hour}) || l.TriesAddress[0] != (auth.Limit{Max: tt.wantLogins, Window: time.Hour}) {
			t.Errorf("%v and %v became %v and %v", tt.codes, tt.logins, l.PerAddress, l.TriesAddress)
		}
		if tt.wantCodes > 100 {
			continue
		}
		codes, logins := 0, 0
		for n := range 10 {
			phone := fmt.Sprintf("+62811700%04d", n)
			if _, err := a.Auth.RequestCode(t.Context(), auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin, IP: netip.MustParseAddr("103.10.0.1")}); err == nil {
				codes++
			}
			_, err := a.Auth.Verify(t.Context(), auth.VerifyRequest{Challenge: a.Engine.IDs.New(), Phone: phone, Code: "123456", IP: netip.MustParseAddr("103.10.0.1"),
				Device: auth.DeviceInfo{Install: a.Engine.IDs.New()}})
			if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.TooMany {
				logins++
			}
		}
		if codes != tt.wantCodes || logins != tt.wantLogins {
			t.Errorf("%d codes and %d logins, want %d and %d", codes, logins, tt.wantCodes, tt.wantLogins)
		}
	}
}
