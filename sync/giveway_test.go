package syncer_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// watcher holds the first large commit up until others wait behind it.
type watcher struct {
	w     *world
	until int // that wait
	once  sync.Once
	began chan struct{}
}

func (*watcher) Decided(merge.Outcome, string, bool) {}
func (*watcher) Lost(string)                         {}
func (*watcher) Took(*merge.Mutation)                {}
func (*watcher) Diverged(int)                        {}
func (*watcher) Repaired(int)                        {}

func (s *watcher) Committed(_, edits int) {
	if edits < 100 {
		return
	}
	s.once.Do(func() {
		close(s.began)
		for s.w.Queued() < s.until {
			runtime.Gosched()
		}
	})
}

// TestALargePushLetsOthersInBetweenItsCommits: who edits in the same scope waits for
// one commit of a push of a thousand, not for five, and two such pushes take turns.
func TestALargePushLetsOthersInBetweenItsCommits(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			w := worldOn(t, s)
			w.admit("ani", merge.Owner)
			w.admit("budi", merge.Staff)
			see := &watcher{w: w, until: 2, began: make(chan struct{})}
			w.Tally = see
			large := func(incarnation string) []*merge.Mutation {
				var ms []*merge.Mutation
				for n := range uint64(1000) {
					ms = append(ms, w.create(n+1, fmt.Sprint(incarnation, n)))
				}
				return ms
			}
			first, second := large("one"), large("two")
			var group sync.WaitGroup
			push := func(user, incarnation string, ms ...*merge.Mutation) {
				resp, err := w.Sync(t.Context(), callerOf(user), w.request(w.part(incarnation, ms...)))
				if err != nil || len(resp.Verdicts) != len(ms) {
					t.Errorf("%s: %v", incarnation, err)
					return
				}
				for i, v := range resp.Verdicts {
					if v.N != uint64(i+1) || v.Verdict != merge.Applied || v.Repeated {
						t.Errorf("%s: verdict %d is %s", incarnation, i, said(v))
						return
					}
				}
			}
			group.Go(func() { push("ani", "one", first...) })
			<-see.began
			group.Go(func() { push("ani", "two", second...) })
			for w.Queued() < 1 {
				runtime.Gosched()
			}
			small := w.create(1, "small")
			group.Go(func() { push("budi", "small", small) })
			group.Wait()
			turns := ""
			for _, c := range w.history(box)[2:] {
				turns += " " + strings.Split(c.Lines[0].Mutation, "/")[1]
			}
			if turns != " one two small one two one two one two one two" {
				t.Errorf("the turns were%s", turns)
			}
			for m, n := range times(w.history(box)) {
				if n != 1 {
					t.Errorf("%s stands in the log %d times", m, n)
				}
			}
		})
	}
}
