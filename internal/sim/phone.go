package sim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// person is a user.
type person struct {
	id, name, number string
	role             merge.Role
}

// phone is one installation in somebody's hands.
type phone struct {
	*replica.Client
	w        *world
	label    string
	person   *person
	memory   *replica.Memory
	skew     time.Duration // wall clock minus true time
	booted   time.Time     // true time of the last boot
	boots    int
	late     []late
	verdicts map[name]protocol.Verdict // final ones it was told, by mutation
	busy     bool                      // a request is on its way
	http     *replica.HTTP
	install  string
	version  int     // of the catalogue that the app reads
	sky      weather // over the request that is on its way
	server   *server // that it goes to; nil: any
	ticket   uint64  // of the request on its way
}

// late is an answer that comes after its request was given up.
type late struct {
	ticket uint64
	body   []byte
}

// name is the name of a mutation.
type name struct {
	scope, device, incarnation string
	n                          uint64
}

// edit is an edit that a phone kept.
type edit struct {
	by      *phone
	kept    replica.Kept
	excused string // why it may be missing; "" if it may not
}

// String names the phone in traces.
func (p *phone) String() string { return p.label }

// Read implements replica.Clock.
func (p *phone) Read() (wall, mono int64, boot string) {
	now := p.w.clock.Now()
	return now.Add(p.skew).UnixMilli(), now.Sub(p.booted).Milliseconds(), fmt.Sprintf("%s-%d", p.label, p.boots)
}

// newPhone gives a person a fresh installation, and logs in.
func (w *world) newPhone(who *person) (*phone, error) {
	w.installs++
	p := &phone{w: w, person: who, label: fmt.Sprintf("%s/%d", who.name, w.installs), memory: &replica.Memory{}, booted: w.clock.Now().Add(-time.Hour),
		install: id.Derive("install", fmt.Sprint(w.installs)), version: 1 + w.installs%newest, verdicts: map[name]protocol.Verdict{}}
	if w.cfg.Away {
		p.version = 1
	}
	p.open()
	err := p.login()
	who.id = p.Me().User
	w.phones = append(w.phones, p)
	return p, err
}

// login proves the number, as often as it takes.
func (p *phone) login() error {
	p.w.logins++
	for range 200 {
		c, err := p.http.RequestCode(p.w.ctx, p.person.number, p.install)
		if err == nil {
			err = p.http.Login(p.w.ctx, p.person.number, c.ID, testCode, replica.Device{Install: p.install})
		}
		if err == nil || !p.w.passing(err) {
			return err
		}
	}
	return broken("I7 progress", "%s cannot log in", p)
}

// open starts the app on the phone's database.
func (p *phone) open() {
	p.Client = &replica.Client{Local: p.memory, Schema: p.w.schemas[p.version-1], Clock: p, IDs: id.Maker{Clock: p.w.clock, Rand: p.w}, App: "1.0.0", PageBytes: p.pageBytes()}
	if err := p.Open(); err != nil {
		panic(err)
	}
	p.http = &replica.HTTP{Base: "http://lumbung.test", Client: &http.Client{Transport: p}, Phone: p.Client}
	p.Server = p.http
	p.late = nil // answers to a dead app come to nothing
}

// pageBytes makes pages so small that many a pull is cut.
func (p *phone) pageBytes() int { return []int{600, 2000, 20_000}[p.w.rng.IntN(3)] }

// weather is what happens to one exchange.
type weather uint8

const (
	perfect weather = iota
	requestLost
	answerLost
	answerCut
	answerLate
	sentTwice
)

func (w *world) exchange() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	sky := w.sky()
	w.trace("%s syncs, weather %d", p, sky)
	w.failed(w.talk(p, w.anyServer(), sky))
	return w.broke
}

// sky is the weather of an exchange: mostly fine.
func (w *world) sky() weather {
	if w.rng.IntN(100) < 40 {
		return weather(1 + w.rng.IntN(5))
	}
	return perfect
}

// talk is one exchange of a phone with a process. What the weather takes is no
// error.
func (w *world) talk(p *phone, s *server, sky weather) error {
	p.busy, p.server, p.sky = true, s, sky
	defer func() { p.busy, p.server, p.sky = false, nil, perfect }()
	req, ticket, err := p.Ask()
	if err != nil {
		return err
	}
	p.ticket = ticket
	resp, err := p.http.Sync(w.ctx, req)
	switch fault.KindOf(err) {
	case fault.Unauthorized:
		w.trace("  %s must log in: %v", p, err)
		p.sky = perfect
		return p.login()
	case fault.Transient:
		if b, ok := errors.AsType[*Broken](err); ok {
			return b
		}
		return nil
	}
	if err != nil {
		return err
	}
	return p.apply(ticket, resp)
}

// apply takes an answer and looks at what the phone makes of it.
func (p *phone) apply(ticket uint64, resp *protocol.Response) error {
	if err := p.Take(ticket, resp); err != nil {
		return err
	}
	if p.Mismatches() > 0 {
		return broken("I4 convergence", "%s finds a wrong hash after %+v", p, *resp)
	}
	return nil
}

// errWeather is what a phone sees of a lost request or answer.
var errWeather = errors.New("no network")

