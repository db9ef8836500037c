package fcm_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/fcm"
	"github.com/lumbung-ikm/lumbung/store"
)

// line is the SDK, a socket and the fake behind it.
type line struct {
	*testing.T
	fake   *fcmfake.Server
	sender *fcm.Sender
	server *httptest.Server
}

func dial(t *testing.T, o fcmfake.Options) *line {
	t.Helper()
	o.Clock = clock.At(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))
	fake, err := fcmfake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(fake)
	t.Cleanup(h.Close)
	credentials, err := fake.Credentials(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := fcm.New(t.Context(), fcm.Options{Credentials: credentials, Endpoint: h.URL, Transport: &http.Transport{DisableKeepAlives: true}})
	if err != nil {
		t.Fatal(err)
	}
	return &line{t, fake, sender, h}
}

func to(p *fcmfake.Phone) store.Address {
	return store.Address{Provider: fcm.Provider, Kind: fcm.Token, Value: p.Address()}
}

func push(tag string) notify.Push {
	return notify.Push{ID: "p1", Type: "N06", Title: "Hasil kurasi sudah terbit", Body: "Ketuk untuk melihat.", Tag: tag, Link: "app://hasil/x", High: true, TTL: time.Hour, Items: []string{"i1", "i2"}}
}

// fails sends and gives the failure; nil if there was none.
func (l *line) fails(to store.Address, p notify.Push) *notify.Failure {
	l.Helper()
	err := l.sender.Send(l.Context(), to, p)
	if err == nil {
		return nil
	}
	f, ok := err.(*notify.Failure)
	if !ok {
		l.Fatalf("%T %v", err, err)
	}
	if strings.Contains(err.Error(), to.Value) {
		l.Errorf("the address is told: %v", err)
	}
	return f
}

// TestAPushArrives as a card and as data, with its tag, priority, collapse key and TTL.
func TestAPushArrives(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{})
	p := l.fake.NewPhone()
	if f := l.fails(to(p), push("result:x")); f != nil {
		t.Fatal(f)
	}
	seen, cards := p.Seen(), p.Cards()
	if len(seen) != 1 || len(cards) != 1 || cards[0].Title != "Hasil kurasi sudah terbit" || cards[0].Tag != "result:x" {
		t.Fatalf("%+v %+v", seen, cards)
	}
	c := seen[0].Content
	if c.Data["items"] != "i1,i2" || c.Data["link"] != "app://hasil/x" || c.Data["push"] != "p1" || c.Android.Priority != "high" || c.Android.TTL != "3600s" || c.Options.AnalyticsLabel != "N06" {
		t.Errorf("%+v", c)
	}
	hint := notify.Push{ID: "p2", Type: "N27", Collapse: "sync", TTL: time.Hour}
	if f := l.fails(to(p), hint); f != nil {
		t.Fatal(f)
	}
	if seen := p.Seen(); len(seen) != 2 || len(p.Cards()) != 1 || seen[1].Content.Android.CollapseKey != "sync" || seen[1].Content.Android.Priority != "normal" {
		t.Errorf("%+v", seen[1].Content)
	}
	if err := l.sender.Check(t.Context(), to(p)); err != nil || len(p.Seen()) != 2 {
		t.Errorf("checked: %v, seen %d", err, len(p.Seen()))
	}
}

