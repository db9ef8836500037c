package sim_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/sim"
	"github.com/lumbung-ikm/lumbung/internal/storefault"
	"github.com/lumbung-ikm/lumbung/store/mongo/mongotest"
	"github.com/lumbung-ikm/lumbung/store/mongo/scratch"
)

var (
	seeds = flag.Uint64("seeds", 60, "how many seeds to run")
	first = flag.Uint64("first", 1, "first seed")
	steps = flag.Int("steps", 0, "steps of every seed; 0: by the seed")
	trace = flag.Bool("trace", false, "print every step")
	full  = flag.Bool("full", false, "bring a hundred phones back on MongoDB too, not ten")
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

// onMongo gives disks on the server that somebody has started.
func onMongo(t *testing.T) func() (sim.Disk, error) {
	t.Helper()
	if !mongotest.Asked() {
		t.Skip("skipped: needs MongoDB, at the address in " + mongotest.Variable)
	}
	server, err := scratch.Connect(t.Context(), os.Getenv(mongotest.Variable))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return func() (sim.Disk, error) { return sim.MongoDisk(t.Context(), server) }
}

// TestProcessesOnMongoDBDieBetweenCommands: the simulator reaches the places inside a
// fold, or it proves no more there than calls of the store do.
func TestProcessesOnMongoDBDieBetweenCommands(t *testing.T) {
	open, points, stages := onMongo(t), &storefault.Points{}, &sim.Stages{}
	places := regexp.MustCompile(`( update state +(inside|after)| update heads +(inside|after)| insert log +after)`)
	reached := map[string]bool{}
	for seed := *first; len(reached) < 3 && seed < *first+*seeds; seed++ {
		if _, err := sim.Run(t.Context(), sim.Config{Seed: seed, Open: open, Points: points, Stages: stages}); err != nil {
			t.Fatal(err)
		}
		for _, place := range places.FindAllString(points.String(), -1) {
			reached[strings.Fields(place)[0]+strings.Fields(place)[1]] = true
		}
	}
	if err := stages.Close(); err != nil {
		t.Error(err)
	}
	if len(reached) < 3 {
		t.Errorf("failed at %v only:\n%s", reached, points)
	}
}

func TestASeedPlaysTheSameTwice(t *testing.T) {
	sqlite := func() (sim.Disk, error) { return sim.SQLiteDisk(t.Context(), t.TempDir()) }
	all, last := map[string]func() (sim.Disk, error){"poor": poor, "sqlite": sqlite}, uint64(8)
	if mongotest.Asked() {
		all, last = map[string]func() (sim.Disk, error){"mongo": onMongo(t)}, 4
	}
	for name, open := range all {
		for seed := uint64(1); seed <= last; seed++ {
			var told [2]strings.Builder
			for i := range told {
				if _, err := sim.Run(t.Context(), sim.Config{Seed: seed, Open: open, Trace: &told[i]}); err != nil {
					t.Fatal(err)
				}
			}
			if told[0].String() != told[1].String() {
				t.Errorf("seed %d on %s goes two ways:\n%s\n%s", seed, name, &told[0], &told[1])
			}
		}
	}
}

// TestAHundredPhonesAwayForTwoHundredDays brings a hundred phones back after 200
// days, in whatever weather and among whatever else the simulator does, to
// servers that have let go of the log and whose schema is three versions ahead.
// On MongoDB it is a tenth of them: the engines that stand in for it are slow.
func TestAHundredPhonesAwayForTwoHundredDays(t *testing.T) {
	on, open, phones, stages := "the poor store", poor, 100, &sim.Stages{}
	if mongotest.Asked() {
		on, open = "MongoDB", onMongo(t)
		if !*full {
			phones = 10
		}
	}
	var sum sim.Report
	for seed := *first; sum.Away < phones; seed++ {
		cfg := sim.Config{Seed: seed, Steps: 60, Away: true, Open: open, Stages: stages}
		if *trace {
			cfg.Trace = os.Stdout
		}
		r, err := sim.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r.Pruned == 0 {
			t.Errorf("seed %d: nothing was compacted", seed)
		}
		sum.Away, sum.Unsent, sum.Pruned, sum.Edits = sum.Away+r.Away, sum.Unsent+r.Unsent, sum.Pruned+r.Pruned, sum.Edits+r.Edits
	}
	if sum.Unsent < phones/2 {
		t.Errorf("only %d of %d had anything to send", sum.Unsent, sum.Away)
	}
	t.Logf("%d phones away from %s, %d of them with unsent edits; %d edits in all; %d entries were gone from the logs", sum.Away, on, sum.Unsent, sum.Edits, sum.Pruned)
}
