// Package config reads what an operator decides: defaults, then the
// environment, then flags. It reports every mistake at once and refuses to let
// a production server start with the conveniences of a workshop.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The environments.
const (
	Development = "development"
	Production  = "production"
)

// Config is everything that can be decided from outside. Default gives the
// values for a first run on one machine; the zero value is not usable.
type Config struct {
	Env       string // development (default) or production
	Listen    string // host:port; 127.0.0.1:8080
	PublicURL string // where phones reach the server and the issuer of its tokens; http://127.0.0.1:8080
	Store     string // path of the database file, or sqlite:PATH, or the address of MongoDB; ./data/lumbung.db

	LogLevel  slog.Level // info
	LogFormat string     // text (default) or json

	Pepper         string        // secret behind login codes and session keys, 32 characters or more; required in production
	TrustedProxies []string      // addresses or CIDR ranges whose X-Forwarded-For is believed; none
	CORSOrigins    []string      // web pages that may call, such as https://admin.example; none
	ShutdownGrace  time.Duration // how long a stop waits for requests under way; 90 s, which is more than the slowest may take; 0 to 5 min
	DrainDelay     time.Duration // how long a stop says so on /readyz before it takes no more connections; 0, at most 1 min
	OTPSender      string        // log (default: the code appears in the log), webhook or none

	// TestNumbers maps phone numbers in E.164 to the fixed six-digit code that
	// opens them; none.
	TestNumbers map[string]string

	MinAppVersion string        // oldest app that may read, such as 1.4.0; empty admits all
	WorkersEvery  time.Duration // how often background work looks for something to do; 5 s, 100 ms to 1 h

	// Horizon is how long the server remembers what it is done with: log entries,
	// verdicts, what was deleted. A phone that was away longer gets its rows anew,
	// and what it edits of a record deleted before then is refused. 180 days
	// (4320 h), 40 days to 10 years.
	Horizon time.Duration

	// PerUser, PerDevice and PerAddress bound the requests of a person, of one of their
	// phones, and the codes and logins of an address, and the documents read from there
	// beside them; 240/1m0s, 180/1m0s and 1200/1m0s.
	PerUser, PerDevice, PerAddress Rate

	// CodesPerAddress and LoginsPerAddress bound the codes that are asked for from one
	// address, and the logins that are tried from there; 750/1h0m0s and 1500/1h0m0s, over 10
	// min to 1 h. Phones share addresses: 500 of them in one hall log in within an hour. In
	// a day an address may ask for three times as many codes as in an hour.
	CodesPerAddress, LoginsPerAddress Rate

	// EditsPerUser and EditsPerDevice bound the edits that they send; 24000/1m0s and
	// 12000/1m0s. A phone that comes back with 50,000 is through in four minutes.
	EditsPerUser, EditsPerDevice Rate

	// StepUp is how long the second factor of an admin counts as just shown, for what must
	// not be done by somebody who found a phone lying about; 15 min, 1 min to 12 h.
	StepUp time.Duration

	// Traces is where traces of some requests are sent, by OpenTelemetry's protocol over
	// HTTP, such as http://127.0.0.1:4318; empty: there are none. TracesPerSecond is how
	// many; 5, 1 to 1000.
	Traces          string
	TracesPerSecond int

	// StoreMax bounds the database file, in MiB, so that there is room left for a backup
	// and for the log ahead of the file; 0 is no bound.
	StoreMax int

	// Admin is the address of the listener for operators: profiles of the process.
	// It asks for no proof, so it belongs on a network of their own; empty: none.
	Admin string

	Push Push // how phones are rung, and people written to

	firebaseEmulator string // FIREBASE_AUTH_EMULATOR_HOST, which turns signature checks off
}

// Rate is so many requests in any stretch of about so long.
type Rate struct {
	Max int
	Per time.Duration
}

