// Package mergetest keeps one scope in memory, so that the resolver and the
// rules of the domain can be tested and modelled without an engine or a store.
package mergetest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Scope is one scope's folded state. Its zero value is not usable; see New.
type Scope struct {
	Schema     *merge.Schema
	Name       string
	Self       string // the user whose own scope it is
	Generation merge.Generation
	Forks      []merge.Fork
	Applied    merge.Seq
	Time       merge.Millis
	Sum        uint64
	Access     []merge.Grant
	Grace      merge.Millis
	MovedTo    string // the scope that it was merged into
	Records    map[merge.Key]*merge.Record
	Pages      map[merge.PageKey]*merge.Page
	Effects    []merge.Effect // every effect so far
	Codec      bool           // write every record down and read it back, as a store would
}

// New makes an empty scope of generation 1.
func New(schema *merge.Schema, name string) *Scope {
	return &Scope{Schema: schema, Name: name, Generation: merge.Generation{Count: 1, Nonce: "a"}, Grace: 7 * 24 * 3600 * 1000,
		Records: map[merge.Key]*merge.Record{}, Pages: map[merge.PageKey]*merge.Page{}}
}

// Clone copies the scope; the two share nothing that either changes.
func (s *Scope) Clone() *Scope {
	c := *s
	c.Records, c.Pages = maps.Clone(s.Records), maps.Clone(s.Pages)
	c.Access, c.Forks, c.Effects = slices.Clone(s.Access), slices.Clone(s.Forks), slices.Clone(s.Effects)
	return &c
}

// Commit resolves pushes at now and folds what came out of it.
func (s *Scope) Commit(now merge.Millis, pushes ...[]*merge.Part) *merge.Output {
	_, out := s.resolve(now, pushes)
	s.fold(out)
	return out
}

// Input is what Commit would give the resolver at last, with everything that it asks
// for. Nothing is folded.
func (s *Scope) Input(now merge.Millis, pushes ...[]*merge.Part) *merge.Input {
	in, _ := s.resolve(now, pushes)
	return in
}

// resolve asks the resolver until it has everything it needs.
func (s *Scope) resolve(now merge.Millis, pushes [][]*merge.Part) (*merge.Input, *merge.Output) {
	in := &merge.Input{Schema: s.Schema, Scope: s.Name, Self: s.Self, Generation: s.Generation, Forks: s.Forks, Applied: s.Applied, Time: s.Time,
		Sum: s.Sum, Access: s.Access, Now: now, Grace: s.Grace, MovedTo: s.MovedTo, Pushes: pushes,
		Records: map[merge.Key]*merge.Record{}, Tagged: map[string][]merge.Key{}, Books: map[merge.BookKey]*merge.Book{}}
	var guess *merge.Output // that should hold
	for range 50 {
		out := merge.Resolve(in)
		if guess != nil && (!reflect.DeepEqual(guess, out)) {
			panic(fmt.Sprintf("mergetest: with nothing there a resolve guesses %+v and decides %+v", guess, out))
		}
		if guess = nil; out.Need.Empty() {
			return in, out
		}
		s.load(in, out.Need)
		if !out.Unsure && absent(in, out.Need) {
			guess = out
			guess.Need = merge.Need{}
		}
	}
	panic("mergetest: a resolve never has enough")
}

// absent reports whether nothing of need is there.
func absent(in *merge.Input, need merge.Need) bool {
	for k := range need.Keys {
		if in.Records[k] != nil {
			return false
		}
	}
	for t := range need.Tags {
		if len(in.Tagged[t]) > 0 {
			return false
		}
	}
	for p := range need.Pages {
		if book := in.Books[p.BookKey]; book.Pages[p.Page] != nil || book.Newest >= int(p.Page) {
			return false
		}
	}
	return true
}

