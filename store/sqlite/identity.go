package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/lumbung-ikm/lumbung/store"
)

// Identity is the part of the database that keeps people, devices and sessions.
// It lives as long as d does.
func (d *DB) Identity() store.Identity { return identity{d} }

type identity struct{ db *DB }

func userDoc(u store.User) document {
	phone := sql.NullString{String: u.Phone, Valid: u.Phone != ""}
	return document{"users", u.ID, u, []column{{"phone", phone}, {"changed", millis(u.Changed)}}}
}

func userRev(u *store.User) *int64 { return &u.Rev }

func (i identity) InsertUser(ctx context.Context, u store.User) error {
	return i.insert(ctx, userDoc(u))
}

func (i identity) ReplaceUser(ctx context.Context, u store.User) error {
	return i.replace(ctx, userDoc(u), u.Rev)
}

func (i identity) User(ctx context.Context, id string) (store.User, error) {
	return one(ctx, i, userRev, "users", byKey, id)
}

func (i identity) UserByPhone(ctx context.Context, phone string) (store.User, error) {
	return one(ctx, i, userRev, "users", "WHERE phone = ?", phone)
}

func (i identity) UsersChanged(ctx context.Context, since time.Time) ([]store.User, error) {
	return find(ctx, i, userRev, "users", "WHERE changed >= ? ORDER BY key", millis(since))
}

func (i identity) UsersAfter(ctx context.Context, id string, limit int) ([]store.User, error) {
	return find(ctx, i, userRev, "users", "WHERE key > ? ORDER BY key LIMIT ?", id, max(limit, 0))
}

func credentialDoc(c store.Credential) document {
	return document{"credentials", c.User, c, nil}
}

func credentialRev(c *store.Credential) *int64 { return &c.Rev }

func (i identity) InsertCredential(ctx context.Context, c store.Credential) error {
	return i.insert(ctx, credentialDoc(c))
}

func (i identity) ReplaceCredential(ctx context.Context, c store.Credential) error {
	return i.replace(ctx, credentialDoc(c), c.Rev)
}

func (i identity) Credential(ctx context.Context, user string) (store.Credential, error) {
	return one(ctx, i, credentialRev, "credentials", byKey, user)
}

func challengeDoc(c store.Challenge) document {
	unsent := 0
	if len(c.Sealed) > 0 {
		unsent = 1
	}
	return document{"challenges", c.ID, c, []column{
		{"phone", c.Phone}, {"purpose", c.Purpose}, {"install", c.Install},
		{"created", millis(c.Created)}, {"expires", millis(c.Expires)}, {"leased", millis(c.Leased)}, {"unsent", unsent},
	}}
}

func challengeRev(c *store.Challenge) *int64 { return &c.Rev }

func (i identity) InsertChallenge(ctx context.Context, c store.Challenge) error {
	return i.insert(ctx, challengeDoc(c))
}

func (i identity) ReplaceChallenge(ctx context.Context, c store.Challenge) error {
	return i.replace(ctx, challengeDoc(c), c.Rev)
}

func (i identity) Challenge(ctx context.Context, id string) (store.Challenge, error) {
	return one(ctx, i, challengeRev, "challenges", byKey, id)
}

func (i identity) LatestChallenge(ctx context.Context, phone, purpose, install string) (store.Challenge, error) {
	return one(ctx, i, challengeRev, "challenges",
		"WHERE phone = ? AND purpose = ? AND install = ? ORDER BY created DESC, key DESC LIMIT 1", phone, purpose, install)
}

func (i identity) Unsent(ctx context.Context, now time.Time, limit int) ([]store.Challenge, error) {
	return find(ctx, i, challengeRev, "challenges",
		"WHERE unsent = 1 AND expires > ? AND leased <= ? ORDER BY created, key LIMIT ?", millis(now), millis(now), limit)
}

func sessionDoc(s store.Session) document {
	return document{"sessions", s.ID, s, []column{{"user", s.User}, {"created", millis(s.Created)}, {"revoked", millis(s.Revoked)}}}
}

func sessionRev(s *store.Session) *int64 { return &s.Rev }

func (i identity) InsertSession(ctx context.Context, s store.Session) error {
	return i.insert(ctx, sessionDoc(s))
}

func (i identity) ReplaceSession(ctx context.Context, s store.Session) error {
	return i.replace(ctx, sessionDoc(s), s.Rev)
}

func (i identity) Session(ctx context.Context, id string) (store.Session, error) {
	return one(ctx, i, sessionRev, "sessions", byKey, id)
}

func (i identity) SessionsOf(ctx context.Context, user string) ([]store.Session, error) {
	return find(ctx, i, sessionRev, "sessions", "WHERE user = ? ORDER BY created DESC, key DESC", user)
}

func (i identity) SessionsRevoked(ctx context.Context, since time.Time) ([]store.Session, error) {
	return find(ctx, i, sessionRev, "sessions", "WHERE revoked > 0 AND revoked >= ? ORDER BY created DESC, key DESC", millis(since))
}
