package syncer_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/lumbung-ikm/lumbung/fault"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	syncer "github.com/lumbung-ikm/lumbung/sync"
	"github.com/lumbung-ikm/lumbung/sync/merge"
	"github.com/lumbung-ikm/lumbung/sync/protocol"
)

func TestAStrangerIsRefusedOnceAndForGood(t *testing.T) {
	for name, how := range map[string]func(*testing.T) (w *world, push func(p protocol.Part)){
		"folded": func(t *testing.T) (*world, func(protocol.Part)) {
			w := worldOn(t, storefault.NewPoor())
			return w, func(p protocol.Part) {
				if got := words(w.as("budi").push(p).Verdicts); !slices.Equal(got, []string{"1 rejected not_found"}) {
					t.Errorf("%q", got)
				}
			}
		},
		"decided, and the process died before it folded": func(t *testing.T) (*world, func(protocol.Part)) {
			disk := storefault.NewPoor()
			w := worldOn(t, disk)
			return w, func(p protocol.Part) {
				v := w.another(7)
				v.Store = storefault.NewFailing(disk, func(c storefault.Call) storefault.Fate {
					if c.Method == "Insert" {
						return storefault.DieAfter
					}
					return storefault.Live
				}, nil).Store()
				if _, err := v.Engine.Sync(t.Context(), callerOf("budi"), v.request(p)); !errors.Is(err, storefault.ErrCrashed) {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, push := how(t)
			w.admit("ani", merge.Owner)
			p := w.part("i", w.create(1, "from outside"))
			push(p)
			w.admit("budi", merge.Staff)
			w.clock.Advance(time.Second)
			resp := w.as("budi").push(p)
			if got := words(resp.Verdicts); !slices.Equal(got, []string{"1 rejected not_found repeated"}) {
				t.Errorf("after the grant: %q", got)
			}
			if v := resp.Verdicts[0]; v.Seq != 0 || v.Quarantine == "" || v.Message == nil {
				t.Errorf("%+v", v)
			}
			if n := w.quarantined("budi"); n != 1 {
				t.Errorf("%d records in quarantine", n)
			}
			if n := len(w.history(box)); n != 2 {
				t.Errorf("%d commits in the box", n)
			}
		})
	}
}

func TestStrangersAreRateLimited(t *testing.T) {
	t.Run("by one process", func(t *testing.T) {
		w := worldOn(t, storefault.NewPoor())
		w.strangers(w)
	})
	t.Run("by two together", func(t *testing.T) {
		w := worldOn(t, storefault.NewPoor())
		other := w.another(2)
		w.Counters = &storefault.MemoryIdentity{}
		other.Counters = w.Counters
		w.strangers(other)
	})
}

// strangers are refused by w, then by other.
func (w *world) strangers(other *world) {
	t := w.t
	w.admit("ani", merge.Owner)
	w.Limits = syncer.Limits{Refusals: 5}
	other.Limits = w.Limits
	many := func(first, n uint64) (ms []*merge.Mutation) {
		for i := range n {
			ms = append(ms, w.create(first+i, fmt.Sprint(first+i)))
		}
		return ms
	}
	count := func(resp *protocol.Response) map[string]int {
		out := map[string]int{}
		for _, v := range resp.Verdicts {
			out[string(v.Verdict)+" "+v.Code]++
		}
		return out
	}
	// A push that is larger than the allowance passes, or its phone would never
	// get anywhere.
	if got := count(w.as("budi").push(w.part("i", many(1, 9)...))); got["rejected not_found"] != 9 {
		t.Errorf("first: %v", got)
	}
	if got := count(other.as("budi").push(w.part("i", many(10, 1)...))); got["again rate_limited"] != 1 {
		t.Errorf("then: %v", got)
	}
	if got := count(other.as("citra").push(w.part("c", many(1, 1)...))); got["rejected not_found"] != 1 {
		t.Errorf("another user: %v", got)
	}
	w.clock.Advance(time.Hour)
	if got := count(w.as("budi").push(w.part("i", many(10, 1)...))); got["rejected not_found"] != 1 {
		t.Errorf("an hour later: %v", got)
	}
}

func TestASchemaOfTomorrowWaits(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	ms := []*merge.Mutation{w.create(1, "a"), w.create(2, "b"), w.create(3, "c")}
	ms[1].Schema = 2
	if got := words(w.as("ani").push(w.part("i", ms...)).Verdicts); !slices.Equal(got, []string{"1 applied", "2 again schema_too_new", "3 again schema_too_new"}) {
		t.Errorf("%q", got)
	}
	if n := len(times(w.history(box))); n != 2 {
		t.Errorf("%d lines", n)
	}
}

func TestAnAppTooOldToReadGetsItsVerdicts(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.MinApp = "1.10"
	for app, old := range map[string]bool{"1.9.7": true, "1": true, "": false, "1.10.0": false, "2.0": false, "dev": false} {
		req := w.request(w.part("i", w.create(1, "n")))
		req.App = app
		ctx, who := t.Context(), callerOf("ani")
		for name, call := range map[string]func() (*protocol.Response, error){
			"sync": func() (*protocol.Response, error) { return w.Engine.Sync(ctx, who, req) },
			"push": func() (*protocol.Response, error) { return w.Engine.Push(ctx, who, req) },
		} {
			resp, err := call()
			if err != nil || len(resp.Verdicts) != 1 || resp.Verdicts[0].Verdict != merge.Applied || (resp.Upgrade != nil) != old {
				t.Errorf("%s of %q: %+v, %v", name, app, resp, err)
			}
			if old && (resp.Changes != nil || resp.Cursor != "" || resp.Verdicts[0].Record != nil || resp.Upgrade.Min != "1.10") {
				t.Errorf("%s of %q reads: %+v", name, app, resp)
			}
		}
		_, err := w.Pull(ctx, who, req)
		if got := fault.KindOf(err) == fault.Outdated && fault.CodeOf(err) == "upgrade_required"; got != old {
			t.Errorf("pull of %q: %v", app, err)
		}
	}
}

// TestAnOldAppIsToldNothingOfAScopeItLost: its verdicts name no journal.
func TestAnOldAppIsToldNothingOfAScopeItLost(t *testing.T) {
	w := worldOn(t, storefault.NewPoor())
	w.admit("ani", merge.Owner)
	w.admit("budi", merge.Staff)
	a, b := w.phone("ani", "da"), w.phone("budi", "db")
	k := a.put("", "note", "start")
	a.sync()
	b.sync()
	b.put(k, "note", "budi's")
	w.clock.Advance(time.Minute)
	a.put(k, "note", "ani's")
	a.sync()
	w.clock.Advance(time.Minute)
	end := merge.Millis(w.clock.Now().UnixMilli())
	w.member("budi", merge.Staff, 1, end)
	w.MinApp = "2"
	req, _, err := b.Ask()
	if err != nil {
		t.Fatal(err)
	}
	req.App = "1"
	for name, call := range map[string]func() (*protocol.Response, error){
		"sync": func() (*protocol.Response, error) { return w.Engine.Sync(t.Context(), callerOf("budi"), req) },
		"push": func() (*protocol.Response, error) { return w.Engine.Push(t.Context(), callerOf("budi"), req) },
	} {
		resp, err := call()
		if err != nil || len(resp.Verdicts) != 1 || resp.Verdicts[0].Verdict != merge.Superseded || resp.Verdicts[0].Journal != nil {
			t.Errorf("%s: %+v, %v", name, resp.Verdicts, err)
		}
	}
}
