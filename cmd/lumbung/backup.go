package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/app"
)

const backupHelp = `Salinan basis data. / A copy of the database, made while the server goes on.

  lumbung backup [SETTINGS] FILE       a FILE that is there is replaced once the copy is whole

After a fire: stop every server, run "lumbung restore FILE", start the server.
Phones then send again what the copy may lack.

Setelah kebakaran: hentikan semua server, jalankan "lumbung restore FILE", lalu
mulai server. Ponsel mengirim ulang apa yang mungkin belum ada di salinan.
`

const restoreHelp = `Mengembalikan basis data dari salinan. / Puts a copy in the place of the database.

  lumbung restore [SETTINGS] FILE      selagi tidak ada server berjalan / while no server runs

Salinan diperiksa dulu; berkas lama disimpan di sampingnya (.old-1). Setiap usaha memulai
generasi baru, sehingga ponsel mengirim ulang apa yang mungkin hilang. Boleh diulang.
The copy is checked first; the old files are kept beside it (.old-1). Every scope begins a
new generation, so that phones send again what may be lost. It may be repeated.
`

const restoredHelp = `Sesudah basis data dikembalikan dengan alat lain (MongoDB, snapshot disk).
After a database was put back by other means than "lumbung restore": MongoDB's own, a snapshot of a disk.

  lumbung restored [SETTINGS]         sekali, selagi tidak ada server berjalan / once, while no server runs

Setiap usaha memulai generasi baru, sehingga ponsel mengirim ulang apa yang mungkin hilang.
Every scope begins a new generation, so that phones send again what may be lost. It may be repeated after a failure.
`

// backup copies the database.
func backup(ctx context.Context, args []string, s streams) error {
	flags, rest := split(args)
	if len(rest) != 1 {
		return usageError{"backup wants one FILE"}
	}
	return withApp(ctx, flags, s, false, app.Options{Beside: true}, func(a *app.App) error {
		if err := a.Backup(ctx, rest[0]); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "copied to %s\n", rest[0])
		return nil
	})
}

// restore puts a copy in the place of the database.
func restore(ctx context.Context, args []string, s streams) error {
	flags, rest := split(args)
	if len(rest) != 1 {
		return usageError{"restore wants one FILE"}
	}
	cfg, err := load(flags, s)
	if err != nil {
		return err
	}
	n, aside, err := app.Restore(ctx, cfg, rest[0])
	if err != nil {
		return err
	}
	if aside != "" {
		fmt.Fprintf(s.out, "what was there is kept as %s\n", aside)
	}
	fmt.Fprintf(s.out, "%s is the database now; %d scopes begin a new generation\n", rest[0], n)
	return nil
}

// restored tells a database that it was put back from a copy.
func restored(ctx context.Context, args []string, s streams) error {
	flags, rest := split(args)
	if len(rest) > 0 {
		return usageError{fmt.Sprintf("not understood: %q", rest)}
	}
	return withApp(ctx, flags, s, false, app.Options{}, func(a *app.App) error {
		n, err := a.Restored(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%d scopes begin a new generation\n", n)
		return nil
	})
}

// withApp builds the program from its settings, for one action; create lets it
// make a database where there is none.
func withApp(ctx context.Context, flags []string, s streams, create bool, o app.Options, do func(*app.App) error) error {
	cfg, err := load(flags, s)
	if err != nil {
		return err
	}
	if !create {
		if err := existing(cfg); err != nil {
			return err
		}
	}
	o.Stderr, o.Version = s.err, programVersion()
	a, err := app.New(ctx, cfg, o)
	if err != nil {
		return err
	}
	return errors.Join(do(a), a.Close(ctx))
}
