// Package api is the HTTP side of Lumbung: it decodes a request, makes one call
// and encodes the answer. What is true of every request, such as its limits,
// its proof of identity and the form of its errors, lives in the middleware
// here; what a person may do is decided below, where the data is.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/programme"
	"github.com/lumbung-ikm/lumbung/store"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/trace"
)

// Parts are what a Server is made of.
type Parts struct {
	Engine    *syncer.Engine
	Auth      *auth.Service
	Programme *programme.Service
	Push      *notify.Service
	Replies   store.Replies  // answers by idempotency key
	Counters  store.Counters // through which several processes share rates; nil: there is one
	Clock     clock.Clock
	IDs       id.Maker // request ids
	Log       *slog.Logger
	Limits    Limits         // zero fields take the values of DefaultLimits
	Origins   []string       // web pages that may call, exactly as a browser writes them; none
	Proxies   []netip.Prefix // whose X-Forwarded-For is believed; none
	Version   string         // of the program

	// Traces records what some requests spend their time on. Nil records nothing.
	Traces *trace.Recorder

	// Tally is told what is answered, to be counted. May be nil.
	Tally Tally

	// Refuse says why nothing but the probes is answered, or nil. May be nil, and must not
	// block.
	Refuse func() error

	// Trail is told of what admins and mentors see and change. Nil keeps none.
	Trail *programme.Trail

	// Ready says whether the server can work, beside not being about to stop.
	// May be nil.
	Ready func(ctx context.Context) error
}

// Tally counts what a server answers. Its methods must not block.
type Tally interface {
	// Answered tells of a request by the template of its route, or "none".
	Answered(method, route string, status int, took time.Duration)
	// Unsent tells how old the oldest edit is that a phone still has to send after its
	// answer.
	Unsent(oldest time.Duration)
}

// Limits bound what one request may cost.
type Limits struct {
	Body                         int           // bytes of a body, after inflating; 1 MiB
	Raw                          int           // bytes of a table; more is refused unread; 4 MiB
	Bodies                       int           // bytes of all bodies that are read or worked on, without the first 32 KiB of each; 64 MiB
	Header                       int           // bytes of all header lines; 16 KiB
	Read                         time.Duration // for a whole request; 60 s
	Write                        time.Duration // for a whole answer; 60 s
	Idle                         time.Duration // between requests of one connection; 90 s
	Slow                         time.Duration // from which on a request is told of in the log, with its scopes; 1 s
	Deadline                     time.Duration // for the work of one request; 25 s
	Working                      int           // requests that are worked on at a time, and as many may wait; 32 for each processor, four times that if the database is elsewhere
	Patience                     time.Duration // how long one waits; 50 ms
	Conns                        int           // connections from everybody, from three quarters of which on they are closed after each answer; 4096
	PerUser                      Rate          // requests of an account; 240 a minute
	PerDevice                    Rate          // requests of one of its phones, and refreshes of one session; 180 a minute
	EditsPerUser, EditsPerDevice Rate          // edits that they send; 24,000 and 12,000 a minute
	PerIP                        Rate          // codes and logins of an address, and documents beside them; mobile networks share addresses; 1200 a minute
	Heavy                        Rate          // of forged proofs per address, which stop no right one; 120 a minute
	KeepKeys                     time.Duration // how long an answer is kept under its idempotency key; 24 h

	Streams        int           // live streams of everybody; 15 000, which do not count as Conns
	StreamsPerUser int           // live streams of one user, one per device at the most; 10
	Waits          int           // long polls of everybody, which do count; 1000
	Heartbeat      time.Duration // most silence of a live stream; 25 s
	Stall          time.Duration // for a reader to take what a live stream wrote; 10 s
}

// DefaultLimits are the limits of a normal installation.
func DefaultLimits() Limits {
	return Limits{Body: 1 << 20, Raw: 4 << 20, Bodies: 64 << 20, Header: 16 << 10, Read: time.Minute, Write: time.Minute, Idle: 90 * time.Second,
		Patience: 50 * time.Millisecond, Slow: time.Second, Deadline: 25 * time.Second, Conns: 4096, PerUser: Rate{240, time.Minute},
		PerDevice: Rate{180, time.Minute}, EditsPerUser: Rate{24_000, time.Minute}, EditsPerDevice: Rate{12_000, time.Minute}, PerIP: Rate{1200, time.Minute},
		Heavy: Rate{120, time.Minute}, KeepKeys: 24 * time.Hour,
		Streams: 15_000, StreamsPerUser: 10, Waits: 1000, Heartbeat: 25 * time.Second, Stall: 10 * time.Second}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ have, def *int }{{&l.Body, &d.Body}, {&l.Raw, &d.Raw}, {&l.Bodies, &d.Bodies}, {&l.Header, &d.Header}, {&l.Conns, &d.Conns},
		{&l.Streams, &d.Streams}, {&l.StreamsPerUser, &d.StreamsPerUser}, {&l.Waits, &d.Waits}} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	for _, f := range []struct{ have, def *time.Duration }{{&l.Read, &d.Read}, {&l.Write, &d.Write}, {&l.Idle, &d.Idle},
		{&l.Patience, &d.Patience}, {&l.Slow, &d.Slow}, {&l.Deadline, &d.Deadline}, {&l.KeepKeys, &d.KeepKeys},
		{&l.Heartbeat, &d.Heartbeat}, {&l.Stall, &d.Stall}} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	for _, f := range []struct{ have, def *Rate }{{&l.PerUser, &d.PerUser}, {&l.PerDevice, &d.PerDevice},
		{&l.EditsPerUser, &d.EditsPerUser}, {&l.EditsPerDevice, &d.EditsPerDevice}, {&l.PerIP, &d.PerIP}, {&l.Heavy, &d.Heavy}} {
		if f.have.Max == 0 {
			*f.have = *f.def
		}
	}
	return l
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	Parts
	app                                   *fiber.App
	inflaters                             chan *inflater // those that are free
	inflating                             atomic.Int64   // packed bodies that are inflated, or wait for it
	packers                               packers
	tables                                tables
	gate                                  *gate
	lane                                  *lane
	users, phones, userEdits, deviceEdits meter
	addresses, failures                   meter
	documents, refreshes                  meter
	draining                              atomic.Bool
	silent                                silent
	bodies                                bodies
	turned                                turned
	streams                               streams
	listening                             sync.Mutex
	ears                                  []*ears
	stopped                               bool
}

