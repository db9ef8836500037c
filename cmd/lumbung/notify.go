package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/notify/fcm"
	"github.com/lumbung-ikm/lumbung/notify/webhook"
	"github.com/lumbung-ikm/lumbung/notify/webpush"
	"github.com/lumbung-ikm/lumbung/store"
)

const notifyHelp = `Dorongan ke ponsel dan pesan WhatsApp/SMS. / Pushes to phones, and messages by WhatsApp or SMS.

  lumbung notify test [SETTINGS]                   menanyai tiap penyedia, tanpa mengirim apa pun / asks each provider, and sends nothing
  lumbung notify test -address TOKEN [SETTINGS]    juga apakah alamat ini diterima / also whether it would take this address
  lumbung notify keys                              sepasang kunci untuk web push / a pair of keys for web push

TOKEN adalah token pendaftaran FCM, atau langganan web push sebagai JSON. Satu baris untuk tiap penyedia; status 1 bila ada yang gagal.
TOKEN is a registration token of FCM, or a subscription of web push as JSON. One line for each provider; status 1 if one fails.
`

// notifyCommand tests providers and makes keys.
func notifyCommand(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 {
		return usageError{"which action? \"lumbung help notify\" lists them"}
	}
	switch args[0] {
	case "test":
		return notifyTest(ctx, args[1:], s)
	case "keys":
		if len(args) > 1 {
			return usageError{"keys takes no arguments"}
		}
		return notifyKeys(s)
	}
	return usageError{"there is no action " + args[0]}
}

// notifyKeys makes a pair for web push.
func notifyKeys(s streams) error {
	keys, err := webpush.NewKeys(rand.Reader)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "LUMBUNG_VAPID_KEY=%s\n", keys.Private)
	fmt.Fprintf(s.err, "Kunci publik untuk aplikasi / the public key, for apps (applicationServerKey): %s\n"+
		"Yang pertama rahasia. Bila diganti, semua langganan berakhir. / The first one is a secret. With another one every subscription ends.\n", keys.Public)
	return nil
}

// testWithin is how long a provider may take for its test.
const testWithin = 20 * time.Second

// trial is the test of one provider.
type trial struct {
	name string
	run  func(context.Context) (says string, err error)
}

// notifyTest asks every provider that is set up, and says what each answered.
func notifyTest(ctx context.Context, args []string, s streams) error {
	args, address, err := valueOf(args, "address")
	if err != nil {
		return err
	}
	cfg, err := load(args, s)
	if err != nil {
		return err
	}
	trials, err := trialsOf(ctx, cfg.Push, address)
	if err != nil {
		return err
	}
	if len(trials) == 0 {
		return errors.New("no provider is set up: give LUMBUNG_FCM_CREDENTIALS, LUMBUNG_VAPID_KEY or LUMBUNG_WEBHOOK_URL")
	}
	failed := 0
	for _, t := range trials {
		bound, stop := context.WithTimeout(ctx, testWithin)
		says, err := t.run(bound)
		stop()
		if err != nil {
			failed++
			fmt.Fprintf(s.out, "%-8s gagal / failed: %s\n", t.name, trouble(err))
			continue
		}
		fmt.Fprintf(s.out, "%-8s baik / good: %s\n", t.name, says)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d providers failed", failed, len(trials))
	}
	return nil
}

// trialsOf are the tests of what is set up, and of an address if there is one.
func trialsOf(ctx context.Context, p config.Push, address string) (all []trial, err error) {
	broken := func(name string, err error) {
		if err != nil { // the others are asked all the same
			all = append(all, trial{name, func(context.Context) (string, error) { return "", err }})
		}
	}
	google, googleErr := firebase(ctx, p)
	broken(fcm.Provider, googleErr)
	browsers, browsersErr := browserPush(p)
	broken(webpush.Provider, browsersErr)
	subscription := strings.HasPrefix(strings.TrimSpace(address), "{")
	switch {
	case address != "" && subscription && browsers == nil && browsersErr == nil:
		return nil, usageError{"-address is a subscription, and web push is not set up"}
	case address != "" && !subscription && google == nil && googleErr == nil:
		return nil, usageError{"-address is a token, and FCM is not set up"}
	}
	if google != nil {
		all = append(all, trial{fcm.Provider, func(ctx context.Context) (string, error) {
			if address == "" || subscription {
				return "the service account may send to project " + google.Project(), google.Prove(ctx)
			}
			return "project " + google.Project() + " would take a push to the address", google.Check(ctx, store.Address{Provider: fcm.Provider, Kind: fcm.Token, Value: address})
		}})
	}
	if browsers != nil {
		all = append(all, trial{webpush.Provider, func(ctx context.Context) (string, error) {
			if !subscription {
				return "the key is one; apps subscribe with " + browsers.PublicKey(), nil
			}
			if err := browsers.Valid(webpush.Subscription, address); err != nil {
				return "", err
			}
			return "the push service of the subscription answers", browsers.Check(ctx, store.Address{Provider: webpush.Provider, Kind: webpush.Subscription, Value: address})
		}})
	}
	if p.WebhookURL != "" {
		all = append(all, trial{webhook.Provider, func(ctx context.Context) (string, error) {
			c := webhook.New(webhook.Options{URL: p.WebhookURL, Secret: p.WebhookSecret})
			return "the messaging service takes signed calls", c.Check(ctx, id.Maker{Clock: clock.System{}, Rand: rand.Reader}.New())
		}})
	}
	return all, nil
}

// trouble is what an operator reads of a failure: its code and cause.
func trouble(err error) string {
	if f, is := errors.AsType[*notify.Failure](err); is {
		return fmt.Sprintf("%s (%v)", f.Code, f.Cause)
	}
	return err.Error()
}

// valueOf takes an option with a value out of the arguments.
func valueOf(args []string, name string) (rest []string, value string, err error) {
	for i := 0; i < len(args); i++ {
		word := strings.TrimPrefix(strings.TrimPrefix(args[i], "-"), "-")
		switch text, given := strings.CutPrefix(word, name+"="); {
		case given && word != args[i]:
			value = text
		case word == name && word != args[i]:
			if i++; i == len(args) {
				return nil, "", usageError{"-" + name + " wants a value"}
			}
			value = args[i]
		default:
			rest = append(rest, args[i])
		}
	}
	return rest, value, nil
}
