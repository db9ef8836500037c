package play

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// fcmProvider is the provider of the addresses of phones in the stories.
const fcmProvider = "fcm"

// delivery is a message as a phone got it.
type delivery = fcmfake.Delivery

// Rings names the phone's push address to the server, as an app does after every login and
// once a month. The first time the push service gives it one. In a world without a push
// service it does nothing.
func (p *Phone) Rings(ctx context.Context) error {
	if p.w.o.Google == nil {
		return nil
	}
	if p.Bell == nil {
		p.Bell = p.w.o.Google.NewPhone()
	}
	return p.Send(ctx, http.MethodPut, "/v1/me/devices/"+p.Me().Device+"/push", "", map[string]any{"provider": fcmProvider, "kind": "token", "value": p.Bell.Address(), "locale": "id"}, nil)
}

// Rang are the messages about notices of a type that the phone got so far.
func (p *Phone) Rang(kind string) []delivery {
	if p.Bell == nil {
		return nil
	}
	return slices.DeleteFunc(p.Bell.Seen(), func(d delivery) bool { return d.Content.Data["type"] != kind })
}

// Dispatcher is one more process that sends what is due, with its own view of the queue.
func (w *World) Dispatcher(view store.Pushes) *notify.Service {
	p := w.App.Push
	return &notify.Service{Store: view, Inbox: p.Inbox, Senders: p.Senders, Letters: p.Letters, Clock: p.Clock, Rand: rand.Reader, Log: p.Log, Limits: p.Limits}
}

// Sends lets time pass up to an instant, while the server and one more process send what is
// due: both look at the queue at every step of the clock.
func (w *World) Sends(ctx context.Context, until time.Time, step time.Duration) error {
	second := w.Dispatcher(w.App.Push.Store)
	for w.Clock.Now().Before(until) {
		if err := Rounds(ctx, w.App.Push, second); err != nil {
			return err
		}
		w.Clock.Advance(step)
	}
	return nil
}

// Rounds has several processes send at the same time.
func Rounds(ctx context.Context, all ...*notify.Service) error {
	errs := make([]error, len(all))
	var both sync.WaitGroup
	for i, s := range all {
		both.Go(func() { _, errs[i] = s.Round(ctx) })
	}
	both.Wait()
	return errors.Join(errs...)
}

// Post is a messaging service for WhatsApp that keeps what it should have sent. It is safe
// for concurrent use.
type Post struct {
	mu  sync.Mutex
	got []notify.Message
}

// Send keeps the promise of notify.Messenger.
func (p *Post) Send(_ context.Context, m notify.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, m)
	return nil
}

// Sent are the messages so far.
func (p *Post) Sent() []notify.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

// asksForMessages keeps on a phone that its owner wants to hear of results by WhatsApp, and
// agrees to it.
func (p *Phone) asksForMessages() error {
	user := p.Me().User
	scope := merge.UserScope(user)
	if err := p.change(scope, "preference", domain.PreferenceID(user), fields{"results_whatsapp": true}); err != nil {
		return err
	}
	_, err := p.create(scope, "consent", fields{"user_id": user, "purpose": "notification_whatsapp", "granted": true, "text_version": "2022-01-01"})
	return err
}
