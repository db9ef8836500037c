package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/store"
)

const adminHelp = `Admin: yang pertama, dan yang kehilangan ponsel.
People who are admins: the first one, and one whose phone is lost.

  lumbung admin create --phone 0811-7000-006 --name "Bu Ratna"
  lumbung admin reset-factor USER              takes away password and second factor, ends every session

Keduanya mencetak token pengaturan, berlaku 24 jam dan satu kali. / Both print a set-up token, good for 24 hours and once:
POST /v1/auth/setup {"token", "password"}, then POST /v1/auth/setup/confirm {"token", "code"}.
USER is an id or a phone number. Settings such as -store go before the action: lumbung admin -store x.db create …
`

// admin looks after how admins prove themselves.
func admin(ctx context.Context, args []string, s streams) error {
	flags, action := split(args)
	if len(action) == 0 {
		return usageError{"which action? \"lumbung help admin\" lists them"}
	}
	return withApp(ctx, flags, s, action[0] == "create", app.Options{}, func(a *app.App) error {
		switch action[0] {
		case "create":
			return createAdmin(ctx, a, action[1:], s)
		case "reset-factor":
			if len(action) != 2 {
				return usageError{"which user?"}
			}
			u, err := findUser(ctx, a, action[1])
			if err != nil {
				return err
			}
			return printToken(ctx, a, u, s)
		}
		return usageError{"there is no action " + action[0]}
	})
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
