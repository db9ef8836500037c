package fcmfake

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// account is whom the service lets in.
const account = "lumbung@demo.iam.gserviceaccount.com"

// scopes are those of which an assertion names one.
func scopes() []string {
	return []string{"https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform"}
}

// Credentials is the file of a service account whose tokens come from the server that
// listens at an address, such as "http://127.0.0.1:9099".
func (s *Server) Credentials(address string) ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return nil, fmt.Errorf("write the key: %w", err)
	}
	return json.Marshal(map[string]string{"type": "service_account", "project_id": s.o.Project, "private_key_id": "k1", "client_email": account, "client_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), "token_uri": strings.TrimSuffix(address, "/") + "/token"})
}

// ExpireTokens has every bearer token that was given be refused from now on.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.bearers)
}

// RefuseExchanges has the next n exchanges of an assertion fail.
func (s *Server) RefuseExchanges(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = n
}

// exchange gives a bearer token for an assertion that the service account has signed. It
// goes by the clock of the machine, as those who sign do.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	no := func(text string) {
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "error_description": text})
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostBody)
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		reply(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		no("Invalid JWT Signature.")
		return
	}
	now := clock.System{}.Now()
	if why := s.disproves(r.FormValue("assertion"), "http://"+r.Host+"/token", now); why != "" {
		no(why)
		return
	}
	token := "fake." + s.address()
	s.bearers[token] = now.Add(s.o.TokenTTL)
	reply(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": int(s.o.TokenTTL.Seconds()), "token_type": "Bearer"})
}

// disproves says in the words of the service what is wrong with an assertion; "" for
// nothing.
func (s *Server) disproves(assertion, audience string, now time.Time) string {
	const noJWT = "Invalid JWT: the assertion is not a signed token."
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return noJWT
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Iss   string `json:"iss"`
		Aud   string `json:"aud"`
		Scope string `json:"scope"`
		Exp   int64  `json:"exp"`
	}
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return noJWT
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	const drift = 5 * time.Minute
	exp := time.Unix(claims.Exp, 0)
	switch {
	case err != nil, header.Alg != "RS256", rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil:
		return "Invalid JWT Signature."
	case claims.Iss != account:
		return "Invalid issuer: Not a valid email or user ID."
	case claims.Aud != audience:
		return "Invalid JWT: Failed audience check."
	case !slices.ContainsFunc(strings.Fields(claims.Scope), func(s string) bool { return slices.Contains(scopes(), s) }):
		return "Invalid OAuth scope or ID token audience provided."
	case now.After(exp.Add(drift)), exp.After(now.Add(time.Hour + drift)):
		return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
	}
	return ""
}

// authorised wants a bearer token that was given here and is still good.
func (s *Server) authorised(r *http.Request) *refusal {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, given := s.bearers[token]; !ok || !given || (clock.System{}).Now().After(until) {
		return &refusal{status: http.StatusUnauthorized, code: "UNAUTHENTICATED",
			text: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential."}
	}
	return nil
}
