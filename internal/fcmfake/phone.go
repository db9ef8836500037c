package fcmfake

import (
	"maps"
	"slices"
	"time"
)

// state of a registration.
type state int

const (
	registered state = iota
	unregistered
	otherSender
)

// Bounds of what the service keeps for a phone, and sends to it.
const (
	mostCollapseKeys = 4
	mostPending      = 100
	perMinute        = 240
	perHour          = 5000
	collapseBurst    = 20
	collapseEvery    = 3 * time.Minute
)

// Message is one that the service has accepted.
type Message struct {
	Content Content
	Name    string // that was answered
	SentAt  time.Time
}

// Delivery is a message that an app got.
type Delivery struct {
	Message
	At time.Time // by the clock of the server
}

// Card is what a phone shows on its lock screen.
type Card struct {
	Tag, Title, Body string
	Drawn            int // how often it was drawn anew
	Message          Message
}

// Phone is an installation of an app. What it has seen is read with Seen and Cards.
type Phone struct {
	s        *Server
	address  string
	state    state
	off, low bool // no network; Doze
	muted    bool // its owner has switched notifications off

	minute, hour, collapse *bucket

	pending    []*Message
	seen       []Delivery
	cards      []Card
	overflowed bool
	deleted    int // times that the app was told that messages are lost
	repeat     int // deliveries that come twice
	lose       int // deliveries that do not come
}

// NewPhone registers an installation and gives it, with its address.
func (s *Server) NewPhone() *Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.install(s.address())
}

func (s *Server) install(address string) *Phone {
	p := &Phone{s: s, address: address, minute: newBucket(perMinute, perMinute/60.0), hour: newBucket(perHour, perHour/3600.0),
		collapse: newBucket(collapseBurst, 1/collapseEvery.Seconds())}
	s.phones[p.address] = p
	return p
}

// Phone finds an installation by its address; nil if there is none.
func (s *Server) Phone(address string) *Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phones[address]
}

// Phones gives all installations, ordered by their addresses.
func (s *Server) Phones() []*Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Phone
	for _, a := range slices.Sorted(maps.Keys(s.phones)) {
		out = append(out, s.phones[a])
	}
	return out
}

// Address is the registration token.
func (p *Phone) Address() string { return p.locked(func() string { return p.address }) }

func (p *Phone) locked(read func() string) string {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return read()
}

func (p *Phone) set(change func()) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	change()
	p.wakes()
}

// Renew gives the installation another address, as happens now and then; the old one is no
// longer registered.
func (p *Phone) Renew() (address string) {
	p.set(func() {
		old := p.address
		p.address = p.s.address()
		p.s.phones[p.address] = p
		p.s.phones[old] = &Phone{s: p.s, address: old, state: unregistered}
		address = p.address
	})
	return address
}

// Uninstall ends the registration.
func (p *Phone) Uninstall() { p.set(func() { p.state = unregistered }) }

// BelongTo says whether the registration is of another project.
func (p *Phone) BelongTo(other bool) {
	p.set(func() {
		p.state = registered
		if other {
			p.state = otherSender
		}
	})
}

// Online says whether the phone has a network. With it comes what has waited.
func (p *Phone) Online(on bool) { p.set(func() { p.off = !on }) }

// Doze says whether the phone sleeps: only messages of high priority reach it then.
func (p *Phone) Doze(on bool) { p.set(func() { p.low = on }) }

// Mute says whether the owner has switched notifications off: apps get their data, nothing
// is drawn.
func (p *Phone) Mute(on bool) { p.set(func() { p.muted = on }) }

// Repeat has the next n deliveries come twice.
func (p *Phone) Repeat(n int) { p.set(func() { p.repeat = n }) }

// Lose has the next n deliveries not come, although the service took the message.
func (p *Phone) Lose(n int) { p.set(func() { p.lose = n }) }

// Subscribe has the phone hear of a topic.
func (p *Phone) Subscribe(topic string) {
	p.set(func() { p.s.subscribes(p.address, topic) })
}

// Seen are the messages that the app got, in the order in which they came.
func (p *Phone) Seen() []Delivery {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.seen)
}

// Cards are what stands on the lock screen, the oldest first.
func (p *Phone) Cards() []Card {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return slices.Clone(p.cards)
}

