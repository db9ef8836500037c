package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	bearing "github.com/lumbung-ikm/lumbung/internal/load"
)

const loadHelp = `Mengukur server di bawah beban, pada basis data sementara. / Measures the server under load, on a database of its own.

  lumbung load live [OPTIONS]

Server berjalan sebagai proses sendiri di mesin ini. / The server runs as a process of its own on this machine.
`

// measure runs a load and fails if a bound is not kept.
func measure(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung load live", flag.ContinueOnError)
	f.SetOutput(s.err)
	p := bearing.Plan{Log: s.err}
	f.IntVar(&p.Streams, "streams", 10_000, "how many live `streams` to open")
	f.IntVar(&p.Shared, "shared", 10, "`users` of one enterprise, who all hear of its pushes")
	f.IntVar(&p.Rate, "rate", 20, "`pushes` per second")
	f.DurationVar(&p.Time, "time", 20*time.Second, "how long to push")
	asJSON := f.Bool("json", false, "print JSON instead of a table")
	if len(args) > 0 && args[0] == "live" {
		args = args[1:]
	} else if !asksHelp(args) {
		return usageError{"load what? There is: live"}
	}
	if err := f.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return err
		}
		return usageError{err.Error()}
	}
	if f.NArg() > 0 {
		return usageError{fmt.Sprintf("not understood: %q", f.Args())}
	}
	var err error
	if p.Program, err = os.Executable(); err != nil {
		return err
	}
	r, err := bearing.Live(ctx, p)
	if err != nil {
		return err
	}
	if *asJSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else {
		r.Print(s.out)
	}
	return r.Verdict()
}