// RoundTrip implements http.RoundTripper: the way to the server and back, under
// the sky of the moment.
func (p *phone) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.sky == requestLost {
		return nil, errWeather
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if p.w.rng.IntN(20) > 0 {
		r.Header.Del("Accept-Encoding") // packing costs more than it tests
	}
	s := p.server
	if s == nil || s.failing.Dead() {
		s = p.w.anyServer()
	}
	answer, err := p.pass(s, r, body)
	if err != nil {
		return nil, err
	}
	sync := r.URL.Path == "/v1/sync" && answer.status == http.StatusOK
	if sync && p.sky == sentTwice {
		p.late = append(p.late, late{p.ticket, answer.body})
		if answer, err = p.pass(p.w.idleServer(s), r, body); err != nil {
			return nil, err
		}
	}
	switch p.sky {
	case answerLate:
		if sync && answer.status == http.StatusOK {
			p.late = append(p.late, late{p.ticket, answer.body})
		}
		return nil, errWeather
	case answerLost:
		return nil, errWeather
	case answerCut:
		if len(answer.body) > 0 {
			answer.body = answer.body[:p.w.rng.IntN(len(answer.body))]
		}
	}
	return answer.response(r), nil
}

// packet is an answer on its way.
type packet struct {
	status int
	header http.Header
	body   []byte // not compressed
}

func (a packet) response(r *http.Request) *http.Response {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}
}

// pass carries a request to a process and looks at what comes back.
func (p *phone) pass(s *server, r *http.Request, body []byte) (packet, error) {
	r = r.Clone(p.w.ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := p.w.serve(s, r)
	if err != nil {
		return packet{}, err
	}
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(resp.Body); err != nil {
			return packet{}, err
		}
		resp.Header.Del("Content-Encoding")
	}
	out := packet{status: resp.StatusCode, header: resp.Header}
	if out.body, err = io.ReadAll(from); err != nil {
		return out, err
	}
	if r.URL.Path == "/v1/sync" && out.status == http.StatusOK {
		err = p.w.heard(p, out.body)
	}
	return out, err
}

// idleServer prefers the process that is not busy.
func (w *world) idleServer(s *server) *server {
	for _, o := range w.servers {
		if !o.busy && !o.failing.Dead() {
			return o
		}
	}
	return s
}

// take lets the phone apply an answer, if it reads at all.
func (w *world) take(p *phone, ticket uint64, answer []byte) error {
	var resp protocol.Response
	if json.Unmarshal(answer, &resp) != nil {
		return nil
	}
	return p.apply(ticket, &resp)
}

func (w *world) lateAnswer() error {
	var late []*phone
	for _, p := range w.phones {
		if len(p.late) > 0 {
			late = append(late, p)
		}
	}
	if len(late) == 0 {
		return nil
	}
	p := late[w.rng.IntN(len(late))]
	i := w.rng.IntN(len(p.late))
	l := p.late[i]
	p.late = slices.Delete(p.late, i, i+1)
	w.trace("%s hears a late answer", p)
	return w.take(p, l.ticket, l.body)
}

// appCrash ends the app; what was on its way is lost.
func (w *world) appCrash() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	w.trace("%s: app dies", p)
	p.open()
	return nil
}

// update puts the next version of the app on a phone, over the database of the
// old one.
func (w *world) update() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	p.version = min(p.version+1, newest)
	w.trace("%s: app of version %d", p, p.version)
	p.open()
	return nil
}

func (w *world) reboot() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	p.boots++
	p.booted = w.clock.Now()
	w.trace("%s reboots", p)
	p.open()
	return nil
}

// wrongClock sets a phone's wall clock years off.
func (w *world) wrongClock() error {
	p := w.phones[w.rng.IntN(len(w.phones))]
	p.skew = time.Duration(w.rng.IntN(20)-10) * 365 * 24 * time.Hour
	w.trace("%s: clock %s off", p, p.skew)
	return nil
}

// reinstall takes the app off a phone and puts it on again: what was not sent
// is gone, and the person knows it.
func (w *world) reinstall() error {
	i := w.rng.IntN(len(w.phones))
	old := w.phones[i]
	w.phones = slices.Delete(w.phones, i, i+1)
	for _, e := range w.made {
		if e.kept.Device == old.Me().Device && !w.stillKept(e) {
			e.excused = "phone is gone"
		}
	}
	p, err := w.newPhone(old.person)
	w.trace("%s is reinstalled as %s", old, p)
	return err
}

// clone copies a phone as a move to a new one does; both go on.
func (w *world) clone() error {
	if len(w.phones) >= 8 || w.copied >= 2 {
		return nil
	}
	old := w.phones[w.rng.IntN(len(w.phones))]
	w.installs++
	p := &phone{w: w, person: old.person, label: fmt.Sprintf("%s/%d", old.person.name, w.installs), memory: old.memory.Clone(),
		booted: w.clock.Now(), install: old.install, version: old.version, verdicts: map[name]protocol.Verdict{}}
	p.open()
	w.phones = append(w.phones, p)
	w.copied++
	w.trace("%s is copied to %s", old, p)
	return nil
}
