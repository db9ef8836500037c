package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
)

// vault holds the keys that are derived from the pepper, one per use.
type vault struct {
	once  sync.Once
	aead  cipher.AEAD
	codes []byte // keys the digests of one-time codes
	paper []byte // keys the digests of recovery codes and set-up tokens
	err   error
}

func (s *Service) open() (*vault, error) {
	v := &s.vault
	v.once.Do(func() { v.err = v.derive(s.Pepper) })
	return v, v.err
}

func (v *vault) derive(pepper []byte) error {
	if len(pepper) < 32 {
		return fmt.Errorf("auth: pepper has %d bytes, want 32 or more", len(pepper))
	}
	seal, err := hkdf.Key(sha256.New, pepper, nil, "lumbung seal v1", 32)
	if err != nil {
		return err
	}
	if v.codes, err = hkdf.Key(sha256.New, pepper, nil, "lumbung codes v1", 32); err != nil {
		return err
	}
	if v.paper, err = hkdf.Key(sha256.New, pepper, nil, "lumbung paper v1", 32); err != nil {
		return err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return err
	}
	v.aead, err = cipher.NewGCM(block)
	return err
}

// seal encrypts plain for the one place that is called name: it cannot be
// opened under another name.
func (s *Service) seal(name string, plain []byte) ([]byte, error) {
	v, err := s.open()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, v.aead.NonceSize())
	if _, err := io.ReadFull(s.Rand, nonce); err != nil {
		return nil, fmt.Errorf("seal %s: %w", name, err)
	}
	return v.aead.Seal(nonce, nonce, plain, []byte(name)), nil
}

// unseal gives back what seal encrypted. An error means that the store was
// tampered with or that the pepper is another one.
func (s *Service) unseal(name string, sealed []byte) ([]byte, error) {
	v, err := s.open()
	if err != nil {
		return nil, err
	}
	n := v.aead.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("unseal %s: too short", name)
	}
	plain, err := v.aead.Open(nil, sealed[:n], sealed[n:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("unseal %s: %w", name, err)
	}
	return plain, nil
}

// digest is what is kept of a one-time code.
func (s *Service) digest(challenge, phone, purpose, code string) ([]byte, error) {
	v, err := s.open()
	if err != nil {
		return nil, err
	}
	return mac(v.codes, challenge+"|"+phone+"|"+purpose+"|"+code), nil
}

// keyed is what is kept of a secret of a user that nobody could guess, of the given kind.
func (s *Service) keyed(kind, user, secret string) ([]byte, error) {
	v, err := s.open()
	if err != nil {
		return nil, err
	}
	return mac(v.paper, kind+"|"+user+"|"+secret), nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}
