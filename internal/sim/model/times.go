package model

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

func decode(v merge.Value, into any) bool { return json.Unmarshal(v, into) == nil }

const year = 365 * 24 * 60 * minute

// wrong are clocks years off, one ahead and one behind, on phones that never
// reboot.
func wrong(phone int, t merge.Millis) merge.Reading {
	r := Exact(phone, t)
	r.Wall += []merge.Millis{0, 9 * year, -9 * year}[phone]
	return r
}

// rebooting are phones that boot before every edit, into a wrong year.
func rebooting(phone int, t merge.Millis) merge.Reading {
	boot := (t - start + minute/2) / minute
	return merge.Reading{Wall: t + (boot%3-1)*5*year, Mono: 7, Boot: fmt.Sprint("boot ", boot)}
}

// ownOrder says that no edit's stamp lies behind an own earlier one's: whatever
// the clocks show, what a person did last is last.
func ownOrder(h *History) string {
	stamps := make([]merge.Millis, len(h.Edits))
	for l := range h.Edits {
		e := &h.Edits[l]
		page := h.Scope.Pages[merge.PageKey{BookKey: merge.BookKey{About: h.Scope.Name, Device: device(e.Phone), Incarnation: incarnation(e.Phone)}}]
		stamps[l] = page.Entries[e.item.Mutation.N].Stamp
		for o := range l {
			together := slices.Contains(e.Own, o)
			if h.Edits[o].Phone == e.Phone && (stamps[o] > stamps[l] || together && stamps[o] == stamps[l]) {
				return fmt.Sprintf("edit %d is stamped %d, edit %d before it %d", l, stamps[l], o, stamps[o])
			}
		}
	}
	return Taken(h)
}

// Times gives the games of clocks, access windows and restores, on the fields of
// the policy games.
func Times(policies []*Game) []*Game {
	find := func(name string) Game {
		i := slices.IndexFunc(policies, func(g *Game) bool { return g.Name == name })
		return *policies[i]
	}
	var games []*Game
	add := func(base, name string, change func(*Game)) {
		g := find(base)
		g.Name, g.Alike = base+", "+name, [Phones]int{0, 1, 2}
		change(&g)
		games = append(games, &g)
	}
	for _, base := range []string{"latest", "authority", "earliest"} {
		add(base, "wrong clocks", func(g *Game) { g.Clocks = []Clock{Exact, wrong} })
		add(base, "reboots", func(g *Game) { g.Clocks, g.Ordered, g.Timed, g.Law = []Clock{rebooting}, true, true, ownOrder })
	}
	for _, r := range []struct {
		base  string
		moves int // how many of them, from the first
		law   func(*History) string
	}{
		{"latest", 2, Taken}, {"set", 2, Taken}, {"delete keep", 3, Taken}, {"delete wins", 3, Taken}, {"earliest", 2, Taken}, {"latest-of", 2, Taken},
		{"each", 2, Taken}, {"group", 1, Taken}, {"authority", 1, Taken}, {"once", 1, immutable},
	} {
		alike := find(r.base).Alike
		add(r.base, "restored", func(g *Game) {
			g.Restores, g.Law, g.Alike, g.Moves = true, both(r.law, g.Law), alike, g.Moves[:r.moves]
		})
	}
	for _, base := range []string{"latest", "authority"} {
		add(base, "a window ends", func(g *Game) {
			windows(g)
			g.Alike, g.Law = [Phones]int{0, 0, 1}, handover
		})
	}
	return games
}

// immutable says that an edit of a once field is taken unless its author had seen
// another value.
func immutable(h *History) string {
	for l := range h.Edits {
		if e := &h.Edits[l]; e.Outcome == merge.Rejected && (e.Code != "immutable_field" || len(e.Read)+len(e.Own) == 0) {
			return fmt.Sprintf("edit %d, having seen %v, is refused: %s", l, e.Read, e.Code)
		}
	}
	return ""
}

// The mentor's window ends between the second and the third edit, and its grace
// before the fourth.
const (
	windowEnd = start + minute + minute*3/4
	grace     = minute
)

func windows(g *Game) {
	g.Access[mentor].To, g.Grace, g.Timed = windowEnd, grace, true
	g.Phase = func(h *History, l int) string { return fmt.Sprint(phase(h, l)) }
	g.MayEdit = func(h *History, p int) bool { // who heard of the end has no record left to edit
		return p != mentor || h.view[p].at < windowEnd
	}
}

// phase is 0 for what arrived in the window of its author, 1 within the grace, 2
// after it.
func phase(h *History, l int) int {
	e := &h.Edits[l]
	if e.Phone != mentor {
		return 0
	}
	switch arrived := start + minute*merge.Millis(e.At) - minute/2; { // less than a second before the commit
	case arrived < windowEnd:
		return 0
	case arrived < windowEnd+grace:
		return 1
	}
	return 2
}

// handover says what must become of edits around the end of a window: those made
// in it are taken until the grace is over, and marked; nothing else of the
// mentor's is taken.
func handover(h *History) string {
	early := true
	for l := range h.Edits {
		e := &h.Edits[l]
		inWindow := e.Phone != mentor || start+minute*merge.Millis(l) < windowEnd
		taken := inWindow && phase(h, l) < 2
		switch {
		case taken != (e.Outcome != merge.Rejected):
			return fmt.Sprintf("edit %d arrived in phase %d and is %s %s", l, phase(h, l), e.Outcome, e.Code)
		case !taken && e.Code != "not_assigned":
			return fmt.Sprintf("edit %d is refused as %s", l, e.Code)
		}
		if got, want := h.late(l), taken && phase(h, l) == 1; got != want && (h.Game.Parent != "" || want) {
			return fmt.Sprintf("edit %d late_handover: %t, want %t", l, got, want)
		}
		early = early && !(taken && phase(h, l) == 1)
	}
	if h.Game.Parent == "" && early && h.late(0) {
		return "late_handover, and nothing came late"
	}
	return ""
}

// late reports whether the row that edit l wrote is marked as a late handover.
func (h *History) late(l int) bool {
	m := &h.Edits[l].item.Mutation
	return slices.Contains(h.Scope.Row(m.Collection, m.ID).Strings("review"), "late_handover")
}
