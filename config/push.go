package config

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Push is how phones are rung and people written to. The zero value of a provider is none.
type Push struct {
	FCMCredentials string // JSON of a service account of Firebase; a secret
	FCMEndpoint    string // instead of Google's, such as that of "lumbung fcm-fake"; refused in production

	VAPIDKey     string // private key of web push, as of "lumbung notify keys"; a secret
	VAPIDSubject string // whom a push service may write to: mailto:… or https://…

	WebhookURL    string // of the messaging service
	WebhookSecret string // with which calls of it are signed, 32 characters or more

	// Channels are those of the messaging service on which people are written to about
	// results and security if their phones cannot be rung: whatsapp, sms, the preferred
	// one first; none.
	Channels       []string
	MessagesPerDay int // such messages, at most; 500, 1 to 1,000,000
	CodesPerDay    int // login codes by the webhook, at most; 10,000, 1 to 1,000,000

	PerSecond int           // pushes of all processes; 100, 1 to 10,000
	Ramp      time.Duration // from nothing to PerSecond, after a rest; 1 min, 1 s to 10 min
	HintEvery time.Duration // at least between two silent hints to a phone; 15 min, 0: there are none
}

func defaultPush() Push {
	return Push{MessagesPerDay: 500, CodesPerDay: 10_000, PerSecond: 100, Ramp: time.Minute, HintEvery: 15 * time.Minute}
}

// Webhook is the sender of login codes, and of messages, that calls WebhookURL.
const Webhook = "webhook"

func pushSettings() []Setting {
	return []Setting{
		secret(text("fcm-credentials", "JSON of a service account of Firebase, for pushes to Android", func(c *Config) *string { return &c.Push.FCMCredentials })),
		text("fcm-endpoint", "URL of a push service in the place of Google's, such as that of \"lumbung fcm-fake\"; refused in production", func(c *Config) *string { return &c.Push.FCMEndpoint }),
		secret(text("vapid-key", "private key of web push, as \"lumbung notify keys\" makes one", func(c *Config) *string { return &c.Push.VAPIDKey })),
		text("vapid-subject", "whom a push service may write to: mailto:ADDRESS or https://PAGE", func(c *Config) *string { return &c.Push.VAPIDSubject }),
		text("webhook-url", "URL of the messaging service for WhatsApp and SMS", func(c *Config) *string { return &c.Push.WebhookURL }),
		secret(text("webhook-secret", "with which its calls are signed, 32 characters or more", func(c *Config) *string { return &c.Push.WebhookSecret })),
		{Flag: "message-channels", Help: "channels of the messaging service on which people are written to whose phones cannot be rung: whatsapp, sms, the preferred one first; empty: they are not",
			get: func(c Config) string { return strings.Join(c.Push.Channels, ",") },
			set: func(c *Config, v string) error { c.Push.Channels = list(v); return nil }},
		number("messages-per-day", "messages about results and security in a day, at most", func(c *Config) *int { return &c.Push.MessagesPerDay }),
		number("codes-per-day", "login codes by the messaging service in a day, at most", func(c *Config) *int { return &c.Push.CodesPerDay }),
		number("push-per-second", "pushes in a second, of all processes together", func(c *Config) *int { return &c.Push.PerSecond }),
		span("push-ramp", "how long it takes from nothing to that, after a rest", func(c *Config) *time.Duration { return &c.Push.Ramp }),
		span("push-hint-every", "how long at least between two silent hints that a phone has something to fetch; 0: there are none", func(c *Config) *time.Duration { return &c.Push.HintEvery }),
	}
}

func number(flag, help string, at func(*Config) *int) Setting {
	return Setting{Flag: flag, Help: help,
		get: func(c Config) string { return strconv.Itoa(*at(&c)) },
		set: func(c *Config, v string) (err error) { *at(c), err = strconv.Atoi(v); return err }}
}

