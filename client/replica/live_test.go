package replica_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

const hello = "retry: 10\nevent: hello\ndata: {\"now\":\"2022-05-05T02:00:00.000Z\",\"heartbeat_s\":25}\n\n"

func news(scope string, seq int) string {
	return fmt.Sprintf("id: x\nevent: scope\ndata: {\"scope\":%q,\"generation\":%q,\"seq\":%d}\n\n", scope, gen, seq)
}

// flush writes to a stream at once.
func flush(t *testing.T, w http.ResponseWriter, text string) {
	if _, err := io.WriteString(w, text); err != nil {
		return // the phone has gone
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	} else {
		t.Error("the server cannot stream")
	}
}

func stream(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/event-stream") }

// listen runs a Live until the test ends.
func listen(t *testing.T, l *replica.Live) (wake chan struct{}) {
	t.Helper()
	wake = make(chan struct{}, 1)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, wake) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return wake
}

func TestAnEventOfWhatThePhoneLacksWakesIt(t *testing.T) {
	say := make(chan string)
	h, web := behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access" || r.URL.Query().Get("cursor") == "" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		stream(w)
		flush(t, w, hello)
		for {
			select {
			case text := <-say:
				flush(t, w, text)
			case <-r.Context().Done():
				return
			}
		}
	})
	h.have(5, row(item, 5, 10))
	wake := listen(t, &replica.Live{HTTP: web})
	for _, idle := range []string{news(shop, 5), "event: scope\ndata: {\"scope\":\"business/x\",\"gone\":true}\n\n", ": quiet\n\n", "event: scope\ndata: {]\n\n", "\x00\xff\n\n",
		"event: new\ndata: {}\n\n", "event: hello\ndata: {\"heartbeat_s\":-1}\n\n", "data:\n\n"} {
		say <- idle
	}
	say <- ":\n\n" // the one before is read by now, or behind this one in the same stream
	select {
	case <-wake:
		t.Error("woken by what the phone has")
	default:
	}
	for _, text := range []string{news(shop, 6), news("business/new", 1), "event: scope\ndata: {\"scope\":\"" + shop + "\",\"gone\":true}\n\n"} {
		say <- text
		<-wake
	}
}

// TestACutStreamIsOpenedAgain cuts after the greeting, in the middle of a line, and
// says goodbye; the phone is back each time.
func TestACutStreamIsOpenedAgain(t *testing.T) {
	var opened atomic.Int32
	h, web := behind(t, func(w http.ResponseWriter, r *http.Request) {
		stream(w)
		n := int(opened.Add(1))
		switch n {
		case 1:
			flush(t, w, hello+"event: scope\ndata: {\"sc")
			panic(http.ErrAbortHandler)
		case 2:
			flush(t, w, hello+"event: bye\ndata: {\"reason\":\"draining\",\"retry_ms\":1}\n\n")
		case 3:
			flush(t, w, hello+strings.Repeat("x", 1<<17)) // a line without an end
		default:
			flush(t, w, hello+news(shop, 9))
			<-r.Context().Done()
		}
	})
	h.have(5, row(item, 5, 10))
	<-listen(t, &replica.Live{HTTP: web})
	if n := opened.Load(); n != 4 {
		t.Errorf("opened %d times", n)
	}
}

func TestAnExpiredTokenIsRefreshedForAStream(t *testing.T) {
	h, web := behind(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/v1/auth/refresh":
			_, _ = io.WriteString(w, `{"access_token":"new","refresh_token":"newer"}`)
		case r.Header.Get("Authorization") == "Bearer new":
			stream(w)
			flush(t, w, hello+news(shop, 9))
			<-r.Context().Done()
		default:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code":"token_expired"}`)
		}
	})
	h.have(5, row(item, 5, 10))
	<-listen(t, &replica.Live{HTTP: web})
}

// TestANetworkWithoutStreamsIsPolled goes through networks that refuse streams,
// answer something else, or hold them back.
func TestANetworkWithoutStreamsIsPolled(t *testing.T) {
	for name, live := range map[string]http.HandlerFunc{
		"an old server": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"route_not_found"}`)
		},
		"a portal":               func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>Selamat datang</html>") },
		"a proxy that holds all": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a proxy that holds events": func(w http.ResponseWriter, r *http.Request) {
			stream(w)
			flush(t, w, ":\n")
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			polled := make(chan url.Values, 1)
			h, web := behind(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v1/sync/live" {
					live(w, r)
					return
				}
				select {
				case polled <- r.URL.Query():
				default:
				}
				if err := json.NewEncoder(w).Encode(protocol.Waited{Now: "2022-05-05T02:00:00.000Z", News: []protocol.News{{Scope: shop, Generation: gen, Seq: 9}}}); err != nil {
					return
				}
			})
			h.have(5, row(item, 5, 10))
			<-listen(t, &replica.Live{HTTP: web, Greet: 50 * time.Millisecond})
			if q := <-polled; q.Get("cursor") == "" || q.Get("timeout_s") != "5" {
				t.Errorf("polled with %v", q)
			}
		})
	}
}

// pipe is a server whose only stream the test writes, without a socket.
type pipe struct {
	asked chan *io.PipeWriter
}

// RoundTrip implements http.RoundTripper.
func (p *pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	body, w := io.Pipe()
	context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
	p.asked <- w
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body, Request: r}, nil
}

func TestASilentStreamIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := phone(t, &replica.Memory{})
		h.ok(h.KeepSession(replica.Session{Access: "access", Refresh: "refresh"}))
		p := &pipe{asked: make(chan *io.PipeWriter)}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error)
		l := &replica.Live{HTTP: &replica.HTTP{Base: "http://lumbung.test", Client: &http.Client{Transport: p}, Phone: h.Client}}
		go func() { ended <- l.Run(ctx, make(chan struct{}, 1)) }()
		first := <-p.asked
		if _, err := io.WriteString(first, hello); err != nil {
			t.Fatal(err)
		}
		for range 5 { // heartbeats keep it
			synctest.Wait()
			timer := time.NewTimer(25 * time.Second)
			<-timer.C
			if _, err := io.WriteString(first, ":\n\n"); err != nil {
				t.Fatal(err)
			}
		}
		last := time.Now()
		<-p.asked
		if silence := time.Since(last); silence < 50*time.Second || silence > 60*time.Second {
			t.Errorf("given up after %v", silence)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
