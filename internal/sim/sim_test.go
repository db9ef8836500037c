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
	stages := &sim.Stages{}
	for seed := *first; seed < *first+*seeds; seed++ {
		cfg := sim.Config{Seed: seed, Steps: *steps, Open: poor, Stages: stages}
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

func poor() (sim.Disk, error) { return sim.PoorDisk(), nil }

func TestPromisesHoldOnSQLite(t *testing.T) {
	open := func() (sim.Disk, error) { return sim.SQLiteDisk(t.Context(), t.TempDir()) }
	for seed := *first; seed < *first+max(*seeds/4, 1); seed++ {
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed, Steps: *steps, Open: open})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
	}
}

func TestASeedPlaysTheSameTwice(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		a, errA := sim.Run(t.Context(), sim.Config{Seed: seed, Open: poor})
		b, errB := sim.Run(t.Context(), sim.Config{Seed: seed, Open: poor})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.String() != b.String() {
			t.Errorf("%s\n%s", a, b)
		}
	}
}
