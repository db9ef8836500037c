// Package model runs every small history there is. A history is up to four
// edits of one record by three people on three phones, with every choice of
// who edits what, and every placing of syncs between the edits: who has sent
// what, in which order, alone or sharing a commit, and who has seen what of the
// others. Nothing is sampled.
//
// Histories in which every author did the same and had seen the same, but whose
// edits arrived in another order, must end in the same state; and every value
// that was accepted must be on the record, in the journal, or replaced by
// somebody who had seen it.
package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/merge/mergetest"
)

// Phones is how many people take part.
const Phones = 3

// Game is one kind of record and everything that people may do to it.
type Game struct {
	Name   string
	Schema *merge.Schema
	Scope  string
	Access [Phones]merge.Grant // one person each
	// Start makes the record, before the history begins. May be nil: then the
	// history creates it.
	Start func(s *mergetest.Scope)
	Moves []Move
	// Ordered says that arrival order matters by definition (the policy once).
	Ordered bool
	// Show is the state that must not depend on the order.
	Show func(s *mergetest.Scope) string
	// Loss reports a value of the accepted edits that nobody can find. May be
	// nil: then Explained is used with the record's fields.
	Loss func(h *History) string
}

// Move is one thing a person may do.
type Move struct {
	Name string
	// Who may make the move; nil: everybody.
	Who []int
	// Make writes the edit. v is what its author sees.
	Make func(v Screen) merge.Mutation
}

// Screen is what an author sees when making a move.
type Screen struct {
	Label   int    // number of the edit in the history
	ID      string // an id for a record that the move makes
	Seen    []string
	Pending []string // ids of own pending records
	Base    *merge.Base
}

// Edit is one edit of a history.
type Edit struct {
	Phone   int
	Move    int
	Covers  []int // labels that its author had seen, by base or after
	Outcome merge.Outcome
	item    merge.Item
}

// History is one run.
type History struct {
	Game  *Game
	Scope *mergetest.Scope
	Edits []Edit
	Order []int // labels, as they arrived
	cuts  [Phones]int
	wait  [Phones][]int // labels not sent yet
	phone [Phones]*mergetest.Phone
	seqs  []merge.Seq // seq of each arrived label, by label
}

// Result counts what was run.
type Result struct {
	Histories int // complete ones
	States    int // distinct states that branched
	Groups    int // sets of histories that must agree
}

// start is the instant of the first edit; edit i is made a minute after edit
// i-1, whatever the syncs.
const (
	start  merge.Millis = 1_650_000_000_000
	minute merge.Millis = 60_000
)

// Run plays every history of exactly depth edits. The error names the first
// broken law and the history that broke it.
func Run(g *Game, depth int) (Result, error) {
	r := &runner{game: g, depth: depth, groups: map[string]string{}}
	h := &History{Game: g, Scope: mergetest.New(g.Schema, g.Scope)}
	h.Scope.Time = start - minute
	for i := range Phones {
		h.phone[i] = &mergetest.Phone{User: g.Access[i].User, Device: fmt.Sprintf("d%d", i), Incarnation: fmt.Sprintf("x%d", i)}
		h.Scope.Access = append(h.Scope.Access, g.Access[i])
	}
	if g.Start != nil {
		g.Start(h.Scope)
	}
	err := r.edits(h)
	r.Groups = len(r.groups)
	return r.Result, err
}

type runner struct {
	Result
	game   *Game
	depth  int
	groups map[string]string // what everybody did and saw → state
}

