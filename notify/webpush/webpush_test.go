package webpush_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/store"
)

func noon() time.Time { return time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC) }

// sender makes one that trusts a push service of this machine; change may say otherwise.
func sender(t *testing.T, s *service, change func(*webpush.Options)) (*webpush.Sender, webpush.Keys) {
	t.Helper()
	keys, err := webpush.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := webpush.Options{Key: keys.Private, Subject: "mailto:ops@lumbung.example", Clock: clock.At(noon()), Loopback: true}
	if s != nil {
		o.Roots = x509.NewCertPool()
		o.Roots.AddCert(s.Certificate())
	}
	if change != nil {
		change(&o)
	}
	out, err := webpush.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if out.PublicKey() != keys.Public {
		t.Fatalf("the public key is %s, not %s", out.PublicKey(), keys.Public)
	}
	return out, keys
}

func push(tag string) notify.Push {
	return notify.Push{ID: "p1", Type: "N06", Title: "Hasil kurasi sudah terbit", Body: "Ketuk untuk melihat.", Tag: tag, Link: "app://hasil/x", High: true, TTL: time.Hour, Items: []string{"i1", "i2"}}
}

// fails sends and gives the failure; nil if there was none.
func fails(t *testing.T, s *webpush.Sender, to store.Address, p notify.Push) *notify.Failure {
	t.Helper()
	err := s.Send(t.Context(), to, p)
	if err == nil {
		return nil
	}
	f, ok := err.(*notify.Failure)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("the address is told: %v", err)
	}
	return f
}

// TestABrowserReadsWhatWasSent: it is encrypted for it alone, proven by the key that it
// subscribed with, and as long as any other push.
func TestABrowserReadsWhatWasSent(t *testing.T) {
	t.Parallel()
	service, b := newService(t), newBrowser(t)
	s, keys := sender(t, service, nil)
	hint := notify.Push{ID: "p2", Type: "N27", Collapse: "sync", TTL: 90 * time.Second}
	usual := push("result:y")
	usual.ID, usual.High = "p3", false
	for _, p := range []notify.Push{push("result:x"), hint, usual} {
		if f := fails(t, s, b.at(service.URL+"/secret-path"), p); f != nil {
			t.Fatal(f)
		}
	}
	got := service.taken()
	if len(got) != 3 {
		t.Fatalf("%d calls", len(got))
	}
	for i, want := range []struct {
		urgency, ttl string
		says         map[string]string
	}{
		{"high", "3600", map[string]string{"push": "p1", "type": "N06", "title": "Hasil kurasi sudah terbit", "body": "Ketuk untuk melihat.", "tag": "result:x", "link": "app://hasil/x", "items": "i1,i2"}},
		{"low", "90", map[string]string{"push": "p2", "type": "N27", "title": "", "body": "", "tag": "", "link": "", "items": ""}},
		{"normal", "3600", map[string]string{"push": "p3", "type": "N06", "title": "Hasil kurasi sudah terbit", "body": "Ketuk untuk melihat.", "tag": "result:y", "link": "app://hasil/x", "items": "i1,i2"}},
	} {
		g := got[i]
		if says := b.opens(g.body); fmt.Sprint(says) != fmt.Sprint(want.says) {
			t.Errorf("%d: %v", i, says)
		}
		if g.header.Get("Urgency") != want.urgency || g.header.Get("Ttl") != want.ttl || g.header.Get("Content-Encoding") != "aes128gcm" || g.path != "/secret-path" {
			t.Errorf("%d: %v at %s", i, g.header, g.path)
		}
		if topic := g.header.Get("Topic"); len(topic) != 32 || strings.Contains(topic, "result") || i > 0 && topic == got[i-1].header.Get("Topic") {
			t.Errorf("%d: topic %q", i, topic)
		}
		if g.claims["aud"] != service.URL || g.claims["sub"] != "mailto:ops@lumbung.example" || g.claims["key"] != keys.Public {
			t.Errorf("%d: claims %v", i, g.claims)
		}
		if left := g.until().Sub(clock.System{}.Now()); left <= 0 || left > 24*time.Hour {
			t.Errorf("%d: the proof ends in %v", i, left)
		}
		if len(g.body)%256 != 0 || len(g.body) > 512 {
			t.Errorf("%d: %d bytes on the wire", i, len(g.body))
		}
	}
	if len(got[0].body) != len(got[2].body) {
		t.Error("two pushes are told apart by their lengths")
	}
}

// TestOfManyItemsAsManyAreNamedAsFit: the record stays below what every service takes.
func TestOfManyItemsAsManyAreNamedAsFit(t *testing.T) {
	t.Parallel()
	service, b := newService(t), newBrowser(t)
	s, _ := sender(t, service, nil)
	p := push("many:1")
	p.Items = nil
	for i := range 300 {
		p.Items = append(p.Items, fmt.Sprintf("01890000-0000-7000-8000-%012d", i))
	}
	if f := fails(t, s, b.at(service.URL), p); f != nil {
		t.Fatal(f)
	}
	body := service.taken()[0].body
	named := strings.Split(b.opens(body)["items"], ",")
	if len(body) > 4096 || len(named) < 75 || named[0] != p.Items[0] || named[len(named)-1] != p.Items[len(named)-1] {
		t.Errorf("%d bytes, %d items", len(body), len(named))
	}
}

