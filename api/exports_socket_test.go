package api_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// shut is a store that does not go on with the records of a programme until it is opened.
type shut struct {
	store.Store
	began, end chan struct{}
}

func (s *shut) Changed(ctx context.Context, scope string, after store.Position, upTo, skipDead merge.Seq, limit int) (store.Page, error) {
	if strings.HasPrefix(scope, domain.ScopeDecision+"/") {
		select {
		case s.began <- struct{}{}:
		default:
		}
		<-s.end
	}
	return s.Store.Changed(ctx, scope, after, upTo, skipDead, limit)
}

// TestPushesGoOnBesideManyExports: on a server with one place an admin's page asks for whole
// programmes many times at once, and none of them ends. Phones notice nothing, few requests
// are kept waiting, and the rest is told when to come back.
func TestPushesGoOnBesideManyExports(t *testing.T) {
	held := &shut{began: make(chan struct{}, 1), end: make(chan struct{})}
	o := newTour(t, func(p *api.Parts) {
		held.Store = p.Engine.Store
		p.Engine.Store = held
		p.Limits = api.Limits{Working: 1, Patience: time.Minute}
	})
	admin, _ := o.proved("+628117000003")
	var made struct{ Id string }
	o.want(201, admin.AccessToken, "POST", "/v1/programmes", `{"code":"lagawi-fest","fields":{"name":"Lagawi","kind":"campaign","region_codes":["18"]}}`).Into(o, &made)
	owner := o.login(t, "+628117000001")
	addr := o.listen(t)
	ask := func(what string) (*http.Response, string) {
		return raw(t, addr, fmt.Sprintf("%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", what, admin.AccessToken))
	}
	const many = 12
	paths := []string{"/files", "/curators"}
	var mu sync.Mutex
	said := map[int]int{}
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			resp, text := ask("GET /v1/programmes/" + made.Id + paths[n%len(paths)])
			if resp.StatusCode == http.StatusServiceUnavailable {
				problem(t, resp, text, 503, "overloaded")
				if resp.Header.Get("Retry-After") == "" {
					t.Error("no word on when to come back")
				}
			}
			mu.Lock()
			defer mu.Unlock()
			said[resp.StatusCode]++
		})
		if n == 0 {
			<-held.began
		}
	}
	settled := func() bool { // each is in, waits among its like, or was sent away: none is still proving who asks, in a place of phones
		mu.Lock()
		defer mu.Unlock()
		return 1+o.WaitingExports()+said[http.StatusServiceUnavailable] >= many
	}
	for !settled() {
		runtime.Gosched()
	}
	for range 20 {
		if resp, text := owner.pushes(t, "/v1/sync/push", 1, 10); resp.StatusCode != 200 {
			t.Fatalf("a push is answered %d %s", resp.StatusCode, text)
		}
		if resp, text := owner.do(t, "GET", "/v1/me", ""); resp.StatusCode != 200 {
			t.Fatalf("a look is answered %d %s", resp.StatusCode, text)
		}
	}
	close(held.end)
	all.Wait()
	if said[200] == 0 || said[503] < many-1-4 || said[200]+said[503] != many {
		t.Errorf("answered %v", said)
	}
	if resp, text := ask("GET /v1/programmes/" + made.Id + "/files"); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d %s", resp.StatusCode, text)
	}
}
