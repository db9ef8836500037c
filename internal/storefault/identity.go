// Package storefault holds poor and failing stores: what only lives in memory,
// what offers no more than it is asked for, what breaks on command.
package storefault

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// MemoryIdentity is a store.Identity in memory, for the simulator and for
// tests. It keeps every promise but the one about power loss. It is safe for
// concurrent use and its zero value is empty and ready.
type MemoryIdentity struct {
	mu           sync.Mutex
	users        table[store.User]
	phones       map[string]string // phone to user id
	credentials  table[store.Credential]
	challenges   table[store.Challenge]
	tallies      table[store.Tally]
	totals       map[string]total
	sessions     table[store.Session]
	devices      table[store.Device]
	incarnations table[store.Incarnation]
	contacts     map[string]store.Contact
	keys         table[store.SigningKey]
	replies      table[store.Reply]
	addresses    table[store.Address]
	deliveries   table[store.Delivery]
}

type total struct {
	n       int64
	expires time.Time
}

// table is one kind of record by its key.
type table[T any] map[string]T

func (t *table[T]) insert(key string, v T) error {
	if _, taken := (*t)[key]; taken {
		return store.ErrTaken
	}
	if *t == nil {
		*t = table[T]{}
	}
	(*t)[key] = v
	return nil
}

func (t table[T]) replace(key string, stored func(T) int64, rev int64, v T) error {
	if old, ok := t[key]; !ok || stored(old) != rev {
		return store.ErrStale
	}
	t[key] = v
	return nil
}

func (t table[T]) read(key string) (T, error) {
	v, ok := t[key]
	if !ok {
		return v, store.ErrAbsent
	}
	return v, nil
}

// find gives the rows that pass, in the order of less.
func (t table[T]) find(pass func(T) bool, less func(a, b T) int) []T {
	var out []T
	for _, v := range t {
		if pass(v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, less)
	return out
}

// InsertUser keeps the promise of store.Users.
func (m *MemoryIdentity) InsertUser(_ context.Context, u store.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.phones[u.Phone]; taken {
		return store.ErrTaken
	}
	u.Rev, u.Roles, u.Regions = 1, slices.Clone(u.Roles), slices.Clone(u.Regions)
	if err := m.users.insert(u.ID, u); err != nil {
		return err
	}
	m.call(u.Phone, u.ID)
	return nil
}

// call notes whose phone it is; the lock is held.
func (m *MemoryIdentity) call(phone, user string) {
	if phone == "" {
		return
	}
	if m.phones == nil {
		m.phones = map[string]string{}
	}
	m.phones[phone] = user
}

// ReplaceUser keeps the promise of store.Users.
func (m *MemoryIdentity) ReplaceUser(_ context.Context, u store.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.users[u.ID]
	if old.Rev != u.Rev {
		return store.ErrStale
	}
	if owner, taken := m.phones[u.Phone]; taken && owner != u.ID {
		return store.ErrTaken
	}
	rev := u.Rev
	u.Rev, u.Roles, u.Regions = rev+1, slices.Clone(u.Roles), slices.Clone(u.Regions)
	if err := m.users.replace(u.ID, func(u store.User) int64 { return u.Rev }, rev, u); err != nil {
		return err
	}
	delete(m.phones, old.Phone)
	m.call(u.Phone, u.ID)
	return nil
}

// User keeps the promise of store.Users.
func (m *MemoryIdentity) User(_ context.Context, id string) (store.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.users.read(id)
	u.Roles, u.Regions = slices.Clone(u.Roles), slices.Clone(u.Regions)
	return u, err
}

// UserByPhone keeps the promise of store.Users.
func (m *MemoryIdentity) UserByPhone(_ context.Context, phone string) (store.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.users.read(m.phones[phone])
	u.Roles, u.Regions = slices.Clone(u.Roles), slices.Clone(u.Regions)
	return u, err
}

// UsersChanged keeps the promise of store.Users.
func (m *MemoryIdentity) UsersChanged(_ context.Context, since time.Time) ([]store.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users.find(func(u store.User) bool { return !u.Changed.Before(since) },
		func(a, b store.User) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// UsersAfter keeps the promise of store.Users.
func (m *MemoryIdentity) UsersAfter(_ context.Context, id string, limit int) ([]store.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.users.find(func(u store.User) bool { return u.ID > id }, func(a, b store.User) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(max(limit, 0), len(all))], nil
}

// InsertChallenge keeps the promise of store.Challenges.
func (m *MemoryIdentity) InsertChallenge(_ context.Context, c store.Challenge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c.Rev = 1
	return m.challenges.insert(c.ID, c)
}

// ReplaceChallenge keeps the promise of store.Challenges.
func (m *MemoryIdentity) ReplaceChallenge(_ context.Context, c store.Challenge) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := c.Rev
	c.Rev++
	return m.challenges.replace(c.ID, func(c store.Challenge) int64 { return c.Rev }, rev, c)
}

// Challenge keeps the promise of store.Challenges.
func (m *MemoryIdentity) Challenge(_ context.Context, id string) (store.Challenge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.challenges.read(id)
}

// LatestChallenge keeps the promise of store.Challenges.
func (m *MemoryIdentity) LatestChallenge(_ context.Context, phone, purpose, install string) (store.Challenge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.challenges.find(func(c store.Challenge) bool {
		return c.Phone == phone && c.Purpose == purpose && c.Install == install
	}, func(a, b store.Challenge) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	if len(all) == 0 {
		return store.Challenge{}, store.ErrAbsent
	}
	return all[0], nil
}

// Unsent keeps the promise of store.Challenges.
func (m *MemoryIdentity) Unsent(_ context.Context, now time.Time, limit int) ([]store.Challenge, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	due := m.challenges.find(func(c store.Challenge) bool {
		return len(c.Sealed) > 0 && c.Expires.After(now) && !c.Leased.After(now)
	}, func(a, b store.Challenge) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return due[:min(limit, len(due))], nil
}

// InsertTally keeps the promise of store.Budgets.
func (m *MemoryIdentity) InsertTally(_ context.Context, t store.Tally) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.Rev, t.Marks = 1, slices.Clone(t.Marks)
	return m.tallies.insert(t.Key, t)
}

// ReplaceTally keeps the promise of store.Budgets.
func (m *MemoryIdentity) ReplaceTally(_ context.Context, t store.Tally) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := t.Rev
	t.Rev, t.Marks = rev+1, slices.Clone(t.Marks)
	return m.tallies.replace(t.Key, func(t store.Tally) int64 { return t.Rev }, rev, t)
}

// Tally keeps the promise of store.Budgets.
func (m *MemoryIdentity) Tally(_ context.Context, key string) (store.Tally, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, err := m.tallies.read(key)
	t.Marks = slices.Clone(t.Marks)
	return t, err
}

// Add keeps the promise of store.Budgets.
func (m *MemoryIdentity) Add(_ context.Context, key string, n int64, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.totals == nil {
		m.totals = map[string]total{}
	}
	m.totals[key] = total{n: m.totals[key].n + n, expires: expires}
	return nil
}

// Totals keeps the promise of store.Budgets.
func (m *MemoryIdentity) Totals(_ context.Context, keys []string) ([]int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]int64, len(keys))
	for i, k := range keys {
		out[i] = m.totals[k].n
	}
	return out, nil
}

