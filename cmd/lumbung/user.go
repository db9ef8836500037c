package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/store"
)

const userHelp = `Orang dengan peran khusus: pendamping dan admin.
People with a role of their own: mentors and admins. Owners need none; they log in and make their enterprise.

  lumbung user add --phone 0811-7000-001 --role mentor|admin
  lumbung user list
  lumbung user roles USER [mentor] [admin]     replaces the roles; none takes them all
  lumbung user suspend USER                    refuses every token until restore
  lumbung user restore USER

An admin has no rights before "lumbung admin reset-factor USER" and a login with password and second factor.
USER is an id or a phone number. Settings such as -store go before the action: lumbung user -store x.db list
`

// user looks after people with a role.
func user(ctx context.Context, args []string, s streams) error {
	flags, action := split(args)
	if len(action) == 0 {
		return usageError{"which action? \"lumbung help user\" lists them"}
	}
	return withApp(ctx, flags, s, action[0] == "add", app.Options{}, func(a *app.App) error { return userAction(ctx, a, action[0], action[1:], s) })
}

// split parts the settings from the action: the first word that is no flag nor
// the value of one.
func split(args []string) (flags, action []string) {
	for i := 0; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return args[:i], args[i:]
		}
		if !strings.Contains(args[i], "=") {
			i++ // its value
		}
	}
	return args, nil
}

func userAction(ctx context.Context, a *app.App, action string, args []string, s streams) error {
	switch action {
	case "add":
		return addUser(ctx, a, args, s)
	case "list":
		return listUsers(ctx, a, s)
	}
	if len(args) == 0 {
		return usageError{"which user?"}
	}
	u, err := findUser(ctx, a, args[0])
	if err != nil {
		return err
	}
	switch action {
	case "roles":
		err = a.Auth.SetRoles(ctx, u.ID, args[1:])
	case "suspend":
		err = a.Auth.Suspend(ctx, u.ID)
	case "restore":
		err = a.Auth.Restore(ctx, u.ID)
	default:
		return usageError{"there is no action " + action}
	}
	if err == nil {
		fmt.Fprintln(s.out, "done:", action, u.ID)
	}
	return err
}

func addUser(ctx context.Context, a *app.App, args []string, s streams) error {
	set := flag.NewFlagSet("user add", flag.ContinueOnError)
	set.SetOutput(s.err)
	phone := set.String("phone", "", "Indonesian mobile number, in any spelling")
	role := set.String("role", "", "mentor or admin")
	if err := set.Parse(args); err != nil {
		return usageError{err.Error()}
	}
	if *phone == "" || *role == "" || set.NArg() > 0 {
		return usageError{"user add wants --phone and --role"}
	}
	u, err := a.Auth.CreateUser(ctx, *phone, strings.Split(*role, ","))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s %s %s\n", u.ID, u.Phone, strings.Join(u.Roles, ","))
	return nil
}

func listUsers(ctx context.Context, a *app.App, s streams) error {
	all, err := a.Auth.Store.UsersChanged(ctx, time.Time{})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPHONE\tSTATUS\tROLES")
	for _, u := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.ID, u.Phone, u.Status, strings.Join(u.Roles, ","))
	}
	return w.Flush()
}

func findUser(ctx context.Context, a *app.App, name string) (store.User, error) {
	if strings.Count(name, "-") == 4 && len(name) == 36 {
		return a.Auth.User(ctx, name)
	}
	phone, err := domain.ParsePhone(name)
	if err != nil {
		return store.User{}, err
	}
	return a.Auth.Store.UserByPhone(ctx, string(phone))
}
