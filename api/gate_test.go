package api

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/fault"
)

// asked is a request at a gate: nil once it is in, or what it was told.
type asked struct {
	*testing.T
	g    *gate
	said []string // in order
}

func (a *asked) ask(name string, c class) {
	go func() {
		if err := a.g.enter(context.Background(), c); err != nil {
			if fault.CodeOf(err) != "overloaded" || fault.KindOf(err) != fault.Transient {
				a.Errorf("%v", err)
			}
			name = "not " + name
		}
		a.said = append(a.said, name)
	}()
	synctest.Wait() // so that they come one after the other
}

func (a *asked) leave() {
	a.g.leave()
	synctest.Wait()
}

func (a *asked) want(said ...string) {
	a.Helper()
	if len(a.said) != len(said) {
		a.Fatalf("%q, want %q", a.said, said)
	}
	for i := range said {
		if a.said[i] != said[i] {
			a.Fatalf("%q, want %q", a.said, said)
		}
	}
	a.said = nil
}

func TestAGateCallsByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{T: t, g: newGate(1, time.Second)}
		a.g.most = 3
		a.ask("first", fetch)
		a.want("first")
		a.ask("pull", fetch)
		a.ask("push", bring)
		a.ask("refresh", keepSession)
		a.want()
		a.leave()
		a.want("refresh")
		a.leave()
		a.want("push")
		a.leave()
		a.want("pull")
		a.leave()
		a.ask("later", fetch)
		a.want("later")
	})
}

func TestAFullLineSendsTheLowestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{T: t, g: newGate(2, time.Second)}
		a.ask("one", bring)
		a.ask("two", bring)
		a.want("one", "two")
		a.ask("old pull", fetch)
		a.ask("new pull", fetch)
		a.ask("third pull", fetch)
		a.want("not third pull") // nobody lower is there
		a.ask("push", bring)
		a.want("not new pull")
		a.ask("refresh", keepSession)
		a.want("not old pull")
		a.ask("another push", bring)
		a.want("not another push")
		a.leave()
		a.leave()
		a.want("refresh", "push")
	})
}

func TestNobodyWaitsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{T: t, g: newGate(1, 50*time.Millisecond)}
		a.ask("one", bring)
		a.want("one")
		began := time.Now()
		a.ask("two", bring)
		<-time.After(51 * time.Millisecond)
		synctest.Wait()
		a.want("not two")
		if took := time.Since(began); took > 60*time.Millisecond {
			t.Errorf("sent away after %v", took)
		}
		a.leave()
		a.ask("three", bring) // the place of one was not given to who had gone
		a.want("three")
		if a.g.waiting != 0 {
			t.Errorf("%d wait", a.g.waiting)
		}
	})
}

func TestWhoHasGoneGetsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, time.Second)
		if err := g.enter(t.Context(), bring); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		told := make(chan error, 1)
		go func() { told <- g.enter(ctx, bring) }()
		synctest.Wait()
		stop()
		if err := <-told; fault.CodeOf(err) != "overloaded" {
			t.Error(err)
		}
		g.leave()
		if g.free != 1 || g.waiting != 0 {
			t.Errorf("%d free, %d wait", g.free, g.waiting)
		}
	})
}

