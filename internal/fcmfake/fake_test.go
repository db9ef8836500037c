package fcmfake_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
)

// service is a server of its own behind a socket, and somebody who may send.
type service struct {
	*testing.T
	*fcmfake.Server
	clock  *clock.Fixed
	url    string
	bearer string
}

func start(t *testing.T, o fcmfake.Options) *service {
	t.Helper()
	s := &service{T: t, clock: clock.At(time.Date(2022, 3, 17, 3, 0, 0, 0, time.UTC))}
	o.Clock = s.clock
	var err error
	if s.Server, err = fcmfake.New(o); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Server)
	t.Cleanup(h.Close)
	s.url = h.URL
	s.bearer = s.login()
	return s
}

type m = map[string]any

// post sends JSON as somebody with the bearer token.
func (s *service) post(path string, body any, header ...string) (status int, h http.Header, answer m) {
	s.Helper()
	text, err := json.Marshal(body)
	if raw, is := body.(string); is {
		text, err = []byte(raw), nil
	}
	if err != nil {
		s.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+path, bytes.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.bearer)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil // cut
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if json.Unmarshal(all, &answer) != nil {
		answer = m{"text": string(all)}
	}
	return resp.StatusCode, resp.Header, answer
}

const sendPath = "/v1/projects/demo/messages:send"

func (s *service) message(of m) (int, http.Header, m) {
	s.Helper()
	return s.post(sendPath, m{"message": of})
}

// accepted sends what must be taken.
func (s *service) accepted(of m) {
	s.Helper()
	if status, _, a := s.message(of); status != http.StatusOK {
		s.Fatalf("%v: %d %v", of, status, a)
	}
}

// card is a message with a card of a tag.
func card(p *fcmfake.Phone, tag string, android m) m {
	out := m{"notification": m{"tag": tag}, "priority": "high"}
	for k, v := range android {
		out[k] = v
	}
	return m{"token": p.Address(), "notification": m{"title": "Kabar"}, "data": m{"nid": tag}, "android": out}
}

// signer reads the key out of the file of credentials.
func (s *service) signer() (*rsa.PrivateKey, string) {
	s.Helper()
	text, err := s.Credentials(s.url)
	if err != nil {
		s.Fatal(err)
	}
	var file map[string]string
	if err := json.Unmarshal(text, &file); err != nil {
		s.Fatal(err)
	}
	block, _ := pem.Decode([]byte(file["private_key"]))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		s.Fatal(err)
	}
	return key.(*rsa.PrivateKey), file["client_email"]
}

