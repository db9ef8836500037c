package outage_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/store/mongo"
)

// every is how many writes lie between two whose answers are lost: a night loses
// each.
var every = flag.Int("every", 1, "lose the answer of every n-th write")

// rough is a town behind a wire that loses answers. Its server does its background
// work when told to.
type rough struct {
	*town
	db    *mongo.DB // past the wire
	wire  *loser
	round string // what of a story is tried
	keys  int
}

// again does something until it is done, as a phone or a worker would.
func (r *rough) again(what string, do func() error) {
	r.Helper()
	var err error
	if !within(r.T, 40*time.Second, func() bool {
		err = do()
		if k := fault.KindOf(err); err != nil && k != fault.Transient && k != fault.TooMany && fault.CodeOf(err) != "in_progress" {
			r.Fatalf("%s: %s: %v", r.round, what, err)
		}
		return err == nil
	}) {
		r.Fatalf("%s: %s, again and again: %v", r.round, what, err)
	}
}

// call sends one request until it is answered, under one key.
func (r *rough) call(p *person, method, path, tag string, in, out any) {
	r.Helper()
	r.keys++
	header := http.Header{"Idempotency-Key": {fmt.Sprintf("outage-%06d", r.keys)}}
	if tag != "" {
		header.Set("If-Match", tag)
	}
	r.again(method+" "+path, func() error { return p.http.Call(r.Context(), method, path, header, in, out) })
}

func (r *rough) sync(all ...*person) {
	r.Helper()
	for _, p := range all {
		r.again("a sync", func() error { return p.phone.Sync(r.Context()) })
	}
}

func (r *rough) work() {
	r.Helper()
	r.again("background work", func() error { return r.app.Step(r.Context()) })
}

// window is a mentor's window as the API tells it.
type window struct {
	ID   string `json:"id"`
	Etag string `json:"etag"`
}

// story is something of which every write may lose its answer.
type story struct {
	name   string
	before func(r *rough) // with a good wire
	tell   func(r *rough) // with the bad one
	after  func(r *rough) // what must be true
}

// TestTheAnswerOfEveryWriteIsLostOnce loses the answer of the first write of a
// story, then of the second, until the story has no more. Lost once, the driver asks
// again; lost twice, whoever called hears of it. Each story has a town of its own: a
// restore raises every scope there is.
func TestTheAnswerOfEveryWriteIsLostOnce(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			address, direct, wire := behind(t)
			w := found(t, address, 4, 0, auth.RoleMentor, auth.RoleMentor, auth.RoleAdmin)
			r := &rough{town: w, db: open(t, direct), wire: wire}
			r.listen()
			for _, lose := range []int{1, 2} {
				t.Run(fmt.Sprintf("lost %d times", lose), func(t *testing.T) { r.in(t).lose(s, lose) })
			}
			w.settle()
			if _, err := w.app.Engine.AuditAll(t.Context()); err != nil {
				t.Error(err)
			}
			w.alike(r.db)
		})
	}
}

// in is the same town for another test.
func (r *rough) in(t *testing.T) *rough {
	here, w := *r, *r.town
	w.T = t
	here.town = &w
	return &here
}

// lose tells a story again and again until no answer is left to be lost, each so many
// times.
func (r *rough) lose(s story, times int) {
	r.Helper()
	skip := 0
	for r.tell(s, skip, times) {
		if r.Failed() {
			r.Fatalf("after the answer to write %d was lost", skip+1)
		}
		skip += *every
	}
	if skip == 0 {
		r.Error("nothing was written")
	}
	r.Logf("about %d writes", skip)
}

// tell plays a story and reports whether an answer was lost in it.
func (r *rough) tell(s story, skip, lose int) bool {
	r.Helper()
	r.round = fmt.Sprintf("write %d", skip+1)
	s.before(r)
	r.wire.arm(skip, lose)
	s.tell(r)
	lost := r.wire.disarm()
	s.after(r)
	return lost > 0
}

// loggedIn are the sessions of a phone, of which there is one at least: a code that is
// used up has given it.
func (r *rough) loggedIn(phone string) []store.Session {
	r.Helper()
	u, err := r.app.Auth.Store.UserByPhone(r.Context(), phone)
	r.ok(err)
	all, err := r.app.Auth.Store.SessionsOf(r.Context(), u.ID)
	r.ok(err)
	if len(all) == 0 {
		r.Fatalf("%s: a code is used up and nobody is logged in", r.round)
	}
	return all
}

// listen lets the town's own server listen, without workers, and gives out phones.
func (r *rough) listen() {
	r.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	r.ok(err)
	served := make(chan error, 1)
	go func() { served <- r.app.API.Serve(ln) }()
	r.Cleanup(func() {
		r.ok(r.app.API.Stop(context.WithoutCancel(r.Context())))
		r.ok(<-served)
	})
	r.give(&crossing{to: []string{ln.Addr().String()}})
}

