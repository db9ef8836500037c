package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
)

const fcmFakeHelp = `Layanan dorongan tiruan dengan ponsel, untuk pembuat aplikasi. / A push service with phones, for who builds an app.

  lumbung fcm-fake [OPTIONS]

Berlaku seperti Firebase Cloud Messaging, di mesin ini; setiap dorongan yang sampai ditampilkan. Lihat docs/push.md.
Behaves as Firebase Cloud Messaging does, on this machine; every push that arrives is shown. See docs/push.md.
`

// fcmFake serves the fake until ctx ends.
func fcmFake(ctx context.Context, args []string, s streams) error {
	f := flag.NewFlagSet("lumbung fcm-fake", flag.ContinueOnError)
	f.SetOutput(s.err)
	listen := f.String("listen", "127.0.0.1:9099", "`address` to listen on, host:port")
	project := f.String("project", "demo", "`name` of the project")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err.Error()}
	}
	if f.NArg() > 0 {
		return usageError{fmt.Sprintf("not understood: %q", f.Args())}
	}
	fake, err := fcmfake.New(fcmfake.Options{Project: *project, Seen: func(address string, d fcmfake.Delivery) { showPush(s.out, address, d) }})
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	url := "http://" + ln.Addr().String()
	fmt.Fprintf(s.out, `Project %s at %s

  curl -s %[2]s/fake/credentials > fcm.json
  LUMBUNG_FCM_CREDENTIALS_FILE=fcm.json LUMBUNG_FCM_ENDPOINT=%[2]s lumbung serve
  curl -s -X POST %[2]s/fake/phones                 # ponsel baru dan alamatnya / a new phone, and its address
  curl -s %[2]s/fake/phones                         # apa yang dilihat tiap ponsel / what each phone has seen

`, *project, url)
	h := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ln) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return h.Close()
	}
}

// showPush prints a push as its phone got it.
func showPush(w io.Writer, address string, d fcmfake.Delivery) {
	c := d.Content
	priority, title, body := "normal", "(no card: data for the app)", ""
	if c.Android != nil && c.Android.Priority != "" {
		priority = strings.ToLower(c.Android.Priority)
	}
	if c.Notification != nil {
		title, body = c.Notification.Title, c.Notification.Body
	}
	fmt.Fprintf(w, "%s  …%s  %s, %s  %s | %s  %s\n", d.At.Local().Format(time.TimeOnly), address[max(0, len(address)-8):], c.Data["type"], priority, title, body, c.Data["link"])
}
