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
		cfg := sim.Config{Seed: seed, Steps: *steps, Disk: sim.PoorDisk(), Stages: stages, Reuse: true}
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

func TestPromisesHoldOnSQLite(t *testing.T) {
	for seed := *first; seed < *first+max(*seeds/4, 1); seed++ {
		disk, err := sim.SQLiteDisk(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed, Steps: *steps, Disk: disk})
		if err != nil {
			t.Error(err)
		}
		t.Log(r)
		if err := disk.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASeedPlaysTheSameTwice(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		a, errA := sim.Run(t.Context(), sim.Config{Seed: seed, Disk: sim.PoorDisk()})
		b, errB := sim.Run(t.Context(), sim.Config{Seed: seed, Disk: sim.PoorDisk()})
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.String() != b.String() {
			t.Errorf("%s\n%s", a, b)
		}
	}
}
