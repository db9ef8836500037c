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
	write := flags.Bool("write", false, "write the table of docs/testing.md; patches that did not run keep their rows")
	verbose := flags.Bool("v", false, "print what the tests said")
	if err := flags.Parse(args); err != nil {
		return err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	dir := filepath.Join(*root, "internal/sim/mutants/patches")
	patches, err := readPatches(dir, pattern)
	if err != nil {
		return err
	}
	if len(patches) == 0 {
		return fmt.Errorf("no patch matches %q", *only)
	}
	began := clock.System{}.Now()
	reports := runAll(ctx, *root, patches, *workers, out, *verbose)
	if err := summary(out, reports, clock.System{}.Now().Sub(began)); err != nil || !*write {
		return err
	}
	all, err := readPatches(dir, regexp.MustCompile(""))
	if err != nil {
		return err
	}
	return writeTable(filepath.Join(*root, "docs/testing.md"), all, reports)
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
				if verbose {
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

// summary prints the rows of the table, and what is wrong.
func summary(out io.Writer, reports []report, took time.Duration) error {
	fmt.Fprint(out, "\n"+head)
	bad := 0
	for _, r := range reports {
		if r.problem != "" {
			bad++
		}
		fmt.Fprintln(out, r.row())
	}
	fmt.Fprintf(out, "\n%d mutants, %d caught, in %s\n", len(reports), len(reports)-bad, took.Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d mutants were not caught as expected", bad)
	}
	return nil
}