// InsertSession keeps the promise of store.Sessions.
func (m *MemoryIdentity) InsertSession(_ context.Context, s store.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Rev = 1
	return m.sessions.insert(s.ID, s)
}

// ReplaceSession keeps the promise of store.Sessions.
func (m *MemoryIdentity) ReplaceSession(_ context.Context, s store.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := s.Rev
	s.Rev++
	return m.sessions.replace(s.ID, func(s store.Session) int64 { return s.Rev }, rev, s)
}

// Session keeps the promise of store.Sessions.
func (m *MemoryIdentity) Session(_ context.Context, id string) (store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions.read(id)
}

// SessionsOf keeps the promise of store.Sessions.
func (m *MemoryIdentity) SessionsOf(_ context.Context, user string) ([]store.Session, error) {
	return m.findSessions(func(s store.Session) bool { return s.User == user })
}

// SessionsRevoked keeps the promise of store.Sessions.
func (m *MemoryIdentity) SessionsRevoked(_ context.Context, since time.Time) ([]store.Session, error) {
	return m.findSessions(func(s store.Session) bool { return !s.Revoked.IsZero() && !s.Revoked.Before(since) })
}

func (m *MemoryIdentity) findSessions(pass func(store.Session) bool) ([]store.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions.find(pass, func(a, b store.Session) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	}), nil
}

// InsertDevice keeps the promise of store.Devices.
func (m *MemoryIdentity) InsertDevice(_ context.Context, d store.Device) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d.Rev = 1
	return m.devices.insert(d.ID, d)
}

// ReplaceDevice keeps the promise of store.Devices.
func (m *MemoryIdentity) ReplaceDevice(_ context.Context, d store.Device) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := d.Rev
	d.Rev++
	return m.devices.replace(d.ID, func(d store.Device) int64 { return d.Rev }, rev, d)
}

// Device keeps the promise of store.Devices.
func (m *MemoryIdentity) Device(_ context.Context, id string) (store.Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.devices.read(id)
}

// DevicesOf keeps the promise of store.Devices.
func (m *MemoryIdentity) DevicesOf(_ context.Context, user string) ([]store.Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.devices.find(func(d store.Device) bool { return d.User == user }, func(a, b store.Device) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	}), nil
}

// InsertIncarnation keeps the promise of store.Devices.
func (m *MemoryIdentity) InsertIncarnation(_ context.Context, i store.Incarnation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.incarnations.insert(i.Name, i)
}

// Incarnation keeps the promise of store.Devices.
func (m *MemoryIdentity) Incarnation(_ context.Context, name string) (store.Incarnation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.incarnations.read(name)
}

// SaveContacts keeps the promise of store.Devices.
func (m *MemoryIdentity) SaveContacts(_ context.Context, contacts []store.Contact) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.contacts == nil {
		m.contacts = map[string]store.Contact{}
	}
	for _, c := range contacts {
		if old, ok := m.contacts[c.Device]; !ok || c.At.After(old.At) {
			m.contacts[c.Device] = c
		}
	}
	return nil
}

