package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// person is an owner with an enterprise and phones, who does one thing at a time on
// each of them.
type person struct {
	phones []*spare

	product string // that all phones edit

	mu   sync.Mutex
	made []string // sales that were answered
}

// spare is one of several phones of a person, which all write into one enterprise.
type spare struct {
	*phone
	mu    sync.Mutex
	queue []batched
	last  []byte // batch that was answered, as a phone that lost the answer sends it again
	typed int    // new sales

	base    merge.Base  // of the person's product, as this phone shows it
	unheard []merge.Ref // own edits of it that no pulled row shows yet
}

// batched is a push that waits on the phone.
type batched struct {
	text  []byte
	edits int
	ids   []string // of new sales
	want  merge.Outcome
	met   bool // it may have given way to what another phone wrote
}

func (p *person) sales() (n int) {
	for _, h := range p.phones {
		n += h.typed
	}
	return n
}

// phonesEach is how many phones a person has.
const phonesEach = 3

// settleSoak makes people with several phones each, on the database that the server will
// open.
func settleSoak(ctx context.Context, path string, people int, tell func(string, ...any)) (out []*person, err error) {
	cfg := config.Default()
	cfg.Store, cfg.PublicURL, cfg.TestNumbers = path, publicURL, map[string]string{}
	for n := range people {
		cfg.TestNumbers[number(n)] = code
	}
	limits := auth.DefaultLimits()
	limits.Spend, limits.PerAddress, limits.PerNet, limits.TriesAddress = nil, nil, nil, nil
	limits.CoolDown, limits.Sends = nil, nil // one phone after the other
	a, err := app.New(ctx, cfg, app.Options{Log: slog.New(slog.DiscardHandler), Auth: &limits, HTTP: api.Limits{}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	tell("making %d people with %d phones each", people, phonesEach)
	ids := id.Maker{Clock: clock.System{}, Rand: (*drawn)(rand.New(rand.NewPCG(2, 2)))}
	for n := range people {
		p := &person{}
		b := &business{users: []*user{{}}}
		if err := found(ctx, a, b, n); err != nil {
			return nil, err
		}
		base, err := p.launch(ctx, a, ids.New(), b)
		if err != nil {
			return nil, err
		}
		for m := range phonesEach {
			h := &spare{phone: newPhone(n*phonesEach + m), base: base}
			if h.scope, h.generation = b.scope, b.generation; m == 0 {
				h.user = b.users[0]
			} else if err := another(ctx, a, ids.New(), n, h.user); err != nil {
				return nil, err
			}
			p.phones = append(p.phones, h)
		}
		out = append(out, p)
	}
	return out, nil
}

// launch writes the product down that all phones of somebody will edit, and says what
// they see of it.
func (p *person) launch(ctx context.Context, a *app.App, product string, b *business) (merge.Base, error) {
	p.product = product
	if _, err := a.Engine.Write(ctx, b.scope, merge.ServerWrite{Name: product, Author: b.users[0].login.User.ID, Role: merge.Owner, Collection: "product", ID: product, Op: merge.Put, Create: true,
		Set: map[string]merge.Value{"name": merge.Str("Keripik pisang"), "unit": merge.Str("pack"), "price_idr": merge.Num(15_000)}}); err != nil {
		return merge.Base{}, err
	}
	h, err := a.Store.Head(ctx, b.scope)
	return merge.Base{Generation: h.Generation, Version: h.Applied}, err
}

// another logs somebody in on one more phone.
func another(ctx context.Context, a *app.App, install string, n int, u *user) error {
	c, err := a.Auth.RequestCode(ctx, auth.CodeRequest{Phone: number(n), Purpose: auth.PurposeLogin, Install: install})
	if err != nil {
		return err
	}
	u.login, err = a.Auth.Verify(ctx, auth.VerifyRequest{Challenge: c.ID, Phone: number(n), Code: code, Device: auth.DeviceInfo{Install: install}})
	return err
}

// act is one thing that phones do, and how often of a hundred.
type act struct {
	name  string
	share int
	do    func(*soak, context.Context, *person, *spare) error
}

// soakActs are the things; their shares come to a hundred.
func soakActs() []act {
	return []act{
		{"nothing new", 29, (*soak).look},
		{"sell", 17, (*soak).sell},
		{"edit", 12, (*soak).edit},
		{"pull", 10, (*soak).pullOn},
		{"first sync", 4, (*soak).first},
		{"read", 8, (*soak).read},
		{"stream", 3, (*soak).stream},
		{"hang up", 6, (*soak).hangUp},
		{"nonsense", 4, (*soak).nonsense},
		{"refused edit", 2, (*soak).refusedEdit},
		{"restart", 3, (*soak).restart},
		{"refresh", 1, (*soak).refresh},
		{"look after", 1, (*soak).lookAfter},
	}
}

// act lets some phone that is not busy do something.
func (s *soak) act(ctx context.Context) {
	p := s.people[rand.IntN(len(s.people))]
	h := p.phones[rand.IntN(len(p.phones))]
	if !h.mu.TryLock() {
		s.did("busy")
		return
	}
	defer h.mu.Unlock()
	draw := rand.IntN(100)
	for _, a := range soakActs() {
		if draw -= a.share; draw >= 0 {
			continue
		}
		if err := a.do(s, ctx, p, h); err != nil {
			s.wrong("%s: %v", a.name, err)
		}
		s.did(a.name)
		return
	}
}

// post asks as this phone. A session that has run out is refreshed; whoever is told to
// come back gets errAway.
func (s *soak) post(h *spare, path, encoding string, text []byte) (a answer, err error) {
	for range 2 {
		began := s.clock.Now()
		a, err = s.wire.send(path, h.user.login.Access, encoding, text, true)
		took := s.clock.Now().Sub(began)
		switch {
		case err != nil:
			return a, err
		case a.status == http.StatusUnauthorized:
			if err := s.refresh(context.Background(), nil, h); err != nil {
				return a, err
			}
			continue
		}
		s.mu.Lock()
		s.took = append(s.took, took)
		if s.tooMuch(a) {
			err = errAway
		}
		s.mu.Unlock()
		return a, err
	}
	return a, fmt.Errorf("%s: a fresh session was answered %d", path, a.status)
}

// tooMuch counts an answer that says to come back; the lock is held.
func (s *soak) tooMuch(a answer) bool {
	if a.status != fasthttp.StatusTooManyRequests && a.status != fasthttp.StatusServiceUnavailable {
		return false
	}
	s.report.Again++
	return true
}

// good is nil for 200, and for who was told to come back.
func good(a answer, err error) error {
	if errors.Is(err, errAway) {
		return nil
	}
	if err == nil && a.status != fasthttp.StatusOK {
		err = fmt.Errorf("answered %d: %s", a.status, a.body[:min(len(a.body), 300)])
	}
	return err
}

func (s *soak) look(_ context.Context, _ *person, h *spare) error {
	return good(s.post(h, "/v1/sync", "zstd", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: h.cursor, LimitBytes: 64 << 10})))
}

