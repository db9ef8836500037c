// Package webpush sends pushes to browsers and to UnifiedPush (RFC 8030, 8291 and 8292).
// Where they go is written by whoever registers, so that every connection is made under the
// rules of guard: https on port 443 of a machine of the open internet, no redirects, a short
// answer within a short time.
package webpush

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"crypto/tls"
	"crypto/x509"

	push "github.com/SherClockHolmes/webpush-go"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// Provider is the name of addresses of this provider, and Subscription the kind it sends to:
// the JSON {endpoint, keys: {p256dh, auth}}.
const (
	Provider     = "webpush"
	Subscription = "subscription"
)

// Options say who sends. Key and Subject are needed.
type Options struct {
	Key     string // private key, as of NewKeys
	Subject string // whom a push service may write to: mailto:… or https:…
	Clock   clock.Clock

	Resolver Resolver       // net.DefaultResolver if nil
	Roots    *x509.CertPool // of push services; the system's if nil
	Loopback bool           // lets this machine in, on any port: for tests
}

// Sender sends pushes. It is safe for concurrent use.
type Sender struct {
	keys    Keys
	subject string
	clock   clock.Clock
	guard   guard
	client  *http.Client
	waits   waits
}

// Bounds of a call.
const (
	dialWithin   = 5 * time.Second
	answerWithin = 10 * time.Second
	callWithin   = 15 * time.Second
	mostHeader   = 16 << 10
	mostAnswer   = 64 << 10
)

// New makes a sender; nothing is asked of anybody yet.
//
// Errors: of a key or a subject that are none.
func New(o Options) (*Sender, error) {
	keys, err := KeysOf(o.Key)
	if err != nil {
		return nil, fmt.Errorf("web push: %w", err)
	}
	mail, isMail := strings.CutPrefix(o.Subject, "mailto:")
	if !isMail && !strings.HasPrefix(o.Subject, "https://") || isMail && !strings.Contains(mail, "@") {
		return nil, errors.New("web push: the subject is neither mailto: nor https://")
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	s := &Sender{keys: keys, subject: cmp.Or(mail, o.Subject), clock: o.Clock, guard: guard{o.Resolver, o.Loopback, dialWithin}}
	s.client = &http.Client{
		Timeout:       callWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // no proxy: it would look the name up by itself
			DialContext: s.guard.DialContext, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: dialWithin, ForceAttemptHTTP2: true,
			ResponseHeaderTimeout: answerWithin, MaxResponseHeaderBytes: mostHeader, DisableCompression: true, MaxIdleConns: 64, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second}}
	return s, nil
}

// PublicKey is what apps subscribe with (applicationServerKey).
func (s *Sender) PublicKey() string { return s.keys.Public }

// Send keeps the promise of notify.Sender.
func (s *Sender) Send(ctx context.Context, to store.Address, p notify.Push) error {
	sub, u, err := s.read(to.Value)
	if err != nil {
		return &notify.Failure{Class: notify.Gone, Code: "invalid_subscription", Cause: err}
	}
	now := s.clock.Now()
	if rest := s.waits.left(u.Host, now); rest > 0 {
		return &notify.Failure{Class: notify.SlowDown, Code: "host_waits", RetryAfter: rest, Local: true, Cause: errors.New("the push service wants nothing for a while")}
	}
	body, size := payload(p)
	urgency := push.UrgencyNormal
	switch {
	case p.High:
		urgency = push.UrgencyHigh
	case p.Title == "":
		urgency = push.UrgencyLow
	}
	reached := false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached = true }})
	resp, err := push.SendNotificationWithContext(ctx, body, sub, &push.Options{HTTPClient: s.client, RecordSize: size, Subscriber: s.subject, Topic: topic(p), TTL: int(p.TTL / time.Second),
		Urgency: urgency, VAPIDPublicKey: s.keys.Public, VAPIDPrivateKey: s.keys.Private})
	if err != nil {
		return unanswered(ctx, err, reached)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer)) // what it says beside its status is of no use
	_ = resp.Body.Close()
	f := failure(resp, now)
	if f == nil {
		return nil
	}
	if f.Class == notify.SlowDown {
		s.waits.note(u.Host, now, now.Add(f.RetryAfter))
	}
	return f
}

