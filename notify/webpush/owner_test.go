package webpush_test

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/store"
)

// TestAnEndpointHasOneOwner, in whatever way the app writes it: whoever names it last takes it
// from the one before, and is rung by the keys that they named. Another endpoint is another
// address.
func TestAnEndpointHasOneOwner(t *testing.T) {
	t.Parallel()
	b, again := newBrowser(t), newBrowser(t)
	first := b.subscription("https://push.example/a%2Fb/~c?d=E")
	text := func(key []byte) string { return base64.RawURLEncoding.EncodeToString(key) }
	changed := func(old, other string) string {
		if !strings.Contains(first, old) {
			t.Fatalf("no %s in it", old)
		}
		return strings.Replace(first, old, other, 1)
	}
	for _, tt := range []struct {
		name, second string
		same         bool
	}{
		{"the same", first, true},
		{"with spaces", " " + changed(":{", ": {\n") + "\n", true},
		{"in another order", `{"keys":{"p256dh":"` + text(b.key.PublicKey().Bytes()) + `","auth":"` + text(b.auth) + `"},"endpoint":"https://push.example/a%2Fb/~c?d=E"}`, true},
		{"escaped", changed("https://", `https:\/\/`), true},
		{"in capitals", changed("https://push.example", "HTTPS://Push.Example"), true},
		{"with a port", changed("push.example", "push.example:443"), true},
		{"with a dot", changed("push.example", "push.example."), true},
		{"with other escapes", changed("a%2Fb/~c?d=E", "%61%2fb/%7Ec?d=%45"), true},
		{"padded", changed(text(b.auth), text(b.auth)+"=="), true},
		{"with keys of its own", again.subscription("https://push.example/a%2Fb/~c?d=E"), true},
		{"another path", changed("~c", "~C"), false},
		{"a slash that parts", changed("a%2Fb", "a/b"), false},
		{"another query", changed("d=E", "d=e"), false},
		{"no query", changed("?d=E", ""), false},
		{"another host", changed("push.example", "push.example.org"), false},
	} {
		s, _ := sender(t, nil, nil)
		push := &notify.Service{Store: &storefault.MemoryIdentity{}, Clock: clock.At(noon()), Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Limits: notify.DefaultLimits(), Senders: map[string]notify.Sender{webpush.Provider: s}}
		for _, who := range [][2]string{{"ani", first}, {"budi", tt.second}} {
			if _, err := push.Register(t.Context(), who[0], "device of "+who[0], notify.Named{Provider: webpush.Provider, Kind: webpush.Subscription, Value: who[1]}); err != nil {
				t.Fatal(tt.name, err)
			}
		}
		ani, budi := addresses(t, push, "ani"), addresses(t, push, "budi")
		if len(budi) != 1 || len(ani) == 0 != tt.same {
			t.Errorf("%s: ani has %d, budi %d", tt.name, len(ani), len(budi))
		}
		if tt.name == "with keys of its own" && !strings.Contains(budi[0].Value, text(again.auth)) {
			t.Error("the keys of the first are kept")
		}
	}
}

func addresses(t *testing.T, push *notify.Service, user string) []store.Address {
	t.Helper()
	all, err := push.Store.AddressesOf(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
