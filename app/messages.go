package app

import (
	"context"
	"time"

	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webhook"
	"github.com/lumbung-ikm/lumbung/store"
)

// Purses from which messages are paid.
const (
	pursesCodes   = "codes"
	pursesNotices = "notices"
)

// messages sets up what goes through the messaging service: login codes, and notices for
// people whose phones cannot be rung. Each has a purse of its own, so that neither empties
// that of the other.
func (a *App) messages(cfg config.Config, o *Options, counters store.Counters) *notify.Letters {
	if o.Messenger == nil && cfg.Push.WebhookURL != "" {
		o.Messenger = webhook.New(webhook.Options{URL: cfg.Push.WebhookURL, Secret: cfg.Push.WebhookSecret, Clock: o.Clock})
	}
	if o.Messenger == nil {
		return nil
	}
	purse := func(name string, perDay int) *notify.Purse {
		return &notify.Purse{Name: name, PerDay: perDay, Counters: counters, Clock: o.Clock, Log: o.Log}
	}
	if o.Sender == nil && cfg.OTPSender == config.Webhook {
		p := purse(pursesCodes, cfg.Push.CodesPerDay)
		o.Sender = webhook.Codes{Messenger: notify.Paid{Messenger: o.Messenger, Purse: p}, Tally: a.metrics, Clock: o.Clock, Locale: a.localeOf}
		a.purses = append(a.purses, p)
	}
	if len(cfg.Push.Channels) == 0 {
		return nil
	}
	p := purse(pursesNotices, cfg.Push.MessagesPerDay)
	a.purses = append(a.purses, p)
	return &notify.Letters{Messenger: notify.Paid{Messenger: o.Messenger, Purse: p}, Channels: cfg.Push.Channels, People: a.Programme}
}

// localeOf is the language that somebody with a number has chosen; "" where nobody has it or none
// was chosen, or where the database does not answer: no code waits for that.
func (a *App) localeOf(ctx context.Context, phone domain.Phone) string {
	u, err := a.Auth.Store.UserByPhone(ctx, string(phone))
	if err != nil {
		return ""
	}
	c, err := a.Programme.Contact(ctx, u.ID)
	if err != nil {
		return ""
	}
	return c.Locale
}

// pushLimits are the bounds of sending, as the configuration has them.
func pushLimits(p config.Push) notify.Limits {
	l := notify.DefaultLimits()
	if p.PerSecond > 0 {
		l.PerSecond, l.Ramp = p.PerSecond, max(p.Ramp, time.Second)
	}
	return l
}