func (s *service) assertion(change func(claims m)) string {
	s.Helper()
	key, email := s.signer()
	claims := m{"iss": email, "aud": s.url + "/token", "scope": "https://www.googleapis.com/auth/firebase.messaging", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(claims)
	}
	text, err := json.Marshal(claims)
	if err != nil {
		s.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(text)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		s.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// exchange asks for a token; "" if none is given.
func (s *service) exchange(assertion string) string {
	s.Helper()
	resp, err := http.PostForm(s.url+"/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}})
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var a struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || (resp.StatusCode == http.StatusOK) != (a.Token != "") {
		s.Fatalf("%d %v", resp.StatusCode, err)
	}
	return a.Token
}

func (s *service) login() string {
	s.Helper()
	token := s.exchange(s.assertion(nil))
	if token == "" {
		s.Fatal("not let in")
	}
	return token
}

// TestOnlyASignedAssertionGetsAToken, and only a token that was given here may send.
func TestOnlyASignedAssertionGetsAToken(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	for name, change := range map[string]func(m){
		"another issuer": func(c m) { c["iss"] = "other@demo" }, "another audience": func(c m) { c["aud"] = "https://oauth2.googleapis.com/token" },
		"another scope": func(c m) { c["scope"] = "email" }, "too long": func(c m) { c["exp"] = time.Now().Add(3 * time.Hour).Unix() }, "over": func(c m) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
	} {
		if s.exchange(s.assertion(change)) != "" {
			t.Errorf("%s gets a token", name)
		}
	}
	good := s.assertion(nil)
	for name, bad := range map[string]string{"nothing": "", "another signature": good[:strings.LastIndex(good, ".")] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256)), "two parts": "a.b"} {
		if s.exchange(bad) != "" {
			t.Errorf("%s gets a token", name)
		}
	}
	s.RefuseExchanges(1)
	if s.exchange(good) != "" || s.exchange(good) == "" {
		t.Error("one refused exchange is not one")
	}
	p := s.NewPhone()
	s.accepted(card(p, "a", nil))
	s.ExpireTokens()
	if status, _, a := s.message(card(p, "a", nil)); status != http.StatusUnauthorized || a["error"].(m)["details"] != nil {
		t.Errorf("an expired token: %d %v", status, a)
	}
	s.bearer = s.login()
	s.accepted(card(p, "a", nil))
}

// TestWhatIsRefused: each in its shape.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	p, gone, other := s.NewPhone(), s.NewPhone(), s.NewPhone()
	gone.Uninstall()
	other.BelongTo(true)
	data := func(n int) m { return m{"x": strings.Repeat("a", n)} }
	for _, tt := range []struct {
		name   string
		body   any
		status int
		fcm    string // errorCode; "" where FCM is not named
	}{
		{"an unknown field", m{"message": m{"token": p.Address(), "titel": "x"}}, 400, ""},
		{"a number in data", m{"message": m{"token": p.Address(), "data": m{"n": 1}}}, 400, ""},
		{"null in data", m{"message": m{"token": p.Address(), "data": m{"n": nil}}}, 400, ""},
		{"null in the data of Android", m{"message": m{"token": p.Address(), "android": m{"data": m{"n": nil}}}}, 400, ""},
		{"null among arguments", m{"message": m{"token": p.Address(), "android": m{"notification": m{"body_loc_args": []any{nil}}}}}, 400, ""},
		{"a name in another case", m{"message": m{"Token": p.Address()}}, 400, ""},
		{"a name in capitals and lines", m{"message": m{"token": p.Address(), "android": m{"Collapse_Key": "x"}}}, 400, ""},
		{"an unknown field of a call", m{"dry_run": true, "message": m{"token": p.Address()}}, 400, ""},
		{"a field in both of its names", m{"message": m{"token": p.Address(), "android": m{"collapse_key": "x", "collapseKey": "x"}}}, 400, ""},
		{"a dry run that is no boolean", m{"validate_only": "yes", "message": m{"token": p.Address()}}, 400, ""},
		{"a dry run to one that is gone", m{"validate_only": true, "message": m{"token": gone.Address()}}, 404, "UNREGISTERED"},
		{"a dry run of too much", m{"validate_only": true, "message": m{"topic": "a", "data": data(2048)}}, 400, "INVALID_ARGUMENT"},
		{"no JSON", `{"message":`, 400, ""},
		{"two calls", `{"message":{"topic":"a"}} {}`, 400, ""},
		{"a priority that is none", m{"message": m{"token": p.Address(), "android": m{"priority": "urgent"}}}, 400, ""},
		{"a TTL without unit", m{"message": m{"token": p.Address(), "android": m{"ttl": "60"}}}, 400, ""},
		{"two targets", m{"message": m{"token": p.Address(), "topic": "a"}}, 400, ""},
		{"no target", m{"message": m{"data": data(1)}}, 400, "INVALID_ARGUMENT"},
		{"a TTL of a month", m{"message": m{"token": p.Address(), "android": m{"ttl": "2419201s"}}}, 400, "INVALID_ARGUMENT"},
		{"a reserved key", m{"message": m{"token": p.Address(), "data": m{"google.x": "1"}}}, 400, "INVALID_ARGUMENT"},
		{"from", m{"message": m{"token": p.Address(), "data": m{"from": "1"}}}, 400, "INVALID_ARGUMENT"},
		{"4097 bytes", m{"message": m{"token": p.Address(), "data": data(4096)}}, 400, "INVALID_ARGUMENT"},
		{"2049 bytes to a topic", m{"message": m{"topic": "a", "data": data(2048)}}, 400, "INVALID_ARGUMENT"},
		{"an odd label", m{"message": m{"token": p.Address(), "fcm_options": m{"analytics_label": "a b"}}}, 400, "INVALID_ARGUMENT"},
		{"a condition that is none", m{"message": m{"condition": "'a' in topics &&"}}, 400, "INVALID_ARGUMENT"},
		{"a token that never was", m{"message": m{"token": "x"}}, 400, "INVALID_ARGUMENT"},
		{"one that is gone", m{"message": m{"token": gone.Address()}}, 404, "UNREGISTERED"},
		{"one of another project", m{"message": m{"token": other.Address()}}, 403, "SENDER_ID_MISMATCH"},
	} {
		status, _, a := s.post(sendPath, tt.body)
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if status != tt.status || strings.Contains(string(text), "FcmError") != (tt.fcm != "") || !strings.Contains(string(text), tt.fcm) {
			t.Errorf("%s: %d %s", tt.name, status, text)
		}
	}
	if status, _, _ := s.post("/v1/projects/other/messages:send", m{"message": card(p, "a", nil)}); status != http.StatusForbidden {
		t.Errorf("another project: %d", status)
	}
	if status, _, a := s.post(sendPath, m{"validate_only": true, "message": card(p, "a", nil)}); status != 200 || len(p.Seen()) > 0 {
		t.Errorf("a dry run: %d %v, seen %d", status, a, len(p.Seen()))
	}
	if status, _, a := s.post(sendPath, m{"validateOnly": true, "message": m{"topic": "a"}}); status != 200 {
		t.Errorf("a dry run to a topic: %d %v", status, a)
	}
	s.accepted(m{"token": p.Address(), "data": data(4095), "apns": nil, "notification": nil})
	s.accepted(m{"fid": p.Address(), "data": data(1), "fcmOptions": m{"analyticsLabel": "x"}, "android": m{"collapseKey": "k", "notification": m{"channelId": "c", "notificationCount": 3}}})
	if c := p.Seen()[1].Content; c.Options.AnalyticsLabel != "x" || c.Android.CollapseKey != "k" || c.Android.Notification.ChannelID != "c" || c.Android.Notification.Count != 3 {
		t.Errorf("in lowerCamelCase: %+v", c)
	}
	if n := len(p.Seen()); n != 2 || s.Taken() != 2 {
		t.Errorf("seen %d, taken %d", n, s.Taken())
	}
}

