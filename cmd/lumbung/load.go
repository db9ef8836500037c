package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	bearing "github.com/lumbung-ikm/lumbung/internal/load"
)

const loadHelp = `Mengukur server di bawah beban, pada basis data sementara. / Measures the server under load, on a database of its own.

  lumbung load speed [OPTIONS]   kecepatan push, pull, dan sinkron / how fast pushes, pulls and syncs are
  lumbung load overload [OPTIONS] lebih banyak dari yang sanggup dikerjakan / more than the server can do
  lumbung load crash [OPTIONS]   server dimatikan paksa, dan disk yang rusak / the server killed, and a disk that fails
  lumbung load soak [OPTIONS]    dipakai lama, dengan segala cara / used for long, in every way
  lumbung load bomb [OPTIONS]    isi yang mengembang sangat besar / bodies that inflate far too much
  lumbung load fair [OPTIONS]    ponsel yang lama pergi di antara yang lain / phones long away among others
  lumbung load live [OPTIONS]    banyak aliran langsung / many live streams
  lumbung load wake [OPTIONS]    semua pendaftar melihat hasil / all applicants look for their results
  lumbung load ring [OPTIONS]    hasil berbunyi di semua ponsel, server dimatikan paksa / results ring on all phones, the server killed

Server berjalan sebagai proses sendiri di mesin ini. / The server runs as a process of its own on this machine.
`

// measure runs a load and fails if a bound is not kept.
func measure(ctx context.Context, args []string, s streams) error {
	kinds := map[string]func(context.Context, []string, streams) error{"speed": measureSpeed, "live": measureLive, "overload": measureOverload, "crash": measureCrash, "soak": measureSoak, "bomb": measureBomb, "fair": measureFair, "wake": measureWake, "ring": measureRing, "bare": serveBare, "phone": livePhone}
	if len(args) > 0 && kinds[args[0]] != nil {
		return kinds[args[0]](ctx, args[1:], s)
	}
	if asksHelp(args) {
		return measureSpeed(ctx, args, s)
	}
	return usageError{"load what? There are: speed, overload, crash, soak, bomb, fair, live, wake, ring"}
}

// parsed reads the flags of a kind of load, and gives the path of this program, which is
// what the load is put on.
func parsed(f *flag.FlagSet, args []string) (program string, err error) {
	if err := f.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return "", err
		}
		return "", usageError{err.Error()}
	}
	if f.NArg() > 0 {
		return "", usageError{fmt.Sprintf("not understood: %q", f.Args())}
	}
	return os.Executable()
}

// report is what a load has measured.
type report interface{ Print(io.Writer) }

