package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/store/carry"
)

const copyHelp = `Memindahkan seluruh isi ke penyimpanan lain. / Moves everything to another store.

  lumbung copy --from STORE --to STORE             selagi server berjalan; boleh diulang dan dilanjutkan
                                                   while the server goes on; may be cut, and repeated
  lumbung copy --from STORE --to STORE --finish    sesudah server dihentikan / once the servers are stopped
  lumbung copy --from STORE --to STORE --cancel    kembali ke yang lama / back to the old one

A STORE is written as in LUMBUNG_STORE: a file, or mongodb://… . The target must be
empty. --finish retires the source, copies what was written last, checks every
scope by its log and its hash, and only then lets a server use the target. Start it
with the LUMBUNG_PEPPER of the old one. Phones notice nothing: what they have sent
and received stays what it is.

Ponsel tidak merasakan apa pun. Server baru harus memakai LUMBUNG_PEPPER yang lama.
`

// copyStore moves everything from one store to another.
func copyStore(ctx context.Context, args []string, s streams) (err error) {
	f := flag.NewFlagSet("copy", flag.ContinueOnError)
	f.SetOutput(s.err)
	m := &app.Move{}
	f.StringVar(&m.From, "from", "", "`store` that is copied")
	f.StringVar(&m.To, "to", "", "`store` that is filled")
	finish := f.Bool("finish", false, "retire the source and make the target usable")
	cancel := f.Bool("cancel", false, "give the source back, and leave the target")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err.Error()}
	}
	if m.From == "" || m.To == "" || m.From == m.To || f.NArg() > 0 || *finish && *cancel {
		return usageError{"copy wants --from STORE and another --to STORE, and --finish or --cancel at the end"}
	}
	m.Tell = func(p carry.Progress) {
		if p.Seen+p.Dropped > 0 && (p.Whole || p.Seen%tellEvery == 0) {
			fmt.Fprintf(s.out, "pass %d  %-12s %8d seen %8d written %8d dropped\n", p.Pass, p.Shelf, p.Seen, p.Written, p.Dropped)
		}
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.Open(ctx); err != nil {
		return err
	}
	switch {
	case *cancel:
		if err := m.Cancel(ctx); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "the source may be used again")
	case *finish:
		r, scopes, err := m.Finish(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%d items, %d scopes, all the same: the target may be used, the source is retired\n", r.Items, scopes)
	default:
		r, err := m.Copy(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%d items, %d written, %d dropped in %d passes; --finish puts an end to it\n", r.Items, r.Written, r.Dropped, r.Passes)
	}
	return nil
}

// tellEvery is after how many items of a shelf a line is printed.
const tellEvery = 10_000