func seen(p *fcmfake.Phone) (tags []string) {
	for _, d := range p.Seen() {
		tags = append(tags, d.Content.Data["nid"])
	}
	return tags
}

// TestAPhoneInDoze gets what is urgent at once, and the rest when it wakes, unless that is
// over by then.
func TestAPhoneInDoze(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	p := s.NewPhone()
	p.Doze(true)
	s.accepted(card(p, "urgent", nil))
	s.accepted(card(p, "later", m{"priority": "normal"}))
	s.accepted(card(p, "over", m{"priority": "normal", "ttl": "600s"}))
	s.accepted(card(p, "now_or_never", m{"priority": "normal", "ttl": "0s"}))
	if got := seen(p); !slices.Equal(got, []string{"urgent"}) || p.Pending() != 2 {
		t.Fatalf("asleep it saw %v, %d wait", got, p.Pending())
	}
	s.clock.Advance(10 * time.Minute)
	p.Doze(false)
	if got := seen(p); !slices.Equal(got, []string{"urgent", "later"}) || p.Pending() != 0 {
		t.Errorf("it saw %v, %d wait", got, p.Pending())
	}
}

// TestWhatWaitsForAPhone: the newest of a collapse key, four keys, a hundred others, and
// beyond that the app is told that it has missed something.
func TestWhatWaitsForAPhone(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{Seed: 7})
	p := s.NewPhone()
	p.Online(false)
	for _, key := range []string{"sync", "reminder", "nudge", "queue", "sync"} {
		s.accepted(card(p, fmt.Sprint(key, p.Pending()), m{"collapse_key": key}))
	}
	if p.Pending() != 4 {
		t.Fatalf("%d wait", p.Pending())
	}
	s.accepted(card(p, "fifth", m{"collapse_key": "fifth"}))
	if p.Pending() != 4 {
		t.Fatalf("%d wait", p.Pending())
	}
	for n := range 100 {
		s.accepted(card(p, fmt.Sprint(n), nil))
	}
	if p.Pending() != 104 || p.Deleted() != 0 {
		t.Fatalf("%d wait", p.Pending())
	}
	s.accepted(card(p, "one too many", nil))
	p.Online(true)
	if got := seen(p); len(got) != 4 || !slices.Contains(got, "fifth") || p.Deleted() != 1 {
		t.Errorf("it saw %v, told %d times that more is lost", got, p.Deleted())
	}
	p.Online(false)
	for n := range 20 {
		s.accepted(card(p, fmt.Sprint("again ", n), nil))
	}
	p.Online(true)
	got := seen(p)[4:]
	if len(got) != 20 || slices.IsSorted(got) {
		t.Errorf("twenty came in the order %v", got)
	}
}

