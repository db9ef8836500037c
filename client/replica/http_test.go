package replica_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// behind puts a phone behind a web server made of a function.
func behind(t *testing.T, do http.HandlerFunc) (*hand, *replica.HTTP) {
	t.Helper()
	s := httptest.NewServer(do)
	t.Cleanup(s.Close)
	h := phone(t, &replica.Memory{})
	web := &replica.HTTP{Base: s.URL, Client: &http.Client{Timeout: 10 * time.Second}, Phone: h.Client}
	h.Server = web
	h.ok(h.KeepSession(replica.Session{Access: "access", Refresh: "refresh"}))
	return h, web
}

// TestAPortalThatSaysYes is a hotel's network that answers everything with 200,
// and with anything but what the server would say.
func TestAPortalThatSaysYes(t *testing.T) {
	for _, body := range []string{"", "{}", "null", "[]", `"ok"`, "<html>Selamat datang</html>", `{"now":"today"}`, `{"access_token":"x"}`, `{"refresh_token":"x"}`} {
		expired := false
		h, web := behind(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/sync" && expired {
				w.WriteHeader(http.StatusUnauthorized)
				body := `{"code":"token_expired"}`
				_, _ = io.WriteString(w, body)
				return
			}
			_, _ = io.WriteString(w, body)
		})
		h.have(5, row(item, 5, 10))
		h.edit(item, 11)
		before, err := h.Session()
		h.ok(err)
		for what, err := range map[string]error{
			"login": web.Login(t.Context(), "+628117000001", "c", "123456", replica.Device{Install: "i"}),
			"sync":  h.Sync(t.Context()),
			"code":  func() error { _, err := web.RequestCode(t.Context(), "+628117000001", "i"); return err }(),
		} {
			if fault.KindOf(err) != fault.Transient || fault.CodeOf(err) != "network" {
				t.Errorf("%q: %s gives %v", body, what, err)
			}
		}
		expired = true
		if err := h.Sync(t.Context()); fault.CodeOf(err) != "network" {
			t.Errorf("%q: refresh gives %v", body, err)
		}
		after, err := h.Session()
		h.ok(err)
		if after != before || h.Me().User != me || h.unsent() != 1 || h.shows(item) != 11 {
			t.Errorf("%q: session %+v, %+v, %d unsent, shows %d", body, after, h.Me(), h.unsent(), h.shows(item))
		}
	}
}

// TestALoginWhileARefreshIsUnderWay keeps the session of who logged in last.
func TestALoginWhileARefreshIsUnderWay(t *testing.T) {
	var h *hand
	var web *replica.HTTP
	h, web = behind(t, func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"access_token": "old user's", "refresh_token": "old user's"}
		switch {
		case r.URL.Path == "/v1/auth/login":
			answer = map[string]any{"access_token": "new user's", "refresh_token": "new user's", "incarnation": "incarnation-9",
				"user": map[string]string{"id": other}, "device": map[string]string{"id": "device-1"}}
		case r.URL.Path == "/v1/auth/refresh":
			h.ok(web.Login(t.Context(), "+628117000002", "c", "123456", replica.Device{Install: "i"}))
		case r.Header.Get("Authorization") == "Bearer access":
			w.WriteHeader(http.StatusUnauthorized)
			answer = map[string]any{"code": "token_expired"}
		default:
			answer = map[string]any{"now": "2022-05-05T02:30:00.000Z", "poll_after_s": 900}
		}
		h.ok(json.NewEncoder(w).Encode(answer))
	})
	h.ok(h.Sync(t.Context()))
	s, err := h.Session()
	h.ok(err)
	if h.Me().User != other || s.Access != "new user's" || s.Refresh != "new user's" {
		t.Errorf("%s has the session %+v", h.Me().User, s)
	}
}

func TestWhatAStatusMeansToAPhone(t *testing.T) {
	for status, want := range map[int]fault.Kind{400: fault.Unreadable, 401: fault.Unauthorized, 403: fault.Forbidden, 404: fault.NotFound, 409: fault.Conflict, 412: fault.Stale,
		413: fault.TooLarge, 422: fault.Invalid, 426: fault.Outdated, 429: fault.TooMany, 500: fault.Transient, 502: fault.Transient, 503: fault.Transient, 504: fault.Transient} {
		h, web := behind(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":"busy","title":"x"}`)
		})
		err := web.Call(t.Context(), http.MethodGet, "/v1/me", nil, nil, nil)
		if fault.KindOf(err) != want || fault.CodeOf(err) != "busy" {
			t.Errorf("%d means %v", status, err)
		}
		if h.Me().User != me {
			t.Errorf("%d changed who uses the phone", status)
		}
	}
}

// TestARefusalOnTheWaySaysNothingAboutAnEdit: what a proxy refuses is neither
// put aside nor answered.
func TestARefusalOnTheWaySaysNothingAboutAnEdit(t *testing.T) {
	for _, status := range []int{400, 403, 404, 405, 411, 413, 500, 502} {
		h, _ := behind(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>nginx</html>")
		})
		for n := range 3 {
			h.edit("", n)
		}
		if err := h.Sync(t.Context()); fault.CodeOf(err) != "network" {
			t.Errorf("%d gives %v", status, err)
		}
		refused, err := h.Refused()
		if err != nil || len(refused) != 0 || h.unsent() != 3 {
			t.Errorf("%d: %d refused, %d unsent, %v", status, len(refused), h.unsent(), err)
		}
	}
}

// TestAProxyWithASmallLimitGetsSmallerBatches halves until it fits.
func TestAProxyWithASmallLimitGetsSmallerBatches(t *testing.T) {
	var sizes []int
	inner := picky(1000, -1, &sizes)
	h, _ := behind(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var req protocol.Request
		if err != nil || json.Unmarshal(body, &req) != nil || len(body) > 4000 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		resp, err := inner(req)
		if err == nil {
			err = json.NewEncoder(w).Encode(resp)
		}
		if err != nil {
			t.Error(err)
		}
	})
	for n := range 40 {
		h.edit("", n)
	}
	h.ok(h.Sync(t.Context()))
	if h.unsent() != 0 {
		t.Errorf("%d edits wait", h.unsent())
	}
}

// TestASyncWithoutEditsSaysNothingOfAPush: a server that has too much to do knows it by
// that, and lets those who bring edits go first.
func TestASyncWithoutEditsSaysNothingOfAPush(t *testing.T) {
	var bodies []string
	h, _ := behind(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("%v, packed as %q", err, r.Header.Get("Content-Encoding"))
		}
		bodies = append(bodies, string(b))
		http.Error(w, "", http.StatusServiceUnavailable)
	})
	h.have(5, row(item, 5, 10))
	for range 2 {
		if err := h.Sync(t.Context()); fault.KindOf(err) != fault.Transient {
			t.Fatal(err)
		}
		h.edit(item, 11)
	}
	if len(bodies) != 2 || strings.Contains(bodies[0], `"push"`) || !strings.Contains(bodies[1], `"push"`) {
		t.Errorf("sent %q", bodies)
	}
}
