package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/internal/play"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/fcm"
)

// demoAdmin is the admin in the play.
const demoAdmin = "Bu Ratna"

// demoListen is where the demo listens if nobody says where.
const demoListen = "127.0.0.1:8080"

const demoHelp = `Melihatnya bekerja: tiga cerita dengan ponsel sungguhan, lalu server untuk dicoba.
See it work: three stories with real phones, then a server to try, until Ctrl-C.

  lumbung demo [OPTIONS]
  lumbung demo campaign [OPTIONS]   the programme: from 486 registrants to 30 businesses, mentors and a briefing
`

// demo plays the stories on a fresh database and goes on serving it.
func demo(ctx context.Context, args []string, s streams) (err error) {
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	set.SetOutput(s.err)
	seed := set.Uint64("seed", 1, "of the weather and of what people do")
	exit := set.Bool("exit", false, "end after the play")
	listen := set.String("listen", demoListen, "where to serve afterwards, host:port")
	stories := play.Campaign
	if len(args) > 0 && args[0] == "campaign" {
		stories, args = programmeWithPushes, args[1:]
	}
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err.Error()}
	}
	if set.NArg() > 0 {
		return usageError{fmt.Sprintf("not understood: %q", set.Args())}
	}
	folder, err := os.MkdirTemp("", "lumbung-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	tell := play.TellTo(s.out, s.getenv)
	tell.Say("Lumbung keeps what people in the field write, network or not. Watch it do so: real phones, a real server")
	tell.Say("on this machine, a fresh database, a clock that jumps. Times are WIB; names and amounts are invented.")
	if err := stories(ctx, tell, folder, *seed); err != nil {
		if ctx.Err() != nil {
			return nil // somebody had seen enough
		}
		return err
	}
	if *exit {
		return nil
	}
	return demoServe(ctx, tell, folder, *listen, s)
}

// programmeWithPushes plays the campaign with phones that ring: at the fake push service,
// which hears of pushes from Firebase's own client.
func programmeWithPushes(ctx context.Context, tell *play.Teller, folder string, seed uint64) (err error) {
	o := play.Options{Clock: clock.At(play.LagawiStart()), Messenger: &play.Post{}}
	if o.Google, err = fcmfake.New(fcmfake.Options{Clock: o.Clock, Seed: seed}); err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h := &http.Server{Handler: o.Google, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ln) }()
	defer func() {
		err = errors.Join(err, h.Close())
		if bad := <-ended; !errors.Is(bad, http.ErrServerClosed) {
			err = errors.Join(err, bad)
		}
	}()
	url := "http://" + ln.Addr().String()
	credentials, err := o.Google.Credentials(url)
	if err != nil {
		return err
	}
	sender, err := fcm.New(ctx, fcm.Options{Credentials: credentials, Endpoint: url, Transport: &http.Transport{MaxIdleConnsPerHost: 64}})
	if err != nil {
		return err
	}
	o.Push = map[string]notify.Sender{fcm.Provider: sender}
	return play.Programme(ctx, tell, folder, seed, o)
}

// demoServe starts the database of the play anew, on the clock of this machine,
// as after a restart.
func demoServe(ctx context.Context, tell *play.Teller, folder, listen string, s streams) error {
	ln, err := demoListener(ctx, listen)
	if err != nil {
		return err
	}
	cfg := play.Settings(play.Database(folder))
	cfg.Listen, cfg.PublicURL, cfg.ShutdownGrace = ln.Addr().String(), "http://"+ln.Addr().String(), 5*time.Second
	limits := auth.DefaultLimits()
	limits.IdleAccount = math.MaxInt64 // the people of the play were last here in 2022
	a, err := app.New(ctx, cfg, app.Options{Stderr: s.err, Version: programVersion(), Auth: &limits,
		Log: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	secret, err := equip(ctx, a)
	if err == nil {
		invite(tell, cfg.PublicURL, secret)
		err = a.Serve(ctx, ln)
	}
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	return errors.Join(err, a.Close(closing))
}

// equip gives the admin of the play a password and a second factor, and gives the secret
// of the latter.
func equip(ctx context.Context, a *app.App) (string, error) {
	for _, p := range play.Cast() {
		if p.Name != demoAdmin {
			continue
		}
		u, err := a.Auth.Store.UserByPhone(ctx, p.Number)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.Name, err)
		}
		return play.Equip(ctx, a.Auth, u.ID, a.Clock.Now())
	}
	return "", errors.New("nobody is called " + demoAdmin)
}

// demoListener listens where it was told, or at any free port if nobody said
// where and the usual one is taken.
func demoListener(ctx context.Context, listen string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", listen)
	if err != nil && listen == demoListen {
		return lc.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	return ln, err
}

// invite says how to look around.
func invite(tell *play.Teller, url, secret string) {
	tell.Title("Now it is your turn")
	tell.Say("The server goes on with the same data at %s until you press Ctrl-C.", url)
	tell.Say("\nLog in as one of these; for demo numbers the one-time code is always %s:\n", play.Code)
	table := [][]string{{"phone number", "who", "part"}}
	for _, p := range play.Cast() {
		if name := p.Name; name == "Bu Rafika" || name == "Bu Sinta" || name == demoAdmin {
			table = append(table, []string{p.Number, name, p.Part})
		}
	}
	tell.Table(table...)
	tell.Say("\nBy code %s is nobody special. Her rights as an admin need POST /v1/auth/password with the password %q and a code", demoAdmin, play.Password)
	tell.Say("of an authenticator app with the secret %s (or: oathtool --totp -b SECRET), from the next half minute on.", secret)
	tell.Say("\nThe API, to read and to try: %s/docs", url)
	tell.Say("\nFrom a shell, as Bu Rafika (paste it as it is):\n")
	tell.Say("%s", strings.ReplaceAll(firstCurl, "URL", url))
	tell.Say("\nThe last line is the sync of a phone that has nothing yet. How an app goes on from there: docs/protocol.md.")
}

// firstCurl logs in and syncs.
const firstCurl = `C=$(curl -s URL/v1/auth/code -H 'Content-Type: application/json' \
  -d '{"phone":"+628117000001"}' | sed 's/.*"challenge":"\([^"]*\)".*/\1/')
T=$(curl -s URL/v1/auth/login -H 'Content-Type: application/json' \
  -d '{"challenge":"'$C'","phone":"+628117000001","code":"` + play.Code + `","device":{"install_id":"0190aaaa-0000-4000-8000-00000000c041"}}' \
  | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -s URL/v1/businesses -H "Authorization: Bearer $T"; echo
curl -s URL/v1/sync -H "Authorization: Bearer $T" -H 'Content-Type: application/json' \
  -d '{"clock":{"wall":"2022-06-17T08:00:00Z","mono_ms":1,"boot":"curl"}}'; echo`
