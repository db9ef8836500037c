package fcm

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"
)

// renewing gives tokens of a source until one of them is refused; then of a new source. Whoever
// waits for one waits no longer than they may: an exchange that hangs holds nobody else up.
type renewing struct {
	make func() oauth2.TokenSource

	mu    sync.Mutex
	has   *oauth2.Token
	under *exchange // that is under way; nil: none
}

// exchange is one question for a token.
type exchange struct {
	done  chan struct{}
	token *oauth2.Token
	err   error
}

// token gives the token to use.
func (r *renewing) token(ctx context.Context) (string, error) {
	r.mu.Lock()
	if r.has.Valid() {
		defer r.mu.Unlock()
		return r.has.AccessToken, nil
	}
	x := r.under
	if x == nil {
		x = &exchange{done: make(chan struct{})}
		r.under = x
		go r.ask(x)
	}
	r.mu.Unlock()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-x.done:
	}
	if x.err != nil {
		return "", x.err
	}
	return x.token.AccessToken, nil
}

// ask ends by itself: the client that it asks with has a bound.
func (r *renewing) ask(x *exchange) {
	t, err := r.make().Token()
	r.mu.Lock()
	defer r.mu.Unlock()
	x.token, x.err, r.under = t, err, nil
	if err == nil {
		r.has = t
	}
	close(x.done)
}

// refused forgets a token that was not taken.
func (r *renewing) refused(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.has != nil && r.has.AccessToken == token {
		r.has = nil
	}
}

// proven puts a token onto requests. One that is refused is forgotten, and the request made
// once more with another: whatever was refused so was not delivered.
type proven struct {
	below  http.RoundTripper
	source *renewing
}

func (p proven) RoundTrip(r *http.Request) (*http.Response, error) {
	for again := false; ; again = true {
		token, err := p.source.token(r.Context())
		if err != nil {
			return refusedProof(r, err), nil
		}
		q := r.Clone(r.Context())
		if r.GetBody != nil {
			if q.Body, err = r.GetBody(); err != nil {
				return nil, fmt.Errorf("read the request again: %w", err)
			}
		}
		q.Header.Set("Authorization", "Bearer "+token)
		resp, err := p.below.RoundTrip(q)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || thirdParty(resp) {
			return resp, err
		}
		p.source.refused(token)
		if again || r.GetBody == nil {
			return resp, nil
		}
		if err := resp.Body.Close(); err != nil {
			return nil, fmt.Errorf("close the answer: %w", err)
		}
	}
}

// thirdParty reports whether it is not our proof that was refused, but that of the project
// with Apple or with browsers.
func thirdParty(resp *http.Response) bool {
	return bytes.Contains(peek(resp), []byte("THIRD_PARTY_AUTH_ERROR"))
}

// peek reads an answer and leaves it to be read again; nothing of one that ends too soon.
func peek(resp *http.Response) []byte {
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	closed := resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || closed != nil {
		return nil
	}
	return body
}

// complaint is what an error of Google's says, as far as it is read: google.rpc.Status with
// google.rpc.QuotaFailure and google.rpc.BadRequest.
type complaint struct {
	Error struct {
		Message string
		Details []struct {
			Violations      []struct{ Subject, Description string }
			FieldViolations []struct{ Field string }
		}
	}
}

// complaintOf is the complaint of an answer; the zero one where it is no JSON of that form.
func complaintOf(body []byte) (in complaint) {
	if json.Unmarshal(body, &in) != nil {
		return complaint{}
	}
	return in
}

// ofDevice reports whether it is one phone that is sent too much: of several quotas it may be,
// google.rpc.QuotaFailure tells which. Where it does not tell it may be the project's.
func (c complaint) ofDevice() bool {
	for _, d := range c.Error.Details {
		for _, v := range d.Violations {
			if strings.Contains(strings.ToLower(v.Subject+" "+v.Description), "device") {
				return true
			}
		}
	}
	return false
}

// ofToken reports whether it is the address that is malformed, by the sentence or by the field
// that is named. A payload that is too large, or a bad key in it, has the same code.
func (c complaint) ofToken() bool {
	if strings.Contains(strings.ToLower(c.Error.Message), "registration token") {
		return true
	}
	for _, d := range c.Error.Details {
		for _, v := range d.FieldViolations {
			if v.Field == "message.token" {
				return true
			}
		}
	}
	return false
}

// refusedProof is an answer where there is no token: 401 where the service account is
// refused, 503 where nobody could be asked.
func refusedProof(r *http.Request, err error) *http.Response {
	resp := unavailable(r)
	if refused(err) {
		const body = `{"error":{"code":401,"message":"the service account was refused","status":"UNAUTHENTICATED"}}`
		resp.Status, resp.StatusCode, resp.ContentLength = "401 refused", http.StatusUnauthorized, int64(len(body))
		resp.Body = io.NopCloser(bytes.NewReader([]byte(body)))
		resp.Header.Del("Retry-After")
		resp.Header.Del(unansweredHeader)
	}
	return resp
}

// refused reports whether a service account was refused, and not only unlucky.
func refused(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && (e.Response == nil || e.Response.StatusCode < http.StatusInternalServerError)
}

// signs makes sure that a service account has a key, before anything is sent with it.
func signs(text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("private_key is no PEM")
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return nil
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return nil
	}
	return errors.New("private_key is no RSA key")
}
