// Package webhook hands messages for WhatsApp and SMS, login codes among them, to a service
// that the operator runs or rents: one signed HTTPS call a message. Retries are the
// caller's; the id of a message is the same at each, so that the service delivers once.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/notify"
)

// Headers of a call.
const (
	TimestampHeader   = "Lumbung-Timestamp" // seconds since 1970
	SignatureHeader   = "Lumbung-Signature" // v1= and HMAC-SHA256 of timestamp, "." and body in hexadecimal
	IdempotencyHeader = "Idempotency-Key"   // the id of the message
)

// Provider is what figures call the service.
const Provider = "webhook"

// TemplateTest is the template of a call that wants nothing but an answer.
const TemplateTest = "test"

// Bounds of a call.
const (
	callWithin = 15 * time.Second
	mostHeader = 16 << 10
	mostAnswer = 64 << 10
)

// Options say whom to call. URL and Secret are needed.
type Options struct {
	URL    string // https, or http on this machine; written by the operator, so that it may lead inside
	Secret string // of the signature
	Clock  clock.Clock
	Roots  *x509.CertPool // the system's if nil
}

// Client calls a webhook. It is safe for concurrent use.
type Client struct {
	o      Options
	client *http.Client
}

// New makes a client; nothing is called yet.
func New(o Options) *Client {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	return &Client{o, &http.Client{
		Timeout:       callWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a signed body goes to whom it was meant for
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: mostHeader, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second}}}
}

// call is the body of a call.
type call struct {
	ID       string            `json:"id"`
	Channel  string            `json:"channel,omitempty"` // whatsapp, sms or any
	To       string            `json:"to,omitempty"`      // E.164
	Template string            `json:"template"`
	Locale   string            `json:"locale,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
}

// Send keeps the promise of notify.Messenger.
func (c *Client) Send(ctx context.Context, m notify.Message) error {
	return c.post(ctx, call{m.ID, m.Channel, string(m.To), m.Template, m.Locale, m.Params})
}

// Check calls without a message: the service is there, takes our signature, and sends nothing.
func (c *Client) Check(ctx context.Context, id string) error {
	return c.post(ctx, call{ID: id, Template: TemplateTest})
}

func (c *Client) post(ctx context.Context, in call) error {
	body, err := json.Marshal(in)
	if err != nil {
		return &notify.Failure{Class: notify.Refused, Code: "invalid_request", Cause: errors.New("the message cannot be written")}
	}
	reached := false
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { reached = true }})
	req, err := http.NewRequestWithContext(traced, http.MethodPost, c.o.URL, bytes.NewReader(body))
	if err != nil {
		return &notify.Failure{Class: notify.Broken, Code: "webhook_url", Cause: errors.New("the URL of the webhook is none")}
	}
	stamp := strconv.FormatInt(c.o.Clock.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(IdempotencyHeader, in.ID)
	req.Header.Set(TimestampHeader, stamp)
	req.Header.Set(SignatureHeader, "v1="+c.sign(stamp, body))
	resp, err := c.client.Do(req)
	if err != nil {
		return unanswered(ctx, reached)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, mostAnswer)) // what it says may quote what it was told, and goes nowhere
	_ = resp.Body.Close()
	if f := failure(resp, c.o.Clock.Now()); f != nil {
		return f
	}
	return nil
}

// sign is the signature of a body at an instant.
func (c *Client) sign(stamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(c.o.Secret))
	fmt.Fprintf(h, "%s.%s", stamp, body)
	return hex.EncodeToString(h.Sum(nil))
}

// unanswered is the failure of a call without an answer. The error itself says where it was
// called, and is left out.
func unanswered(ctx context.Context, reached bool) *notify.Failure {
	f := &notify.Failure{Class: notify.Later, Code: "unreachable", Ambiguous: reached, Cause: errors.New("no answer")}
	if ctx.Err() != nil {
		f.Code, f.Cause = "timeout", ctx.Err()
	} else if reached {
		f.Code = "unavailable"
	}
	return f
}

// failure reads an answer; nil for one that says the message was taken.
func failure(resp *http.Response, now time.Time) *notify.Failure {
	f := &notify.Failure{RetryAfter: notify.RetryAfter(resp.Header, now), Cause: errors.New(strings.ToLower(http.StatusText(resp.StatusCode)))}
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusGone: // the number is not reached by this channel
		f.Class, f.Code = notify.Gone, "number_unreachable"
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound || code < 400: // a redirect, too
		f.Class, f.Code = notify.Broken, "webhook_refused"
	case code == http.StatusPaymentRequired: // the account of the service is empty
		f.Class, f.Code = notify.Broken, "payment_required"
	case code == http.StatusTooManyRequests:
		f.Class, f.Code = notify.SlowDown, "too_many"
	case code >= 500: // two of which say that nothing was done
		f.Class, f.Code = notify.Later, "unavailable"
		f.Ambiguous = code != http.StatusServiceUnavailable && code != http.StatusNotImplemented
	default:
		f.Class, f.Code = notify.Refused, "invalid_request"
	}
	return f
}
