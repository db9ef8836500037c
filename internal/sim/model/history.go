package model

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// start is the instant of the first edit; edit i is made a minute after edit
// i-1, whatever the syncs.
const (
	start  merge.Millis = 1_650_000_000_000
	minute merge.Millis = 60_000
)

// Exact is a clock that is right, on a phone that never reboots.
func Exact(_ int, t merge.Millis) merge.Reading {
	return merge.Reading{Wall: t, Mono: int64(t - start + minute), Boot: "b"}
}

// Edit is one edit of a history.
type Edit struct {
	Phone   int
	Move    int
	Read    []int // labels on the author's screen, by the base row
	Own     []int // labels of own edits that it names in after
	Outcome merge.Outcome
	Code    string
	At      int // how many edits had been made when it arrived first

	generation merge.Generation // of the rows on the screen
	item       merge.Item
	row        merge.Row // as an operation on its author's screen
}

// History is one run.
type History struct {
	Game  *Game
	Scope *mergetest.Scope
	Edits []Edit
	Order []int // labels, as they arrived on the time line of now
	clock Clock
	first *mergetest.Scope   // what was there before the history
	past  []*mergetest.Scope // by seq, from the first commit before the history on
	ends  []int              // length of Order after each of them
	wait  [Phones][]int      // labels not sent yet
	view  [Phones]view       // what each phone has read
	fork  int                // length of Order that a restore kept; -1: no restore
	mark  int                // length of past at the last edit
}

// view is what one phone has read: the labels, and up to which commit.
type view struct {
	read []int
	base merge.Base
	at   merge.Millis // when the server answered
	row  merge.Row    // the record
}

// editID is the id of a record that an edit makes.
func editID(label int) string { return id.Derive("edit", strconv.Itoa(label)) }

func begin(g *Game, c Clock) *History {
	h := &History{Game: g, Scope: mergetest.New(g.Schema, g.Scope), clock: c, fork: -1}
	h.Scope.Time = start - minute
	h.Scope.Access = slices.Clone(g.Access[:])
	if g.Grace > 0 {
		h.Scope.Grace = g.Grace
	}
	g.Start(h.Scope)
	h.first = h.Scope
	h.past, h.ends, h.mark = []*mergetest.Scope{h.Scope}, []int{0}, 1
	for p := range Phones {
		h.view[p] = h.at(0)
	}
	return h
}

func (h *History) clone() *History {
	c := *h
	c.Edits, c.Order = slices.Clone(h.Edits), slices.Clip(h.Order)
	c.past, c.ends = slices.Clip(h.past), slices.Clip(h.ends)
	for p := range Phones {
		c.wait[p] = slices.Clip(h.wait[p])
	}
	return &c
}

// turn keeps phones that differ in nothing but their names in order.
func (h *History) turn(p int) bool {
	for q := range p {
		if h.Game.Alike[q] == h.Game.Alike[p] && !h.edited(q) {
			return false
		}
	}
	return true
}

func (h *History) edited(p int) bool {
	return slices.ContainsFunc(h.Edits, func(e Edit) bool { return e.Phone == p })
}

// stale reports whether a phone stands on the time line before a restore.
func (h *History) stale(p int) bool { return h.view[p].base.Generation != h.Scope.Generation }

// sends reports whether a phone has something to send: what it never sent, and
// after a restore everything that it kept.
func (h *History) sends(p int) bool {
	return len(h.wait[p]) > 0 || h.stale(p) && slices.ContainsFunc(h.Edits, func(e Edit) bool { return e.Phone == p && e.Outcome != merge.Rejected })
}

func (h *History) waiting() (out []int) {
	for p := range Phones {
		if h.sends(p) {
			out = append(out, p)
		}
	}
	return out
}

// views gives what a phone may have read when it edits. One that has edits to
// send reads nothing without sending them.
func (h *History) views(p int, all bool) []view {
	switch v := h.view[p]; {
	case h.sends(p) && all:
		return nil
	case h.sends(p):
		return []view{v}
	case all:
		return []view{h.at(len(h.past) - 1)}
	default:
		out := []view{v}
		for i := range h.past {
			if h.stale(p) || h.past[i].Applied > v.base.Version {
				out = append(out, h.at(i))
			}
		}
		return out
	}
}