// TestEveryErrorOfFCM comes out as one class and code, from one call of the service, and
// says whether the phone may have the push.
func TestEveryErrorOfFCM(t *testing.T) {
	t.Parallel()
	long := push("a")
	long.Body = strings.Repeat("x", 5000)
	odd := push("a")
	odd.Type = "a b" // no analytics label
	for _, tt := range []struct {
		name      string
		fault     fcmfake.Kind
		change    func(*line, *fcmfake.Phone)
		push      notify.Push
		class     notify.Class
		code      string
		wait      time.Duration
		ambiguous bool
		has       bool
		calls     int
	}{
		{"unregistered", "", func(_ *line, p *fcmfake.Phone) { p.Uninstall() }, push("a"), notify.Gone, "unregistered", 0, false, false, 1},
		{"of another project", "", func(_ *line, p *fcmfake.Phone) { p.BelongTo(true) }, push("a"), notify.Gone, "sender_id_mismatch", 0, false, false, 1},
		{"too long", "", nil, long, notify.Refused, "invalid_argument", 0, false, false, 1},
		{"an odd label", "", nil, odd, notify.Refused, "invalid_argument", 0, false, false, 1},
		{"a field that the gate does not know", fcmfake.BadRequest, nil, push("a"), notify.Refused, "invalid_argument", 0, false, false, 1},
		{"no token, says the sentence", fcmfake.BadTokenText, nil, push("a"), notify.Gone, "invalid_token", 0, false, false, 1},
		{"no token, says the field", fcmfake.BadTokenField, nil, push("a"), notify.Gone, "invalid_token", 0, false, false, 1},
		{"no token, says the gate", fcmfake.BadTokenAtGate, nil, push("a"), notify.Gone, "invalid_token", 0, false, false, 1},
		{"quota", fcmfake.Quota, nil, push("a"), notify.SlowDown, "quota_exceeded", 30 * time.Second, false, false, 1},
		{"unavailable", fcmfake.Unavailable, nil, push("a"), notify.Later, "unavailable", 30 * time.Second, true, false, 1},
		{"unavailable, and delivered", fcmfake.UnavailableButTaken, nil, push("a"), notify.Later, "unavailable", 30 * time.Second, true, true, 1},
		{"internal", fcmfake.Internal, nil, push("a"), notify.Later, "internal", 30 * time.Second, true, false, 1},
		{"a bad gateway", fcmfake.BadGateway, nil, push("a"), notify.Later, "bad_gateway", 0, true, false, 1},
		{"a gateway that waits too long", fcmfake.GatewayTimeout, nil, push("a"), notify.Later, "bad_gateway", 0, true, false, 1},
		{"Apple's key", fcmfake.ThirdPartyAuth, nil, push("a"), notify.Broken, "third_party_auth_error", 30 * time.Second, false, false, 1},
		{"bare 401", fcmfake.BareUnauthorized, nil, push("a"), notify.Broken, "unauthenticated", 30 * time.Second, false, false, 2}, // with a new token
		{"bare 403", fcmfake.BareForbidden, nil, push("a"), notify.Broken, "permission_denied", 30 * time.Second, false, false, 1},
		{"bare 404", fcmfake.BareNotFound, nil, push("a"), notify.Broken, "project_unknown", 30 * time.Second, false, false, 1},
		{"bare 409", fcmfake.BareAborted, nil, push("a"), notify.Later, "unknown", 30 * time.Second, false, false, 1},
		{"bare 500", fcmfake.BareInternal, nil, push("a"), notify.Later, "internal", 30 * time.Second, true, false, 1},
		{"bare 503", fcmfake.BareUnavailable, nil, push("a"), notify.Later, "unavailable", 30 * time.Second, true, false, 1},
		{"cut before", fcmfake.DropBeforeAccept, nil, push("a"), notify.Later, "unavailable", 0, true, false, 1},
		{"cut behind", fcmfake.AcceptThenDrop, nil, push("a"), notify.Later, "unavailable", 0, true, true, 1},
		{"half an answer", fcmfake.Truncated, nil, push("a"), notify.Later, "unreadable_answer", 0, true, true, 1},
		{"a page of a portal", fcmfake.WrongType, nil, push("a"), notify.Later, "unreadable_answer", 0, true, true, 1},
		{"no proof", "", func(l *line, _ *fcmfake.Phone) { l.fake.ExpireTokens(); l.fake.RefuseExchanges(9) }, push("a"), notify.Broken, "unauthenticated", 0, false, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := dial(t, fcmfake.Options{})
			p := l.fake.NewPhone()
			if tt.change != nil {
				tt.change(l, p)
			}
			if tt.fault != "" {
				l.fake.Fail(fcmfake.Fault{Kind: tt.fault, Times: -1, RetryAfter: 30 * time.Second})
			}
			f := l.fails(to(p), tt.push)
			if f == nil || f.Class != tt.class || f.Code != tt.code || f.RetryAfter != tt.wait || f.Ambiguous != tt.ambiguous {
				t.Errorf("%+v", f)
			}
			if n := l.fake.Calls(); n != tt.calls || len(p.Seen()) == 1 != tt.has {
				t.Errorf("%d calls, seen %d", n, len(p.Seen()))
			}
		})
	}
}