// first is a new phone's first page.
func (s *soak) first(_ context.Context, _ *person, h *spare) error {
	encoding := []string{"", "gzip", "zstd"}[h.draw.IntN(3)]
	return good(s.post(h, "/v1/sync", encoding, body(protocol.Request{App: "1.4.2", Clock: clockNow(), LimitBytes: 64 << 10})))
}

// pullOn pulls a page from where the phone stands.
func (s *soak) pullOn(_ context.Context, p *person, h *spare) error {
	a, err := s.post(h, "/v1/sync", "gzip", body(protocol.Request{App: "1.4.2", Clock: clockNow(), Cursor: h.cursor, LimitBytes: 256 << 10}))
	if err := good(a, err); err != nil || a.status != fasthttp.StatusOK {
		return err
	}
	var got protocol.Response
	if err := json.Unmarshal(a.body, &got); err != nil {
		return err
	}
	if got.Cursor != "" {
		h.cursor = got.Cursor
	}
	for _, row := range got.Changes {
		if row.ID == p.product && row.Version > h.base.Version {
			h.base.Version = row.Version
			if len(h.queue) == 0 { // else the row may lack what still waits
				h.unheard = nil
			}
		}
	}
	return nil
}

// sell writes new sales down and sends what waits.
func (s *soak) sell(_ context.Context, p *person, h *spare) error {
	h.newBatch(1 + h.draw.IntN(5))
	return s.drain(p, h)
}

func (h *spare) newBatch(n int) {
	part := h.part()
	b := batched{edits: n, want: merge.Applied}
	for range n {
		m := h.sale()
		part.Mutations, b.ids = append(part.Mutations, m.WireMutation()), append(b.ids, m.ID)
	}
	b.text = body(protocol.Request{App: "1.4.2", Clock: clockNow(), Push: []protocol.Part{part}})
	h.queue, h.typed = append(h.queue, b), h.typed+n
}

func (h *spare) part() protocol.Part {
	return protocol.Part{Scope: h.scope, Device: h.user.login.Device, Incarnation: h.user.login.Incarnation, Generation: h.generation}
}

