package model_test

import (
	"flag"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/sim/model"
)

// depth is how many edits a history has. Three take seconds; four, which the
// full check runs, take minutes.
var depth = flag.Int("depth", 3, "most edits in a history")

func TestEveryHistoryOfEveryPolicy(t *testing.T) {
	games, err := model.Policies()
	if err != nil {
		t.Fatal(err)
	}
	play(t, games)
}

func play(t *testing.T, games []*model.Game) {
	for _, g := range games {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			total := model.Result{}
			for n := 1; n <= *depth; n++ {
				r, err := model.Run(g, n)
				if err != nil {
					t.Fatal(err)
				}
				total.Histories += r.Histories
				total.States += r.States
				total.Groups += r.Groups
			}
			t.Logf("%s: %d histories of up to %d edits, %d states, %d groups that agree", g.Name, total.Histories, *depth, total.States, total.Groups)
		})
	}
}
