package api

import (
	"context"
	"sync"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
)

// streams are the live streams and long polls of this process. The zero value is
// ready.
type streams struct {
	mu       sync.Mutex
	all      map[*stream]struct{}
	devices  map[string]*stream // the newest of each device
	users    map[string]int     // how many a user has
	waits    int                // long polls
	waiting  map[string]int     // of each user
	stopping chan struct{}      // closed when the server stops; made by the first who asks
	stopped  bool
	empty    chan struct{} // closed when the last stream has ended after that
}

// Connected reports whether a device has a live stream to this process.
func (s *Server) Connected(device string) bool {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return s.streams.devices[device] != nil
}

// join counts a stream in. An older one of the same device, whose phone has
// surely lost it, gives way.
//
// Errors: Transient "live_full" and "draining", TooMany "live_too_many".
func (s *streams) join(st *stream, l Limits) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.devices[st.who.Device]
	users := s.users[st.who.User]
	if old != nil && old.counted {
		users--
	}
	switch {
	case s.stopped:
		return draining()
	case len(s.all) >= l.Streams:
		return full()
	case users >= l.StreamsPerUser:
		return &fault.Error{Kind: fault.TooMany, Code: "live_too_many", Text: "streams of one user", After: time.Minute}
	}
	if s.all == nil {
		s.all, s.devices, s.users = map[*stream]struct{}{}, map[string]*stream{}, map[string]int{}
	}
	if old != nil {
		s.uncount(old)
		old.end("live_replaced")
	}
	s.all[st], s.devices[st.who.Device], st.counted = struct{}{}, st, true
	s.users[st.who.User]++
	return nil
}

func (s *streams) uncount(st *stream) {
	if !st.counted {
		return
	}
	st.counted = false
	if s.users[st.who.User]--; s.users[st.who.User] == 0 {
		delete(s.users, st.who.User)
	}
}

func full() error {
	return &fault.Error{Kind: fault.Transient, Code: "live_full", Text: "as many streams as this process may have", After: time.Minute}
}

func draining() error {
	return &fault.Error{Kind: fault.Transient, Code: "draining", Text: "the server is about to stop", After: 5 * time.Second}
}

// leave counts a stream out.
func (s *streams) leave(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, in := s.all[st]; !in {
		return
	}
	delete(s.all, st)
	s.uncount(st)
	if s.devices[st.who.Device] == st {
		delete(s.devices, st.who.Device)
	}
	if s.empty != nil && len(s.all) == 0 {
		close(s.empty)
		s.empty = nil
	}
}

// admit counts a long poll in, until release. stopping ends it early.
func (s *streams) admit(user string, l Limits) (stopping <-chan struct{}, release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil, draining()
	case s.waits >= l.Waits:
		return nil, nil, full()
	case s.waiting[user] >= l.StreamsPerUser:
		return nil, nil, &fault.Error{Kind: fault.TooMany, Code: "live_too_many", Text: "long polls of one user", After: time.Minute}
	}
	if s.waiting == nil {
		s.waiting = map[string]int{}
	}
	if s.stopping == nil {
		s.stopping = make(chan struct{})
	}
	s.waits++
	s.waiting[user]++
	return s.stopping, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waits--
		if s.waiting[user]--; s.waiting[user] == 0 {
			delete(s.waiting, user)
		}
	}, nil
}

// list gives the streams of this moment.
func (s *streams) list() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*stream, 0, len(s.all))
	for st := range s.all {
		out = append(out, st)
	}
	return out
}

// farewell is how long a stop waits for readers to take the last event.
const farewell = 10 * time.Second

// stop says goodbye to everybody and returns when all are gone: those who do not
// read are cut off after a moment.
func (s *streams) stop(ctx context.Context) {
	s.mu.Lock()
	if !s.stopped && s.stopping != nil {
		close(s.stopping)
	}
	s.stopped = true
	if s.empty == nil && len(s.all) > 0 {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	if empty == nil {
		return
	}
	for _, st := range s.list() {
		st.end("draining")
	}
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-empty:
		return
	case <-late.C:
	case <-ctx.Done():
	}
	for _, st := range s.list() {
		st.cut()
	}
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// Streams is how many live streams are open.
func (s *Server) Streams() int {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return len(s.streams.all)
}

// lookEvery is how often every stream is looked at: how soon a revocation that
// is known ends it, and how exact heartbeats are.
const lookEvery = time.Second

// Tend looks after the live streams until ctx ends: heartbeats, expired tokens,
// revoked sessions. It returns nil then.
func (s *Server) Tend(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.LookAfter()
		}
	}
}

// LookAfter is one round of Tend.
func (s *Server) LookAfter() {
	now := s.Clock.Now()
	for _, st := range s.streams.list() {
		st.look(now)
	}
}