// TestEveryAnswerIsSorted into a class and code; none of them says anything of the provider
// as a whole, for strangers name the services.
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
		{301, "", notify.Refused, "odd_status", 0, false}, {307, "", notify.Refused, "odd_status", 0, false},
		{400, "", notify.Refused, "invalid_request", 0, false}, {401, "", notify.Broken, "vapid_refused", 0, false}, {403, "", notify.Broken, "vapid_refused", 0, false},
		{404, "", notify.Gone, "unsubscribed", 0, false}, {410, "", notify.Gone, "unsubscribed", 0, false}, {413, "", notify.Refused, "too_large", 0, false},
		{418, "", notify.Refused, "odd_status", 0, false},
		{429, "30", notify.SlowDown, "too_many", 30 * time.Second, false}, {429, "", notify.SlowDown, "too_many", time.Minute, false},
		{429, "Thu, 17 Mar 2022 03:02:00 GMT", notify.SlowDown, "too_many", 2 * time.Minute, false}, {429, "999999999", notify.SlowDown, "too_many", time.Hour, false},
		{429, "-5", notify.SlowDown, "too_many", time.Minute, false},
		{500, "", notify.Later, "unavailable", 0, true}, {502, "", notify.Later, "unavailable", 0, true}, {503, "120", notify.Later, "unavailable", 2 * time.Minute, true},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.after), func(t *testing.T) {
			t.Parallel()
			service, b := newService(t), newBrowser(t)
			s, _ := sender(t, service, nil)
			service.answer = func(w http.ResponseWriter, _ int) {
				w.Header().Set("Location", service.URL+"/elsewhere")
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				w.WriteHeader(tt.status)
			}
			f := fails(t, s, b.at(service.URL), push("a"))
			if tt.code == "" {
				if f != nil {
					t.Error(f)
				}
			} else if f == nil || f.Class != tt.class || f.Code != tt.code || f.RetryAfter != tt.wait || f.Ambiguous != tt.ambiguous || !f.Local {
				t.Errorf("%+v", f)
			}
			if n := len(service.taken()); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

// TestAServiceThatWantsARestGetsIt, for all of its subscriptions, and others go on.
func TestAServiceThatWantsARestGetsIt(t *testing.T) {
	t.Parallel()
	busy, other := newService(t), newService(t)
	at := clock.At(noon())
	s, _ := sender(t, busy, func(o *webpush.Options) { o.Clock = at; o.Roots.AddCert(other.Certificate()) })
	busy.answer = func(w http.ResponseWriter, n int) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(map[bool]int{true: http.StatusTooManyRequests, false: http.StatusCreated}[n == 1])
	}
	for i, want := range []string{"too_many", "host_waits"} {
		if f := fails(t, s, newBrowser(t).at(busy.URL), push("a")); f == nil || f.Code != want || f.RetryAfter != 30*time.Second {
			t.Errorf("%d: %+v", i, f)
		}
	}
	if f := fails(t, s, newBrowser(t).at(other.URL), push("a")); f != nil {
		t.Error(f)
	}
	at.Advance(30 * time.Second)
	if f := fails(t, s, newBrowser(t).at(busy.URL), push("a")); f != nil || len(busy.taken()) != 2 {
		t.Errorf("%v, %d calls", f, len(busy.taken()))
	}
	at.Advance(-2 * time.Hour) // it was wrong
	if f := fails(t, s, newBrowser(t).at(busy.URL), push("a")); f != nil || len(busy.taken()) != 3 {
		t.Errorf("behind a clock that was put back: %v, %d calls", f, len(busy.taken()))
	}
}

