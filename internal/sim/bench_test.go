package sim_test

import (
	"runtime/debug"
	"testing"

	"github.com/lumbung-ikm/lumbung/internal/sim"
)

// BenchmarkSmallSchedule plays small schedules on one core, over and over the
// same seeds.
func BenchmarkSmallSchedule(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(sim.GCPercent))
	for _, disk := range []struct {
		name string
		open func() (sim.Disk, error)
	}{{"poor", poor}, {"sqlite", func() (sim.Disk, error) { return sim.SQLiteDisk(b.Context(), b.TempDir()) }}} {
		b.Run(disk.name, func(b *testing.B) {
			stages := &sim.Stages{}
			for i := 0; b.Loop(); i++ {
				cfg := sim.Config{Seed: uint64(5000 + i%250), Steps: sim.SmallSteps, Stages: stages, Open: disk.open}
				if _, err := sim.Run(b.Context(), cfg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seeds/s")
			if err := stages.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