// Clear forgets what the app got and what stands on the lock screen.
func (p *Phone) Clear() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.seen, p.cards = nil, nil
}

// Pending is how many messages wait for the phone at the service.
func (p *Phone) Pending() int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.expire(p.s.o.Clock.Now())
	return len(p.pending)
}

// Deleted is how often the app was told that messages are lost and it should sync.
func (p *Phone) Deleted() int {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.deleted
}

// limited says whether the service takes no more messages for the phone now.
func (p *Phone) limited(m Content, now time.Time) *refusal {
	buckets := []*bucket{p.minute, p.hour}
	if m.collapseKey() != "" {
		buckets = append(buckets, p.collapse)
	}
	for _, b := range buckets {
		if ok, wait := b.take(now); !ok {
			return deviceLimited(wait)
		}
	}
	return nil
}

// arrives brings a message to the phone, or has it wait. The service keeps the newest of a
// collapse key, four of those keys, and a hundred other messages; beyond, they are all lost.
func (p *Phone) arrives(m *Message, now time.Time) {
	if p.reaches(m) {
		p.deliver(m, now)
		return
	}
	if m.Content.ttl() == 0 {
		return // now or never
	}
	p.expire(now)
	if key := m.Content.collapseKey(); key != "" {
		p.pending = slices.DeleteFunc(p.pending, func(o *Message) bool { return o.Content.collapseKey() == key })
		if keys := p.collapseKeys(); len(keys) >= mostCollapseKeys {
			lost := keys[p.s.rng.IntN(len(keys))]
			p.pending = slices.DeleteFunc(p.pending, func(o *Message) bool { return o.Content.collapseKey() == lost })
		}
		p.pending = append(p.pending, m)
		return
	}
	if others := len(p.pending) - len(p.collapseKeys()); others >= mostPending {
		p.pending = slices.DeleteFunc(p.pending, func(o *Message) bool { return o.Content.collapseKey() == "" })
		p.overflowed = true
	}
	if !p.overflowed {
		p.pending = append(p.pending, m)
	}
}

func (p *Phone) collapseKeys() (keys []string) {
	for _, o := range p.pending {
		if key := o.Content.collapseKey(); key != "" {
			keys = append(keys, key) // one message of each
		}
	}
	return keys
}

func (p *Phone) reaches(m *Message) bool {
	return !p.off && (!p.low || m.Content.high()) && p.state == registered
}

func (p *Phone) expire(now time.Time) {
	p.pending = slices.DeleteFunc(p.pending, func(m *Message) bool { return !now.Before(m.SentAt.Add(m.Content.ttl())) })
}

// wakes brings what waits and may come now, in an order that nobody promises.
func (p *Phone) wakes() {
	now := p.s.o.Clock.Now()
	p.expire(now)
	if !p.off && p.overflowed {
		p.deleted++
		p.overflowed = false
	}
	var stay, come []*Message
	for _, m := range p.pending {
		if p.reaches(m) {
			come = append(come, m)
		} else {
			stay = append(stay, m)
		}
	}
	p.pending = stay
	p.s.rng.Shuffle(len(come), func(i, j int) { come[i], come[j] = come[j], come[i] })
	for _, m := range come {
		p.deliver(m, now)
	}
}

func (p *Phone) deliver(m *Message, now time.Time) {
	times := 1
	switch {
	case p.lose > 0:
		p.lose--
		return
	case p.repeat > 0:
		p.repeat--
		times = 2
	}
	for range times {
		p.seen = append(p.seen, Delivery{*m, now})
		if p.s.o.Seen != nil {
			p.s.o.Seen(p.address, Delivery{*m, now})
		}
		if m.Content.draws() && !p.muted {
			p.draw(m)
		}
	}
}

// draw puts a card onto the screen, in the place of one of the same tag.
func (p *Phone) draw(m *Message) {
	card := Card{Tag: m.Content.tag(), Drawn: 1, Message: *m}
	card.Title, card.Body = m.Content.text()
	if i := slices.IndexFunc(p.cards, func(c Card) bool { return c.Tag != "" && c.Tag == card.Tag }); i >= 0 {
		card.Drawn += p.cards[i].Drawn
		p.cards = slices.Delete(p.cards, i, i+1)
	}
	p.cards = append(p.cards, card)
}
