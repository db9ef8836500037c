package webpush_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/store"
)

// browser is an installation that has subscribed, with keys that only it knows.
type browser struct {
	*testing.T
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t, key, make([]byte, 16)}
	_, _ = rand.Read(b.auth)
	return b
}

// subscription is what the browser gives its page for an endpoint.
func (b *browser) subscription(endpoint string) string {
	text, err := json.Marshal(map[string]any{"endpoint": endpoint, "expirationTime": nil, "keys": map[string]string{
		"p256dh": base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes()), "auth": base64.RawURLEncoding.EncodeToString(b.auth)}})
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func (b *browser) at(endpoint string) store.Address {
	return store.Address{Provider: webpush.Provider, Kind: webpush.Subscription, Value: b.subscription(endpoint)}
}

// opens decrypts a body as RFC 8188 and 8291 say.
func (b *browser) opens(body []byte) map[string]string {
	b.Helper()
	salt, size, n := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	sender, sealed := body[21:21+n], body[21+n:]
	if uint32(len(sealed)) > size {
		b.Fatalf("a record of %d bytes, longer than its size %d", len(sealed), size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		b.Fatal(err)
	}
	shared, err := b.key.ECDH(public)
	if err != nil {
		b.Fatal(err)
	}
	ikm := b.derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	key, nonce := b.derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16), b.derive(ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, err := aes.NewCipher(key)
	if err != nil {
		b.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		b.Fatal(err)
	}
	text, padded := strings.CutSuffix(strings.TrimRight(string(plain), "\x00"), "\x02")
	if !padded {
		b.Fatalf("no end of the last record: %q", plain)
	}
	var out map[string]string
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		b.Fatalf("%q: %v", text, err)
	}
	return out
}

func (b *browser) derive(secret, salt []byte, info string, length int) []byte {
	b.Helper()
	out, err := hkdf.Key(sha256.New, secret, salt, info, length)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// service is a push service behind TLS on this machine. It takes what is proven by VAPID.
type service struct {
	*testing.T
	*httptest.Server

	mu     sync.Mutex
	got    []taken
	answer func(w http.ResponseWriter, n int) // what it says to the n-th; nil: 201
}

type taken struct {
	header http.Header
	path   string
	body   []byte
	claims map[string]any
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{T: t}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	claims, err := proven(r.Header.Get("Authorization"))
	if err != nil {
		s.Error(err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	s.mu.Lock()
	s.got = append(s.got, taken{r.Header.Clone(), r.URL.Path, body, claims})
	n, answer := len(s.got), s.answer
	s.mu.Unlock()
	if answer != nil {
		answer(w, n)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (s *service) taken() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken{}, s.got...)
}

// proven verifies "vapid t=…, k=…": the token is signed with the key that stands beside it.
func proven(header string) (map[string]any, error) {
	rest, ok := strings.CutPrefix(header, "vapid t=")
	token, key, both := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !ok || !both || len(parts) != 3 {
		return nil, fmt.Errorf("not a VAPID header: %q", header)
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil || len(point) != 65 {
		return nil, fmt.Errorf("not a key: %q", key)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) != 64 {
		return nil, fmt.Errorf("not a signature: %q", parts[2])
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, err
	}
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil, fmt.Errorf("the token is not signed with its key")
	}
	claims := map[string]any{"key": key}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	return claims, err
}

// until is when a token ends.
func (g taken) until() time.Time {
	seconds, _ := g.claims["exp"].(float64)
	return time.Unix(int64(seconds), 0)
}
