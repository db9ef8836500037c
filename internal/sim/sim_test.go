package sim_test

import (
	"flag"
	"os"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/sim"
)

var (
	seeds = flag.Uint64("seeds", 60, "how many seeds to run")
	first = flag.Uint64("first", 1, "first seed")
	steps = flag.Int("steps", 0, "steps of every seed; 0: by the seed")
	trace = flag.Bool("trace", false, "print every step")
)

func TestPromisesHoldOnThePoorStore(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		cfg := sim.Config{Seed: seed, Steps: *steps, Disk: sim.PoorDisk()}
		if *trace {
			cfg.Trace = os.Stdout
		}
		r, err := sim.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
	}
}
