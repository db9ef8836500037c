package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	local "github.com/lumbung-ikm/lumbung/client/replica/sqlite"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// How many there are of what. Everybody in an enterprise writes into its one log.
const (
	townBusinesses = 3
	townPushers    = 3  // of an enterprise: requests as a phone makes them, as fast as answers come
	townHandsets   = 2  // of an enterprise: the real client, each in a process of its own
	townOld        = 6  // enterprises whose log is older than the horizon, for the compaction
	townOldSales   = 12 // of each
)

// town is a database with people, and their phones.
type town struct {
	folder, path, address, program string

	businesses []*market
	told       atomic.Int64 // verdicts that phones were given
	refused    refusals
}

// market is an enterprise in which several people sell, and change one price.
type market struct {
	scope, generation, product string
	pushers                    []*pusher
	handsets                   []*handset
}

// pusher is a phone that was made for load: it keeps what it sends until it is answered.
type pusher struct {
	*phone
	town  *town
	keeps *replica.Client // the session, and nothing else
	http  *replica.HTTP
	waits []byte // a request under way, the same bytes at every try
	batch []int  // what of typed it carries
	typed []*typed
}

// typed is a sale that somebody wrote down, and what was said of it.
type typed struct {
	id     string
	amount int64
	name   string // of the mutation
	seq    merge.Seq
	told   merge.Outcome // "" is no answer yet
	heard  time.Time     // when that came
}

// refusals are the answers that were no verdicts.
type refusals struct {
	mu     sync.Mutex
	codes  map[string]int // status and code
	mute   int            // without Retry-After
	others []string       // neither 503 nor 507 nor 429
}

// foundTown settles everybody with the program's own services, on a database in one
// folder and phones in another.
func foundTown(ctx context.Context, program, database, folder string) (*town, error) {
	at, err := free()
	if err != nil {
		return nil, err
	}
	t := &town{folder: folder, path: filepath.Join(database, "l.db"), address: at, program: program}
	if err := t.age(ctx); err != nil {
		return nil, fmt.Errorf("make old enterprises: %w", err)
	}
	a, err := t.services(ctx, clock.System{})
	if err != nil {
		return nil, err
	}
	for n := range townBusinesses {
		if err := t.found(ctx, a, n); err != nil {
			return nil, fmt.Errorf("make enterprise %d: %w", n, err)
		}
	}
	for again := true; again; { // what was caused elsewhere
		n, err := a.Engine.Work(ctx)
		if err != nil {
			return nil, err
		}
		again = n > 0
	}
	return t, a.Close(ctx)
}

// services is the program without its sockets.
func (t *town) services(ctx context.Context, now clock.Clock) (*app.App, error) {
	cfg := config.Default()
	cfg.Store, cfg.PublicURL, cfg.TestNumbers = t.path, publicURL, map[string]string{}
	for n := range townOld + townBusinesses*(townPushers+townHandsets) {
		cfg.TestNumbers[number(n)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	return app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits, HTTP: api.Limits{}, Clock: now})
}

// past is a clock that is slow.
type past time.Duration

// Now implements clock.Clock.
func (p past) Now() time.Time { return clock.System{}.Now().Add(-time.Duration(p)) }

// age makes enterprises of whose logs nearly everything lies behind the horizon, so that
// a server that starts has something to compact.
func (t *town) age(ctx context.Context) error {
	a, err := t.services(ctx, past(200*24*time.Hour))
	if err != nil {
		return err
	}
	for n := range townOld {
		b := &business{users: []*user{{}}}
		if err := found(ctx, a, b, townBusinesses*(townPushers+townHandsets)+n); err != nil {
			return err
		}
		p := newPhone(1000 + n)
		for m := range townOldSales {
			s := p.sale()
			w := merge.ServerWrite{Name: p.newID(), Author: b.users[0].login.User.ID, Role: merge.Owner, Collection: "product", ID: s.ID, Op: merge.Put, Create: true,
				Set: map[string]merge.Value{"name": merge.Str("Keripik"), "unit": merge.Str("pack"), "price_idr": s.Set["amount_idr"]}}
			if _, err := a.Engine.Write(ctx, b.scope, w); err != nil {
				return err
			}
			if m%2 == 0 {
				w = merge.ServerWrite{Name: p.newID(), Author: w.Author, Role: merge.Owner, Collection: w.Collection, ID: w.ID, Op: merge.Delete}
				if _, err := a.Engine.Write(ctx, b.scope, w); err != nil {
					return err
				}
			}
		}
	}
	for again := true; again; {
		n, err := a.Engine.Work(ctx)
		if err != nil {
			return err
		}
		again = n > 0
	}
	return a.Close(ctx)
}

