package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/client"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

// person is a user.
type person struct {
	id, name string
	role     merge.Role
}

// phone is one installation in somebody's hands.
type phone struct {
	*client.Client
	w        *world
	label    string
	person   *person
	memory   *client.Memory
	skew     time.Duration // wall clock minus true time
	booted   time.Time     // true time of the last boot
	boots    int
	late     []late
	verdicts map[name]protocol.Verdict // final ones it was told, by mutation
	busy     bool                      // a request is on its way
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
	kept    client.Kept
	excused string // why it may be missing; "" if it may not
}

// String names the phone in traces.
func (p *phone) String() string { return p.label }

// Read implements client.Clock.
func (p *phone) Read() (wall, mono int64, boot string) {
	now := p.w.clock.Now()
	return now.Add(p.skew).UnixMilli(), now.Sub(p.booted).Milliseconds(), fmt.Sprintf("%s-%d", p.label, p.boots)
}

// newPhone gives a person a fresh installation.
func (w *world) newPhone(who *person) *phone {
	p := &phone{w: w, person: who, label: fmt.Sprintf("%s/%d", who.name, len(w.phones)+1), memory: &client.Memory{}, booted: w.clock.Now().Add(-time.Hour),
		verdicts: map[name]protocol.Verdict{}}
	p.open()
	device := id.Derive("device", p.label, fmt.Sprint(w.rng.Uint64()))
	if err := p.Become(client.Identity{User: who.id, Device: device, Incarnation: "i" + device[:13]}); err != nil {
		panic(err) // memory does not fail
	}
	w.phones = append(w.phones, p)
	return p
}

// open starts the app on the phone's database.
func (p *phone) open() {
	p.Client = &client.Client{Local: p.memory, Schema: p.w.schema, Clock: p, IDs: id.Maker{Clock: p.w.clock, Rand: p.w}, App: "1.0.0", PageBytes: p.pageBytes()}
	if err := p.Open(); err != nil {
		panic(err)
	}
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
	sky := perfect
	if w.rng.IntN(100) < 40 {
		sky = weather(1 + w.rng.IntN(5))
	}
	w.trace("%s syncs, weather %d", p, sky)
	w.failed(w.talk(p, w.anyServer(), sky))
	return w.broke
}

// talk is one exchange of a phone with a process.
func (w *world) talk(p *phone, s *server, sky weather) error {
	p.busy = true
	defer func() { p.busy = false }()
	req, ticket, err := p.Ask()
	if err != nil || sky == requestLost {
		return err
	}
	body, err := json.Marshal(req)
	if err != nil {
		return err
	}
	answer, err := w.serve(s, p, body)
	if err != nil {
		return err
	}
	if err := w.heard(p, answer); err != nil {
		return err
	}
	if sky == sentTwice {
		first := answer
		if answer, err = w.serve(w.idleServer(s), p, body); err != nil {
			return err
		}
		if err := w.heard(p, answer); err != nil {
			return err
		}
		p.late = append(p.late, late{ticket, first})
	}
	switch sky {
	case answerLost:
		return nil
	case answerLate:
		p.late = append(p.late, late{ticket, answer})
		return nil
	case answerCut:
		answer = answer[:w.rng.IntN(len(answer))]
	}
	return w.take(p, ticket, answer)
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
	if err := p.Take(ticket, &resp); err != nil {
		return err
	}
	return nil
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
	p := w.newPhone(old.person)
	w.trace("%s is reinstalled as %s", old, p)
	return nil
}

// clone copies a phone as a move to a new one does; both go on.
func (w *world) clone() error {
	if len(w.phones) >= 8 || w.copied >= 2 {
		return nil
	}
	old := w.phones[w.rng.IntN(len(w.phones))]
	p := &phone{w: w, person: old.person, label: fmt.Sprintf("%s/%d", old.person.name, len(w.phones)+1), memory: old.memory.Clone(),
		booted: w.clock.Now(), verdicts: map[name]protocol.Verdict{}}
	p.open()
	w.phones = append(w.phones, p)
	w.copied++
	w.trace("%s is copied to %s", old, p)
	return nil
}
