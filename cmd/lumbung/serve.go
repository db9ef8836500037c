package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/config"
)

const serveHelp = `Melayani ponsel sampai dihentikan. / Answers phones until it is stopped.

  lumbung serve [SETTINGS]

SIGINT dan SIGTERM menghentikannya dengan tertib: permintaan yang sedang berjalan diselesaikan.
SIGINT and SIGTERM stop it in order: requests under way are finished, for at most -shutdown-grace.
`

const checkHelp = `Memeriksa sebelum mulai, atau menanyai server yang berjalan. / Looks before a start, or asks a running server.

  lumbung check [SETTINGS]            pengaturan dan basis data; tidak membuat apa pun / the settings and the database; makes nothing
  lumbung check --live [SETTINGS]     apakah server di mesin ini siap (untuk HEALTHCHECK) / whether the server of this machine is ready
`

const versionHelp = `Versi program. / Which program this is.

  lumbung version
`

// load reads the configuration of a command that takes no other arguments.
func load(args []string, s streams) (config.Config, error) {
	cfg, rest, err := config.Load(args, s.getenv)
	switch {
	case err != nil:
		return cfg, usageError{"the configuration does not hold:\n" + err.Error()}
	case len(rest) > 0:
		return cfg, usageError{fmt.Sprintf("not understood: %q", rest)}
	}
	return cfg, nil
}

// serve runs the server until ctx ends.
func serve(ctx context.Context, args []string, s streams) error {
	cfg, err := load(args, s)
	if err != nil {
		return err
	}
	pushes, err := providers(ctx, cfg)
	if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Stderr: s.err, Version: programVersion(), Push: pushes})
	if err != nil {
		return err
	}
	if store, ok := a.Store.(interface{ Flushes() uint64 }); ok && runtime.GOMAXPROCS(0) == 1 && os.Getenv("GOMAXPROCS") == "" {
		defer tendProcessors(ctx, store.Flushes)() // behind New, which counts processors
	}
	defer tendMemory(ctx)()
	err = a.Run(ctx)
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return errors.Join(err, a.Close(closing))
}

// check looks at everything that must be right before a start, or asks a
// running server whether it is ready.
func check(ctx context.Context, args []string, s streams) error {
	args, live := without(args, "live")
	cfg, err := load(args, s)
	if err != nil {
		return err
	}
	if live {
		return alive(ctx, cfg.Listen)
	}
	for _, line := range cfg.Redacted() {
		fmt.Fprintln(s.out, line)
	}
	if err := existing(cfg); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(s.out, "the configuration is good; %v\n", err)
		return nil
	} else if err != nil {
		return err
	}
	a, err := app.New(ctx, cfg, app.Options{Beside: true, Stderr: s.err, Version: programVersion()})
	if err != nil {
		return err
	}
	if err := errors.Join(a.Store.Ping(ctx), a.Close(ctx)); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "configuration and database are good")
	return nil
}

// without takes a switch out of the arguments and says whether it was there.
func without(args []string, word string) (rest []string, asked bool) {
	rest = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "--"+word || arg == "-"+word })
	return rest, len(rest) < len(args)
}

// existing fails if the database is not there yet: only a server and a first
// user make one, so that a mistyped path is noticed.
func existing(cfg config.Config) error {
	if cfg.Mongo() {
		return nil // its address was written by somebody who has one
	}
	_, err := os.Stat(cfg.StorePath())
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no database yet, \"lumbung serve\" makes one: %w", err)
	}
	return err
}

// alive asks the server of this machine whether it is ready.
func alive(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Second)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: %s", resp.Status)
	}
	return nil
}

func version(_ context.Context, args []string, s streams) error {
	if len(args) > 0 {
		return usageError{"version takes no arguments"}
	}
	fmt.Fprintf(s.out, "lumbung %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// programVersion is what the build knows of its origin.
func programVersion() string {
	b, ok := debug.ReadBuildInfo()
	if !ok || b.Main.Version == "" {
		return "devel"
	}
	return b.Main.Version
}