// String is the rate as it is written, such as 240/1m0s.
func (r Rate) String() string { return strconv.Itoa(r.Max) + "/" + r.Per.String() }

func (r *Rate) parse(text string) (err error) {
	most, per, ok := strings.Cut(text, "/")
	if !ok {
		return errors.New("not a number and a span of time with / between them, such as 240/1m")
	}
	if r.Max, err = strconv.Atoi(most); err == nil {
		r.Per, err = time.ParseDuration(per)
	}
	return err
}

// Default is the configuration of a first run on one machine.
func Default() Config {
	return Config{
		Env:           Development,
		Listen:        "127.0.0.1:8080",
		PublicURL:     "http://127.0.0.1:8080",
		Store:         "./data/lumbung.db",
		LogLevel:      slog.LevelInfo,
		LogFormat:     "text",
		ShutdownGrace: 90 * time.Second,
		OTPSender:     "log",
		WorkersEvery:  5 * time.Second,
		Horizon:       180 * 24 * time.Hour,
		PerUser:       Rate{240, time.Minute},
		PerDevice:     Rate{180, time.Minute},
		PerAddress:    Rate{1200, time.Minute},

		CodesPerAddress: Rate{750, time.Hour}, LoginsPerAddress: Rate{1500, time.Hour},

		TracesPerSecond: 5,
		StepUp:          15 * time.Minute,
		Push:            defaultPush(),

		EditsPerUser: Rate{24_000, time.Minute}, EditsPerDevice: Rate{12_000, time.Minute},
	}
}

// Mongo reports whether the store is MongoDB, at the address Store, and no file.
func (c Config) Mongo() bool {
	return strings.HasPrefix(c.Store, "mongodb://") || strings.HasPrefix(c.Store, "mongodb+srv://")
}

// StorePath is the path of the database file; it means nothing with Mongo.
func (c Config) StorePath() string { return strings.TrimPrefix(c.Store, "sqlite:") }

// Redacted lists the effective settings as name=value lines in the order of
// Settings, with secrets replaced by their length.
func (c Config) Redacted() []string {
	var lines []string
	for _, s := range settings() {
		v := s.get(c)
		if s.secret && v != "" {
			v = fmt.Sprintf("(set, %d characters)", len(v))
		}
		v = withoutPassword(v)
		lines = append(lines, s.Name()+"="+v)
	}
	return lines
}

// mistyped reports whether what looks like the path of a file was meant as the address of a
// database, as mongodb:/user:password@host.
func mistyped(address string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(strings.TrimSpace(address)), ":")
	return ok && strings.HasPrefix(scheme, "mongo")
}

// withoutPassword hides who logs in at an address, and how: what stands before the hosts,
// and the values of the query, of which a driver takes passwords and tokens too. Where an @
// stands in the query it is not certain where either begins, and all is hidden.
func withoutPassword(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok && mistyped(address) {
		scheme, _, _ = strings.Cut(address, ":")
		return scheme + ":***"
	}
	if !ok {
		return address
	}
	hosts, query, asked := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return scheme + "://***"
	}
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		hosts = "***" + hosts[i:]
	}
	if !asked {
		return scheme + "://" + hosts
	}
	return scheme + "://" + hosts + "?" + withoutValues(query)
}

// withoutValues hides the values of a query but for those of harmless names.
func withoutValues(query string) string {
	parts := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, part := range parts {
		name, _, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			parts[i] = "***"
		case !slices.Contains(harmless, strings.ToLower(name)):
			parts[i] = name + "=***"
		}
	}
	return strings.Join(parts, "&")
}

// harmless are the names of a query, in small letters, whose values tell how a database is
// reached and hold no secret.
var harmless = []string{"appname", "authmechanism", "authsource", "compressors", "connecttimeoutms", "directconnection", "heartbeatfrequencyms", "journal",
	"loadbalanced", "localthresholdms", "maxconnecting", "maxidletimems", "maxpoolsize", "maxstalenessseconds", "minpoolsize", "readconcernlevel", "readpreference",
	"replicaset", "retryreads", "retrywrites", "serverselectiontimeoutms", "sockettimeoutms", "ssl", "timeoutms", "tls", "w", "wtimeoutms"}

