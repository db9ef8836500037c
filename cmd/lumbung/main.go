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
	"slices"
	"syscall"
	_ "time/tzdata" // zones on a machine that has none

	"github.com/lumbung-ikm/lumbung/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "lumbung:", err)
	os.Exit(statusOf(err))
}

// usageError says that the command line was not understood.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

// ExitStatus is what the program ends with.
func (usageError) ExitStatus() int { return 2 }

// statusOf is what the program ends with after an error.
func statusOf(err error) int {
	if e, ok := errors.AsType[interface {
		error
		ExitStatus() int
	}](err); ok {
		return e.ExitStatus()
	}
	return 1
}

// streams are what a command talks to.
type streams struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// command is one word of the program.
type command struct {
	name, help string
	usage      string // in two languages, as a person asks for it
	more       more   // what is printed behind the usage
	run        func(ctx context.Context, args []string, s streams) error
}

// more is a list of options behind a usage.
type more uint8

const (
	nothing  more = iota
	settings      // those of the configuration
	flags         // those that the command itself reads
)

// commands lists every word, in the order of the help.
func commands() []command {
	return []command{
		{"demo", "see it work: stories played by real phones, then a server to try", demoHelp, flags, demo},
		{"serve", "answer phones, and do the work behind it", serveHelp, settings, serve},
		{"check", "look at the configuration and the database; --live asks a running server", checkHelp, settings, check},
		{"doctor", "read the whole database and hold everything in it against everything else", doctorHelp, nothing, doctor},
		{"admin", "admins: create the first, reset-factor for a lost phone; login, import, publish and announce over the API", adminHelp, nothing, admin},
		{"user", "people with a role: add, list, roles, suspend, restore", userHelp, nothing, user},
		{"backup", "a copy of the database, while the server goes on", backupHelp, nothing, backup},
		{"copy", "move everything to another store, and back", copyHelp, flags, copyStore},
		{"restore", "put a copy in the place of the database", restoreHelp, nothing, restore},
		{"restored", "tell a database that it was put back from a copy, once", restoredHelp, nothing, restored},
		{"notify", "pushes and messages: test the providers, make keys for web push", notifyHelp, nothing, notifyCommand},
		{"fcm-fake", "a push service with phones, for who builds an app", fcmFakeHelp, flags, fcmFake},
		{"sim", "everything that can go wrong, by seed", simHelp, flags, simulate},
		{"load", "how the server bears many phones, measured", loadHelp, flags, measure},
		{"version", "which program this is", versionHelp, nothing, version},
	}
}

// run is the whole program. A usageError means that nothing was done.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	s := streams{stdin, stdout, stderr, getenv}
	if len(args) == 0 {
		help(stderr)
		return usageError{"which command?"}
	}
	if asksHelp(args[:1]) {
		if len(args) == 1 || asksHelp(args[1:2]) {
			help(stdout)
			return nil
		}
		args = []string{args[1], "-h"}
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		if asksHelp(args[1:]) {
			return c.explain(ctx, s)
		}
		return c.run(ctx, args[1:], s)
	}
	help(stderr)
	return usageError{"there is no command " + args[0]}
}

// asksHelp reports whether somebody wants to read before doing.
func asksHelp(args []string) bool {
	return len(args) > 0 && args[0] == "help" || slices.ContainsFunc(args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" })
}

// explain prints the usage of one command.
func (c command) explain(ctx context.Context, s streams) error {
	fmt.Fprint(s.out, c.usage)
	switch c.more {
	case settings:
		fmt.Fprint(s.out, "\nPengaturan, sebagai opsi atau variabel lingkungan. / Settings, as a flag or a variable of the environment:\n\n")
		config.Usage(s.out)
	case flags:
		fmt.Fprint(s.out, "\n")
		s.err = s.out
		if err := c.run(ctx, []string{"-h"}, s); !errors.Is(err, flag.ErrHelp) {
			return err
		}
	}
	return nil
}

func help(w io.Writer) {
	fmt.Fprint(w, "Lumbung: server untuk aplikasi lapangan yang tetap bekerja tanpa jaringan.\n"+
		"Lumbung: a backend for field apps that keep working without a network.\n\nUsage: lumbung COMMAND [OPTIONS]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.help)
	}
	fmt.Fprint(w, "\n\"lumbung help COMMAND\" menjelaskan satu perintah; \"lumbung help serve\" memuat semua pengaturan.\n"+
		"\"lumbung help COMMAND\" explains a command; \"lumbung help serve\" lists the settings.\n\n"+
		"Status: 0 selesai / done, 1 gagal / failed, 2 tidak dipahami / not understood.\n")
}
