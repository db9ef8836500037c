// Command mutants checks the checker: it plants every known mistake into a copy
// of the sources, one at a time, and sees that a test catches it, by the promise
// that the mistake breaks. A mistake that survives fails the run, and so does a
// patch that no longer applies.
//
// The sources on disk are never touched: what a patch changes is laid over them
// for the one build.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	only := flags.String("only", "", "run the patches whose file names match")
	root := flags.String("root", ".", "folder of the module")
	workers := flags.Int("workers", runtime.NumCPU(), "how many to run at once")
	verbose := flags.Bool("v", false, "print what the tests said of mutants that were not caught as expected")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	patches, err := readPatches(filepath.Join(*root, "internal/sim/mutants/patches"), pattern)
	if err != nil {
		return err
	}
	if len(patches) == 0 {
		return fmt.Errorf("no patch matches %q", *only)
	}
	began := clock.System{}.Now()
	reports := runAll(ctx, *root, patches, *workers, out, *verbose)
	return summary(out, reports, clock.System{}.Now().Sub(began))
}

// runAll runs the patches, several at once, and gives the reports in order.
func runAll(ctx context.Context, root string, patches []*patch, workers int, out io.Writer, verbose bool) []report {
	reports := make([]report, len(patches))
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range max(workers, 1) {
		wg.Go(func() {
			for i := range next {
				reports[i] = kill(ctx, root, patches[i])
				mu.Lock()
				fmt.Fprintln(out, reports[i].line())
				if verbose && reports[i].problem != "" {
					fmt.Fprintln(out, reports[i].output)
				}
				mu.Unlock()
			}
		})
	}
	for i := range patches {
		next <- i
	}
	close(next)
	wg.Wait()
	return reports
}

func summary(out io.Writer, reports []report, took time.Duration) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nmutant\tbreaks\tcaught by\tseed")
	bad := 0
	for _, r := range reports {
		caught := r.caught
		if r.problem != "" {
			bad++
			caught = "NOT CAUGHT: " + r.problem
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.patch.name, r.patch.breaks, caught, r.seed)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d mutants, %d caught, in %s\n", len(reports), len(reports)-bad, took.Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d mutants were not caught as expected", bad)
	}
	return nil
}
