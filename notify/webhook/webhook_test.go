package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webhook"
)

const secret = "a secret of thirty-two characters"

func noon() time.Time { return time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC) }

// service is a messaging service behind TLS on this machine. It takes what is signed.
type service struct {
	*testing.T
	*httptest.Server

	mu     sync.Mutex
	got    []string // bodies
	ids    []string
	answer func(w http.ResponseWriter) // nil: 202
}

func newService(t *testing.T) (*service, *webhook.Client) {
	t.Helper()
	s := &service{T: t}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, webhook.New(webhook.Options{URL: s.URL + "/pesan", Secret: secret, Clock: clock.At(noon()), Roots: roots})
}

// ServeHTTP verifies a call as docs/push.md tells a service to.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(r.Header.Get("Lumbung-Timestamp") + "."))
	h.Write(body)
	if !hmac.Equal([]byte(r.Header.Get("Lumbung-Signature")), []byte("v1="+hex.EncodeToString(h.Sum(nil)))) || r.Header.Get("Lumbung-Timestamp") != "1647486000" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	s.got, s.ids = append(s.got, string(body)), append(s.ids, r.Header.Get("Idempotency-Key"))
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		answer(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (s *service) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.got...)
}

func result() notify.Message {
	return notify.Message{ID: "d1", Channel: "whatsapp", To: "+628117000123", Template: "N06", Locale: "id", Params: map[string]string{"title": "Hasil kurasi sudah terbit", "body": "Ketuk untuk melihat."}}
}

// TestAMessageIsSignedAndNamed: the service knows from whom it is, and that it had it before.
func TestAMessageIsSignedAndNamed(t *testing.T) {
	t.Parallel()
	s, c := newService(t)
	for range 2 {
		if err := c.Send(t.Context(), result()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Check(t.Context(), "t1"); err != nil {
		t.Fatal(err)
	}
	want := `{"id":"d1","channel":"whatsapp","to":"+628117000123","template":"N06","locale":"id","params":{"body":"Ketuk untuk melihat.","title":"Hasil kurasi sudah terbit"}}`
	if got := s.bodies(); len(got) != 3 || got[0] != want || got[1] != want || got[2] != `{"id":"t1","template":"test"}` {
		t.Errorf("%q", got)
	}
	if fmt.Sprint(s.ids) != "[d1 d1 t1]" {
		t.Errorf("%v", s.ids)
	}
	other := webhook.New(webhook.Options{URL: "http" + strings.TrimPrefix(s.URL, "https"), Secret: secret})
	if f := notify.FailureOf(other.Send(t.Context(), result())); f == nil {
		t.Error("plain http to a TLS socket is taken")
	}
}

// TestEveryAnswerIsSorted into a class and code, and nothing of the message gets into the
// error.
func TestEveryAnswerIsSorted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status    int
		after     string
		class     notify.Class
		code      string
		wait      time.Duration
		ambiguous bool
	}{
		{200, "", 0, "", 0, false}, {201, "", 0, "", 0, false}, {202, "", 0, "", 0, false}, {204, "", 0, "", 0, false},
		{307, "", notify.Broken, "webhook_refused", 0, false}, {401, "", notify.Broken, "webhook_refused", 0, false}, {403, "", notify.Broken, "webhook_refused", 0, false}, {404, "", notify.Broken, "webhook_refused", 0, false},
		{402, "", notify.Broken, "payment_required", 0, false}, {410, "", notify.Gone, "number_unreachable", 0, false},
		{400, "", notify.Refused, "invalid_request", 0, false}, {413, "", notify.Refused, "invalid_request", 0, false}, {422, "", notify.Refused, "invalid_request", 0, false},
		{429, "30", notify.SlowDown, "too_many", 30 * time.Second, false}, {429, "x", notify.SlowDown, "too_many", 0, false}, {429, "9999999", notify.SlowDown, "too_many", time.Hour, false},
		{500, "", notify.Later, "unavailable", 0, true}, {502, "", notify.Later, "unavailable", 0, true}, {504, "", notify.Later, "unavailable", 0, true},
		{503, "5", notify.Later, "unavailable", 5 * time.Second, false}, {501, "", notify.Later, "unavailable", 0, false},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.after), func(t *testing.T) {
			t.Parallel()
			s, c := newService(t)
			s.answer = func(w http.ResponseWriter) {
				w.Header().Set("Location", s.URL+"/elsewhere")
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, "you said +628117000123")
			}
			err := c.Send(t.Context(), result())
			f := notify.FailureOf(err)
			switch {
			case tt.code == "" && err != nil:
				t.Error(err)
			case tt.code != "" && (f == nil || f.Class != tt.class || f.Code != tt.code || f.RetryAfter != tt.wait || f.Ambiguous != tt.ambiguous):
				t.Errorf("%+v", f)
			case err != nil && strings.Contains(err.Error(), "8117000123"):
				t.Error(err)
			}
			if len(s.bodies()) != 1 {
				t.Errorf("%d calls", len(s.bodies()))
			}
		})
	}
}

