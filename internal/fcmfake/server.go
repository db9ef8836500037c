package fcmfake

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

// Options say what a server is like. The zero value is a project "demo" with the limits of
// the real service.
type Options struct {
	Project   string      // "demo" if empty
	Clock     clock.Clock // of phones, TTLs and quotas; the system's if nil
	Seed      uint64      // of what the real service does not promise: order, and what is dropped
	PerMinute int         // messages of the project a minute; 0: 600,000
	TokenTTL  time.Duration

	// Seen hears of every message that an app gets, with the address of its phone. It is
	// called while the server is busy, and must not call it back. May be nil.
	Seen func(address string, d Delivery)
}

// Server is one project of the push service. It is safe for concurrent use.
type Server struct {
	o   Options
	mux *http.ServeMux
	key *rsa.PrivateKey

	mu      sync.Mutex
	rng     *mathrand.Rand
	bearers map[string]time.Time       // until when each is good, by the machine's clock
	refuse  int                        // exchanges that are still refused
	phones  map[string]*Phone          // by address
	topics  map[string]map[string]bool // by address: what it is subscribed to
	quota   *bucket
	faults  []*Fault
	sent    int // calls of messages:send so far
	taken   int // messages that the service has accepted
}

// New makes a server with a key of its own.
func New(o Options) (*Server, error) {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	o.Project, o.PerMinute, o.TokenTTL = cmp.Or(o.Project, "demo"), cmp.Or(o.PerMinute, 600_000), cmp.Or(o.TokenTTL, time.Hour)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	s := &Server{o: o, key: key, rng: mathrand.New(mathrand.NewPCG(o.Seed, 1)), bearers: map[string]time.Time{}, phones: map[string]*Phone{}, topics: map[string]map[string]bool{},
		quota: newBucket(float64(o.PerMinute), float64(o.PerMinute)/60)}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("POST /token", s.exchange)
	s.mux.HandleFunc("POST /v1/projects/{project}/{verb}", s.send)
	s.mux.HandleFunc("POST /iid/{verb}", s.subscribe)
	s.controls()
	return s, nil
}

// ServeHTTP answers as the service does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Taken is how many messages the service has accepted so far, whatever it answered.
func (s *Server) Taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Calls is how often messages:send was called.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

const mostBody = 64 << 10

// send is messages:send.
func (s *Server) send(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.sent++
	nth := s.sent
	s.mu.Unlock()
	if r.PathValue("verb") != "messages:send" {
		absent().write(w)
		return
	}
	if bad := s.authorised(r); bad != nil {
		bad.write(w)
		return
	}
	if r.PathValue("project") != s.o.Project {
		forbidden := refusal{status: http.StatusForbidden, code: "PERMISSION_DENIED", text: "Permission 'cloudmessaging.messages.create' denied on resource."}
		forbidden.write(w)
		return
	}
	if bad := s.counted(); bad != nil {
		bad.write(w)
		return
	}
	call, bad := decode(http.MaxBytesReader(w, r.Body, mostBody))
	if bad != nil {
		bad.write(w)
		return
	}
	fault := s.faultFor(nth, call.Message)
	if fault.instead(w, r) {
		return
	}
	name, bad := s.accept(call)
	switch {
	case bad != nil:
		bad.write(w)
	case !fault.behind(w, name):
		reply(w, http.StatusOK, map[string]string{"name": name})
	}
}

// accept takes a message for its phones, unless it is refused.
func (s *Server) accept(c call) (name string, bad *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Clock.Now()
	to, bad := s.targets(c.Message)
	if bad != nil {
		return "", bad
	}
	name = fmt.Sprintf("projects/%s/messages/%s", s.o.Project, s.newID())
	if c.ValidateOnly {
		return fmt.Sprintf("projects/%s/messages/fake_message_id", s.o.Project), nil
	}
	for _, p := range to {
		if bad := p.limited(c.Message, now); bad != nil && c.Message.single() {
			s.quota.give() // what is refused counts, but for what was too much
			return "", bad
		}
	}
	s.taken++
	for _, p := range to {
		p.arrives(&Message{Content: c.Message, Name: name, SentAt: now}, now)
	}
	return name, nil
}

// counted takes a call out of the quota of the project, whatever comes of it.
func (s *Server) counted() *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok, wait := s.quota.take(s.o.Clock.Now()); !ok {
		return projectLimited(s.o.Project, wait)
	}
	return nil
}

// targets are the phones that a message is for.
func (s *Server) targets(m Content) ([]*Phone, *refusal) {
	switch {
	case m.Topic != "":
		return s.subscribed(func(of map[string]bool) bool { return of[m.Topic] }), nil
	case m.Condition != "":
		holds, err := condition(m.Condition)
		if err != nil {
			return nil, invalidFCM("Invalid condition expression provided.", "message.condition")
		}
		return s.subscribed(holds), nil
	}
	p := s.phones[cmp.Or(m.Token, m.FID)]
	switch {
	case p == nil:
		return nil, invalidFCM("The registration token is not a valid FCM registration token", "message.token")
	case p.state == unregistered:
		return nil, &refusal{status: http.StatusNotFound, code: "NOT_FOUND", text: "Requested entity was not found.", fcm: "UNREGISTERED"}
	case p.state == otherSender:
		return nil, &refusal{status: http.StatusForbidden, code: "PERMISSION_DENIED", text: "SenderId mismatch", fcm: "SENDER_ID_MISMATCH"}
	}
	return []*Phone{p}, nil
}

// newID is one of a message.
func (s *Server) newID() string {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(s.rng.UintN(256))
	}
	return "0:" + hex.EncodeToString(b)
}

// address makes one that no other phone has.
func (s *Server) address() string {
	var b strings.Builder
	for range 4 {
		fmt.Fprintf(&b, "%016x", s.rng.Uint64())
	}
	return "fake:" + b.String()
}
