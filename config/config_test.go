package config_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/config"
)

const pepper = "0123456789abcdef0123456789abcdef"

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestNothingSetIsAFirstRunOnOneMachine(t *testing.T) {
	c, rest, err := config.Load(nil, env())
	if err != nil || len(rest) != 0 {
		t.Fatalf("%v, %q", err, rest)
	}
	if c.Env != config.Development || c.Listen != "127.0.0.1:8080" || c.StorePath() != "./data/lumbung.db" || c.OTPSender != "log" {
		t.Errorf("defaults are %+v", c)
	}
}

func TestFlagsOverrideTheEnvironmentAndTheEnvironmentTheDefaults(t *testing.T) {
	c, rest, err := config.Load(
		[]string{"-listen", "0.0.0.0:9", "-log-level", "debug", "-shutdown-grace=2s", "extra"},
		env("LUMBUNG_LISTEN", "0.0.0.0:8", "LUMBUNG_LOG_FORMAT", "json", "LUMBUNG_STORE", "sqlite:/srv/l.db",
			"LUMBUNG_TRUSTED_PROXIES", "10.0.0.0/8, ::1", "LUMBUNG_TEST_NUMBERS", "+628117000001=123456", "LUMBUNG_MIN_APP_VERSION", "1.4"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "0.0.0.0:9" || c.LogFormat != "json" || c.LogLevel != slog.LevelDebug || c.ShutdownGrace != 2*time.Second {
		t.Errorf("got %+v", c)
	}
	if c.StorePath() != "/srv/l.db" || !slices.Equal(c.TrustedProxies, []string{"10.0.0.0/8", "::1"}) || c.TestNumbers["+628117000001"] != "123456" {
		t.Errorf("got %+v", c)
	}
	if !slices.Equal(rest, []string{"extra"}) {
		t.Errorf("rest %q", rest)
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, _, err := config.Load([]string{"-workers-every", "soon"}, env(
		"LUMBUNG_ENV", "staging", "LUMBUNG_LISTEN", "8080", "LUMBUNG_PUBLIC_URL", "ftp://x", "LUMBUNG_LOG_LEVEL", "loud", "LUMBUNG_LOG_FORMAT", "xml",
		"LUMBUNG_PEPPER", "short", "LUMBUNG_OTP_SENDER", "pigeon", "LUMBUNG_SHUTDOWN_GRACE", "-1s", "LUMBUNG_MIN_APP_VERSION", "new",
		"LUMBUNG_TRUSTED_PROXIES", "everyone", "LUMBUNG_TEST_NUMBERS", "08117=1", "LUMBUNG_STORE", "postgres://db",
		"LUMBUNG_RATE_CODES_PER_ADDRESS", "0/1h", "LUMBUNG_RATE_LOGINS_PER_ADDRESS", "500/9m",
		"LUMBUNG_CORS_ORIGINS", "https://good.example,https://good.example/page,*,null"))
	for _, want := range []string{"workers-every", "env:", "listen:", "public-url:", "LUMBUNG_LOG_LEVEL", "log-format:", "pepper:", "otp-sender:",
		"rate-codes-per-address: 0/1h0m0s is not", "rate-logins-per-address: 500/9m0s is not", "shutdown-grace:", "min-app-version:", "trusted-proxies:", "test-numbers:", `the scheme "postgres"`,
		`cors-origins: "*"`, `cors-origins: "null"`, "good.example/page"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q:\n%v", want, err)
		}
	}
}

func TestProductionRefusesTheConveniencesOfAWorkshop(t *testing.T) {
	safe := []string{"LUMBUNG_ENV", "production", "LUMBUNG_OTP_SENDER", "none", "LUMBUNG_PEPPER", pepper, "LUMBUNG_PUBLIC_URL", "https://lumbung.example"}
	tests := []struct {
		name        string
		over        []string
		want, never string
	}{
		{"a safe one starts", nil, "", ""},
		{"codes in the log", []string{"LUMBUNG_OTP_SENDER", "log"}, "login codes", ""},
		{"test numbers", []string{"LUMBUNG_TEST_NUMBERS", "+628117000001=123456"}, "known code", "123456"},
		{"no pepper", []string{"LUMBUNG_PEPPER", ""}, "pepper is not set", ""},
		{"a short pepper", []string{"LUMBUNG_PEPPER", "hunter2hunter2"}, "at least 32", "hunter2"},
		{"the Firebase emulator", []string{"FIREBASE_AUTH_EMULATOR_HOST", "localhost:9099"}, "FIREBASE_AUTH_EMULATOR_HOST", ""},
		{"plain http", []string{"LUMBUNG_PUBLIC_URL", "http://lumbung.example"}, "not https", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := config.Load(nil, env(append(tt.over, safe...)...))
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Fatalf("%v does not say %q", err, tt.want)
			case tt.never != "" && strings.Contains(err.Error(), tt.never):
				t.Fatalf("%v shows %q", err, tt.never)
			}
		})
	}
}

func TestStoreIsAFileOrMongoDB(t *testing.T) {
	for store, ok := range map[string]bool{
		"lumbung.db": true, "sqlite:lumbung.db": true, "/var/lib/lumbung/l.db": true,
		"mongodb://a:1,b:2/name?replicaSet=rs": true, "mongodb+srv://x": true, "postgres://x": false, "sqlite:": false, "a.db?mode=memory": false,
	} {
		if _, _, err := config.Load([]string{"-store", store}, env("LUMBUNG_PEPPER", pepper)); (err == nil) != ok {
			t.Errorf("%q: %v", store, err)
		}
	}
	if _, _, err := config.Load([]string{"-store", "mongodb://x"}, env()); err == nil {
		t.Error("two processes would make a pepper each")
	}
}