// found makes an enterprise with its people, their phones and the price that they change.
func (t *town) found(ctx context.Context, a *app.App, n int) error {
	b := &business{}
	for range townPushers + townHandsets {
		b.users = append(b.users, &user{})
	}
	first := n * len(b.users)
	if err := found(ctx, a, b, first); err != nil {
		return err
	}
	m := &market{scope: b.scope, generation: b.generation}
	for k := range townPushers {
		p := newPhone(first + k)
		p.user, p.scope, p.generation = b.users[k], b.scope, b.generation
		one := &pusher{phone: p, town: t}
		if err := one.hold(b.users[k].login); err != nil {
			return err
		}
		m.pushers = append(m.pushers, one)
		m.product = p.newID()
	}
	if _, err := a.Engine.Write(ctx, b.scope, merge.ServerWrite{Name: m.product, Author: b.users[0].login.User.ID, Role: merge.Owner, Collection: "product", ID: m.product, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"name": merge.Str("Keripik pisang"), "unit": merge.Str("pack"), "price_idr": merge.Num(15_000)}}); err != nil {
		return err
	}
	for k := range townHandsets {
		h := &handset{file: filepath.Join(t.folder, fmt.Sprintf("phone-%d-%d.db", n, k)), market: m, town: t}
		if err := h.give(ctx, b.users[townPushers+k]); err != nil {
			return err
		}
		m.handsets = append(m.handsets, h)
	}
	t.businesses = append(t.businesses, m)
	return nil
}

// everyPusher and everyHandset list the phones of all enterprises.
func (t *town) everyPusher() (all []*pusher) {
	for _, m := range t.businesses {
		all = append(all, m.pushers...)
	}
	return all
}

func (t *town) everyHandset() (all []*handset) {
	for _, m := range t.businesses {
		all = append(all, m.handsets...)
	}
	return all
}

