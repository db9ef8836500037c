package app_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// collector takes traces as one of OpenTelemetry does, and reads them with the types of
// the protocol.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*tracepb.Span
	asked int
	hangs chan struct{} // if not nil, no answer comes until it is closed
}

func collect(t *testing.T, hangs chan struct{}) *collector {
	t.Helper()
	c := &collector{hangs: hangs}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got tracepb.TracesData // has the fields of ExportTraceServiceRequest, which brings gRPC along
		if bad := proto.Unmarshal(body, &got); err != nil || bad != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s: %v, %v", r.URL, r.Header.Get("Content-Type"), err, bad)
		}
		c.mu.Lock()
		c.raw.Write(body)
		c.asked++
		for _, rs := range got.ResourceSpans {
			if len(rs.GetResource().GetAttributes()) != 2 || rs.Resource.Attributes[0].Value.GetStringValue() != "lumbung" {
				t.Errorf("resource %v", rs.Resource)
			}
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
		c.mu.Unlock()
		if c.hangs != nil {
			<-c.hangs
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// traced builds a server that sends traces to a collector.
func traced(t *testing.T, to string) *app.App {
	t.Helper()
	cfg := settings(t)
	cfg.Traces, cfg.TracesPerSecond = to, 1000
	return build(t, cfg)
}

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func ask(t *testing.T, a *app.App, method, path, token, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://lumbung.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := a.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestATraceShowsWhereTheTimeWentAndNothingElse: a sync with its parts under the trace of
// its caller, background work by itself, and not a word of what people are or type.
func TestATraceShowsWhereTheTimeWentAndNothingElse(t *testing.T) {
	c := collect(t, nil)
	a := traced(t, c.URL)
	l := login(t, a)
	business := a.Engine.IDs.New()
	if _, err := a.Programme.CreateBusiness(t.Context(), programme.Caller{User: l.User.ID, Name: "rest.test.1"}, programme.NewBusiness{ID: business, Name: "Rajut Metro Rahasia"}); err != nil {
		t.Fatal(err)
	}
	_, stop, ended := serve(t, a)
	scope := merge.UserScope(l.User.ID)
	head, err := a.Store.Head(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	if resp, text := ask(t, a, "POST", "/v1/sync/push", l.Access, string(push(t, l, scope, head.Generation.String(), a.Engine.IDs.New(), 1)), "traceparent", traceparent); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	secrets := []string{"+628117000001", "8117000001", l.Access, l.Refresh, "Rahasia", business, l.User.ID, "kata sandi", "Bearer"}
	for n, s := range []string{"08117000002", "+62 811-7000-003", "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "v1.01802912-3400-7123-8123-012345678901.12.a8Fh_-x", "otp-482915", "token-abc-def"} { // as package logging redacts
		secrets = append(secrets, s)
		for _, path := range []string{"/v1/me?x=" + url.QueryEscape(s), "/v1/businesses/" + url.PathEscape(s), "/" + url.PathEscape(s)} {
			ask(t, a, "GET", path, l.Access, "", "traceparent", fmt.Sprintf("00-%032x-b7ad6b7169203331-01", n+1), "X-App-Version", s, "tracestate", s, "User-Agent", s)
		}
	}
	ask(t, a, "GET", "/v1/businesses/"+business, l.Access, "")
	ask(t, a, "GET", "/v1/nothing/Rahasia", l.Access, "")
	ask(t, a, "POST", "/v1/auth/code", "", `{"phone":"+628117000001"}`)
	ask(t, a, "POST", "/v1/sync", "Rahasia", `{"kata sandi":1}`)
	stop()
	if err := <-ended; err != nil { // a stop sends what is left
		t.Error(err)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]int{}
	byID := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		names[s.Name]++
		byID[string(s.SpanId)] = s
		if s.EndTimeUnixNano < s.StartTimeUnixNano || s.StartTimeUnixNano == 0 {
			t.Errorf("%s began at %d and ended at %d", s.Name, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
	}
	var under []string
	for _, s := range c.spans {
		if hex.EncodeToString(s.TraceId) == traceparent[3:35] {
			if s.Name == "POST /v1/sync/push" {
				if hex.EncodeToString(s.ParentSpanId) != traceparent[36:52] || s.Kind != tracepb.Span_SPAN_KIND_SERVER {
					t.Errorf("the request is %v", s)
				}
				continue
			}
			if byID[string(s.ParentSpanId)] == nil {
				t.Errorf("%s hangs under nothing", s.Name)
			}
			under = append(under, s.Name)
		}
	}
	for _, part := range []string{"sync decode", "sync decide", "sync commit", "store Append"} {
		if !strings.Contains(strings.Join(under, ","), part) {
			t.Errorf("the push has no part %q: %q", part, under)
		}
	}
	for _, name := range []string{"background work", "repair", "GET /v1/businesses/{business}", "none", "POST /v1/auth/code"} {
		if names[name] == 0 {
			t.Errorf("no span %q: %v", name, names)
		}
	}
	for _, s := range secrets {
		if bytes.Contains(c.raw.Bytes(), []byte(s)) {
			t.Errorf("%q stands in a trace", s)
		}
	}
	if found := regexp.MustCompile(`\+?62[0-9]{8,}|eyJ[A-Za-z0-9_-]{8,}`).Find(c.raw.Bytes()); found != nil {
		t.Errorf("%q stands in a trace", found)
	}
}

// TestADeadCollectorCostsNothing: one that refuses, one that is not there and one that
// never answers change no answer, and hold up no stop for longer than a batch may take.
func TestADeadCollectorCostsNothing(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	refuses := httptest.NewServer(http.NotFoundHandler())
	defer refuses.Close()
	for name, to := range map[string]string{"refuses": refuses.URL, "is not there": "http://127.0.0.1:1", "never answers": collect(t, hangs).URL} {
		t.Run(name, func(t *testing.T) {
			a := traced(t, to)
			l := login(t, a)
			_, stop, ended := serve(t, a)
			for range 200 {
				if resp, text := ask(t, a, "POST", "/v1/sync", l.Access, `{"clock":{"wall":"2022-05-05T02:11:09.120Z","mono_ms":1,"boot":"b"}}`); resp.StatusCode != 200 && resp.StatusCode != 429 {
					t.Fatalf("%d %s", resp.StatusCode, text)
				}
			}
			stop()
			ctx, late := context.WithTimeout(t.Context(), 20*time.Second)
			defer late()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-ctx.Done():
				t.Fatal("the stop waits for the collector")
			}
			if err := a.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
