// Command lumbung is the whole program: the server, its upkeep, the demo and
// the simulator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones on a machine that has none
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "lumbung:", err)
	if errors.As(err, new(usageError)) {
		os.Exit(2)
	}
	os.Exit(1)
}

// usageError says that the command line was not understood.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// streams are what a command talks to.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// command is one word of the program.
type command struct {
	name, help string
	run        func(ctx context.Context, args []string, s streams) error
}

// commands lists every word, in the order of the help.
func commands() []command {
	return []command{
		{"demo", "see it work: stories played by real phones, then a server to try", demo},
		{"serve", "answer phones, and do the work behind it", serve},
		{"check", "look at the configuration and the database; --live asks a running server", check},
		{"user", "people with a role: add, list, roles, suspend, restore", user},
		{"backup", "a copy of the database, while the server goes on", backup},
		{"restored", "tell a database that it was put back from a copy, once", restored},
		{"sim", "everything that can go wrong, by seed", simulate},
		{"version", "which program this is", version},
	}
}

// run is the whole program. A usageError means that nothing was done.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	s := streams{stdin, stdout, stderr, getenv}
	if len(args) == 0 {
		help(stderr)
		return usageError{"which command?"}
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(stdout)
		return nil
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		err := c.run(ctx, args[1:], s)
		if errors.Is(err, flag.ErrHelp) {
			return nil // the command has written its help
		}
		return err
	}
	help(stderr)
	return usageError{"there is no command " + args[0]}
}

func help(w io.Writer) {
	fmt.Fprint(w, "Lumbung: server untuk aplikasi lapangan yang tetap bekerja tanpa jaringan.\n"+
		"Lumbung: a backend for field apps that keep working without a network.\n\nUsage: lumbung COMMAND [OPTIONS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.help)
	}
	fmt.Fprint(w, "\n\"lumbung serve -h\" lists the settings; each is a flag or a LUMBUNG_ variable.\n"+
		"Exit status: 0 done, 1 failed, 2 not understood.\n")
}
