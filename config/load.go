package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// Load reads the configuration: Default, then the LUMBUNG_ variables that
// getenv knows (a secret also from the file named by LUMBUNG_…_FILE), then the
// flags in args. It gives the arguments that are no flags.
//
// The error joins every mistake of the three sources and of Validate, one a
// line. Asking for help is flag.ErrHelp; Usage writes it.
func Load(args []string, getenv func(string) string) (c Config, rest []string, err error) {
	c = Default()
	c.Traces = getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	c.firebaseEmulator = getenv("FIREBASE_AUTH_EMULATOR_HOST")
	var errs []error
	for _, s := range settings() {
		v, err := lookup(s, getenv)
		if err == nil && v != "" {
			err = s.set(&c, v)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name(), err))
		}
	}
	set := flag.NewFlagSet("lumbung", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, s := range settings() {
		if s.secret {
			continue // a flag is seen by every user of the machine
		}
		set.Func(s.Flag, s.Help, func(v string) error { return s.set(&c, v) })
	}
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return c, nil, err
		}
		errs = append(errs, err)
	}
	errs = append(errs, c.Validate())
	return c, set.Args(), errors.Join(errs...)
}

// lookup is the value of s in the environment, or in the file it names.
func lookup(s Setting, getenv func(string) string) (string, error) {
	v := getenv(s.Name())
	if !s.Filed() {
		return v, nil
	}
	path := getenv(s.Name() + "_FILE")
	switch {
	case path == "":
		return v, nil
	case v != "":
		return "", fmt.Errorf("given twice, here and in %s_FILE", s.Name())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the file: %w", err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// Usage writes every setting with its environment variable, flag and default.
func Usage(w io.Writer) {
	for _, s := range Settings() {
		switch {
		case s.secret:
			fmt.Fprintf(w, "  %s, %s_FILE\n", s.Name(), s.Name())
		case s.Filed():
			fmt.Fprintf(w, "  -%s, %s, %s_FILE\n", s.Flag, s.Name(), s.Name())
		default:
			fmt.Fprintf(w, "  -%s, %s\n", s.Flag, s.Name())
		}
		fmt.Fprintf(w, "        %s", s.Help)
		if s.Default != "" {
			fmt.Fprintf(w, " (default %s)", s.Default)
		}
		fmt.Fprintln(w)
	}
}
