package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store"
)

func TestAnAccessTokenSaysWhoCalls(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	who, err := h.Authenticate(t.Context(), l.Access)
	must(t, err)
	if who.User != l.User.ID || who.Session != l.Session || who.Device != l.Device || who.Ver != 1 || !who.AuthTime.Equal(start()) {
		t.Errorf("identity %+v of login %+v", who, l)
	}
	h.clock.Set(l.Expires.Add(31 * time.Second))
	_, err = h.Authenticate(t.Context(), l.Access)
	wantCode(t, err, fault.Unauthorized, "token_expired")
	wantKeepOutbox(t, err)
	fresh := houseOn(h.Store, h.clock) // that never saw the token
	_, err = fresh.Authenticate(t.Context(), l.Access)
	wantCode(t, err, fault.Unauthorized, "token_expired")
}

func TestATokenFromTheFutureIsAFaultOfTheClock(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	h.clock.Set(start().Add(-time.Hour))
	_, err := houseOn(h.Store, h.clock).Authenticate(t.Context(), l.Access)
	wantCode(t, err, fault.Unauthorized, "clock_skew")
	wantKeepOutbox(t, err)
	_, err = h.Refresh(t.Context(), l.Refresh)
	wantCode(t, err, fault.Unauthorized, "clock_skew")
	wantKeepOutbox(t, err)
}

// TestEveryForgeryGetsOneAnswer is row 18 of the list of hostile input.
func TestEveryForgeryGetsOneAnswer(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	ours := key(t, h)
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	public, err := x509.MarshalPKIXPublicKey(&ours.key.PublicKey)
	must(t, err)
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	now := h.clock.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": h.Issuer, "aud": h.Audience, "sub": l.User.ID, "sid": l.Session, "did": l.Device, "ver": 1,
			"auth_time": now.Unix(), "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()}
	}
	with := func(name string, v any) jwt.MapClaims {
		c := good()
		c[name] = v
		return c
	}
	without := func(name string) jwt.MapClaims {
		c := good()
		delete(c, name)
		return c
	}
	kid := map[string]any{"kid": ours.kid}
	sign := func(m jwt.SigningMethod, k any, header map[string]any, c jwt.Claims) string {
		tok := jwt.NewWithClaims(m, c)
		for name, v := range header {
			tok.Header[name] = v
		}
		text, err := tok.SignedString(k)
		must(t, err)
		return text
	}
	es := jwt.SigningMethodES256
	jwkOf := map[string]any{"kty": "EC", "crv": "P-256", "x": b64(theirs.X), "y": b64(theirs.Y)}
	valid := sign(es, ours.key, kid, good())
	if _, err := h.Authenticate(t.Context(), valid); err != nil {
		t.Fatalf("the pattern of all forgeries is refused itself: %v", err)
	}
	tests := []struct{ name, token string }{
		{"no algorithm", sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, kid, good())},
		{"no signature", valid[:strings.LastIndex(valid, ".")+1]},
		{"our public key in PEM as a shared secret", sign(jwt.SigningMethodHS256, block, kid, good())},
		{"our public key in DER as a shared secret", sign(jwt.SigningMethodHS256, public, kid, good())},
		{"another algorithm", sign(jwt.SigningMethodRS256, rsaKey, kid, good())},
		{"another key under our name", sign(es, theirs, kid, good())},
		{"no key name", sign(es, ours.key, nil, good())},
		{"a key name that is no text", sign(es, ours.key, map[string]any{"kid": 1}, good())},
		{"a key name that is a path", sign(es, ours.key, map[string]any{"kid": "../../dev/null"}, good())},
		{"a key name that is a query", sign(es, ours.key, map[string]any{"kid": "' OR 1=1 --"}, good())},
		{"a key set elsewhere", sign(es, theirs, map[string]any{"kid": "evil", "jku": "http://127.0.0.1:1/jwks.json"}, good())},
		{"a certificate elsewhere", sign(es, theirs, map[string]any{"kid": ours.kid, "x5u": "http://127.0.0.1:1/x.pem"}, good())},
		{"a key of its own inside", sign(es, theirs, map[string]any{"kid": ours.kid, "jwk": jwkOf}, good())},
		{"a key of its own inside and no name", sign(es, theirs, map[string]any{"jwk": jwkOf}, good())},
		{"another issuer", sign(es, ours.key, kid, with("iss", "https://evil.test"))},
		{"no issuer", sign(es, ours.key, kid, without("iss"))},
		{"another audience", sign(es, ours.key, kid, with("aud", "other"))},
		{"no audience", sign(es, ours.key, kid, without("aud"))},
		{"an end far ahead", sign(es, ours.key, kid, with("exp", 4102444800))},
		{"no end", sign(es, ours.key, kid, without("exp"))},
		{"an end that is text", sign(es, ours.key, kid, with("exp", "tomorrow"))},
		{"no start", sign(es, ours.key, kid, without("iat"))},
		{"no session", sign(es, ours.key, kid, without("sid"))},
		{"no user", sign(es, ours.key, kid, without("sub"))},
		{"no device", sign(es, ours.key, kid, without("did"))},
		{"a later start of validity", sign(es, ours.key, kid, with("nbf", now.Add(time.Hour).Unix()))},
		{"something behind", valid + "x"},
		{"a part behind", valid + ".e30"},
		{"a blank behind", valid + " "},
		{"padding behind", valid + "="},
		{"a line behind", valid + "\r\nX-User: admin"},
		{"the scheme in front", "Bearer " + valid},
		{"a huge token", valid + strings.Repeat("A", 1<<20)},
		{"a huge header", strings.Repeat("A", 1<<20) + "." + valid},
		{"nothing", ""},
		{"dots", ".."},
		{"a refresh token", l.Refresh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Authenticate(t.Context(), tt.token)
			wantCode(t, err, fault.Unauthorized, "token_invalid")
			wantKeepOutbox(t, err)
			if got, want := err.Error(), "token_invalid: access token is not valid"; got != want {
				t.Errorf("text %q, want the constant %q", got, want)
			}
		})
	}
}

