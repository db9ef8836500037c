package syncer

import (
	"strconv"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// FuzzReadCursor: a token is a claim by anybody. What reads is what would be
// written again, and a place that is complete lies at its head.
func FuzzReadCursor(f *testing.F) {
	g := merge.Generation{Count: 2, Nonce: "9f2c1a07"}
	f.Add(cursor{}.encode())
	f.Add(cursor{"box/1": {Generation: g, Head: 7, Chain: "ab", Complete: true, At: store.Position{Version: 7}}}.encode())
	f.Add(cursor{"box/1": {Generation: g, Head: 7, First: 5, At: store.Position{Version: 3, Key: merge.Key{Collection: "thing", ID: "x"}}},
		"user/1": {Generation: g, Head: 1, Complete: true, At: store.Position{Version: 1}}}.encode())
	many := cursor{"reference": {Generation: g, Head: 9, Chain: "cd", Complete: true, At: store.Position{Version: 9}}}
	for n := range 20 {
		for _, kind := range []string{"box/", "shelf/"} {
			p := place{Generation: g, Head: merge.Seq(n), Chain: "ab", Complete: n%3 > 0, At: store.Position{Version: merge.Seq(n)}}
			if !p.Complete {
				p.First, p.At.Key = 4, merge.Key{Collection: "thing", ID: id.Derive("key")}
			}
			many[kind+id.Derive(strconv.Itoa(n))] = p
		}
	}
	f.Add(many.encode())
	f.Add("")
	f.Add("1")
	f.Add("2AAAA")
	f.Add("1" + strings.Repeat("A", 100))
	f.Fuzz(func(t *testing.T, token string) {
		c := readCursor(token)
		again := readCursor(c.encode())
		if len(again) != len(c) {
			t.Fatalf("%d places, then %d", len(c), len(again))
		}
		for scope, p := range c {
			if a, b := bare(p), bare(again[scope]); a != b {
				t.Errorf("%s at %+v, then %+v", scope, a, b)
			}
			if p.Complete && p.At != (store.Position{Version: p.Head}) {
				t.Errorf("%s is complete at %+v of %d", scope, p.At, p.Head)
			}
		}
	})
}

// bare is a place as a packed cursor has it.
func bare(p place) place {
	p.Check = p.check()
	p.Generation, p.Chain = merge.Generation{}, ""
	return p
}
