package load

import (
	"context"
	"fmt"
	"sync"

	"github.com/valyala/fasthttp"
)

// soakFiles are those of the programme that is looked after while phones go about their day.
const soakFiles = 1000

// office is where an admin works, on one thing at a time.
type office struct {
	mu       sync.Mutex
	campaign *campaign
	n        int // things done so far
}

// lookAfter lets the admin do what reads a whole programme: look at a stage, at its files, at
// who curates and at who saw what, and check a list of registrants.
func (s *soak) lookAfter(ctx context.Context, _ *person, _ *spare) error {
	if !s.office.mu.TryLock() {
		return nil
	}
	defer s.office.mu.Unlock()
	c := s.office.campaign
	paths := []string{c.path("/stages/2"), c.path("/imports/check"), c.path("/files"), c.path("/curators"), "/v1/reviews", "/v1/admin/audit?limit=50"}
	path := paths[s.office.n%len(paths)]
	s.office.n++
	for range 2 {
		a, err := s.wire.request(path, c.admin.user.login.Access, "gzip", true, func(r *fasthttp.Request) {
			if path == c.path("/imports/check") {
				r.Header.SetMethod(fasthttp.MethodPost)
				r.Header.SetContentType(xlsxType)
				r.SetBodyRaw(c.list)
			}
		})
		if err == nil && a.status == fasthttp.StatusUnauthorized {
			if err := s.refresh(ctx, nil, &spare{phone: c.admin}); err != nil {
				return err
			}
			continue
		}
		s.mu.Lock()
		away := err == nil && s.tooMuch(a)
		s.mu.Unlock()
		if away {
			return nil
		}
		return good(a, err)
	}
	return fmt.Errorf("%s: a fresh session of an admin was not taken", path)
}
