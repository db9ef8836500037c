package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// messaging is a messaging service beside the server.
type messaging struct {
	mu   sync.Mutex
	got  []message
	says []string
}

type message struct {
	ID, Channel, To, Template, Locale string
	Params                            map[string]string
}

func (m *messaging) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // half a body is no JSON
	var in message
	if err := json.Unmarshal(body, &in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got, m.says = append(m.got, in), append(m.says, string(body))
	w.WriteHeader(http.StatusAccepted)
}

func (m *messaging) messages() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]message{}, m.got...)
}

// withMessages is a server whose codes and messages go to a messaging service; log is
// everything that it writes.
func withMessages(t *testing.T, at clock.Clock, change func(*config.Config)) (a *app.App, m *messaging, log *bytes.Buffer) {
	t.Helper()
	m, log = &messaging{}, &bytes.Buffer{}
	h := httptest.NewServer(m)
	t.Cleanup(h.Close)
	cfg := settings(t)
	cfg.OTPSender, cfg.Admin = config.Webhook, free(t)
	cfg.Push.WebhookURL, cfg.Push.WebhookSecret, cfg.Push.Channels = h.URL, strings.Repeat("s", 32), []string{"whatsapp"}
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Stderr: log, Version: "test", Clock: at})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return a, m, log
}

// TestALoginByTheMessagingService: the code that came opens the account, the log knows
// nothing of it, and beyond the bound of a day none is sent.
func TestALoginByTheMessagingService(t *testing.T) {
	t.Parallel()
	a, m, log := withMessages(t, clock.At(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC)), func(c *config.Config) { c.Push.CodesPerDay = 1 })
	ask := func(phone string) string {
		t.Helper()
		c, err := a.Auth.RequestCode(t.Context(), auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin})
		if err != nil {
			t.Fatal(err)
		}
		return c.ID
	}
	challenge := ask("+628117000009")
	if n, err := a.Auth.Deliver(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	got := m.messages()
	if len(got) != 1 || got[0].To != "+628117000009" || got[0].Template != "login_code" || got[0].Channel != "any" || len(got[0].Params["code"]) != 6 {
		t.Fatalf("%+v", got)
	}
	code := got[0].Params["code"]
	if _, err := a.Auth.Verify(t.Context(), auth.VerifyRequest{Challenge: challenge, Phone: "+628117000009", Code: code, Device: auth.DeviceInfo{Install: "0190aaaa-0000-4000-8000-000000000009"}}); err != nil {
		t.Error(err)
	}
	ask("+628117000010")
	if _, err := a.Auth.Deliver(t.Context()); err == nil || !strings.Contains(err.Error(), "message_cap") {
		t.Errorf("beyond the bound: %v", err)
	}
	if n, err := a.Auth.Deliver(t.Context()); n != 0 || err != nil || len(m.messages()) != 1 {
		t.Errorf("it is tried again: %d, %v, %d calls", n, err, len(m.messages()))
	}
	if text := log.String(); strings.Contains(text, code) || strings.Contains(text, "8117000009") || !strings.Contains(text, "the bound of a day is reached") {
		t.Errorf("the log: %s", text)
	}
}