// TestOfManyItemsAsManyAreNamedAsFit: a push about hundreds is taken.
func TestOfManyItemsAsManyAreNamedAsFit(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{})
	p, about := l.fake.NewPhone(), push("many:1")
	about.Items = nil
	for i := range 300 {
		about.Items = append(about.Items, fmt.Sprintf("01890000-0000-7000-8000-%012d", i))
	}
	if f := l.fails(to(p), about); f != nil {
		t.Fatal(f)
	}
	named := strings.Split(p.Seen()[0].Content.Data["items"], ",")
	if len(named) < 75 || named[0] != about.Items[0] || named[len(named)-1] != about.Items[len(named)-1] {
		t.Errorf("%d are named", len(named))
	}
}

// TestWhetherTheAccountMaySend is asked by a push that is not sent, and says which of three it is.
func TestWhetherTheAccountMaySend(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{Project: "desa"})
	p := l.fake.NewPhone()
	p.Subscribe("lumbung-test")
	if err := l.sender.Prove(t.Context()); err != nil || l.sender.Project() != "desa" || l.fake.Calls() != 1 || len(p.Seen()) != 0 || l.fake.Taken() != 0 {
		t.Errorf("%v, project %s, %d calls, seen %d, taken %d", err, l.sender.Project(), l.fake.Calls(), len(p.Seen()), l.fake.Taken())
	}
	for kind, want := range map[fcmfake.Kind]string{fcmfake.BareForbidden: "permission_denied", fcmfake.BareNotFound: "project_unknown", fcmfake.BareUnauthorized: "unauthenticated", fcmfake.Unavailable: "unavailable"} {
		l.fake.Fail(fcmfake.Fault{Kind: kind, Times: -1})
		if f := notify.FailureOf(l.sender.Prove(t.Context())); f == nil || f.Code != want {
			t.Errorf("%s: %+v", kind, f)
		}
		l.fake.Heal()
	}
	other := dial(t, fcmfake.Options{})
	other.fake.RefuseExchanges(1)
	if f := notify.FailureOf(other.sender.Prove(t.Context())); f == nil || f.Class != notify.Broken || f.Code != "unauthenticated" {
		t.Errorf("refused: %+v", f)
	}
	if err := other.sender.Prove(t.Context()); err != nil {
		t.Errorf("not refused any more: %v", err)
	}
}

// TestATokenThatNeverWas is dropped; one that is not malformed is not.
func TestATokenThatNeverWas(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{})
	if f := l.fails(store.Address{Value: "never"}, push("a")); f == nil || f.Class != notify.Gone || f.Code != "invalid_token" {
		t.Errorf("%+v", f)
	}
	for value, kind := range map[string]string{"a b": "token", "x/y": "token", "abc:def": "fid"} {
		if l.sender.Valid(kind, value) == nil {
			t.Errorf("%s %q is taken", kind, value)
		}
	}
	if err := l.sender.Valid("token", "abc:def-_1"); err != nil {
		t.Error(err)
	}
}

// TestAnExpiredTokenIsRenewed within the attempt.
func TestAnExpiredTokenIsRenewed(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{})
	p := l.fake.NewPhone()
	for range 2 {
		if f := l.fails(to(p), push("a")); f != nil {
			t.Fatal(f)
		}
		l.fake.ExpireTokens()
	}
	if len(p.Seen()) != 2 || l.fake.Calls() != 3 {
		t.Errorf("seen %d, %d calls", len(p.Seen()), l.fake.Calls())
	}
}