// TestCardsOfATagReplaceEachOther, also where a delivery comes twice; without a tag they
// stand beside each other, and where notifications are off there are none.
func TestCardsOfATagReplaceEachOther(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	p := s.NewPhone()
	p.Repeat(1)
	for _, tag := range []string{"a", "a", "b", "", ""} {
		s.accepted(card(p, tag, nil))
	}
	if c := p.Cards(); len(c) != 4 || c[0].Drawn != 3 || c[0].Tag != "a" || len(p.Seen()) != 6 {
		t.Errorf("%+v", c)
	}
	p.Mute(true)
	p.Lose(1)
	s.accepted(card(p, "c", nil))
	s.accepted(card(p, "c", nil))
	s.accepted(m{"token": p.Address(), "data": m{"nid": "silent"}})
	if len(p.Cards()) != 4 || len(p.Seen()) != 8 {
		t.Errorf("%d cards, %d seen", len(p.Cards()), len(p.Seen()))
	}
	old := p.Address()
	if p.Renew() == old || s.Phone(p.Address()) != p {
		t.Error("no new address")
	}
	if status, _, _ := s.message(m{"token": old}); status != http.StatusNotFound {
		t.Errorf("the old address: %d", status)
	}
}

// TestQuotas: of the project, of a phone, and of what collapses.
func TestQuotas(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{PerMinute: 250})
	p := s.NewPhone()
	sends := func(of m) (n int, wait string) {
		for {
			status, h, _ := s.message(of)
			if status == http.StatusTooManyRequests {
				return n, h.Get("Retry-After")
			}
			if status != http.StatusOK {
				t.Fatal(status)
			}
			n++
		}
	}
	if n, wait := sends(card(p, "a", m{"collapse_key": "sync"})); n != 20 || wait != "180" {
		t.Errorf("%d that collapse, then wait %s s", n, wait)
	}
	if n, wait := sends(card(p, "a", nil)); n != 219 || wait != "1" { // of 240, one was asked for by the one that was refused
		t.Errorf("%d more to one phone, then wait %s s", n, wait)
	}
	for range 3 { // what is refused counts, but for what was too much
		if status, _, _ := s.message(m{"token": "x"}); status != http.StatusBadRequest {
			t.Fatal(status)
		}
		if status, _, _ := s.message(m{"token": p.Address(), "titel": "x"}); status != http.StatusBadRequest {
			t.Fatal(status)
		}
	}
	if n, _ := sends(card(s.NewPhone(), "a", nil)); n != 250-20-219-6 {
		t.Errorf("%d more of the project", n)
	}
	if status, _, a := s.message(m{"titel": "x"}); status != http.StatusTooManyRequests || strings.Contains(fmt.Sprint(a), "FcmError") || !strings.Contains(fmt.Sprint(a), "RATE_LIMIT_EXCEEDED") {
		t.Errorf("beyond the quota: %d %v", status, a)
	}
	s.clock.Advance(time.Minute)
	s.accepted(card(p, "a", nil))
}

