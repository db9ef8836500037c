package outage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
)

// patience is how long a request may take in the worst network: its deadline, and
// a moment.
const patience = 28 * time.Second

// recovery is within what a process is itself again once the network is.
const recovery = 20 * time.Second

// trouble is something that the network between a process and its database does.
type trouble struct {
	name  string
	toxic string // of toxiproxy; "" cuts the wire
	cuts  bool   // nothing comes through
}

func troubles() []trouble {
	return []trouble{
		{"slow", `{"name":"t","type":"latency","attributes":{"latency":100,"jitter":60}}`, false},
		{"narrow", `{"name":"t","type":"bandwidth","attributes":{"rate":30}}`, false},
		{"slow to close", `{"name":"t","type":"slow_close","attributes":{"delay":2000}}`, false},
		{"cut", "", true},
		{"reset", `{"name":"t","type":"reset_peer","attributes":{"timeout":0}}`, true},
		{"half open: answers get lost", `{"name":"t","type":"timeout","attributes":{"timeout":0}}`, true},
		{"half open: requests get lost", `{"name":"t","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`, true},
	}
}

// TestNetworkTrouble puts a bad network between a process and its database. What
// gets through is right, what does not is refused in time with a word on when to
// come back, /readyz says how it is, and when the network is good again so is
// everything.
func TestNetworkTrouble(t *testing.T) {
	direct := mongotest.Address(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	zerolog.SetGlobalLevel(zerolog.Disabled)
	wire := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "mongo", "127.0.0.1:0", u.Host)
	if err := wire.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Stop)
	w := found(t, direct, 3, 1)
	u.Host = wire.Listen
	p := serve(t, u.String())
	db := open(t, direct)
	w.give(&crossing{to: []string{p.address}})
	w.settle()
	for _, tr := range troubles() {
		t.Run(tr.name, func(t *testing.T) {
			here := *w
			here.T = t
			end := begin(t, wire, tr)
			here.duringTrouble(p, tr)
			end()
			began := time.Now()
			if !within(t, recovery, func() bool { return p.status("/readyz") == http.StatusOK }) {
				t.Errorf("not ready %v after the end", time.Since(began))
			}
			here.settle()
			t.Logf("itself again after %v", time.Since(began).Round(10*time.Millisecond))
		})
	}
	w.idle(db)
	w.check(db)
}

// begin makes trouble, until end.
func begin(t *testing.T, wire *toxiproxy.Proxy, tr trouble) (end func()) {
	t.Helper()
	if tr.toxic == "" {
		wire.Stop()
		return func() {
			if err := wire.Start(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := wire.Toxics.AddToxicJson(strings.NewReader(tr.toxic)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := wire.Toxics.RemoveToxic(context.WithoutCancel(t.Context()), "t"); err != nil {
			t.Fatal(err)
		}
	}
}

// duringTrouble lets everybody write and sync, and holds what they are told and
// when against what is so.
func (w *town) duringTrouble(p *process, tr trouble) {
	w.Helper()
	for n, one := range w.people {
		w.ok(w.sell(one, w.hot, int64(1000+n)))
		w.ok(w.sell(one, one.scopes[0], int64(2000+n)))
	}
	if tr.cuts && !within(w.T, 10*time.Second, func() bool { return p.status("/readyz") == http.StatusServiceUnavailable }) {
		w.Errorf("/readyz says %d", p.status("/readyz"))
	}
	var all sync.WaitGroup
	for n, one := range w.people {
		all.Go(func() {
			began := time.Now()
			err := one.phone.Sync(w.Context())
			if took := time.Since(began); took > patience {
				w.Errorf("phone %d was answered after %v", n, took)
			}
			if tr.cuts == (err == nil) {
				w.Errorf("phone %d: %v", n, err)
			}
		})
	}
	titles := make([]string, 2)
	for n, lang := range []string{"id", "en"} {
		if tr.cuts {
			all.Go(func() { titles[n] = w.refused(p, lang) })
		}
	}
	all.Wait()
	if tr.cuts && titles[0] == titles[1] {
		w.Errorf("one sentence in two languages: %q", titles)
	}
	if got, want := p.status("/readyz"), map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK}[tr.cuts]; got != want {
		w.Errorf("/readyz says %d, want %d", got, want)
	}
	if got := p.status("/healthz"); got != http.StatusOK {
		w.Errorf("/healthz says %d: a new process would be no better", got)
	}
}

// refused: who is refused hears why, in a language of theirs, and when to come back.
func (w *town) refused(p *process, lang string) (title string) {
	began := time.Now()
	resp, body, err := w.ask(p, lang)
	if err != nil {
		w.Errorf("no answer: %v", err)
		return ""
	}
	var problem struct{ Code, Title string }
	if err := json.Unmarshal(body, &problem); err != nil {
		w.Errorf("%s: %v", body, err)
	}
	if took := time.Since(began); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || took > patience ||
		problem.Code != "unavailable" && problem.Code != "timeout" {
		w.Errorf("after %v: %s, Retry-After %q: %s", took, resp.Status, resp.Header.Get("Retry-After"), body)
	}
	return problem.Title
}

func (w *town) ask(p *process, lang string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, fmt.Sprintf("http://%s/v1/businesses/%s", p.address, bare(w.hot)), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.people[0].login.Access)
	req.Header.Set("Accept-Language", lang)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(resp.Body)
	return resp, body, errors.Join(err, resp.Body.Close())
}