func (h *History) at(i int) view {
	s := h.past[i]
	return view{h.Order[:h.ends[i]], merge.Base{Generation: h.Scope.Generation, Version: s.Applied}, s.Time, s.Row(h.Game.about(), record())}
}

// edit lets a person make a move on what the phone shows.
func (h *History) edit(s *Screen, v view, move int) *History {
	c := h.clone()
	p, at := s.Phone, start+minute*merge.Millis(s.Label)
	e := Edit{Phone: p, Move: move, Read: v.read, generation: v.base.Generation, At: -1}
	c.view[p] = v
	m := h.Game.Moves[move].Make(s)
	if m.Base != nil && len(c.wait[p]) > 0 { // the base of the oldest pending edit, and all pending ones
		oldest := &c.Edits[c.wait[p][0]]
		e.Read, e.generation, e.Own = oldest.Read, oldest.generation, c.wait[p]
		for _, l := range c.wait[p] {
			m.After = append(m.After, c.ref(l))
		}
	}
	m.Schema, m.N = 1, c.number(p)
	if m.Op == "" {
		m.Op = merge.Put
	}
	m.At = c.clock(p, at)
	m.At.Server = v.at
	e.item = merge.Item{Raw: []byte("{}"), HasN: true, Mutation: m, Hash: merge.Hash{'e', byte(s.Label)}}
	if h.Game.Parent != "" {
		e.Own = c.wait[p]
		e.row = merge.Row{Key: merge.Key{Collection: m.Collection, ID: m.ID}, Fields: m.Set}
		e.row.Fields["role"], e.row.Fields["stamp"] = merge.Str(string(h.Game.Access[p].Role)), merge.Num(at+1)
		sent := map[string]merge.Value{}
		for name, val := range m.Set {
			if name != "role" && name != "stamp" {
				sent[name] = val
			}
		}
		e.item.Mutation.Set = sent
	}
	c.Edits = append(c.Edits, e)
	c.wait[p], c.mark = append(c.wait[p], s.Label), len(c.past)
	return c
}

func (h *History) number(p int) uint64 {
	n := uint64(1)
	for i := range h.Edits {
		if h.Edits[i].Phone == p {
			n++
		}
	}
	return n
}

func device(p int) string      { return "d" + strconv.Itoa(p) }
func incarnation(p int) string { return "x" + strconv.Itoa(p) }

func (h *History) ref(l int) merge.Ref {
	e := &h.Edits[l]
	return merge.Ref{Incarnation: incarnation(e.Phone), N: e.item.Mutation.N, Hash: e.item.Hash}
}

// covers gives what an edit has seen on the time line of now: by a base of
// before a restore no more than the restore kept.
func (h *History) covers(l int) []int {
	e := &h.Edits[l]
	var out []int
	for _, r := range e.Read {
		if h.Game.Parent != "" || e.generation == h.Scope.Generation || slices.Contains(h.Order[:h.fork], r) {
			out = append(out, r)
		}
	}
	out = append(out, e.Own...)
	slices.Sort(out)
	return slices.Compact(out)
}

// group is what everybody did and had seen.
func (h *History) group() string {
	var b bytes.Buffer
	for l := range h.Edits {
		e := &h.Edits[l]
		b.WriteByte('0' + byte(e.Phone))
		b.WriteByte('a' + byte(e.Move))
		for _, c := range h.covers(l) {
			b.WriteByte('0' + byte(c))
		}
		if h.Game.Phase != nil {
			b.WriteString(h.Game.Phase(h, l))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// state is what must not depend on the order.
func (h *History) state() string {
	s := h.Game.Show(h.Scope)
	if h.Game.Parent != "" {
		for i := range h.Edits {
			s += " " + string(h.Edits[i].Outcome) + h.Edits[i].Code
		}
	}
	return s
}

// String tells the history, for a person who has to find out what went wrong.
func (h *History) String() string {
	var b strings.Builder
	for l, e := range h.Edits {
		fmt.Fprintf(&b, "edit %d: %s by %s having seen %v → %s %s\n", l, h.Game.Moves[e.Move].Name, h.Game.role(e.Phone), h.covers(l), e.Outcome, e.Code)
	}
	fmt.Fprintf(&b, "arrived %v, kept by a restore %d\nstate %s", h.Order, h.fork, h.Game.Show(h.Scope))
	return b.String()
}
