// Package fcm sends pushes through Firebase Cloud Messaging. It is the only package that
// knows Firebase: linking it costs minutes, so that no other should.
package fcm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
)

// Provider is the name of addresses of this provider, and Token the kind it sends to.
const (
	Provider = "fcm"
	Token    = "token"
)

const scope = "https://www.googleapis.com/auth/firebase.messaging"

// Options say which project, and with what proof.
type Options struct {
	Credentials []byte            // JSON of a service account
	Endpoint    string            // instead of Google's, such as http://127.0.0.1:9099; "" for Google's
	Transport   http.RoundTripper // below ours; http.DefaultTransport if nil
	Clock       clock.Clock       // by which an instant of Retry-After is read; that of the machine if nil
}

// Sender sends pushes. It is safe for concurrent use.
type Sender struct {
	client  *messaging.Client
	source  *renewing
	project string
	clock   clock.Clock
}

// New makes a sender; nothing is asked of Firebase yet.
//
// Errors: of credentials that are none.
func New(ctx context.Context, o Options) (*Sender, error) {
	var account struct {
		Project string `json:"project_id"`
	}
	if err := json.Unmarshal(o.Credentials, &account); err != nil || account.Project == "" {
		return nil, fmt.Errorf("push credentials are no JSON of a service account with project_id")
	}
	proof, err := google.JWTConfigFromJSON(o.Credentials, scope)
	if err != nil {
		return nil, fmt.Errorf("push credentials: %w", withoutSecrets(err))
	}
	if err := signs(proof.PrivateKey); err != nil {
		return nil, fmt.Errorf("push credentials: %w", err)
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	below := o.Transport
	if below == nil {
		below = http.DefaultTransport
	}
	// The exchange for a token goes over the same transport, and ends with the request that
	// wants it, not with the start of the program.
	exchange := context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: below, Timeout: 15 * time.Second})
	source := &renewing{make: func() oauth2.TokenSource { return proof.TokenSource(exchange) }}
	options := []option.ClientOption{option.WithHTTPClient(&http.Client{Transport: oneAttempt{proven{below, source}}})}
	if o.Endpoint != "" {
		options = append(options, option.WithEndpoint(strings.TrimSuffix(o.Endpoint, "/")+"/v1"))
	}
	app, err := firebase.NewApp(ctx, &firebase.Config{ProjectID: account.Project}, options...)
	if err != nil {
		return nil, fmt.Errorf("set up Firebase: %w", err)
	}
	client, err := app.Messaging(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up Firebase: %w", err)
	}
	return &Sender{client, source, account.Project, o.Clock}, nil
}

// withoutSecrets keeps of an error about credentials what it says, and not what it quotes.
func withoutSecrets(err error) error {
	text, _, _ := strings.Cut(err.Error(), ":")
	return errors.New(text)
}

// Valid keeps the promise of notify.Validator.
func (s *Sender) Valid(kind, value string) error {
	if kind != Token {
		return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "kind", Text: "FCM is reached by a token"}
	}
	if strings.ContainsAny(value, " \t/") {
		return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: "value", Text: "not a registration token"}
	}
	return nil
}

// Send keeps the promise of notify.Sender.
func (s *Sender) Send(ctx context.Context, to store.Address, p notify.Push) error {
	watched, reached := traced(ctx)
	_, err := s.client.Send(watched, message(to, p))
	return failure(ctx, err, s.clock.Now(), *reached)
}

// Check keeps the promise of notify.Sender: Firebase looks at the proof, and at the address
// if there is one, and sends nothing.
func (s *Sender) Check(ctx context.Context, to store.Address) error {
	return s.dryRun(ctx, message(to, notify.Push{ID: "check", Type: "check", TTL: time.Minute}))
}

func (s *Sender) dryRun(ctx context.Context, m *messaging.Message) error {
	watched, reached := traced(ctx)
	_, err := s.client.SendDryRun(watched, m)
	return failure(ctx, err, s.clock.Now(), *reached)
}

// traced notes whether FCM was reached: a connection that was never made has brought nothing.
func traced(ctx context.Context) (_ context.Context, reached *bool) {
	reached = new(bool)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { *reached = true }}), reached
}

// Project is the project of Firebase that pushes go through.
func (s *Sender) Project() string { return s.project }

// topicOfTests is one that no app subscribes to.
const topicOfTests = "lumbung-test"

// Prove makes sure that the service account gets a token and may send to its project: Firebase
// looks at a push to a topic, and sends nothing.
func (s *Sender) Prove(ctx context.Context) error {
	_, err := s.source.token(ctx)
	if err == nil {
		return s.dryRun(ctx, &messaging.Message{Topic: topicOfTests, Data: map[string]string{"type": "check"}})
	}
	if refused(err) {
		return &notify.Failure{Class: notify.Broken, Code: "unauthenticated", Cause: errors.New("the service account was refused")}
	}
	return &notify.Failure{Class: notify.Later, Code: "unreachable", Cause: errors.New("nobody could be asked for a token")}
}

// message is a push as FCM takes it: a card that the system draws, so that it appears on
// phones which let no app run, and data for the app.
func message(to store.Address, p notify.Push) *messaging.Message {
	m := &messaging.Message{Token: to.Value, FCMOptions: &messaging.FCMOptions{AnalyticsLabel: p.Type},
		Data:    map[string]string{"push": p.ID, "type": p.Type, "link": p.Link, "items": p.ItemsNamed()},
		Android: &messaging.AndroidConfig{CollapseKey: p.Collapse, Priority: "normal", TTL: &p.TTL}}
	if p.High {
		m.Android.Priority = "high"
	}
	if p.Title != "" {
		m.Notification = &messaging.Notification{Title: p.Title, Body: p.Body}
		m.Android.Notification = &messaging.AndroidNotification{Tag: p.Tag, ChannelID: p.Type}
	}
	return m
}