// validatePush reports every mistake about pushes and messages, and nothing of a secret.
func (c Config) validatePush() (errs []error) {
	check := func(ok bool, text string) {
		if !ok {
			errs = append(errs, errors.New(text))
		}
	}
	p := c.Push
	check(p.FCMCredentials == "" || accountOf(p.FCMCredentials).whole(), "fcm-credentials: not the JSON of a service account with project_id, client_email, private_key and token_uri")
	check(p.FCMEndpoint == "" || urlOK(p.FCMEndpoint), "fcm-endpoint: the value is not an http or https URL without query or user")
	check(p.FCMEndpoint == "" || p.FCMCredentials != "", "fcm-endpoint: there are no fcm-credentials; a fake gives some at /fake/credentials")
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(p.VAPIDKey, "="))
	check(p.VAPIDKey == "" || err == nil && len(raw) == 32, "vapid-key: not a private key, which has 32 bytes in base64url; \"lumbung notify keys\" makes one")
	check((p.VAPIDKey == "") == (p.VAPIDSubject == ""), "vapid-key, vapid-subject: one without the other")
	check(p.VAPIDSubject == "" || matches(`^(mailto:[^@\s]+@[^@\s]+|https://\S+)$`, p.VAPIDSubject), "vapid-subject: neither mailto:ADDRESS nor https://PAGE")
	check(p.WebhookURL == "" || webhookOK(p.WebhookURL), "webhook-url: the value is not an https URL without query or user, or http on this machine")
	check((p.WebhookURL == "") == (p.WebhookSecret == ""), "webhook-url, webhook-secret: one without the other")
	check(p.WebhookSecret == "" || len(p.WebhookSecret) >= 32, "webhook-secret: at least 32 characters are needed")
	check(c.OTPSender != Webhook || p.WebhookURL != "", "otp-sender: webhook without webhook-url")
	check(len(p.Channels) == 0 || p.WebhookURL != "", "message-channels: there is no webhook-url")
	for i, channel := range p.Channels {
		check((channel == "whatsapp" || channel == "sms") && !slices.Contains(p.Channels[:i], channel), "message-channels: not whatsapp, sms or both")
	}
	check(between(p.MessagesPerDay, 1, 1_000_000), "messages-per-day: not within 1 and 1000000")
	check(between(p.CodesPerDay, 1, 1_000_000), "codes-per-day: not within 1 and 1000000")
	check(between(p.PerSecond, 1, 10_000), "push-per-second: not within 1 and 10000")
	check(p.Ramp >= time.Second && p.Ramp <= 10*time.Minute, "push-ramp: not within 1s and 10m")
	check(p.HintEvery == 0 || p.HintEvery >= time.Minute && p.HintEvery <= 24*time.Hour, "push-hint-every: neither 0 nor within 1m and 24h")
	return errs
}

func between(n, from, to int) bool { return n >= from && n <= to }

// account is what of the credentials of a service account is looked at here.
type account struct {
	Project string `json:"project_id"`
	Email   string `json:"client_email"`
	Key     string `json:"private_key"`
	Token   string `json:"token_uri"`
}

func accountOf(text string) (a account) {
	if json.Unmarshal([]byte(text), &a) != nil {
		return account{}
	}
	return a
}

func (a account) whole() bool {
	return a.Project != "" && a.Email != "" && strings.Contains(a.Key, "PRIVATE KEY") && urlOK(a.Token)
}

// webhookOK wants https; in the open only within this machine, to a program beside.
func webhookOK(text string) bool {
	u, err := url.Parse(text)
	if err != nil || !urlOK(text) || u.Hostname() == "" {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// unsafePush is what of pushes is for a workshop alone.
func (c Config) unsafePush() (errs []error) {
	if c.Push.FCMEndpoint != "" {
		errs = append(errs, errors.New("production: fcm-endpoint sends pushes elsewhere than to Google"))
	}
	if a := accountOf(c.Push.FCMCredentials); a.Token != "" && !strings.HasPrefix(a.Token, "https://") {
		errs = append(errs, errors.New("production: the token_uri of fcm-credentials is not https"))
	}
	if c.Push.WebhookURL != "" && !strings.HasPrefix(c.Push.WebhookURL, "https://") {
		errs = append(errs, errors.New("production: webhook-url is not https"))
	}
	return errs
}