// TestFaults: what each answers, and whether the phone has the message.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	for kind, want := range map[fcmfake.Kind]struct {
		status int
		has    bool
		says   string
	}{
		fcmfake.AcceptThenDrop: {0, true, ""}, fcmfake.DropBeforeAccept: {0, false, ""}, fcmfake.UnavailableButTaken: {503, true, "UNAVAILABLE"}, fcmfake.Truncated: {200, true, "projects"},
		fcmfake.WrongType: {200, true, "portal"}, fcmfake.Slow: {200, true, "projects"}, fcmfake.Unavailable: {503, false, "UNAVAILABLE"}, fcmfake.Internal: {500, false, "INTERNAL"},
		fcmfake.BadGateway: {502, false, "Error 502"}, fcmfake.Quota: {429, false, "QUOTA_EXCEEDED"}, fcmfake.ThirdPartyAuth: {401, false, "THIRD_PARTY_AUTH_ERROR"},
		fcmfake.BareUnauthorized: {401, false, "UNAUTHENTICATED"}, fcmfake.BareForbidden: {403, false, "PERMISSION_DENIED"}, fcmfake.BareNotFound: {404, false, "NOT_FOUND"},
		fcmfake.BareAborted: {409, false, "ABORTED"}, fcmfake.BareInternal: {500, false, "INTERNAL"}, fcmfake.BareUnavailable: {503, false, "UNAVAILABLE"},
		fcmfake.GatewayTimeout: {504, false, "Error 504"}, fcmfake.BadRequest: {400, false, "message.data"}, fcmfake.BadTokenText: {400, false, "registration token"},
		fcmfake.BadTokenField: {400, false, "message.token"}, fcmfake.BadTokenAtGate: {400, false, "message.token"},
	} {
		p, other := s.NewPhone(), s.NewPhone()
		s.Fail(fcmfake.Fault{Kind: kind, Address: p.Address(), RetryAfter: 30 * time.Second})
		s.accepted(card(other, "a", nil))
		status, h, a := s.message(card(p, "a", nil))
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if status != want.status || len(p.Seen()) == 1 != want.has || !strings.Contains(string(text), want.says) || (status == 503 || status == 429) && h.Get("Retry-After") != "30" {
			t.Errorf("%s: %d %s, wait %q, seen %d", kind, status, text, h.Get("Retry-After"), len(p.Seen()))
		}
		s.accepted(card(p, "a", nil))
	}
	s.Fail(fcmfake.Fault{Kind: fcmfake.Internal, Nth: s.Calls() + 2})
	p := s.NewPhone()
	s.accepted(card(p, "first", nil))
	if status, _, _ := s.message(card(p, "second", nil)); status != http.StatusInternalServerError {
		t.Errorf("the second call: %d", status)
	}
	s.Fail(fcmfake.Fault{Kind: fcmfake.Internal, Times: -1})
	s.Heal()
	s.accepted(card(p, "third", nil))
}

