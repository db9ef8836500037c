package auth

import (
	"context"
	"crypto/ecdsa"
)

// SigningKey gives the key that signs, which no caller may otherwise see.
func SigningKey(ctx context.Context, s *Service) (*ecdsa.PrivateKey, string, error) {
	k, err := s.signer(ctx)
	return k.private, k.stored.KID, err
}

// KeepKeys is one round of looking after the keys.
func KeepKeys(ctx context.Context, s *Service) error { return s.keepKeys(ctx) }

// FlushDue is one round of writing health figures.
func FlushDue(ctx context.Context, s *Service) error { return s.flushDue(ctx) }

// Hashed is how many passwords were hashed, and how many at once at the most.
func Hashed(s *Service) (done, most int64) { return s.hashes.done.Load(), s.hashes.most.Load() }

// HashWhile keeps a place for hashing as long as do takes.
func HashWhile(ctx context.Context, s *Service, do func()) error {
	return s.hashing(ctx, func() error { do(); return nil })
}

// IsPassword compares a password with what is stored of one.
func IsPassword(s *Service, stored, password string) bool { return s.is(stored, password) }

// NewPHC is what is stored of a password.
func NewPHC(s *Service, password string) (string, error) { return s.newPHC(password) }

// ReadPHC reads a stored password.
func ReadPHC(text string) (Argon, bool) {
	h, ok := parsePHC(text)
	return h.Argon, ok
}

// Chosen is a password as somebody may choose it.
func Chosen(password, phone string) (string, error) { return chosen(password, phone) }
