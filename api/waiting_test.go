package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
)

// TestWhoWaitsInsideIsCounted: for the lane, for room to inflate in, and for a packer.
func TestWhoWaitsInsideIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Parts{Clock: clock.System{}, IDs: id.Maker{Clock: clock.System{}, Rand: rand.Reader}, Log: slog.New(slog.DiscardHandler)})
		want := func(when string, large, inflate, pack int) {
			t.Helper()
			synctest.Wait()
			if l, i, p := s.WaitingLarge(), s.WaitingToInflate(), s.WaitingToPack(); l != large || i != inflate || p != pack {
				t.Errorf("%s: %d wait for the lane, %d to be inflated, %d to be packed; want %d, %d, %d", when, l, i, p, large, inflate, pack)
			}
		}
		ask := func(method, path, body string, header ...string) {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://lumbung.test"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			go func() {
				if _, err := s.RoundTrip(r); err != nil {
					t.Error(err)
				}
			}()
		}
		want("nobody is there", 0, 0, 0)

		var held []*inflater
		for range cap(s.inflaters) {
			held = append(held, <-s.inflaters)
		}
		for range cap(s.inflaters) + 3 { // as many as are inflated at a time, and three
			c := s.app.AcquireCtx(&fasthttp.RequestCtx{})
			c.Request().Header.Set("Content-Encoding", "gzip")
			c.Request().SetBodyString("no gzip")
			go func() {
				if err := s.unpacked(&call{Ctx: c, ctx: t.Context()}); fault.CodeOf(err) != "body_unreadable" {
					t.Error(err)
				}
			}()
		}
		ask("POST", "/v1/auth/code", "no json")
		want("bodies arrive", 0, 3, 0)
		for _, i := range held {
			s.inflaters <- i
		}
		want("there is room", 0, 0, 0)

		for range cap(s.packers.atOnce) {
			s.packers.atOnce <- struct{}{}
		}
		ask("GET", "/openapi.yaml", "", "Accept-Encoding", "gzip")
		ask("GET", "/openapi.yaml", "", "Accept-Encoding", "zstd")
		ask("GET", "/openapi.yaml", "")
		want("answers are long", 0, 0, 2)
		for range cap(s.packers.atOnce) {
			<-s.packers.atOnce
		}
		want("there is a packer", 0, 0, 0)

		places := s.lane.gate.places
		var leave []func()
		for n := range places + 2 {
			name := string(rune('a' + n))
			if n < places {
				l, err := s.lane.enter(t.Context(), auth.Identity{User: name, Device: name})
				if err != nil {
					t.Fatal(err)
				}
				leave = append(leave, l)
				continue
			}
			go func() {
				l, err := s.lane.enter(context.Background(), auth.Identity{User: name, Device: name})
				if err != nil {
					t.Error(err)
					return
				}
				l()
			}()
		}
		want("large pushes arrive", 2, 0, 0)
		for _, l := range leave {
			l()
		}
		want("they have gone", 0, 0, 0)
	})
}
