package model_test

import (
	"flag"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/internal/sim/model"
)

// depth is how many edits a history has. Three take seconds; four, which the
// full check runs, take minutes.
var depth = flag.Int("depth", 3, "most edits in a history")

// TestMain lets garbage lie longer: a history is much of it, and keeps nothing.
func TestMain(m *testing.M) {
	debug.SetGCPercent(800)
	os.Exit(m.Run())
}

func TestEveryHistory(t *testing.T) {
	games, err := model.Games(domain.MustCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all model.Result
	t.Cleanup(func() {
		t.Logf("%d games: %d histories of up to %d edits, %d states, %d groups that agree", len(games), all.Histories, *depth, all.States, all.Groups)
	})
	for _, g := range games {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			var total model.Result
			for n := 1; n <= *depth; n++ {
				r, err := model.Run(g, n)
				if err != nil {
					t.Fatal(err)
				}
				total = total.Add(r)
			}
			t.Logf("%d histories of up to %d edits, %d states, %d groups that agree", total.Histories, *depth, total.States, total.Groups)
			mu.Lock()
			defer mu.Unlock()
			all = all.Add(total)
		})
	}
}

// TestNothingIsLostByRunningLess: commits that come as late as they can lead to
// the same groups as commits at any time.
func TestNothingIsLostByRunningLess(t *testing.T) {
	games, err := model.Games(domain.MustCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range games {
		if g.Name != "latest" && g.Name != "delete keep" {
			continue
		}
		less, err := model.Run(g, 3)
		if err != nil {
			t.Fatal(err)
		}
		g.Timed = true
		more, err := model.Run(g, 3)
		if err != nil {
			t.Fatal(err)
		}
		if less.Groups != more.Groups || less.Histories >= more.Histories {
			t.Errorf("%s: %+v, with every commit everywhere %+v", g.Name, less, more)
		}
	}
}
