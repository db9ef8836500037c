package notify_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// meanwhile is a store in the middle of whose n-th call something else happens, whole.
type meanwhile struct {
	store.Identity
	at int
	do func()
}

func (m *meanwhile) call() {
	if m.at--; m.at == 0 {
		m.do()
	}
}

func (m *meanwhile) InsertAddress(ctx context.Context, a store.Address) error {
	m.call()
	return m.Identity.InsertAddress(ctx, a)
}

func (m *meanwhile) ReplaceAddress(ctx context.Context, a store.Address) error {
	m.call()
	return m.Identity.ReplaceAddress(ctx, a)
}

func (m *meanwhile) Address(ctx context.Context, key string) (store.Address, error) {
	m.call()
	return m.Identity.Address(ctx, key)
}

func (m *meanwhile) AddressesOf(ctx context.Context, user string) ([]store.Address, error) {
	m.call()
	return m.Identity.AddressesOf(ctx, user)
}

func (m *meanwhile) DropAddress(ctx context.Context, key string, rev int64) error {
	m.call()
	return m.Identity.DropAddress(ctx, key, rev)
}

func (m *meanwhile) Session(ctx context.Context, id string) (store.Session, error) {
	m.call()
	return m.Identity.Session(ctx, id)
}

func (m *meanwhile) SessionsOf(ctx context.Context, user string) ([]store.Session, error) {
	m.call()
	return m.Identity.SessionsOf(ctx, user)
}

func (m *meanwhile) ReplaceSession(ctx context.Context, s store.Session) error {
	m.call()
	return m.Identity.ReplaceSession(ctx, s)
}

// TestAnAddressEndsWithItsSession: named in the middle of a logout, or logged out in the middle
// of a naming, at whichever call of the store.
func TestAnAddressEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{false, true} { // before all of it, too
		for _, again := range []bool{false, true} { // there is another login on the phone
			for n := 1; n <= 16; n++ {
				for _, outer := range []string{"naming", "ending"} {
					at := clock.At(noon())
					db := &storefault.MemoryIdentity{}
					people := &auth.Service{Store: db, Clock: at, Rand: rand.Reader, Limits: auth.DefaultLimits(), Pepper: []byte(strings.Repeat("p", 32)), Log: slog.New(slog.DiscardHandler)}
					push := &notify.Service{Store: db, Clock: at, Rand: rand.Reader, Log: people.Log, Limits: notify.DefaultLimits(), Senders: map[string]notify.Sender{"fcm": notify.LogSender{Log: people.Log}}, Still: people.LoggedInOn}
					people.OnEnd = push.Leave
					for _, id := range []string{"s1", "s2"} {
						if id == "s1" || again {
							fits(t, db.InsertSession(t.Context(), store.Session{ID: id, User: "siti", Device: "d", Created: noon(), Used: noon(), Idle: auth.DefaultLimits().Access, Ends: noon().AddDate(0, 1, 0)}))
						}
					}
					naming := func() error {
						_, err := push.Register(t.Context(), "siti", "d", notify.Named{Provider: "fcm", Kind: "token", Value: "one"})
						return err
					}
					ending := func() { fits(t, people.RevokeSession(t.Context(), "siti", "s1", "logout")) }
					if named {
						fits(t, naming())
					}
					var refused error
					m := &meanwhile{Identity: db, at: n}
					if outer == "naming" {
						push.Store = m
						m.do = func() { push.Store = db; ending(); push.Store = m }
						refused = naming()
						if m.at > 0 { // it has fewer calls
							ending()
						}
					} else {
						people.Store, push.Store = m, m
						m.do = func() { push.Store = db; refused = naming(); push.Store = m }
						ending()
					}
					all, err := db.AddressesOf(t.Context(), "siti")
					fits(t, err)
					if len(all) > 0 && !again || refused != nil && fault.CodeOf(refused) != "session_revoked" {
						t.Errorf("named before %t, another login %t, %s around call %d: %d addresses, %v", named, again, outer, n, len(all), refused)
					}
				}
			}
		}
	}
}

func fits(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
