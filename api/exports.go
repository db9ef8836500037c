package api

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/lumbung-ikm/lumbung/programme"
)

// What reads a whole programme, or looks at every enterprise of the country, takes as long as
// hundreds of phones do. So it has places of its own, few of them: it never takes one from a
// phone, and it waits while any phone does. Nobody who has not proved who they are gets
// one.
const (
	exportsPer     = 1               // for each processor
	exportsMost    = 4               // however many there are: each holds some megabytes
	exportShare    = 8               // and no more than one for so many places of phones
	exportsWait    = 4               // for each place
	exportPatience = 2 * time.Second // how long one waits
)

// giveExports lets exports into a gate for phones.
func (g *gate) giveExports() {
	g.own = max(1, min(exportsPer*runtime.GOMAXPROCS(0), exportsMost, g.full/exportShare))
	g.ownMost, g.ownPatience = exportsWait*g.own, exportPatience
}

// lineExport is line for an export. The lock is held.
func (g *gate) lineExport() *turn {
	if g.own > 0 && g.waiting == 0 && len(g.lines[export]) == 0 {
		g.own--
		return nil
	}
	if len(g.lines[export]) >= g.ownMost {
		return &turn{}
	}
	t := &turn{make(chan bool, 1)}
	g.lines[export] = append(g.lines[export], t)
	return t
}

// callExports lets exports in while no phone waits. The lock is held.
func (g *gate) callExports() {
	for g.waiting == 0 && g.own > 0 && len(g.lines[export]) > 0 {
		g.lines[export][0].told <- true
		g.lines[export] = g.lines[export][1:]
		g.own--
	}
}

// leaveExport gives the place of an export back.
func (g *gate) leaveExport() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.own++
	g.callExports()
}

// WaitingExports is how many requests wait for a place of exports.
func (s *Server) WaitingExports() int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return len(s.gate.lines[export])
}

// place is what a request has at the gate, until it leaves.
type place struct {
	server *Server
	class  class
	began  time.Time
}

// take waits for a place.
//
// Errors: Transient "overloaded".
func (s *Server) take(ctx context.Context, c class) (*place, error) {
	if err := s.gate.enter(ctx, c); err != nil {
		return nil, err
	}
	return &place{s, c, s.Clock.Now()}, nil
}

// leave gives the place back. Nil has none.
func (p *place) leave() {
	switch {
	case p == nil:
	case p.class == export:
		p.server.gate.leaveExport()
	default:
		p.server.gate.leaveAfter(p.server.Clock.Now().Sub(p.began))
	}
}

// tablesAtOnce is how many tables are read at a time: what is in them may be twenty times as
// much as what was sent.
func tablesAtOnce() int { return min(2, runtime.GOMAXPROCS(0)) }

// tables are the places of those who read tables.
type tables struct {
	free    chan struct{}
	waiting atomic.Int64
}

// reading lets a handler read the table of its request, if it comes to that; the place is its
// until the answer is made.
func (s *Server) reading(x *call, do func(programme.Table) error) error {
	held := false
	defer func() {
		if held {
			<-s.tables.free
		}
	}()
	return do(func() (programme.Rows, error) {
		if held = s.tables.wait(x.ctx); !held {
			return nil, x.ctx.Err()
		}
		return x.table()
	})
}

// wait reports whether it got a place before ctx ended.
func (t *tables) wait(ctx context.Context) bool {
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	select {
	case t.free <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// WaitingTables is how many tables wait to be read.
func (s *Server) WaitingTables() int { return int(s.tables.waiting.Load()) }