// TestASyncWithoutEditsIsALook: what is packed may hold some, and what only looks as if
// it held some is taken for more than it is.
func TestASyncWithoutEditsIsALook(t *testing.T) {
	app := fiber.New()
	for name, tt := range map[string]struct {
		method, path, encoding, body string
		want                         class
	}{
		"a look":                    {"POST", "/v1/sync", "", `{"cursor":"x","clock":{}}`, fetch},
		"a look that says so":       {"POST", "/v1/sync", "identity", `{"cursor":"x"}`, fetch},
		"a look at a push token":    {"POST", "/v1/sync", "", `{"reset":["push_token"]}`, fetch},
		"edits":                     {"POST", "/v1/sync", "", `{"cursor":"x","push":[{"scope":"s"}]}`, bring},
		"edits, with blanks":        {"POST", "/v1/sync", "", "{ \"push\" : [] }", bring},
		"packed":                    {"POST", "/v1/sync", "gzip", "\x1f\x8b", bring},
		"packed otherwise":          {"POST", "/v1/sync", "ZSTD", "", bring},
		"a push":                    {"POST", "/v1/sync/push", "", `{}`, bring},
		"a pull, whatever it holds": {"POST", "/v1/sync/pull", "", `{"push":[]}`, fetch},
		"a read":                    {"GET", "/v1/me", "", "", fetch},
		"a refresh":                 {"POST", "/v1/auth/refresh", "", "", keepSession},
		"a change online":           {"PATCH", "/v1/businesses/{business}/members/{member}", "", "{}", bring},
	} {
		var inner fasthttp.RequestCtx
		inner.Request.Header.Set(fiber.HeaderContentEncoding, tt.encoding)
		inner.Request.SetBodyString(tt.body)
		c := app.AcquireCtx(&inner)
		if got := (route{method: tt.method, path: tt.path}).class(c); got != tt.want {
			t.Errorf("%s: class %d, want %d", name, got, tt.want)
		}
		app.ReleaseCtx(c)
	}
}

// TestASlowServerWorksOnFewerAtATime: while some are sent away and the others take long,
// down to a quarter; and on all again once nobody is sent away, whatever they take.
func TestASlowServerWorksOnFewerAtATime(t *testing.T) {
	const full = 8
	g := newGate(full, time.Second)
	g.quick = 60 * time.Millisecond
	// round has so many come that some are sent away, or one after the other, and as many
	// leave after a while as it takes to look at them.
	round := func(flood bool, took time.Duration) {
		if !flood {
			for range full {
				if g.line(bring) != nil {
					t.Fatal("not let in")
				}
				g.leaveAfter(took)
			}
			return
		}
		for g.free > 0 {
			g.line(bring)
		}
		for range full + 1 {
			g.line(fetch)
		}
		if g.waiting != full {
			t.Fatalf("%d wait", g.waiting)
		}
		for range full { // those that wait get the places of those that leave
			g.leaveAfter(took)
		}
		for g.waiting > 0 || g.free < g.places {
			g.leave()
		}
	}
	for n, step := range []struct {
		flood bool
		took  time.Duration
		want  int
	}{
		{true, 50 * time.Millisecond, 8}, // sent away, but quick enough
		{true, 100 * time.Millisecond, 7}, {true, 100 * time.Millisecond, 6}, {true, time.Hour, 5}, {true, 100 * time.Millisecond, 4},
		{true, 100 * time.Millisecond, 3}, {true, 100 * time.Millisecond, 2}, {true, 100 * time.Millisecond, 2}, // a quarter stays
		{true, 50 * time.Millisecond, 2}, // just right
		{true, 20 * time.Millisecond, 3}, // very quick
		{false, 100 * time.Millisecond, 4}, {false, time.Hour, 5}, {false, 0, 6}, {false, 0, 7}, {false, 0, 8}, {false, 0, 8},
	} {
		if round(step.flood, step.took); g.places != step.want || g.free != g.places {
			t.Fatalf("step %d: %d places, %d free, want %d", n, g.places, g.free, step.want)
		}
	}
}

// TestForgedRefreshesLoseTheirClass, and so does whoever else asks from there, until the
// budget of the address has come back: everybody is answered all the same.
func TestForgedRefreshesLoseTheirClass(t *testing.T) {
	at := clock.At(time.Date(2022, time.May, 5, 2, 0, 0, 0, time.UTC))
	s := &Server{Parts: Parts{Clock: at}, failures: newMeter("failures", Rate{Max: 3, Per: time.Minute})}
	here, there := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	refresh := route{method: "POST", path: "/v1/auth/refresh", bySession: true}
	want := func(from netip.Addr, c class) {
		t.Helper()
		if got := s.classOf(&call{ip: from}, refresh); got != c {
			t.Errorf("%v: class %d, want %d", from, got, c)
		}
	}
	want(here, keepSession)
	for range 3 {
		s.failures.take(here.String(), at.Now(), 1)
	}
	want(here, fetch)
	want(there, keepSession)
	at.Advance(20 * time.Second)
	want(here, keepSession)
}