// TestWhoIsNotThere: what never left is not ambiguous, what got no answer is.
func TestWhoIsNotThere(t *testing.T) {
	t.Parallel()
	s, c := newService(t)
	s.answer = func(http.ResponseWriter) { panic(http.ErrAbortHandler) }
	if f := notify.FailureOf(c.Send(t.Context(), result())); f == nil || f.Class != notify.Later || !f.Ambiguous || f.Code != "unavailable" {
		t.Errorf("cut: %+v", f)
	}
	ctx, stop := context.WithCancel(t.Context())
	s.answer = func(http.ResponseWriter) { stop(); panic(http.ErrAbortHandler) }
	if f := notify.FailureOf(c.Send(ctx, result())); f == nil || f.Code != "timeout" || !f.Ambiguous {
		t.Errorf("given up: %+v", f)
	}
	s.Close()
	if f := notify.FailureOf(c.Send(t.Context(), result())); f == nil || f.Class != notify.Later || f.Ambiguous || f.Code != "unreachable" || strings.Contains(f.Error(), "127.0.0.1") {
		t.Errorf("closed: %+v", f)
	}
}

// counted is what figures were told.
type counted struct {
	mu  sync.Mutex
	all []string
}

// Pushed keeps the promise of notify.Tally.
func (c *counted) Pushed(provider, kind, code string, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, provider+" "+kind+" "+code)
}

// Arrived keeps the promise of notify.Tally.
func (c *counted) Arrived(string, time.Duration) {}

// TestLoginCodes go to the service once paid for, and neither code nor number are told.
func TestLoginCodes(t *testing.T) {
	t.Parallel()
	s, c := newService(t)
	var log bytes.Buffer
	at, tally := clock.At(noon()), &counted{}
	purse := &notify.Purse{Name: "codes", PerDay: 2, Counters: &storefault.MemoryIdentity{}, Clock: at, Log: slog.New(slog.NewTextHandler(&log, nil))}
	codes := webhook.Codes{Messenger: notify.Paid{Messenger: c, Purse: purse}, Tally: tally, Clock: at}
	send := func(key string) error {
		return codes.Send(t.Context(), auth.Message{Key: key, Phone: "+628117000123", Purpose: auth.PurposeLogin, Code: "493817", Expires: noon().Add(5 * time.Minute)})
	}
	status := http.StatusAccepted
	s.answer = func(w http.ResponseWriter) { w.WriteHeader(status) }
	for i, want := range []struct {
		status int
		kind   fault.Kind // of an error
		ok     bool
		spent  int
	}{
		{202, 0, true, 1}, {429, fault.Transient, false, 1}, {401, fault.Transient, false, 1}, {422, fault.Internal, false, 1}, {410, fault.Internal, false, 1},
		{500, fault.Transient, false, 2}, // nobody knows: it counts
		{202, fault.Internal, false, 2},  // the purse is empty: nothing is called
	} {
		status = want.status
		before := len(s.bodies())
		err := send(fmt.Sprint("c", i))
		if (err == nil) != want.ok || err != nil && fault.KindOf(err) != want.kind {
			t.Errorf("%d: %v", i, err)
		}
		if err != nil && (strings.Contains(err.Error(), "493817") || strings.Contains(err.Error(), "8117000123")) {
			t.Errorf("%d: it is told: %v", i, err)
		}
		if spent, err := purse.Spent(t.Context()); err != nil || spent != want.spent {
			t.Errorf("%d: spent %d, %v", i, spent, err)
		}
		if calls := len(s.bodies()) - before; calls != 1 && i < 6 || calls != 0 && i == 6 {
			t.Errorf("%d: %d calls", i, calls)
		}
	}
	if got := s.bodies()[0]; got != `{"id":"c0","channel":"any","to":"+628117000123","template":"login_code","locale":"id","params":{"code":"493817","minutes":"5","purpose":"login"}}` {
		t.Error(got)
	}
	if err := send("c8"); err == nil {
		t.Error("the purse is empty, and it goes on")
	}
	at.Advance(14 * time.Hour) // 00:00 WIB of the next day
	status = http.StatusAccepted
	err := notify.Paid{Messenger: c, Purse: purse}.Send(t.Context(), result())
	if spent, of := purse.Spent(t.Context()); err != nil || of != nil || spent != 1 {
		t.Errorf("on the next day: %v, spent %d, %v", err, spent, of)
	}
	if strings.Count(log.String(), "the bound of a day") != 1 || strings.Contains(log.String(), "493817") {
		t.Errorf("the log: %s", &log)
	}
	if fmt.Sprint(tally.all) != "[webhook login_code sent webhook login_code too_many webhook login_code webhook_refused webhook login_code invalid_request webhook login_code number_unreachable webhook login_code unavailable webhook login_code message_cap webhook login_code message_cap]" {
		t.Errorf("%v", tally.all)
	}
}

// TestAPurseIsNotOverdrawn by many who pay at once.
func TestAPurseIsNotOverdrawn(t *testing.T) {
	t.Parallel()
	s, c := newService(t)
	counters := &storefault.MemoryIdentity{}
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for p := range 2 { // processes
		paid := notify.Paid{Messenger: c, Purse: &notify.Purse{Name: "notices", PerDay: 10, Counters: counters, Clock: clock.At(noon()), Log: slog.New(slog.DiscardHandler)}}
		for n := range 20 {
			all.Go(func() {
				m := result()
				m.ID = fmt.Sprint(p, n)
				if paid.Send(t.Context(), m) == nil {
					mu.Lock()
					taken++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if taken > 10 || taken < 9 || len(s.bodies()) != taken { // one of two processes may look while the other has taken one that it gives back
		t.Errorf("%d were taken, %d calls", taken, len(s.bodies()))
	}
}