// LogValue is c for the log, without its secrets.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String is Redacted on one line, so that no way of printing shows a secret.
func (c Config) String() string { return strings.Join(c.Redacted(), " ") }

// GoString is String, for the %#v of package fmt.
func (c Config) GoString() string { return c.String() }

// Setting documents one field.
type Setting struct {
	Flag    string // name of the flag; the environment name is LUMBUNG_ and this in capitals
	Default string
	Help    string // one line

	secret bool
	filed  bool // it may hold a secret, and is read from a file too
	get    func(Config) string
	set    func(*Config, string) error
}

// Name is the environment variable of s, such as LUMBUNG_PUBLIC_URL.
func (s Setting) Name() string {
	return "LUMBUNG_" + strings.ToUpper(strings.ReplaceAll(s.Flag, "-", "_"))
}

// Secret reports whether s is never printed.
func (s Setting) Secret() bool { return s.secret }

// Filed reports whether s is read from a file too (LUMBUNG_PEPPER_FILE).
func (s Setting) Filed() bool { return s.secret || s.filed }

// Settings lists every setting with its default, for help and documentation.
func Settings() []Setting {
	all := settings()
	for i := range all {
		all[i].Default = all[i].get(Default())
	}
	return all
}

func settings() []Setting {
	return append([]Setting{
		text("env", "development or production", func(c *Config) *string { return &c.Env }),
		text("listen", "address to listen on, host:port", func(c *Config) *string { return &c.Listen }),
		text("public-url", "URL under which phones reach the server; issuer of its tokens", func(c *Config) *string { return &c.PublicURL }),
		{Flag: "store", Help: "path of the database file, or sqlite:PATH, or mongodb://HOSTS/NAME", filed: true,
			get: func(c Config) string { return c.Store }, set: func(c *Config, v string) error { c.Store = v; return nil }},
		{Flag: "log-level", Help: "debug, info, warn or error",
			get: func(c Config) string { return strings.ToLower(c.LogLevel.String()) },
			set: func(c *Config, v string) error { return c.LogLevel.UnmarshalText([]byte(v)) }},
		text("log-format", "text or json", func(c *Config) *string { return &c.LogFormat }),
		secret(text("pepper", "secret behind login codes and session keys, 32 characters or more", func(c *Config) *string { return &c.Pepper })),
		{Flag: "trusted-proxies", Help: "addresses or CIDR ranges whose X-Forwarded-For is believed, separated by commas",
			get: func(c Config) string { return strings.Join(c.TrustedProxies, ",") },
			set: func(c *Config, v string) error { c.TrustedProxies = list(v); return nil }},
		{Flag: "cors-origins", Help: "origins of web pages that may call, separated by commas",
			get: func(c Config) string { return strings.Join(c.CORSOrigins, ",") },
			set: func(c *Config, v string) error { c.CORSOrigins = list(v); return nil }},
		span("shutdown-grace", "how long a stop waits for requests under way", func(c *Config) *time.Duration { return &c.ShutdownGrace }),
		span("drain-delay", "how long a stop says so on /readyz before it takes no more connections; behind a load balancer, twice the interval of its checks",
			func(c *Config) *time.Duration { return &c.DrainDelay }),
		text("otp-sender", "log, webhook or none", func(c *Config) *string { return &c.OTPSender }),
		secret(Setting{Flag: "test-numbers", Help: "+62…=123456 pairs, separated by commas; refused in production",
			get: func(c Config) string { return pairs(c.TestNumbers) },
			set: setTestNumbers}),
		text("min-app-version", "oldest app that may read, such as 1.4.0", func(c *Config) *string { return &c.MinAppVersion }),
		span("workers-every", "how often background work looks for something to do", func(c *Config) *time.Duration { return &c.WorkersEvery }),
		span("horizon", "how long log entries, verdicts and what was deleted are kept; a phone that was away longer gets its rows anew",
			func(c *Config) *time.Duration { return &c.Horizon }),
		span("step-up", "how long the second factor of an admin counts as just shown, for the few steps that want it so", func(c *Config) *time.Duration { return &c.StepUp }),
		rate("rate-per-user", "requests of one person in a span of time", func(c *Config) *Rate { return &c.PerUser }),
		rate("rate-per-device", "requests of one phone in a span of time", func(c *Config) *Rate { return &c.PerDevice }),
		rate("rate-edits-per-user", "edits that one person sends in a span of time", func(c *Config) *Rate { return &c.EditsPerUser }),
		rate("rate-edits-per-device", "edits that one phone sends in a span of time", func(c *Config) *Rate { return &c.EditsPerDevice }),
		rate("rate-per-address", "codes and logins of one address in a span of time, and as many documents; mobile networks share addresses", func(c *Config) *Rate { return &c.PerAddress }),
		rate("rate-codes-per-address", "login codes that are asked for from one address in a span of time, and three times as many as in an hour in a day; a hall of phones shares one",
			func(c *Config) *Rate { return &c.CodesPerAddress }),
		rate("rate-logins-per-address", "logins that are tried from one address in a span of time", func(c *Config) *Rate { return &c.LoginsPerAddress }),
		{Flag: "store-max-mib", Help: "most that the database file may grow to, in MiB; then edits wait on the phones as on a full disk; 0: no bound",
			get: func(c Config) string { return strconv.Itoa(c.StoreMax) },
			set: func(c *Config, v string) (err error) { c.StoreMax, err = strconv.Atoi(v); return err }},
		text("traces", "URL of a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318; OTEL_EXPORTER_OTLP_ENDPOINT if not set; empty: no traces", func(c *Config) *string { return &c.Traces }),
		{Flag: "traces-per-second", Help: "requests of which a trace is sent, at the most",
			get: func(c Config) string { return strconv.Itoa(c.TracesPerSecond) },
			set: func(c *Config, v string) (err error) { c.TracesPerSecond, err = strconv.Atoi(v); return err }},
		text("admin-listen", "address of the listener for operators, host:port; it asks for no proof; empty: none", func(c *Config) *string { return &c.Admin }),
	}, pushSettings()...)
}