// edits tries every next edit in every state that syncs can lead to.
func (r *runner) edits(h *History) error {
	if len(h.Edits) == r.depth {
		return r.end(h)
	}
	for _, s := range r.reachable(h) {
		r.States++
		for p := range Phones {
			for m := range r.game.Moves {
				if who := r.game.Moves[m].Who; who != nil && !slices.Contains(who, p) {
					continue
				}
				next := s.clone()
				next.edit(p, m)
				if err := r.edits(next); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// reachable gives every distinct state that syncs alone can lead to.
func (r *runner) reachable(h *History) []*History {
	seen := map[string]bool{h.key(): true}
	out := []*History{h}
	for i := 0; i < len(out); i++ {
		for _, next := range out[i].syncs() {
			if k := next.key(); !seen[k] {
				seen[k] = true
				out = append(out, next)
			}
		}
	}
	return out
}

// end lets everybody sync, in every order, and checks the laws.
func (r *runner) end(h *History) error {
	for _, order := range permutations(h.waiting()) {
		last := h.clone()
		for _, p := range order {
			last.sync(p)
		}
		r.Histories++
		if err := r.check(last); err != nil {
			return err
		}
	}
	return nil
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
	if r.game.Ordered {
		return nil
	}
	k, state := h.group(), r.game.Show(h.Scope)
	if old, ok := r.groups[k]; ok && old != state {
		return fmt.Errorf("order matters:\n%s\nor\n%s\n%s", old, state, h)
	}
	r.groups[k] = state
	return nil
}

func (h *History) waiting() (out []int) {
	for p := range Phones {
		if len(h.wait[p]) > 0 {
			out = append(out, p)
		}
	}
	return out
}

// syncs gives every state one sync away: of one phone, or of two that share a
// commit.
func (h *History) syncs() []*History {
	var out []*History
	for p := range Phones {
		if len(h.wait[p]) > 0 || h.cuts[p] < len(h.Order) {
			next := h.clone()
			next.sync(p)
			out = append(out, next)
		}
		for q := range Phones {
			if p != q && len(h.wait[p]) > 0 && len(h.wait[q]) > 0 {
				next := h.clone()
				next.sync(p, q)
				out = append(out, next)
			}
		}
	}
	return out
}

// edit lets a person make a move on what the phone shows.
func (h *History) edit(p, move int) {
	label := len(h.Edits)
	at := start + minute*merge.Millis(label)
	v := Screen{Label: label, ID: id.Derive("edit", fmt.Sprint(label)), Base: h.base(p)}
	e := Edit{Phone: p, Move: move}
	for _, l := range h.Order[:h.cuts[p]] {
		e.Covers = append(e.Covers, l)
	}
	var after []merge.Ref
	if len(h.wait[p]) > 0 { // the base of the oldest pending edit, and all pending ones
		oldest := h.Edits[h.wait[p][0]]
		v.Base, e.Covers = oldest.item.Mutation.Base, slices.Clone(oldest.Covers)
		for _, l := range h.wait[p] {
			after = append(after, h.phone[p].Ref(h.Edits[l].item))
			e.Covers = append(e.Covers, l)
			v.Pending = append(v.Pending, id.Derive("edit", fmt.Sprint(l)))
		}
	}
	for _, l := range h.Order[:h.cuts[p]] {
		if h.Edits[l].Outcome != merge.Rejected {
			v.Seen = append(v.Seen, id.Derive("edit", fmt.Sprint(l)))
		}
	}
	m := h.Game.Moves[move].Make(v)
	if m.Base != nil || m.ID != v.ID {
		m.After = after
	}
	m.At = merge.Reading{Wall: at, Mono: int64(at - start), Boot: "b", Server: at - minute}
	phone := *h.phone[p]
	e.item = phone.Item(h.Scope.Name, m)
	h.phone[p] = &phone
	slices.Sort(e.Covers)
	e.Covers = slices.Compact(e.Covers)
	h.Edits = append(h.Edits, e)
	h.wait[p] = append(h.wait[p], label)
}

func (h *History) base(p int) *merge.Base {
	v := h.startSeq()
	for _, l := range h.Order[:h.cuts[p]] {
		v = max(v, h.seqs[l])
	}
	return &merge.Base{Generation: h.Scope.Generation, Version: v}
}

// startSeq is the last commit before the history.
func (h *History) startSeq() merge.Seq {
	if h.Game.Start == nil {
		return 0
	}
	return 1
}

// sync sends what the phones have, in one commit, and shows them everything.
func (h *History) sync(phones ...int) {
	var pushes [][]*merge.Part
	now := start + minute*merge.Millis(len(h.Edits)) + merge.Millis(len(h.Order))
	for _, p := range phones {
		if len(h.wait[p]) == 0 {
			continue
		}
		var items []merge.Item
		for _, l := range h.wait[p] {
			items = append(items, h.Edits[l].item)
		}
		pushes = append(pushes, h.phone[p].Part(merge.Reading{Wall: now, Mono: int64(now - start), Boot: "b"}, items...))
	}
	if len(pushes) > 0 {
		h.take(phones, h.Scope.Commit(now, pushes...))
	}
	for _, p := range phones {
		h.cuts[p] = len(h.Order)
	}
}

func (h *History) take(phones []int, out *merge.Output) {
	i := 0
	for _, p := range phones {
		if len(h.wait[p]) == 0 {
			continue
		}
		for j, l := range h.wait[p] {
			h.Edits[l].Outcome = out.Answers[i][0][j].Outcome
			h.Order = append(h.Order, l)
			for len(h.seqs) <= l {
				h.seqs = append(h.seqs, 0)
			}
			h.seqs[l] = out.Seq
		}
		h.wait[p] = nil
		i++
	}
}

func (h *History) clone() *History {
	c := *h
	c.Scope = h.Scope.Clone()
	c.Edits, c.Order, c.seqs = slices.Clone(h.Edits), slices.Clone(h.Order), slices.Clone(h.seqs)
	for p := range Phones {
		c.wait[p] = slices.Clone(h.wait[p])
	}
	return &c
}

// key tells states apart: what arrived in which commits, and how far each phone
// has read.
func (h *History) key() string {
	var b strings.Builder
	for _, l := range h.Order {
		fmt.Fprintf(&b, "%d@%d ", l, h.seqs[l])
	}
	fmt.Fprint(&b, h.cuts)
	return b.String()
}

// group is what everybody did and had seen.
func (h *History) group() string {
	var b strings.Builder
	for _, e := range h.Edits {
		fmt.Fprintf(&b, "%d:%d%v ", e.Phone, e.Move, e.Covers)
	}
	return b.String()
}

// String tells the history, for a person who has to find out what went wrong.
func (h *History) String() string {
	var b strings.Builder
	for l, e := range h.Edits {
		fmt.Fprintf(&b, "edit %d: %s by %s having seen %v → %s\n", l, h.Game.Moves[e.Move].Name, h.Game.Access[e.Phone].Role, e.Covers, e.Outcome)
	}
	fmt.Fprintf(&b, "arrived %v\nstate %s", h.Order, h.Game.Show(h.Scope))
	return b.String()
}

// Explained finds every value that an accepted edit wrote: on the record, in
// the journal, or replaced by an accepted edit that had seen it.
func Explained(h *History) string {
	for l, e := range h.Edits {
		if e.Outcome == merge.Rejected {
			continue
		}
		m := e.item.Mutation
		for slot, v := range leaves(m) {
			if !h.shown(m, slot, v) && !h.journalled(m, slot, v) && !h.replaced(l, m, slot) {
				return fmt.Sprintf("%s=%s of edit %d", slot, v, l)
			}
		}
	}
	return ""
}

// leaves gives what an edit wrote, by field, or by list/key/field.
func leaves(m merge.Mutation) map[string]merge.Value {
	out := map[string]merge.Value{}
	for name, v := range m.Set {
		var items map[string]map[string]merge.Value
		if name != "list" || json.Unmarshal(v, &items) != nil {
			out[name] = v
			continue
		}
		for key, item := range items {
			for field, v := range item {
				out[name+"/"+key+"/"+field] = v
			}
		}
	}
	for present, part := range map[bool]map[string][]string{true: m.Add, false: m.Remove} {
		for name, elements := range part {
			for _, e := range elements {
				out[name+"/"+e] = merge.Flag(present)
			}
		}
	}
	if m.Op == merge.Delete {
		out["deleted"] = merge.Flag(true)
	}
	return out
}

func (h *History) shown(m merge.Mutation, slot string, v merge.Value) bool {
	row := h.Scope.Row(m.Collection, m.ID)
	if row.Deleted {
		return slot == "deleted"
	}
	got := row.Fields[slot]
	if name, element, set := strings.Cut(slot, "/"); set && !strings.Contains(element, "/") {
		got = merge.Flag(slices.Contains(row.Strings(name), element))
	}
	if path := strings.Split(slot, "/"); len(path) == 3 {
		var items map[string]map[string]merge.Value
		if json.Unmarshal(row.Fields[path[0]], &items) == nil {
			got = items[path[1]][path[2]]
		}
	}
	return string(got) == string(v) || merge.Null(v) && got == nil
}

// journalled finds the value in the journal: under its slot, or inside the
// group that the field belongs to.
func (h *History) journalled(m merge.Mutation, slot string, v merge.Value) bool {
	col, _ := h.Game.Schema.Collection(m.Collection)
	f, plain := col.Field(slot)
	return slices.ContainsFunc(h.Scope.Rows("journal"), func(j merge.Row) bool {
		switch {
		case j.Text("record") != m.ID:
			return false
		case plain && f.Group != "":
			return j.Text("field") == f.Group && strings.Contains(string(j.Fields["lost"]), string(v))
		}
		return j.Text("field") == slot && string(j.Fields["lost"]) == string(v)
	})
}

func (h *History) replaced(label int, m merge.Mutation, slot string) bool {
	for l, e := range h.Edits {
		o := e.item.Mutation
		if l == label || e.Outcome == merge.Rejected || o.ID != m.ID || !slices.Contains(e.Covers, label) {
			continue
		}
		if _, wrote := leaves(o)[slot]; wrote || o.Op == merge.Delete || slot == "deleted" && o.Op != merge.Delete {
			return true
		}
	}
	return false
}

func permutations(items []int) [][]int {
	if len(items) == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for i, x := range items {
		rest := slices.Delete(slices.Clone(items), i, i+1)
		for _, p := range permutations(rest) {
			out = append(out, append([]int{x}, p...))
		}
	}
	return out
}
