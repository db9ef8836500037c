package storefault

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lumbung-ikm/lumbung/store"
)

// Point is a kind of place where something went wrong.
type Point struct {
	Method    string
	Primitive string // "" is the method itself
	Where     string // "before", "inside" a method that had begun, "after"
}

// Points counts the distinct points that were hit, over any number of
// processes. It is safe for concurrent use and its zero value is empty; a nil
// Points counts nothing.
type Points struct {
	mu  sync.Mutex
	hit map[Point]int
}

func (p *Points) note(c Call, fate Fate) {
	if p == nil || fate == Live {
		return
	}
	at := Point{c.Method, c.Primitive, "before"}
	switch {
	case fate == Lose || fate == DieAfter:
		at.Where = "after"
	case c.Step > 1:
		at.Where = "inside"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hit == nil {
		p.hit = map[Point]int{}
	}
	p.hit[at]++
}

// Distinct tells how many different points were hit.
func (p *Points) Distinct() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hit)
}

// String is one line per point, with how often it was hit.
func (p *Points) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, at := range slices.SortedFunc(maps.Keys(p.hit), func(a, b Point) int {
		return slices.Compare([]string{a.Method, a.Primitive, a.Where}, []string{b.Method, b.Primitive, b.Where})
	}) {
		fmt.Fprintf(&b, "%-9s %-20s %-7s %6d\n", at.Method, at.Primitive, at.Where, p.hit[at])
	}
	return b.String()
}

// Plain is a store without its store.Appender.
type Plain struct{ store.Store }