// TestTheLongerRestCounts: of two pushes under way the first is told to wait for an hour, and the second to wait.
func TestTheLongerRestCounts(t *testing.T) {
	t.Parallel()
	busy := newService(t)
	s, _ := sender(t, busy, func(o *webpush.Options) { o.Clock = clock.At(noon()) })
	second, told := make(chan struct{}), make(chan struct{})
	busy.answer = func(w http.ResponseWriter, n int) {
		if n == 1 {
			<-second
			w.Header().Set("Retry-After", "3600")
		} else {
			close(second)
			<-told
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}
	done := make(chan *notify.Failure, 2)
	for range 2 {
		go func() {
			f := fails(t, s, newBrowser(t).at(busy.URL), push("a"))
			if f != nil && f.RetryAfter == time.Hour {
				close(told)
			}
			done <- f
		}()
	}
	for range 2 {
		if f := <-done; f == nil || f.Code != "too_many" {
			t.Errorf("%+v", f)
		}
	}
	if f := fails(t, s, newBrowser(t).at(busy.URL), push("a")); f == nil || f.Code != "host_waits" || f.RetryAfter != time.Hour {
		t.Errorf("%+v", f)
	}
}

// TestOfManyServicesThatRestTheLastAreKnown: of more than are remembered, the rest that ends first is
// forgotten, and none that is new.
func TestOfManyServicesThatRestTheLastAreKnown(t *testing.T) {
	t.Parallel()
	const known = 256
	at := clock.At(noon())
	var s *webpush.Sender
	b, all := newBrowser(t), make([]*service, known+1)
	for i := range all {
		all[i] = newService(t)
		all[i].answer = func(w http.ResponseWriter, _ int) {
			w.Header().Set("Retry-After", strconv.Itoa(100+i))
			w.WriteHeader(http.StatusTooManyRequests)
		}
		if s == nil { // they have one certificate
			s, _ = sender(t, all[i], func(o *webpush.Options) { o.Clock = at })
		}
		if f := fails(t, s, b.at(all[i].URL), push("a")); f == nil || f.Code != "too_many" {
			t.Fatalf("%d: %+v", i, f)
		}
	}
	for i, want := range map[int]string{known: "host_waits", known - 1: "host_waits", 1: "host_waits"} {
		if f := fails(t, s, b.at(all[i].URL), push("a")); f == nil || f.Code != want {
			t.Errorf("%d of %d: %+v", i, known, f)
		}
	}
	if f := fails(t, s, b.at(all[0].URL), push("a")); f == nil || f.Code != "too_many" || len(all[0].taken()) != 2 {
		t.Errorf("the one that rests for the shortest time: %+v", f)
	}
}

// TestWhoIsNotThere: a push that never left is not ambiguous, one whose answer was lost is.
func TestWhoIsNotThere(t *testing.T) {
	t.Parallel()
	service, b := newService(t), newBrowser(t)
	s, _ := sender(t, service, nil)
	service.answer = func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) }
	if f := fails(t, s, b.at(service.URL), push("a")); f == nil || f.Class != notify.Later || f.Code != "unavailable" || !f.Ambiguous {
		t.Errorf("cut: %+v", f)
	}
	bare, _ := sender(t, nil, nil) // trusts nobody
	if f := fails(t, bare, b.at(service.URL), push("a")); f == nil || f.Class != notify.Later || f.Code != "unreachable" || f.Ambiguous {
		t.Errorf("a certificate of nobody: %+v", f)
	}
	hanging := newService(t)
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	hanging.answer = func(http.ResponseWriter, int) { <-hold }
	slow, _ := sender(t, hanging, nil)
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if err := slow.Check(t.Context(), b.at(hanging.URL)); err != nil {
		t.Errorf("a service that is there: %v", err)
	}
	f := notify.FailureOf(slow.Send(ctx, b.at(hanging.URL), push("a")))
	if f == nil || f.Class != notify.Later || f.Code != "timeout" {
		t.Errorf("slow: %+v", f)
	}
	service.Close()
	if f := fails(t, s, b.at(service.URL), push("a")); f == nil || f.Code != "unreachable" || f.Ambiguous {
		t.Errorf("closed: %+v", f)
	}
	if f := notify.FailureOf(s.Check(t.Context(), b.at(service.URL))); f == nil || f.Code != "unreachable" {
		t.Errorf("closed, checked: %+v", f)
	}
}

// TestALongAnswerIsNotReadToItsEnd: whoever pours out data is left alone.
func TestALongAnswerIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	service, b := newService(t), newBrowser(t)
	s, _ := sender(t, service, nil)
	var poured int
	ended := make(chan struct{})
	service.answer = func(w http.ResponseWriter, _ int) {
		defer close(ended)
		w.WriteHeader(http.StatusCreated)
		for some := make([]byte, 1<<20); poured < 1<<30; poured += len(some) {
			if _, err := w.Write(some); err != nil {
				return
			}
		}
	}
	if f := fails(t, s, b.at(service.URL), push("a")); f != nil {
		t.Error(f)
	}
	<-ended
	if poured > 64<<20 {
		t.Errorf("%d bytes were taken", poured)
	}
}

// TestKeysThatAreNone are told of without what is in them.
func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	keys, err := webpush.NewKeys(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []webpush.Options{{Subject: "mailto:a@b.example"}, {Key: "secret!", Subject: "mailto:a@b.example"}, {Key: "c2VjcmV0", Subject: "mailto:a@b.example"}, {Key: strings.Repeat("_", 43), Subject: "mailto:a@b.example"},
		{Key: keys.Private}, {Key: keys.Private, Subject: "ops"}, {Key: keys.Private, Subject: "mailto:ops"}} {
		if _, err := webpush.New(o); err == nil || o.Key != "" && strings.Contains(err.Error(), o.Key) {
			t.Errorf("%q: %v", o.Subject, err)
		}
	}
	if again, err := webpush.KeysOf(keys.Private); err != nil || again != keys {
		t.Errorf("%v %v", again, err)
	}
}