func b64(n *big.Int) string {
	return base64.RawURLEncoding.EncodeToString(n.FillBytes(make([]byte, 32)))
}

type signingKey struct {
	kid string
	key *ecdsa.PrivateKey
}

// key is the key that signs.
func key(t *testing.T, h house) signingKey {
	t.Helper()
	k, kid, err := auth.SigningKey(t.Context(), h.Service)
	must(t, err)
	return signingKey{kid, k}
}

// counting counts what reaches the store.
type counting struct {
	store.Identity
	calls *atomic.Int64
}

func (c counting) SessionsRevoked(ctx context.Context, since time.Time) ([]store.Session, error) {
	c.calls.Add(1)
	return c.Identity.SessionsRevoked(ctx, since)
}

func (c counting) SigningKeys(ctx context.Context) ([]store.SigningKey, error) {
	c.calls.Add(1)
	return c.Identity.SigningKeys(ctx)
}

func TestATokenSeenBeforeCostsNoStatement(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	h.clock.Advance(-5 * time.Minute)
	var calls atomic.Int64
	other := houseOn(counting{h.Store, &calls}, h.clock)
	if _, err := other.Authenticate(t.Context(), l.Access); err != nil {
		t.Fatal(err)
	}
	if calls.Load() == 0 {
		t.Error("the first look at a token asked nothing of the store: the count is wrong")
	}
	other.Store = nil // whatever is asked now is a panic
	for range 3 {
		if _, err := other.Authenticate(t.Context(), l.Access); err != nil {
			t.Fatal(err)
		}
	}
}

func TestInventedKeyNamesCostNoStatements(t *testing.T) {
	h := newHouse()
	l := h.login(t, phone, 1)
	var calls atomic.Int64
	h.Store = counting{h.Store, &calls}
	if _, err := h.Authenticate(t.Context(), l.Access); err != nil {
		t.Fatal(err)
	}
	before := calls.Load()
	for range 100 {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + h.IDs.New() + `"}`))
		_, err := h.Authenticate(t.Context(), header+l.Access[strings.Index(l.Access, "."):])
		wantCode(t, err, fault.Unauthorized, "token_invalid")
	}
	if n := calls.Load() - before; n > 1 {
		t.Errorf("100 invented key names made %d statements, want at most 1", n)
	}
}

func TestARevocationBitesHereAtOnceAndElsewhereAfterAPoll(t *testing.T) {
	tests := []struct {
		name string
		do   func(h house, l auth.Login) error
		kind fault.Kind
		code string
	}{
		{"one session", func(h house, l auth.Login) error {
			return h.RevokeSession(context.Background(), l.User.ID, l.Session, "logout")
		}, fault.Unauthorized, "session_revoked"},
		{"all sessions", func(h house, l auth.Login) error {
			return h.RevokeSessions(context.Background(), l.User.ID, "logout")
		}, fault.Unauthorized, "session_revoked"},
		{"a lost device", func(h house, l auth.Login) error {
			return h.RevokeDevice(context.Background(), l.User.ID, l.Device, store.DeviceLost)
		}, fault.Unauthorized, "session_revoked"},
		{"a suspended user", func(h house, l auth.Login) error { return h.Suspend(context.Background(), l.User.ID) },
			fault.Forbidden, "account_suspended"},
		{"an erased user", func(h house, l auth.Login) error { return h.Erase(context.Background(), l.User.ID) },
			fault.Unauthorized, "session_revoked"},
		{"a changed role", func(h house, l auth.Login) error {
			return h.SetRoles(context.Background(), l.User.ID, []string{"mentor"})
		}, fault.Unauthorized, "token_invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			here := newHouse()
			there := houseOn(here.Store, here.clock)
			l := here.login(t, phone, 1)
			for _, h := range []house{here, there} {
				if _, err := h.Authenticate(t.Context(), l.Access); err != nil {
					t.Fatal(err)
				}
			}
			must(t, tt.do(here, l))
			_, err := here.Authenticate(t.Context(), l.Access)
			wantCode(t, err, tt.kind, tt.code)
			wantKeepOutbox(t, err)
			must(t, there.Poll(t.Context()))
			_, err = there.Authenticate(t.Context(), l.Access)
			wantCode(t, err, tt.kind, tt.code)
			_, err = houseOn(here.Store, here.clock).Authenticate(t.Context(), l.Access)
			wantCode(t, err, tt.kind, tt.code)
		})
	}
}