// load lets everybody work until the function that it gives is called, which waits for
// them. Phones of the real client are killed then too.
func (t *town) load(ctx context.Context) (rest func() error, err error) {
	working, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	w := dial(t.address, 64)
	for _, p := range t.everyPusher() {
		group.Go(func() { p.work(working, w) })
	}
	for _, h := range t.everyHandset() {
		if err := h.start(ctx); err != nil {
			stop()
			return nil, err
		}
	}
	return func() error {
		stop()
		group.Wait()
		w.client.CloseIdleConnections()
		for _, h := range t.everyHandset() {
			if err := h.kill(); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// work pushes until ctx ends, and looks now and then.
func (p *pusher) work(ctx context.Context, w *wire) {
	for round := 0; ctx.Err() == nil; round++ {
		if !p.push(w) {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		if round%8 == 0 {
			if _, at, err := p.pull(w, "zstd", p.cursor, anyRow); err == nil {
				p.cursor = at
			}
		}
		pause(ctx, 2*time.Millisecond)
	}
}

// townBatch is the size of a push.
const townBatch = 5

// push sends what waits, or something new. It gives whether it was answered with verdicts.
func (p *pusher) push(w *wire) bool {
	if p.waits == nil {
		p.note()
	}
	a, err := w.send("/v1/sync/push", p.user.login.Access, "", p.waits, true)
	heard := clock.Precise{}.Now()
	if err != nil {
		return false
	}
	if a.status == fasthttp.StatusUnauthorized && p.renew() {
		return false
	}
	if a.status != fasthttp.StatusOK {
		p.town.refused.note(a)
		return false
	}
	var r protocol.Response
	if err := json.Unmarshal(a.body, &r); err != nil || len(r.Verdicts) != len(p.batch) {
		p.town.refused.odd(fmt.Sprintf("an answer with %d verdicts to %d edits: %.300s", len(r.Verdicts), len(p.batch), a.body))
		return false
	}
	for n, v := range r.Verdicts {
		t := p.typed[p.batch[n]]
		if name := merge.MutationName(v.Device, v.Incarnation, v.N); name != t.name {
			p.town.refused.odd(fmt.Sprintf("a verdict on %s in the place of %s", name, t.name))
			return false
		}
		t.told, t.seq, t.heard = v.Verdict, v.Seq, heard
	}
	p.waits = nil
	p.town.told.Add(int64(len(r.Verdicts)))
	return true
}

// hold keeps the session of a login.
func (p *pusher) hold(l auth.Login) error {
	p.keeps = &replica.Client{Local: &replica.Memory{}, Clock: phoneClock{}, IDs: idsOfPhones(), App: "1.4.2"}
	p.http = &replica.HTTP{Base: "http://" + p.town.address, Client: patient(), Phone: p.keeps, Language: "id"}
	return errors.Join(p.keeps.Open(), p.keeps.Become(replica.Identity{User: l.User.ID, Device: l.Device, Incarnation: l.Incarnation}),
		p.keeps.KeepSession(replica.Session{Access: l.Access, Refresh: l.Refresh}))
}

// renew gets another token for one that has ended. It gives whether there is a new one,
// or no answer.
func (p *pusher) renew() bool {
	before := p.user.login.Access
	err := p.http.Call(context.Background(), http.MethodGet, "/v1/me", nil, nil, nil)
	now, keeps := p.keeps.Session()
	p.user.login.Access = now.Access
	return errors.Join(err, keeps) != nil && fault.KindOf(err) == fault.Transient || now.Access != before
}

// note writes a batch of new sales down.
func (p *pusher) note() {
	part := protocol.Part{Scope: p.scope, Device: p.user.login.Device, Incarnation: p.user.login.Incarnation, Generation: p.generation}
	p.batch = nil
	for range townBatch {
		s := p.sale()
		amount := 500 * int64(1+s.N)
		p.batch = append(p.batch, len(p.typed))
		p.typed = append(p.typed, &typed{id: s.ID, amount: amount, name: merge.MutationName(part.Device, part.Incarnation, s.N)})
		part.Mutations = append(part.Mutations, s.WireMutation())
	}
	p.waits = body(protocol.Request{App: "1.4.2", Clock: clockNow(), Push: []protocol.Part{part}})
}

// note counts an answer that was no verdict.
func (r *refusals) note(a answer) {
	var p struct {
		Code    string
		Message struct{ ID, EN string }
		Title   string
	}
	_ = json.Unmarshal(a.body, &p) // an answer that cannot be read has no code, and is counted so
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.codes == nil {
		r.codes = map[string]int{}
	}
	r.codes[fmt.Sprintf("%d %s", a.status, p.Code)]++
	switch a.status {
	case fasthttp.StatusServiceUnavailable, fasthttp.StatusInsufficientStorage, fasthttp.StatusTooManyRequests:
		if a.after == "" {
			r.mute++
		}
	default:
		r.others = append(r.others, fmt.Sprintf("%d: %s", a.status, bytes.TrimSpace(a.body[:min(len(a.body), 400)])))
	}
}

// odd notes an answer that no server may give.
func (r *refusals) odd(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.others = append(r.others, text)
}

// count is how often a code was answered since the last take.
func (r *refusals) count(code string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.codes[code]
}

// take gives what was noted since the last take.
func (r *refusals) take() (codes map[string]int, mute int, others []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	codes, mute, others = r.codes, r.mute, r.others
	r.codes, r.mute, r.others = nil, 0, nil
	return codes, mute, others
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// within asks until it is so, for a while at most.
func within(ctx context.Context, long time.Duration, so func() bool) bool {
	late, stop := context.WithTimeout(ctx, long)
	defer stop()
	for !so() {
		if late.Err() != nil {
			return false
		}
		pause(late, 10*time.Millisecond)
	}
	return true
}

// opened is the phone in a file, with a server.
func opened(ctx context.Context, file, server string) (*replica.Client, *local.Local, error) {
	db, err := local.Open(ctx, file)
	if err != nil {
		return nil, nil, err
	}
	schema, err := domain.Catalogue()
	if err != nil {
		return nil, nil, err
	}
	c := &replica.Client{Local: db, Schema: schema, Clock: phoneClock{}, IDs: idsOfPhones(), App: "1.4.2"}
	h := &replica.HTTP{Base: "http://" + server, Client: patient(), Phone: c, Language: "id"}
	c.Server = h
	return c, db, c.Open()
}