// Check keeps the promise of notify.Sender: the push service is there, and its certificate
// is right. Nothing is asked of it; web push has no call that sends nothing.
func (s *Sender) Check(ctx context.Context, to store.Address) error {
	_, u, err := s.read(to.Value)
	if err != nil {
		return &notify.Failure{Class: notify.Gone, Code: "invalid_subscription", Cause: err}
	}
	conn, err := s.guard.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), httpsPort)))
	if err != nil {
		return unanswered(ctx, err, false)
	}
	defer conn.Close()
	secured := tls.Client(conn, &tls.Config{RootCAs: s.client.Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12, ServerName: u.Hostname()})
	ctx, stop := context.WithTimeout(ctx, dialWithin)
	defer stop()
	if err := secured.HandshakeContext(ctx); err != nil {
		return unanswered(ctx, err, false)
	}
	return nil
}

// unanswered is the failure of an attempt that got no answer. A connection that was never
// made has brought nothing; what was asked for on one may have been taken.
func unanswered(ctx context.Context, err error, reached bool) *notify.Failure {
	f := &notify.Failure{Class: notify.Later, Code: "unreachable", Ambiguous: reached, Local: true, Cause: errors.New("no answer")}
	switch {
	case errors.Is(err, errInside):
		f.Class, f.Code, f.Cause = notify.Gone, "endpoint_inside", errInside
	case ctx.Err() != nil:
		f.Code, f.Cause = "timeout", ctx.Err()
	case reached:
		f.Code = "unavailable"
	}
	return f
}

// usualWait is how long a push service that wants less is left alone if it does not say.
const usualWait = time.Minute

// failure reads an answer; nil for one that says the push was taken. Whatever a push service
// says is about itself alone: strangers name them.
func failure(resp *http.Response, now time.Time) *notify.Failure {
	f := &notify.Failure{Local: true, RetryAfter: notify.RetryAfter(resp.Header, now), Cause: errors.New(strings.ToLower(cmp.Or(http.StatusText(resp.StatusCode), "odd status")))}
	switch code := resp.StatusCode; {
	case code == http.StatusOK || code == http.StatusCreated || code == http.StatusAccepted || code == http.StatusNoContent:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		f.Class, f.Code = notify.Gone, "unsubscribed"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		f.Class, f.Code = notify.Broken, "vapid_refused"
	case code == http.StatusTooManyRequests:
		f.Class, f.Code, f.RetryAfter = notify.SlowDown, "too_many", cmp.Or(f.RetryAfter, usualWait)
	case code == http.StatusRequestEntityTooLarge:
		f.Class, f.Code = notify.Refused, "too_large"
	case code == http.StatusBadRequest:
		f.Class, f.Code = notify.Refused, "invalid_request"
	case code >= http.StatusInternalServerError:
		f.Class, f.Code, f.Ambiguous = notify.Later, "unavailable", true
	default: // redirects too
		f.Class, f.Code = notify.Refused, "odd_status"
	}
	return f
}

// waits are the push services that asked for a rest, by host.
type waits struct {
	mu sync.Mutex
	of map[string]notify.Rest
}

// mostWaits bounds what strangers can have us remember. Where there is no place the wait goes that ends
// first: the newest one is that which the next push would meet.
const mostWaits = 256

func (w *waits) left(host string, now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of[host].Left(now)
}

func (w *waits) note(host string, now, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for h, at := range w.of {
		if at.Left(now) == 0 {
			delete(w.of, h)
		}
	}
	if w.of == nil {
		w.of = map[string]notify.Rest{}
	}
	before, there := w.of[host]
	if there && before.Until.After(until) { // of two pushes under way the one that is answered last may be told to wait less
		return
	}
	if !there && len(w.of) >= mostWaits {
		delete(w.of, slices.MinFunc(slices.Collect(maps.Keys(w.of)), func(a, b string) int { return w.of[a].Until.Compare(w.of[b].Until) }))
	}
	w.of[host] = notify.Rest{From: now, Until: until}
}

// Sizes of what is sent, in bytes: a push is filled up to a multiple of step, so that its
// length says nothing of it.
const (
	step  = 256
	frame = 16 + 4 + 1 + 65 + 16 + 1 // salt, record size, length and key; tag; end of the text
)

// payload is what a push says, under the names that the data of FCM has, and the size of the
// record that holds it.
func payload(p notify.Push) (body []byte, size uint32) {
	body, _ = json.Marshal(map[string]string{"push": p.ID, "type": p.Type, "title": p.Title, "body": p.Body, "tag": p.Tag, "link": p.Link, "items": p.ItemsNamed()}) // texts always can be written
	return body, uint32((len(body) + frame + step - 1) / step * step)
}

// topic is under which name a push service replaces what still waits. It is a digest: the
// service learns that two pushes are about one thing, and not about which.
func topic(p notify.Push) string {
	name := cmp.Or(p.Collapse, p.Tag)
	if name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}