type jwks struct {
	Keys []map[string]string `json:"keys"`
}

func keySet(t *testing.T, h house) []string {
	t.Helper()
	text, err := h.JWKS(t.Context())
	must(t, err)
	var set jwks
	must(t, json.Unmarshal(text, &set))
	var names []string
	for _, k := range set.Keys {
		if k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" || len(k["x"]) != 43 || len(k["y"]) != 43 || k["d"] != "" {
			t.Errorf("key %v", k)
		}
		names = append(names, k["kid"])
	}
	return names
}

func kidOf(t *testing.T, token string) string {
	t.Helper()
	tok, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	must(t, err)
	return tok.Header["kid"].(string)
}

func TestANewKeyIsPublicBeforeItSignsAndTheOldOneUntilItsLastTokenIsOver(t *testing.T) {
	h := newHouse()
	there := houseOn(h.Store, h.clock)
	l := h.login(t, phone, 1)
	h.clock.Set(start())
	if names := keySet(t, h); len(names) != 2 {
		t.Fatalf("keys %q, want the current and the next", names)
	}
	if a, b := keySet(t, h), keySet(t, there); strings.Join(a, " ") != strings.Join(b, " ") {
		t.Fatalf("two processes publish %q and %q", a, b)
	}
	first := kidOf(t, l.Access)
	refresh := func() string {
		t.Helper()
		tokens, err := h.Refresh(t.Context(), l.Refresh)
		must(t, err)
		l.Refresh = tokens.Refresh
		if _, err := there.Authenticate(t.Context(), tokens.Access); err != nil {
			t.Fatalf("another process refuses the token: %v", err)
		}
		return kidOf(t, tokens.Access)
	}
	parallel(4, func(int) {
		if err := h.Rotate(t.Context()); err != nil {
			t.Errorf("rotate: %v", err)
		}
	})
	if names := keySet(t, h); len(names) != 3 {
		t.Errorf("keys %q after one rotation, want 3", names)
	}
	h.clock.Advance(h.Limits.KeyCache - time.Millisecond)
	if refresh() != first {
		t.Error("the next key signs before it was public for long enough")
	}
	h.clock.Advance(time.Second)
	second := refresh()
	if second == first {
		t.Error("the next key does not sign after its time came")
	}
	must(t, auth.KeepKeys(t.Context(), h.Service))
	if !strings.Contains(strings.Join(keySet(t, h), " "), first) {
		t.Error("the old key is gone while its tokens live")
	}
	h.clock.Advance(20 * time.Minute)
	must(t, auth.KeepKeys(t.Context(), h.Service))
	if strings.Contains(strings.Join(keySet(t, h), " "), first) {
		t.Error("the old key is never dropped")
	}
	refresh()
}

func TestAnOldKeyIsReplacedByItself(t *testing.T) {
	h := newHouse()
	first := kidOf(t, h.login(t, phone, 1).Access)
	h.clock.Advance(h.Limits.KeyAge + time.Hour)
	must(t, auth.KeepKeys(t.Context(), h.Service))
	if second := kidOf(t, h.login(t, "+628117000002", 1).Access); second == first {
		t.Error("the key was not replaced")
	}
	before := len(keySet(t, h))
	h.clock.Advance(time.Minute)
	must(t, auth.KeepKeys(t.Context(), h.Service))
	if n := len(keySet(t, h)); n > before {
		t.Errorf("%d keys after %d: it rotates for ever", n, before)
	}
}

func TestKeysAreNotReadableInTheStore(t *testing.T) {
	s := &storefault.MemoryIdentity{}
	h := houseOn(s, newHouse().clock)
	h.login(t, phone, 1)
	other := houseOn(s, h.clock)
	other.Pepper = []byte(strings.Repeat("q", 32))
	if _, err := other.JWKS(t.Context()); err == nil {
		t.Error("another pepper opens the keys")
	}
	short := houseOn(s, h.clock)
	short.Pepper = []byte("short")
	if _, err := short.RequestCode(t.Context(), auth.CodeRequest{Phone: "+628117000002", Purpose: auth.PurposeLogin}); err == nil {
		t.Error("a short pepper is accepted")
	}
}