func (s *Scope) load(in *merge.Input, need merge.Need) {
	for k := range need.Keys {
		in.Records[k] = s.Records[k]
	}
	for tag := range need.Tags {
		in.Tagged[tag] = []merge.Key{}
		for k, r := range s.Records {
			if slices.Contains(r.Tags, tag) {
				in.Tagged[tag] = append(in.Tagged[tag], k)
				in.Records[k] = r
			}
		}
	}
	for p := range need.Pages {
		book := in.Books[p.BookKey]
		if book == nil {
			book = &merge.Book{Newest: -1, Pages: map[uint32]*merge.Page{}}
			in.Books[p.BookKey] = book
		}
		book.Pages[p.Page] = s.Pages[p]
		for k := range s.Pages {
			if k.BookKey == p.BookKey {
				book.Newest = max(book.Newest, int(k.Page))
			}
		}
	}
}

func (s *Scope) fold(out *merge.Output) {
	if !out.Changed {
		return
	}
	for _, r := range out.Records {
		if s.Codec {
			r = recode(r)
		}
		s.Records[r.Key] = r
	}
	for _, p := range out.Pages {
		s.Pages[p.PageKey] = p
	}
	s.Applied, s.Time, s.Sum, s.Access = out.Seq, out.Time, out.Sum, out.Access
	s.Effects = append(s.Effects, out.Effects...)
}

func recode(r *merge.Record) *merge.Record {
	again, err := merge.DecodeRecord(r.Row, r.EncodeFields(), r.EncodeState(), slices.Clone(r.Tags))
	if err != nil {
		panic(fmt.Sprintf("mergetest: %s does not decode: %v", r.Key, err))
	}
	return again
}

// Raise starts a new generation, as a restore from backup does.
func (s *Scope) Raise(now merge.Millis) {
	s.Forks = append(s.Forks, merge.Fork{Generation: s.Generation, Seq: s.Applied, At: now})
	s.Generation = merge.Generation{Count: s.Generation.Count + 1, Nonce: s.Generation.Nonce + "b"}
}

// Row reads a row.
func (s *Scope) Row(collection, id string) merge.Row {
	r := s.Records[merge.Key{Collection: collection, ID: id}]
	if r == nil {
		return merge.Row{}
	}
	return r.Row
}

// Rows gives the live rows of a collection, ordered by id.
func (s *Scope) Rows(collection string) []merge.Row {
	var out []merge.Row
	for k, r := range s.Records {
		if k.Collection == collection && !r.Deleted {
			out = append(out, r.Row)
		}
	}
	slices.SortFunc(out, func(a, b merge.Row) int { return a.Key.Compare(b.Key) })
	return out
}

// TrueSum recomputes the additive hash from the records.
func (s *Scope) TrueSum() (sum uint64) {
	for k, r := range s.Records {
		if !r.Deleted {
			sum += merge.Sum(k, r.Version)
		}
	}
	return sum
}

// Phone writes mutations as one incarnation of one person's phone would. Its
// clock is exact.
type Phone struct {
	User, Device, Incarnation string
	N                         uint64
}

// Item numbers m and makes it an item, as if it had come over the wire.
func (p *Phone) Item(scope string, m merge.Mutation) merge.Item {
	p.N++
	m.N = p.N
	if m.Schema == 0 {
		m.Schema = 1
	}
	if m.Op == "" {
		m.Op = merge.Put
	}
	it := merge.ReadItem(scope, p.Device, 0, m.WireMutation())
	if it.Bad != nil {
		panic(fmt.Sprintf("mergetest: a mutation does not read back: %+v", *it.Bad))
	}
	return it
}

// Part makes a push of items, sent with the clock readings given.
func (p *Phone) Part(clock merge.Reading, items ...merge.Item) []*merge.Part {
	for i := range items {
		items[i].Index = i
	}
	return []*merge.Part{{Author: p.User, Device: p.Device, Incarnation: p.Incarnation, Clock: clock, Items: items}}
}

// Ref names an item in a later one's after.
func (p *Phone) Ref(it merge.Item) merge.Ref {
	return merge.Ref{Incarnation: p.Incarnation, N: it.Mutation.N, Hash: it.Hash}
}
