package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/internal/sim"
)

const simHelp = `Semua yang dapat gagal, menurut benih. / Everything that can go wrong, by seed.

  lumbung sim [OPTIONS]

Benih yang gagal mencetak namanya dan gagal lagi bila diulang. / A seed that breaks a promise says so and breaks it again.
`

// simMemory bounds the heap in bytes. Without it a heap that is collected so
// seldom grows without end: what a closed database leaves to a finalizer lives
// through one collection, and the next goal is a multiple of that.
const simMemory = 1 << 30

// simulate runs seeds of the simulator.
func simulate(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung sim", flag.ContinueOnError)
	f.SetOutput(s.err)
	b := sim.Batch{Out: s.out, Clock: clock.System{}}
	f.IntVar(&b.Seeds, "seeds", 1000, "how many `seeds` to run")
	f.Uint64Var(&b.First, "first", 0, "first `seed`; 0 draws one that was never run before")
	f.IntVar(&b.Steps, "steps", 0, "`steps` of each seed; 0 mixes small, longer and long schedules")
	f.IntVar(&b.Workers, "workers", runtime.NumCPU(), "how many seeds at a time")
	f.BoolVar(&b.Trace, "trace", false, "print every step; for one seed")
	kind := f.String("store", "poor", "`store` to run on: sqlite; mongodb://…, in databases of its own on that server; or poor, which can do next to nothing")
	if err := f.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return err
		}
		return usageError{err.Error()}
	}
	if f.NArg() > 0 {
		return usageError{fmt.Sprintf("not understood: %q", f.Args())}
	}
	switch on := (config.Config{Store: *kind}); {
	case on.Mongo():
		b.Mongo, *kind = *kind, "MongoDB"
	case *kind == "sqlite":
		b.SQLite = true
	case *kind != "poor":
		return usageError{"-store is sqlite, poor or mongodb://…"}
	}
	if b.First == 0 {
		var seed [8]byte
		if _, err := rand.Read(seed[:]); err != nil {
			return err
		}
		b.First = binary.BigEndian.Uint64(seed[:])>>24 | 1
	}
	if b.Trace {
		b.Workers = 1
	}
	debug.SetGCPercent(sim.GCPercent)
	debug.SetMemoryLimit(simMemory)
	fmt.Fprintf(s.out, "%d seeds from %d on the %s store\n", b.Seeds, b.First, *kind)
	sum, err := sim.Many(ctx, b)
	fmt.Fprintln(s.out, sum)
	return err
}
