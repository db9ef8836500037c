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
