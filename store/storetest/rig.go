package storetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// rig is a test with a store and short words for what the checks do.
type rig struct {
	*testing.T
	s store.Store
}

// ok ends the test unless err is nil.
func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// is reports an error that is not want.
func (r *rig) is(err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Errorf("got error %v, want %v", err, want)
	}
}

// same reports values whose JSON differs, so that an absent list is an empty
// list.
func (r *rig) same(what string, got, want any) {
	r.Helper()
	if g, w := text(got), text(want); g != w {
		r.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func text(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	s := strings.TrimSpace(b.String())
	if s == "null" {
		return "[]"
	}
	return s
}

func gen(count uint32) merge.Generation {
	return merge.Generation{Count: count, Nonce: "n" + strconv.Itoa(int(count))}
}

// member is an access list with one open window for each user.
func member(users ...string) []merge.Grant {
	var out []merge.Grant
	for _, u := range users {
		out = append(out, merge.Grant{ID: "m-" + u, User: u, Role: merge.Owner, From: 5})
	}
	return out
}

// create makes a scope in generation 1 for users.
func (r *rig) create(scope string, users ...string) {
	r.Helper()
	r.ok(r.s.Create(r.Context(), store.Head{Scope: scope, Generation: gen(1), Access: member(users...)}))
}

func (r *rig) head(scope string) store.Head {
	r.Helper()
	h, err := r.s.Head(r.Context(), scope)
	r.ok(err)
	return h
}

// rec is a record with one field; its version is set by next.
func rec(collection, id, note string, tags ...string) store.Record {
	return store.Record{
		Collection: collection, ID: id, Tags: tags, Fields: json.RawMessage(`{"note":` + strconv.Quote(note) + `}`),
		State: json.RawMessage(`{"b":-1,"t":1,"w":null,"by":` + strconv.Quote(note) + `}`),
	}
}

func dead(collection, id string, tags ...string) store.Record {
	d := rec(collection, id, "", tags...)
	d.Deleted, d.Fields = true, json.RawMessage(`{}`)
	return d
}

// next is the commit behind h that writes records.
func next(h store.Head, records ...store.Record) *store.Commit {
	seq := h.Applied + 1
	c := &store.Commit{
		Scope: h.Scope, Generation: h.Generation, Seq: seq, ID: fmt.Sprintf("c-%s-%d", h.Scope, seq), Time: merge.Millis(1000 + seq),
		Chain: fmt.Sprintf("chain%d", seq), Records: records, Access: h.Access, Sum: math.MaxUint64 - uint64(seq),
		Lines: []merge.Line{{Mutation: fmt.Sprintf("d/i/%d", seq), Author: "u1", Stamp: 7, Verdict: merge.Verdict{Outcome: merge.Applied}}},
	}
	for i := range c.Records {
		c.Records[i].Version = seq
	}
	return c
}

// page is a page of the book of incarnation i of device d, with one entry.
func page(about, incarnation string, number uint32, version merge.Seq) merge.Page {
	n := uint64(number)*merge.PageSize + uint64(version)
	return merge.Page{PageKey: merge.PageKey{BookKey: merge.BookKey{About: about, Device: "d", Incarnation: incarnation}, Page: number},
		Version: version, Entries: map[uint64]merge.Entry{n: {Hash: merge.Hash{1, byte(version)}, Stamp: 9, Seq: version,
			Verdict: &merge.Verdict{Outcome: merge.Rejected, Code: "record_gone", Lost: []string{"note"}}}}}
}

// commit inserts and folds a commit of records and gives the head afterwards.
func (r *rig) commit(scope string, records ...store.Record) store.Head {
	r.Helper()
	return r.fold(r.insert(next(r.head(scope), records...)))
}

func (r *rig) insert(c *store.Commit) *store.Commit {
	r.Helper()
	r.ok(r.s.Insert(r.Context(), c))
	return c
}

func (r *rig) fold(c *store.Commit) store.Head {
	r.Helper()
	h, err := r.s.Fold(r.Context(), c, store.Head{})
	r.ok(err)
	return h
}

// entry reports whether the log has an entry there.
func (r *rig) entry(scope string, generation uint32, seq merge.Seq) bool {
	r.Helper()
	_, err := r.s.Entry(r.Context(), scope, generation, seq)
	if !errors.Is(err, store.ErrAbsent) {
		r.ok(err)
	}
	return err == nil
}

// changed reads changes up to the end.
func (r *rig) changed(scope string, after store.Position, upTo, skipDead merge.Seq) store.Page {
	r.Helper()
	p, err := r.s.Changed(r.Context(), scope, after, upTo, skipDead, 1<<30)
	r.ok(err)
	if p.More {
		r.Errorf("an endless page has more")
	}
	return p
}

// rows writes records as "collection/id@version", deleted ones with a "-".
func rows(records []store.Record) string {
	var out []string
	for i := range records {
		s := fmt.Sprintf("%s@%d", records[i].Key(), records[i].Version)
		if records[i].Deleted {
			s = "-" + s
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func names(heads []store.Head) string {
	var out []string
	for _, h := range heads {
		out = append(out, h.Scope)
	}
	return strings.Join(out, " ")
}

// parallel runs f(0) … f(n-1) at once and counts the calls that gave nil. An
// error must be one of allowed.
func (r *rig) parallel(n int, f func(i int) error, allowed ...error) (won int) {
	r.Helper()
	var wg sync.WaitGroup
	errs := make([]error, n)
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }):
			r.Errorf("unexpected error %v", err)
		}
	}
	return won
}
