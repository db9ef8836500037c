package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/internal/desk"
	"github.com/lumbung-ikm/lumbung/store"
)

const adminHelp = `Admin: yang pertama, yang kehilangan ponsel, dan pekerjaan mereka di server.
People who are admins: the first one, one whose phone is lost, and what they do at a server.

Di mesin server, pada basis datanya. / On the machine of the server, on its database:

  lumbung admin create --phone 0811-7000-006 --name "Bu Ratna"
  lumbung admin reset-factor USER              takes away password and second factor, ends every session

Keduanya mencetak token pengaturan, berlaku 24 jam dan satu kali. / Both print a set-up token, good for 24 hours and once:
POST /v1/auth/setup {"token", "password"}, then POST /v1/auth/setup/confirm {"token", "code"}.
USER is an id or a phone number. Settings such as -store go before the action: lumbung admin -store x.db create …

Dari mana saja, lewat API. / From anywhere, over the API:

  lumbung admin login --server https://lumbung.example --phone 0811-7000-006
  lumbung admin logout
  lumbung admin import --programme CODE [--check] [--yes] [--sheet NAME] FILE.csv|FILE.xlsx
  lumbung admin job ID                         melihat pekerjaan / watches a job
  lumbung admin publish --programme CODE --at 2022-03-17T10:00+07:00 [--feedback FILE.json]
  lumbung admin publish approve --programme CODE [--yes]      admin lain / another admin
  lumbung admin publish withdraw --programme CODE --reason TEXT [--yes]   sebelum waktunya / before its instant
  lumbung admin publish status --programme CODE
  lumbung admin announce --file FILE.json [--programme CODE]  menulis draf / writes a draft
  lumbung admin announce list [--state STATE]
  lumbung admin announce show|preview ID
  lumbung admin announce change|correct ID --file FILE.json [--programme CODE]
  lumbung admin announce review|approve|return|schedule|cancel|retract ID [--reason TEXT] [--yes]
  lumbung admin announce receipts ID [--people]

  --session FILE   berkas sesi, untuk beberapa admin di satu mesin / the session, for several admins on one machine
  --lang id|en     bahasa; kalau tidak, menurut LANG / the language; otherwise that of LANG
  --yes            tanpa bertanya / without being asked

Kata sandi dan kode diminta di terminal; tanpa terminal, dibaca baris demi baris dari masukan: kata sandi, lalu kode.
Password and codes are asked for at a terminal; without one they are lines of the input: the password, then the code.
Ctrl-C berhenti melihat, bukan menghentikan pekerjaan. Tanpa jawaban dari server, ulangi perintah yang sama: tidak ada yang dikerjakan dua kali.
Ctrl-C stops watching, not the job. Without an answer of the server repeat the same command: nothing is done twice.

Status: 0 selesai / done                          1 ditolak atau gagal / refused or failed
        2 tidak dipahami / not understood         3 selesai, sebagian baris ditolak / done, some rows refused
        4 tidak ada jawaban / no answer           5 perlu masuk atau kode / a login or a code is wanting
        130 berhenti melihat / stopped watching
`

// admin looks after how admins prove themselves, and lets them work at a server.
func admin(ctx context.Context, args []string, s streams) error {
	flags, action := split(args)
	if len(action) == 0 {
		return usageError{"which action? \"lumbung help admin\" lists them"}
	}
	if at := desk.Action(action[0]); slices.Contains(desk.Actions(), at) {
		return atDesk(ctx, flags, at, action[1:], s)
	}
	if action[0] != "create" && action[0] != "reset-factor" {
		return usageError{"there is no action " + action[0]}
	}
	return withApp(ctx, flags, s, action[0] == "create", app.Options{}, func(a *app.App) error {
		if action[0] == "create" {
			return createAdmin(ctx, a, action[1:], s)
		}
		if len(action) != 2 {
			return usageError{"which user?"}
		}
		u, err := findUser(ctx, a, action[1])
		if err != nil {
			return err
		}
		return printToken(ctx, a, u, s)
	})
}

// atDesk does what an admin does over the API.
func atDesk(ctx context.Context, flags []string, action desk.Action, args []string, s streams) error {
	if len(flags) > 0 {
		return usageError{"options of admin " + string(action) + " go behind it"}
	}
	err := desk.Run(ctx, action, args, desk.Streams{In: s.in, Out: s.out, Err: s.err, Getenv: s.getenv, Version: programVersion()})
	if u, ok := errors.AsType[desk.Usage](err); ok {
		return usageError{u.Text}
	}
	return err
}

// createAdmin makes an admin, who has a name from the beginning.
func createAdmin(ctx context.Context, a *app.App, args []string, s streams) error {
	set := flag.NewFlagSet("admin create", flag.ContinueOnError)
	set.SetOutput(s.err)
	phone := set.String("phone", "", "Indonesian mobile number, in any spelling")
	name := set.String("name", "", "as others see it")
	if err := set.Parse(args); err != nil {
		return usageError{err.Error()}
	}
	if *phone == "" || *name == "" || set.NArg() > 0 {
		return usageError{"admin create wants --phone and --name"}
	}
	if err := a.Programme.CheckName(*name); err != nil {
		return err
	}
	u, err := a.Auth.CreateUser(ctx, *phone, []string{auth.RoleAdmin})
	if err != nil {
		return err
	}
	if err := a.Programme.NameUser(ctx, u, *name); err != nil {
		return err
	}
	return printToken(ctx, a, u, s)
}

// printToken prints what somebody sets up their password and second factor with.
func printToken(ctx context.Context, a *app.App, u store.User, s streams) error {
	token, expires, err := a.Auth.ResetFactor(ctx, u.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s %s\ntoken %s\nuntil %s\n", u.ID, u.Phone, token, expires.Format(time.RFC3339))
	return nil
}
