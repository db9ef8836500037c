package webpush

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Keys is the pair by which push services know this server (VAPID, RFC 8292), as text in
// base64url without padding. The public one goes into apps, the private one is a secret.
type Keys struct{ Private, Public string }

// NewKeys draws a pair.
func NewKeys(rand io.Reader) (Keys, error) {
	k, err := ecdh.P256().GenerateKey(rand)
	if err != nil {
		return Keys{}, fmt.Errorf("draw a key: %w", err)
	}
	return keysOf(k), nil
}

// KeysOf is the pair of a private key.
//
// Errors: of a text that is none; it is not in the error.
func KeysOf(private string) (Keys, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(private, "="))
	if err != nil {
		return Keys{}, errors.New("the key is not in base64url")
	}
	k, err := ecdh.P256().NewPrivateKey(raw)
	if err != nil {
		return Keys{}, errors.New("the key is no private key of P-256, which has 32 bytes")
	}
	return keysOf(k), nil
}

func keysOf(k *ecdh.PrivateKey) Keys {
	return Keys{Private: base64.RawURLEncoding.EncodeToString(k.Bytes()), Public: base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes())}
}
