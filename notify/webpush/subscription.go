package webpush

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	push "github.com/SherClockHolmes/webpush-go"

	"github.com/lumbung-ikm/lumbung/fault"
)

const (
	httpsPort       = "443"
	longestEndpoint = 2048
	authLength      = 16 // bytes
)

// subscription is an address as a browser gives it (PushSubscription.toJSON) and a
// distributor of UnifiedPush.
type subscription struct {
	Endpoint string `json:"endpoint"`
	Keys     struct {
		P256dh string `json:"p256dh"`
		Auth   string `json:"auth"`
	} `json:"keys"`
	Expires any `json:"expirationTime"` // browsers write it, always null
}

// Valid keeps the promise of notify.Validator. It looks at the address alone; where its name
// leads is looked at whenever it is dialled.
func (s *Sender) Valid(kind, value string) error {
	if kind != Subscription {
		return invalid("kind", "web push is reached by a subscription")
	}
	if _, _, err := s.read(value); err != nil {
		return invalid("value", err.Error())
	}
	return nil
}

// Canonical keeps the promise of notify.Canonical: a subscription is known by its endpoint,
// and its keys are those that were named last.
func (s *Sender) Canonical(_, value string) (kept, known string) {
	sub, u, err := s.read(value)
	if err != nil {
		return value, value // which Valid has refused
	}
	text, err := json.Marshal(map[string]any{"endpoint": sub.Endpoint, "keys": map[string]string{"p256dh": sub.Keys.P256dh, "auth": sub.Keys.Auth}})
	if err != nil {
		return value, value
	}
	return string(text), canonical(u)
}

// canonical writes an endpoint in the one way in which all that lead to the same place are
// written (RFC 3986, 6.2.2 and 6.2.3).
func canonical(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if port := u.Port(); port != "" && port != httpsPort {
		host += ":" + port
	}
	out := "https://" + host + "/" + strings.TrimPrefix(unescaped(u.EscapedPath()), "/")
	if u.RawQuery != "" {
		out += "?" + unescaped(u.RawQuery)
	}
	return out
}

// unescaped writes out what needs no escape, and escapes in capitals.
func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+2 >= len(text) {
			b.WriteByte(text[i])
			continue
		}
		escape := text[i : i+3]
		i += 2
		c, err := strconv.ParseUint(escape[1:], 16, 8)
		if plain := c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-._~", rune(c))); err == nil && plain {
			b.WriteByte(byte(c))
			continue
		}
		b.WriteString(strings.ToUpper(escape))
	}
	return b.String()
}

func invalid(field, text string) error {
	return &fault.Error{Kind: fault.Invalid, Code: "invalid_value", Field: field, Text: text}
}

// read takes a subscription apart. Errors say nothing of what it holds.
func (s *Sender) read(value string) (*push.Subscription, *url.URL, error) {
	var in subscription
	d := json.NewDecoder(bytes.NewReader([]byte(value)))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, nil, errors.New("not a subscription {endpoint, keys: {p256dh, auth}}")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("something stands behind the subscription")
	}
	point, err := decode(in.Keys.P256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(point)
	}
	if err != nil {
		return nil, nil, errors.New("p256dh is no public key of P-256")
	}
	auth, err := decode(in.Keys.Auth)
	if err != nil || len(auth) != authLength {
		return nil, nil, errors.New("auth is not 16 bytes in base64url")
	}
	u, err := s.endpoint(in.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	return &push.Subscription{Endpoint: in.Endpoint, Keys: push.Keys{P256dh: base64.RawURLEncoding.EncodeToString(point), Auth: base64.RawURLEncoding.EncodeToString(auth)}}, u, nil
}

// decode reads base64 in the forms that browsers write.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "=")))
}

// endpoint holds a URL against the rules that need no look-up.
func (s *Sender) endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > longestEndpoint || u.Opaque != "" || u.Hostname() == "":
		return nil, errors.New("the endpoint is no URL")
	case u.Scheme != "https":
		return nil, errors.New("the endpoint is not https")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("the endpoint names a user or a fragment")
	case u.Port() != "" && u.Port() != httpsPort && !s.guard.loopback:
		return nil, errors.New("the endpoint has another port than 443")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		if !s.guard.may(a) {
			return nil, errInside
		}
		return u, nil
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	switch {
	case last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"): // 127.1, 0177.0.0.1, 2130706433 and 0x7f000001: some read an address in them
		return nil, errors.New("the endpoint names no host")
	case (last == host || last == "localhost" || last == "local" || last == "internal") && !s.guard.loopback:
		return nil, errInside
	}
	return u, nil
}
