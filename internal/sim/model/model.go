// Package model runs every small history there is. A history is up to four
// edits of one record by three people on three phones, with every choice of
// who edits what, and every placing of syncs between the edits: who has sent
// what, in which order, alone or sharing a commit, and who has seen what of the
// others. Some edits are made online, by an admin or by one of the three, on what
// the server has by then. Nothing is sampled.
//
// Histories in which every author did the same and had seen the same, but whose
// edits arrived in another order, must end in the same state; and every value
// that was accepted must be on the record, in the journal, or replaced by
// somebody who had seen it.
//
// Histories that cannot differ are run once. Three rules say which, and they
// lose nothing:
//
//   - Phones that differ in their names alone (Game.Alike) make their first edit
//     in the order of their numbers.
//   - What a phone has read matters to its next edit only, so a phone reads just
//     before it edits, from any commit on that it may have reached.
//   - A commit that nobody's next edit has seen may as well come later, so it
//     does, unless the instant of arrival matters (Game.Timed); and a restore
//     that takes such a commit back is one before it was made.
package model

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// Phones is how many people take part.
const Phones = 3

// Admin is who has no phone and makes online edits only.
const Admin = Phones

// Game is one kind of record and everything that people may do to it.
type Game struct {
	Name   string
	Schema *merge.Schema
	Scope  string
	Access [Phones]merge.Grant // one person each
	// Alike gives phones that differ in their names alone the same number.
	Alike [Phones]int
	// Grace is the scope's; 0 leaves the usual one.
	Grace merge.Millis
	// Start makes what is there before the history begins.
	Start func(s *mergetest.Scope)
	Moves []Move
	// Few says which of the moves, and by whom, are enough for everyday tests of a
	// game that is large; see Quick. nil: all.
	Few map[string][]int

	// About is the collection of the record, where the edits are no operations and
	// it is not the policy games' own.
	About string
	// Parent is the collection that the edits act on as operations: then they
	// cover by seen, and verdicts do not depend on the order. "": they are no
	// operations.
	Parent   string
	Ordered  bool // arrival order matters by definition (the policy once)
	Timed    bool // the instant of arrival matters
	Restores bool // once in a history the server may be restored from any earlier commit
	// Clocks are what the clocks of the phones may show; the state must not
	// depend on it. nil: they are right.
	Clocks []Clock
	// MayEdit says whether a phone still can make an edit. May be nil.
	MayEdit func(h *History, phone int) bool

	// Show is the state that must not depend on the order.
	Show func(s *mergetest.Scope) string
	// Loss reports a value of the accepted edits that nobody can find. nil:
	// Explained.
	Loss func(h *History) string
	// Law reports what else is wrong with a whole history. May be nil.
	Law func(h *History) string
	// Step reports what is wrong with one commit. May be nil.
	Step func(before, after *mergetest.Scope) string
	// Phase tells apart histories of one group by when edit l arrived. May be nil.
	Phase func(h *History, l int) string
}

// Clock is what a phone's clocks show at t.
type Clock func(phone int, t merge.Millis) merge.Reading

// Move is one thing a person may do.
type Move struct {
	Name string
	// Who may make the move; nil: everybody with a phone.
	Who []int
	// Online moves are made on the server's own copy, at once, and refused there
	// if the rules do not offer them.
	Online bool
	// Offered says whether the screen offers the move. nil: always.
	Offered func(v *Screen) bool
	// Make writes the edit. v is what its author sees.
	Make func(v *Screen) merge.Mutation
}

// Screen is what an author sees when making a move.
type Screen struct {
	Label int // number of the edit in the history
	Phone int
	ID    string // for a record that the move makes
	Base  *merge.Base
	Seen  []string // operations: stored ones that no other on the screen has seen, and every own pending one
	Row   merge.Row
	State string // of the row, replayed with own pending operations
	Gone  bool   // the screen shows the record as deleted
}

// Quick is the game with the moves of Few alone: one of the same kind with fewer
// histories.
func (g *Game) Quick() *Game {
	if g.Few == nil {
		return g
	}
	q := *g
	q.Moves = nil
	for _, m := range g.Moves {
		if who, ok := g.Few[m.Name]; ok {
			m.Who = who
			q.Moves = append(q.Moves, m)
		}
	}
	q.Alike = [Phones]int{0, 1, 2} // the moves tell them apart
	return &q
}