func write(s streams, asJSON bool, r report) error {
	if !asJSON {
		r.Print(s.out)
		return nil
	}
	e := json.NewEncoder(s.out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// judged writes a report and fails if it does not keep its bounds.
func judged(s streams, asJSON bool, r interface {
	report
	Verdict() error
}) error {
	if err := write(s, asJSON, r); err != nil {
		return err
	}
	return r.Verdict()
}

func measureLive(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load live", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.Plan{Log: s.err}
	f.IntVar(&p.Streams, "streams", 10_000, "how many live `streams` to open")
	f.IntVar(&p.Shared, "shared", 10, "`users` of one enterprise, who all hear of its pushes")
	f.IntVar(&p.Rate, "rate", 20, "`pushes` per second")
	f.DurationVar(&p.Time, "time", 20*time.Second, "how long to push")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	r, err := bearing.Live(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

func measureSpeed(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load speed", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.DefaultSpeed()
	p.Log, p.Pepper = s.err, os.Getenv("LUMBUNG_PEPPER")
	f.StringVar(&p.Store, "store", "", "`address` of an empty MongoDB, with LUMBUNG_PEPPER; otherwise a file")
	f.IntVar(&p.Devices, "devices", p.Devices, "`phones` that push new sales")
	f.IntVar(&p.Phones, "phones", p.Phones, "`phones` that hold records")
	f.IntVar(&p.Records, "records", p.Records, "`records` that each of them holds")
	f.IntVar(&p.Connections, "connections", p.Connections, "`connections` to the server")
	f.DurationVar(&p.Time, "time", p.Time, "how long each workload goes on that has no end")
	f.BoolVar(&p.Larger, "larger", p.Larger, "also at ten times the phones that hold records")
	f.StringVar(&p.Only, "only", "", "names of `workloads` with commas between, such as W1,W3; W6 is W3 and W4 at the larger size; otherwise all")
	f.StringVar(&p.Profile, "profile", "", "`folder` for a profile of each workload")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	if err := p.Check(); err != nil {
		return usageError{err.Error()}
	}
	r, err := bearing.Speed(ctx, p)
	if len(r.Workloads) > 0 { // what was measured before something failed
		err = errors.Join(err, judged(s, *asJSON, r))
	}
	return err
}

func measureOverload(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load overload", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.OverloadPlan{Log: s.err}
	f.IntVar(&p.Phones, "phones", 1000, "`phones` that push and look")
	f.Float64Var(&p.Times, "times", 4, "how many `times` what the server can do")
	f.DurationVar(&p.Time, "time", time.Minute, "for how long")
	f.DurationVar(&p.Within, "within", 250*time.Millisecond, "`bound` on the time of 99 of 100 that are accepted")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	r, err := bearing.Overload(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

func measureCrash(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load crash", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.CrashPlan{Log: s.err}
	f.IntVar(&p.Kills, "kills", 200, "how often the server is `killed` under load")
	f.IntVar(&p.Cuts, "cuts", 100, "how often the power is `cut` in a record of what is written and flushed")
	f.BoolVar(&p.Troubles, "disk", true, "also what a disk can do: full, read-only, failing")
	f.BoolVar(&p.Mount, "mount", true, "small file systems to fill, where that is permitted; otherwise calls of the system fail")
	f.StringVar(&p.Only, "only", "", "one of the `troubles` of the disk; otherwise all")
	f.Uint64Var(&p.Seed, "seed", 1, "draws where and when; the rest is up to the machine")
	f.StringVar(&p.Failpoints, "failpoints", "", "`path` of this program, built with -tags failpoints; otherwise this one's with -failpoints behind it")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	if p.Failpoints == "" {
		p.Failpoints = p.Program + "-failpoints"
	}
	r, err := bearing.Crash(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

// livePhone is one phone of a town whose server is killed.
func livePhone(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load phone", flag.ContinueOnError)
	f.SetOutput(s.err)
	var p bearing.PhonePlan
	f.StringVar(&p.File, "file", "", "`file` of the phone")
	f.StringVar(&p.Server, "server", "", "`address` of the server")
	f.StringVar(&p.Scope, "scope", "", "`scope` to sell in")
	f.StringVar(&p.Product, "product", "", "`id` of the product whose price changes")
	if _, err := parsed(f, args); err != nil {
		return err
	}
	return bearing.Phone(ctx, p, s.out)
}

func measureSoak(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load soak", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.SoakPlan{Log: s.err}
	f.IntVar(&p.People, "people", 60, "`people` with an enterprise and three phones each")
	f.IntVar(&p.Rate, "rate", 150, "`things` that phones do in a second")
	f.IntVar(&p.Rests, "rests", 0, "how `often` to look while nobody asks for anything; 0 is every two minutes, and twice at least")
	f.DurationVar(&p.Time, "time", 20*time.Minute, "for how long")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	if p.Rests == 0 {
		p.Rests = max(2, int(p.Time/(2*time.Minute)))
	}
	r, err := bearing.Soak(ctx, p)
	if len(r.Resting) > 0 { // what was seen before something failed
		return errors.Join(err, judged(s, *asJSON, r))
	}
	return err
}

func measureBomb(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load bomb", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.BombPlan{Log: s.err}
	megabytes := f.Int("size", 512, "`MiB` that a body inflates to")
	f.IntVar(&p.AtOnce, "at-once", 6, "`requests` at once")
	f.IntVar(&p.Rounds, "rounds", 4, "how `often` each kind is sent, alone and at once")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	p.Size = *megabytes << 20
	r, err := bearing.Bomb(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

func measureFair(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load fair", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.FairPlan{Log: s.err}
	f.IntVar(&p.Phones, "phones", 200, "`phones` that go about their day")
	f.Float64Var(&p.Rate, "rate", 100, "`requests` a second of all of them")
	f.IntVar(&p.Edits, "edits", 50_000, "`edits` of each phone that comes back")
	f.IntVar(&p.Crowd, "crowd", 10, "`phones` that come back at once")
	f.DurationVar(&p.Time, "time", 20*time.Second, "how long the others are measured alone")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	r, err := bearing.Fair(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

func measureWake(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load wake", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.WakePlan{Log: s.err}
	f.DurationVar(&p.Lead, "lead", 20*time.Second, "how long before the publication the server is begun")
	f.DurationVar(&p.Within, "within", 10*time.Second, "all phones sync for the first time so soon behind it")
	f.DurationVar(&p.Again, "again", 5*time.Second, "how long a phone without a result waits, on average")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	r, err := bearing.Wake(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

func measureRing(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load ring", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.RingPlan{Log: s.err}
	f.DurationVar(&p.Lead, "lead", 15*time.Second, "how long before the publication the campaign is ready")
	f.IntVar(&p.Kills, "kills", 3, "how often the server is killed behind the publication")
	f.IntVar(&p.Silent, "silent", 23, "`applicants` whose phones cannot be rung")
	f.Uint64Var(&p.Seed, "seed", rand.Uint64(), "of when it is killed")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	var err error
	if p.Program, err = parsed(f, args); err != nil {
		return err
	}
	r, err := bearing.Ring(ctx, p)
	if err != nil {
		return err
	}
	return judged(s, *asJSON, r)
}

// serveBare is what the limits of the machine are measured with.
func serveBare(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load bare", flag.ContinueOnError)
	f.SetOutput(s.err)
	listen := f.String("listen", "127.0.0.1:0", "`address` to listen on")
	if _, err := parsed(f, args); err != nil {
		return err
	}
	return bearing.Bare(ctx, *listen)
}
