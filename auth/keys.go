package auth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
)

// keyring is what this process knows of the signing keys. One key signs, the
// next one is published already, old ones stay until their last token is over.
type keyring struct {
	mu     sync.Mutex
	keys   []liveKey // lowest number first
	loaded time.Time
}

type liveKey struct {
	stored  store.SigningKey
	private *ecdsa.PrivateKey
}

// reloadAfter keeps tokens with invented key names from becoming statements.
const reloadAfter = 10 * time.Second

// loadKeys reads the keys and makes those that must exist: one that signs and
// one that comes next. Numbers are unique, so that of several processes one
// makes them. The ring's lock is held.
func (s *Service) loadKeys(ctx context.Context) error {
	for range rounds {
		stored, err := s.Store.SigningKeys(ctx)
		if err != nil {
			return fmt.Errorf("signing keys: %w", err)
		}
		if n := len(stored); n < 2 || !stored[n-1].SignFrom.IsZero() {
			if err := s.publish(ctx, stored); err != nil {
				return err
			}
			continue
		}
		keys := make([]liveKey, len(stored))
		for i, k := range stored {
			if keys[i], err = s.openKey(k); err != nil {
				return err
			}
		}
		s.ring.keys, s.ring.loaded = keys, s.Clock.Now()
		return nil
	}
	return contended("signing keys")
}

// publish adds a key after the stored ones. The very first key signs at once;
// every other waits.
func (s *Service) publish(ctx context.Context, stored []store.SigningKey) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), s.Rand)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("encode signing key: %w", err)
	}
	k := store.SigningKey{Number: 1, Created: s.Clock.Now()}
	if n := len(stored); n > 0 {
		k.Number = stored[n-1].Number + 1
	} else {
		k.SignFrom = k.Created
	}
	// The name follows from the key, so that no other key ever bears it.
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return fmt.Errorf("encode public key: %w", err)
	}
	k.KID = id.Derive("signing key", string(public))
	if k.Sealed, err = s.seal("key/"+k.KID, der); err != nil {
		return err
	}
	if err := s.Store.InsertSigningKey(ctx, k); err != nil && !errors.Is(err, store.ErrTaken) {
		return fmt.Errorf("insert signing key: %w", err)
	}
	return nil
}

func (s *Service) openKey(k store.SigningKey) (liveKey, error) {
	der, err := s.unseal("key/"+k.KID, k.Sealed)
	if err != nil {
		return liveKey{}, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return liveKey{}, fmt.Errorf("decode signing key: %w", err)
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return liveKey{}, fmt.Errorf("auth: key %s is not on P-256", k.KID)
	}
	return liveKey{stored: k, private: private}, nil
}

// ready makes sure that the ring is filled; the ring's lock is held.
func (s *Service) ready(ctx context.Context) error {
	if len(s.ring.keys) > 0 {
		return nil
	}
	return s.loadKeys(ctx)
}

// signer is the key that signs now: the newest whose time has come.
func (s *Service) signer(ctx context.Context) (liveKey, error) {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return liveKey{}, err
	}
	i := signing(s.ring.keys, s.Clock.Now())
	if i < 0 {
		i = 0 // the clock went back behind the first key
	}
	return s.ring.keys[i], nil
}

// signing is the index of the key that signs at the instant, or -1.
func signing(keys []liveKey, at time.Time) int {
	best := -1
	for i, k := range keys {
		if from := k.stored.SignFrom; !from.IsZero() && !from.After(at) {
			best = i
		}
	}
	return best
}

// verifier finds the public key called kid. An unknown name reads the store
// again, at most once in ten seconds.
func (s *Service) verifier(ctx context.Context, kid string) (*ecdsa.PublicKey, bool, error) {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return nil, false, err
	}
	if k, ok := s.ring.find(kid); ok {
		return k, true, nil
	}
	if s.Clock.Now().Sub(s.ring.loaded) < reloadAfter {
		return nil, false, nil
	}
	if err := s.loadKeys(ctx); err != nil {
		return nil, false, err
	}
	k, ok := s.ring.find(kid)
	return k, ok, nil
}

