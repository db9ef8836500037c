package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Validate reports every mistake of c, joined, one a line. It never shows a
// secret.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, form string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(form, args...))
		}
	}
	check(c.Env == Development || c.Env == Production, "env: %q is neither development nor production", c.Env)
	_, port, err := net.SplitHostPort(c.Listen)
	check(err == nil && port != "", "listen: %q is not host:port", c.Listen)
	check(c.publicURLOK(), "public-url: %q is not an http or https URL without trailing slash, query or user", c.PublicURL)
	check(c.LogFormat == "text" || c.LogFormat == "json", "log-format: %q is neither text nor json", c.LogFormat)
	check(c.Pepper == "" || len(c.Pepper) >= 32, "pepper: %d characters, at least 32 are needed", len(c.Pepper))
	check(c.OTPSender == "log" || c.OTPSender == Webhook || c.OTPSender == "none", "otp-sender: %q is neither log, webhook nor none", c.OTPSender)
	check(c.DrainDelay >= 0 && c.DrainDelay <= time.Minute, "drain-delay: %v is not within 0s and 1m", c.DrainDelay)
	check(c.ShutdownGrace >= 0 && c.ShutdownGrace <= 5*time.Minute, "shutdown-grace: %v is not within 0s and 5m", c.ShutdownGrace)
	check(c.WorkersEvery >= 100*time.Millisecond && c.WorkersEvery <= time.Hour, "workers-every: %v is not within 100ms and 1h", c.WorkersEvery)
	check(c.Horizon >= 40*24*time.Hour && c.Horizon <= 10*366*24*time.Hour, "horizon: %v is not within 960h (40 days; phones repeat edits for 35) and 10 years", c.Horizon)
	check(c.StepUp >= time.Minute && c.StepUp <= 12*time.Hour, "step-up: %v is not within 1m and 12h", c.StepUp)
	for flag, r := range map[string]Rate{"rate-per-user": c.PerUser, "rate-per-device": c.PerDevice, "rate-per-address": c.PerAddress,
		"rate-edits-per-user": c.EditsPerUser, "rate-edits-per-device": c.EditsPerDevice} {
		check(r.Max > 0 && r.Per >= time.Second && r.Per <= time.Hour, "%s: %v is not a number above 0 in 1s to 1h", flag, r)
	}
	for flag, r := range map[string]Rate{"rate-codes-per-address": c.CodesPerAddress, "rate-logins-per-address": c.LoginsPerAddress} { // each instant is kept, in the database
		check(r.Max > 0 && r.Per >= 10*time.Minute && r.Per <= time.Hour, "%s: %v is not a number above 0 in 10m to 1h", flag, r)
	}
	check(c.StoreMax >= 0 && c.StoreMax <= 1<<24, "store-max-mib: %d is not within 0 and 16777216", c.StoreMax)
	check(c.Traces == "" || urlOK(c.Traces), "traces: the value is not an http or https URL without query or user")
	check(c.TracesPerSecond >= 1 && c.TracesPerSecond <= 1000, "traces-per-second: %d is not within 1 and 1000", c.TracesPerSecond)
	if c.Admin != "" {
		_, port, err := net.SplitHostPort(c.Admin)
		check(err == nil && port != "", "admin-listen: %q is not host:port", c.Admin)
	}
	check(c.MinAppVersion == "" || matches(`^\d{1,5}(\.\d{1,5}){0,2}$`, c.MinAppVersion), "min-app-version: %q is not a version such as 1.4.0", c.MinAppVersion)
	for _, p := range c.TrustedProxies {
		check(proxyOK(p), "trusted-proxies: %q is neither an address nor a CIDR range", p)
	}
	for _, o := range c.CORSOrigins {
		check(originOK(o), "cors-origins: %q is not scheme://host as a browser writes it", o)
	}
	for number, code := range c.TestNumbers {
		check(matches(`^\+628[0-9]{8,11}$`, number) && matches(`^[0-9]{6}$`, code),
			"test-numbers: the entry ending in %s is not +628…=six digits", number[max(0, len(number)-3):])
	}
	errs = append(errs, c.validatePush()...)
	errs = append(errs, c.validateStore())
	if c.Env == Production {
		errs = append(errs, c.validateProduction()...)
	}
	return errors.Join(errs...)
}

func (c Config) validateStore() error {
	scheme, _, found := strings.Cut(c.Store, "://")
	switch {
	case c.Mongo() && c.Pepper == "":
		return errors.New("store: MongoDB wants a pepper that all processes share, set LUMBUNG_PEPPER")
	case c.Mongo():
		return nil
	case found:
		return fmt.Errorf("store: the scheme %q is not known, give the path of a database file or mongodb://", scheme)
	case mistyped(c.Store):
		return errors.New("store: it begins as an address of MongoDB, which is mongodb://…")
	case strings.TrimSpace(c.StorePath()) == "":
		return errors.New("store: the path of the database file is empty")
	case strings.ContainsAny(c.StorePath(), "?#\x00"):
		return errors.New("store: the path holds ?, # or a null byte, give a plain path")
	}
	return nil
}

// validateProduction refuses what makes a first run easy and an attack easier.
func (c Config) validateProduction() []error {
	var errs []error
	refuse := func(unsafe bool, why string) {
		if unsafe {
			errs = append(errs, errors.New("production: "+why))
		}
	}
	refuse(c.OTPSender == "log", "otp-sender log writes login codes into the log")
	refuse(len(c.TestNumbers) > 0, "test-numbers open accounts with a known code")
	refuse(c.Pepper == "", "pepper is not set; give LUMBUNG_PEPPER or LUMBUNG_PEPPER_FILE")
	refuse(c.firebaseEmulator != "", "FIREBASE_AUTH_EMULATOR_HOST is set and turns signature checks off")
	refuse(!strings.HasPrefix(c.PublicURL, "https://"), "public-url is not https")
	return append(errs, c.unsafePush()...)
}

func (c Config) publicURLOK() bool { return urlOK(c.PublicURL) && !strings.HasSuffix(c.PublicURL, "/") }

func urlOK(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// originOK wants an origin to the letter: it is compared, not understood.
func originOK(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && s == u.Scheme+"://"+strings.ToLower(u.Host)
}

func proxyOK(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

func matches(pattern, s string) bool { return regexp.MustCompile(pattern).MatchString(s) }
