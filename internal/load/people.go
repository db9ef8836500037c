package load

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// publicURL is the issuer of the tokens; nobody connects to it.
const publicURL = "http://127.0.0.1:8080"

// user is one phone with a stream.
type user struct {
	login auth.Login
	mu    sync.Mutex
	told  []told
	bye   bool
}

// told is an event as it was read.
type told struct {
	scope string
	seq   merge.Seq
	at    time.Time
}

// heard finds the first event that tells of a push.
func (u *user) heard(p pushed) (time.Time, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range u.told {
		if t.scope == p.scope && t.seq >= p.seq && !t.at.Before(p.began) {
			return t.at, true
		}
	}
	return time.Time{}, false
}

// business is an enterprise with its users; the first one pushes.
type business struct {
	scope, generation string
	users             []*user
	n                 uint64 // mutations so far
}

type people struct{ businesses []*business }

func (p *people) of(n int) []*user { return p.businesses[n].users }

func (p *people) farewells() (n int) {
	for _, b := range p.businesses {
		for _, u := range b.users {
			u.mu.Lock()
			if u.bye {
				n++
			}
			u.mu.Unlock()
		}
	}
	return n
}

// settle makes users, sessions and enterprises with the program's own services,
// on the database that the server will open. Only the limits against guessing are
// lifted: ten thousand people log in from one place.
func settle(ctx context.Context, path string, p Plan) (*people, error) {
	cfg := config.Default()
	cfg.Store, cfg.PublicURL, cfg.TestNumbers = path, publicURL, map[string]string{}
	for n := range p.Streams {
		cfg.TestNumbers[number(n)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits})
	if err != nil {
		return nil, err
	}
	out := &people{}
	for n := 0; n < p.Streams; n += p.Shared {
		b := &business{}
		for m := n; m < min(n+p.Shared, p.Streams); m++ {
			b.users = append(b.users, &user{})
		}
		out.businesses = append(out.businesses, b)
	}
	err = each(ctx, len(out.businesses), 32, func(n int) error { return found(ctx, a, out.businesses[n], n*p.Shared) })
	if bad := a.Close(ctx); err == nil {
		err = bad
	}
	return out, err
}

const code = "123456"

func number(n int) string { return fmt.Sprintf("+62811%07d", n+1) }

// found logs the users of an enterprise in and makes it.
func found(ctx context.Context, a *app.App, b *business, first int) error {
	ids := id.Maker{Clock: clock.System{}, Rand: rand.Reader}
	now := merge.Millis(clock.System{}.Now().UnixMilli())
	var members []merge.ServerWrite
	name := ids.New()
	for n, u := range b.users {
		c, err := a.Auth.RequestCode(ctx, auth.CodeRequest{Phone: number(first + n), Purpose: auth.PurposeLogin})
		if err != nil {
			return err
		}
		if u.login, err = a.Auth.Verify(ctx, auth.VerifyRequest{Challenge: c.ID, Phone: number(first + n), Code: code, Device: auth.DeviceInfo{Install: ids.New()}}); err != nil {
			return err
		}
		members = append(members, merge.ServerWrite{Name: ids.New(), Author: b.users[0].login.User.ID, Role: merge.Owner, Collection: "membership", ID: ids.New(), Op: merge.Put, Create: true,
			Set: map[string]merge.Value{"user_id": merge.Str(u.login.User.ID), "role": merge.Str(string(merge.Staff)), "from": merge.Str(merge.FormatInstant(now)), "permissions": merge.Encode([]string{"log_sales", "edit_profile"})}})
	}
	who := programme.Caller{User: b.users[0].login.User.ID, Name: ids.New()}
	if _, err := a.Programme.CreateBusiness(ctx, who, programme.NewBusiness{ID: name, Name: "Rajut Metro", RegionCode: "18.72", PrimaryCategory: "crafts"}); err != nil {
		return err
	}
	b.scope = "business/" + name
	if len(members) > 1 {
		if _, err := a.Engine.Write(ctx, b.scope, members[1:]...); err != nil {
			return err
		}
	}
	h, err := a.Store.Head(ctx, b.scope)
	b.generation = h.Generation.String()
	return err
}

// each calls do for 0 to n-1, some at a time, until one fails.
func each(ctx context.Context, n, atOnce int, do func(int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}
