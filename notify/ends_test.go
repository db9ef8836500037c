package notify_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
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

func (m *meanwhile) User(ctx context.Context, id string) (store.User, error) {
	m.call()
	return m.Identity.User(ctx, id)
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
					fits(t, db.InsertUser(t.Context(), store.User{ID: "siti", Phone: "+628117000123", Status: store.UserActive}))
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

// TestASessionThatRanOutIsSilent but for results and for who gets at what: nobody has logged out, and the
// address is there. Roles that its person was given since the login count, as for a refresh. Behind a new login the phone rings again.
func TestASessionThatRanOutIsSilent(t *testing.T) {
	t.Parallel()
	const idle, life = 12 * time.Hour, 7 * 24 * time.Hour
	owner := auth.DefaultLimits().Owner
	for _, tt := range []struct {
		name  string
		used  time.Duration // how long ago the session was
		made  time.Duration
		again bool // somebody logged in on the phone since
		kind  string
		rings bool
		login auth.Span // by which it began; as of an admin if it does not say
	}{
		{"in use", 0, time.Hour, false, domain.NoticeTaskReturned, true, auth.Span{}},
		{"a minute is left", idle - time.Minute, idle, false, domain.NoticeTaskReturned, true, auth.Span{}},
		{"left alone too long", idle, idle, false, domain.NoticeTaskReturned, false, auth.Span{}},
		{"an announcement", idle, idle, false, domain.NoticeAnnouncement, false, auth.Span{}},
		{"results", idle, idle, false, domain.NoticeResults, true, auth.Span{}},
		{"a new phone", idle, idle, false, domain.NoticeNewPhone, true, auth.Span{}},
		{"in use for too long", 0, life, false, domain.NoticeTaskReturned, false, auth.Span{}},
		{"of an owner who became an admin", idle, idle, false, domain.NoticeTaskReturned, false, owner},
		{"of an owner who became an admin, for too long", 0, life, false, domain.NoticeTaskReturned, false, owner},
		{"of an owner who became an admin, in use", 0, idle, false, domain.NoticeTaskReturned, true, owner},
		{"of an owner who became an admin, a hint", idle, idle, false, notify.TypeHint, false, owner},
		{"with another login", idle, idle, true, domain.NoticeTaskReturned, true, auth.Span{}},
		{"the hint that there is something", idle, idle, false, notify.TypeHint, false, auth.Span{}},
		{"that hint, in use", 0, time.Hour, false, notify.TypeHint, true, auth.Span{}},
	} {
		b := set(t)
		db := b.Store.(store.Identity)
		people := &auth.Service{Store: db, Clock: b.clock, Rand: rand.Reader, Limits: auth.DefaultLimits(), Pepper: []byte(strings.Repeat("p", 32)), Log: b.Log}
		device := b.phone("siti", "one").Device
		b.Still = people.LoggedInOn
		fits(t, db.InsertUser(t.Context(), store.User{ID: "siti", Phone: "+628117000123", Status: store.UserActive, Roles: []string{auth.RoleAdmin}}))
		now := b.clock.Now()
		login := auth.Span{Idle: cmp.Or(tt.login.Idle, idle), Absolute: cmp.Or(tt.login.Absolute, life)}
		fits(t, db.InsertSession(t.Context(), store.Session{ID: "s1", User: "siti", Device: device, Created: now.Add(-tt.made), Used: now.Add(-tt.used), Idle: login.Idle, Ends: now.Add(login.Absolute - tt.made)}))
		fits(t, db.InsertSession(t.Context(), store.Session{ID: "s2", User: "siti", Device: "another", Created: now, Used: now, Idle: idle, Ends: now.Add(life)}))
		if tt.again {
			fits(t, db.InsertSession(t.Context(), store.Session{ID: "s3", User: "siti", Device: device, Created: now, Used: now, Idle: idle, Ends: now.Add(life)}))
		}
		if tt.kind == notify.TypeHint {
			h := &notify.Hints{Push: b.Service, Every: 15 * time.Minute, Log: b.Log}
			h.Moved([]string{"siti"}, nil)
			fits(t, h.Flush(t.Context()))
		} else {
			b.item("siti", "i1", tt.kind, `{"programme":"p"}`)
		}
		got, closed := b.rounds(30*time.Second, time.Second), b.states("")
		if (len(got) == 1) != tt.rings || closed[store.DeliverySuppressed] == 1 == tt.rings {
			t.Errorf("%s: rang %d times, %v", tt.name, len(got), closed)
		}
	}
}

func fits(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