func stories() []story {
	var old, survivor, record string
	var first window
	var logins int
	scopes := func(r *rough) (boss, owner, a, b *person) { return r.people[3], r.people[0], r.people[1], r.people[2] }
	return []story{{
		name:   "push",
		before: func(*rough) {},
		tell: func(r *rough) {
			_, owner, staff, _ := scopes(r)
			r.ok(r.sell(owner, r.hot, 1000))
			r.ok(r.sell(owner, r.hot, 2000))
			r.ok(r.price(owner, int64(10_000+len(owner.typed))))
			r.ok(r.price(staff, int64(20_000+len(owner.typed))))
			r.sync(owner, staff)
			r.work()
		},
		after: func(r *rough) {
			_, owner, staff, _ := scopes(r)
			r.sync(owner, staff)
			lines, head := r.log(r.db, r.hot)
			sales := r.sales(r.db, r.hot, head)
			for n, p := range r.people {
				r.checkTold(n, p, r.hot, lines)
				r.checkTyped(n, p, r.hot, sales)
			}
			if len(sales) > 0 {
				r.Errorf("nobody typed %v", sales)
			}
		},
	}, {
		name: "hand-over",
		before: func(r *rough) {
			boss, owner, a, _ := scopes(r)
			old = r.business(owner)
			r.call(boss, http.MethodPost, "/v1/businesses/"+bare(old)+"/assignments", "",
				map[string]any{"mentor_id": a.login.User.ID, "reason": "Satu lagi", "beyond_capacity": true}, &first)
			r.work()
		},
		tell: func(r *rough) {
			boss, _, _, b := scopes(r)
			r.call(boss, http.MethodPatch, "/v1/businesses/"+bare(old)+"/assignments/"+first.ID, first.Etag,
				map[string]any{"to": time.Now().Add(2 * time.Second), "successor_id": b.login.User.ID, "handover_note": "Pindah wilayah",
					"reason": "Satu lagi", "beyond_capacity": true}, nil)
			r.work()
		},
		after: func(r *rough) {
			boss, _, a, b := scopes(r)
			all, err := r.app.Programme.Assignments(r.Context(), r.by(boss.login.User.ID), bare(old))
			r.ok(err)
			if len(all) != 2 {
				r.Errorf("%d windows: %+v", len(all), all)
			}
			for _, one := range all {
				if open := one.To.IsZero(); open != (one.Mentor == b.login.User.ID) || !open && one.Mentor != a.login.User.ID {
					r.Errorf("a window of %s ends %v", one.Mentor, one.To)
				}
			}
			r.log(r.db, old)
		},
	}, {
		name: "merger",
		before: func(r *rough) {
			_, owner, _, _ := scopes(r)
			old, survivor, record = r.business(owner), r.business(owner), r.ids.New()
			r.write(old, "sales", record, sale(5000))
			r.work()
		},
		tell: func(r *rough) {
			boss, _, _, _ := scopes(r)
			r.call(boss, http.MethodPost, "/v1/businesses/"+bare(old)+"/merge", "", map[string]any{"into": bare(survivor)}, nil)
			r.work()
		},
		after: func(r *rough) {
			head, err := r.db.Head(r.Context(), old)
			r.ok(err)
			_, now := r.log(r.db, survivor)
			if sales := r.sales(r.db, survivor, now); len(sales) != 1 || sales[record] != 5000 || head.MovedTo != survivor {
				r.Errorf("moved to %q, which has %v", head.MovedTo, sales)
			}
			r.log(r.db, old)
		},
	}, {
		name: "login and refresh",
		before: func(r *rough) {
			logins++
		},
		tell: func(r *rough) {
			p := &person{http: &replica.HTTP{Base: r.people[0].http.Base, Client: r.people[0].http.Client}}
			p.phone = &replica.Client{Local: &replica.Memory{}, Schema: r.schema, Clock: r, IDs: r.ids, App: "1.4.2", Server: p.http}
			p.http.Phone = p.phone
			r.ok(p.phone.Open())
			install, number := r.ids.New(), stranger(logins)
			var c replica.Challenge
			ask := func() (err error) { c, err = p.http.RequestCode(r.Context(), number, install); return err }
			r.again("a code", ask)
			refused := 0
			r.again("a login", func() error {
				err := p.http.Login(r.Context(), number, c.ID, code, replica.Device{Install: install})
				if fault.CodeOf(err) != "code_used" {
					return err
				}
				if refused++; refused == 1 { // the answer was lost after the code was taken: its phone may repeat it, a second later
					pause(r.T, 1100*time.Millisecond)
				} else { // or after the login: one asks for another
					r.loggedIn(number)
					r.again("another code", ask)
				}
				return &fault.Error{Kind: fault.Transient, Code: "code_used", Text: "once more", Cause: err}
			})
			r.again("a refresh", func() error {
				s, err := p.phone.Session()
				if err != nil {
					return err
				}
				return p.http.Call(r.Context(), http.MethodPost, "/v1/auth/refresh", nil, map[string]any{"refresh_token": s.Refresh}, nil)
			})
			r.sync(p)
		},
		after: func(r *rough) {
			for _, s := range r.loggedIn(stranger(logins)) {
				if !s.Revoked.IsZero() && s.Reason != "replaced" {
					r.Errorf("a session was revoked: %s", s.Reason)
				}
			}
		},
	}, {
		name:   "restore",
		before: func(*rough) {},
		tell: func(r *rough) {
			_, owner, _, _ := scopes(r)
			r.ok(r.sell(owner, r.hot, 3000))
			r.again("a restore", func() error { _, err := r.app.Restored(r.Context()); return err })
			r.sync(owner)
			r.work()
		},
		after: func(r *rough) {
			_, owner, _, _ := scopes(r)
			r.sync(owner)
			head, err := r.db.Head(r.Context(), r.hot)
			r.ok(err)
			sales := r.sales(r.db, r.hot, head)
			for n, p := range r.people {
				r.checkTyped(n, p, r.hot, sales)
			}
			if len(sales) > 0 {
				r.Errorf("nobody typed %v", sales)
			}
		},
	}}
}
