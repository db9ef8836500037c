// Package play lets people play the stories of the house against the whole
// program: real phones (package client) and a real server over HTTP on this
// machine, with a clock that jumps from one evening to the next and a network
// that loses, repeats and cuts answers. The demo tells what it sees; the tests
// hold it to the numbers.
package play

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/lumbung-ikm/lumbung/api"
	"github.com/lumbung-ikm/lumbung/app"
	"github.com/lumbung-ikm/lumbung/auth"
	"github.com/lumbung-ikm/lumbung/client/replica"
	"github.com/lumbung-ikm/lumbung/clock"
	"github.com/lumbung-ikm/lumbung/config"
	"github.com/lumbung-ikm/lumbung/domain"
	"github.com/lumbung-ikm/lumbung/id"
	"github.com/lumbung-ikm/lumbung/internal/fcmfake"
	"github.com/lumbung-ikm/lumbung/notify"
	"github.com/lumbung-ikm/lumbung/store"
	"github.com/lumbung-ikm/lumbung/sync/merge"
)

// Code is the one-time code of everybody in the cast: their numbers are test
// numbers, to which nothing is sent.
const Code = "482915"

// Options say where a world lives. Path is needed unless Store is given.
type Options struct {
	Path     string         // of the database file, which is made, or the address of MongoDB
	Store    store.Store    // instead of a file; given with Identity
	Identity store.Identity //
	Pepper   string         // of the server; "" makes one, or takes that beside the file
	Seed     uint64         // of the weather and of what people do
	Repeat   int            // how often every phone sends every request; 0 and 1: once
	Late     bool           // a copy of each sync arrives once more, behind the next one of its phone

	Crowd   int      // how many owners there are besides the cast
	Numbers []string // of more people, who can log in with Code

	Clock     *clock.Fixed             // set to when the world begins, and shared with what rings in it; nil: one of its own
	Push      map[string]notify.Sender // of pushes; nil: they go into a log that nobody reads
	Google    *fcmfake.Server          // the push service that Push sends to: who logs in names a phone there; nil: nobody does
	Messenger notify.Messenger         // takes results by WhatsApp for people without a phone that rings; nil: nobody does

	Log  *slog.Logger // of the server; nil: nobody reads it
	Rand io.Reader    // of the server; nil: the machine's. Safe for concurrent use

	EditsPerDevice api.Rate // that the server takes; zero: as many as there are

	Schema *merge.Schema // of the server and of the apps; nil: domain.Catalogue

	// Local makes the database of a phone; nil keeps it in memory.
	Local func(name string) (replica.Local, error)
}

// World is a server, the people of the cast and their phones. One goroutine
// plays; what it does happens in the order it is done.
type World struct {
	App    *app.App
	URL    string
	Clock  *clock.Fixed
	Schema *merge.Schema

	o      Options
	rng    *rand.Rand
	served chan error
	phones []*Phone
	people map[string]*Person
	keys   int
}

// wib is the zone of the stories, UTC+7.
func wib() *time.Location { return time.FixedZone("WIB", 7*60*60) }

// Settings is the configuration of a world, for whoever goes on serving its
// database afterwards.
func Settings(path string) config.Config {
	cfg := config.Default()
	cfg.Store, cfg.Listen, cfg.TestNumbers = path, "127.0.0.1:0", map[string]string{}
	if cfg.Mongo() {
		cfg.Pepper = "a pepper of a story, not of anything real"
	}
	for _, p := range cast() {
		cfg.TestNumbers[p.Number] = Code
	}
	return cfg
}

