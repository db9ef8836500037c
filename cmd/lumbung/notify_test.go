package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// screen is a buffer that a running command writes to and a test reads.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps the promise of io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// until asks until it is so, for twenty seconds at most.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick, late := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

// free is an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// start runs the program beside the test until stop, or the end of the test.
func start(t *testing.T, env map[string]string, args ...string) (out, log *screen, stop func()) {
	t.Helper()
	out, log = &screen{}, &screen{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, func(name string) string { return env[name] }, strings.NewReader(""), out, log)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("%q: %v", args, err)
		}
	})
	t.Cleanup(stop)
	return out, log, stop
}

// opens waits until somebody listens.
func opens(t *testing.T, address string) {
	t.Helper()
	until(t, "somebody listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			err = conn.Close()
		}
		return err == nil
	})
}

// caller asks a server.
type caller struct {
	*testing.T
	url, token string
}

// ask sends JSON and reads JSON; it fails for an answer of 400 or more.
func (c *caller) ask(method, path string, in any, out any) {
	c.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.Context(), method, c.url+path, bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		c.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, text)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		c.Fatalf("%s %s: %v %s", method, path, err, text)
	}
}

// credentials asks a fake for its file.
func (c *caller) credentials() string {
	var text json.RawMessage
	c.ask(http.MethodGet, "/fake/credentials", nil, &text)
	return string(text)
}

type fakePhone struct {
	Address string `json:"address"`
	Cards   []struct{ Title, Body, Tag string }
	Seen    []struct {
		Content struct{ Data map[string]string }
	}
}

// TestAnAppIsTriedOnTheFakeService: the service as a command, a server that is pointed at it
// by settings, and a phone that registers and is rung for what its person should know.
func TestAnAppIsTriedOnTheFakeService(t *testing.T) {
	t.Parallel()
	fakeAt, serverAt := free(t), free(t)
	shown, _, _ := start(t, nil, "fcm-fake", "-listen", fakeAt, "-project", "desa")
	opens(t, fakeAt)
	fake := &caller{t, "http://" + fakeAt, ""}
	var phone fakePhone
	fake.ask(http.MethodPost, "/fake/phones", nil, &phone)

	db := filepath.Join(t.TempDir(), "l.db")
	env := map[string]string{"LUMBUNG_STORE": db, "LUMBUNG_TEST_NUMBERS": "+628117000001=482915", "LUMBUNG_FCM_CREDENTIALS": fake.credentials(), "LUMBUNG_FCM_ENDPOINT": "http://" + fakeAt,
		"LUMBUNG_WORKERS_EVERY": "100ms", "LUMBUNG_OTP_SENDER": "none"}
	_, log, stop := start(t, env, "serve", "-listen", serverAt)
	opens(t, serverAt)
	server := &caller{t, "http://" + serverAt, ""}
	var asked struct{ Challenge string }
	server.ask(http.MethodPost, "/v1/auth/code", map[string]string{"phone": "+628117000001"}, &asked)
	var in struct {
		Access string `json:"access_token"`
		Device struct{ ID string }
		User   struct{ ID string }
	}
	server.ask(http.MethodPost, "/v1/auth/login", map[string]any{"challenge": asked.Challenge, "phone": "+628117000001", "code": "482915", "device": map[string]string{"install_id": "0190aaaa-0000-4000-8000-00000000c041"}}, &in)
	server.token = in.Access
	server.ask(http.MethodPut, "/v1/me/devices/"+in.Device.ID+"/push", map[string]string{"provider": "fcm", "kind": "token", "value": phone.Address, "locale": "id"}, nil)

	stop()
	letter(t, db, in.User.ID)
	_, again, _ := start(t, env, "serve", "-listen", serverAt)
	until(t, "the phone rings", func() bool {
		fake.ask(http.MethodGet, "/fake/phones/"+phone.Address, nil, &phone)
		return len(phone.Cards) == 1
	})
	card, data := phone.Cards[0], phone.Seen[0].Content.Data
	if card.Title == "" || card.Body == "" || data["type"] != domain.NoticeResults || data["link"] != "app://hasil/x" || data["push"] == "" || data["items"] == "" {
		t.Errorf("%+v", phone)
	}
	for _, want := range []string{"Project desa at http://" + fakeAt, "LUMBUNG_FCM_CREDENTIALS_FILE=fcm.json LUMBUNG_FCM_ENDPOINT=http://" + fakeAt, "…" + phone.Address[len(phone.Address)-8:], card.Title} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("not shown: %s\n%s", want, shown)
		}
	}
	if strings.Contains(log.String()+again.String(), phone.Address) {
		t.Error("the log knows the address")
	}
}

