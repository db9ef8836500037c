package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
)

// Identity is who a request comes from, as its access token proves. Roles are a
// hint for screens: what a person may do is in the access lists.
type Identity struct {
	User     string
	Session  string
	Device   string
	Roles    []string
	Methods  []string  // how the person proved who they are, by RFC 8176: "otp", or "pwd" and "otp"
	AuthTime time.Time // when they did, or showed a second factor again
	Expires  time.Time // of the token
	Ver      int64
}

// Has reports whether the token names the role.
func (i Identity) Has(role string) bool { return slices.Contains(i.Roles, role) }

// claims is the body of an access token.
type claims struct {
	jwt.RegisteredClaims
	Session  string           `json:"sid"`
	Device   string           `json:"did"`
	Methods  []string         `json:"amr"`
	AuthTime *jwt.NumericDate `json:"auth_time"`
	Ver      int64            `json:"ver"`
	Roles    []string         `json:"roles,omitempty"`
}

// identity is who the claims speak of.
func (c *claims) identity() Identity {
	return Identity{User: c.Subject, Session: c.Session, Device: c.Device, Roles: c.Roles, Methods: c.Methods,
		AuthTime: c.AuthTime.UTC(), Expires: c.ExpiresAt.UTC(), Ver: c.Ver}
}

// maxToken is far above the size of our own tokens, which have some 700 bytes.
const maxToken = 4096

// access signs an access token.
func (s *Service) access(ctx context.Context, u store.User, sess store.Session) (string, time.Time, error) {
	key, err := s.signer(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	now := s.Clock.Now().Truncate(time.Second)
	ends, proven := now.Add(s.Limits.Access), sess.Proven
	if proven.IsZero() {
		proven = sess.Created
	}
	c := claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.Issuer, Audience: jwt.ClaimStrings{s.Audience}, Subject: u.ID, ID: s.IDs.New(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(ends),
		},
		Session: sess.ID, Device: sess.Device, Methods: sess.Methods,
		AuthTime: jwt.NewNumericDate(proven), Ver: u.Ver, Roles: slices.Clone(u.Roles),
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, c)
	t.Header["kid"] = key.stored.KID
	text, err := t.SignedString(key.private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	s.known().put(sha256.Sum256([]byte(text)), c.identity())
	return text, ends, nil
}

// Authenticate checks an access token (without the word Bearer). A token that was
// signed or checked here costs no statement and no signature. A session that was
// revoked or a user who was suspended in this process is refused at once, in
// another process within PollEvery.
//
// Errors, all with keep_outbox: Unauthorized "token_invalid" with one constant
// text for every kind of forgery, "token_expired", "session_revoked",
// "clock_skew" (this server's clock lies behind the token); Forbidden
// "account_suspended".
func (s *Service) Authenticate(ctx context.Context, bearer string) (Identity, error) {
	if len(bearer) > maxToken {
		return Identity{}, tokenInvalid()
	}
	hash := sha256.Sum256([]byte(bearer))
	known := s.known()
	who, ok := known.get(hash)
	if !ok {
		var err error
		if who, err = s.verify(ctx, bearer); err != nil {
			return Identity{}, err
		}
		known.put(hash, who)
	}
	if err := s.firstPoll(ctx); err != nil {
		return Identity{}, err
	}
	return who, s.Still(who)
}

// Still refuses an identity whose token has expired or was revoked since
// Authenticate proved it, as far as this process knows. It costs no statement.
//
// Errors: those of Authenticate that can come later.
func (s *Service) Still(who Identity) error {
	if !s.Clock.Now().Before(who.Expires.Add(s.Limits.Leeway)) {
		return keepOutbox(fault.Unauthorized, "token_expired", "access token has expired")
	}
	return s.denied.check(who)
}

func tokenInvalid() error {
	return keepOutbox(fault.Unauthorized, "token_invalid", "access token is not valid")
}

// verify reads a token that was not seen before. Nothing in its header but the
// key's name is believed, and the key brings its own algorithm.
func (s *Service) verify(ctx context.Context, bearer string) (Identity, error) {
	if strings.ContainsAny(bearer, "\r\n") { // the decoder of base64 passes over them, so one token would have many spellings
		return Identity{}, tokenInvalid()
	}
	var c claims
	var machine error // ours, not the token's
	_, err := s.parser().ParseWithClaims(bearer, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if t.Method != jwt.SigningMethodES256 || kid == "" {
			return nil, jwt.ErrTokenUnverifiable
		}
		key, ok, err := s.verifier(ctx, kid)
		if machine = err; err != nil || !ok {
			return nil, jwt.ErrTokenUnverifiable
		}
		return key, nil
	})
	if machine != nil {
		return Identity{}, machine
	}
	if err != nil {
		return Identity{}, refusal(err)
	}
	if c.IssuedAt == nil || c.AuthTime == nil || c.Subject == "" || c.Session == "" || c.Device == "" ||
		c.ExpiresAt.Sub(c.IssuedAt.Time) > s.Limits.Access {
		return Identity{}, tokenInvalid()
	}
	return c.identity(), nil
}

func (s *Service) parser() *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodES256.Alg()}),
		jwt.WithIssuer(s.Issuer), jwt.WithAudience(s.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithLeeway(s.Limits.Leeway), jwt.WithTimeFunc(s.Clock.Now),
	)
}

// refusal tells apart the two faults of time in a token that is ours; every
// other fault is one and the same.
func refusal(err error) error {
	for _, forged := range []error{jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid,
		jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing} {
		if errors.Is(err, forged) {
			return tokenInvalid()
		}
	}
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return keepOutbox(fault.Unauthorized, "token_expired", "access token has expired")
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return keepOutbox(fault.Unauthorized, "clock_skew", "access token was issued in the future")
	}
	return tokenInvalid()
}

// known are the tokens that need no verifying.
func (s *Service) known() *Verified {
	if s.Verified != nil {
		return s.Verified
	}
	return &s.verified
}

// Verified remembers the access tokens that were signed or verified here, so that
// none costs a signature again. The zero value is empty and ready; it is safe for
// concurrent use.
//
// It has two halves: when the young one is full it becomes the old one, and what
// nobody asked for since is forgotten.
type Verified struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]Identity
}

const cacheHalf = 8192

func (c *Verified) get(hash [sha256.Size]byte) (Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	who, ok := c.young[hash]
	if ok {
		return who, true
	}
	if who, ok = c.old[hash]; ok {
		c.keep(hash, who)
	}
	return who, ok
}

func (c *Verified) put(hash [sha256.Size]byte, who Identity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(hash, who)
}

func (c *Verified) keep(hash [sha256.Size]byte, who Identity) {
	if c.young == nil || len(c.young) >= cacheHalf {
		c.old, c.young = c.young, map[[sha256.Size]byte]Identity{}
	}
	c.young[hash] = who
}
