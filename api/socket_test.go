package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/api/wire"
)

// listen serves a house on a real socket.
func (h *house) listen(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- h.Serve(ln) }()
	t.Cleanup(func() {
		if err := h.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// raw sends bytes and reads one answer.
func raw(t testing.TB, addr, request string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go io.WriteString(c, request) // the server may answer before it has read all
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// problem wants a refusal in the form of every refusal.
func problem(t testing.TB, resp *http.Response, body string, status int, code string) {
	t.Helper()
	var p wire.Problem
	if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != status || p.Code != code || p.RequestId == "" ||
		resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s, want %d %s", resp.StatusCode, resp.Header, body, status, code)
	}
}

func squeezed(t testing.TB, encoding string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "zstd" {
		z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	zeros := make([]byte, 1<<20)
	for ; size > 0; size -= len(zeros) {
		if _, err := w.Write(zeros[:min(size, len(zeros))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t testing.TB, encoding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "zstd" {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestHostile13BombsCostLittle sends bodies that inflate to 64 MiB, many at a
// time, and bounds what all of them together make the process hold and allocate.
func TestHostile13BombsCostLittle(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	const inflated, bombs, bound = 64 << 20, 16, 96 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // what is held counts, not what a busy machine has not swept yet
	for _, encoding := range []string{"gzip", "zstd"} {
		bomb := string(squeezed(t, encoding, inflated))
		if len(bomb) > 4<<20 {
			t.Fatalf("a bomb of %d bytes", len(bomb))
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var peak atomic.Uint64
		var all sync.WaitGroup
		for range bombs {
			all.Go(func() {
				resp, body := p.do(t, "POST", "/v1/sync", bomb, "Content-Encoding", encoding)
				problem(t, resp, body, 413, "body_too_large")
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				for old := peak.Load(); now.HeapInuse > old && !peak.CompareAndSwap(old, now.HeapInuse); old = peak.Load() {
				}
			})
		}
		all.Wait()
		runtime.ReadMemStats(&after)
		if grown := int64(peak.Load()) - int64(before.HeapInuse); grown > bound {
			t.Errorf("%s: %d bombs took %d MiB at a time, more than %d", encoding, bombs, grown>>20, bound>>20)
		}
		if total := after.TotalAlloc - before.TotalAlloc; total > 16*bound {
			t.Errorf("%s: %d bombs allocated %d MiB in all", encoding, bombs, total>>20)
		}
	}
}

func TestHostile13EncodingsAreReadOrRefused(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	good := map[string]string{"gzip": packed(t, "gzip", syncBody), "zstd": packed(t, "zstd", syncBody), "identity": syncBody, "GZIP": packed(t, "gzip", syncBody)}
	for encoding, body := range good {
		if resp, answer := p.do(t, "POST", "/v1/sync", body, "Content-Encoding", encoding); resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", encoding, resp.StatusCode, answer)
		}
	}
	for _, tt := range []struct {
		name, encoding, body string
		status               int
		code                 string
	}{
		{"unknown", "br", syncBody, 415, "encoding_unsupported"},
		{"nested", "gzip, gzip", packed(t, "gzip", good["gzip"]), 415, "encoding_unsupported"},
		{"nested unsaid", "gzip", packed(t, "gzip", good["gzip"]), 400, "body_unreadable"},
		{"not compressed", "gzip", syncBody, 400, "body_unreadable"},
		{"not compressed", "zstd", syncBody, 400, "body_unreadable"},
		{"wrong name", "zstd", good["gzip"], 400, "body_unreadable"},
		{"truncated", "gzip", good["gzip"][:len(good["gzip"])-6], 400, "body_unreadable"},
		{"truncated", "zstd", good["zstd"][:len(good["zstd"])-3], 400, "body_unreadable"},
		{"trailing rubbish", "gzip", good["gzip"] + "rubbish", 400, "body_unreadable"},
		{"empty", "gzip", "", 400, "body_unreadable"},
	} {
		resp, body := p.do(t, "POST", "/v1/sync", tt.body, "Content-Encoding", tt.encoding, "Content-Type", "application/json")
		if problem(t, resp, body, tt.status, tt.code); t.Failed() {
			t.Fatal(tt.name, tt.encoding)
		}
	}
}

func TestHostile17FiftyRefreshesAtOnceAreOne(t *testing.T) {
	o := newTour(t)
	l := o.enter("+628117000001")
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[string]bool{}
	for range 50 {
		all.Go(func() {
			_, body := o.do(t, "POST", "/v1/auth/refresh", `{"refresh_token":"`+l.RefreshToken+`"}`)
			var tokens wire.Tokens
			if err := json.Unmarshal([]byte(body), &tokens); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[tokens.RefreshToken] = true
		})
	}
	all.Wait()
	if len(got) != 1 || got[""] {
		t.Errorf("%d different refresh tokens", len(got))
	}
	next := ""
	for token := range got {
		next = token
	}
	o.want(200, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+next+`"}`)
	r := o.want(401, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+l.RefreshToken+`"}`)
	if o.code("refresh_reused", r); r.Problem.Info["keep_outbox"] != true {
		t.Errorf("reused: %s", r.Body)
	}
	o.code("session_revoked", o.want(401, "", "POST", "/v1/auth/refresh", `{"refresh_token":"`+next+`"}`))
	o.code("session_revoked", o.want(401, l.AccessToken, "GET", "/v1/me", ""))
}

// forgeries are what has passed for a good token somewhere, made of one.
func forgeries(t testing.TB, good string) map[string]string {
	t.Helper()
	parts := strings.Split(good, ".")
	b64 := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum := bytes.Repeat([]byte{1}, 32)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"none": b64(`{"alg":"none"}`) + "." + parts[1] + ".", "HS256": b64(`{"alg":"HS256","kid":"x"}`) + "." + parts[1] + "." + parts[2],
		"a path for a key": b64(`{"alg":"ES256","kid":"../../etc/passwd"}`) + "." + parts[1] + "." + parts[2], "SQL for a key": b64(`{"alg":"ES256","kid":"' OR 1=1--"}`) + "." + parts[1] + "." + parts[2],
		"a key of its own":   b64(`{"alg":"ES256","jwk":{"kty":"EC"},"jku":"http://127.0.0.1:1/","x5u":"http://127.0.0.1:1/"}`) + "." + parts[1] + "." + parts[2],
		"another signature":  parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature),
		"far future":         parts[0] + "." + b64(strings.Replace(string(claims), `"exp":`, `"exp":9`, 1)) + "." + parts[2],
		"no end":             parts[0] + "." + b64(strings.Replace(string(claims), `"exp"`, `"exq"`, 1)) + "." + parts[2],
		"another issuer":     parts[0] + "." + b64(strings.Replace(string(claims), "lumbung.test", "evil.test", 1)) + "." + parts[2],
		"something trailing": good + ".x", "huge": good + strings.Repeat("A", 8000), "rubbish": "x",
	}
}

func TestHostile18ForgedTokens(t *testing.T) {
	o := newTour(t)
	first := ""
	for name, token := range forgeries(t, o.enter("+628117000001").AccessToken) {
		r := o.want(401, token, "GET", "/v1/me", "")
		r.Problem.RequestId = ""
		said := fmt.Sprint(r.Problem)
		if first == "" {
			first = said
		}
		if r.Problem.Code != "token_invalid" || said != first {
			t.Errorf("%s: %s, another one: %s", name, said, first)
		}
	}
}

func TestHostile23LogsAreOneLineEach(t *testing.T) {
	o := newTour(t)
	addr := o.listen(t)
	resp, body := raw(t, addr, "GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", 1<<20)+"\r\n\r\n")
	problem(t, resp, body, 431, "header_too_large")
	l := o.enter("+628117000001")
	o.log.Reset()
	o.want(401, "secret\x1b[31m", "GET", "/v1/me", "!")
	o.want(404, "", "GET", "/v1/me%0d%0a{\"level\":\"ERROR\"}?token="+l.AccessToken, "!")
	text := o.log.String()
	for _, secret := range []string{"secret", l.AccessToken, "\x1b", "level\\\":", "8117000001"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %.30q:\n%s", secret, text)
		}
	}
	if n := strings.Count(text, "\n"); n != 2 {
		t.Errorf("%d log lines for two requests", n)
	}
}

func TestHostile26AHundredGuessesAtOnceAreOneLogin(t *testing.T) {
	o := newTour(t)
	var c wire.Challenge
	o.want(202, "", "POST", "/v1/auth/code", `{"phone":"08117000001"}`).Into(t, &c)
	if _, err := o.parts.Auth.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"challenge":%q,"phone":"08117000001","code":%q,"device":{"install_id":"0190aaaa-0000"}}`, c.Challenge, o.box.code(c.Challenge))
	var all sync.WaitGroup
	var in atomic.Int32
	for range 100 {
		all.Go(func() {
			if resp, answer := o.do(t, "POST", "/v1/auth/login", body); resp.StatusCode == 200 {
				in.Add(1)
			} else if resp.StatusCode >= 500 && resp.StatusCode != 503 {
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d logins with one code", in.Load())
	}
}

func TestHostile27ARequestHasOneMeaning(t *testing.T) {
	h := open(t)
	p := h.login(t, "+628117000001")
	addr := h.listen(t)
	head := "Host: lumbung.test\r\nContent-Type: application/json\r\nAuthorization: Bearer " + p.Access + "\r\n"
	for name, tt := range map[string]struct {
		request, code string
		status        int
	}{
		"length and chunks":  {"POST /v1/sync HTTP/1.1\r\n" + head + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "header_invalid", 400},
		"chunks and length":  {"POST /v1/sync HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "header_invalid", 400},
		"two lengths":        {"POST /v1/sync HTTP/1.1\r\n" + head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "header_invalid", 400},
		"two proofs":         {"GET /v1/me HTTP/1.1\r\n" + head + "Authorization: Bearer x\r\n\r\n", "header_invalid", 400},
		"another method":     {"GET /v1/me/sessions HTTP/1.1\r\n" + head + "X-HTTP-Method-Override: DELETE\r\n\r\n", "", 200},
		"two slashes":        {"GET //v1/me HTTP/1.1\r\n" + head + "\r\n", "route_not_found", 404},
		"an encoded slash":   {"GET /v1%2fme HTTP/1.1\r\n" + head + "\r\n", "route_not_found", 404},
		"a parameter":        {"GET /v1/me;x HTTP/1.1\r\n" + head + "\r\n", "route_not_found", 404},
		"capitals":           {"GET /V1/ME HTTP/1.1\r\n" + head + "\r\n", "route_not_found", 404},
		"a slash at the end": {"GET /v1/me/ HTTP/1.1\r\n" + head + "\r\n", "route_not_found", 404},
		"a wrong method":     {"PUT /v1/me HTTP/1.1\r\n" + head + "Content-Length: 0\r\n\r\n", "method_not_allowed", 405},
		"rubbish":            {"rubbish\r\n\r\n", "body_unreadable", 400},
		"too large unread":   {"POST /v1/sync HTTP/1.1\r\n" + head + "Content-Length: 5000000\r\n\r\n{}", "body_too_large", 413},
	} {
		resp, body := raw(t, addr, tt.request)
		if tt.code == "" {
			if resp.StatusCode != tt.status {
				t.Errorf("%s: %d %s", name, resp.StatusCode, body)
			}
			continue
		}
		if problem(t, resp, body, tt.status, tt.code); t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestASlowHeaderIsCutOff(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Limits.Read = 200 * time.Millisecond })
	resp, body := raw(t, h.listen(t), "GET /v1/me HTTP/1.1\r\nHost: x\r\n")
	problem(t, resp, body, 408, "timeout")
}

func TestHostile28OnlyPagesOfTheListMayCall(t *testing.T) {
	h := open(t, func(p *api.Parts) { p.Origins = []string{"https://admin.example"} })
	for origin, allowed := range map[string]bool{"https://admin.example": true, "null": false, "https://admin.example.evil.example": false, "https://evil-admin.example": false,
		"http://admin.example": false, "https://ADMIN.example": false} {
		for _, method := range []string{"GET", "OPTIONS"} {
			resp, _ := h.do(t, method, "/healthz", "", "Origin", origin, "Access-Control-Request-Method", "GET")
			if got := resp.Header.Get("Access-Control-Allow-Origin"); (got == origin) != allowed || got != "" && got != origin || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: %q", method, origin, got)
			}
		}
	}
	used := map[string]bool{}
	for _, op := range (&api.Server{}).Operations() {
		used[op.Method] = true
	}
	for method := range used { // by a page of the list
		resp, _ := h.do(t, "OPTIONS", "/v1/me", "", "Origin", "https://admin.example", "Access-Control-Request-Method", method)
		if got := strings.Split(resp.Header.Get("Access-Control-Allow-Methods"), ", "); !slices.Contains(got, method) {
			t.Errorf("%s is not among %v", method, got)
		}
	}
	resp, _ := open(t).do(t, "OPTIONS", "/v1/sync", "", "Origin", "https://admin.example", "Access-Control-Request-Method", "POST")
	if resp.StatusCode != 405 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without a list: %d %v", resp.StatusCode, resp.Header)
	}
}