// TestWhoWaitsTooLong: the end of the attempt is ambiguous.
func TestWhoWaitsTooLong(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{})
	p := l.fake.NewPhone()
	if f := l.fails(to(p), push("warm")); f != nil {
		t.Fatal(f)
	}
	l.fake.Fail(fcmfake.Fault{Kind: fcmfake.Slow, Delay: time.Hour})
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	err := l.sender.Send(ctx, to(p), push("a"))
	if f, ok := err.(*notify.Failure); !ok || f.Class != notify.Later || f.Code != "timeout" || !f.Ambiguous {
		t.Errorf("%+v", err)
	}
}

// TestCredentialsThatAreNone are told of without what is in them.
func TestCredentialsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"project_id":"x"}`, `{"project_id":"x","type":"service_account","private_key":"secret"}`} {
		if _, err := fcm.New(t.Context(), fcm.Options{Credentials: []byte(text)}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestAPhoneThatIsRungTooOften is left alone by itself; a project that sends too much is left
// alone whole.
func TestAPhoneThatIsRungTooOften(t *testing.T) {
	t.Parallel()
	l := dial(t, fcmfake.Options{PerMinute: 260})
	p, other := l.fake.NewPhone(), l.fake.NewPhone()
	var f *notify.Failure
	n := 0
	for ; f == nil && n < 260; n++ {
		f = l.fails(to(p), push("a"))
	}
	if n != 241 || f == nil || f.Class != notify.SlowDown || f.Code != "device_rate_exceeded" || !f.Local || f.RetryAfter != time.Second || f.Ambiguous {
		t.Errorf("behind %d: %+v", n, f)
	}
	for f = nil; f == nil && n < 300; n++ {
		f = l.fails(to(other), push("a"))
	}
	if n != 262 || f == nil || f.Class != notify.SlowDown || f.Code != "quota_exceeded" || f.Local || f.RetryAfter != time.Second {
		t.Errorf("behind %d: %+v", n, f)
	}
}

// TestAConnectionThatWasNeverMade has brought nothing, and so has a push for which nobody
// could be asked for a token: both are sent again without a second card.
func TestAConnectionThatWasNeverMade(t *testing.T) {
	t.Parallel()
	closed := dial(t, fcmfake.Options{})
	p := closed.fake.NewPhone()
	if f := closed.fails(to(p), push("a")); f != nil { // there is a token
		t.Fatal(f)
	}
	closed.server.Close()
	if f := closed.fails(to(p), push("a")); f == nil || f.Class != notify.Later || f.Code != "unreachable" || f.Ambiguous || f.Local {
		t.Errorf("a closed port: %+v", f)
	}
	noToken := dial(t, fcmfake.Options{})
	noToken.server.Close()
	if f := noToken.fails(to(p), push("a")); f == nil || f.Class != notify.Later || f.Code != "unreachable" || f.Ambiguous {
		t.Errorf("nobody gives a token: %+v", f)
	}
	if f := notify.FailureOf(noToken.sender.Prove(t.Context())); f == nil || f.Class != notify.Later || f.Code != "unreachable" {
		t.Errorf("proved: %+v", f)
	}
	credentials, err := noToken.fake.Credentials("http://name.invalid")
	if err != nil {
		t.Fatal(err)
	}
	lost, err := fcm.New(t.Context(), fcm.Options{Credentials: credentials, Endpoint: "http://name.invalid", Transport: &http.Transport{DialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if f := notify.FailureOf(lost.Send(t.Context(), to(p), push("a"))); f == nil || f.Code != "unreachable" || f.Ambiguous {
		t.Errorf("a name that is none: %+v", f)
	}
	hangs, err := fcm.New(t.Context(), fcm.Options{Credentials: credentials, Endpoint: "http://name.invalid", Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if f := notify.FailureOf(hangs.Send(ctx, to(p), push("a"))); f == nil || f.Class != notify.Later || f.Code != "timeout" || f.Ambiguous {
		t.Errorf("a connection that hangs: %+v", f)
	}
}