// Contacts keeps the promise of store.Devices.
func (m *MemoryIdentity) Contacts(_ context.Context, devices []string) ([]store.Contact, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []store.Contact
	for _, d := range devices {
		if c, ok := m.contacts[d]; ok {
			out = append(out, c)
		}
	}
	return out, nil
}

// InsertSigningKey keeps the promise of store.SigningKeys.
func (m *MemoryIdentity) InsertSigningKey(_ context.Context, k store.SigningKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.keys {
		if other.Number == k.Number {
			return store.ErrTaken
		}
	}
	k.Rev = 1
	return m.keys.insert(k.KID, k)
}

// ReplaceSigningKey keeps the promise of store.SigningKeys.
func (m *MemoryIdentity) ReplaceSigningKey(_ context.Context, k store.SigningKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := k.Rev
	k.Rev++
	return m.keys.replace(k.KID, func(k store.SigningKey) int64 { return k.Rev }, rev, k)
}

// SigningKeys keeps the promise of store.SigningKeys.
func (m *MemoryIdentity) SigningKeys(_ context.Context) ([]store.SigningKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys.find(func(store.SigningKey) bool { return true },
		func(a, b store.SigningKey) int { return cmp.Compare(a.Number, b.Number) }), nil
}

// DropSigningKey keeps the promise of store.SigningKeys.
func (m *MemoryIdentity) DropSigningKey(_ context.Context, kid string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.keys, kid)
	return nil
}

// InsertCredential keeps the promise of store.Credentials.
func (m *MemoryIdentity) InsertCredential(_ context.Context, c store.Credential) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c = ownCredential(c)
	c.Rev = 1
	return m.credentials.insert(c.User, c)
}

// ReplaceCredential keeps the promise of store.Credentials.
func (m *MemoryIdentity) ReplaceCredential(_ context.Context, c store.Credential) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := c.Rev
	c = ownCredential(c)
	c.Rev++
	return m.credentials.replace(c.User, func(c store.Credential) int64 { return c.Rev }, rev, c)
}

// Credential keeps the promise of store.Credentials.
func (m *MemoryIdentity) Credential(_ context.Context, user string) (store.Credential, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.credentials.read(user)
	return ownCredential(c), err
}

// ownCredential gives c without memory shared with the caller.
func ownCredential(c store.Credential) store.Credential {
	c.Secret, c.Setup, c.Recovery = bytes.Clone(c.Secret), bytes.Clone(c.Setup), slices.Clone(c.Recovery)
	return c
}

// InsertReply keeps the promise of store.Replies.
func (m *MemoryIdentity) InsertReply(_ context.Context, r store.Reply) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r = ownReply(r)
	r.Rev = 1
	return m.replies.insert(r.Key, r)
}

// ReplaceReply keeps the promise of store.Replies.
func (m *MemoryIdentity) ReplaceReply(_ context.Context, r store.Reply) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rev := r.Rev
	r = ownReply(r)
	r.Rev++
	return m.replies.replace(r.Key, func(r store.Reply) int64 { return r.Rev }, rev, r)
}

// ownReply gives r without memory shared with the caller, who may reuse it.
func ownReply(r store.Reply) store.Reply {
	r.BodyHash, r.Body, r.Header = bytes.Clone(r.BodyHash), bytes.Clone(r.Body), maps.Clone(r.Header)
	return r
}

// Reply keeps the promise of store.Replies.
func (m *MemoryIdentity) Reply(_ context.Context, key string) (store.Reply, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.replies.read(key)
}

// DropReply keeps the promise of store.Replies.
func (m *MemoryIdentity) DropReply(_ context.Context, key string, rev int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.replies[key].Rev == rev {
		delete(m.replies, key)
	}
	return nil
}

// Sweep keeps the promise of store.Identity.
func (m *MemoryIdentity) Sweep(_ context.Context, before time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.challenges) + len(m.tallies) + len(m.totals) + len(m.replies) + len(m.addresses) + len(m.deliveries)
	maps.DeleteFunc(m.challenges, func(_ string, c store.Challenge) bool { return c.Expires.Before(before) })
	maps.DeleteFunc(m.tallies, func(_ string, t store.Tally) bool { return t.Expires.Before(before) })
	maps.DeleteFunc(m.totals, func(_ string, t total) bool { return t.expires.Before(before) })
	maps.DeleteFunc(m.replies, func(_ string, r store.Reply) bool { return r.Expires.Before(before) })
	maps.DeleteFunc(m.addresses, func(_ string, a store.Address) bool { return !a.Keep.IsZero() && a.Keep.Before(before) })
	maps.DeleteFunc(m.deliveries, func(_ string, d store.Delivery) bool { return !d.Keep.IsZero() && d.Keep.Before(before) })
	return n - len(m.challenges) - len(m.tallies) - len(m.totals) - len(m.replies) - len(m.addresses) - len(m.deliveries), nil
}