// Open starts a server on 127.0.0.1 whose clock stands at the given instant.
func Open(ctx context.Context, at time.Time, o Options) (_ *World, err error) {
	if o.Clock == nil {
		o.Clock = clock.At(at)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	w := &World{Clock: o.Clock, o: o, rng: rand.New(rand.NewPCG(o.Seed, 2)), served: make(chan error, 1), people: map[string]*Person{}}
	if w.Schema = o.Schema; w.Schema == nil {
		if w.Schema, err = domain.Catalogue(); err != nil {
			return nil, err
		}
	}
	return w, w.start(ctx)
}

// start builds the server on the database of the world and lets it listen.
func (w *World) start(ctx context.Context) (err error) {
	o := w.o
	limits := auth.DefaultLimits()
	many := []auth.Limit{{Max: 1 << 30, Window: time.Hour}} // everybody sits behind one address here
	limits.PerAddress, limits.PerNet, limits.TriesAddress, limits.PerInstall, limits.ActiveDevices = many, many, many, many, 1000
	limits.Argon = auth.Argon{Memory: 64, Passes: 1, Threads: 1} // a story is no safe
	rate := api.Rate{Max: 1 << 30, Per: time.Minute}
	edits := o.EditsPerDevice
	if edits.Max == 0 {
		edits = rate
	}
	cfg := Settings(o.Path)
	for n := range o.Crowd {
		cfg.TestNumbers[crowdNumber(n)] = Code
	}
	for _, n := range o.Numbers {
		cfg.TestNumbers[n] = Code
	}
	if o.Store != nil && o.Rand == nil { // nothing lies beside it that a next server could read
		cfg.Pepper = strings.Repeat("p", 40)
	}
	if o.Pepper != "" {
		cfg.Pepper = o.Pepper
	}
	if o.Messenger != nil {
		cfg.Push.Channels = []string{notify.ChannelWhatsApp}
	}
	w.App, err = app.New(ctx, cfg, app.Options{Clock: w.Clock, Push: o.Push, Messenger: o.Messenger, Rand: o.Rand, Store: o.Store, Identity: o.Identity, Schema: w.Schema, Auth: &limits,
		Log: o.Log, Stderr: io.Discard, Version: "demo", HTTP: api.Limits{PerUser: rate, PerDevice: rate, EditsPerUser: rate, EditsPerDevice: edits, PerIP: rate, Heavy: rate}})
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", w.App.Config.Listen)
	if err != nil {
		return errors.Join(err, w.App.Close(ctx))
	}
	w.URL = "http://" + ln.Addr().String()
	go func() { w.served <- w.App.API.Serve(ln) }()
	return nil
}

// Upgrade stops the server and starts a newer program on the same database, one
// that reads a later catalogue. The apps stay as they are.
func (w *World) Upgrade(ctx context.Context, schema *merge.Schema) error {
	return w.restart(ctx, func() error {
		w.Schema = schema
		return nil
	})
}

// Move stops the server, lets carry bring its database to where path names it, and
// starts the server there.
func (w *World) Move(ctx context.Context, path string, carry func() error) error {
	return w.restart(ctx, func() error {
		w.o.Path, w.o.Store, w.o.Identity = path, nil, nil
		return carry()
	})
}

// restart does something while no server runs.
func (w *World) restart(ctx context.Context, do func() error) error {
	for _, p := range w.phones {
		p.pipe.CloseIdleConnections()
	}
	if err := w.stop(ctx); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	for _, p := range w.phones {
		p.HTTP.Base = w.URL
	}
	return nil
}

// stop ends the server in order.
func (w *World) stop(ctx context.Context) error {
	errs := []error{w.App.API.Stop(ctx)}
	select {
	case err := <-w.served:
		errs = append(errs, err)
	case <-ctx.Done():
		errs = append(errs, ctx.Err())
	}
	return errors.Join(append(errs, w.App.Close(ctx))...)
}

// Close stops the server and writes what it still holds. The database stays.
func (w *World) Close(ctx context.Context) error {
	var errs []error
	for _, p := range w.phones {
		p.pipe.CloseIdleConnections()
		errs = append(errs, p.Local.Close())
	}
	return errors.Join(append(errs, w.stop(ctx))...)
}

// At moves the clock to an hour of a day in April, May or June 2022, WIB. It
// never moves back.
func (w *World) At(month time.Month, day, hour, minute int) {
	if t := time.Date(2022, month, day, hour, minute, 0, 0, wib()); t.After(w.Clock.Now()) {
		w.Clock.Set(t)
	}
}

// Step lets the server do what it does behind its answers: notices, quarantine
// and review queues.
func (w *World) Step(ctx context.Context) error { return w.App.Step(ctx) }

// Sync lets phones sync one after the other, and the server finish its work
// after each.
func (w *World) Sync(ctx context.Context, phones ...*Phone) error {
	for _, p := range phones {
		if err := p.Sync(ctx); err != nil {
			return fmt.Errorf("%s syncs: %w", p.Name, err)
		}
		if err := w.Step(ctx); err != nil {
			return err
		}
		w.Clock.Advance(time.Second)
	}
	return nil
}

// Rows reads what the server holds of a scope: the live records of a collection,
// in the order of their last change.
func (w *World) Rows(ctx context.Context, scope, collection string) ([]merge.Row, error) {
	head, err := w.App.Store.Head(ctx, scope)
	if errors.Is(err, store.ErrAbsent) {
		return nil, nil
	}
	var at store.Position
	var out []merge.Row
	for more := err == nil; more; {
		page, err := w.App.Store.Changed(ctx, scope, at, head.Applied, head.Applied, 1<<20)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", scope, err)
		}
		for i := range page.Records {
			r := &page.Records[i]
			at = store.Position{Version: r.Version, Key: r.Key()}
			if r.Collection != collection || r.Deleted {
				continue
			}
			row, err := rowOf(r)
			if err != nil {
				return nil, err
			}
			out = append(out, row)
		}
		more = page.More
	}
	return out, err
}

// NewPhone gives a person an installation of the app, not logged in yet.
func (w *World) NewPhone(who *Person, name string) (*Phone, error) {
	local := replica.Local(&replica.Memory{})
	if w.o.Local != nil {
		var err error
		if local, err = w.o.Local(name); err != nil {
			return nil, err
		}
	}
	return w.phone(who, name, local)
}

func (w *World) phone(who *Person, name string, local replica.Local) (*Phone, error) {
	p := &Phone{Name: name, Who: who, w: w, booted: w.Clock.Now().Add(-3 * time.Hour), pipe: &http.Transport{MaxIdleConnsPerHost: 2}}
	p.Sky = &Sky{next: p.pipe, repeat: w.o.Repeat, late: w.o.Late}
	seed := [32]byte{}
	for i := range seed {
		seed[i] = byte(w.rng.Uint32())
	}
	ids := id.Maker{Clock: phoneClock{p}, Rand: rand.NewChaCha8(seed)}
	p.install = ids.New()
	p.HTTP = &replica.HTTP{Base: w.URL, Client: &http.Client{Timeout: 30 * time.Second, Transport: p.Sky}}
	p.Client = &replica.Client{Local: local, Schema: w.Schema, Clock: p, IDs: ids, App: "1.4.2", Server: p.HTTP}
	p.HTTP.Phone = p.Client
	w.phones = append(w.phones, p)
	return p, p.Open()
}