const (
	workingPer  = 32                    // requests for each processor
	quickEnough = 30 * time.Millisecond // for a request that is worked on, among those that all are
	elsewhere   = 4                     // times as many, and as long, where a request mostly waits for a database on the network
)

// New makes a server. It does not listen yet.
func New(p Parts) *Server {
	p.Limits = p.Limits.orDefault()
	s := &Server{Parts: p, inflaters: make(chan *inflater, inflaters()), packers: packers{atOnce: make(chan struct{}, runtime.GOMAXPROCS(0)+1)}}
	for range inflaters() {
		s.inflaters <- newInflater(p.Limits.Body)
	}
	s.users, s.phones = newMeter("user", p.Limits.PerUser), newMeter("device", p.Limits.PerDevice)
	s.userEdits, s.deviceEdits = newMeter("user-edits", p.Limits.EditsPerUser), newMeter("device-edits", p.Limits.EditsPerDevice)
	s.addresses, s.failures = newMeter("address", p.Limits.PerIP), newMeter("failures", p.Limits.Heavy)
	s.documents, s.refreshes = newMeter("document", p.Limits.PerIP), newMeter("session", p.Limits.PerDevice)
	working, large, quick := p.Limits.Working, max(1, runtime.GOMAXPROCS(0)/2), quickEnough
	if working == 0 {
		working = workingPer * runtime.GOMAXPROCS(0)
		if p.Counters != nil {
			working *= elsewhere
		}
	}
	if p.Counters != nil {
		large, quick = large*elsewhere, quick*elsewhere
	}
	s.gate, s.lane = newGate(working, p.Limits.Patience), newLane(large, max(1, working/laneShare), p.Clock)
	s.gate.quick = quick
	s.gate.giveExports()
	s.tables.free = make(chan struct{}, tablesAtOnce())
	if p.Counters != nil {
		for _, m := range s.meters() {
			m.loud = map[string]struct{}{}
		}
	}
	s.app = fiber.New(fiber.Config{
		AppName: "lumbung", DisableStartupMessage: true, Immutable: true, CaseSensitive: true, StrictRouting: true,
		BodyLimit: p.Limits.Raw, StreamRequestBody: true, ReadBufferSize: p.Limits.Header, Concurrency: p.Limits.Conns + connReserve + connSlack,
		ReadTimeout: p.Limits.Read, WriteTimeout: p.Limits.Write, IdleTimeout: p.Limits.Idle,
		DisablePreParseMultipartForm: true, ErrorHandler: s.lastResort,
	})
	s.app.Server().KeepHijackedConns = true // a stream closes its own
	s.app.Server().HeaderReceived = s.announced
	s.app.Use(s.outer)
	for _, r := range s.routes() {
		s.app.Add(r.method, fiberPath(r.path), s.inner(r))
	}
	return s
}

// meters are all that there are.
func (s *Server) meters() []*meter {
	return []*meter{&s.users, &s.phones, &s.userEdits, &s.deviceEdits, &s.addresses, &s.failures, &s.documents, &s.refreshes}
}

// Serve answers what arrives at ln until Stop, which may have come first. It returns nil
// then.
func (s *Server) Serve(ln net.Listener) error {
	e := &ears{Listener: ln, server: s}
	if !s.begin(e) {
		return e.Close()
	}
	err := s.app.Listener(e)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Drain makes /readyz say that the server is about to stop, and asks every
// client to come back on a new connection. Requests are still answered.
func (s *Server) Drain() { s.draining.Store(true) }

// begin notes where the server listens, and reports whether it may.
func (s *Server) begin(e *ears) bool {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.ears = append(s.ears, e)
	return !s.stopped
}

// end closes where the server listens, for ever: the HTTP library below forgets a stop that
// comes before it has begun.
func (s *Server) end() error {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.stopped = true
	var errs []error
	for _, e := range s.ears {
		errs = append(errs, e.Close())
	}
	return errors.Join(errs...)
}

// Stop says goodbye to the live streams, closes the listener and returns when
// every request under way has its answer, or with the error of ctx.
func (s *Server) Stop(ctx context.Context) error {
	s.Drain()
	s.streams.stop(ctx)
	hangUp := time.AfterFunc(silence, s.silent.hangUp)
	defer hangUp.Stop()
	return errors.Join(s.end(), s.app.ShutdownWithContext(ctx))
}