func TestThePasswordOfTheDatabaseIsNotShown(t *testing.T) {
	c, _, err := config.Load([]string{"-store", "mongodb://lumbung:r@hasia@db-1:27017,db-2/l"}, env("LUMBUNG_PEPPER", pepper))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.String(); strings.Contains(got, "rahasia") || strings.Contains(got, "hasia") || !strings.Contains(got, "mongodb://***@db-1:27017,db-2/l") {
		t.Error(got)
	}
}

func TestASecretIsReadFromItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pepper")
	if err := os.WriteFile(path, []byte(pepper+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(nil, env("LUMBUNG_PEPPER_FILE", path))
	if err != nil || c.Pepper != pepper {
		t.Errorf("pepper %q, %v", c.Pepper, err)
	}
	if _, _, err := config.Load(nil, env("LUMBUNG_PEPPER_FILE", path, "LUMBUNG_PEPPER", pepper)); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("given twice: %v", err)
	}
	if _, _, err := config.Load(nil, env("LUMBUNG_PEPPER_FILE", path+".gone")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, _, err := config.Load([]string{"-pepper", pepper}, env()); err == nil {
		t.Error("a secret was accepted as a flag")
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	c, _, err := config.Load(nil, env("LUMBUNG_PEPPER", pepper, "LUMBUNG_TEST_NUMBERS", "+628117000001=123456"))
	if err != nil {
		t.Fatal(err)
	}
	printed := strings.Join(c.Redacted(), "\n") + fmt.Sprintf("\n%v %+v %#v %s %v", c, c, c, &c, c.LogValue())
	for _, secret := range []string{pepper, "8117000001", "123456"} {
		if strings.Contains(printed, secret) {
			t.Errorf("%q is printed:\n%s", secret, printed)
		}
	}
	if !strings.Contains(printed, "LUMBUNG_PEPPER=(set, 32 characters)") || !strings.Contains(printed, "LUMBUNG_LISTEN=127.0.0.1:8080") {
		t.Errorf("printed:\n%s", printed)
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	if _, _, err := config.Load([]string{"-h"}, env()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gives %v", err)
	}
	var b bytes.Buffer
	config.Usage(&b)
	for _, s := range config.Settings() {
		if !strings.Contains(b.String(), s.Name()) || s.Help == "" {
			t.Errorf("help lacks %s", s.Name())
		}
		if s.Filed() != strings.Contains(b.String(), s.Name()+"_FILE") {
			t.Errorf("help is wrong about the file of %s", s.Name())
		}
	}
}

// TestTheAddressOfTheDatabaseMayStandInAFile: with MongoDB it holds a password.
func TestTheAddressOfTheDatabaseMayStandInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte("mongodb://u:p@db/lumbung\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(nil, env("LUMBUNG_STORE_FILE", path, "LUMBUNG_PEPPER", strings.Repeat("p", 40)))
	if err != nil || c.Store != "mongodb://u:p@db/lumbung" {
		t.Errorf("%q, %v", c.Store, err)
	}
	if _, _, err := config.Load(nil, env("LUMBUNG_STORE_FILE", path, "LUMBUNG_STORE", "x.db")); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("given twice: %v", err)
	}
}

// TestOfTheQueryOfAnAddressOnlyHarmlessValuesAreShown: a driver takes secrets there too.
func TestOfTheQueryOfAnAddressOnlyHarmlessValuesAreShown(t *testing.T) {
	for _, tt := range []struct{ store, shown string }{
		{"mongodb://h/l?replicaSet=rs0&w=majority&retryWrites=true", "mongodb://h/l?replicaSet=rs0&w=majority&retryWrites=true"},
		{"mongodb://h/l?tlsCertificateKeyFilePassword=hunter2&authMechanismProperties=AWS_SESSION_TOKEN:hunter2&w=1",
			"mongodb://h/l?tlsCertificateKeyFilePassword=***&authMechanismProperties=***&w=1"},
		{"mongodb://u:hunter2@h/l?replicaset=rs0", "mongodb://***@h/l?replicaset=rs0"},
		{"mongodb+srv://u:hunter2@h/l?proxyPassword=hunter2", "mongodb+srv://***@h/l?proxyPassword=***"},
		{"mongodb://h/l?w=1;proxyPassword=hunter2", "mongodb://h/l?w=1&proxyPassword=***"}, // the driver knows both signs
		{"mongodb://h/l?w=1&hunter2", "mongodb://h/l?w=1&***"},
		{"mongodb://h/l?proxyPassword=a@hunter2", "mongodb://***"},
		{"mongodb://u:hun?ter2@h/l?w=1", "mongodb://***"},
	} {
		c, _, err := config.Load([]string{"-store", tt.store}, env("LUMBUNG_PEPPER", pepper))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Redacted(); !slices.Contains(got, "LUMBUNG_STORE="+tt.shown) || strings.Contains(c.String(), "ter2") {
			t.Errorf("%s is shown as %q", tt.store, got)
		}
	}
}

// TestAnAddressThatIsMistypedIsRefusedUnshown: it would be taken for the path of a file, and
// what is in a path is shown.
func TestAnAddressThatIsMistypedIsRefusedUnshown(t *testing.T) {
	for _, store := range []string{"mongodb:/u:hunter2@h/db", "mongodb:u:hunter2@h", "MongoDB+srv:/u:hunter2@h/db", " mongodb:/u:hunter2@h"} {
		c, _, err := config.Load([]string{"-store", store}, env("LUMBUNG_PEPPER", pepper))
		if err == nil {
			err = c.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), "mongodb://") {
			t.Errorf("%s: %v", store, err)
		}
		if shown := fmt.Sprint(err, c.Redacted(), c); strings.Contains(shown, "ter2") {
			t.Errorf("%s is shown: %s", store, shown)
		}
	}
}
