package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store/sqlite"
	syncer "github.com/lumbung-ikm/lumbung/sync"
)

// house is a server on a fresh database, with a clock that stands still and an
// inbox for login codes.
type house struct {
	*api.Server
	parts api.Parts
	clock *clock.Fixed
	box   *inbox
	ids   id.Maker
	log   *bytes.Buffer
}

func start() time.Time { return time.Date(2022, 5, 5, 2, 11, 9, 0, time.UTC) }

// inbox keeps the codes that were sent, by challenge.
type inbox struct {
	mu    sync.Mutex
	codes map[string]string
}

func (b *inbox) Send(_ context.Context, m auth.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codes[m.Key] = m.Code
	return nil
}

func (b *inbox) code(challenge string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.codes[challenge]
}

// open makes a house; change may replace parts before the server is made.
func open(t testing.TB, change ...func(*api.Parts)) *house {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "l.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	schema, err := domain.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{clock: clock.At(start()), box: &inbox{codes: map[string]string{}}, log: &bytes.Buffer{}}
	h.ids = id.Maker{Clock: h.clock, Rand: rand.Reader}
	log := slog.New(slog.NewJSONHandler(&locked{w: h.log}, nil))
	engine := &syncer.Engine{Store: db, Schema: schema, Clock: h.clock, IDs: h.ids, Log: log}
	people := &auth.Service{Store: db.Identity(), Clock: h.clock, IDs: h.ids, Rand: rand.Reader, Sender: h.box, Pepper: []byte(strings.Repeat("p", 32)),
		Issuer: "https://lumbung.test", Audience: "lumbung", Limits: auth.DefaultLimits(), Log: log}
	people.Limits.Argon = auth.Argon{Memory: 64, Passes: 1, Threads: 1} // what is tested is not how long it takes
	work := &programme.Service{Engine: engine, People: people, Clock: h.clock}
	engine.Steps = work.Steps()
	people.OnUser = work.Welcome
	push := &notify.Service{Store: db.Identity(), Inbox: work, Senders: map[string]notify.Sender{"fcm": notify.LogSender{Log: log}}, Clock: h.clock, Rand: rand.Reader, Log: log, Limits: notify.DefaultLimits()}
	work.Bell, people.OnEnd, push.Still = push, push.Leave, people.LoggedInOn
	trail := &programme.Trail{Engine: engine, Clock: h.clock, IDs: h.ids, Log: log}
	people.OnEvent = trail.Event
	h.parts = api.Parts{Push: push, Engine: engine, Trail: trail, Auth: people, Programme: work, Replies: db.Identity(), Clock: h.clock, IDs: h.ids, Log: log, Version: "test"}
	for _, c := range change {
		c(&h.parts)
	}
	h.Server = api.New(h.parts)
	return h
}

// locked lets several goroutines write one buffer.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// person is somebody who is logged in.
type person struct {
	*house
	auth.Login
}

// login logs a number in on its first phone.
func (h *house) login(t testing.TB, phone string) person {
	t.Helper()
	return h.loginOn(t, phone, "0190aaaa-0000-4000-8000-"+phone[len(phone)-9:]+"000")
}

// loginOn logs a number in on a phone.
func (h *house) loginOn(t testing.TB, phone, install string) person {
	t.Helper()
	ctx := t.Context()
	c, err := h.parts.Auth.RequestCode(ctx, auth.CodeRequest{Phone: phone, Purpose: auth.PurposeLogin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.parts.Auth.Deliver(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := h.parts.Auth.Verify(ctx, auth.VerifyRequest{Challenge: c.ID, Phone: phone, Code: h.box.code(c.ID),
		Device: auth.DeviceInfo{Install: install, Platform: "android", AppVersion: "1.4.2"}})
	if err != nil {
		t.Fatal(err)
	}
	return person{h, l}
}

// do sends a request in this process.
func (h *house) do(t testing.TB, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://lumbung.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := h.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func (p person) do(t testing.TB, method, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	return p.house.do(t, method, path, body, append([]string{"Authorization", "Bearer " + p.Access}, header...)...)
}

func TestASyncOfSomebodyNew(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	resp, body := p.do(t, "POST", "/v1/sync", `{"clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}}`)
	if resp.StatusCode != 200 || !json.Valid([]byte(body)) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, body = h.do(t, "POST", "/v1/sync", `{}`)
	if resp.StatusCode != 401 || !strings.Contains(body, "token_missing") || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
