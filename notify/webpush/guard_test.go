package webpush_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestASubscriptionIsReadBeforeItIsKept.
func TestASubscriptionIsReadBeforeItIsKept(t *testing.T) {
	t.Parallel()
	s, _ := sender(t, nil, func(o *webpush.Options) { o.Loopback = false })
	b := newBrowser(t)
	good := b.subscription("https://push.example.net/abc?x=1")
	point := `"p256dh":"`
	for name, tt := range map[string]struct{ kind, value, field string }{
		"as a browser gives it": {"subscription", good, ""},
		"with port 443":         {"subscription", b.subscription("https://push.example.net:443/abc"), ""},
		"another kind":          {"token", good, "kind"},
		"no JSON":               {"subscription", "abc", "value"},
		"more behind it":        {"subscription", good + "{}", "value"},
		"more inside it":        {"subscription", strings.Replace(good, "{", `{"more":1,`, 1), "value"},
		"a point that is none":  {"subscription", strings.Replace(good, point, point+"AAAA", 1), "value"},
		"no auth":               {"subscription", strings.Replace(good, `"auth":"`, `"auth":"AAAA`, 1), "value"},
		"a long endpoint":       {"subscription", b.subscription("https://push.example.net/" + strings.Repeat("a", 2048)), "value"},
		"without an endpoint":   {"subscription", b.subscription(""), "value"},
	} {
		err := s.Valid(tt.kind, tt.value)
		if f, _ := err.(*fault.Error); (f == nil) != (tt.field == "") || f != nil && (f.Field != tt.field || f.Code != "invalid_value") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f := fails(t, s, store.Address{Value: "abc"}, push("a")); f == nil || f.Class != notify.Gone || f.Code != "invalid_subscription" {
		t.Errorf("%+v", f)
	}
}

// names is a DNS of a test.
type names map[string][]string

// LookupNetIP keeps the promise of webpush.Resolver.
func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range n[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, fmt.Errorf("no such host")
	}
	return out, nil
}

// TestNothingInsideIsAsked: addresses of this machine and network are refused when a phone
// names them, and where a name leads there, when it is dialled.
func TestNothingInsideIsAsked(t *testing.T) {
	t.Parallel()
	service, b := newService(t), newBrowser(t)
	port := ":" + portOf(t, service)
	dns := names{"both.example": {"93.184.216.34", "10.0.0.7"}}
	s, _ := sender(t, service, func(o *webpush.Options) { o.Loopback, o.Resolver = false, dns })
	inside := []string{"127.0.0.1", "127.8.8.8", "::1", "::", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.1.1", "100.64.0.1", "100.100.100.200", "192.0.0.192",
		"168.63.129.16", "198.18.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "3fff::1",
		"fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "100::1", "5f00::1"}
	for i, a := range inside {
		literal := a
		if strings.Contains(a, ":") {
			literal = "[" + a + "]"
		}
		if err := s.Valid("subscription", b.subscription("https://"+literal+"/")); fault.CodeOf(err) != "invalid_value" {
			t.Errorf("%s is kept: %v", a, err)
		}
		name := fmt.Sprintf("h%d.example", i)
		dns[name] = []string{a}
		if err := s.Valid("subscription", b.subscription("https://"+name+"/")); err != nil {
			t.Errorf("%s: %v", name, err) // what it means is seen when it is dialled
		}
		if f := fails(t, s, b.at("https://"+name+"/"), push("a")); f == nil || f.Class != notify.Gone || f.Code != "endpoint_inside" || f.Ambiguous {
			t.Errorf("%s is dialled: %+v", a, f)
		}
		if f := notify.FailureOf(s.Check(t.Context(), b.at("https://"+name+"/"))); f == nil || f.Code != "endpoint_inside" {
			t.Errorf("%s is checked: %+v", a, f)
		}
	}
	if f := fails(t, s, b.at("https://both.example/"), push("a")); f == nil || f.Code != "endpoint_inside" {
		t.Errorf("one of two inside: %+v", f)
	}
	for _, endpoint := range []string{"http://push.example.net/", "https://push.example.net:8443/", "https://push.example.net" + port + "/", "https://u:p@push.example.net/", "ftp://push.example.net/", "file:///etc/passwd", "gopher://push.example.net/",
		"https://localhost/", "https://LOCALHOST./", "https://db.internal/", "https://printer.local/", "https://router/", "https://2130706433/", "https://0177.0.0.1/", "https://127.1/", "https://0x7f000001/", "https://0x7f.1/", "https:///x",
		"https://[fe80::1%25eth0]/", "https://push.example.net/#x", "https:push.example.net"} {
		if err := s.Valid("subscription", b.subscription(endpoint)); fault.CodeOf(err) != "invalid_value" {
			t.Errorf("%s is kept: %v", endpoint, err)
		}
		if f := fails(t, s, b.at(endpoint), push("a")); f == nil || f.Class != notify.Gone {
			t.Errorf("%s is asked: %+v", endpoint, f)
		}
	}
	if n := len(service.taken()); n != 0 {
		t.Errorf("%d calls came through", n)
	}
	for _, a := range []string{"93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]"} {
		if err := s.Valid("subscription", b.subscription("https://"+a+"/")); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// TestARedirectLeadsNowhere: also not to a machine that would be let in.
func TestARedirectLeadsNowhere(t *testing.T) {
	t.Parallel()
	there, from := newService(t), newService(t)
	s, _ := sender(t, from, func(o *webpush.Options) { o.Roots.AddCert(there.Certificate()) })
	from.answer = func(w http.ResponseWriter, _ int) {
		w.Header().Set("Location", there.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
	if f := fails(t, s, newBrowser(t).at(from.URL), push("a")); f == nil || f.Code != "odd_status" || len(there.taken()) != 0 {
		t.Errorf("%+v, %d calls there", f, len(there.taken()))
	}
}

func portOf(t *testing.T, s *service) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
