package merge

import (
	"bytes"
	"maps"
	"slices"
)

// PageSize is how many numbers one page of the verdict book holds.
const PageSize = 256

// BookKey names the verdict book of one incarnation. About is the scope its
// mutations were meant for: the scope that keeps the book, or, in a user's own
// scope, a scope that never named the author.
type BookKey struct {
	About, Device, Incarnation string
}

// PageKey names one page: n lies on page n / PageSize.
type PageKey struct {
	BookKey
	Page uint32
}

// Entry is what the book knows of one mutation.
type Entry struct {
	Hash    Hash     `json:"h"`
	Stamp   Millis   `json:"s"`
	Seq     Seq      `json:"q"`
	Verdict *Verdict `json:"v,omitempty"` // nil: applied
}

func (e Entry) verdict() Verdict {
	if e.Verdict == nil {
		return Verdict{Outcome: Applied}
	}
	return *e.Verdict
}

// Page is one page of a verdict book.
type Page struct {
	PageKey
	Version Seq // of the commit that wrote it last
	Entries Entries
}

// Book is what was loaded of one incarnation's book.
type Book struct {
	Newest int // number of its newest page, -1 if it has none
	Pages  map[uint32]*Page
}

// PageOf gives the page that n lies on.
func PageOf(n uint64) uint32 { return uint32(n / PageSize) }

// knowledge is what a book says of a number.
type knowledge uint8

const (
	fresh   knowledge = iota // never seen, or in a gap that is still open
	known                    // an entry exists
	erased                   // its page is gone, or it lies in a closed gap
	missing                  // the page must be loaded first
)

// look finds n in the working set of books. A page that was asked for and does
// not exist below the newest page, or that has no entries left, is gone, and
// with it every number on it, used or not.
func (w *work) look(k BookKey, n uint64) (Entry, knowledge) {
	number := PageOf(n)
	page := w.pages[PageKey{k, number}]
	if page != nil {
		if e, ok := page.Entries[n]; ok {
			return e, known
		}
	}
	book := w.in.Books[k]
	var loaded *Page
	asked := false
	if book != nil {
		loaded, asked = book.Pages[number]
	}
	switch {
	case !asked:
		w.need.page(PageKey{k, number})
		w.unsure = w.unsure || w.above(k, number)
		return Entry{}, missing
	case page != nil:
		return Entry{}, fresh // what was loaded is in it
	case loaded == nil && int(number) < w.newest(k, book):
		return Entry{}, erased
	case loaded == nil:
		return Entry{}, fresh
	case len(loaded.Entries) == 0:
		return Entry{}, erased
	}
	if e, ok := loaded.Entries[n]; ok {
		return e, known
	}
	return Entry{}, fresh
}

// above reports whether this commit writes a page of the book above one: that closes
// the gaps of the one, if it is not there.
func (w *work) above(k BookKey, number uint32) bool {
	for p := range w.pages {
		if p.BookKey == k && p.Page > number {
			return true
		}
	}
	return false
}

func (w *work) newest(k BookKey, book *Book) int {
	newest := book.Newest
	for p := range w.pages {
		if p.BookKey == k {
			newest = max(newest, int(p.Page))
		}
	}
	return newest
}

// note writes an entry into the working set.
func (w *work) note(k BookKey, n uint64, e Entry) {
	key := PageKey{k, PageOf(n)}
	page := w.pages[key]
	if page == nil {
		page = &Page{PageKey: key, Entries: Entries{}}
		if book := w.in.Books[k]; book != nil && book.Pages[key.Page] != nil {
			page.Entries = maps.Clone(book.Pages[key.Page].Entries)
		}
		w.pages[key] = page
	}
	page.Version = w.seq
	page.Entries[n] = e
}

// identify sorts the items of a part into those that the book knows and those
// that are fresh, before anything of the part is judged. The order of the
// rules matters: an erased number first, then a clash, then everything else.
// said holds the fresh numbers of the whole push: one that comes twice with two
// contents is a clash too, in whatever part.
func (w *work) identify(p *Part, said map[BookKey]map[uint64]Hash) (answers []Answer, clash bool) {
	key := p.book(w.in.Scope)
	answers = make([]Answer, len(p.Items))
	inPush := said[key]
	if inPush == nil {
		inPush = make(map[uint64]Hash, len(p.Items))
		said[key] = inPush
	}
	for i := range p.Items {
		it := &p.Items[i]
		a := &answers[i]
		a.HasN, a.N, a.Index = it.HasN, it.Mutation.N, it.Index
		if !it.HasN {
			continue
		}
		e, what := w.look(key, it.Mutation.N)
		switch {
		case what == erased:
			a.erased = true
			continue
		case what == known && e.Hash == it.Hash:
			a.repeat(e)
			continue
		case what == known:
			clash = true
			continue
		}
		if w.in.Elsewhere != nil && p.About == "" {
			if e, ok := w.in.Elsewhere(key, it.Mutation.N); ok && e.Hash == it.Hash {
				a.repeat(e)
				a.Seq = 0 // the seq of another scope's log means nothing here
				continue
			}
		}
		if h, twice := inPush[it.Mutation.N]; twice && h != it.Hash {
			clash = true
		}
		inPush[it.Mutation.N] = it.Hash
	}
	return answers, clash
}

// rekeyed answers a part that holds a cloned outbox: whatever is not a proven
// repeat, nor erased, gets a new number from its phone.
func rekeyed(answers []Answer) {
	for i := range answers {
		if a := &answers[i]; a.Outcome == "" && !a.erased && a.HasN {
			a.Verdict = Verdict{Outcome: Rekey}
		}
	}
}

// rekeyFollowers spreads rekey over the parts of one push: an item whose after
// names an item that must be re-keyed is re-keyed too, and so is one that names
// the record that such an item makes: it would find nothing there.
func rekeyFollowers(parts []*Part, answers [][]Answer) {
	type name struct {
		device, incarnation string
		n                   uint64
	}
	for again := true; again; {
		again = false
		out := map[name]bool{}
		var made [][]byte // ids of records
		for i, p := range parts {
			for j := range answers[i] {
				if answers[i][j].Outcome == Rekey {
					out[name{p.Device, p.Incarnation, answers[i][j].N}] = true
					if m := &p.Items[j].Mutation; m.ID != "" && m.Create() {
						made = append(made, []byte(m.ID))
					}
				}
			}
		}
		for i, p := range parts {
			for j := range answers[i] {
				a := &answers[i][j]
				if a.Outcome != "" || a.erased || !a.HasN {
					continue
				}
				if slices.ContainsFunc(p.Items[j].Mutation.After, func(r Ref) bool { return out[name{p.Device, r.Incarnation, r.N}] }) ||
					slices.ContainsFunc(made, func(id []byte) bool { return bytes.Contains(p.Items[j].Raw, id) }) {
					a.Verdict, again = Verdict{Outcome: Rekey}, true
				}
			}
		}
	}
}