// drain sends what waits, in order, until somebody says to come back.
func (s *soak) drain(p *person, h *spare) error {
	for len(h.queue) > 0 {
		b := h.queue[0]
		a, err := s.post(h, "/v1/sync/push", "", b.text)
		if err != nil || a.status != fasthttp.StatusOK {
			return good(a, err)
		}
		if n := bytes.Count(a.body, []byte(`"verdict":"`)); n != b.edits {
			return fmt.Errorf("%d verdicts for %d edits: %s", n, b.edits, a.body[:min(len(a.body), 300)])
		}
		n := bytes.Count(a.body, []byte(`"verdict":"`+b.want+`"`))
		if b.met {
			n += bytes.Count(a.body, []byte(`"verdict":"`+merge.Superseded+`"`))
		}
		if n != b.edits {
			return fmt.Errorf("%d of %d edits were %s: %s", n, b.edits, b.want, a.body[:min(len(a.body), 500)])
		}
		s.edits.Add(int64(b.edits))
		h.queue, h.last = h.queue[1:], b.text
		p.mu.Lock()
		p.made = append(p.made, b.ids...)
		p.mu.Unlock()
	}
	return nil
}

// settle sends everything that waits on the phones of somebody.
func (s *soak) settle(p *person) error {
	for _, h := range p.phones {
		for len(h.queue) > 0 {
			if err := s.drain(p, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// edit changes the price of the person's product, which all their phones change, each on
// top of what it pulled and typed before.
func (s *soak) edit(_ context.Context, p *person, h *spare) error {
	h.n++
	base := h.base
	m := merge.Mutation{N: h.n, Schema: 1, Collection: "product", ID: p.product, Op: merge.Put, Base: &base, After: h.unheard, At: h.sale0().At,
		Set: map[string]merge.Value{"price_idr": merge.Num(1000 + int64(h.draw.IntN(1_000_000)))}}
	part, sent := h.part(), m.WireMutation()
	hash, err := merge.ContentHash(h.scope, part.Device, sent)
	if err != nil {
		return err
	}
	part.Mutations, h.unheard = append(part.Mutations, sent), append(slices.Clip(h.unheard), merge.Ref{Incarnation: part.Incarnation, N: m.N, Hash: hash})
	h.queue = append(h.queue, batched{text: body(protocol.Request{App: "1.4.2", Clock: clockNow(), Push: []protocol.Part{part}}), edits: 1, want: merge.Applied, met: true})
	return s.drain(p, h)
}

// sale0 is a mutation with the reading of now and nothing else.
func (h *spare) sale0() merge.Mutation {
	return merge.Mutation{At: merge.Reading{Wall: merge.Millis(clock.System{}.Now().UnixMilli()), Mono: 1, Boot: "b"}}
}

// refusedEdit is one that goes into its author's quarantine.
func (s *soak) refusedEdit(_ context.Context, p *person, h *spare) error {
	m := h.sale()
	m.Set["amount_idr"] = merge.Num(-5)
	part := h.part()
	part.Mutations = append(part.Mutations, m.WireMutation())
	h.queue = append(h.queue, batched{text: body(protocol.Request{App: "1.4.2", Clock: clockNow(), Push: []protocol.Part{part}}), edits: 1, want: merge.Rejected})
	return s.drain(p, h)
}

// restart is a phone that lost its connection and the answer to its last push.
func (s *soak) restart(_ context.Context, _ *person, h *spare) error {
	if h.last != nil {
		if a, err := s.post(h, "/v1/sync/push", "", h.last); err != nil || a.status != fasthttp.StatusOK {
			return good(a, err)
		} else if !bytes.Contains(a.body, []byte(`"verdict":"`)) {
			return fmt.Errorf("sent again: %s", a.body[:min(len(a.body), 300)])
		}
	}
	h.cursor = ""
	return s.first(context.Background(), nil, h)
}

// refresh gives the phone new tokens.
func (s *soak) refresh(_ context.Context, _ *person, h *spare) error {
	text, err := json.Marshal(map[string]string{"refresh_token": h.user.login.Refresh})
	if err != nil {
		return err
	}
	a, err := s.wire.send("/v1/auth/refresh", "", "", text, true)
	s.mu.Lock()
	away := err == nil && s.tooMuch(a)
	s.mu.Unlock()
	if away {
		return nil
	}
	if err := good(a, err); err != nil {
		return err
	}
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil || got.Access == "" {
		return fmt.Errorf("a refresh was answered %s: %w", a.body, err)
	}
	h.user.login.Access, h.user.login.Refresh = got.Access, got.Refresh
	return nil
}

// read asks for what a screen or a page of an office shows.
func (s *soak) read(_ context.Context, _ *person, h *spare) error {
	business := strings.TrimPrefix(h.scope, "business/")
	paths := []string{"/v1/me", "/v1/me/devices", "/v1/me/sessions", "/v1/businesses", "/v1/businesses/" + business, "/v1/businesses/" + business + "/members",
		"/v1/businesses/" + business + "/health", "/v1/reference/channel", "/healthz", "/readyz", "/version"}
	a, err := s.wire.get(paths[h.draw.IntN(len(paths))], h.user.login.Access)
	if err == nil && (a.status == fasthttp.StatusNotFound || a.status == fasthttp.StatusUnauthorized || a.status == fasthttp.StatusForbidden || a.status == fasthttp.StatusTooManyRequests) {
		return nil // an answer too
	}
	return good(a, err)
}

// stream opens a live stream, reads for a moment and leaves, as a phone does or as a
// phone without signal does.
func (s *soak) stream(ctx context.Context, _ *person, h *spare) error {
	c, err := net.DialTimeout("tcp", s.server.address, 10*time.Second)
	if err != nil {
		return err
	}
	defer leave(c, h.draw.IntN(2) == 0)
	if _, err := fmt.Fprintf(c, "GET /v1/sync/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n", h.user.login.Access); err != nil {
		return err
	}
	stay, stop := context.WithTimeout(ctx, time.Duration(100+h.draw.IntN(3000))*time.Millisecond)
	defer stop()
	defer context.AfterFunc(stay, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return ignoreTimeout(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("a stream was answered %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return ignoreTimeout(err)
}

// ignoreTimeout is nil for who left by itself.
func ignoreTimeout(err error) error {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return nil
	}
	return err
}

// leave closes a connection; hard is without a word, as a reset.
func leave(c net.Conn, hard bool) {
	if t, ok := c.(*net.TCPConn); ok && hard {
		_ = t.SetLinger(0) // whether it is a reset or not, it ends
	}
	_ = c.Close() // the server may have ended it before
}

// hangUp is a request that breaks off: without a byte, in its header, in its body, or
// before its answer. What was in it waits on the phone and is sent again.
func (s *soak) hangUp(ctx context.Context, _ *person, h *spare) error {
	if len(h.queue) == 0 {
		h.newBatch(1)
	}
	text := h.queue[0].text
	head := fmt.Sprintf("POST /v1/sync/push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", h.user.login.Access, len(text))
	whole := append([]byte(head), text...)
	ends := []int{0, len(head) / 2, len(head), len(head) + len(text)/2, len(whole)}
	c, err := net.DialTimeout("tcp", s.server.address, 10*time.Second)
	if err != nil {
		return err
	}
	defer leave(c, h.draw.IntN(2) == 0)
	if _, err := c.Write(whole[:ends[h.draw.IntN(len(ends))]]); err != nil {
		return err
	}
	if h.draw.IntN(4) == 0 { // and some keep silent for a while before they go
		stay, stop := context.WithTimeout(ctx, 2*time.Second)
		defer stop()
		<-stay.Done()
	}
	return nil
}

// nonsense is what no app sends. Each must be refused for what it is.
func (s *soak) nonsense(_ context.Context, _ *person, h *spare) error {
	for _, n := range []struct {
		of          int
		path, token string
		text        []byte
		want        int
	}{
		{3, "/v1/sync", h.user.login.Access, []byte(`{"clock":`), fasthttp.StatusBadRequest},
		{3, "/v1/nowhere", h.user.login.Access, []byte(`{}`), fasthttp.StatusNotFound},
		{6, "/v1/sync", h.user.login.Access, bytes.Repeat([]byte(" "), 1<<20+1), fasthttp.StatusRequestEntityTooLarge},
		{10, "/v1/sync", "nobody", []byte(`{}`), fasthttp.StatusUnauthorized},
		{1, "/v1/sync", h.user.login.Access, []byte("\x1f\x8b not gzip"), fasthttp.StatusBadRequest},
	} {
		if h.draw.IntN(n.of) > 0 {
			continue
		}
		a, err := s.wire.send(n.path, n.token, "", n.text, true)
		s.mu.Lock()
		away := err == nil && s.tooMuch(a)
		s.mu.Unlock()
		if err == nil && !away && a.status != n.want && a.status != fasthttp.StatusUnauthorized {
			err = fmt.Errorf("%s with %.20q was answered %d, not %d", n.path, n.text, a.status, n.want)
		}
		return err
	}
	return nil
}
