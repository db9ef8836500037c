package around

import (
	"context"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// Identity is Store for users, sessions and what belongs to them.
func Identity(s store.Identity, hook Hook) store.Identity { return people{s, hook} }

type people struct {
	in   store.Identity
	hook Hook
}

// InsertUser keeps the promise of store.Users.
func (w people) InsertUser(ctx context.Context, u store.User) error {
	return w.hook(ctx, Write("InsertUser"), func(ctx context.Context) error { return w.in.InsertUser(ctx, u) })
}

// ReplaceUser keeps the promise of store.Users.
func (w people) ReplaceUser(ctx context.Context, u store.User) error {
	return w.hook(ctx, Write("ReplaceUser"), func(ctx context.Context) error { return w.in.ReplaceUser(ctx, u) })
}

// User keeps the promise of store.Users.
func (w people) User(ctx context.Context, id string) (store.User, error) {
	return give(ctx, w.hook, Read("User"), func(ctx context.Context) (store.User, error) { return w.in.User(ctx, id) })
}

// UserByPhone keeps the promise of store.Users.
func (w people) UserByPhone(ctx context.Context, phone string) (store.User, error) {
	return give(ctx, w.hook, Read("UserByPhone"), func(ctx context.Context) (store.User, error) { return w.in.UserByPhone(ctx, phone) })
}

// UsersChanged keeps the promise of store.Users.
func (w people) UsersChanged(ctx context.Context, since time.Time) ([]store.User, error) {
	return give(ctx, w.hook, Read("UsersChanged"), func(ctx context.Context) ([]store.User, error) { return w.in.UsersChanged(ctx, since) })
}

// UsersAfter keeps the promise of store.Users.
func (w people) UsersAfter(ctx context.Context, id string, limit int) ([]store.User, error) {
	return give(ctx, w.hook, Read("UsersAfter"), func(ctx context.Context) ([]store.User, error) { return w.in.UsersAfter(ctx, id, limit) })
}

// InsertCredential keeps the promise of store.Credentials.
func (w people) InsertCredential(ctx context.Context, c store.Credential) error {
	return w.hook(ctx, Write("InsertCredential"), func(ctx context.Context) error { return w.in.InsertCredential(ctx, c) })
}

// ReplaceCredential keeps the promise of store.Credentials.
func (w people) ReplaceCredential(ctx context.Context, c store.Credential) error {
	return w.hook(ctx, Write("ReplaceCredential"), func(ctx context.Context) error { return w.in.ReplaceCredential(ctx, c) })
}

// Credential keeps the promise of store.Credentials.
func (w people) Credential(ctx context.Context, user string) (store.Credential, error) {
	return give(ctx, w.hook, Read("Credential"), func(ctx context.Context) (store.Credential, error) { return w.in.Credential(ctx, user) })
}

// InsertChallenge keeps the promise of store.Challenges.
func (w people) InsertChallenge(ctx context.Context, c store.Challenge) error {
	return w.hook(ctx, Write("InsertChallenge"), func(ctx context.Context) error { return w.in.InsertChallenge(ctx, c) })
}

// ReplaceChallenge keeps the promise of store.Challenges.
func (w people) ReplaceChallenge(ctx context.Context, c store.Challenge) error {
	return w.hook(ctx, Write("ReplaceChallenge"), func(ctx context.Context) error { return w.in.ReplaceChallenge(ctx, c) })
}

// Challenge keeps the promise of store.Challenges.
func (w people) Challenge(ctx context.Context, id string) (store.Challenge, error) {
	return give(ctx, w.hook, Read("Challenge"), func(ctx context.Context) (store.Challenge, error) { return w.in.Challenge(ctx, id) })
}

// LatestChallenge keeps the promise of store.Challenges.
func (w people) LatestChallenge(ctx context.Context, phone, purpose, install string) (store.Challenge, error) {
	return give(ctx, w.hook, Read("LatestChallenge"), func(ctx context.Context) (store.Challenge, error) {
		return w.in.LatestChallenge(ctx, phone, purpose, install)
	})
}

// Unsent keeps the promise of store.Challenges.
func (w people) Unsent(ctx context.Context, now time.Time, limit int) ([]store.Challenge, error) {
	return give(ctx, w.hook, Read("Unsent"), func(ctx context.Context) ([]store.Challenge, error) { return w.in.Unsent(ctx, now, limit) })
}

// InsertTally keeps the promise of store.Budgets.
func (w people) InsertTally(ctx context.Context, t store.Tally) error {
	return w.hook(ctx, Write("InsertTally"), func(ctx context.Context) error { return w.in.InsertTally(ctx, t) })
}

// ReplaceTally keeps the promise of store.Budgets.
func (w people) ReplaceTally(ctx context.Context, t store.Tally) error {
	return w.hook(ctx, Write("ReplaceTally"), func(ctx context.Context) error { return w.in.ReplaceTally(ctx, t) })
}

// Tally keeps the promise of store.Budgets.
func (w people) Tally(ctx context.Context, key string) (store.Tally, error) {
	return give(ctx, w.hook, Read("Tally"), func(ctx context.Context) (store.Tally, error) { return w.in.Tally(ctx, key) })
}

// Add keeps the promise of store.Counters.
func (w people) Add(ctx context.Context, key string, n int64, expires time.Time) error {
	return w.hook(ctx, Write("Add"), func(ctx context.Context) error { return w.in.Add(ctx, key, n, expires) })
}

// Totals keeps the promise of store.Counters.
func (w people) Totals(ctx context.Context, keys []string) ([]int64, error) {
	return give(ctx, w.hook, Read("Totals"), func(ctx context.Context) ([]int64, error) { return w.in.Totals(ctx, keys) })
}

// InsertSession keeps the promise of store.Sessions.
func (w people) InsertSession(ctx context.Context, s store.Session) error {
	return w.hook(ctx, Write("InsertSession"), func(ctx context.Context) error { return w.in.InsertSession(ctx, s) })
}

// ReplaceSession keeps the promise of store.Sessions.
func (w people) ReplaceSession(ctx context.Context, s store.Session) error {
	return w.hook(ctx, Write("ReplaceSession"), func(ctx context.Context) error { return w.in.ReplaceSession(ctx, s) })
}

// Session keeps the promise of store.Sessions.
func (w people) Session(ctx context.Context, id string) (store.Session, error) {
	return give(ctx, w.hook, Read("Session"), func(ctx context.Context) (store.Session, error) { return w.in.Session(ctx, id) })
}

// SessionsOf keeps the promise of store.Sessions.
func (w people) SessionsOf(ctx context.Context, user string) ([]store.Session, error) {
	return give(ctx, w.hook, Read("SessionsOf"), func(ctx context.Context) ([]store.Session, error) { return w.in.SessionsOf(ctx, user) })
}

// SessionsRevoked keeps the promise of store.Sessions.
func (w people) SessionsRevoked(ctx context.Context, since time.Time) ([]store.Session, error) {
	return give(ctx, w.hook, Read("SessionsRevoked"), func(ctx context.Context) ([]store.Session, error) { return w.in.SessionsRevoked(ctx, since) })
}

// InsertDevice keeps the promise of store.Devices.
func (w people) InsertDevice(ctx context.Context, d store.Device) error {
	return w.hook(ctx, Write("InsertDevice"), func(ctx context.Context) error { return w.in.InsertDevice(ctx, d) })
}

// ReplaceDevice keeps the promise of store.Devices.
func (w people) ReplaceDevice(ctx context.Context, d store.Device) error {
	return w.hook(ctx, Write("ReplaceDevice"), func(ctx context.Context) error { return w.in.ReplaceDevice(ctx, d) })
}

// Device keeps the promise of store.Devices.
func (w people) Device(ctx context.Context, id string) (store.Device, error) {
	return give(ctx, w.hook, Read("Device"), func(ctx context.Context) (store.Device, error) { return w.in.Device(ctx, id) })
}

// DevicesOf keeps the promise of store.Devices.
func (w people) DevicesOf(ctx context.Context, user string) ([]store.Device, error) {
	return give(ctx, w.hook, Read("DevicesOf"), func(ctx context.Context) ([]store.Device, error) { return w.in.DevicesOf(ctx, user) })
}

// InsertIncarnation keeps the promise of store.Devices.
func (w people) InsertIncarnation(ctx context.Context, i store.Incarnation) error {
	return w.hook(ctx, Write("InsertIncarnation"), func(ctx context.Context) error { return w.in.InsertIncarnation(ctx, i) })
}

// Incarnation keeps the promise of store.Devices.
func (w people) Incarnation(ctx context.Context, name string) (store.Incarnation, error) {
	return give(ctx, w.hook, Read("Incarnation"), func(ctx context.Context) (store.Incarnation, error) { return w.in.Incarnation(ctx, name) })
}

// SaveContacts keeps the promise of store.Devices.
func (w people) SaveContacts(ctx context.Context, contacts []store.Contact) error {
	return w.hook(ctx, Write("SaveContacts"), func(ctx context.Context) error { return w.in.SaveContacts(ctx, contacts) })
}

// Contacts keeps the promise of store.Devices.
func (w people) Contacts(ctx context.Context, devices []string) ([]store.Contact, error) {
	return give(ctx, w.hook, Read("Contacts"), func(ctx context.Context) ([]store.Contact, error) { return w.in.Contacts(ctx, devices) })
}

// InsertSigningKey keeps the promise of store.SigningKeys.
func (w people) InsertSigningKey(ctx context.Context, k store.SigningKey) error {
	return w.hook(ctx, Write("InsertSigningKey"), func(ctx context.Context) error { return w.in.InsertSigningKey(ctx, k) })
}

// ReplaceSigningKey keeps the promise of store.SigningKeys.
func (w people) ReplaceSigningKey(ctx context.Context, k store.SigningKey) error {
	return w.hook(ctx, Write("ReplaceSigningKey"), func(ctx context.Context) error { return w.in.ReplaceSigningKey(ctx, k) })
}

// SigningKeys keeps the promise of store.SigningKeys.
func (w people) SigningKeys(ctx context.Context) ([]store.SigningKey, error) {
	return give(ctx, w.hook, Read("SigningKeys"), func(ctx context.Context) ([]store.SigningKey, error) { return w.in.SigningKeys(ctx) })
}

// DropSigningKey keeps the promise of store.SigningKeys.
func (w people) DropSigningKey(ctx context.Context, kid string) error {
	return w.hook(ctx, Write("DropSigningKey"), func(ctx context.Context) error { return w.in.DropSigningKey(ctx, kid) })
}

// InsertReply keeps the promise of store.Replies.
func (w people) InsertReply(ctx context.Context, r store.Reply) error {
	return w.hook(ctx, Write("InsertReply"), func(ctx context.Context) error { return w.in.InsertReply(ctx, r) })
}

// ReplaceReply keeps the promise of store.Replies.
func (w people) ReplaceReply(ctx context.Context, r store.Reply) error {
	return w.hook(ctx, Write("ReplaceReply"), func(ctx context.Context) error { return w.in.ReplaceReply(ctx, r) })
}

// Reply keeps the promise of store.Replies.
func (w people) Reply(ctx context.Context, key string) (store.Reply, error) {
	return give(ctx, w.hook, Read("Reply"), func(ctx context.Context) (store.Reply, error) { return w.in.Reply(ctx, key) })
}

// DropReply keeps the promise of store.Replies.
func (w people) DropReply(ctx context.Context, key string, rev int64) error {
	return w.hook(ctx, Write("DropReply"), func(ctx context.Context) error { return w.in.DropReply(ctx, key, rev) })
}

// Sweep keeps the promise of store.Identity.
func (w people) Sweep(ctx context.Context, before time.Time) (int, error) {
	return give(ctx, w.hook, Write("Sweep"), func(ctx context.Context) (int, error) { return w.in.Sweep(ctx, before) })
}
