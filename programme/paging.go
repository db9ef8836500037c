package programme

import (
	"cmp"
	"slices"
	"strings"
)

// Place is where a page of a list ends: by what the list is ordered, and the id of the row
// there. Neither of a row ever changes, so that what is added or goes meanwhile moves
// nobody else: no row comes twice, and none is left out. The zero value is the beginning.
type Place struct{ Key, ID string }

func (p Place) compare(o Place) int {
	return cmp.Or(strings.Compare(p.Key, o.Key), strings.Compare(p.ID, o.ID))
}

// Page is the part of a list that somebody asks for.
type Page struct {
	After Place
	Limit int // rows; at least 1
}

// pager gathers a page of a list from rows that come in any order. It holds little more than
// the page, however long the list is.
type pager[T any] struct {
	Page
	newest bool // the highest place first
	of     func(T) Place
	found  []T
	more   bool
}

// clear begins anew.
func (p *pager[T]) clear() { p.found, p.more = nil, false }

func (p *pager[T]) order(a, b Place) int {
	if p.newest {
		a, b = b, a
	}
	return a.compare(b)
}

// add takes a row, which may not be of the page.
func (p *pager[T]) add(row T) {
	if p.After != (Place{}) && p.order(p.of(row), p.After) <= 0 {
		return
	}
	if p.found = append(p.found, row); len(p.found) >= 2*p.Limit+lookEvery {
		p.trim()
	}
}

// trim keeps the rows of the page, in their order, and forgets the others.
func (p *pager[T]) trim() {
	slices.SortFunc(p.found, func(a, b T) int { return p.order(p.of(a), p.of(b)) })
	if len(p.found) > p.Limit {
		p.more = true
		clear(p.found[p.Limit:])
		p.found = p.found[:p.Limit]
	}
}

// page is the page, and where the next one begins; nil after the last.
func (p *pager[T]) page() (rows []T, next *Place) {
	p.trim()
	if p.more {
		last := p.of(p.found[len(p.found)-1])
		next = &last
	}
	return append([]T{}, p.found...), next
}