// TestALoginCodeInTheLanguageOfItsPerson, if the number is somebody's and they have chosen one:
// whoever asks hears the same in each case.
func TestALoginCodeInTheLanguageOfItsPerson(t *testing.T) {
	t.Parallel()
	at := clock.At(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	a, m, _ := withMessages(t, at, nil)
	for phone, locale := range map[string]string{"+628117000009": "en", "+628117000010": ""} {
		u, err := a.Auth.CreateUser(t.Context(), phone, nil)
		if err != nil {
			t.Fatal(err)
		}
		if locale == "" {
			continue
		}
		if err := a.Programme.Welcome(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		w := merge.ServerWrite{Name: "rest." + u.ID, Author: u.ID, Role: merge.Self, Collection: "user", ID: u.ID, Op: merge.Put, Set: map[string]merge.Value{"locale": merge.Str(locale)}}
		if out, err := a.Engine.Write(t.Context(), merge.UserScope(u.ID), w); err != nil {
			t.Fatalf("%v %+v", err, out)
		}
	}
	var first auth.Challenge
	for n, tt := range []struct{ phone, want string }{{"+628117000009", "en"}, {"+628117000010", "id"}, {"+628117000011", "id"}} {
		c, err := a.Auth.RequestCode(t.Context(), auth.CodeRequest{Phone: tt.phone, Purpose: auth.PurposeLogin})
		if err != nil {
			t.Fatal(err)
		}
		if c.ID = ""; n == 0 {
			first = c
		}
		if c != first {
			t.Errorf("%s is answered %+v, another number %+v", tt.phone, c, first)
		}
		if n, err := a.Auth.Deliver(t.Context()); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if got := m.messages(); len(got) != n+1 || got[n].To != tt.phone || got[n].Locale != tt.want {
			t.Errorf("%+v, want %s", got, tt.want)
		}
	}
}

// TestAResultIsWrittenToWhoHasNoPhone: by WhatsApp, once they have agreed and asked for it,
// in their language, and counted.
func TestAResultIsWrittenToWhoHasNoPhone(t *testing.T) {
	t.Parallel()
	a, m, _ := withMessages(t, clock.At(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC)), nil)
	user := login(t, a).User.ID
	scope := merge.UserScope(user)
	write := func(role merge.Role, collection, id string, set map[string]merge.Value) {
		t.Helper()
		w := merge.ServerWrite{Name: "rest." + a.Engine.IDs.New(), Author: user, Role: role, Collection: collection, ID: id, Op: merge.Put, Create: collection != "user", Set: set}
		if out, err := a.Engine.Write(t.Context(), scope, w); err != nil {
			t.Fatalf("%s: %v %+v", collection, err, out)
		}
	}
	ring := func() {
		t.Helper()
		item := a.Engine.IDs.New()
		write(merge.System, "inbox", item, map[string]merge.Value{"type": merge.Str(domain.NoticeResults), "class": merge.Str("results"), "deep_link": merge.Str("app://hasil"), "scope": merge.Str("programmes")})
		if err := a.Push.Ring(t.Context(), user, item); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Push.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	agree := func(granted bool) {
		write(merge.Self, "consent", a.Engine.IDs.New(), map[string]merge.Value{"user_id": merge.Str(user), "purpose": merge.Str("notification_whatsapp"), "granted": merge.Flag(granted), "text_version": merge.Str("2022-01-01")})
	}
	write(merge.Self, "preference", domain.PreferenceID(user), map[string]merge.Value{"results_whatsapp": merge.Flag(true)})
	write(merge.Self, "user", user, map[string]merge.Value{"locale": merge.Str("en")})
	ring()
	if got := m.messages(); len(got) != 0 {
		t.Fatalf("written to without consent: %+v", got)
	}
	agree(true)
	ring()
	got := m.messages()
	if len(got) != 1 || got[0].To != "+628117000001" || got[0].Channel != "whatsapp" || got[0].Template != domain.NoticeResults || got[0].Locale != "en" || got[0].Params["body"] == "" || len(got[0].Params) != 2 {
		t.Fatalf("%+v", got)
	}
	agree(false)
	ring()
	if n := len(m.messages()); n != 1 {
		t.Errorf("written to although they took it back: %d", n)
	}
	if err := a.Auth.Suspend(t.Context(), user); err != nil {
		t.Fatal(err)
	}
	if c, err := a.Programme.Contact(t.Context(), user); err != nil || c.Phone != "" || c.Agreed {
		t.Errorf("somebody who is suspended: %+v, %v", c, err)
	}
	if c, err := a.Programme.Contact(t.Context(), a.Engine.IDs.New()); err != nil || c.Phone != "" {
		t.Errorf("nobody: %+v, %v", c, err)
	}
	_, stop, ended := serve(t, a)
	if !waitFor(t, func() bool {
		conn, err := net.Dial("tcp", a.Config.Admin)
		if err == nil {
			err = conn.Close()
		}
		return err == nil
	}) {
		t.Fatal("the listener for operators does not open")
	}
	_, text := get(t, "http://"+a.Config.Admin+"/metrics")
	for _, want := range []string{`lumbung_messages_spent{purse="notices"} 1`, `lumbung_messages_spent{purse="codes"} 0`, `lumbung_messages_per_day{purse="notices"} 500`, `lumbung_messages_per_day{purse="codes"} 10000`,
		`lumbung_push_attempts_total{code="sent",provider="whatsapp",type="N06"} 1`, `lumbung_push_queue_depth{lane="results"} 0`, `lumbung_push_wait_seconds_count{lane="results"} 1`, `lumbung_push_queue_states{state="dead"} 0`, `lumbung_push_queue_states{state="sending"} 0`, `lumbung_push_oldest_pending_seconds{lane="results"} 0`,
		`lumbung_push_addresses{provider="fcm",state="live"} 0`, `lumbung_push_addresses{provider="fcm",state="stale"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
