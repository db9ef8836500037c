package replica

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// HTTP is a Server behind a URL. It logs in, keeps the session fresh and speaks
// JSON.
type HTTP struct {
	Base     string       // such as "https://lumbung.example", without a slash at the end
	Client   *http.Client // must have a timeout
	Language string       // "id" (default) or "en"
	Phone    *Client      // whose session is used and kept
}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 16 << 20

// Challenge is a one-time code on its way to a telephone.
type Challenge struct {
	ID string `json:"challenge"`
}

// Device is what the phone says about itself at login.
type Device struct {
	Install    string `json:"install_id"`
	Platform   string `json:"platform,omitempty"`
	Model      string `json:"model,omitempty"`
	OSVersion  string `json:"os_version,omitempty"`
	AppVersion string `json:"app_version,omitempty"`
}

// RequestCode asks for a one-time code.
func (h *HTTP) RequestCode(ctx context.Context, phone, install string) (Challenge, error) {
	var c Challenge
	err := h.call(ctx, http.MethodPost, "/v1/auth/code", "", nil, map[string]any{"phone": phone, "install_id": install}, &c)
	if err == nil && c.ID == "" {
		err = foreign()
	}
	return c, err
}

// foreign is the error of an answer that reads, but is not the server's: such as
// a portal's, which says yes to everything.
func foreign() error {
	return &fault.Error{Kind: fault.Transient, Code: "network", Text: "the answer is not the server's"}
}

// login is the answer to a right code.
type login struct {
	Access      string `json:"access_token"`
	Refresh     string `json:"refresh_token"`
	Incarnation string `json:"incarnation"`
	User        struct {
		ID string `json:"id"`
	} `json:"user"`
	Device struct {
		ID string `json:"id"`
	} `json:"device"`
}

// Login proves the number and makes its user the user of this installation.
func (h *HTTP) Login(ctx context.Context, phone, challenge, code string, d Device) error {
	return h.enter(ctx, "/v1/auth/login", map[string]any{"challenge": challenge, "phone": phone, "code": code, "device": d})
}

// PasswordLogin logs an admin in with a password and a code of the second factor. A code
// is taken once: whoever got no answer waits for the next.
func (h *HTTP) PasswordLogin(ctx context.Context, phone, password, code string, d Device) error {
	return h.enter(ctx, "/v1/auth/password", map[string]any{"phone": phone, "password": password, "code": code, "device": d})
}

// enter makes whoever a login is of the user of this installation.
func (h *HTTP) enter(ctx context.Context, path string, in any) error {
	var l login
	if err := h.call(ctx, http.MethodPost, path, "", nil, in, &l); err != nil {
		return err
	}
	if l.User.ID == "" || l.Device.ID == "" || l.Incarnation == "" || l.Access == "" || l.Refresh == "" {
		return foreign()
	}
	return h.Phone.become(Identity{User: l.User.ID, Device: l.Device.ID, Incarnation: l.Incarnation}, &Session{Access: l.Access, Refresh: l.Refresh})
}

// Sync implements Server.
func (h *HTTP) Sync(ctx context.Context, req protocol.Request) (*protocol.Response, error) {
	var resp protocol.Response
	if err := h.Call(ctx, http.MethodPost, "/v1/sync", nil, req, &resp); err != nil {
		return nil, err
	}
	if _, err := merge.ParseInstant(resp.Now); err != nil {
		return nil, foreign()
	}
	return &resp, nil
}

// Call sends an authorised request. An expired access token is refreshed once.
// A session that the server revoked removes the rows from the phone and keeps
// the outbox.
func (h *HTTP) Call(ctx context.Context, method, path string, header http.Header, in, out any) error {
	return h.authorised(ctx, func(token string) error { return h.call(ctx, method, path, token, header, in, out) })
}

// authorised does something with an access token.
func (h *HTTP) authorised(ctx context.Context, do func(token string) error) error {
	s, err := h.Phone.Session()
	if err != nil {
		return err
	}
	if s == (Session{}) {
		return errNobody
	}
	err = do(s.Access)
	if fault.CodeOf(err) == "token_expired" || fault.CodeOf(err) == "token_invalid" {
		if s, err = h.refresh(ctx, s); err == nil {
			err = do(s.Access)
		}
	}
	if fault.CodeOf(err) == "session_revoked" {
		return errors.Join(err, h.Phone.Forget())
	}
	return err
}

// refresh trades the refresh token. The new one is stored before it is used: if
// the answer gets lost, the old one works once more.
func (h *HTTP) refresh(ctx context.Context, s Session) (Session, error) {
	var l login
	if err := h.call(ctx, http.MethodPost, "/v1/auth/refresh", "", nil, map[string]any{"refresh_token": s.Refresh}, &l); err != nil {
		return s, err
	}
	if l.Access == "" || l.Refresh == "" {
		return s, foreign()
	}
	return h.Phone.renewed(s, Session{Access: l.Access, Refresh: l.Refresh})
}

func (h *HTTP) call(ctx context.Context, method, path, token string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.Base+path, body)
	if err != nil {
		return err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept-Language", h.Language)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := h.Client.Do(req)
	if err != nil {
		return &fault.Error{Kind: fault.Transient, Code: "network", Text: "no answer", Cause: err}
	}
	defer resp.Body.Close()
	return readAnswer(resp, out)
}

func readAnswer(resp *http.Response, out any) error {
	var r io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r)
		if err != nil {
			return &fault.Error{Kind: fault.Transient, Code: "network", Text: "answer is cut", Cause: err}
		}
		r = z
	}
	b, err := io.ReadAll(io.LimitReader(r, maxAnswer))
	if err != nil {
		return &fault.Error{Kind: fault.Transient, Code: "network", Text: "answer is cut", Cause: err}
	}
	if resp.StatusCode >= 300 {
		return problem(resp, b)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := jsonv2.Unmarshal(b, out); err != nil {
		return &fault.Error{Kind: fault.Transient, Code: "network", Text: "answer does not read", Cause: err}
	}
	return nil
}

// problem turns a problem document into what a phone can do about it.
func problem(resp *http.Response, body []byte) error {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Title  string `json:"title"`
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" {
		return betweenUs(resp.StatusCode, err)
	}
	e := &fault.Error{Kind: kindOfStatus(resp.StatusCode), Code: p.Code, Text: p.Title}
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.After = time.Duration(s) * time.Second
	}
	return e
}

// betweenUs is a refusal without a code: cut, or by somebody on the way, such as
// a proxy or a portal. Nobody knows what it meant, so it ends no session and
// says nothing about an edit; a smaller request may get through, if size is what
// it is about.
func betweenUs(status int, cause error) error {
	e := &fault.Error{Kind: fault.Transient, Code: "network", Text: "answer " + strconv.Itoa(status) + " does not read", Cause: cause}
	if status == http.StatusRequestEntityTooLarge {
		e.Kind = fault.TooLarge
	}
	return e
}

func kindOfStatus(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized:
		return fault.Unauthorized
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound:
		return fault.NotFound
	case http.StatusConflict:
		return fault.Conflict
	case http.StatusPreconditionFailed:
		return fault.Stale
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusUpgradeRequired:
		return fault.Outdated
	case http.StatusTooManyRequests:
		return fault.TooMany
	case http.StatusBadRequest:
		return fault.Unreadable
	case http.StatusUnprocessableEntity:
		return fault.Invalid
	}
	return fault.Transient
}