// about is the collection of the record that the edits change.
func (g *Game) about() string { return cmp.Or(g.Parent, g.About, "thing") }

func (g *Game) role(p int) merge.Role {
	if p == Admin {
		return merge.Admin
	}
	return g.Access[p].Role
}

func (g *Game) user(p int) string {
	if p == Admin {
		return "ua"
	}
	return g.Access[p].User
}

// Result counts what was run.
type Result struct {
	Histories int // complete ones
	States    int // states in which somebody made an edit
	Groups    int // sets of histories that must agree
}

// Add adds up two results.
func (r Result) Add(o Result) Result {
	return Result{r.Histories + o.Histories, r.States + o.States, r.Groups + o.Groups}
}

// Run plays every history of exactly depth edits. The error names the first
// broken law and the history that broke it.
func Run(g *Game, depth int) (Result, error) {
	r := &runner{game: g, depth: depth, groups: map[string]string{}}
	clocks := g.Clocks
	if clocks == nil {
		clocks = []Clock{Exact}
	}
	var err error
	for _, c := range clocks {
		if err = r.edits(begin(g, c)); err != nil {
			break
		}
	}
	r.Groups = len(r.groups)
	return r.Result, err
}

type runner struct {
	Result
	game   *Game
	depth  int
	groups map[string]string // what everybody did and saw → state
}

// edits tries every next edit in every state that commits can lead to.
func (r *runner) edits(h *History) error {
	if len(h.Edits) == r.depth {
		return r.end(h)
	}
	states := []*History{h}
	for i := 0; i < len(states); i++ {
		next, err := states[i].commits()
		if err != nil {
			return err
		}
		states = append(states, next...)
	}
	for _, s := range states {
		r.States++
		if err := r.anyEdit(s, s != h && !r.game.Timed); err != nil {
			return err
		}
	}
	return nil
}

// anyEdit tries every edit by everybody. all says that the author must have
// seen everything: else the last commit may as well come later.
func (r *runner) anyEdit(s *History, all bool) error {
	for p := range Phones {
		if !s.turn(p) || r.game.MayEdit != nil && !r.game.MayEdit(s, p) {
			continue
		}
		for _, v := range s.views(p, all) {
			screen := s.screen(p, v)
			for m := range r.game.Moves {
				move := &r.game.Moves[m]
				if move.Online || move.Who != nil && !slices.Contains(move.Who, p) || move.Offered != nil && !move.Offered(screen) {
					continue
				}
				if err := r.edits(s.edit(screen, v, m)); err != nil {
					return err
				}
			}
		}
	}
	return r.anyOnline(s)
}

// anyOnline tries every edit at the server.
func (r *runner) anyOnline(s *History) error {
	for m := range r.game.Moves {
		move := &r.game.Moves[m]
		if !move.Online {
			continue
		}
		for _, p := range move.Who {
			screen := s.console(p)
			if move.Offered != nil && !move.Offered(screen) {
				continue
			}
			next, err := s.online(screen, m)
			if err != nil {
				return err
			}
			if err := r.edits(next); err != nil {
				return err
			}
		}
	}
	return nil
}

// end lets everybody send, in every order and every sharing of commits.
func (r *runner) end(h *History) error {
	next, err := h.commits()
	if err != nil {
		return err
	}
	for _, n := range next {
		if err := r.end(n); err != nil {
			return err
		}
	}
	if len(h.waiting()) > 0 {
		return nil
	}
	r.Histories++
	return r.check(h)
}

func (r *runner) check(h *History) error {
	if got, want := h.Scope.Sum, h.Scope.TrueSum(); got != want {
		return fmt.Errorf("hash %x, want %x\n%s", got, want, h)
	}
	loss := r.game.Loss
	if loss == nil {
		loss = Explained
	}
	if lost := loss(h); lost != "" {
		return fmt.Errorf("unexplained loss: %s\n%s", lost, h)
	}
	if r.game.Law != nil {
		if wrong := r.game.Law(h); wrong != "" {
			return fmt.Errorf("%s\n%s", wrong, h)
		}
	}
	if r.game.Ordered {
		return nil
	}
	k, state := h.group(), h.state()
	if old, ok := r.groups[k]; ok && old != state {
		return fmt.Errorf("order matters:\n%s\nor\n%s\n%s", old, state, h)
	}
	r.groups[k] = state
	return nil
}