// TestTopics: who follows one, or some, gets what is sent to it.
func TestTopics(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	a, b, gone := s.NewPhone(), s.NewPhone(), s.NewPhone()
	gone.Uninstall()
	follow := func(verb, topic string, want int, who ...string) []any {
		t.Helper()
		status, _, answer := s.post("/iid/v1:"+verb, m{"to": topic, "registration_tokens": who}, "access_token_auth", "true")
		results, _ := answer["results"].([]any)
		if status != want {
			t.Fatalf("%s %s: %d %v", verb, topic, status, answer)
		}
		return results
	}
	got := follow("batchAdd", "/topics/food", 200, a.Address(), gone.Address(), "x")
	if len(got[0].(m)) != 0 || got[1].(m)["error"] != "NOT_FOUND" || got[2].(m)["error"] != "INVALID_ARGUMENT" {
		t.Errorf("%v", got)
	}
	follow("batchAdd", "/topics/toys", 200, a.Address(), b.Address())
	follow("batchAdd", "food", 400, a.Address())
	follow("batchAdd", "/topics/food", 400)
	follow("batchAdd", "/topics/food", 400, slices.Repeat([]string{a.Address()}, 1001)...)
	follow("batchDo", "/topics/food", 404, a.Address())
	longest := strings.Repeat("a", 900)
	follow("batchAdd", "/topics/"+longest, 200, gone.Address())
	follow("batchAdd", "/topics/a"+longest, 400, a.Address())
	for topic, want := range map[string]int{longest: 200, "a" + longest: 400} {
		for _, message := range []m{{"topic": topic, "data": m{"nid": "long"}}, {"condition": "'" + topic + "' in topics", "data": m{"nid": "long"}}} {
			if status, _, _ := s.post(sendPath, m{"message": message}); status != want {
				t.Errorf("a topic of %d bytes: %d, want %d", len(topic), status, want)
			}
		}
	}
	s.accepted(m{"topic": "food", "data": m{"nid": "food"}})
	s.accepted(m{"condition": "'toys' in topics && ('food' in topics || 'x' in topics)", "data": m{"nid": "both"}})
	s.accepted(m{"condition": "'food' in topics || 'toys' in topics", "data": m{"nid": "any"}})
	follow("batchRemove", "/topics/toys", 200, a.Address())
	s.accepted(m{"topic": "toys", "data": m{"nid": "toys"}})
	if x, y := seen(a), seen(b); !slices.Equal(x, []string{"food", "both", "any"}) || !slices.Equal(y, []string{"any", "toys"}) {
		t.Errorf("one saw %v, the other %v", x, y)
	}
}

// TestControls: what a developer does without Go.
func TestControls(t *testing.T) {
	t.Parallel()
	s := start(t, fcmfake.Options{})
	_, _, a := s.post("/fake/phones", nil)
	address := a["address"].(string)
	p := s.Phone(address)
	change := func(method, path, body string, want int) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
		}
		return string(text)
	}
	change("PATCH", "/fake/phones/"+address, `{"online":false}`, 200)
	s.accepted(card(p, "a", nil))
	if text := change("GET", "/fake/phones", "", 200); !strings.Contains(text, `"pending":1`) || !strings.Contains(text, `"online":false`) {
		t.Error(text)
	}
	if text := change("PATCH", "/fake/phones/"+address, `{"online":true,"doze":false}`, 200); !strings.Contains(text, `"title":"Kabar"`) {
		t.Error(text)
	}
	change("PATCH", "/fake/phones/"+address, `{"installed":false}`, 200)
	if status, _, _ := s.message(m{"token": address}); status != http.StatusNotFound {
		t.Errorf("uninstalled: %d", status)
	}
	change("PATCH", "/fake/phones/"+address, `{"awake":true}`, 400)
	change("GET", "/fake/phones/x", "", 404)
	change("POST", "/fake/faults", `{"kind":"internal","times":-1}`, 204)
	if status, _, _ := s.message(card(s.NewPhone(), "a", nil)); status != 500 {
		t.Errorf("with a fault: %d", status)
	}
	change("DELETE", "/fake/faults", "", 204)
	s.accepted(card(s.NewPhone(), "a", nil))
	if text := change("GET", "/fake/credentials", "", 200); !strings.Contains(text, s.url+"/token") {
		t.Error(text)
	}
}
