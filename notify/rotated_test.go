package notify_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
)

// stores are the stores on which it is tried what becomes of a push whose address changes.
func stores() map[string]func(*bell) store.Pushes {
	all := map[string]func(*bell) store.Pushes{
		"in memory": func(*bell) store.Pushes { return &storefault.MemoryIdentity{} },
		"in SQLite": func(b *bell) store.Pushes {
			db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "lumbung.db"), sqlite.Options{})
			b.ok(err)
			b.Cleanup(func() { b.ok(db.Close()) })
			return db.Identity()
		},
	}
	if mongotest.Asked() {
		all["in MongoDB"] = func(b *bell) store.Pushes {
			db, err := mongo.Open(b.Context(), mongotest.Address(b.T), mongo.Options{})
			b.ok(err)
			b.Cleanup(func() { b.ok(db.Close()) })
			return db.Identity()
		}
	}
	return all
}

// names has the app on a device name a token, a little later.
func (b *bell) names(user, device, token string) {
	b.Helper()
	b.clock.Advance(time.Second)
	_, err := b.Register(b.Context(), user, device, notify.Named{Provider: "fcm", Kind: "token", Value: token})
	b.ok(err)
}

// rang wants which addresses rang for which items, in order.
func (b *bell) rang(what string, want ...string) {
	b.Helper()
	var got []string
	for _, s := range b.got {
		for _, i := range s.push.Items {
			got = append(got, s.to+" "+i)
		}
	}
	if !slices.Equal(got, want) {
		b.Errorf("%s: rang %v, want %v", what, got, want)
	}
}

// overtaken is a provider at which the old token of a phone is gone at the moment at which
// its app names another one.
type overtaken struct{ *bell }

func (o overtaken) Send(ctx context.Context, to store.Address, p notify.Push) error {
	if to.Value == "one" {
		o.names("u1", "d", "two")
		return &notify.Failure{Class: notify.Gone, Code: "unregistered"}
	}
	return o.bell.Send(ctx, to, p)
}

// TestAPushFollowsItsPhone: what was planned for a token that its app has replaced meanwhile
// rings at the one that it has by now, once; and nowhere where the phone is another one, or
// another person's.
func TestAPushFollowsItsPhone(t *testing.T) {
	t.Parallel()
	unregistered := &notify.Failure{Class: notify.Gone, Code: "unregistered"}
	for _, tt := range []struct {
		name string
		kind string
		do   func(b *bell)
		want []string
	}{
		{"over the night", domain.NoticeTaskReturned, func(b *bell) { b.names("u1", "d", "two") }, []string{"two i1"}},
		{"twice over the night", domain.NoticeTaskReturned, func(b *bell) { b.names("u1", "d", "two"); b.names("u1", "d", "three") }, []string{"three i1"}},
		{"and planned again", domain.NoticeTaskReturned, func(b *bell) { b.names("u1", "d", "two"); b.ok(b.Ring(b.Context(), "u1", "i1")) }, []string{"two i1"}},
		{"together with what comes behind", domain.NoticeTaskSubmitted, func(b *bell) { b.names("u1", "d", "two"); b.item("u1", "i2", domain.NoticeTaskSubmitted, "") }, []string{"two i1", "two i2"}},
		{"behind the provider's word for another push", domain.NoticeTaskReturned, func(b *bell) {
			b.fails = []error{unregistered}
			b.item("u1", "now", domain.NoticeNewPhone, "")
			b.rounds(time.Minute, time.Second)
			b.names("u1", "d", "two")
		}, []string{"two i1"}},
		{"at the moment of the provider's word", domain.NoticeTaskReturned, func(b *bell) { b.Senders["fcm"] = overtaken{b} }, []string{"two i1"}},
		{"a try that failed", domain.NoticeNewPhone, func(b *bell) {
			b.fails = []error{&notify.Failure{Class: notify.Later, Code: "unavailable", RetryAfter: time.Hour}}
			b.rounds(time.Minute, time.Second)
			b.names("u1", "d", "two")
		}, []string{"two i1"}},
		{"on another phone of theirs", domain.NoticeTaskReturned, func(b *bell) { b.ok(b.Leave(b.Context(), "u1", "d")); b.names("u1", "e", "two") }, nil},
		{"logged in anew on the same phone", domain.NoticeTaskReturned, func(b *bell) { b.names("u1", "e", "one") }, []string{"one i1"}},
		{"the phone is another person's", domain.NoticeTaskReturned, func(b *bell) { b.names("u2", "d2", "one") }, nil},
		{"and so is the token that took its place", domain.NoticeTaskReturned, func(b *bell) { b.names("u1", "d", "two"); b.names("u2", "d2", "two") }, nil},
		{"their own device has another one since", domain.NoticeTaskReturned, func(b *bell) { b.names("u2", "d2", "one"); b.names("u1", "d", "two") }, []string{"two i1"}},
	} {
		for where, open := range stores() {
			b := set(t)
			b.Store = open(b)
			b.at(domain.WIB, 14, 22, 0)
			b.names("u1", "d", "one")
			b.item("u1", "i1", tt.kind, "")
			tt.do(b)
			b.workers(2, 24*time.Hour, 5*time.Minute)
			b.rang(tt.name+" "+where, tt.want...)
		}
	}
}

// workers lets time go by while several processes send at once.
func (b *bell) workers(n int, d, step time.Duration) {
	b.Helper()
	all := []*notify.Service{b.Service}
	for range n - 1 {
		all = append(all, &notify.Service{Store: b.Store, Inbox: b, Clock: b.clock, Rand: rand.Reader, Log: b.Log, Limits: b.Limits, Senders: b.Senders})
	}
	for end := b.clock.Now().Add(d); b.clock.Now().Before(end); b.clock.Advance(step) {
		var under sync.WaitGroup
		for _, s := range all {
			under.Go(func() {
				if _, err := s.Round(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		under.Wait()
	}
}

// TestAHintFollowsItsPhone, and is the same one at its new address.
func TestAHintFollowsItsPhone(t *testing.T) {
	t.Parallel()
	b := set(t)
	b.names("u1", "d", "one")
	h := &notify.Hints{Push: b.Service, Every: 15 * time.Minute, Log: b.Log}
	hint := func() {
		h.Moved([]string{"u1"}, nil)
		b.ok(h.Flush(t.Context()))
	}
	hint()
	b.names("u1", "d", "two")
	hint()
	b.rounds(10*time.Minute, time.Second)
	if len(b.got) != 1 || b.got[0].to != "two" {
		t.Errorf("%+v", b.got)
	}
}

// TestALetterIsWrittenBehindTheLastAddress of a phone, also where that is not the one that
// the push was planned for.
func TestALetterIsWrittenBehindTheLastAddress(t *testing.T) {
	t.Parallel()
	b, p, _ := written(t, 10)
	b.prefs["results_whatsapp"] = "true"
	b.at(domain.WIB, 14, 22, 0)
	b.names("siti", "d", "one")
	b.item("siti", "i1", domain.NoticeResults, `{"programme":"p"}`)
	b.names("siti", "d", "two")
	b.fails = []error{&notify.Failure{Class: notify.Gone, Code: "unregistered"}}
	b.rounds(24*time.Hour, 5*time.Minute)
	if got := p.sent(); len(got) != 1 || len(b.got) != 0 {
		t.Errorf("written %v, rung %v", got, b.got)
	}
}
