package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// BenchmarkAppend commits to n scopes at once. An operation is one commit that
// is on disk.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("scopes=%d", n), func(b *testing.B) {
			var seen Counter
			d := fresh(b, Options{OnStatement: func(q string) {
				if q == "COMMIT" {
					seen.See(q)
				}
			}})
			scopes := numbered(n)
			create(b, d, scopes...)
			seen.Take()
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var wg sync.WaitGroup
			for _, s := range scopes {
				wg.Go(func() {
					for seq := merge.Seq(1); left.Add(-1) >= 0; seq++ {
						if _, err := d.Append(context.Background(), commitOf(s, seq)); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/float64(seen.Count("COMMIT")), "commits/flush")
		})
	}
}

// BenchmarkHeadsFor is what a phone costs that has nothing to tell and nothing
// to learn.
func BenchmarkHeadsFor(b *testing.B) {
	d := fresh(b, Options{})
	scopes := numbered(1000)
	for i, s := range scopes {
		h := store.Head{Scope: s, Generation: generation(), Applied: 9, Chain: fmt.Sprintf("%064d", i)}
		for u := range 4 {
			h.Access = append(h.Access, merge.Grant{ID: fmt.Sprintf("%036d", u), User: fmt.Sprintf("u%d", i/40), Role: merge.Owner, From: 1})
		}
		if err := d.Create(b.Context(), h); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		heads, err := d.HeadsFor(b.Context(), "u7", scopes[280:320])
		if err != nil || len(heads) != 40 {
			b.Fatal(len(heads), err)
		}
	}
}

// BenchmarkChanged reads the 5,000 records of a scope in pages of 200 KB.
func BenchmarkChanged(b *testing.B) {
	d := fresh(b, Options{})
	create(b, d, "s")
	for seq := merge.Seq(1); seq <= 50; seq++ {
		c := commitOf("s", seq)
		c.Records = nil
		for i := range 100 {
			c.Records = append(c.Records, store.Record{Collection: "sales", ID: fmt.Sprintf("%036d", int(seq)*1000+i), Version: seq,
				Fields: json.RawMessage(fmt.Sprintf(`{"note":"%0250d"}`, i)), State: json.RawMessage(`{}`)})
		}
		if _, err := d.Append(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		n, pages := 0, 0
		for at, more := (store.Position{}), true; more; pages++ {
			p, err := d.Changed(b.Context(), "s", at, 50, 0, 200_000)
			if err != nil {
				b.Fatal(err)
			}
			last := p.Records[len(p.Records)-1]
			at, more = store.Position{Version: last.Version, Key: last.Key()}, p.More
			n += len(p.Records)
		}
		if n != 5000 {
			b.Fatal(n)
		}
		b.ReportMetric(float64(pages), "pages")
	}
}
