package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lumbung-ikm/lumbung/app"
)

const doctorHelp = `Membaca seluruh basis data dan mencocokkan semua isinya. / Reads the whole database and holds everything in it against everything else.

  lumbung doctor [--json] [SETTINGS]   tidak mengubah apa pun; boleh selagi server berjalan
                                       changes nothing; also while the server goes on

Status 0: tidak ada kerusakan / nothing is wrong; 1: ada / something is.
`

// doctor examines the database.
func doctor(ctx context.Context, args []string, s streams) error {
	args, asJSON := without(args, "json")
	cfg, err := load(args, s)
	if err != nil {
		return err
	}
	if err := existing(cfg); err != nil {
		return err
	}
	h, err := app.Doctor(ctx, cfg)
	if err != nil {
		return err
	}
	if asJSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		err = e.Encode(h)
	} else {
		tellHealth(s, h)
	}
	if h.Grave() {
		err = errors.Join(err, errors.New("the database is damaged"))
	}
	return err
}

func tellHealth(s streams, h app.Health) {
	for _, f := range h.Findings {
		grave := "catatan / note"
		if f.Grave {
			grave = "RUSAK / DAMAGED"
		}
		fmt.Fprintf(s.out, "%-16s %-11s %s\n", grave, f.Part, f.Text)
		if what := advice(f); what != "" {
			fmt.Fprintf(s.out, "%-28s → %s\n", "", what)
		}
	}
	fmt.Fprintf(s.out, "%d lingkup dicocokkan dengan catatannya, %d dengan pekerjaan yang menunggu / scopes held against their logs, with work that waits\n", h.Scopes, h.Waiting)
	fmt.Fprintf(s.out, "salinan / backups: %d dimulai / began, %d selesai / complete; berkas / file %.1f MiB, WAL %.1f MiB\n", h.Backups.Began, h.Backups.Done,
		float64(h.Bytes)/(1<<20), float64(h.WAL)/(1<<20))
	if !h.Grave() {
		fmt.Fprintln(s.out, "basis data baik / the database is good")
	}
}

// advice is what to do about a finding, in both languages.
func advice(f app.Finding) string {
	switch {
	case f.Part == "schema":
		return "mulai server versi ini sekali, atau pasang versi yang lebih baru / start this version's server once, or install the newer one"
	case f.Grave:
		return "hentikan server, lalu \"lumbung restore SALINAN\" dengan salinan terbaru / stop the server, then \"lumbung restore COPY\" with the newest copy"
	case f.Part == "file":
		return "mulai server: ia membaca seluruh berkas dulu / start the server: it reads the whole file first"
	case f.Part == "wal":
		return "mulai ulang server, dan cari program lain yang membuka berkas ini / restart the server, and look for another program that has the file open"
	case f.Part == "move":
		return "selesaikan dengan \"lumbung copy --finish\", atau batalkan dengan --cancel / complete it with \"lumbung copy --finish\", or give it up with --cancel"
	}
	return ""
}