func (r *keyring) find(kid string) (*ecdsa.PublicKey, bool) {
	for _, k := range r.keys {
		if k.stored.KID == kid {
			return &k.private.PublicKey, true
		}
	}
	return nil, false
}

// Rotate lets the next key sign as soon as it has been public for KeyCache, and
// publishes one after it. While a rotation waits for its time, here or in
// another process, a further call changes nothing.
func (s *Service) Rotate(ctx context.Context) error {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	now, keys := s.Clock.Now(), s.ring.keys
	if keys[len(keys)-2].stored.SignFrom.After(now) {
		return nil
	}
	next := keys[len(keys)-1].stored
	next.SignFrom = next.Created.Add(s.Limits.KeyCache)
	if next.SignFrom.Before(now) {
		next.SignFrom = now
	}
	if err := s.Store.ReplaceSigningKey(ctx, next); err != nil && !errors.Is(err, store.ErrStale) {
		return fmt.Errorf("promote signing key: %w", err)
	}
	return s.loadKeys(ctx) // which publishes the one after it
}

// keepKeys reads the keys again, rotates when the signing one is old, and drops
// those whose last token is over.
func (s *Service) keepKeys(ctx context.Context) error {
	s.ring.mu.Lock()
	if s.Clock.Now().Sub(s.ring.loaded) < reloadAfter {
		s.ring.mu.Unlock()
		return nil
	}
	err := s.loadKeys(ctx)
	keys, now := slices.Clone(s.ring.keys), s.Clock.Now()
	s.ring.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.dropKeys(ctx, keys, now); err != nil {
		return err
	}
	// The last key waits. One promoted already, with its time still to come,
	// means that a rotation is under way.
	promoted := keys[max(0, len(keys)-2)].stored.SignFrom
	if s.Limits.KeyAge > 0 && now.Sub(promoted) > s.Limits.KeyAge {
		return s.Rotate(ctx)
	}
	return nil
}

// dropKeys forgets the keys before the signing one after every token that they
// signed, here or in a process that learned of the change late, is over.
func (s *Service) dropKeys(ctx context.Context, keys []liveKey, now time.Time) error {
	current := signing(keys, now.Add(-s.Limits.Access-2*s.Limits.Leeway-time.Minute))
	for i := range max(0, current) {
		if err := s.Store.DropSigningKey(ctx, keys[i].stored.KID); err != nil {
			return fmt.Errorf("drop signing key: %w", err)
		}
	}
	if current > 0 {
		s.ring.mu.Lock()
		defer s.ring.mu.Unlock()
		return s.loadKeys(ctx)
	}
	return nil
}

// jwk is the public half of a key, as RFC 7517 writes it.
type jwk struct {
	KTY string `json:"kty"`
	CRV string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	KID string `json:"kid"`
	Alg string `json:"alg"`
	Use string `json:"use"`
}

// JWKS is the document for /.well-known/jwks.json: every key that signs, did
// or will. It may be cached for Limits.KeyCache.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	s.ring.mu.Lock()
	defer s.ring.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, k := range s.ring.keys {
		point, err := k.private.PublicKey.Bytes() // 4, x, y
		if err != nil {
			return nil, fmt.Errorf("encode public key: %w", err)
		}
		half := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
		set.Keys = append(set.Keys, jwk{"EC", "P-256", half(point[1:33]), half(point[33:]), k.stored.KID, "ES256", "sig"})
	}
	slices.SortFunc(set.Keys, func(a, b jwk) int { return cmp.Compare(a.KID, b.KID) })
	var out bytes.Buffer
	err := json.NewEncoder(&out).Encode(set)
	return out.Bytes(), err
}