// letter puts an item about results into somebody's inbox, in a database that no server is
// at work on. Phones are rung for it by whichever server comes next.
func letter(t *testing.T, db, user string) {
	t.Helper()
	cfg := config.Default()
	cfg.Store = db
	a, err := app.New(t.Context(), cfg, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []merge.ServerWrite{
		{Role: merge.Self, Collection: "preference", ID: domain.PreferenceID(user), Set: map[string]merge.Value{"quiet_from": merge.Str("00:00"), "quiet_to": merge.Str("00:00")}}, // at whatever hour the test runs
		{Role: merge.System, Collection: "inbox", ID: a.Engine.IDs.New(), Set: map[string]merge.Value{"type": merge.Str(domain.NoticeResults), "class": merge.Str("results"), "deep_link": merge.Str("app://hasil/x"), "scope": merge.Str("programmes")}},
	} {
		w.Name, w.Author, w.Op, w.Create = "rest.test."+w.Collection, user, merge.Put, true
		if _, err := a.Engine.Write(t.Context(), merge.UserScope(user), w); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// notified runs lumbung notify test.
func notified(t *testing.T, env map[string]string, args ...string) (out string, err error) {
	t.Helper()
	var shown, log bytes.Buffer
	err = run(t.Context(), append([]string{"notify", "test"}, args...), func(name string) string { return env[name] }, strings.NewReader(""), &shown, &log)
	return shown.String() + log.String(), err
}

// TestProvidersAreTriedBeforeTheyAreNeeded: each says in one line whether it works, nothing
// is sent, and no secret is shown.
func TestProvidersAreTriedBeforeTheyAreNeeded(t *testing.T) {
	t.Parallel()
	fakeAt := free(t)
	start(t, nil, "fcm-fake", "-listen", fakeAt)
	opens(t, fakeAt)
	fake := &caller{t, "http://" + fakeAt, ""}
	var phone fakePhone
	fake.ask(http.MethodPost, "/fake/phones", nil, &phone)
	status, called := http.StatusAccepted, ""
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.HasPrefix(r.Header.Get("Lumbung-Signature"), "v1=") {
			t.Errorf("%v, %v", err, r.Header)
		}
		called = string(body)
		w.WriteHeader(status)
	}))
	t.Cleanup(hook.Close)
	var made, told bytes.Buffer
	if err := run(t.Context(), []string{"notify", "keys"}, func(string) string { return "" }, nil, &made, &told); err != nil {
		t.Fatal(err)
	}
	private, ok := strings.CutPrefix(strings.TrimSpace(made.String()), "LUMBUNG_VAPID_KEY=")
	keys, err := webpush.KeysOf(private)
	if !ok || err != nil || !strings.Contains(told.String(), keys.Public) || strings.Contains(told.String(), private) {
		t.Fatalf("%v: %s %s", err, &made, &told)
	}
	env := map[string]string{"LUMBUNG_FCM_CREDENTIALS": fake.credentials(), "LUMBUNG_FCM_ENDPOINT": "http://" + fakeAt, "LUMBUNG_VAPID_KEY": private, "LUMBUNG_VAPID_SUBJECT": "mailto:ops@lumbung.example",
		"LUMBUNG_WEBHOOK_URL": hook.URL, "LUMBUNG_WEBHOOK_SECRET": strings.Repeat("hunter2", 5)}
	for _, args := range [][]string{nil, {"-address", phone.Address}, {"--address=" + phone.Address}} {
		out, err := notified(t, env, args...)
		if err != nil || strings.Count(out, "baik / good") != 3 || !strings.Contains(out, "fcm      baik") || !strings.Contains(out, "project demo") || !strings.Contains(out, keys.Public) || strings.Contains(out, "hunter2") || strings.Contains(out, private) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	if !strings.HasSuffix(called, `"template":"test"}`) {
		t.Errorf("the webhook was told %s", called)
	}
	fake.ask(http.MethodGet, "/fake/phones/"+phone.Address, nil, &phone)
	if len(phone.Seen) != 0 {
		t.Errorf("a test rings: %+v", phone)
	}
	status = http.StatusForbidden
	out, err := notified(t, env, "-address", "never")
	if err == nil || errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "2 of 3") || !strings.Contains(out, "fcm      gagal / failed: invalid_token") || !strings.Contains(out, "webhook  gagal / failed: webhook_refused") || !strings.Contains(out, "webpush  baik") {
		t.Errorf("%v\n%s", err, out)
	}
	inside := `{"endpoint":"https://127.0.0.1/x","keys":{"p256dh":"` + keys.Public + `","auth":"AAAAAAAAAAAAAAAAAAAAAA"}}`
	if out, err := notified(t, env, "-address", inside); err == nil || !strings.Contains(out, "webpush  gagal") || !strings.Contains(out, "fcm      baik") {
		t.Errorf("%v\n%s", err, out)
	}
	env["LUMBUNG_FCM_CREDENTIALS"] = strings.Replace(env["LUMBUNG_FCM_CREDENTIALS"], fakeAt+"/token", free(t)+"/token", 1)
	if out, err := notified(t, env); err == nil || !strings.Contains(out, "fcm      gagal / failed: unreachable") {
		t.Errorf("%v\n%s", err, out)
	}
	env["LUMBUNG_FCM_CREDENTIALS"] = regexp.MustCompile(`"project_id":\s*"demo"`).ReplaceAllString(fake.credentials(), `"project_id":"other"`)
	if out, err := notified(t, env); err == nil || !strings.Contains(out, "fcm      gagal / failed: permission_denied") {
		t.Errorf("a project in which it may not send: %v\n%s", err, out)
	}
	whole := env["LUMBUNG_FCM_CREDENTIALS"]
	env["LUMBUNG_FCM_CREDENTIALS"] = regexp.MustCompile(`"private_key":\s*"[^"]*"`).ReplaceAllString(whole, `"private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"`)
	for _, args := range [][]string{nil, {"-address", phone.Address}} {
		if out, err := notified(t, env, args...); err == nil || errors.As(err, new(usageError)) || env["LUMBUNG_FCM_CREDENTIALS"] == whole || !strings.Contains(out, "fcm      gagal") || !strings.Contains(out, "webpush  baik") || strings.Contains(out, "AAAA") {
			t.Errorf("a key that is none, %q: %v\n%s", args, err, out)
		}
	}
	if _, err := notified(t, nil); err == nil || !strings.Contains(err.Error(), "no provider is set up") {
		t.Errorf("nothing to test: %v", err)
	}
	for _, args := range [][]string{{"notify"}, {"notify", "dance"}, {"notify", "keys", "x"}, {"notify", "test", "-address"}, {"notify", "test", "-address", "x"}, {"notify", "test", "-address", "{}"}, {"notify", "test", "x"}, {"fcm-fake", "x"}, {"fcm-fake", "-listen"}} {
		if _, _, err := lumbung(t, "", args...); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