// Headers by which the transport tells what the SDK does not.
const (
	unansweredHeader = "X-Push-Unanswered"
	retryAfterHeader = "X-Push-Retry-After"
	deviceRateHeader = "X-Push-Device-Rate"
	badTokenHeader   = "X-Push-Bad-Token"
)

// oneAttempt keeps the SDK from trying again by itself: it would deliver twice where an
// answer got lost, and the queue knows better when. Told to wait longer than two minutes
// the SDK gives up at once, so that is what it is told.
type oneAttempt struct{ below http.RoundTripper }

func (t oneAttempt) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.below.RoundTrip(r)
	if err != nil {
		if r.Context().Err() != nil {
			return nil, err
		}
		return unavailable(r), nil
	}
	switch resp.StatusCode {
	case http.StatusServiceUnavailable:
		resp.Header.Set(retryAfterHeader, resp.Header.Get("Retry-After"))
		resp.Header.Set("Retry-After", "86400")
	case http.StatusTooManyRequests:
		if complaintOf(peek(resp)).ofDevice() {
			resp.Header.Set(deviceRateHeader, "true")
		}
	case http.StatusBadRequest:
		if complaintOf(peek(resp)).ofToken() {
			resp.Header.Set(badTokenHeader, "true")
		}
	}
	return resp, nil
}

// unavailable is an answer in the place of none.
func unavailable(r *http.Request) *http.Response {
	const body = `{"error":{"code":503,"message":"no answer","status":"UNAVAILABLE","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"UNAVAILABLE"}]}}`
	h := http.Header{"Content-Type": {"application/json"}, "Retry-After": {"86400"}}
	h.Set(unansweredHeader, "true")
	return &http.Response{Status: "503 no answer", StatusCode: http.StatusServiceUnavailable, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(bytes.NewReader([]byte(body))), ContentLength: int64(len(body)), Request: r}
}

// failure reads what an attempt came to, that reached FCM or did not; nil for one that was
// taken.
func failure(ctx context.Context, err error, now time.Time, reached bool) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return &notify.Failure{Class: notify.Later, Code: "timeout", Ambiguous: reached, Cause: ctx.Err()}
	}
	f := &notify.Failure{Cause: errors.New(strings.ToLower(http.StatusText(statusOf(err))))}
	if resp := errorutils.HTTPResponse(err); resp != nil {
		if resp.Header.Get(unansweredHeader) != "" && !reached {
			f.Class, f.Code = notify.Later, "unreachable"
			return f
		}
		asked := resp.Header
		if resp.StatusCode == http.StatusServiceUnavailable { // there it is what oneAttempt told the SDK
			asked = http.Header{"Retry-After": {resp.Header.Get(retryAfterHeader)}}
		}
		f.RetryAfter = notify.RetryAfter(asked, now)
	}
	f.Class, f.Code = classOf(err)
	if told(err, deviceRateHeader) { // only that phone is rung too often
		f.Code = "device_rate_exceeded"
	}
	f.Local = f.Code == "device_rate_exceeded" || f.Code == "third_party_auth_error"                                 // of browsers or iPhones alone: who registered one must not stop the pushes of all
	if f.Code == "unavailable" || f.Code == "internal" || f.Code == "bad_gateway" || f.Code == "unreadable_answer" { // taken all the same, now and then
		f.Ambiguous = true
	}
	return f
}

// classOf sorts an error of the SDK. Its helpers look at the error itself, not at what it
// wraps, so err is what Send gave.
func classOf(err error) (notify.Class, string) {
	switch {
	case messaging.IsUnregistered(err):
		return notify.Gone, "unregistered"
	case messaging.IsSenderIDMismatch(err):
		return notify.Gone, "sender_id_mismatch"
	case messaging.IsThirdPartyAuthError(err):
		return notify.Broken, "third_party_auth_error"
	case errorutils.IsUnavailable(err):
		return notify.Later, "unavailable"
	case errorutils.IsInternal(err):
		return notify.Later, "internal"
	case told(err, badTokenHeader): // the address itself
		return notify.Gone, "invalid_token"
	case errorutils.IsInvalidArgument(err): // of FCM, or of the gate before it, which FCM's own helpers do not know
		return notify.Refused, "invalid_argument"
	}
	switch statusOf(err) {
	case http.StatusUnauthorized:
		return notify.Broken, "unauthenticated"
	case http.StatusForbidden:
		return notify.Broken, "permission_denied"
	case http.StatusNotFound: // of the project: nobody's address is to blame
		return notify.Broken, "project_unknown"
	case http.StatusTooManyRequests:
		return notify.SlowDown, "quota_exceeded"
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return notify.Later, "bad_gateway"
	case http.StatusOK:
		return notify.Later, "unreadable_answer"
	}
	return notify.Later, "unknown"
}

// told reports whether the transport has set a header of ours.
func told(err error, header string) bool {
	resp := errorutils.HTTPResponse(err)
	return resp != nil && resp.Header.Get(header) != ""
}

// statusOf is the status of the answer behind an error; 200 where the answer could not be
// read.
func statusOf(err error) int {
	if resp := errorutils.HTTPResponse(err); resp != nil {
		return resp.StatusCode
	}
	return http.StatusOK
}