func rate(flag, help string, at func(*Config) *Rate) Setting {
	return Setting{Flag: flag, Help: help,
		get: func(c Config) string { return at(&c).String() },
		set: func(c *Config, v string) error { return at(c).parse(v) }}
}

func text(flag, help string, at func(*Config) *string) Setting {
	return Setting{Flag: flag, Help: help,
		get: func(c Config) string { return *at(&c) },
		set: func(c *Config, v string) error { *at(c) = v; return nil }}
}

func span(flag, help string, at func(*Config) *time.Duration) Setting {
	return Setting{Flag: flag, Help: help,
		get: func(c Config) string { return at(&c).String() },
		set: func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err == nil {
				*at(c) = d
			}
			return err
		}}
}

func secret(s Setting) Setting {
	s.secret = true
	return s
}

func setTestNumbers(c *Config, v string) error {
	c.TestNumbers = nil
	for _, pair := range list(v) {
		number, code, ok := strings.Cut(pair, "=")
		if !ok {
			return fmt.Errorf("an entry is not a pair number=code")
		}
		if c.TestNumbers == nil {
			c.TestNumbers = map[string]string{}
		}
		c.TestNumbers[strings.TrimSpace(number)] = strings.TrimSpace(code)
	}
	return nil
}

// list splits at commas and drops what is empty.
func list(v string) []string {
	var parts []string
	for p := range strings.SplitSeq(v, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}

func pairs(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, ",")
}
